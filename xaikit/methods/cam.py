"""Class activation maps: which cells of a spatial layer speak for the target.

Maps are raw and signed, so evidence against the target stays visible, and a map without contrast is
said to be flat instead of being stretched.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np

from xaikit.core.abilities import Activations, Model, Spatial
from xaikit.core.errors import InvalidInput, NotApplicable
from xaikit.core.explanations import Explanations
from xaikit.core.later import later
from xaikit.core.question import Question
from xaikit.core.types import Explanation, Floats, PerSample, Segmentation
from xaikit.methods.base import METHODS, Card, Translation, require
from xaikit.methods.passes import Batch, Batched, pieces
from xaikit.methods.path import baselines

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = later("torch")

__all__ = ["GradCam", "HiResCam", "LayerIntegratedGradients"]


@METHODS.register("gradcam")
@dataclass(frozen=True, kw_only=True)
class GradCam(Batched):
    """How much each cell's activation speaks for the target, channels weighted by their mean gradient.

    sum_c mean_s(d target / d A_c) * A_c, upsampled linearly onto the grid; signed (no ReLU),
    relative. `layer` None is the layer that the model proposes.
    Source: Selvaraju et al. 2017, arXiv 1610.02391, eq. 1 and 2 without the ReLU.
    """

    name: ClassVar[str] = "gradcam"
    in_auto: ClassVar[bool] = True
    computes_outputs: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        title="Grad-CAM",
        asks="Which places of the last feature maps speak for this class?",
        misleads="It averages the gradient over all places, so it can light up what the model did not use.",
        paper="Selvaraju et al. 2017, arXiv 1610.02391",
        korean=Translation(
            "Grad-CAM",
            "마지막 특징 지도의 어느 곳이 이 분류를 지지하는지 봅니다.",
            "기울기를 모든 위치에서 평균하므로 쓰지 않은 곳도 밝힐 수 있습니다.",
        ),
    )

    layer: str | None = None

    def check(self, model: Model) -> None:
        _spatial(model, self.name).cam_layer(self.layer)

    def explain(self, batch: Batch) -> Explanations:
        seen, slopes = _pass(batch, self.layer, self.name)
        # the mean over a sample's own cells: padding has no slope, but would be counted
        weights = slopes.flatten(2).sum(dim=2) / _n_cells(batch, seen)[:, None]  # (B, C)
        return _answers(
            self, batch, seen, torch.einsum("bc,bc...->b...", weights, seen.at.detach())
        )


@METHODS.register("hirescam")
@dataclass(frozen=True, kw_only=True)
class HiResCam(Batched):
    """How much each cell's activation speaks for the target, weighted by its own gradient.

    sum_c (d target / d A_c) * A_c, upsampled linearly onto the grid; signed (no ReLU), relative.
    `layer` None is the layer that the model proposes.
    Source: Draelos & Carin 2020, arXiv 2011.08891, without the ReLU.
    """

    name: ClassVar[str] = "hirescam"
    in_auto: ClassVar[bool] = True
    computes_outputs: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        title="HiResCAM",
        asks="Which places of the last feature maps did the model really use for this class?",
        misleads="Exact only when one linear layer follows the maps; coarse, as one cell covers many places.",
        paper="Draelos & Carin 2020, arXiv 2011.08891",
        korean=Translation(
            "HiResCAM",
            "마지막 특징 지도에서 실제로 쓰인 곳을 봅니다.",
            "뒤에 선형 층이 하나일 때만 정확하며, 한 칸이 넓은 곳을 덮습니다.",
        ),
    )

    layer: str | None = None

    def check(self, model: Model) -> None:
        _spatial(model, self.name).cam_layer(self.layer)

    def explain(self, batch: Batch) -> Explanations:
        seen, slopes = _pass(batch, self.layer, self.name)
        return _answers(self, batch, seen, (slopes * seen.at.detach()).sum(dim=1))


@METHODS.register("layer_ig")
@dataclass(frozen=True, kw_only=True)
class LayerIntegratedGradients(Batched):
    """What each cell of a layer adds on the straight way from its activations for "removed" to its own.

    sum_c (A_c - A'_c) * integral of d target / d A_c along A' + a (A - A'), 0 <= a <= 1, by Gauss-Legendre
    with `n_steps` points, averaged over the references; upsampled linearly onto the grid; signed, relative.
    The cells' sum is output - empty where every way from input to score leads through the layer; by
    how much it is missed stands in `extras`. `layer` None is the layer that the model proposes.
    Source: Sundararajan et al. 2017, arXiv 1703.01365, eq. 1, in a layer.
    """

    name: ClassVar[str] = "layer_ig"
    card: ClassVar[Card] = Card(
        title="Layer integrated gradients",
        asks="What does each place of a layer add on the straight way from 'removed' to this sample?",
        misleads="The way runs through activations that no input gives; coarse, as one cell covers many places.",
        paper="Sundararajan et al. 2017, arXiv 1703.01365, in a layer",
        korean=Translation(
            "층의 적분 기울기",
            "빈 입력의 활성에서 이 표본의 활성까지 가는 길에서 층의 각 위치가 더하는 몫을 모읍니다.",
            "길 위의 활성은 어떤 입력에서도 나오지 않으며, 한 칸이 넓은 곳을 덮습니다.",
        ),
    )

    layer: str | None = None
    n_steps: int = 32

    def __post_init__(self) -> None:
        if self.n_steps < 1:
            raise InvalidInput(f"layer_ig has n_steps {self.n_steps}; 1 or more are needed.")

    def check(self, model: Model) -> None:
        _spatial(model, self.name).cam_layer(self.layer)

    def rows_needed(self, question: Question) -> tuple[int, int]:
        """Model rows."""
        rows = question.n_references * (self.n_steps + 1)
        return rows, rows

    def explain(self, batch: Batch) -> Explanations:
        return Explanations.of([self._one(one) for one in batch.each()])

    def _one(self, batch: Batch) -> Explanation:
        (question,) = batch.questions
        model = _spatial(batch.model, self.name)
        seen = model.activations([question.sample.x], self.layer)
        bases = model.activations(baselines(question, self.name), self.layer).at.detach()
        forward = seen.forward
        if forward is None or bases.shape[1:] != seen.at.shape[1:]:
            raise NotApplicable(
                f"layer_ig needs the net from layer '{seen.layer}' on and '{batch.model.id}' does not "
                "give it; try 'hirescam', which is activation x gradient there."
            )
        nodes, weights = np.polynomial.legendre.leggauss(self.n_steps)
        total = torch.zeros_like(seen.at[0])
        for base in bases:
            step = seen.at.detach()[0] - base
            total += step * self._slope(batch, forward, base, step, (nodes + 1) / 2, weights / 2)
        cells = (total / len(bases)).sum(dim=0, keepdim=True)
        change = question.output - question.empty
        (map_,) = _seen(seen.fold(cells), [question.segmentation], seen)
        return question.answer(
            self,
            elements=map_,
            additive=False,
            in_units=False,
            extras={
                "layer": seen.layer,
                "cell": tuple(seen.cell),
                "missed": float(change - cells.sum()),
            },
        )

    def _slope(
        self, batch: Batch, forward: Any, base: Tensor, step: Tensor, alpha: Floats, weight: Floats
    ) -> Tensor:
        """(C, *s) the mean gradient on the way."""
        found = torch.zeros_like(base)
        for part in pieces(len(alpha), batch.size):
            a = torch.as_tensor(alpha[part]).to(base).reshape(-1, *[1] * base.ndim)
            at = (base + a * step).requires_grad_()
            rows = torch.zeros(len(at), dtype=torch.long)
            scores = batch.targets(forward(at, rows), rows)
            (slopes,) = torch.autograd.grad(scores @ torch.as_tensor(weight[part]).to(scores), at)
            found += slopes.sum(dim=0)
            batch.count(rows.numpy())
        return found


def _pass(batch: Batch, layer: str | None, method: str) -> tuple[Activations, Tensor]:
    """The activations (B, C, *s) of one forward pass and the targets' gradient there."""
    model = _spatial(batch.model, method)
    seen = model.activations(batch.questions.xs, layer)
    (slopes,) = torch.autograd.grad(batch.targets(seen.scores).sum(), seen.at)
    batch.count()
    batch.set_outputs(seen.scores)
    return seen, slopes.detach()


def _answers(
    method: GradCam | HiResCam, batch: Batch, seen: Activations, maps: Tensor
) -> Explanations:
    """maps (B, *s) -> their explanations."""
    folded = _seen(seen.fold(maps), batch.questions.segmentations, seen)
    flat = [_is_flat(map_) for map_ in folded]
    known = {"layer": seen.layer, "cell": tuple(seen.cell)}
    return batch.questions.answer(
        method,
        elements=folded,
        additive=False,
        in_units=False,
        notes=[f"flat map: layer '{seen.layer}' tells no places apart" if f else "" for f in flat],
        extras=[{**known, "flat": f} for f in flat],
    )


def _seen(folded: PerSample, cuts: Sequence[Segmentation], seen: Activations) -> PerSample:
    """The maps, 0 where no feature lies; NaN on a feature is what the layer says nothing of."""
    if not any(np.isnan(map_).any() for map_ in folded):
        return folded
    for map_, cut in zip(folded, cuts, strict=True):
        if (gone := cut.ids[np.isnan(map_) & (cut.ids >= 0)]).size:
            raise NotApplicable(
                f"layer '{seen.layer}' says nothing of '{cut.names[gone[0]]}'; ask for the features of the "
                "one part that it reads: features='the name of the part'."
            )
    return [np.nan_to_num(map_) for map_ in folded]


def _is_flat(map_: Floats) -> bool:
    low, high = float(map_.min()), float(map_.max())
    return high - low <= 1e-6 * max(-low, high)


def _n_cells(batch: Batch, seen: Activations) -> Tensor:
    """(B,) cells that cover the grid of each sample."""
    if seen.n_cells is not None:
        return seen.at.new_full((len(seen.at),), seen.n_cells)
    counts = [
        math.prod(n / c for n, c in zip(cut.ids.shape, seen.cell, strict=False))
        for cut in batch.questions.segmentations
    ]
    return seen.at.new_tensor(counts)


def _spatial(model: Model, method: str) -> Spatial:
    require(model, Spatial, method, "a spatial layer", "integrated_gradients or lime")
    return cast(Spatial, model)
