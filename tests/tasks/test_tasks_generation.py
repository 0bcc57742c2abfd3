"""Generation: properties worked by hand, planted latents that are found, and a net that learns pictures."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import xaikit
from xaikit.core.errors import InvalidInput, NotApplicable, UnknownName
from xaikit.core.types import Sample
from xaikit.data import load_data
from xaikit.data.latents import latents_of
from xaikit.models.realism import frechet
from xaikit.tasks import PROPERTIES, Generation
from xaikit.tasks.generation import pictures

CODES = np.random.default_rng(0).normal(size=(40, 4))


class Planted(nn.Module):
    """Latents 0 and 1 make a picture of 6 x 6 px brighter; 2 says in which column, 3 nothing. The twin moves
    the same brightness from row to row instead."""

    def __init__(self, twin: bool = False) -> None:
        super().__init__()
        self.twin = twin

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        light = 0.5 + 0.1 * z[:, 0] - 0.05 * z[:, 1]
        place = nn.functional.one_hot((z[:, 2] > 0).long() * 3 + 1, 6).to(z)
        rows = torch.full((len(z), 6), 1 / 6).to(z)
        if self.twin:
            light, rows = torch.full_like(light, 0.5), torch.softmax(z[:, :1] * torch.arange(6), 1)
        return (light[:, None, None] * rows[:, :, None] * place[:, None, :])[:, None]


def wrapped(twin: bool = False) -> xaikit.Model:
    return xaikit.wrap(Planted(twin), modality="table", task="generation", background=CODES)


def test_properties_by_hand() -> None:
    made = np.zeros((2, 1, 5, 4))
    made[0, 0, 0, 3] = made[0, 0, 4, 1] = 1.0  # 4 px up, 2 px to the right
    made[1, 0, 2, 1:3] = 0.5
    task = Generation(("brightness", "slant", "width", "height"))
    rows = task.scores(made, None)
    assert np.allclose(rows, [[0.1, 0.5, 1, 2], [0.05, 0, 0.5, 0]], atol=2e-3)
    assert np.allclose(task.scores(torch.tensor(made), None).numpy(), rows, atol=1e-12)
    assert np.array_equal(task.scores(made[:, 0], None), rows)  # (B, H, W) is one channel
    black = task.scores(np.zeros((1, 1, 5, 4)), None)
    assert np.isfinite(black).all()
    assert black[0, 0] == 0


@pytest.mark.parametrize("method", ["shap", "occlusion", "integrated_gradients"])
def test_the_latents_that_decide_are_found_exactly(method: str) -> None:
    code = Sample("code", np.array([1.0, 2.0, 0.5, 3.0]), "table")
    (e,) = xaikit.explain(wrapped(), code, method)
    off = code.x - CODES.mean(axis=0)
    true = np.array([0.1 * off[0], -0.05 * off[1], 0, 0]) / 36
    assert e.target_names == ("brightness",)
    assert np.allclose(e.values, true, atol=1e-8)
    (e,) = xaikit.explain(wrapped(twin=True), code, method)
    assert np.allclose(e.values, 0, atol=1e-8)


def test_a_net_of_ones_own_gives_its_pictures() -> None:
    model = wrapped()
    made = pictures(model, CODES[:3])
    assert made.shape == (3, 1, 6, 6)
    assert np.allclose(made.mean(axis=(1, 2, 3)), model.scores(CODES[:3])[:, 0])
    function = xaikit.wrap(
        lambda z: Planted()(torch.tensor(z)).numpy()[:, 0], modality="table", task="generation",
        names=["brightness", "height"], background=CODES,
    )  # fmt: skip
    assert np.allclose(function.scores(CODES), model.scores(CODES)[:, [0, 3]], atol=1e-6)
    assert np.allclose(pictures(function, CODES[:3]), made, atol=1e-6)


def test_a_property_of_ones_own() -> None:
    name = "left of the middle"
    try:
        PROPERTIES.register(name)(lambda made: made[..., :3].sum((1, 2, 3)))
        model = xaikit.wrap(
            Planted(), modality="table", task="generation", names=[name], background=CODES
        )
        code = Sample("code", np.array([0.0, 0.0, 1.0, 0.0]), "table")  # lies on the right
        (e,) = xaikit.explain(model, code, "shap")
    finally:
        PROPERTIES._entries.pop(name, None)
    assert e.target_names == (name,)
    assert e.values.argmin() == 2


def test_the_distance_of_two_normal_laws() -> None:
    rng = np.random.default_rng(1)
    a = rng.normal(size=(50, 3))
    assert frechet(a, a) == pytest.approx(0, abs=1e-9)
    assert frechet(a, a + np.array([1, 2, 0])) == pytest.approx(5)
    # (C C')^1/2 of C' = 4 C is 2 C, so that the trace of C + 4 C - 4 C is left
    centred = a - a.mean(axis=0)
    assert frechet(centred, 2 * centred) == pytest.approx(np.trace(np.cov(a.T)))
    b = rng.normal(size=(50, 3)) @ rng.normal(size=(3, 3))
    from scipy.linalg import sqrtm

    first, second = np.cov(a.T), np.cov(b.T)
    far = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(
        first + second - 2 * sqrtm(first @ second).real
    )
    assert frechet(a, b) == pytest.approx(far)


@pytest.fixture(scope="module")
def data():
    """Few small pictures, bright on the left or on the right."""
    rng = np.random.default_rng(2)
    side = np.arange(60) % 2
    xs = rng.uniform(0, 0.2, (60, 8, 8, 1)).astype(np.float32)
    xs[side == 0, :, :4] += 0.7
    xs[side == 1, :, 4:] += 0.7
    made = latents_of(load_data((xs, side), modality="image"), n=3)
    return replace(made, train=made.train[:100], test=made.test[:12])


@pytest.fixture(scope="module")
def model(data):
    return xaikit.train("dcgan", data, epochs=2, width=4, batch_size=16, progress=False)


def test_a_generator_is_trained_saved_and_loaded(data, model, tmp_path) -> None:
    state = torch.get_rng_state()
    again = xaikit.train("dcgan", data, epochs=2, width=4, batch_size=16, progress=False)
    assert torch.equal(torch.get_rng_state(), state)
    rows = data.inputs("test")
    assert np.array_equal(again.scores(rows), model.scores(rows))
    model.save(tmp_path / "gan")
    loaded = xaikit.load_model(tmp_path / "gan")
    assert np.array_equal(loaded.scores(rows), model.scores(rows))
    assert loaded.task == model.task
    assert pictures(loaded, rows[:2]).shape == (2, 1, 8, 8)
    test = model.info["metrics"]["test"]
    assert 0 < test["frechet_real"] < test["frechet"]
    assert 0 <= test["rarest"] <= 0.5


def test_the_critic_is_a_model_of_pictures(data, model) -> None:
    critic = xaikit.wrap(
        model.net.critic, modality="image", classes=["made", "real"], outputs="logits",
        sample=data.real.test[0].x,
    )  # fmt: skip
    with torch.no_grad():
        logit = model.net.critic(torch.tensor(data.real.test[0].x.copy()).movedim(2, 0)[None])
    scores = critic.scores([data.real.test[0].x])[0]
    assert scores[1] - scores[0] == pytest.approx(float(logit))
    (e,) = xaikit.explain(critic, data.real.test[0], "occlusion", features="patches:4")
    assert len(e.values) == 16


def test_the_page_shows_the_picture_and_what_its_latents_make(data, model, tmp_path) -> None:
    run = xaikit.study(model, data.test[:3], "occlusion,random", "none", data=data, overview=False)
    quality = run.context["model"]["quality"]
    assert quality["metric"] == "frechet"
    assert quality["baseline"]["says"] == "pca_draws"
    assert quality["baseline"]["verdict"] == "a_better"  # after two epochs
    told = {"frechet": 1.0, "frechet_pca": 2.0, "n": 5}
    for gap, verdict in (([0.1, 1], "b_better"), ([-1, 1], "not_settled")):
        assert model.task.quality({**told, "gap": gap})["baseline"]["verdict"] == verdict
    still = run.context["stills"][run.samples[0].id]
    (e,) = [x for x in run.of("occlusion") if x.sample_id == run.samples[0].id]
    assert still["names"] == [e.names[i] for i in np.argsort(-np.abs(e.values))[:2]]
    assert still["drawn"][0]["value"] == pytest.approx(e.output)
    assert len(still["slid"]) == 7
    for language, said in (("en", "drawn anew"), ("ko", "다시 뽑은")):
        page = xaikit.write_report(run, tmp_path / f"{language}.html", language=language)
        assert said in page.read_text(encoding="utf-8")


def test_what_does_not_apply_is_refused(data, model, tmp_path) -> None:
    code = data.test[0]
    with pytest.raises(NotApplicable, match="no layer whose cells keep their place"):
        xaikit.explain(model, code, "gradcam")
    with pytest.raises(InvalidInput, match="read at nothing; leave at out"):
        xaikit.explain(model, code, "occlusion", at=(0, 0, 4, 4))
    with pytest.raises(UnknownName, match="no property is called 'loops'"):
        Generation(("loops",))
    with pytest.raises(InvalidInput, match=r"gives a picture \(C, H, W\)"):
        Generation.of((), (5,))
    with pytest.raises(
        InvalidInput, match="'wine' is a classification of table; give a folder of pictures"
    ):
        load_data("wine", task="generation")
    with pytest.raises(InvalidInput, match="'lenet' does no generation"):
        xaikit.train("lenet", data, progress=False)


def test_pictures_become_codes() -> None:
    data = load_data("digits", task="generation")
    assert data.columns[7].name == "latent 8"
    assert data.real is not None
    assert data.real.train[0].x.shape == (32, 32, 1)
    assert np.stack(data.inputs("train")).shape == (1000, 8)


def test_the_code_of_the_documentation_runs(capsys) -> None:
    text = (Path(__file__).parents[2] / "docs" / "tasks.md").read_text("utf-8")
    code = re.search(r"## Generation\n.*?```python\n(.*?)```", text, flags=re.S)
    assert code
    try:
        exec(code[1], {})  # noqa: S102 - the document's own code
    finally:
        PROPERTIES._entries.pop("ink on the left", None)
    assert capsys.readouterr().out.startswith("[('x1', 0.2")
