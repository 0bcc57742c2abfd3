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
from numpy.typing import NDArray
from scipy.linalg import blas
from scipy.sparse import csr_matrix
from sklearn.metrics import pairwise_distances

from xaikit.abilities import Model
from xaikit.errors import InvalidInput
from xaikit.estimators.blocks import Blocks
from xaikit.estimators.design import paired_design, stratum_caps
from xaikit.estimators.estimate import check_memory, masks_that_fit
from xaikit.estimators.memory import Memory
from xaikit.estimators.regression import positive_inverse
from xaikit.methods.base import COALITIONS, METHODS, Card
from xaikit.question import Question
from xaikit.types import Bools, Explanation, Floats

__all__ = ["Lime"]

CAP = 8192  # rows drawn at most, unless told
RIDGE = 1e-6  # added to the covariance of z, which is near 1/4 on its diagonal
AGREE = 0.9  # Jaccard index of the strongest features of two halves
POOR_FIT = 0.3  # weighted R2 below which the note warns


@METHODS.register("lime")
@dataclass(frozen=True)
class Lime:
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
    stream: ClassVar[str] = COALITIONS
    finds_ends: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        title="LIME",
        asks="Which simple weighted sum of the features imitates the model near this sample?",
        misleads="When the sum imitates the model badly (small R2) its weights mean little.",
        paper="Ribeiro, Singh & Guestrin, KDD 2016; Tan et al. (GLIME), NeurIPS 2023",
    )

    def __post_init__(self) -> None:
        if self.mode not in ("stable", "classic"):
            raise InvalidInput(f"lime has no mode '{self.mode}'; use 'stable' or 'classic'.")
        if not self.width > 0:
            raise InvalidInput(f"lime's kernel width is {self.width}; it must be above 0.")
        if self.budget != "auto" and self.budget < 4:
            raise InvalidInput(f"lime's budget is {self.budget}; it must be 4 or more, or auto.")

    def check(self, model: Model) -> None:
        """Applies to every model."""

    def asks(self, question: Question) -> tuple[int, int]:
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


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Masks in complementary pairs and how much each counts.

    masks : (p, 2, n) bool; weights : (p, 2); values : (p, 2); left_out : (p,) share of the pair's
        stratum that was left out, 0 where nothing is left to chance
    """

    masks: Bools
    weights: Floats
    values: Floats
    left_out: Floats

    @property
    def all(self) -> bool:
        return not self.left_out.any()

    def half(self, which: int) -> _Pairs:
        """Every second pair; the strata lie one after the other, so each is split in two."""
        part = slice(which, None, 2)
        return _Pairs(self.masks[part], self.weights[part], self.values[part], self.left_out[part])

    def blocks(self) -> Blocks:
        """The masks as 0 and 1, (2 m, n) a block of m pairs."""
        p, _, n = self.masks.shape
        return Blocks(p, 2 * n, lambda part: self.masks[part].reshape(-1, n).astype(np.float64))


@dataclass(frozen=True, eq=False)
class _Fit:
    """A weighted linear fit: slopes (n,), their standard errors (n,), the intercept, and R2."""

    slopes: Floats
    std: Floats
    intercept: float
    r2: float


def _stable(method: Lime, question: Question, seed: int) -> Explanation:
    """Double the sample until both halves of it name the same strongest features."""
    n = question.n_features
    if method.budget == "auto":
        rows, cap = _range(question)
    else:
        rows = cap = method.budget
        check_memory(cap, n, question.room, method.name)
    memory = Memory(n)
    counts: tuple[int, ...] = ()
    while True:
        masks, counts = _design(n, rows, seed, counts)
        both = np.stack([masks, ~masks], axis=1)
        ask = memory.fill if len(memory) else memory.first
        values = ask(both.reshape(-1, n), question.value).reshape(-1, 2)
        pairs = _weighted(method, both, values, counts)
        start = float(values[0, 0])  # taken off, so that a constant is exactly 0
        halves = [_Moments.of(pairs.half(i), start) for i in (0, 1)]
        settled = pairs.all or _halves_agree(halves)
        if settled or rows >= cap:
            break
        rows = min(2 * rows, cap)
    whole = halves[0] + halves[1]
    del halves  # matrices (n, n)
    fit = _fit(pairs, whole.line(), start)
    n_rows = 2 * len(pairs.masks)
    note = [f"{'all' if pairs.all else ''} {n_rows} masks".strip()]
    if not settled:
        note.append("not converged: two halves of the sample disagree on the strongest features")
    if n_rows < 4 * n and not pairs.all:
        note.append(f"fewer than 4 masks for each of {n} features; use coarser features")
    return _answer(method, question, fit, note, std=fit.std, converged=settled)


def _range(question: Question) -> tuple[int, int]:
    """Masks asked first, and at most."""
    n = question.n_features
    first = min(max(256, 5 * n), 2**n)
    return first, max(first, min(CAP, 2**n, masks_that_fit(n, question.room)))


def _weighted(method: Lime, both: Bools, values: Floats, counts: Sequence[int]) -> _Pairs:
    """The question's own design, weighted for the kernel.

    Its masks come from the streams of the Shapley estimators, so most of what they asked need not be
    asked again. A pair of size s stands for N_s / k_s pairs, and each of its masks counts as the
    kernel says.
    """
    n = both.shape[2]
    log_pairs = np.array([0.0, *map(math.log, stratum_caps(n))])  # the ends are the pair of size 0
    log_asked = np.log(np.maximum([1, *counts], 1))
    kept = np.count_nonzero(both[:, 0], axis=1)
    size = np.minimum(kept, n - kept)
    share = np.stack([kept, n - kept], axis=1) / n
    log_w = _log_kernel(share, method.width) + (log_pairs - log_asked)[size, None]
    left_out = -np.expm1(np.minimum(log_asked - log_pairs, 0.0))
    return _Pairs(both, np.exp(log_w - log_w.max()), values, left_out[size])


def _design(n: int, rows: int, seed: int, keep: Sequence[int]) -> tuple[Bools, tuple[int, ...]]:
    """One mask of each pair (p, n), the ends first, and how many pairs there are of each size."""
    if n > 2:
        masks, counts = paired_design(n, max(1, rows // 2 - 1), seed, keep=keep)
    else:  # all pairs of 1 or 2 features
        masks, counts = np.eye(n, dtype=bool)[: n - 1], [1] * (n - 1)
    return np.concatenate([np.ones((1, n), dtype=bool), masks]), tuple(counts)


def _log_kernel(share: Floats, width: float) -> Floats:
    """log K of masks that keep a share of the features; lime's sqrt(exp(-D^2 / width^2))."""
    distance = 1 - np.sqrt(share)
    log_k: Floats = -(distance**2) / (2 * width**2)
    return log_k


