"""Does the answer change when what an explanation marks is removed?

Everything stands on `Question.value`, so it is written once for all modalities. The order of removal
is that of the signed values: what speaks most for the target goes first; ties are broken at random.
Curves are drawn in probability where the target is a log-odds (the probability that belongs to the
mean log-odds over the references), otherwise in the target's own unit.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import scipy
from scipy.special import expit

from xaikit.core.errors import InvalidInput
from xaikit.core.question import Question
from xaikit.core.stats import area, is_constant, pearson
from xaikit.core.types import Bools, Explanation, Floats, Ints, Score
from xaikit.metrics.base import METRICS, Measure, Metric, described, measure

__all__ = ["CompletenessGap", "Removal", "RemovalTest"]

_FAMILY = "faithfulness"
RANDOM = "random"  # the control that stands for a random order
ALL_STEPS = 40  # features up to which a curve takes them one by one
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
    """What every explanation of one question is tested with, paid once.

    The controls are drawn from the question's own generator, so they are the same whichever method
    comes first. Every order is used together with its reverse; the mean random "srg" is therefore 0
    exactly, as its expectation is.

    n_orders : random orders in the control, an even number
    n_steps : equal steps of a curve beyond 40 features; with fewer features each is one step. Random
        orders take at most 10 steps.
    bins : shares of features for comprehensiveness and sufficiency, rounded up to whole features
    n_subsets : removed subsets of a quarter of the features for the faithfulness correlation
    """

    question: Question
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

    def scores(self, explanation: Explanation) -> list[Score]:
        """All removal scores of one explanation: its own masks in one call."""
        values = explanation.values
        if len(values) != self.question.n_features:
            raise InvalidInput(
                f"{explanation.method} explains {len(values)} features and the removal test of sample "
                f"'{self.question.sample.id}' has {self.question.n_features}; use one segmentation."
            )
        rng = self.question.rng("ties", self.seed)
        order = np.lexsort((rng.random(len(values)), -values))
        of = described(self.question, explanation)
        flat = "all values are equal: the order is random" if is_constant(values) else ""
        curves = self._curves(order[None], self._counts, of, flat)
        return [*curves, *self._predictions(explanation, of)]

    def random(self) -> list[Score]:
        """The random control: means over `n_orders` orders, as scores of the method "random".

        With a background, also "shift", the gauge of how unreal the removals make the input.
        """
        of = {
            "method": RANDOM,
            "sample": self.question.sample.id,
            "masker": self.question.masker.name,
        }
        note = f"mean of {self.n_orders} random orders"
        curves = self._curves(self._orders, self._control_counts, of, note)
        far = shift(self.question, self._mixed[0])
        return curves if far is None else [*curves, SHIFT.score(far, of)]

    @cached_property
    def _counts(self) -> Ints:
        """How many features are removed at each point of a curve, from 0 to n."""
        n = self.question.n_features
        steps = n if n <= ALL_STEPS else self.n_steps
        return np.unique(np.round(np.linspace(0, n, steps + 1)).astype(np.int64))

    @cached_property
    def _control_counts(self) -> Ints:
        """The same for random orders."""
        n = self.question.n_features
        half = np.ceil(np.linspace(0, n, min(n, self.n_steps, CONTROL_STEPS) + 1) - 1e-9)
        half = half[half <= (n + 1) // 2].astype(np.int64)
        return np.unique([half, n - half])  # symmetric: an order and its reverse share masks

    @cached_property
    def _top(self) -> Ints:
        """How many features each bin holds; bins that hold the same number count once."""
        n = self.question.n_features
        return np.unique([min(n, max(1, int(np.ceil(b * n - 1e-9)))) for b in self.bins])

    @cached_property
    def _orders(self) -> Ints:
        rng, n = self.question.rng("random orders", self.seed), self.question.n_features
        half = rng.permuted(np.tile(np.arange(n), (self.n_orders // 2, 1)), axis=1)
        return np.concatenate([half, half[:, ::-1]])

    @cached_property
    def _mixed(self) -> tuple[Bools, Floats]:
        """The masks on the curves of the random orders, and their values."""
        return self._valued(_without_first(self._orders, self._control_counts[1:]))

    @cached_property
    def _quarters(self) -> tuple[Bools, Floats]:
        """Masks with a quarter of the features removed, and their values."""
        rng, n = self.question.rng("subsets", self.seed), self.question.n_features
        orders = rng.permuted(np.tile(np.arange(n), (self.n_subsets, 1)), axis=1)
        return self._valued(_without_first(orders, np.array([max(1, round(n / 4))])))

    def _valued(self, masks: Bools) -> tuple[Bools, Floats]:
        flat = masks.reshape(-1, masks.shape[-1])
        packed, back = np.unique(np.packbits(flat, axis=1), axis=0, return_inverse=True)
        distinct = np.unpackbits(packed, axis=1, count=flat.shape[1]).astype(bool)
        return flat, self.question.value(distinct)[back.ravel()]

    def _curves(self, orders: Ints, counts: Ints, of: dict[str, str], note: str) -> list[Score]:
        """Curves of some orders of removal (o, n), their means where there are several.

        counts : (p,) how many features are removed at each point, from 0 to n
        """
        n, top = orders.shape[1], self._top
        removed = _without_first(orders, np.concatenate([counts, top]))  # (o, p, n)
        kept = _without_first(orders[:, ::-1], n - np.concatenate([counts, top]))
        _, flat = self._valued(np.concatenate([removed, kept], axis=1))
        y = self._shown(flat).reshape(len(orders), 2, -1).mean(axis=0)  # (2, p)
        share = counts / n
        deletion, insertion = (np.stack([share, row[: len(share)]], axis=1) for row in y)
        full, bins = deletion[0, 1], ", ".join(f"{b:g}" for b in self.bins)
        protocol = f"mean over the top shares {bins} of the features" + (
            f"; {note}" if note else ""
        )
        return [
            DELETION.score(area(deletion), of, curve=deletion, note=note),
            INSERTION.score(area(insertion), of, curve=insertion, note=note),
            SRG.score(area(insertion) - area(deletion), of, note=note),
            COMPREHENSIVENESS.score(float((full - y[0, len(share) :]).mean()), of, note=protocol),
            SUFFICIENCY.score(float((full - y[1, len(share) :]).mean()), of, note=protocol),
        ]

    def _predictions(self, explanation: Explanation, of: dict[str, str]) -> list[Score]:
        """How well sums of values predict what removal does, in the target's own unit."""
        values = explanation.values
        (mixed, y_mixed), (quarters, y_quarters) = self._mixed, self._quarters
        full = self.question.output
        predicted, change = (~mixed) @ values, full - y_mixed
        scale, note = 1.0, ""
        if explanation.unit == "relative":
            power = float(predicted @ predicted)
            scale = float(predicted @ change) / power if power > 0 else 0.0
            note = f"values are relative: scaled by {scale:.3g}, the best single factor"
        flat = is_constant(y_quarters) or is_constant((~quarters) @ values)
        return [
            INFIDELITY.score(float(((scale * predicted - change) ** 2).mean()), of, note=note),
            CORRELATION.score(
                pearson((~quarters) @ values, full - y_quarters),
                of,
                note="0 by rule: the values or the outputs do not vary" if flat else "",
            ),
        ]

    def _shown(self, y: Floats) -> Floats:
        return expit(y) if self.question.target.space == "logit" else y


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

    def __call__(
        self, question: Question, explanation: Explanation, rng: np.random.Generator
    ) -> list[Score]:
        return self._test(question, int(rng.integers(2**31))).scores(explanation)

    def scores(
        self,
        questions: Sequence[Question],
        explanations: Sequence[Sequence[Explanation]],
        *,
        seed: int = 0,
    ) -> list[Score]:
        """With the random control, which is a mean of many orders and no single explanation."""
        found: list[Score] = []
        for i, question in enumerate(questions):
            test = self._test(question, seed)
            found += test.random()
            for block in explanations:
                if block[i].method != RANDOM:
                    found += test.scores(block[i])
        return found

    def _test(self, question: Question, seed: int) -> RemovalTest:
        params = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return RemovalTest(question, seed=seed, **params)


