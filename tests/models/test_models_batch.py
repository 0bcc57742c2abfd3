"""The score of an input is its own: a model that mixes rows is refused, or asked one at a time."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from kinds import dataset
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from torch import nn

import xaikit
from xaikit.core.errors import InvalidInput, ModelError
from xaikit.core.types import Sample, Target
from xaikit.methods.base import applicable, ask, make_method
from xaikit.models import load_model, save_model, train
from xaikit.models.estimator_model import EstimatorModel
from xaikit.models.neural import NeuralModel
from xaikit.models.trial import dependence
from xaikit.models.wrapping import wrap
from xaikit.study.plan import Plan, make_question

AB = ("a", "b")
RNG = np.random.default_rng(0)
TABLE = {"modality": "table", "sample": RNG.normal(size=4), "background": RNG.normal(size=(10, 4))}
SERIES = {
    "modality": "series",
    "layout": "BLC",
    "sample": RNG.normal(size=(12, 2)).astype(np.float32),
    "background": RNG.normal(size=(6, 12, 2)).astype(np.float32),
}
IMAGE = {
    "modality": "image",
    "sample": RNG.random((12, 12, 1)).astype(np.float32),
    "background": RNG.random((6, 12, 12, 1)).astype(np.float32),
}


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


class Recurrent(nn.Module):
    def __init__(self, kind, batch_first):
        super().__init__()
        self.body = kind(2, 8, batch_first=batch_first)
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        return self.head(self.body(x)[0][:, -1])


class Does(nn.Module):
    """A linear layer after whatever is done to the batch."""

    def __init__(self, does):
        super().__init__()
        self.does, self.head = does, nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.does(x))


def conv(norm):
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), norm, nn.ReLU(), nn.Conv2d(4, 4, 3), nn.AdaptiveAvgPool2d(4),
        nn.Flatten(), nn.Linear(64, 2),
    )  # fmt: skip


class Words(nn.Module):
    """The mean over all tokens, padding too when `valid` is not asked for."""

    def __init__(self):
        super().__init__()
        self.embed, self.head = nn.Embedding(9, 4), nn.Linear(4, 2)

    def forward(self, ids):
        return self.head(self.embed(ids).mean(1))


class Masked(Words):
    def forward(self, ids, valid):
        kept = self.embed(ids) * valid[..., None]
        return self.head(kept.sum(1) / valid.sum(1, keepdim=True))


def encode(words):
    return [1 + len(w) % 8 for w in words], list(range(len(words)))


TEXT = {"modality": "text", "encode": encode, "sample": np.array(["a", "long", "text", "is", "it"])}


class Normaliser:
    """As scikit-learn's estimators look, and scales by the batch."""

    classes_ = np.arange(2)

    def predict(self, x):
        return self.predict_proba(x).argmax(axis=1)

    def predict_proba(self, x):
        p = 1 / (1 + np.exp(-(x / np.abs(x).max())[:, 0]))
        return np.stack([1 - p, p], axis=1)


MIXING = {
    "lstm": (lambda: Recurrent(nn.LSTM, False), SERIES),
    "gru": (lambda: Recurrent(nn.GRU, False), SERIES),
    "batch norm 2d": (lambda: conv(nn.BatchNorm2d(4, track_running_stats=False)), IMAGE),
    "batch norm 1d": (lambda: Does(nn.BatchNorm1d(4, track_running_stats=False)), TABLE),
    "mean": (lambda: Does(lambda x: x - x.mean(0, keepdim=True)), TABLE),
    "sorted": (lambda: Does(lambda x: x.cumsum(0)), TABLE),
    "attends to the batch": (lambda: Does(lambda x: (x @ x.T).softmax(1) @ x), TABLE),
    "function": (lambda: lambda x: (x / x.max())[:, :2] * 5 - 2, TABLE),
    "estimator": (lambda: Normaliser(), TABLE),
    "padding": (lambda: Words(), TEXT),
}


