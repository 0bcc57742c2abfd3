"""Gradient, CAM and attention methods on every net of the zoo: right numbers or a named refusal."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch

from xaikit.core.question import Question
from xaikit.core.types import Explanation, Sample, Target
from xaikit.methods.base import ask, make_method, reason_against
from xaikit.modalities import masker, segment, sound
from xaikit.models.assembly import KINDS, assemble, reads_of
from xaikit.models.audio import MelEncoder
from xaikit.models.grids import PixelEncoder
from xaikit.models.inputs import ColumnEncoder, StepEncoder
from xaikit.models.neural import NeuralModel
from xaikit.models.text import WordEncoder
from xaikit.models.zoo import ZOO

GRADIENTS = (
    "saliency",
    "input_x_gradient",
    "integrated_gradients",
    "smoothgrad",
    "gradient_shap",
)
METHODS = (*GRADIENTS, "gradcam", "hirescam", "attention")
SMALL = {"width": 16, "hidden": 8, "heads": 2, "dropout": 0.1, "depth": 2, "members": 3}
NETS = [
    (name, kind)
    for name in ZOO
    if "classification" in ZOO.get(name).tasks  # the others give no scores by themselves
    for kind in ZOO.get(name).modalities
]
POOLED = [
    ("lstm", "text", {"pool": "mean"}),
    ("gru", "series", {"bidirectional": True, "pool": "max"}),
]
CASES = [(*net, {}) for net in NETS] + POOLED
TEXTS = ("good film", "the film is not very good at all", "bad")


@cache
def samples(kind: str) -> tuple[Sample, ...]:
    rng = np.random.default_rng(0)
    if kind == "audio":
        return tuple(sound(rng.normal(0, 0.1, 2048), 8000, id=text) for text in TEXTS)
    shape = {"image": (16, 16, 3), "series": (12, 2), "table": (5,)}.get(kind)
    xs = [t.split() for t in TEXTS] if shape is None else [rng.random(shape) for _ in TEXTS]
    return tuple(Sample(str(i), np.array(x), kind) for i, x in enumerate(xs))


def inputs(kind: str):
    xs = [s.x for s in samples(kind)]
    if kind == "table":
        return ColumnEncoder.fit(xs, [0] * 5)
    if kind == "text":
        return WordEncoder.fit(xs, n_buckets=32, min_count=1)
    if kind == "audio":
        return MelEncoder.fit(xs, 8000)
    return PixelEncoder.fit(xs) if kind == "image" else StepEncoder.fit(xs)


def model_of(name: str, kind: str, settings: dict) -> NeuralModel:
    architecture, reader = ZOO.get(name), inputs(kind)
    small = {k: v for k, v in SMALL.items() if k in architecture.parameters}
    with torch.random.fork_rng():
        torch.manual_seed(1)
        net = assemble(architecture, reader, 3, {**small, **settings})
    net.train()  # the adapter must not leave dropout on
    return KINDS[architecture.family](
        id=name, net=net, inputs=reader, classes=("a", "b", "c"), reads=reads_of(net)
    )


def questions(model: NeuralModel, batch_size: int) -> list[Question]:
    found = []
    for i, sample in enumerate(samples(model.modality)):
        rows = (
            None if model.modality == "text" else np.stack([s.x for s in samples(model.modality)])
        )
        cut = segment(sample)
        removal = masker(sample, cut, rows)
        found.append(Question(model, sample, cut, removal, Target(i), batch_size=batch_size))
    return found


def refusal(method: str, name: str, family: str, settings: dict) -> str | None:
    """The reason that must be given, or None where the method must work."""
    if method == "attention" and family != "transformer":
        return f"attention needs attention weights and '{name}' has none; try integrated_gradients"
    if method in ("gradcam", "hirescam") and family == "mlp":
        return f"{method} needs a spatial layer and '{name}' has none; try integrated_gradients"
    if method in ("gradcam", "hirescam") and name == "logmel_gru":
        return f"the 17 tokens of '{name}' cannot be matched with places"
    last = (family == "rnn" and "pool" not in settings) or name == "tcn_1d"
    if method in ("gradcam", "hirescam") and last:
        return f"the class score of '{name}' reads only the final state"
    return None


@pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")  # torch, even kernels
@pytest.mark.parametrize(("name", "kind", "settings"), CASES)
def test_every_method_is_right_or_refused(name, kind, settings) -> None:
    model = model_of(name, kind, settings)
    before = {k: v.clone() for k, v in model.net.state_dict().items()}
    found: dict[str, list[Explanation]] = {}
    for method in METHODS:
        expected = refusal(method, name, ZOO.get(name).family, settings)
        reason = reason_against(make_method(method), model)
        assert (reason is None) == (expected is None), reason
        if expected is not None:
            assert reason.startswith(expected)
            continue
        found[method] = ask(make_method(method), questions(model, 128))
        for together, question in zip(found[method], questions(model, 33), strict=True):
            (alone,) = ask(make_method(method), [question])
            assert same(together.values, alone.values), method
            assert np.abs(together.values).max() > 0, method
    check_path_methods(found)
    check_unchanged(model, before)


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal within float32 rounding of a few hundred operations."""
    return np.allclose(a, b, rtol=0, atol=1e-4 * np.abs(b).max())


def check_path_methods(found: dict[str, list[Explanation]]) -> None:
    for path, sampled in zip(found["integrated_gradients"], found["gradient_shap"], strict=True):
        assert path.converged, path.note
        assert abs(path.residual) <= 0.01 * max(
            abs(path.output - path.empty), 0.01 * np.abs(path.elements).sum()
        )
        error = np.abs(path.values - sampled.values)
        slack = 0.01 * np.abs(path.values).max()
        assert (error <= 6 * sampled.std + slack).all(), (error / sampled.std).max()


def check_unchanged(model: NeuralModel, before: dict[str, torch.Tensor]) -> None:
    assert all(m.training for m in model.net.modules())
    assert all(p.grad is None and p.requires_grad for p in model.net.parameters())
    assert not any(m._forward_hooks or m._backward_hooks for m in model.net.modules())
    for name, weight in model.net.state_dict().items():
        assert torch.equal(weight, before[name]), name


@pytest.mark.parametrize(
    ("name", "kind"), [n for n in NETS if ZOO.get(n[0]).family == "transformer"]
)
def test_rollout_shares_everything_out(name, kind) -> None:
    model = model_of(name, kind, {})
    for found in ask(make_method("attention", mode="rollout"), questions(model, 128)):
        assert found.elements.sum() + found.extras["special_share"] == pytest.approx(1, abs=1e-5)
        assert (found.extras["special_share"] > 0) == (name != "gpt_small")


@pytest.mark.parametrize("method", ["gradcam", "hirescam"])
def test_cams_add_up_to_the_score_where_a_mean_is_read(method) -> None:
    """Linear head on the mean state: both maps sum to logit - bias, times 1/T for gradcam's mean."""
    model = model_of("lstm", "text", {"pool": "mean"})
    bias = model.net.get_submodule("body.head.1").bias.detach().double().numpy()
    for i, sample in enumerate(samples("text")):
        (question,) = [q for q in questions(model, 8) if q.sample is sample]
        asked = Question(
            model, sample, question.segmentation, question.masker, Target(i, space="value")
        )
        (found,) = ask(make_method(method), [asked])
        assert found.elements.sum() == pytest.approx(asked.output - bias[i], abs=1e-5)