@METRICS.register("completeness_gap")
@dataclass(frozen=True)
class CompletenessGap(Metric):
    """|output - empty - sum(values)| / |output - empty|, for methods that claim to be additive.

    Measured on the explained question only: another masker has another `empty`.
    """

    name: ClassVar[str] = "completeness_gap"
    measures: ClassVar[tuple[Measure, ...]] = (COMPLETENESS_GAP,)

    def __call__(
        self, question: Question, explanation: Explanation, _: np.random.Generator
    ) -> list[Score]:
        if not explanation.additive or question.masker.name != explanation.masker:
            return []
        gap, span = abs(explanation.residual), abs(explanation.output - explanation.empty)
        of = described(question, explanation)
        if span > 1e-9:
            return [COMPLETENESS_GAP.score(gap / span, of)]
        if gap <= 1e-9:
            return [COMPLETENESS_GAP.score(0.0, of)]
        note = "the output is the same with everything kept and removed, so no share can be given"
        return [COMPLETENESS_GAP.score(float("nan"), of, note=note)]


def shift(question: Question, masks: Bools) -> float | None:
    """Distance of masked inputs to the nearest background row over that of background rows; 1 is typical.

    The ratio of two medians, over the masks and over at most 200 rows of the model's background, in
    Euclidean distance (columns of a table in their deviations). None without a background of two
    different rows, and for text.
    """
    x, background, kind = question.sample.x, question.model.background, question.sample.kind
    if background is None or not kind.typical or len(background) < 2:
        return None
    kept = question.segmentation.expand(masks[:: max(1, len(masks) // 200)])
    other = question.masker.stand_ins(x, kept)[:, 0]
    kept = kept.reshape(kept.shape + (1,) * (x.ndim - kept.ndim + 1))
    rows = background[:200].reshape(min(len(background), 200), -1).astype(np.float64)
    masked = np.where(kept, x, other).reshape(len(kept), -1)
    spread = rows.std(axis=0) if kind.tabular else np.ones(rows.shape[1])
    rows, masked = (
        rows / np.where(spread > 0, spread, 1.0),
        masked / np.where(spread > 0, spread, 1.0),
    )
    apart = scipy.spatial.distance.cdist(rows, rows)
    np.fill_diagonal(apart, np.inf)
    typical = float(np.median(apart.min(axis=1)))
    nearest = scipy.spatial.distance.cdist(masked, rows).min(axis=1)
    return float(np.median(nearest)) / typical if typical > 0 else None


def _without_first(orders: Ints, counts: Ints) -> Bools:
    """Masks (o, p, n) with the first counts[p] features of orders[o] removed."""
    rank = np.argsort(orders, axis=1)  # (o, n), place of each feature in the order
    kept: Bools = rank[:, None, :] >= counts[None, :, None]
    return kept