@pytest.mark.parametrize("name", MIXING)
def test_a_score_that_depends_on_the_batch_is_refused(name) -> None:
    make, given = MIXING[name]
    if name.startswith("batch norm 1d"):
        text = "Expected more than 1 value.*that it reads a batch of one"  # it cannot even be asked alone
    else:
        text = r"depends on the batch: beside other inputs it differs by [\d.e-]+, where [\d.e-]+ .*batch_first, and batch normalisation without running statistics.*batch='single'"
    with pytest.raises(ModelError, match=text):
        wrap(make(), classes=AB, **given)


SOUND = {
    "lstm": (lambda: Recurrent(nn.LSTM, True), SERIES),
    "batch norm": (lambda: conv(nn.BatchNorm2d(4)), IMAGE),
    "dropout": (lambda: Does(nn.Dropout(0.5)), TABLE),
    "deep": (
        lambda: Does(nn.Sequential(*itertools.chain(*[(nn.Linear(4, 4), nn.Tanh())] * 60))),
        TABLE,
    ),
    "function": (lambda: lambda x: x[:, :2] * 5 - 2, TABLE),
    "float32 inside": (
        lambda: lambda x: (x.astype(np.float32) @ np.ones((4, 2), np.float32)) * 3,
        TABLE,
    ),
    "estimator": (lambda: LogisticRegression().fit(TABLE["background"], np.arange(10) % 2), TABLE),
    "padding": (lambda: Masked(), TEXT),
}


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_model_passes_in_training_mode_too(name) -> None:
    make, given = SOUND[name]
    net = make()
    if isinstance(net, nn.Module):
        net.train()
    model = wrap(net, classes=AB, outputs=None if name == "estimator" else "logits", **given)
    if isinstance(net, nn.Module):
        assert all(m.training for m in net.modules())
    xs = given.get("background", [given["sample"], given["sample"][:2]])
    alone = np.concatenate([model.scores([x]) for x in xs])
    np.testing.assert_allclose(model.scores(xs), alone, atol=1e-5)


@pytest.mark.parametrize(
    "noisy",
    [
        Does(lambda x: F.dropout(x, 0.5, training=True)),
        Does(lambda x: x + 0.01 * torch.randn_like(x)),
        lambda x, rng=np.random.default_rng(0): x[:, :2] * 5 + rng.normal(0, 0.01, (len(x), 2)),  # noqa: B008
    ],
)
@pytest.mark.parametrize("batch", ["many", "single"])
def test_a_random_model_is_refused_by_that_name(noisy, batch) -> None:
    with pytest.raises(
        ModelError, match=r"not deterministic: the same input scored twice differs by"
    ):
        wrap(noisy, classes=AB, batch=batch, **TABLE)


class Stacked(Does):
    def forward(self, x):
        return self.head(x.reshape(1, -1)[:, :4])


def test_a_module_that_reads_one_row_only_says_so() -> None:
    with pytest.raises(ModelError, match=r"depends on the batch"):
        wrap(Stacked(nn.Identity()), classes=AB, **TABLE)
    model = wrap(Stacked(nn.Identity()), classes=AB, batch="single", outputs="logits", **TABLE)
    assert model.scores(TABLE["background"]).shape == (10, 2)


METHODS = (
    "saliency", "input_x_gradient", "integrated_gradients", "smoothgrad", "gradient_shap", "gradcam",
    "hirescam", "occlusion", "shap", "lime", "kernel_shap",
)  # fmt: skip


@pytest.mark.parametrize("batch_size", [None, 16])
def test_one_row_at_a_time_every_method_is_right(batch_size) -> None:
    """Batch normalisation over one picture is instance normalisation, which mixes no rows."""
    mixing = conv(nn.BatchNorm2d(4, track_running_stats=False))
    sound = conv(nn.InstanceNorm2d(4, affine=True))
    sound.load_state_dict(mixing.state_dict())
    given = {"classes": AB, "outputs": "logits", **IMAGE}
    single, plain = wrap(mixing, batch="single", **given), wrap(sound, **given)
    xs = list(IMAGE["background"][:2])
    np.testing.assert_allclose(single.scores(xs), plain.scores(xs), atol=1e-5)
    samples = [Sample(f"s{i}", x, "image") for i, x in enumerate(xs)]
    plan = Plan(target="b", features="patches:6", batch_size=batch_size)
    assert {m for m, why in applicable(single).items() if why is None} >= set(METHODS)
    for name in METHODS:
        found, right = (
            ask(make_method(name), [make_question(model, s, plan) for s in samples], seed=0)
            for model in (single, plain)
        )
        for a, b in zip(found, right, strict=True):
            scale = np.abs(b.values).max()
            np.testing.assert_allclose(a.values, b.values, atol=1e-3 * scale, err_msg=name)
    assert not np.allclose(mixing(torch.rand(2, 1, 12, 12))[0].detach(), 0)


