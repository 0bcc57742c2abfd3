"""LIME: a linear model of the target around the sample, on masks.

Both modes look for the same thing, the weighted least squares fit

    min_{a, b}  E_z K(z) (v(z) - a - b.z)^2,   K(z) = exp(-D(z)^2 / (2 width^2)),

over z uniform on {0, 1}^n, D(z) = 1 - sqrt(|z| / n) the cosine distance to the sample. This is the
lime package's kernel for images and for text (there D is multiplied by 100 and the width is 25).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import scipy
from numpy.typing import NDArray

from xaikit.core.errors import InvalidInput
from xaikit.core.later import later
from xaikit.core.memory import Memory
from xaikit.core.question import Question
from xaikit.core.types import Bools, Explanation, Floats
from xaikit.methods.base import COALITIONS, METHODS, Card, Method, Translation
from xaikit.methods.weighted_lines import Frame, Line, frame_size
from xaikit.shapley.api import check_memory, masks_that_fit
from xaikit.shapley.design import (
    base_design,
    base_masks,
    relabelled,
    relabelling,
    stratum_caps,
)
from xaikit.shapley.kept import kept
from xaikit.shapley.pairs import both_of

metrics = later("sklearn.metrics")

__all__ = ["Lime"]

CAP = 8192  # rows drawn at most, unless told
AGREE = 0.9  # Jaccard index of the strongest features of two halves
POOR_FIT = 0.3  # weighted R2 below which the note warns


@METHODS.register("lime")
@dataclass(frozen=True)
class Lime(Method):
    """What each feature adds in the linear model that fits best around the sample.

    mode : "stable" asks the question's own design until the strongest features settle; "classic" gives the
        lime package's numbers, to the bit for the same segments, seed and model output
    width : of the kernel, on cosine distance
    budget : masks asked; "auto": stable, until settled, 8192 at most; classic, the package's own
        number (1000, text 5000)
    n_selected : classic: features that get a value, the others get 0; None = the package's own
        (all, text 10)
    random_state : classic: seed of the package's generator; None = drawn from the run's seed
    Values are in the target's units and do not sum to output - empty. Stable mode gives standard
    errors; `extras` holds the intercept and the weighted R2, which the note gives when it is poor.
    Source: Ribeiro et al., KDD 2016; the exact weighted fit as the aim: GLIME, Tan et al., NeurIPS 2023.
    """

    mode: Literal["stable", "classic"] = "stable"
    width: float = 0.25
    budget: int | Literal["auto"] = "auto"
    n_selected: int | None = None
    random_state: int | None = None

    name: ClassVar[str] = "lime"
    in_auto: ClassVar[bool] = True
    splits_sums: ClassVar[bool] = True
    stream: ClassVar[str] = COALITIONS
    evaluates_output_and_empty: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        title="LIME",
        asks="Which simple weighted sum of the features imitates the model near this sample?",
        misleads="When the sum imitates the model badly (small R2) its weights mean little.",
        paper="Ribeiro, Singh & Guestrin, KDD 2016; Tan et al. (GLIME), NeurIPS 2023",
        korean=Translation(
            "LIME",
            "이 표본 주위에서 모델을 흉내 내는 단순한 가중합을 찾습니다.",
            "흉내가 나쁘면(R² 작음) 가중치의 의미도 적습니다.",
        ),
    )

    def __post_init__(self) -> None:
        if self.mode not in ("stable", "classic"):
            raise InvalidInput(f"lime has no mode '{self.mode}'; use 'stable' or 'classic'.")
        if not self.width > 0:
            raise InvalidInput(f"lime's kernel width is {self.width}; it must be above 0.")
        if self.budget != "auto" and self.budget < 4:
            raise InvalidInput(f"lime's budget is {self.budget}; it must be 4 or more, or auto.")

    def rows_needed(self, question: Question) -> tuple[int, int]:
        """Fewest and most model rows."""
        k = question.n_references
        if self.budget != "auto":
            return self.budget * k, self.budget * k
        few, many = (1000, 5000) if self.mode == "classic" else _range(question)
        return few * k, many * k

    def __call__(self, question: Question, rng: np.random.Generator) -> Explanation:
        if self.mode == "stable":
            return _stable(self, question, int(rng.integers(2**32)))
        return _classic(self, question, rng)


def _stable(method: Lime, question: Question, seed: int) -> Explanation:
    """Double the sample until both halves of it name the same strongest features."""
    n = question.n_features
    if method.budget == "auto":
        rows, cap = _range(question)
    else:
        rows = cap = method.budget
        check_memory(cap, n, question.room, method.name)
    order, memory = relabelling(n, seed), Memory(n)
    counts: tuple[int, ...] = ()
    while True:
        counts = _counts(n, rows, seed, counts)
        ask = memory.fill if len(memory) else memory.first
        both = both_of(_pairs(n, counts))
        values = ask(both, lambda new: question.value(relabelled(new, order))).reshape(-1, 2)
        frame = _frame(n, counts, method.width)  # after the passes, since both may be large
        start = float(values[0, 0])  # taken off, so that a constant is exactly 0
        settled = frame.every or _agree(frame.halves(values - start))
        if settled or rows >= cap:
            break
        rows = min(2 * rows, cap)
    line = frame.line(values, start)
    place = np.argsort(order)
    line = line._replace(slopes=line.slopes[place], std=line.std[place])
    n_rows = values.size
    note = [f"{'all' if frame.every else ''} {n_rows} masks".strip()]
    if not settled:
        note.append("not converged: two halves of the sample disagree on the strongest features")
    if n_rows < 4 * n and not frame.every:
        note.append(f"fewer than 4 masks for each of {n} features; use coarser features")
    return _answer(method, question, line, note, std=line.std, converged=settled)


def _range(question: Question) -> tuple[int, int]:
    """Masks asked first, and at most."""
    n = question.n_features
    first = min(max(256, 5 * n), 2**n)
    return first, max(first, min(CAP, 2**n, masks_that_fit(n, question.room)))


def _counts(n: int, rows: int, seed: int, keep: tuple[int, ...]) -> tuple[int, ...]:
    """How many pairs there are of each size, the ends apart."""
    if n <= 2:  # all pairs of 1 or 2 features
        return (1,) * (n - 1)
    return base_design(n, max(1, rows // 2 - 1), seed, keep=keep)[1]


def _pairs(n: int, counts: tuple[int, ...]) -> Bools:
    """One mask of each pair of the base design of those counts, the ends first, (p, n)."""
    masks = base_masks(n, counts) if n > 2 else np.eye(n, dtype=bool)[: n - 1]
    return np.concatenate([np.ones((1, n), dtype=bool), masks])


@kept(2**20, lambda n, counts, _: frame_size(n, sum(counts)))
def _frame(n: int, counts: tuple[int, ...], width: float) -> Frame:
    """The base design weighted for the kernel.

    Its masks come from the streams of the Shapley estimators, so most of what they asked need not be
    asked again. A pair of size s stands for N_s / k_s pairs, and each of its masks counts as the
    kernel says.
    """
    masks = _pairs(n, counts)
    log_pairs = np.array([0.0, *map(math.log, stratum_caps(n))])  # the ends are the pair of size 0
    log_asked = np.log(np.maximum([1, *counts], 1))
    kept = np.count_nonzero(masks, axis=1)
    size = np.minimum(kept, n - kept)
    share = np.stack([kept, n - kept], axis=1) / n
    log_w = _log_kernel(share, width) + (log_pairs - log_asked)[size, None]
    left_out = -np.expm1(np.minimum(log_asked - log_pairs, 0.0))
    return Frame(masks, np.exp(log_w - log_w.max()), left_out[size])


def _log_kernel(share: Floats, width: float) -> Floats:
    """log K of masks that keep a share of the features; lime's sqrt(exp(-D^2 / width^2))."""
    distance = 1 - np.sqrt(share)
    log_k: Floats = -(distance**2) / (2 * width**2)
    return log_k