def _halves_agree(halves: Sequence[_Moments]) -> bool:
    """Whether both fits name the same strongest features (the top 5, at most half)."""
    slopes = [half.line().slopes for half in halves]
    n = len(slopes[0])
    k = max(1, min(5, n // 2))
    tops = [set(np.argsort(-np.abs(s), kind="stable")[:k]) for s in slopes]
    return len(tops[0] & tops[1]) >= AGREE * len(tops[0] | tops[1])


@dataclass(frozen=True, eq=False)
class _Line:
    """A weighted ridge line: slopes (n,), inverse curvature (n, n), the mean mask (n,) and value."""

    slopes: Floats
    inverse: Floats
    centre: Floats
    mean: float


@dataclass(frozen=True, eq=False)
class _Moments:
    """Weighted sums over masks z, as 0 and 1, and their values v, from which a line follows.

    weight : of w; mask : (n,) of w z; value : of w v; cross : (n,) of w z v; square : (n, n) of w z z
    """

    weight: float
    mask: Floats
    value: float
    cross: Floats
    square: Floats

    @classmethod
    def of(cls, pairs: _Pairs, start: float) -> _Moments:
        """Of values less `start`."""
        n, w, values = pairs.masks.shape[2], pairs.weights, pairs.values - start
        mask, cross, square = np.zeros(n), np.zeros(n), np.zeros((n, n))
        for part, z in pairs.blocks():
            own = w[part].ravel()
            weighted = z.T * own
            mask += weighted.sum(axis=1)
            cross += weighted @ values[part].ravel()
            square += weighted @ z
        return cls(float(w.sum()), mask, float(np.vdot(w, values)), cross, square)

    def __add__(self, other: _Moments) -> _Moments:
        return _Moments(
            self.weight + other.weight,
            self.mask + other.mask,
            self.value + other.value,
            self.cross + other.cross,
            self.square + other.square,
        )

    def line(self) -> _Line:
        """Ridge on masks less their mean."""
        centre, mean = self.mask / self.weight, self.value / self.weight
        inverse = positive_inverse(self._centred(centre), overwrite=True)
        if inverse is None:
            inverse = np.asarray(np.linalg.inv(self._centred(centre)), dtype=np.float64)
        return _Line(inverse @ (self.cross / self.weight - mean * centre), inverse, centre, mean)

    def _centred(self, centre: Floats) -> Floats:
        """Their covariance (n, n) with the ridge, without a second matrix."""
        square = self.square / self.weight
        blas.dger(-1.0, centre, centre, a=square.T, overwrite_a=1)
        square.reshape(-1)[:: len(square) + 1] += RIDGE
        return square


def _fit(pairs: _Pairs, line: _Line, start: float) -> _Fit:
    """The line through values less `start`; standard errors from what each pair would change if it
    were left out.

    The sum over pairs of the squared change, times the share of the pair's stratum that was not
    asked, is the sandwich HC3 (MacKinnon & White 1985) for pairs.
    """
    w, v = pairs.weights / pairs.weights.sum(), pairs.values - start - line.mean
    n, missed, variance = len(line.slopes), 0.0, np.zeros(len(line.slopes))
    for part, z in pairs.blocks():
        centred = z - line.centre
        rows, own = centred.reshape(-1, 2, n), w[part]
        residuals = v[part] - rows @ line.slopes
        missed += float(np.vdot(own, residuals**2))
        moved = (centred @ line.inverse).reshape(-1, 2, n)
        # leverage of each pair, the mean being one more parameter
        left = np.eye(2) - (moved @ rows.transpose(0, 2, 1) + 1) * own[:, None, :]
        loo = _solved(left, residuals)
        change = np.einsum("pan,pa->pn", moved, own * loo)
        variance += pairs.left_out[part] @ np.square(change, out=change)
    spread = float(np.vdot(w, v**2))
    r2 = 1 - missed / spread if spread > 0 else 1.0
    intercept = start + line.mean - float(line.centre @ line.slopes)
    return _Fit(line.slopes, np.sqrt(variance), intercept, r2)


def _solved(left: Floats, right: Floats) -> Floats:
    """x of left @ x = right for many systems of two, (p, 2, 2) and (p, 2); right where singular."""
    (a, b), (c, d) = left[:, 0].T, left[:, 1].T
    det = a * d - b * c
    free = np.abs(det) > 1e-9
    det[~free] = 1.0
    x = np.stack([d * right[:, 0] - b * right[:, 1], a * right[:, 1] - c * right[:, 0]], axis=1)
    return np.where(free[:, None], x / det[:, None], right)


def _classic(method: Lime, question: Question, rng: np.random.Generator) -> Explanation:
    """The lime package's draws, kernel and fit, in its order, on the question's own features.

    Equal to the bit to the first call of a fresh `LimeImageExplainer` on the same segments, and of
    a fresh `LimeTextExplainer` when every word is a feature: with bow=False and a masker that shows
    the package's word "UNKWORDZ", or with bow=True, no word twice and a masker that drops.
    """
    from lime.lime_base import LimeBase

    seed = int(rng.integers(2**32)) if method.random_state is None else method.random_state
    state = np.random.RandomState(seed)  # the package's own generator
    text = question.sample.modality == "text"
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
    fit = _Fit(slopes, slopes * np.nan, float(intercept), float(r2))
    note = ["the lime package's estimator"]
    if question.sample.modality not in ("image", "text"):
        note.append("rows drawn as the package draws them for images")
    return _answer(method, question, fit, note)


def _removed_by_coin(state: Any, n: int, n_rows: int) -> tuple[NDArray[Any], Floats]:
    """Rows (n_rows, n) of 0 and 1 and their cosine distances, as `LimeImageExplainer` draws them."""
    state.randint(0, high=1000)  # the package's seed for a segmenter that is not needed here
    rows = state.randint(0, 2, n_rows * n).reshape(n_rows, n)
    rows[0] = 1
    return rows, pairwise_distances(rows, rows[:1], metric="cosine").ravel()


def _removed_by_count(state: Any, n: int, n_rows: int) -> tuple[NDArray[Any], Floats]:
    """Rows (n_rows, n) of 0 and 1 and their cosine distances, as `LimeTextExplainer` draws them."""
    rows = np.ones((n_rows, n))
    for row, count in enumerate(state.randint(1, n + 1, n_rows - 1), start=1):
        rows[row, state.choice(n, count, replace=False)] = 0
    sparse = csr_matrix(rows)  # the package's own route, which rounds differently
    return rows, pairwise_distances(sparse, sparse[0], metric="cosine").ravel()


def _answer(
    method: Lime, question: Question, fit: _Fit, note: list[str], **more: Any
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
