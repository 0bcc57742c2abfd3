"""Does the answer change when what an explanation marks is removed?

Everything stands on `Question.value`, so it is written once for all modalities. The order of removal
is that of the signed values: what speaks most for the target goes first; ties are broken at random.
Curves are drawn in probability where the target is a log-odds (the probability that belongs to the
mean log-odds over the references), otherwise in the target's own unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
import scipy
from scipy.special import expit

from xaikit.core.errors import InvalidInput
from xaikit.core.explanations import Explanations
from xaikit.core.question import MASK_BYTES, Cache, Question
from xaikit.core.stats import area, is_constant, pearson
from xaikit.core.types import Bools, Explanation, Floats, Ints, Score
from xaikit.methods.packing import values_of
from xaikit.methods.passes import pieces
from xaikit.metrics.base import METRICS, Measure, Metric, described, measure

__all__ = ["CompletenessGap", "Removal", "RemovalTest"]

_FAMILY = "faithfulness"
RANDOM = "random"  # the control that stands for a random order
ALL_STEPS = 40  # features up to which a curve takes them one by one
NOTHING = 1e-9  # outputs that differ by less are the same
CONTROL_STEPS = 10  # most steps of a random order: the mean of many is smooth
DELETION = measure(
    "deletion",
    _FAMILY,
    "lower",
    "Deletion",
    "mean answer while the strongest are removed first",
    korean=("제거 곡선", "강한 것부터 제거할 때의 평균 답"),
)
INSERTION = measure(
    "insertion",
    _FAMILY,
    "higher",
    "Insertion",
    "mean answer while the strongest are put back first",
    korean=("복원 곡선", "강한 것부터 복원할 때의 평균 답"),
)
SRG = measure(
    "srg",
    _FAMILY,
    "higher",
    "Gain over the reverse order",
    "area between removing the least and the most important first; a random order gives 0",
    korean=(
        "역순 대비 이득",
        "덜 중요한 것부터와 중요한 것부터 제거한 곡선 사이의 면적. 무작위는 0",
    ),
)
COMPREHENSIVENESS = measure(
    "comprehensiveness",
    _FAMILY,
    "higher",
    "Comprehensiveness",
    "fall of the answer without the top features",
    korean=("포괄성", "상위 특징을 뺄 때 답의 하락"),
)
SUFFICIENCY = measure(
    "sufficiency",
    _FAMILY,
    "lower",
    "Sufficiency",
    "fall of the answer with the top features alone",
    korean=("충분성", "상위 특징만 남길 때 답의 하락"),
)
INFIDELITY = measure(
    "infidelity",
    _FAMILY,
    "lower",
    "Infidelity",
    "squared error of predicting removals from the values",
    korean=("불충실도", "값으로 제거의 효과를 예측할 때의 제곱 오차"),
)
CORRELATION = measure(
    "faithfulness_correlation",
    _FAMILY,
    "higher",
    "Faithfulness correlation",
    "correlation of removed values with the fall of the answer",
    korean=("충실성 상관", "제거한 값과 답의 하락 사이의 상관"),
)
SHIFT = measure(
    "shift",
    _FAMILY,
    "lower",
    "Distance from real data",
    "how far inputs with removed parts lie from real data; 1 is as far as real data from each other",
    in_table=False,
)
COMPLETENESS_GAP = measure(
    "completeness_gap",
    _FAMILY,
    "lower",
    "Completeness gap (median)",
    "share of the output that the parts miss",
    korean=("합의 오차(중앙값)", "부분의 합이 놓치는 출력의 비율"),
    centre="median",  # a share of an output near 0 can be of any size
)


@dataclass(frozen=True, eq=False)
class RemovalTest:
    """What explanations of B questions with as many features each are tested with, paid once.

    The controls are drawn from each question's own generator, so they are the same whichever method
    comes first, alone or in a block. Every order is used together with its reverse; the mean random
    "srg" is therefore 0 exactly, as its expectation is.

    n_orders : random orders in the control, an even number
    n_steps : equal steps of a curve beyond 40 features; with fewer features each is one step. Random
        orders take at most 10 steps.
    bins : shares of features for comprehensiveness and sufficiency, rounded up to whole features
    n_subsets : removed subsets of a quarter of the features for the faithfulness correlation
    """

    questions: Sequence[Question]
    n_orders: int = 32
    n_steps: int = 32
    bins: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5)
    n_subsets: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        if self.n_orders < 2 or self.n_orders % 2:
            raise InvalidInput(
                f"n_orders is {self.n_orders}; each random order is used with its reverse, so give "
                "an even number of 2 or more."
            )
        if not self.bins or not all(0 < b <= 1 for b in self.bins):
            raise InvalidInput(f"bins are {self.bins}; give shares above 0 and up to 1.")
        if self.n_steps < 2 or self.n_subsets < 2:
            raise InvalidInput(
                f"n_steps is {self.n_steps} and n_subsets {self.n_subsets}; both must be 2 or more."
            )

    def scores(self, explanations: Sequence[Sequence[Explanation]]) -> list[Score]:
        """All removal scores of the explanations: of each method those of all questions."""
        blocks = [Explanations.of(block) for block in explanations]
        if not blocks:
            return []
        self._check(blocks)
        values = np.stack([block.values for block in blocks])  # (M, B, n)
        of = [
            {"method": block.method, "sample": id_, "masker": question.masker.name}
            for block in blocks
            for question, id_ in zip(self.questions, block.sample_ids, strict=True)
        ]
        flat = "all values are equal: the order is random"
        notes = [flat if equal else "" for equal in is_constant(values).ravel()]
        counts = np.unique(np.concatenate([self._counts, self._top]))
        curves = self._followed(values, counts)
        units = [block.unit for block in blocks]
        return [
            *self._curves(curves, counts, self._counts, of, notes),
            *self._predictions(values, units, of),
        ]

    def gains(self, values: Floats) -> Floats:
        """(M, B, n) -> (M, B): "srg" of the orders of any values."""
        deletion, insertion = np.moveaxis(self._followed(values, self._counts), 2, 0)
        between: Floats = insertion - deletion
        return np.asarray(np.trapezoid(between, self._counts / self.n_features, axis=-1))

    def _followed(self, values: Floats, counts: Ints) -> Floats:
        """(M, B, 2, p) answers with so many of the strongest removed, and with those alone kept."""
        ties = [q.rng("ties", self.seed).random(self.n_features) for q in self.questions]
        order = np.lexsort((np.broadcast_to(ties, values.shape), -values))
        removed = _without_first(order, counts)  # (M, B, p, n)
        y = self._values(np.moveaxis(np.concatenate([removed, ~removed], axis=2), 0, 1))
        return self._shown(np.moveaxis(y.reshape(len(y), len(values), 2, -1), 0, 1), 1)

    def random(self) -> list[Score]:
        """The random control: means over `n_orders` orders, as scores of the method "random".

        With a background, also "shift", the gauge of how unreal the removals make the input.
        """
        names = [(q.sample.id, q.masker.name) for q in self.questions]
        of = [{"method": RANDOM, "sample": id_, "masker": name} for id_, name in names]
        notes = [f"mean of {self.n_orders} random orders"] * len(of)
        counts, y = self._whole
        removed = self._shown(y, 0).mean(axis=1)  # (B, p)
        # a reversed order puts back what the order leaves to the last
        both = np.stack([removed, removed[:, ::-1]], axis=1)
        found = self._curves(both[None], counts, self._control_counts, of, notes)
        far = shifts(self.questions, self._mixed[0])
        return [*found, *(SHIFT.score(d, o) for d, o in zip(far, of, strict=True) if d is not None)]

    @property
    def n_features(self) -> int:
        return self.questions[0].n_features

    def _check(self, blocks: Sequence[Explanations]) -> None:
        for block in blocks:
            for question, cut in zip(self.questions, block.segmentations, strict=True):
                if not cut.n_features == question.n_features == self.n_features:
                    raise InvalidInput(
                        f"{block.method} explains {cut.n_features} features and the removal test of "
                        f"sample '{question.sample.id}' has {question.n_features}; use one segmentation."
                    )

    @cached_property
    def _asked(self) -> list[Question]:
        """The questions, each with a cache: many masks come twice."""
        return [q if q.cache is not None else replace(q, cache=Cache()) for q in self.questions]

    @cached_property
    def _counts(self) -> Ints:
        """How many features are removed at each point of a curve, from 0 to n."""
        n = self.n_features
        steps = n if n <= ALL_STEPS else self.n_steps
        return np.unique(np.round(np.linspace(0, n, steps + 1)).astype(np.int64))

    @cached_property
    def _control_counts(self) -> Ints:
        """The same for random orders."""
        n = self.n_features
        half = np.ceil(np.linspace(0, n, min(n, self.n_steps, CONTROL_STEPS) + 1) - 1e-9)
        half = half[half <= (n + 1) // 2].astype(np.int64)
        return np.unique([half, n - half])  # symmetric: an order and its reverse share masks

    @cached_property
    def _top(self) -> Ints:
        """How many features each bin holds; bins that hold the same number count once."""
        n = self.n_features
        return np.unique([min(n, max(1, int(np.ceil(b * n - 1e-9)))) for b in self.bins])

    @cached_property
    def _orders(self) -> Ints:
        """(B, n_orders, n) random orders of each question, and their reverses."""
        every = np.tile(np.arange(self.n_features), (self.n_orders // 2, 1))
        rngs = [q.rng("random orders", self.seed) for q in self.questions]
        half = np.stack([rng.permuted(every, axis=1) for rng in rngs])
        return np.concatenate([half, half[..., ::-1]], axis=1)

    @cached_property
    def _drawn(self) -> tuple[Bools, Floats]:
        """Masks (B, r, n) of the random orders' curves and then without a quarter of the features, and their values."""
        n = self.n_features
        every = np.tile(np.arange(n), (self.n_subsets, 1))
        rngs = [q.rng("subsets", self.seed) for q in self.questions]
        subsets = np.stack([rng.permuted(every, axis=1) for rng in rngs])
        quarters = _without_first(subsets, np.array([max(1, round(n / 4))]))
        curves = _without_first(self._orders, self._control_counts[1:])
        masks = np.concatenate([m.reshape(len(m), -1, n) for m in (curves, quarters)], axis=1)
        return masks, self._values(masks)

    @property
    def _mixed(self) -> tuple[Bools, Floats]:
        """Masks (B, r, n) on the curves of the random orders, order by order, and their values."""
        masks, y = self._drawn
        return masks[:, : -self.n_subsets], y[:, : -self.n_subsets]

    @property
    def _quarters(self) -> tuple[Bools, Floats]:
        """Masks (B, n_subsets, n) with a quarter of the features removed, and their values."""
        masks, y = self._drawn
        return masks[:, -self.n_subsets :], y[:, -self.n_subsets :]

    @property
    def _whole(self) -> tuple[Ints, Floats]:
        """Counts (p,), as many from either end, and values (B, n_orders, p) of the random orders."""
        known = self._control_counts[1:]
        more = np.setdiff1d(np.concatenate([self._top, self.n_features - self._top]), known)
        more, counts = more[more > 0], np.concatenate([[0], known, more[more > 0]])
        y = [self._mixed[1].reshape(len(self.questions), self.n_orders, -1)]
        y.insert(0, np.broadcast_to(self._full[:, None], y[0][..., :1].shape))
        if len(more):
            y.append(self._values(_without_first(self._orders, more)))
        order = np.argsort(counts)
        return counts[order], np.concatenate(y, axis=2)[:, :, order]

    @property
    def _full(self) -> Floats:
        """(B, 1) values with nothing removed."""
        return np.array([q.output for q in self.questions])[:, None]

    def _values(self, masks: Bools) -> Floats:
        """(B, ..., n) -> (B, ...): of each question its own masks."""
        flat = masks.reshape(len(masks), -1, masks.shape[-1])
        return values_of(self._asked, flat).reshape(masks.shape[:-1])

    def _curves(
        self,
        y: Floats,
        at: Ints,
        counts: Ints,
        of: Sequence[Mapping[str, str]],
        notes: Sequence[str],
    ) -> list[Score]:
        """Scores of curves (M, B, 2, p), features removed and features kept.

        at : (p,) how many features are removed at each point; counts : those of the curve, 0 to n
        """
        share, on = counts / self.n_features, np.searchsorted(at, counts)
        deletion, insertion = (_points(share, y[:, :, i, on].reshape(len(of), -1)) for i in (0, 1))
        tops = y[..., np.searchsorted(at, self._top)].mean(axis=-1).reshape(len(of), 2)
        full, bins = deletion[:, 0, 1], ", ".join(f"{b:g}" for b in self.bins)
        protocol = f"mean over the top shares {bins} of the features"
        told = [f"{protocol}; {note}" if note else protocol for note in notes]
        return [
            *DELETION.scores(area(deletion), of, notes, deletion),
            *INSERTION.scores(area(insertion), of, notes, insertion),
            *SRG.scores(area(insertion) - area(deletion), of, notes),
            *COMPREHENSIVENESS.scores(full - tops[:, 0], of, told),
            *SUFFICIENCY.scores(full - tops[:, 1], of, told),
        ]

    def _predictions(
        self, values: Floats, units: Sequence[str], of: Sequence[Mapping[str, str]]
    ) -> list[Score]:
        """How well sums of values (M, B, n) predict what removal does, in the target's own unit."""
        (mixed, y), (quarters, y_quarters) = self._mixed, self._quarters
        change = self._full - y  # (B, r)
        predicted = np.moveaxis(~mixed @ np.moveaxis(values, 0, 2), 2, 0)  # (M, B, r)
        power, along = (predicted**2).sum(axis=-1), (predicted * change).sum(axis=-1)
        best = np.divide(along, power, out=np.zeros_like(power), where=power > 0)
        relative = np.array(units)[:, None] == "relative"
        off = np.where(relative, best, 1.0)[..., None] * predicted - change
        scaled = "values are relative: scaled by {:.3g}, the best single factor"
        notes = np.where(relative, [[scaled.format(x) for x in row] for row in best], "")
        sums = np.moveaxis(~quarters @ np.moveaxis(values, 0, 2), 2, 0)  # (M, B, n_subsets)
        flat = is_constant(sums) | is_constant(y_quarters)
        rule = np.where(flat, "0 by rule: the values or the outputs do not vary", "")
        return [
            *INFIDELITY.scores((off**2).mean(axis=-1).ravel(), of, notes.ravel().tolist()),
            *CORRELATION.scores(
                pearson(sums, self._full - y_quarters).ravel(), of, rule.ravel().tolist()
            ),
        ]

    def _shown(self, y: Floats, axis: int) -> Floats:
        """Values as curves show them; the questions lie along the axis."""
        odds = np.array([q.target.space == "logit" for q in self.questions])
        odds = odds.reshape([-1 if i == axis else 1 for i in range(y.ndim)])
        return np.where(odds, expit(y), y)


