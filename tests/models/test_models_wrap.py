"""Models that people bring: the scores are theirs, the abilities are found, and misfits are named."""

from __future__ import annotations

import types
from collections import namedtuple

import numpy as np
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from torch import nn
from toy_nets import ask_net

from xaikit.core.abilities import Attentive, Differentiable, Maskable, Spatial, abilities_of
from xaikit.core.errors import InvalidInput, ModelError, NotApplicable
from xaikit.core.question import Masker, Question
from xaikit.core.types import Sample, Segmentation, Target
from xaikit.methods.base import ask
from xaikit.methods.gradient import (
    GradientShap,
    InputXGradient,
    IntegratedGradients,
    SmoothGrad,
)
from xaikit.methods.removal import Occlusion
from xaikit.models.wrapping import wrap

AB = ("a", "b")


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def test_an_image_module_is_scaled_and_laid_out():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 16, 2))
    x = np.random.default_rng(0).random((6, 6, 3)).astype(np.float32)
    model = wrap(
        net, modality="image", classes=AB, sample=x, mean=(0.1, 0.2, 0.3), std=(1, 2, 4), id="mine"
    )
    scaled = (x - np.array([0.1, 0.2, 0.3])) / np.array([1, 2, 4])
    by_hand = net(torch.tensor(scaled, dtype=torch.float32).permute(2, 0, 1)[None])
    np.testing.assert_allclose(model.scores([x]), by_hand.detach(), atol=1e-5)
    assert model.id == "mine"
    assert model.space == "logit"
    assert model.cam_layer() == "1"
    assert not isinstance(model, Attentive)


class Viewed(nn.Module):
    """Lays its maps out by `view`, which only reads channels that lie one after the other."""

    def __init__(self, channels):
        super().__init__()
        self.conv, self.head = nn.Conv2d(channels, 4, 3), nn.Linear(4 * 16, 2)

    def forward(self, x):
        return self.head(torch.relu(self.conv(x)).view(x.size(0), -1))


@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_module_that_asks_for_a_view(channels):
    net, rng = Viewed(channels), np.random.default_rng(0)
    x = rng.random((6, 6, channels)).astype(np.float32)
    model = wrap(net, modality="image", classes=AB, sample=x)
    by_hand = net(torch.tensor(x).permute(2, 0, 1).contiguous()[None])
    np.testing.assert_allclose(model.scores([x]), by_hand.detach(), atol=1e-6)
    segmentation = Segmentation(np.arange(36).reshape(6, 6), tuple(map(str, range(36))), "pixels")
    question = Question(
        model, Sample("s", x, "image"), segmentation, Masker("0", np.zeros((1, 6, 6, channels))),
        Target(0, space="logit"),
    )  # fmt: skip
    masks = rng.random((5, 36)) < 0.5
    masked = np.where(masks.reshape(5, 6, 6, 1), x, 0)
    expected = question.target(model.scores(masked.astype(np.float32)))
    np.testing.assert_allclose(question.value(masks), expected, atol=1e-6)
    (saliency,) = ask(SmoothGrad(), [question])
    assert np.abs(saliency.values).max() > 0


