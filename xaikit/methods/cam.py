"""Class activation maps: which cells of a spatial layer speak for the target.

Maps are raw and signed, so evidence against the target stays visible, and a map without contrast is
said to be flat instead of being stretched.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from xaikit.core.abilities import Activations, Model, Spatial
from xaikit.core.explanations import Explanations
from xaikit.core.later import later
from xaikit.core.types import Floats
from xaikit.methods.base import METHODS, Card, Translation, require
from xaikit.methods.passes import Batch, Batched

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = later("torch")

__all__ = ["GradCam", "HiResCam"]


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
    folded = seen.fold(maps)
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


def _is_flat(map_: Floats) -> bool:
    low, high = float(map_.min()), float(map_.max())
    return high - low <= 1e-6 * max(-low, high)


def _n_cells(batch: Batch, seen: Activations) -> Tensor:
    """(B,) cells that cover the grid of each sample."""
    counts = [
        math.prod(n / c for n, c in zip(cut.ids.shape, seen.cell, strict=False))
        for cut in batch.questions.segmentations
    ]
    return seen.at.new_tensor(counts)


def _spatial(model: Model, method: str) -> Spatial:
    require(model, Spatial, method, "a spatial layer", "integrated_gradients or lime")
    return cast(Spatial, model)