@METRICS.register("removal")
@dataclass(frozen=True)
class Removal(Metric):
    """Deletion, insertion, their difference, and five more numbers under the question's masker.

    Deletion and insertion: Petsiuk et al. 2018, section 3.2. srg: least-relevant-first minus
    most-relevant-first area (symmetric relevance gain, Bluecher et al. 2024); the area of inserting
    the most relevant first is that of removing the least relevant first. Comprehensiveness and
    sufficiency: DeYoung et al. 2020, eq. 1-2, averaged over bins. Infidelity: Yeh et al. 2019,
    def. 2.1, with the removed sets of the random orders as perturbations. Faithfulness correlation:
    Bhatt et al. 2020, def. 3. All explanations of one question share one `RemovalTest`.
    """

    name: ClassVar[str] = "removal"
    measures: ClassVar[tuple[Measure, ...]] = (
        *(SRG, DELETION, INSERTION, COMPREHENSIVENESS, SUFFICIENCY, INFIDELITY, CORRELATION),
        SHIFT,
    )
    under_each_masker: ClassVar[bool] = True
    n_orders: int = 32
    n_steps: int = 32
    bins: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5)
    n_subsets: int = 100

    def rows_needed(self, question: Question, n_methods: int) -> int:
        """Under the question's own masker; few features have fewer masks than are asked for."""
        masks = 12 * self.n_orders + self.n_subsets + 72 * n_methods
        return int(min(masks, 2.0**question.n_features)) * question.n_references

    def scores(
        self,
        questions: Sequence[Question],
        explanations: Sequence[Sequence[Explanation]],
        *,
        seed: int = 0,
    ) -> list[Score]:
        """With the random control, which is a mean of many orders and no single explanation."""
        params = {f.name: getattr(self, f.name) for f in fields(self)}
        measured = [block for block in explanations if block[0].method != RANDOM]
        found: list[Score] = []
        rows = 12 * self.n_orders + self.n_subsets + 72 * len(measured)
        for part in pieces(len(questions), max(1, MASK_BYTES // (rows * questions[0].n_features))):
            test = RemovalTest(questions[part], seed=seed, **params)
            found += [*test.random(), *test.scores([block[part] for block in measured])]
        return found


@METRICS.register("completeness_gap")
@dataclass(frozen=True)
class CompletenessGap(Metric):
    """|output - empty - sum(values)| / |output - empty|, for methods that claim to be additive.

    Measured on the explained question only: another masker has another `empty`.
    """

    name: ClassVar[str] = "completeness_gap"
    measures: ClassVar[tuple[Measure, ...]] = (COMPLETENESS_GAP,)

    def scores(
        self,
        questions: Sequence[Question],
        explanations: Sequence[Sequence[Explanation]],
        *,
        seed: int = 0,
    ) -> list[Score]:
        del seed
        found: list[Score] = []
        for block in map(Explanations.of, explanations):
            names = zip(questions, block.maskers, strict=True)
            same = [i for i, (q, name) in enumerate(names) if q.masker.name == name]
            if block.additive and same:
                of = [described(questions[i], block[i]) for i in same]
                found += _gaps(block.take(same), of)
        return found


def _gaps(block: Explanations, of: Sequence[Mapping[str, str]]) -> list[Score]:
    gap, span = np.abs(block.residual), np.abs(block.output - block.empty)
    none = np.where(gap <= NOTHING, 0.0, np.nan)
    share = np.divide(gap, span, out=none, where=span > NOTHING)
    why = "the output is the same with everything kept and removed, so no share can be given"
    return COMPLETENESS_GAP.scores(share, of, [why if lost else "" for lost in np.isnan(share)])


def shifts(questions: Sequence[Question], masks: Bools | Sequence[Bools]) -> list[float | None]:
    """Distance of masked inputs to the nearest background row over that of background rows; 1 is typical.

    masks : (m, n) of each question of one model

    The ratio of two medians, over the masks and over at most 200 rows of the model's background, in
    Euclidean distance (columns of a table in their deviations). None without a background of two
    different rows, and for text.
    """
    background, kind = questions[0].model.background, questions[0].sample.kind
    if background is None or not kind.typical or len(background) < 2:
        return [None] * len(questions)
    rows = background[:200].reshape(min(len(background), 200), -1).astype(np.float64)
    if np.isnan(rows).any() or any(np.isnan(q.sample.x).any() for q in questions):
        return [None] * len(questions)  # there is no distance to a missing value
    spread = rows.std(axis=0) if kind.tabular else np.ones(rows.shape[1])
    spread = np.where(spread > 0, spread, 1.0)
    rows = rows / spread
    apart = scipy.spatial.distance.cdist(rows, rows)
    np.fill_diagonal(apart, np.inf)
    typical = float(np.median(apart.min(axis=1)))
    if typical <= 0:
        return [None] * len(questions)
    found: list[float | None] = []
    for question, own in zip(questions, masks, strict=True):
        masked = _masked(question, own[:: max(1, len(own) // 200)]) / spread
        nearest = scipy.spatial.distance.cdist(masked, rows).min(axis=1)
        found.append(float(np.median(nearest)) / typical)
    return found


def _masked(question: Question, masks: Bools) -> Floats:
    """(m, size) the inputs with parts replaced by the first reference."""
    x = question.sample.x
    kept = question.segmentation.expand(masks)
    other = question.masker.stand_ins(x, kept)[:, 0]
    kept = kept.reshape(kept.shape + (1,) * (x.ndim - kept.ndim + 1))
    found: Floats = np.where(kept, x, other).reshape(len(kept), -1)
    return found


def _points(share: Floats, curves: Floats) -> Floats:
    """(N, p, 2) x and y of curves (N, p)."""
    return np.stack([np.broadcast_to(share, curves.shape), curves], axis=2)


def _without_first(orders: Ints, counts: Ints) -> Bools:
    """Masks (..., p, n) with the first counts[p] features of orders (..., n) removed."""
    rank = np.argsort(orders, axis=-1)  # (..., n), place of each feature in the order
    kept: Bools = rank[..., None, :] >= counts[:, None]
    return kept