def _agree(slopes: Sequence[Floats]) -> bool:
    """Whether both fits name the same strongest features (the top 5, at most half)."""
    n = len(slopes[0])
    k = max(1, min(5, n // 2))
    tops = [set(np.argsort(-np.abs(s), kind="stable")[:k]) for s in slopes]
    return len(tops[0] & tops[1]) >= AGREE * len(tops[0] | tops[1])


def _classic(method: Lime, question: Question, rng: np.random.Generator) -> Explanation:
    """The lime package's draws, kernel and fit, in its order, on the question's own features.

    Equal to the bit to the first call of a fresh `LimeImageExplainer` on the same segments, and of
    a fresh `LimeTextExplainer` when every word is a feature: with bow=False and a masker that shows
    the package's word "UNKWORDZ", or with bow=True, no word twice and a masker that drops.
    """
    from lime.lime_base import LimeBase

    seed = int(rng.integers(2**32)) if method.random_state is None else method.random_state
    state = np.random.RandomState(seed)  # the package's own generator
    text = question.sample.kind.words
    draw, scale = (_removed_by_count, 100) if text else (_removed_by_coin, 1)
    own = 5000 if text else 1000
    n_rows = own if method.budget == "auto" else method.budget
    rows, distances = draw(state, question.n_features, n_rows)
    width = method.width * scale
    base = LimeBase(lambda d: np.sqrt(np.exp(-(d**2) / width**2)), random_state=state)
    values = question.value(rows.astype(bool))
    n_selected = method.n_selected or (10 if text else question.n_features)
    intercept, weights, r2, _ = base.explain_instance_with_data(
        rows, values[:, None], distances * scale, 0, n_selected, "auto"
    )
    slopes = np.zeros(question.n_features)
    for feature, weight in weights:
        slopes[feature] = weight
    fit = Line(slopes, slopes * np.nan, float(intercept), float(r2))
    note = ["the lime package's estimator"]
    if question.sample.kind.inputs not in ("pixels", "words"):
        note.append("rows drawn as the package draws them for images")
    return _answer(method, question, fit, note)


def _removed_by_coin(state: Any, n: int, n_rows: int) -> tuple[NDArray[Any], Floats]:
    """Rows (n_rows, n) of 0 and 1 and their cosine distances, as `LimeImageExplainer` draws them."""
    state.randint(0, high=1000)  # the package's seed for a segmenter that is not needed here
    rows = state.randint(0, 2, n_rows * n).reshape(n_rows, n)
    rows[0] = 1
    return rows, metrics.pairwise_distances(rows, rows[:1], metric="cosine").ravel()


def _removed_by_count(state: Any, n: int, n_rows: int) -> tuple[NDArray[Any], Floats]:
    """Rows (n_rows, n) of 0 and 1 and their cosine distances, as `LimeTextExplainer` draws them."""
    rows = np.ones((n_rows, n))
    for row, count in enumerate(state.randint(1, n + 1, n_rows - 1), start=1):
        rows[row, state.choice(n, count, replace=False)] = 0
    sparse = scipy.sparse.csr_matrix(rows)  # the package's own route, which rounds differently
    return rows, metrics.pairwise_distances(sparse, sparse[0], metric="cosine").ravel()


def _answer(
    method: Lime, question: Question, fit: Line, note: list[str], **more: Any
) -> Explanation:
    if fit.r2 < POOR_FIT:
        note = [*note, f"the linear model fits poorly: R2 is {fit.r2:.2f}"]
    return question.answer(
        method,
        fit.slopes,
        additive=False,
        in_units=True,
        note="; ".join(note),
        extras={"intercept": fit.intercept, "r2": fit.r2},
        **more,
    )
