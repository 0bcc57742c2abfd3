"""Is this machine fit? From every method an answer that was worked by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from xaikit.app.truth import truth_cases
from xaikit.core.abilities import Model
from xaikit.core.errors import XaikitError
from xaikit.core.question import Masker, Question
from xaikit.core.types import Explanation, Floats, Sample, Segmentation, Target
from xaikit.methods import METHODS
from xaikit.methods.base import ask, make_method, reason_against
from xaikit.models import load_model, wrap
from xaikit.models.trial import require_independent_model

__all__ = ["check_methods", "check_model", "check_truth"]

Rows = tuple[list[str], list[list[str]]]


def check_methods() -> Rows:
    """Every registered method on a model so small that its answer is known: right, wrong, or untried."""
    cases = [_table(), _image(), _text()]
    rows = [_check(name, cases) for name in METHODS]
    return ["method", "answer", "on", "largest error"], rows


def check_model(folder: str | Path) -> Rows:
    """A saved model: whether it gives the same answer twice, and beside any others in a batch.

    `ModelError` where it does not.
    """
    found = require_independent_model(load_model(folder))
    rows = [
        ["the same input twice", "right", f"{found.again:.1e}", f"{found.again_rounding:.1e}"],
        [
            "beside others in a batch",
            "right",
            f"{found.beside:.1e}",
            f"{found.beside_rounding:.1e}",
        ],
    ]
    return ["scores", "answer", "largest difference", "rounding"], rows


def check_truth() -> Rows:
    """Which methods find what was planted, problem by problem."""
    cases = truth_cases()
    names = [n for n in METHODS if not METHODS.get(n).card.control]
    rows = []
    for case in cases:
        cells = [case.name]
        for name in names:
            method = make_method(name)
            try:
                (found,) = ask(method, [case.question], seed=0)
                cells.append("found" if case.check(found)[0] else "missed")
            except XaikitError:
                cells.append("–")  # does not apply to this model, or too many features
        rows.append(cells)
    turned = [[name, *(row[i + 1] for row in rows)] for i, name in enumerate(names)]
    return ["method", *(case.name for case in cases)], turned


class _Case:
    """A question, and the answer that a method must give; None when it is not known."""

    def __init__(self, words: str, question: Question, truth: Callable[[str], Floats | None]):
        self.words, self.question, self.truth = words, question, truth


def _check(name: str, cases: Sequence[_Case]) -> list[str]:
    method = make_method(name)
    for case in cases:
        expected = case.truth(name)
        if expected is None or reason_against(method, case.question.model):
            continue
        (found,) = ask(method, [case.question], seed=0)
        error = _error(found, expected)
        return [name, "right" if error < 0.02 else "wrong", case.words, f"{error:.1e}"]
    return [name, "untried", "no model with a known answer", ""]


def _error(found: Explanation, expected: Floats) -> float:
    """Largest difference, as a share of the largest expected value; relative methods up to a factor."""
    values = found.values
    if found.unit == "relative":
        values = values * np.abs(expected).max() / max(np.abs(values).max(), 1e-12)
    return float(np.abs(values - expected).max() / np.abs(expected).max())


def _question(model: Model, sample: Sample, ids: Any, references: Any) -> Question:
    names = tuple(f"x{i}" for i in range(int(ids.max()) + 1))
    return Question(
        model,
        sample,
        Segmentation(ids, names, "by hand"),
        Masker("zeros", references),
        Target(0, space="value"),
    )


def _table() -> _Case:
    """score = w . x, so that every method in units must give w_i x_i."""
    weights, x = np.array([2.0, -1.0, 0.5, 0.0]), np.array([1.0, 2.0, -4.0, 3.0])
    net = nn.Linear(4, 1)
    _set(net.weight, weights[None])
    _set(net.bias, np.zeros(1))
    model = wrap(net, modality="table", id="linear", sample=x)
    question = _question(model, Sample("row", x, "table"), np.arange(4), np.zeros((1, 4)))
    known = {
        "random": question.rng("random", 0).standard_normal(4),
        "magnitude": np.abs(x),
        "saliency": np.abs(weights),
        "smoothgrad": np.abs(weights),
    }
    unknown = ("gradcam", "hirescam", "attention")
    return _Case(
        "score = w . x", question, lambda m: None if m in unknown else known.get(m, weights * x)
    )


class _Pooled(nn.Module):
    """A 1 x 1 convolution, a ReLU, the mean over places, and a weight: its CAM is known."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.relu = nn.Conv2d(1, 1, 1), nn.ReLU()
        self.pool, self.head = nn.AdaptiveAvgPool2d(1), nn.Linear(1, 1)

    def forward(self, x: Tensor) -> Tensor:
        pooled: Tensor = self.head(self.pool(self.relu(self.conv(x))).flatten(1))
        return pooled


def _image() -> _Case:
    net = _Pooled()
    for weight, value in zip(net.parameters(), (2.0, -0.5, 3.0, 0.0), strict=True):
        _set(weight, np.full(tuple(weight.shape), value))
    x = np.linspace(0, 1, 16, dtype=np.float32).reshape(4, 4, 1)
    model = wrap(net, modality="image", id="pooled", sample=x)
    sample, ids = Sample("ramp", x, "image"), np.arange(16).reshape(4, 4)
    question = _question(model, sample, ids, np.zeros((1, 4, 4, 1), np.float32))
    answer = np.maximum(2 * x.astype(float).ravel() - 0.5, 0)
    return _Case("mean of relu(2x - 1/2)", question, lambda m: answer if "cam" in m else None)


class _Even(nn.Module):
    """One attention layer that looks at every token alike and adds up what it finds."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.head = nn.Embedding(8, 4), nn.Linear(4, 1)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.words(ids)
        seen = nn.functional.scaled_dot_product_attention(0 * x, 0 * x, x)
        score: Tensor = self.head(seen[:, 0])
        return score


def _text() -> _Case:
    net = _Even()
    numbers = np.array([0.0, 0.0, 3.0, 1.0, -2.0, 0.5, 0.0, 0.0])
    _set(net.words.weight, np.tile(numbers[:, None], (1, 4)))
    _set(net.head.weight, np.ones((1, 4)))
    _set(net.head.bias, np.zeros(1))
    codes = {"great": 2, "good": 3, "bad": 4, "fine": 5}

    def encode(words: list[str]) -> tuple[list[int], list[int | None]]:
        return [1, *(codes.get(w, 0) for w in words)], [None, *range(len(words))]

    model = wrap(net, modality="text", id="even attention", encode=encode)
    sample = Sample("words", np.array(list(codes)), "text")
    references = np.array([["[MASK]"] * 4])
    question = _question(model, sample, np.arange(4), references)
    answer = np.maximum(numbers[2:6], 0)  # even weights, each times what its word adds
    return _Case("even attention", question, lambda m: answer if m == "attention" else None)


@torch.no_grad()
def _set(weight: Tensor, values: Any) -> None:
    weight.copy_(torch.as_tensor(values, dtype=weight.dtype).reshape(weight.shape))
