"""LIME: a linear model of the target around the sample, on masks.

Both modes look for the same thing, the weighted least squares fit

    min_{a, b}  E_z K(z) (v(z) - a - b.z)^2,   K(z) = exp(-D(z)^2 / (2 width^2)),

over z uniform on {0, 1}^n, D(z) = 1 - sqrt(|z| / n) the cosine distance to the sample. This is the
lime package's kernel for images and for text (there D is multiplied by 100 and the width is 25).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import gammaln
from sklearn.metrics import pairwise_distances

from xaikit.abilities import Model
from xaikit.errors import InvalidInput
from xaikit.methods.base import METHODS, Card
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

    mode : "stable" draws from the kernel until the strongest features settle; "classic" gives the
        lime package's numbers, to the bit for the same segments, seed and model output
    width : of the kernel, on cosine distance
    n_samples : stable: rows drawn at most, 8192 if None; classic: rows drawn, the package's own
        number if None (1000, text 5000)
    n_selected : classic: features that get a value, the others get 0; None = the package's own
        (all, text 10)
    random_state : classic: seed of the package's generator; None = drawn from the run's seed
    Values are in the target's units and do not sum to output - empty. Stable mode gives standard
    errors; `extras` holds the intercept and the weighted R2, which the note gives when it is poor.
    Source: Ribeiro et al., KDD 2016; sampling from the kernel: GLIME, Tan et al., NeurIPS 2023.
    """

    mode: Literal["stable", "classic"] = "stable"
    width: float = 0.25
    n_samples: int | None = None
    n_selected: int | None = None
    random_state: int | None = None

    name: ClassVar[str] = "lime"
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
        if self.n_samples is not None and self.n_samples < 4:
            raise InvalidInput(f"lime's n_samples is {self.n_samples}; it must be 4 or more.")

    def check(self, model: Model) -> None:
        """Applies to every model."""

    def __call__(self, question: Question, rng: np.random.Generator) -> Explanation:
        ask = _stable if self.mode == "stable" else _classic
        return ask(self, question, rng)


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Masks in complementary pairs with the kernel's weight of each mask in its pair.

    masks : (p, 2, n) bool; weights : (p, 2), each row sums to 1; values : (p, 2); all : whether
    these are all pairs there are, so that nothing is left to chance
    """

    masks: Bools
    weights: Floats
    values: Floats
    all: bool = False

    def half(self, which: int) -> _Pairs:
        """Every second pair."""
        return _Pairs(self.masks[which::2], self.weights[which::2], self.values[which::2])


@dataclass(frozen=True, eq=False)
class _Fit:
    """A weighted linear fit: slopes (n,), their standard errors (n,), the intercept, and R2."""

    slopes: Floats
    std: Floats
    intercept: float
    r2: float


def _stable(method: Lime, question: Question, rng: np.random.Generator) -> Explanation:
    """Double the sample until both halves of it name the same strongest features."""
    n, cap = question.n_features, method.n_samples or CAP
    pairs, settled = _first(method, question, rng, cap), False
    while True:
        settled = pairs.all or _halves_agree(pairs)
        room = cap // 2 - len(pairs.masks)
        if settled or room < 1:
            break
        pairs = _joined(pairs, _draw(method, question, rng, min(len(pairs.masks), room)))
    fit = _fit(pairs)
    n_rows = 2 * len(pairs.masks)
    note = [f"{'all' if pairs.all else ''} {n_rows} masks".strip()]
    if not settled:
        note.append("not converged: two halves of the sample disagree on the strongest features")
    if n_rows < 4 * n and not pairs.all:
        note.append(f"fewer than 4 masks for each of {n} features; use coarser features")
    return _answer(method, question, fit, note, std=fit.std, converged=settled)


def _first(method: Lime, question: Question, rng: np.random.Generator, cap: int) -> _Pairs:
    """All masks when they are no more than a first sample would be, else that sample."""
    n = question.n_features
    wanted = min(max(256, 8 * n), cap)
    if n > 30 or 2**n > wanted:
        return _draw(method, question, rng, wanted // 2)
    codes = np.arange(2 ** max(n - 1, 0))
    masks = (codes[:, None] >> np.arange(n)) & 1 == 1  # the last feature is off: one of each pair
    return _evaluated(method, question, masks, whole=True)


def _draw(method: Lime, question: Question, rng: np.random.Generator, n_pairs: int) -> _Pairs:
    """Masks from the distribution that is proportional to the kernel, with their complements.

    K depends on z by its size s only, so P(s) is proportional to C(n, s) K(s) and z is a uniform
    subset of that size. In each pair the two masks share a weight of 1 as K(z) : K(1 - z), which
    leaves E[sum over pairs] equal to the kernel's own least squares.
    """
    n = question.n_features
    sizes = np.arange(n + 1)
    log_p = gammaln(n + 1) - gammaln(sizes + 1) - gammaln(n - sizes + 1)
    log_p = log_p + _log_kernel(sizes / n, method.width)
    p = np.exp(log_p - log_p.max())
    drawn = rng.choice(n + 1, size=n_pairs, p=p / p.sum())
    places = rng.random((n_pairs, n)).argsort(axis=1).argsort(axis=1)
    return _evaluated(method, question, places < drawn[:, None])


def _evaluated(method: Lime, question: Question, masks: Bools, *, whole: bool = False) -> _Pairs:
    both = np.stack([masks, ~masks], axis=1)  # (p, 2, n)
    values = question.value(both.reshape(-1, question.n_features)).reshape(-1, 2)
    log_k = _log_kernel(both.mean(axis=2), method.width)
    weights = np.exp(log_k - np.logaddexp(*log_k.T)[:, None])
    if whole:  # each pair is seen once, so it counts as much as the kernel gives it
        weights = np.exp(log_k)
    return _Pairs(both, weights, values, whole)


def _log_kernel(share: Floats, width: float) -> Floats:
    """log K of masks that keep a share of the features; lime's sqrt(exp(-D^2 / width^2))."""
    distance = 1 - np.sqrt(share)
    log_k: Floats = -(distance**2) / (2 * width**2)
    return log_k


