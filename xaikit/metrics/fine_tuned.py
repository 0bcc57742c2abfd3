"""Fidelity on a copy of the model that knows inputs with parts removed (F-Fidelity).

A removal test shows the model inputs that it has never seen, so it may answer to the removal itself.
F-Fidelity (Zheng et al., ICLR 2025, arXiv 2410.02970) fine-tunes a copy on randomly masked training
inputs and removes only as much as the copy has learned to miss. An option for torch models: it needs
training samples, so no study runs it by itself.
"""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from xaikit.core.abilities import Model
from xaikit.core.errors import InvalidInput, NotApplicable, TrainingFailed
from xaikit.core.question import Cache, Meter, Question
from xaikit.core.types import Bools, Explanation, Floats, Ints, Score
from xaikit.core.words import Text, alike
from xaikit.metrics.base import Measure, Metric, described, measure
from xaikit.tasks import task_of

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

__all__ = ["FFidelity", "fine_tuned", "on_model"]

_FAMILY = "faithfulness"
BETA = 0.1  # most features removed at once, as a share; the paper's default
PLUS = measure(
    "f_fidelity_plus",
    _FAMILY,
    "higher",
    "F-Fidelity, removed",
    "fall without the top features, on a model tuned to removed parts",
    korean=("F-Fidelity, 제거", "제거에 맞춘 모델에서 상위 특징을 뺄 때의 하락"),
)
MINUS = measure(
    "f_fidelity_minus",
    _FAMILY,
    "lower",
    "F-Fidelity, kept",
    "fall with the top features alone, on a model tuned to removed parts",
    korean=("F-Fidelity, 유지", "제거에 맞춘 모델에서 상위 특징만 남길 때의 하락"),
)
DIFFERENCE = measure(
    "f_fidelity",
    _FAMILY,
    "higher",
    "F-Fidelity",
    "removed minus kept, on a model tuned to removed parts",
    korean=("F-Fidelity", "제거에 맞춘 모델에서 제거와 유지의 차"),
)


@runtime_checkable
class Trainable(Protocol):
    """A torch net that reads samples: what fine-tuning needs."""

    net: nn.Module

    def read(self, xs: Any) -> Any: ...

    def forward(self, at: Tensor, batch: Any) -> Tensor: ...


