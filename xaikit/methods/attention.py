"""Attention: where a transformer sends information, which is not the same as why it decides.

The three readings start from the same true weights of one forward pass. A layer's weights are
(B, H, T, T), the row is the position that looks; padding is cut out first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, cast, get_args

import numpy as np

from xaikit.core.abilities import Attention, Attentive, CrossAttentive, Model
from xaikit.core.errors import CheckFailed, InvalidInput, NotApplicable
from xaikit.core.explanations import Explanations
from xaikit.core.later import later
from xaikit.core.question import Question
from xaikit.core.types import Explanation, Floats
from xaikit.methods.base import METHODS, Card, Method, Translation, require
from xaikit.methods.passes import Batch, Batched

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = later("torch")

__all__ = ["AttentionFlow", "AttentionMode", "CrossAttention"]

AttentionMode = Literal["gradient", "rollout", "raw"]
ROUNDING = 2e-4  # of the scores, in float32 and another order of sums


@METHODS.register("attention")
@dataclass(frozen=True, kw_only=True)
class AttentionFlow(Batched):
    """How much of what the model reads comes from each place, along its attention.

    relative, never negative. What falls on special tokens (CLS, SEP, ...) belongs to no place; its
    share stands in `extras` and in the note.

    mode : "gradient" = R <- R + mean_h relu(dT/dA * A) R from R = I, read without that I: attention
        that raises the target (Chefer et al. 2021, arXiv 2103.15679, eq. 5 and 6); "rollout" = the
        product of (mean_h A + I) / 2 (Abnar & Zuidema 2020, arXiv 2005.00928, eq. 1); "raw" = the
        mean over the heads of the last layer. The last two do not depend on the target.
    """

    name: ClassVar[str] = "attention"
    in_auto: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        title="Attention",
        asks="From which places does the model fetch what it reads, and does that raise the score?",
        misleads="It shows where information is routed, not why the score is what it is.",
        paper="Chefer et al. 2021, arXiv 2103.15679; Abnar & Zuidema 2020, arXiv 2005.00928",
        korean=Translation(
            "어텐션",
            "모델이 어디에서 정보를 가져오며 그것이 점수를 높이는지 봅니다.",
            "정보가 지나가는 길을 보일 뿐, 점수의 이유를 보이지는 않습니다.",
        ),
    )

    mode: AttentionMode = "gradient"

    def __post_init__(self) -> None:
        if self.mode not in get_args(AttentionMode):
            raise InvalidInput(
                f"attention has no mode '{self.mode}'; use {', '.join(get_args(AttentionMode))}."
            )

    def check(self, model: Model) -> None:
        _attentive(model, self.name)

    def explain(self, batch: Batch) -> Explanations:
        model = _attentive(batch.model, self.name)
        seen = model.attention(batch.questions.xs)
        _require_outputs(batch, seen)
        flow = _FLOWS[self.mode](batch, seen)
        batch.count(backward=self.mode == "gradient")
        received = torch.einsum("bi,bij->bj", _readers(seen), flow) * seen.valid  # (B, T)
        shares = _special_shares(received, seen)
        maps = seen.fold(received)
        return batch.questions.answer(
            self,
            elements=maps,
            additive=False,
            in_units=False,
            notes=[_note(map_, share) for map_, share in zip(maps, shares, strict=True)],
            extras=[{"special_share": share} for share in shares],
        )


@METHODS.register("cross_attention")
@dataclass(frozen=True)
class CrossAttention(Method):
    """The attention weights from the explained token to each place of the input, a mean over heads and layers.

    relative, never negative, whatever raises or lowers the score; of the whole output the mean over its
    tokens. For a token against a rival it is the same: both are said at one place.
    """

    name: ClassVar[str] = "cross_attention"
    in_auto: ClassVar[bool] = True
    draws: ClassVar[bool] = False
    card: ClassVar[Card] = Card(
        title="Cross-attention",
        asks="At which places of the input does the model look when it says the token?",
        misleads="It shows where information is fetched, not whether it raises the score.",
        paper="Bahdanau et al. 2015, arXiv 1409.0473; Vaswani et al. 2017, arXiv 1706.03762",
        korean=Translation(
            "교차 어텐션",
            "모델이 그 토큰을 말할 때 입력의 어디를 보는지 봅니다.",
            "정보를 가져오는 곳을 보일 뿐, 점수를 높이는지는 보이지 않습니다.",
        ),
    )

    def check(self, model: Model) -> None:
        need = "attention from an output to an input"
        require(model, CrossAttentive, self.name, need, "shap or integrated_gradients")

    def __call__(self, question: Question, rng: np.random.Generator) -> Explanation:
        del rng  # nothing is drawn
        model = cast(CrossAttentive, question.model)
        (weights,) = model.cross_attention(question.sample.x, [question.target.index])
        question.meter.add(forward=1)
        return question.answer(self, elements=weights, additive=False, in_units=False)


def _note(map_: Floats, share: float) -> str:
    nothing = "" if map_.any() else "; no attention raises the target"
    return f"{share:.0%} of it falls on special tokens{nothing}"


def _require_outputs(batch: Batch, seen: Attention) -> None:
    """`CheckFailed` when a sample's target is another one once its attention is computed openly."""
    most = ROUNDING * max(1.0, float(seen.scores.detach().abs().max()))
    outputs = batch.questions.outputs
    found = batch.targets(seen.scores).detach().double().cpu().numpy()
    for i in np.flatnonzero(~(np.abs(found - outputs) <= most))[:1].tolist():
        raise CheckFailed(
            f"with its attention computed openly '{batch.model.id}' gives sample "
            f"'{batch.questions[i].sample.id}' {found[i]:.6g} instead of {outputs[i]:.6g}; only rounding "
            f"up to {most:.2g} is allowed."
        )