def _joined(old: _Pairs, new: _Pairs) -> _Pairs:
    return _Pairs(
        np.concatenate([old.masks, new.masks]),
        np.concatenate([old.weights, new.weights]),
        np.concatenate([old.values, new.values]),
    )


def _halves_agree(pairs: _Pairs) -> bool:
    """Whether fits on every other pair name the same strongest features (the top 5, at most half)."""
    n = pairs.masks.shape[2]
    k = max(1, min(5, n // 2))
    tops = [set(np.argsort(-np.abs(_slopes(pairs.half(i))), kind="stable")[:k]) for i in (0, 1)]
    return len(tops[0] & tops[1]) >= AGREE * len(tops[0] | tops[1])


def _slopes(pairs: _Pairs) -> Floats:
    return _solve(pairs)[0]


def _solve(pairs: _Pairs) -> tuple[Floats, Floats, Floats, Floats, float]:
    """Slopes, centred masks (2p, n), residuals (2p,), inverse curvature (n, n) and mean value."""
    z = pairs.masks.reshape(-1, pairs.masks.shape[2]).astype(np.float64)
    w = pairs.weights.ravel() / pairs.weights.sum()
    v = pairs.values.ravel()
    centre, mean = w @ z, float(w @ v)
    z -= centre
    inverse = np.linalg.inv((z.T * w) @ z + RIDGE * np.eye(z.shape[1]))
    slopes = inverse @ (z.T @ (w * (v - mean)))
    return slopes, z, v - mean - z @ slopes, inverse, mean - float(centre @ slopes)


def _fit(pairs: _Pairs) -> _Fit:
    """Ridge on centred masks; standard errors by the pairs' influence on the slopes.

    The influence of a pair is the change of the slopes when its weight changes; the sum of squares
    over pairs is the bootstrap over pairs to first order, without its noise (Efron 1982, ch. 6).
    """
    slopes, z, residuals, inverse, intercept = _solve(pairs)
    w = pairs.weights.ravel() / pairs.weights.sum()
    total = pairs.values.ravel() - w @ pairs.values.ravel()
    spread = float(w @ total**2)
    r2 = 1 - float(w @ residuals**2) / spread if spread > 0 else 1.0
    if pairs.all:
        return _Fit(slopes, np.zeros_like(slopes), intercept, r2)
    p, n = len(pairs.masks), len(slopes)
    influence = (z * (w * residuals)[:, None]).reshape(p, 2, n).sum(axis=1) @ inverse
    inflate = p / max(p - n - 1, 1)  # degrees of freedom that the fit has used
    return _Fit(slopes, np.sqrt(inflate * (influence**2).sum(axis=0)), intercept, r2)


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
    rows, distances = draw(state, question.n_features, method.n_samples or (5000 if text else 1000))
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