def fine_tuned(
    questions: Sequence[Question],
    *,
    beta: float = BETA,
    epochs: int = 5,
    lr: float = 1e-3,
    batch_size: int = 32,
    seed: int = 0,
) -> Model:
    """A copy of the questions' model, trained further on their samples with random gaps.

    questions : one a training sample, with its label; they name the features and what replaces them
    beta : at each pass 0 to beta * n features of a sample are removed, each number as often, rounded
        to 1 or more

    Cross-entropy of the label, or squared error of a regressor, by AdamW. The model itself, the global
    generators and the flags of its weights are left as they were. `NotApplicable` for models that are
    no torch net, `TrainingFailed` when the loss turns NaN.
    """
    _check(questions, beta, epochs, lr, batch_size)
    import torch

    from xaikit.models.modes import alone

    model: Any = questions[0].model
    with alone:  # no hook or flag of another thread is copied
        net = copy.deepcopy(model.net)
    mine: Any = dataclasses.replace(model, net=net, id=f"{model.id}-masked")
    needed = [p.requires_grad for p in net.parameters()]
    modes = [(m, m.training) for m in net.modules()]
    device = next((p.device for p in net.parameters()), torch.device("cpu"))
    rng, n = np.random.default_rng(seed), len(questions)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        net.requires_grad_(True).train()
        optimizer = torch.optim.AdamW(net.parameters(), lr=lr)
        for _ in range(epochs):
            for rows in np.array_split(rng.permutation(n), max(1, n // batch_size)):
                _step(mine, [questions[i] for i in rows], beta, rng, optimizer)
    for weight, flag in zip(net.parameters(), needed, strict=True):
        weight.requires_grad_(flag).grad = None
    for module, training in modes:
        module.training = training
    found: Model = mine
    return found


def on_model(question: Question, model: Model) -> Question:
    """The same question of another model, for example for a `RemovalTest` on the fine-tuned copy."""
    return dataclasses.replace(question, model=model, cache=Cache(), meter=Meter())


@dataclass(frozen=True)
class FFidelity(Metric):
    """Mean fall of the output when random parts of the most, and of the least, relevant are removed.

    model : the copy made by `fine_tuned` with the same beta
    beta : most features removed at once, as a share of all
    alpha : share of the marked features that is removed where beta allows as much
    shares : how many features count as marked, the results are averaged
    n_draws : random parts of each set

    For a share s of the n features, min(alpha s n, beta n) of the top s n are removed (at least
    one), and as many of the same share at the bottom. "f_fidelity" is the difference, in probability
    where the target is a log-odds. Ties in the order are broken at random.
    """

    name: ClassVar[str] = "f_fidelity"
    measures: ClassVar[tuple[Measure, ...]] = (DIFFERENCE, PLUS, MINUS)
    model: Model
    beta: float = BETA
    alpha: float = 0.5
    shares: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5)
    n_draws: int = 20

    def __post_init__(self) -> None:
        _check_share("beta", self.beta)
        _check_share("alpha", self.alpha)
        if not self.shares or not all(0 < s <= 0.5 for s in self.shares) or self.n_draws < 1:
            raise InvalidInput(
                f"shares are {self.shares} and n_draws is {self.n_draws}; give shares above 0 and up "
                "to 0.5, so that top and bottom do not meet, and 1 draw or more."
            )

    def __call__(
        self, question: Question, explanation: Explanation, rng: np.random.Generator
    ) -> list[Score]:
        asked, n = on_model(question, self.model), question.n_features
        order = np.lexsort((rng.random(n), -explanation.values))
        top = [self._removals(order, share, rng) for share in self.shares]
        bottom = [self._removals(order[::-1], share, rng) for share in self.shares]
        masks = np.concatenate([*top, *bottom])
        shown = _shown(asked, asked.value(masks)).reshape(2, -1)
        full = float(_shown(asked, np.array([asked.output]))[0])
        plus, minus = (float(full - row.mean()) for row in shown)
        of = described(question, explanation) | {"model": self.model.id}
        return [PLUS.score(plus, of), MINUS.score(minus, of), DIFFERENCE.score(plus - minus, of)]

    def _removals(self, order: Ints, share: float, rng: np.random.Generator) -> Bools:
        """(n_draws, n) masks without random parts of the first features of the order."""
        n = len(order)
        marked = order[: max(1, round(share * n))]
        size = max(1, min(round(self.alpha * len(marked)), round(self.beta * n)))
        kept = np.ones((self.n_draws, n), dtype=bool)
        for row in kept:
            row[rng.choice(marked, size, replace=False)] = False
        return kept


def _step(
    model: Any,
    questions: Sequence[Question],
    beta: float,
    rng: np.random.Generator,
    optimizer: Optimizer,
) -> None:
    import torch
    import torch.nn.functional as F

    batch = model.read([_with_gaps(q, beta, rng) for q in questions])
    found: Tensor = model.forward(batch.at, batch)
    kind = torch.long if model.classes else found.dtype
    labels = torch.tensor([q.sample.label for q in questions], dtype=kind, device=found.device)
    if model.classes:
        loss = F.cross_entropy(found, labels)
    else:
        loss = F.mse_loss(found[:, 0] / model.scale, labels / model.scale)
    if not math.isfinite(loss.item()):
        raise TrainingFailed(f"the loss of '{model.id}' turned {loss.item()}; lower lr.")
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def _with_gaps(question: Question, beta: float, rng: np.random.Generator) -> NDArray[Any]:
    """The sample with a few features removed, as the question removes them."""
    x, n = question.sample.x, question.n_features
    mask = np.ones((1, n), dtype=bool)
    size = int(rng.integers(max(1, round(beta * n)) + 1))
    mask[0, rng.choice(n, size, replace=False)] = False
    kept = question.segmentation.expand(mask)[0]
    if question.masker.drops:
        return Text(x).less(kept) if kept.any() else x
    references = question.masker.stand_ins(x, kept[None])[0]
    kept = kept.reshape(kept.shape + (1,) * (x.ndim - kept.ndim))
    masked = np.where(kept, x, references[rng.integers(len(references))]).astype(x.dtype)
    return alike(x, masked[None])[0]


def _shown(question: Question, y: Floats) -> Floats:
    shown: Floats = expit(y) if question.target.space == "logit" else y
    return shown


def _check(
    questions: Sequence[Question], beta: float, epochs: int, lr: float, batch_size: int
) -> None:
    if len(questions) < 2 or epochs < 1 or batch_size < 2 or not lr > 0:
        raise InvalidInput(
            f"fine-tuning got {len(questions)} questions, epochs {epochs}, batch_size {batch_size} and "
            f"lr {lr}; give 2 or more questions, 1 or more, 2 or more, and above 0."
        )
    _check_share("beta", beta)
    model = questions[0].model
    if not isinstance(model, Trainable):
        raise NotApplicable(
            f"f-fidelity trains the weights of a torch net further and '{model.id}' has none; use the "
            "removal test under two maskers."
        )
    if task_of(model).many:
        raise NotApplicable(
            f"f-fidelity trains on one label a sample and '{model.id}' gives several at once; use the "
            "removal test under two maskers."
        )
    for question in questions:
        if question.model is not model:
            raise InvalidInput(
                f"the questions ask '{model.id}' and '{question.model.id}'; fine-tune one model."
            )
        if question.sample.label is None:
            raise InvalidInput(
                f"sample '{question.sample.id}' has no label; fine-tune on labelled samples."
            )


def _check_share(name: str, value: float) -> None:
    if not 0 < value <= 1:
        raise InvalidInput(f"{name} is {value}; give a share above 0 and up to 1.")