def test_shap_of_a_function_asked_one_row_at_a_time() -> None:
    """Against all 16 coalitions of the function itself, each asked alone."""
    mixing = lambda x: (x / np.abs(x).sum())[:, :2] * 5  # noqa: E731
    model = wrap(mixing, classes=AB, batch="single", outputs="logits", **TABLE)
    x, background = TABLE["sample"], TABLE["background"]
    sample = Sample("s", x, "table")
    (found,) = xaikit.explain(
        model, sample, methods=["exact_shapley"], target=Target(1, space="value")
    )

    def value(mask):
        rows = [np.where(mask, x, r)[None] for r in background]
        return np.mean([mixing(row)[0, 1] for row in rows])

    shares = np.zeros(4)
    for order in itertools.permutations(range(4)):
        mask = np.zeros(4, bool)
        for i in order:
            before = value(mask)
            mask[i] = True
            shares[i] += (value(mask) - before) / 24
    np.testing.assert_allclose(found.values, shares, atol=1e-9)


def test_an_estimator_asked_one_row_at_a_time() -> None:
    model = wrap(Normaliser(), classes=AB, batch="single", **TABLE)
    alone = np.concatenate([Normaliser().predict_proba(x[None]) for x in TABLE["background"]])
    np.testing.assert_allclose(softmax(model.scores(TABLE["background"]), 1), alone, atol=1e-9)


def test_texts_of_other_lengths_one_at_a_time() -> None:
    net = Words()
    model = wrap(net, classes=AB, batch="single", outputs="logits", **TEXT)
    texts = [np.array(["a", "long"]), TEXT["sample"]]
    alone = [net(torch.tensor([encode(list(t))[0]])).detach().numpy() for t in texts]
    np.testing.assert_allclose(model.scores(texts), np.concatenate(alone), atol=1e-6)


def test_the_other_spelling_is_refused() -> None:
    with pytest.raises(InvalidInput, match="batch is 'one'; use many, or single"):
        wrap(Does(nn.Identity()), classes=AB, batch="one", **TABLE)


def test_dependence_is_measured_in_both_orders_and_beside_a_longer_text() -> None:
    inputs = [np.array([1.0, 2.0]), np.array([5.0, 1.0])]
    first = lambda xs: np.stack([xs[0][:1] for _ in xs])  # noqa: E731
    found = dependence(first, inputs, 1e-7)
    assert (found.again, found.beside) == (0.0, 4.0)
    largest = lambda xs: np.maximum.accumulate([x[:1] for x in xs])  # noqa: E731
    assert dependence(largest, inputs, 1e-7).beside == 4.0  # 1, 5 are right; 5, 1 become 5, 5
    texts = [np.array(["a", "b", "c"]), np.array(["d", "e", "f"]), np.array(["a"])]
    longest = lambda xs: np.array([[float(max(map(len, xs)))] for _ in xs])  # noqa: E731
    assert dependence(longest, texts, 1e-7).beside == 2.0


@pytest.mark.parametrize("kind", ["net", "forest"])
def test_a_saved_model_that_mixes_rows_is_refused(kind, tmp_path, monkeypatch) -> None:
    name, of = ("mlp", NeuralModel) if kind == "net" else ("forest", EstimatorModel)
    settings = {"epochs": 1} if kind == "net" else {"n_estimators": 3}
    model = train(name, dataset("wine"), progress=False, **settings)
    folder = save_model(model, tmp_path / "model")
    assert load_model(folder).scores([model.background[0]]).shape[0] == 1
    scores = of.scores
    monkeypatch.setattr(of, "scores", lambda self, xs: scores(self, xs) - len(xs))
    with pytest.raises(ModelError, match="depends on the batch.*or train or wrap it again"):
        load_model(folder)