@pytest.mark.parametrize("layout", ["BLC", "BCL"])
def test_a_series_module_is_given_its_layout(layout):
    seen = []

    class Net(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.append(x.shape)
            return x.flatten(1)[:, :2]

    wrap(Net(), modality="series", layout=layout, classes=AB, sample=np.zeros((7, 3)))
    assert {s[1:] for s in seen} == {(7, 3) if layout == "BLC" else (3, 7)}


def test_a_table_module_and_its_probabilities():
    net = nn.Sequential(nn.Linear(2, 2), nn.Softmax(dim=1))
    x = np.array([1.0, -2.0])
    model = wrap(net, modality="table", classes=AB, outputs="probabilities", sample=x)
    by_hand = net(torch.tensor(x, dtype=torch.float32)[None]).log()
    np.testing.assert_allclose(model.scores([x]), by_hand.detach(), atol=1e-6)
    assert model.space == "prob"
    assert abilities_of(model) == ("Maskable", "Differentiable", "Resettable")
    assert net.training  # the module is yours, and stays as it was


def test_a_regressor_gives_values():
    model = wrap(nn.Linear(2, 1), modality="table", sample=np.zeros(2))
    assert (model.space, model.classes) == ("value", ())


VOCABULARY = {"[MASK]": [3], "film": [4], "won": [5], "wonderful": [5, 6]}  # two pieces


def encode(words):
    pieces = [(p, i) for i, w in enumerate(words) for p in VOCABULARY.get(w, [7])]
    return [1, *(p for p, _ in pieces), 2], [None, *(i for _, i in pieces), None]


class TextNet(nn.Module):
    """A brought transformer: CLS pieces SEP, with a padding mask."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(8, 4)
        layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(4, 2)

    def forward(self, ids: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
        return self.head(self.encoder(self.embed(ids), src_key_padding_mask=~valid)[:, 0])


def test_a_text_module_with_pieces_of_words():
    net = TextNet()
    model = wrap(net, modality="text", classes=AB, encode=encode)
    xs = [np.array(["wonderful", "film"]), np.array(["film"])]
    ids = torch.tensor([[1, 5, 6, 4, 2]])
    by_hand = net.eval()(ids, torch.ones(1, 5, dtype=torch.bool)).detach()
    np.testing.assert_allclose(model.scores(xs)[:1], by_hand, atol=1e-6)
    np.testing.assert_allclose(model.scores(xs)[1], model.scores(xs[1:])[0], atol=1e-5)

    leaf = model.leaf(xs)
    rows = torch.tensor([1, 0])
    at = leaf.at[rows].requires_grad_()
    scores = leaf.forward(at, rows)
    np.testing.assert_allclose(scores.detach(), model.scores([xs[1], xs[0]]), atol=1e-5)
    folded = leaf.fold(torch.ones(2, 5, 4), rows)
    assert [f.tolist() for f in folded] == [[4.0], [8.0, 4.0]]  # two pieces of four numbers

    found = model.attention(xs)
    assert found.special.tolist() == [[True, False, False, False, True], [True, False, True, False, False]]  # fmt: skip
    assert found.valid.sum(1).tolist() == [5, 3]
    assert [f.tolist() for f in found.fold(torch.arange(10.0).reshape(2, 5))] == [[3.0, 3.0], [6.0]]
    cam = model.activations(xs)
    assert cam.layer == "encoder.layers.1.norm1"
    assert [f.tolist() for f in cam.fold(torch.arange(10.0).reshape(2, 5))] == [[1.5, 3.0], [6.0]]


def test_gradients_of_words_with_pieces_start_from_as_many_mask_tokens():
    """A removed word of two pieces is two mask tokens, so that references are as long as the text."""
    torch.manual_seed(0)
    net = TextNet()
    model = wrap(net, modality="text", classes=AB, encode=encode)
    question = ask_net(
        model, ["wonderful", "film"], [["[MASK]"] * 2], target=Target(0, space="value")
    )
    with torch.no_grad():
        whole, masked = (
            net.eval()(torch.tensor([ids]), torch.ones(1, len(ids), dtype=bool))[0, 0]
            for ids in ([1, 5, 6, 4, 2], [1, 3, 3, 3, 2])
        )
    (found,) = ask(IntegratedGradients(), [question])
    np.testing.assert_allclose([found.output, found.empty], [whole, masked], atol=1e-5)
    assert abs(found.residual) < 0.01 * abs(float(whole - masked))
    (drawn,) = ask(GradientShap(), [question])
    assert drawn.empty == pytest.approx(float(masked), abs=1e-5)
    shapes = [q.values.shape for q in ask(InputXGradient(), [question])]
    assert shapes == [(2,)]
    assert question.empty != pytest.approx(float(masked), abs=1e-6)  # of one mask a word


def test_references_of_own_words_with_as_many_tokens_are_read_as_they_are():
    torch.manual_seed(0)
    net = TextNet()
    model = wrap(net, modality="text", classes=AB, encode=encode)
    question = ask_net(model, ["film", "won"], [["won", "won"]], target=Target(0, space="value"))
    (found,) = ask(IntegratedGradients(), [question])
    with torch.no_grad():
        other = net.eval()(torch.tensor([[1, 5, 5, 2]]), torch.ones(1, 4, dtype=bool))[0, 0]
    assert found.empty == pytest.approx(float(other), abs=1e-5)
    assert found.values[1] == 0


def test_references_of_another_length_are_refused():
    model = wrap(TextNet(), modality="text", classes=AB, encode=encode)
    sample = Sample("s", np.array(["wonderful", "film"]), "text")
    cut = Segmentation(np.array([0, 1]), ("wonderful", "film"), "words")
    masker = Masker("others", np.array([["won", "film"]]))
    question = Question(
        model=model, sample=sample, segmentation=cut, masker=masker, target=Target(0)
    )
    with pytest.raises(NotApplicable, match="another number of tokens.*choose the masker 'mask'"):
        ask(IntegratedGradients(), [question])


def test_a_mask_word_of_several_tokens_is_no_reference():
    def without_mask(words):
        ids = [1, *([5, 6] if words == ["[MASK]"] else [4] * len(words))]
        return ids, [None, *([0, 0] if words == ["[MASK]"] else range(len(words)))]

    model = wrap(TextNet(), modality="text", classes=AB, encode=without_mask)
    with pytest.raises(NotApplicable, match="cuts the mask word '.MASK.' into 2 tokens"):
        ask(IntegratedGradients(), [ask_net(model, ["film"], [["[MASK]"]])])


class Decoder(TextNet):
    """Reads the last token that is no padding, as its `config` says, and calls its mask by name."""

    def __init__(self) -> None:
        super().__init__()
        self.config = types.SimpleNamespace(pad_token_id=None)

    def forward(self, ids, past=None, attention_mask=None):
        assert past is None
        assert attention_mask.shape == ids.shape
        pad = self.config.pad_token_id
        if pad is None and len(ids) > 1:
            raise ValueError("Cannot handle batch sizes > 1 if no padding token is defined.")
        last = [int((row != pad).nonzero().max()) for row in ids] if pad is not None else [-1]
        states = self.encoder(
            self.embed(ids),
            mask=torch.full((8, 8), -torch.inf).triu(1)[: ids.shape[1], : ids.shape[1]],
        )
        return self.head(states[range(len(ids)), last])


def test_a_decoder_without_padding_token_reads_each_text_to_its_own_end():
    torch.manual_seed(0)
    net = Decoder().eval()
    model = wrap(net, modality="text", classes=AB, encode=encode, reads="last")
    texts = [["film"], ["wonderful", "won", "film"]]
    with torch.no_grad():
        alone = [
            net(torch.tensor([encode(t)[0]]), attention_mask=torch.ones(1, len(encode(t)[0])))[0]
            for t in texts
        ]
    found = model.scores([np.array(t) for t in texts])
    np.testing.assert_allclose(found, np.stack(alone), atol=1e-5)
    assert net.config.pad_token_id is None


def test_smoothgrad_of_words_with_pieces_does_not_depend_on_the_samples_beside():
    """Two words each, of four and of three tokens: padding would change the noise."""
    model = wrap(TextNet(), modality="text", classes=AB, encode=encode)
    texts = (["film", "film"], ["wonderful", "film"], ["film", "film"])
    questions = [ask_net(model, words, name=f"s{i}") for i, words in enumerate(texts)]
    for question, together in zip(questions, ask(SmoothGrad(), questions), strict=True):
        (alone,) = ask(SmoothGrad(), [question])
        np.testing.assert_allclose(together.values, alone.values, rtol=1e-4)
        assert together.extras["noise_sd"] == alone.extras["noise_sd"]


def test_masks_of_words_with_pieces_equal_scores_of_the_words():
    model = wrap(TextNet(), modality="text", classes=AB, encode=encode)
    sample = Sample("s", np.array(["wonderful", "film"]), "text")
    question = Question(
        model=model,
        sample=sample,
        segmentation=Segmentation(np.array([0, 1]), ("wonderful", "film"), "words"),
        masker=Masker("mask", np.array([["[MASK]", "[MASK]"]])),
        target=Target(0, space="value"),
    )
    value = question.value(np.array([[False, True]]))
    assert value == pytest.approx(model.scores([np.array(["[MASK]", "film"])])[:, 0], abs=1e-6)
    assert isinstance(model, Maskable)
    assert isinstance(model, Differentiable)
    assert isinstance(model, Spatial)


def test_a_module_that_gives_an_object_with_logits():
    class Output:
        def __init__(self, logits):
            self.logits = logits

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(8, 2)

        def forward(self, ids):
            return Output(self.embed(ids).mean(1))

    net = Net()  # it reads padding, so it is asked one text at a time
    model = wrap(net, modality="text", classes=AB, encode=encode, batch="single")
    expected = net.embed.weight[[1, 4, 2]].mean(0)
    np.testing.assert_allclose(model.scores([np.array(["film"])])[0], expected.detach(), atol=1e-6)


Pair = namedtuple("Pair", "loss scores")


class Gives(nn.Module):
    """Linear scores somewhere in what it gives."""

    def __init__(self, how) -> None:
        super().__init__()
        self.layer, self.how = nn.Linear(3, 2), how

    def forward(self, x: torch.Tensor):
        return self.how(self.layer(x), x)


@pytest.mark.parametrize(
    ("how", "output", "part"),
    [
        (lambda y, x: (y, x), None, 0),
        (lambda y, x: [y.mean(), y], None, 1),  # a single number has no batch
        (lambda y, x: (x, y), None, 1),  # three columns are not two classes
        (lambda y, x: (y * 0, y), 1, 1),
        (lambda y, x: {"aux": x, "logits": y}, None, "logits"),
        (lambda y, x: {"loss": y.sum(), "out": y}, None, "out"),
        (lambda y, x: {"a": -y, "b": y}, "b", "b"),
        (lambda y, x: Pair(None, y), None, 1),
        (lambda y, x: Pair(-y, y), "scores", "scores"),
        (lambda y, x: types.SimpleNamespace(loss=y.sum(), preds=y), None, "preds"),
        (lambda y, x: types.SimpleNamespace(logits=y), None, None),
        (lambda y, x: y[:, :, None, None], None, None),
    ],
)
def test_scores_are_found_in_what_a_module_gives(how, output, part):
    net = Gives(how)
    background = np.zeros((5, 3))
    model = wrap(net, modality="table", classes=AB, background=background, output=output)
    assert model.part == part
    x = np.array([1.0, -2.0, 3.0])
    target = Target(1, space="value")
    question = ask_net(model, x, background[:1], target=target)
    right = net.layer.weight[1].detach().numpy() * x
    for method in (Occlusion(), IntegratedGradients()):
        (found,) = ask(method, [question])
        np.testing.assert_allclose(found.values, right, atol=1e-5)


@pytest.mark.parametrize(
    ("how", "output", "text"),
    [
        (lambda y, x: {"a": y}, "b", r"output is 'b' and the module gives a dict of 'a' \(2, 2\)"),
        (lambda y, x: (y.sum(), None), None, r"gives a tuple of 0 \(\), 1 NoneType; let it give"),
        (lambda y, x: y.argmax(1), None, r"gives torch.int64, and scores are floating-point"),
        (lambda y, x: y.detach().numpy(), None, r"gives a ndarray; let it give one tensor"),
        (lambda y, x: y[:, :, None].expand(-1, -1, 4), None, r"scores of shape \(\d+, 2, 4\)"),
    ],
)
def test_what_holds_no_scores_is_told(how, output, text):
    with pytest.raises(ModelError, match=text):
        wrap(Gives(how), modality="table", classes=AB, background=np.zeros((5, 3)), output=output)


def test_output_is_for_modules():
    with pytest.raises(InvalidInput, match="output is 1 and is for torch modules"):
        wrap(lambda x: x, modality="table", background=np.zeros((2, 2)), output=1)


def test_a_scikit_learn_estimator_of_a_table():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 3)), rng.integers(0, 2, 60)
    forest = RandomForestClassifier(5, random_state=0).fit(x, y)
    model = wrap(forest, modality="table", classes=AB, background=x)
    assert "Trees" in abilities_of(model)
    np.testing.assert_allclose(
        np.exp(model.scores(list(x[:4]))), forest.predict_proba(x[:4]).clip(1e-7), rtol=1e-6
    )
    named = LogisticRegression().fit(x, np.array(["no", "yes"])[y])
    model = wrap(named, modality="table", classes=("no", "yes"), background=x)
    np.testing.assert_allclose(np.exp(model.scores(list(x[:4]))), named.predict_proba(x[:4]))


def test_a_scikit_learn_pipeline_of_texts_reads_joined_words():
    texts = ["good film", "bad film", "good", "bad"]
    pipeline = make_pipeline(CountVectorizer(), LogisticRegression()).fit(texts, [1, 0, 1, 0])
    model = wrap(pipeline, modality="text", classes=("neg", "pos"))
    found = model.scores([np.array(["good", "film"]), np.array(["bad"])])
    np.testing.assert_allclose(np.exp(found), pipeline.predict_proba(["good film", "bad"]))


def test_a_function():
    model = wrap(
        lambda x: np.stack([x[:, 0], 1 - x[:, 0]], axis=1),
        modality="table",
        classes=AB,
        outputs="probabilities",
        sample=np.array([0.25]),
    )
    np.testing.assert_allclose(model.scores([np.array([0.25])]), np.log([[0.25, 0.75]]))
    assert abilities_of(model) == ()
    plain = wrap(lambda x: x.sum(1), modality="table", sample=np.zeros(3))
    assert plain.scores([np.ones(3)]).tolist() == [[3.0]]


LINEAR = nn.Linear(2, 2)
nn.init.constant_(LINEAR.bias, -1.0)
MISFITS = [
    (LINEAR, {"modality": "sound"}, InvalidInput, r"modality 'sound' is unknown; use image"),
    (LINEAR, {"outputs": "values"}, InvalidInput, r"outputs is 'values' with 2 classes"),
    (LINEAR, {"classes": ()  , "outputs": "logits"}, InvalidInput, r"outputs is 'logits' with 0 classes"),
    (LINEAR, {"sample": None}, InvalidInput, r"to try a table model one input is needed"),
    (LINEAR, {"sample": np.zeros((2, 2))}, InvalidInput, r"sample 'sample' has shape \(2, 2\)"),
    (LINEAR, {"sample": np.zeros(3)}, ModelError, r"the module fails on one sample of shape \(3,\) \(mat1"),
    (LINEAR, {"mean": (1.0,)}, InvalidInput, r"mean is \(1.0,\); give 2 finite numbers"),
    (LINEAR, {"std": (1.0, 0.0)}, InvalidInput, r"std is \(1.0, 0.0\); give 2 finite numbers above 0"),
    (LINEAR, {"classes": ("a", "b", "c")}, ModelError, r"gave scores of shape \(9, 2\) for 9 input\(s\) of 3 class"),
    (nn.Linear(2, 1), {"classes": ("a", "b", "c")}, ModelError, r"gave scores of shape \(9, 1\) for 9 input\(s\) of 3 class"),
    (LINEAR, {"outputs": "probabilities"}, ModelError, r"which are no probabilities"),
    (LINEAR, {"modality": "series", "sample": np.zeros((2, 2))}, InvalidInput, r"layout is None; a series"),
    (LINEAR, {"modality": "text"}, InvalidInput, r"a text module needs encode"),
    (LINEAR, {"modality": "text", "sample": None, "encode": encode}, ModelError, r"no nn.Embedding"),
    (3, {}, InvalidInput, r"a int is no model; give a torch module"),
    (lambda x: x, {"mean": (0, 0)}, InvalidInput, r"mean, std, layout and encode are for torch modules"),
    (lambda x: x[0], {}, ModelError, r"gave scores of shape \(2,\) for 1 input\(s\) of 2 class\(es\); give \(1, 2\)"),
    (lambda x: x * np.nan, {}, ModelError, r"gave NaN or infinity for one sample"),
    (RidgeClassifier().fit([[0.0, 0], [1, 1]], ["a", "b"]), {}, ModelError, r"a RidgeClassifier gives no probabilities"),
]  # fmt: skip


@pytest.mark.parametrize(("thing", "changes", "error", "text"), MISFITS)
def test_misfits_are_named(thing, changes, error, text):
    arguments = {"modality": "table", "classes": AB, "sample": np.zeros(2), **changes}
    with pytest.raises(error, match=text):
        wrap(thing, **arguments)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (([1, 2], [None]), r"encode gave 2 token ids and 1 word positions"),
        (([1, 2], [0, 9]), r"encode gave the word position 9 for 4 words; positions are 0 to 3"),
        (([], []), r"encode gave 0 token ids"),
    ],
)
def test_a_wrong_encode_is_named(answer, text):
    with pytest.raises(ModelError, match=text):
        wrap(TextNet(), modality="text", classes=AB, encode=lambda _: answer)