def _gradient(batch: Batch, seen: Attention) -> Tensor:
    """(B, T, T) attention that raises the target, along all paths of one or more steps."""
    slopes = torch.autograd.grad(batch.targets(seen.scores).sum(), seen.weights)
    start = _identity(seen)
    flow = start
    for weights, slope in zip(seen.weights, slopes, strict=True):
        flow = flow + _inside(weights * slope, seen).relu().mean(dim=1) @ flow
    return flow - start  # the I is no attention; left in, it drowns a token that is read itself


def _rollout(_: Batch, seen: Attention) -> Tensor:
    """(B, T, T) share of each position in what a position holds after the last layer."""
    start = _identity(seen)
    flow = start
    for number, weights in enumerate(seen.weights):
        mean = _inside(weights, seen).mean(dim=1)
        sums = mean.sum(dim=2)[seen.valid]
        if not torch.allclose(sums, torch.ones_like(sums), rtol=0, atol=1e-3):
            raise NotApplicable(
                f"attention rollout needs rows that sum to 1 and layer {number} has one that sums to "
                f"{float(sums[(sums - 1).abs().argmax()]):.3g}; use mode='gradient'."
            )
        mixed = mean + start
        flow = mixed / mixed.sum(dim=2, keepdim=True) @ flow
    return flow


def _raw(_: Batch, seen: Attention) -> Tensor:
    """(B, T, T) mean over the heads of the last layer."""
    return _inside(seen.weights[-1], seen).mean(dim=1)


_FLOWS: dict[str, Callable[[Batch, Attention], Tensor]] = {
    "gradient": _gradient,
    "rollout": _rollout,
    "raw": _raw,
}


def _inside(weights: Tensor, seen: Attention) -> Tensor:
    """(B, H, T, T) float64 without padding, whose rows may hold anything, even NaN."""
    pair = seen.valid[:, None, :, None] & seen.valid[:, None, None, :]
    return torch.where(pair, weights.detach().double(), 0.0)


def _identity(seen: Attention) -> Tensor:
    n = seen.valid.shape[1]
    return torch.eye(n, dtype=torch.float64, device=seen.valid.device).expand(len(seen.valid), n, n)


def _readers(seen: Attention) -> Tensor:
    """(B, T) weight of each position in what the head reads; the rows sum to 1."""
    every = seen.valid.double()
    read = seen.read.reshape(len(every), -1)  # (B, A)
    some = torch.nn.functional.one_hot(read.clamp(min=0), every.shape[1]).double().mean(dim=1)
    return torch.where((read[:, :1] < 0), every / every.sum(dim=1, keepdim=True), some)


def _special_shares(received: Tensor, seen: Attention) -> Sequence[float]:
    """(B,) part that falls on special tokens; 0 where nothing is received at all."""
    total = received.sum(dim=1)
    part = (received * seen.special).sum(dim=1)
    return cast(list[float], torch.where(total > 0, part / total, 0.0).tolist())


def _attentive(model: Model, method: str) -> Attentive:
    require(model, Attentive, method, "attention weights", "integrated_gradients or lime")
    return cast(Attentive, model)
