"""Methods that differentiate: how the target answers to small or straight-line changes of the input.

They stand on the leaf of a model (scaled pixels, embeddings, scaled columns) and its fold back onto
the sample's grid. Their baseline is the masker's "everything removed": the reference where a feature
can be removed, the sample itself elsewhere.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from xaikit.core.abilities import Leaf, Model
from xaikit.core.errors import InvalidInput
from xaikit.core.explanations import Explanations
from xaikit.core.later import later
from xaikit.core.many import stacked
from xaikit.core.question import Question
from xaikit.core.types import Explanation, Floats, Ints, PerSample
from xaikit.methods.base import METHODS, Card, Translation
from xaikit.methods.passes import Batch, Batched, Rng, pieces, pieces_of
from xaikit.methods.path import Path, along, differentiable, leaf_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = later("torch")

__all__ = ["GradientShap", "InputXGradient", "IntegratedGradients", "Saliency", "SmoothGrad"]


@METHODS.register("saliency")
@dataclass(frozen=True, kw_only=True)
class Saliency(Batched):
    """How strongly the target answers to a small change of each place, without a direction.

    |d target / d leaf|, summed over the leaf values of one place (channels, embedding dimensions);
    relative, never negative. Source: Simonyan et al. 2014, arXiv 1312.6034, section 3.
    """

    name: ClassVar[str] = "saliency"
    in_auto: ClassVar[bool] = True
    at_the_point: ClassVar[bool] = True
    computes_outputs: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        title="Saliency",
        asks="How strongly would the score react to a tiny change here?",
        misleads="It has no sign and sees tiny changes only: a feature that is fully used looks unused.",
        paper="Simonyan et al. 2014, arXiv 1312.6034",
        korean=Translation(
            "현저성(Saliency)",
            "이곳을 아주 조금 바꾸면 점수가 얼마나 민감하게 변하는지 봅니다.",
            "부호가 없고 작은 변화만 보므로, 충분히 쓰인 특징이 쓰이지 않은 것처럼 보입니다.",
        ),
    )

    def check(self, model: Model) -> None:
        differentiable(model, self.name)

    def explain(self, batch: Batch) -> Explanations:
        leaf = leaf_of(batch, self.name)
        rows = _rows(leaf)
        slopes = batch.gradient(leaf, leaf.at, rows, at_samples=True)
        maps = leaf.fold(slopes.abs(), rows)
        return batch.questions.answer(self, elements=maps, additive=False, in_units=False)


@METHODS.register("input_x_gradient")
@dataclass(frozen=True, kw_only=True)
class InputXGradient(Batched):
    """How much of the target each place carries if the model were a straight line from here.

    (x - reference) * d target / d leaf, averaged over the references, in the target's unit. With a
    reference of zero in leaf space it is the x * gradient of the paper; any other reference keeps
    the same baseline as the other methods. Not additive: curvature is left out.
    Source: Shrikumar et al. 2016, arXiv 1605.01713.
    """

    name: ClassVar[str] = "input_x_gradient"
    in_auto: ClassVar[bool] = True
    at_the_point: ClassVar[bool] = True
    computes_outputs: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        title="Input x gradient",
        asks="How much does each feature carry, if the model were a straight line from here?",
        misleads="Where the model is saturated the slope is zero and the credit is lost.",
        paper="Shrikumar et al. 2016, arXiv 1605.01713",
        korean=Translation(
            "입력 × 기울기",
            "모델이 여기서부터 직선이라면 각 특징이 얼마를 실어 나르는지 봅니다.",
            "모델이 포화된 곳에서는 기울기가 0이라 몫이 사라집니다.",
        ),
    )
    holds_references: ClassVar[bool] = True

    def check(self, model: Model) -> None:
        differentiable(model, self.name)

    def explain(self, batch: Batch) -> Explanations:
        path = Path.of(batch, self.name)
        rows = _rows(path.leaf)
        slopes = batch.gradient(path.leaf, path.leaf.at, rows, at_samples=True)
        maps = path.leaf.fold(path.mean_step * slopes, rows)
        return batch.questions.answer(
            self, elements=maps, additive=False, in_units=True, empty=path.empties
        )


@METHODS.register("integrated_gradients")
@dataclass(frozen=True, kw_only=True)
class IntegratedGradients(Batched):
    """What each place adds to the target on the straight way from "removed" to the sample.

    (x - r) * integral of the gradient along r + a (x - r), 0 <= a <= 1, averaged over the
    references r; additive, in the target's unit. Gauss-Legendre with `n_steps` points, doubled up
    to `max_steps` until the completeness gap |sum - (output - empty)| / |output - empty| is at most
    `tolerance`; the gap stands in `extras` (divided by 1 % of the credit given, in absolute terms,
    where output and empty hardly differ). Source: Sundararajan et al. 2017, arXiv 1703.01365, eq. 1.
    """

    name: ClassVar[str] = "integrated_gradients"
    in_auto: ClassVar[bool] = True
    splits_sums: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        title="Integrated gradients",
        asks="What does each feature add on the straight way from 'removed' to this sample?",
        misleads="The way runs through inputs that never occur, and the reference decides much of it.",
        paper="Sundararajan et al. 2017, arXiv 1703.01365",
        korean=Translation(
            "적분 기울기(IG)",
            "빈 입력에서 이 표본까지 가는 길에서 각 특징이 더하는 몫을 모읍니다.",
            "길 위의 입력은 실제로 없는 것이며, 기준 입력이 결과를 크게 좌우합니다.",
        ),
    )
    holds_references: ClassVar[bool] = True

    n_steps: int = 32
    max_steps: int = 512
    tolerance: float = 0.01

    def __post_init__(self) -> None:
        if not 1 <= self.n_steps <= self.max_steps:
            raise InvalidInput(
                f"integrated_gradients has n_steps {self.n_steps} and max_steps {self.max_steps}; "
                "1 <= n_steps <= max_steps is needed."
            )

    def check(self, model: Model) -> None:
        differentiable(model, self.name)

    def rows_needed(self, question: Question) -> tuple[int, int]:
        """Fewest and most model rows."""
        k = question.n_references
        return self.n_steps * k, (2 * self.max_steps - self.n_steps) * k

    def explain(self, batch: Batch) -> Explanations:
        path, questions = Path.of(batch, self.name), batch.questions
        changes = questions.outputs - path.empties
        gaps, needed = np.full(len(batch), np.inf), np.zeros(len(batch), dtype=np.int64)
        maps: Any = None
        steps, open_ = self.n_steps, np.arange(len(batch))
        while len(open_):
            found = self._integrate(path, open_, steps)
            gaps[open_] = _completeness_gaps(found, changes[open_])
            needed[open_] = steps
            maps = found if maps is None else _replaced(maps, open_, found)
            open_ = open_[(gaps[open_] > self.tolerance) & (steps * 2 <= self.max_steps)]
            steps *= 2
        return self._answer(path, maps, gaps.tolist(), needed.tolist())

    def _integrate(self, path: Path, samples: Ints, steps: int) -> PerSample:
        """One map (*grid) for each of the samples."""
        nodes, weights = np.polynomial.legendre.leggauss(steps)
        ways = np.flatnonzero(np.isin(path.owner, samples))
        rows, _, step = path.ends(ways)
        slopes = torch.cat(
            [
                self._mean_slopes(path, part, (nodes + 1) / 2, weights / 2)
                for part in pieces_of(ways, path.batch.size // steps)
            ]
        )
        total = slopes.new_zeros(len(path.batch), *step.shape[1:])
        share = torch.as_tensor(1 / path.n_references[path.owner[ways]]).to(slopes)
        total.index_add_(0, rows, along(share, step) * step * slopes)
        asked = torch.as_tensor(samples, device=total.device)
        return path.leaf.fold(total[asked], asked)

    def _mean_slopes(self, path: Path, ways: Ints, alpha: Floats, weight: Floats) -> Tensor:
        """(J, ...) the gradient's integral along each of the ways."""
        rows, start, step = path.ends(ways)
        total = torch.zeros_like(step, dtype=torch.float64)
        for part in pieces(len(alpha), max(1, path.batch.size // len(ways))):
            a = torch.as_tensor(np.repeat(alpha[part][:, None], len(ways), axis=1)).to(step)
            at = start + a.reshape(*a.shape, *[1] * (step.ndim - 1)) * step  # (steps, J, ...)
            weights = torch.as_tensor(np.repeat(weight[part], len(ways))).to(step)
            slopes = path.batch.gradient(
                path.leaf, at.flatten(0, 1), rows.repeat(len(a)), weights=weights
            )
            total += slopes.view_as(at).sum(dim=0, dtype=torch.float64)
        return total

    def _answer(
        self, path: Path, maps: PerSample, gaps: list[float], steps: list[int]
    ) -> Explanations:
        done = [gap <= self.tolerance for gap in gaps]
        return path.batch.questions.answer(
            self,
            elements=maps,
            additive=True,
            in_units=True,
            empty=path.empties,
            converged=done,
            notes=[
                f"completeness gap {gap:.2%} after {n} steps" + ("" if d else ", not converged")
                for gap, n, d in zip(gaps, steps, done, strict=True)
            ],
            extras=[
                {"completeness_gap": gap, "steps": n} for gap, n in zip(gaps, steps, strict=True)
            ],
        )


@METHODS.register("smoothgrad")
@dataclass(frozen=True, kw_only=True)
class SmoothGrad(Batched):
    """How strongly the target answers to a small change of each place, averaged over noisy copies.

    |mean gradient| over `n_samples` copies with Gaussian noise of `noise` * (max - min of the leaf),
    summed over the leaf values of one place; relative, never negative, with the jackknife's standard
    error. Source: Smilkov et al. 2017, arXiv 1706.03825, section 3.
    """

    name: ClassVar[str] = "smoothgrad"
    in_auto: ClassVar[bool] = True
    draws: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        title="SmoothGrad",
        asks="How strongly would the score react to a tiny change here, near this sample on average?",
        misleads="It has no sign, and the noise decides how far 'near' is.",
        paper="Smilkov et al. 2017, arXiv 1706.03825",
        korean=Translation(
            "SmoothGrad",
            "이 표본 주위에서 평균한 민감도를 봅니다.",
            "부호가 없고, 잡음의 크기가 ‘주위’의 범위를 정합니다.",
        ),
    )

    n_samples: int = 32
    noise: float = 0.1

    def __post_init__(self) -> None:
        if self.n_samples < 2:
            raise InvalidInput(f"smoothgrad has n_samples {self.n_samples}; 2 or more are needed.")
        if not self.noise >= 0:
            raise InvalidInput(f"smoothgrad has noise {self.noise}; it must be 0 or more.")

    def check(self, model: Model) -> None:
        differentiable(model, self.name)

    def rows_needed(self, question: Question) -> tuple[int, int]:
        """Model rows."""
        del question
        return self.n_samples, self.n_samples

    def explain(self, batch: Batch) -> Explanations:
        if _of_one_size(batch):
            return Explanations.of(self._explain_alike(batch))
        return Explanations.of([e for one in batch.each() for e in self._explain_alike(one)])

    def _explain_alike(self, batch: Batch) -> list[Explanation]:
        leaf, n, found = leaf_of(batch, self.name), self.n_samples, []
        flat = leaf.at.flatten(1)
        sd = self.noise * (flat.amax(1) - flat.amin(1))
        # torch draws normal numbers three times as fast as NumPy
        noises = [torch.Generator("cpu").manual_seed(int(r.integers(2**63))) for r in batch.rngs]
        for some in pieces(len(batch), max(1, batch.size // n)):
            owner = torch.arange(some.start, some.stop).repeat_interleave(n)
            parts = [
                self._slopes(batch, leaf, sd, noises, owner[part])
                for part in pieces(len(owner), batch.size)
            ]
            slopes = torch.cat(parts).view(-1, n, *leaf.at.shape[1:])
            found += [
                self._answer(batch.questions[i], leaf, own, i, float(sd[i]))
                for i, own in enumerate(slopes, start=some.start)
            ]
        return found

    def _slopes(
        self,
        batch: Batch,
        leaf: Leaf,
        sd: Tensor,
        noises: Sequence[torch.Generator],
        owner: Tensor,
    ) -> Tensor:
        """(R, ...) derivatives at noisy copies of those samples."""
        copies = torch.empty(len(owner), leaf.at[0].numel(), dtype=torch.float32, device="cpu")
        for copy, i in zip(copies, owner.tolist(), strict=True):
            copy.normal_(generator=noises[i])  # one at a time: the batch size changes nothing
        rows = owner.to(leaf.at.device)
        noise = copies.view(-1, *leaf.at.shape[1:]).to(leaf.at)
        at = torch.addcmul(leaf.at[rows], along(sd[rows], noise), noise)
        return batch.gradient(leaf, at, rows)

    def _answer(
        self, question: Question, leaf: Leaf, slopes: Tensor, row: int, sd: float
    ) -> Explanation:
        total, n = slopes.sum(dim=0, keepdim=True), self.n_samples
        rows = torch.full((n,), row, device=leaf.at.device)
        (map_,) = leaf.fold((total / n).abs(), rows[:1])
        without = leaf.fold((total - slopes).abs_().div_(n - 1), rows)  # one draw left out
        values = question.segmentation.pool_many(np.asarray(without), "mean")
        std = np.sqrt((n - 1) / n * np.square(values - values.mean(axis=0)).sum(axis=0))
        return question.answer(
            self, elements=map_, additive=False, in_units=False, std=std, extras={"noise_sd": sd}
        )


def _of_one_size(batch: Batch) -> bool:
    """Whether all samples have leaves of one size: padding would change the noise and its scale."""
    shapes = {leaf_of(one, SmoothGrad.name).at.shape for one in batch.each()}
    return len(shapes) == 1


@METHODS.register("gradient_shap")
@dataclass(frozen=True, kw_only=True)
class GradientShap(Batched):
    """What each place adds on the way from a random reference to the sample, on average.

    The mean of (x - r) * gradient at r + a (x - r) over references r and 0 <= a <= 1: expected
    gradients, which is integrated gradients averaged over the references. At most `n_samples` draws,
    one in each stratum of (reference, a) when that leaves four or more a reference, otherwise of a.
    The standard error comes from second differences of neighbouring strata: right where the gradient
    is a line there, too large by up to a factor of two where it jumps. Additive up to sampling, in
    the target's unit. Sources: Lundberg & Lee 2017 (GradientExplainer of shap); Erion et al. 2021,
    arXiv 1906.10670.
    """

    name: ClassVar[str] = "gradient_shap"
    in_auto: ClassVar[bool] = True
    splits_sums: ClassVar[bool] = True
    draws: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        title="GradientSHAP",
        asks="What does each feature add on the way from typical inputs to this sample, on average?",
        misleads="It equals Shapley values only for models that are straight lines between inputs.",
        paper="Erion et al. 2021, arXiv 1906.10670",
        korean=Translation(
            "GradientSHAP",
            "전형적인 입력에서 이 표본까지 각 특징이 더하는 몫을 평균합니다.",
            "입력 사이에서 직선인 모델에서만 섀플리 값과 같습니다.",
        ),
    )
    holds_references: ClassVar[bool] = True

    n_samples: int = 64

    def __post_init__(self) -> None:
        if self.n_samples < _FEWEST:
            raise InvalidInput(
                f"gradient_shap has n_samples {self.n_samples}; {_FEWEST} or more are needed."
            )

    def check(self, model: Model) -> None:
        differentiable(model, self.name)

    def rows_needed(self, question: Question) -> tuple[int, int]:
        """Model rows."""
        del question
        return self.n_samples, self.n_samples

    def explain(self, batch: Batch) -> Explanations:
        path = Path.of(batch, self.name)
        plans = [
            _draws(int(k), self.n_samples, rng)
            for k, rng in zip(path.n_references, batch.rngs, strict=True)
        ]
        base = np.concatenate([s + p[0] for s, p in zip(path.starts, plans, strict=True)])
        alpha = np.concatenate([p[1] for p in plans])
        cuts = batch.questions.segmentations
        maps = [np.zeros(cut.ids.shape) for cut in cuts]
        draws: list[list[Floats]] = [[] for _ in maps]
        for part in pieces(len(base), batch.size):
            rows, credit = path.credit(base[part], alpha[part])
            folded = path.leaf.fold(credit.double(), rows)
            for sample, run in itertools.groupby(range(len(rows)), rows.tolist().__getitem__):
                found = np.stack([folded[i] for i in run])
                maps[sample] += found.sum(axis=0)
                draws[sample].extend(cuts[sample].pool_many(found))
        counts = [len(own) for own in draws]
        return batch.questions.answer(
            self,
            elements=stacked([total / n for total, n in zip(maps, counts, strict=True)]),
            additive=True,
            in_units=True,
            std=stacked(list(map(self._errors, draws, path.n_references.tolist()))),
            empty=path.empties,
            notes=[f"sampled: {n} draws" for n in counts],
            extras=[{"draws": n} for n in counts],
        )

    def _errors(self, draws: list[Floats], n_references: int) -> Floats:
        """(n,) standard errors of the mean of the draws."""
        n, n_cells = len(draws), _n_cells(n_references, self.n_samples)
        bends = np.diff(np.stack(draws).reshape(n // n_cells, n_cells, -1), n=2, axis=1)
        # the second difference of independent draws has 6 times their variance
        variance = np.square(bends).sum(axis=(0, 1)) / 6 * n_cells / (n_cells - 2)
        return np.asarray(np.sqrt(variance) / n)


_FEWEST = 4  # draws on one way: enough for two second differences


def _n_cells(k: int, n: int) -> int:
    """Strata of [0, 1] on one way: on the way from each reference, or on one from any of them."""
    return n // k if n // k >= _FEWEST else n


def _draws(k: int, n: int, rng: Rng) -> tuple[Ints, Floats]:
    """At most n draws of (reference, a), one in each stratum, in order."""
    n_cells = _n_cells(k, n)
    reference = rng.integers(k, size=n) if n_cells == n else np.repeat(np.arange(k), n_cells)
    cell = np.resize(np.arange(n_cells), len(reference))
    return reference, (cell + rng.random(len(cell))) / n_cells


def _completeness_gaps(maps: PerSample, changes: Floats) -> Floats:
    """|sum - (output - empty)| / |output - empty| of each map, 0 is complete."""
    sums = np.array([float(map_.sum()) for map_ in maps])
    sizes = np.array([float(np.abs(map_).sum()) for map_ in maps])
    scale = np.maximum(np.abs(changes), 0.01 * sizes)
    return np.asarray(np.abs(sums - changes) / np.where(scale > 0, scale, 1.0) * (scale > 0))


def _replaced(maps: PerSample, places: Ints, new: PerSample) -> PerSample:
    for place, map_ in zip(places.tolist(), new, strict=True):
        maps[place] = map_  # type: ignore[index] # an array or a list
    return maps


def _rows(leaf: Leaf) -> Tensor:
    return torch.arange(len(leaf.at), device=leaf.at.device)
