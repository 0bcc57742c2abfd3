"""A fitted scikit-learn pipeline as a model, with the abilities that are true of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.pipeline import Pipeline

from xaikit.core.abilities import BoundScores, LinearSum, TreeSum
from xaikit.core.display import Saved
from xaikit.core.errors import ModelError, NotApplicable
from xaikit.core.types import Bools, Floats, Ints, Space
from xaikit.models.features import WordGrams
from xaikit.models.frames import Frames
from xaikit.models.linear_sums import coefficients, is_affine
from xaikit.models.margins import has_margins, margins_of
from xaikit.models.reading import reading_of
from xaikit.models.refit import MOST_ROWS, Exchanged, refitted
from xaikit.models.tree_sums import FORESTS, dense, fitted_part, is_tree_ensemble, nodes_of
from xaikit.models.wiring import owners_after, width_of
from xaikit.tasks import Task

__all__ = [
    "EstimatorModel",
    "LinearTable",
    "TextEstimator",
    "TreeTable",
    "space_of",
    "wrap_estimator",
]

Array = NDArray[Any]

SECONDS_PER_TREE = 4e-8  # of one row in a large batch, measured 1.4e-8 to 4e-8
SMALLEST = 1e-7  # probability that stands for 0, so that its logarithm exists: log-odds of 16


@dataclass(eq=False)
class EstimatorModel(Saved):
    """A fitted scikit-learn pipeline as a `Model`.

    Scores are values for regressors. For classifiers they are made from margins where the estimator
    has them (logistic regression, boosting): the margins themselves of the numbers 0 to K-1, and with
    an `order` the logarithms of probabilities. For others they are such logarithms, at least log 1e-7.
    space is "prob" for trees and forests, whose probabilities take few values.
    order : (K,) which of the estimator's `classes_` each class is, -1 for one it never saw; () when
        those are the numbers of the classes
    """

    id: str
    modality: str
    classes: tuple[str, ...]
    space: Space
    pipeline: Pipeline
    background: Array | None = None
    info: Mapping[str, Any] = field(default_factory=dict)
    order: tuple[int, ...] = ()
    task: Task | None = None
    asks: str = "predict"

    @property
    def places(self) -> list[int]:
        """(K,) which column of the estimator's answer belongs to each class or value, -1 for none."""
        if self.order:
            return list(self.order)
        if not self.classes:
            kinds = 1 if self.asks == "predict" else len(self.estimator.classes_)
            return list(range(getattr(self.estimator, "n_outputs_", kinds)))
        seen = self.estimator.classes_.tolist()
        return [seen.index(k) if k in seen else -1 for k in range(len(self.classes))]

    @property
    def estimator(self) -> Any:
        """The last step of the pipeline."""
        return self.pipeline.steps[-1][1]

    @property
    def frames(self) -> Frames | None:
        """What turns rows into the frames that it was fitted on, where it was."""
        first = self.pipeline.steps[0][1]
        return first if isinstance(first, Frames) else None

    def recoded(self, columns: Sequence[Sequence[str]]) -> EstimatorModel:
        """A copy whose rows hold the codes of other people's words; see `Frames.recoded`."""
        if self.frames is None:
            return self
        frames, moved = self.frames.recoded(columns)
        rows = None if self.background is None else self.background.copy()
        for i, new in enumerate(moved):
            if rows is not None and new is not None:
                there = ~np.isnan(rows[:, i])
                rows[there, i] = new[rows[there, i].astype(np.int64)]
        steps = [("frames", frames), *self.pipeline.steps[1:]]
        info = {**self.info, "columns": frames.columns}
        return replace(self, pipeline=Pipeline(steps), background=rows, info=info)

    @property
    def batch_rows(self) -> int:
        """How many inputs one call takes best."""
        if self.background is None:
            return 8192
        return int(np.clip(2**24 // self.background[0].size, 128, 8192))

    def row_seconds(self, x: Array) -> float | None:
        """Nominal seconds of one input in a large batch, or None where nothing is known."""
        del x
        trees = getattr(self.estimator, "estimators_", getattr(self.estimator, "_predictors", None))
        if trees is not None:
            return SECONDS_PER_TREE * np.size(np.asarray(trees, dtype=object))
        return SECONDS_PER_TREE if hasattr(self.estimator, "coef_") else None

    def scores(self, xs: Sequence[Array] | Array) -> Floats:
        """B inputs in data space -> (B, K)"""
        return self._read(self._after(0, self._stack(xs)))

    def _stack(self, xs: Sequence[Array] | Array) -> Any:
        """(B, *x.shape), or the texts as they are; `ModelError` for another shape than trained on."""
        if self.background is None:
            return reading_of(self.modality).stacked(xs)
        shape = self.background.shape[1:]
        found = [xs.shape[1:]] if isinstance(xs, np.ndarray) else [x.shape for x in xs]
        for other in found:
            if other != shape:
                raise ModelError(f"'{self.id}' reads inputs of shape {shape}, not {other}.")
        return np.asarray(xs)

    def features(self, xs: Sequence[Array] | Array) -> Floats:
        """(B, F) float64, what the estimator itself reads."""
        return dense(self._after(0, self._stack(xs)))

    @property
    def owners(self) -> Ints:
        """(F,) the column of the sample that each feature is made of; `NotApplicable` where several."""
        steps = [step for _, step in self.pipeline.steps]
        return owners_after(steps[:-1], width_of(steps))

    def layers(self) -> tuple[str, ...]:
        """What is fitted anew: the last step."""
        return (type(self.estimator).__name__,)

    def randomised(self, layers: Sequence[str], rng: np.random.Generator) -> EstimatorModel:
        """A copy fitted again on the background with its own answers permuted (`refitted`)."""
        if not layers:
            return self
        if self.background is None or self.asks != "predict":
            raise NotApplicable(f"'{self.id}' has no rows and answers to be fitted again on")
        *before, (name, estimator) = self.pipeline.steps
        rows = self.background[rng.permutation(len(self.background))[:MOST_ROWS]]
        fresh = refitted(estimator, self._after(0, rows), rng)
        return replace(self, pipeline=Pipeline([*before, (name, fresh)]))

    def _after(self, first: int, x: Any) -> Any:
        """The features, from what step number `first` reads."""
        for _, step in self.pipeline.steps[first:-1]:
            x = step.transform(x)
        return x

    def _read(self, x: Any) -> Floats:
        """Features -> scores (B, K)"""
        estimator, columns = self.estimator, self.places
        if not self.classes:
            values = np.asarray(getattr(estimator, self.asks)(x), dtype=np.float64)
            return values if values.ndim == 2 else values[:, None]
        if -1 not in columns and has_margins(estimator):
            margins = margins_of(estimator, x)[:, columns]
            return np.asarray(log_softmax(margins, axis=1)) if self.order else margins
        p: Floats = np.pad(estimator.predict_proba(x), ((0, 0), (0, 1)))  # column -1 is 0
        return np.log(np.maximum(p[:, columns], SMALLEST))


@dataclass(eq=False)
class TreeTable(EstimatorModel):
    """Trees, perhaps behind steps that make each number of one column; `NotApplicable` for others."""

    def tree_sum(self) -> TreeSum:
        """The trees, read once from what is fitted."""
        kept: tuple[Any, TreeSum] | None = self.__dict__.get("_trees")
        fitted = fitted_part(self.estimator)
        if kept is None or kept[0] is not fitted:
            kept = self.__dict__["_trees"] = fitted, self._tree_sum()
        return kept[1]

    def _tree_sum(self) -> TreeSum:
        estimator = self.estimator
        if self.classes and len(estimator.classes_) < len(self.classes):
            raise NotApplicable(f"'{self.id}' saw no training row of some classes")
        nodes, owners = nodes_of(estimator, odds=bool(self.classes)), self.owners
        space = space_of(self.pipeline, self.classes)
        owners = owners if nodes.owners is None else owners[nodes.owners]
        return TreeSum(
            read=lambda xs: np.asarray(nodes.cast(self._after(0, self._stack(xs))), np.float64),
            owners=owners,
            space=space,
            **nodes.arrays(),
        )


@dataclass(eq=False)
class LinearTable(EstimatorModel):
    """A weighted sum behind steps that make each number of one column: logits or values."""

    def linear_sum(self) -> LinearSum:
        """The weights as they are now; two classes have one margin, and the first label scores 0."""
        found = coefficients(self.estimator)
        if found is None:
            raise NotApplicable(f"'{self.id}' has no coefficients any more")
        weights, intercept = found
        if self.classes:
            if len(intercept) == 1:
                weights, intercept = np.pad(weights, ((0, 0), (1, 0))), np.pad(intercept, (1, 0))
            weights, intercept = weights[:, self.places], intercept[self.places]
        return LinearSum(self.features, self.owners, weights, intercept)

    def terms(self, xs: Sequence[Array] | Array) -> Floats:
        """B inputs -> (B, D, K): scores = intercept + terms.sum(axis=1)"""
        total, xs = self.linear_sum(), self._stack(xs)
        owner = total.owners[:, None] == np.arange(np.shape(xs)[1])
        read = total.read(xs)
        return np.stack([(read * w) @ owner.astype(np.float64) for w in total.weights.T], axis=2)

    def bind(self, x: Array, references: Array, ids: Ints, drops: bool) -> BoundScores:
        """Scores of masked rows, from the terms of the sample and of each reference."""
        del drops  # a column cannot be left out
        own, other = self.terms(x[None])[0], self.terms(references)  # (D, K), (k, D, K)
        intercept = self.linear_sum().intercept

        def scores(masks: Bools, rows: slice) -> Floats:
            kept = _expand(masks, ids).astype(np.float64)  # (m, D)
            shown = np.einsum("md,kde->mke", 1 - kept, other[rows], optimize=True)
            total: Floats = shown + intercept + (kept @ own)[:, None]
            return np.asarray(log_softmax(total, axis=2)) if self.order else total  # (m, k', K)

        return scores


@dataclass(eq=False)
class TextEstimator(EstimatorModel):
    """A model of TF-IDF grams, which scores masked texts without making them."""

    def randomised(self, layers: Sequence[str], rng: np.random.Generator) -> EstimatorModel:
        """A copy in which every word has the weight of another."""
        if not layers:
            return self
        (name, grams), *rest = self.pipeline.steps
        order = Exchanged(rng.permutation(len(grams.idf_)))
        return replace(self, pipeline=Pipeline([(name, grams), ("exchanged", order), *rest]))

    def bind(self, x: Array, references: Array, ids: Ints, drops: bool) -> BoundScores:
        """Scores of masked texts; the grams of the sample and its references are looked up once."""
        grams: WordGrams = self.pipeline.steps[0][1]
        # word, reference word, word, ...: one of each two is shown
        texts = [x] if drops else [np.stack([x, r], axis=1).ravel() for r in references]
        readers = [grams.reader(words) for words in texts]

        def scores(masks: Bools, rows: slice) -> Floats:
            shown = _expand(masks, ids)  # (m, T)
            if not drops:
                shown = np.stack([shown, ~shown], axis=2).reshape(len(shown), -1)
            found = [self._read(self._after(1, read(shown))) for read in readers[rows]]
            return np.stack(found, axis=1)

        return scores


def wrap_estimator(
    pipeline: Pipeline,
    *,
    id: str,
    modality: str,
    classes: Sequence[str] = (),
    background: Array | None = None,
    info: Mapping[str, Any] | None = None,
    order: Sequence[int] = (),
    space: Space | None = None,
    asks: str = "predict",
) -> EstimatorModel:
    """A fitted pipeline as the model whose abilities are true of it.

    The pipeline reads stacked inputs in data space, or for text a list of arrays of words. Its
    labels are the numbers 0 to K-1 of the classes, or `order` (K,) says which of its `classes_` each
    class is. space follows from the estimator when None. Without classes it is asked by the name
    `asks`.
    """
    estimator = pipeline.steps[-1][1]
    seen = np.asarray(estimator.classes_) if classes else np.zeros(0, dtype=np.int64)
    numbered = seen.dtype.kind in "biu" and np.isin(seen, np.arange(len(classes))).all()
    if not (sorted(order) == list(range(len(classes))) == list(range(len(seen))) or numbered):
        raise ModelError(
            f"the classes of '{id}' are {seen.tolist()}; fit it on the numbers 0 to {len(classes) - 1} "
            "and give the names as `classes`."
        )
    classes = tuple(classes)
    kind = _kind(pipeline, modality, classes, asks)
    space = space or space_of(pipeline, classes)
    info = info or {"family": "sklearn"}
    return kind(id, modality, classes, space, pipeline, background, info, tuple(order), asks=asks)


def space_of(pipeline: Pipeline, classes: tuple[str, ...]) -> Space:
    """The space in which the last step's own answers add up."""
    coarse = type(pipeline.steps[-1][1]) in FORESTS
    return "value" if not classes else "prob" if coarse else "logit"


def _kind(
    pipeline: Pipeline, modality: str, classes: tuple[str, ...], asks: str
) -> type[EstimatorModel]:
    steps = [step for _, step in pipeline.steps]
    estimator = steps[-1]
    if isinstance(steps[0], WordGrams):
        return TextEstimator
    rows = reading_of(modality).rows
    if rows and is_tree_ensemble(estimator):
        return TreeTable  # which says by name what stands between the columns and its trees
    if not rows or not _keeps_columns(steps):
        return EstimatorModel
    odds = len(classes) == len(getattr(estimator, "classes_", ())) and has_margins(estimator)
    if classes and not odds:
        return EstimatorModel
    linear = is_affine(estimator, "decision_function" if classes else asks)
    return LinearTable if linear else EstimatorModel


def _keeps_columns(steps: Sequence[Any]) -> bool:
    """Whether each number that the last step reads is made of one column."""
    try:
        owners_after(list(steps[:-1]), width_of(list(steps)))
    except NotApplicable:
        return False
    return True


def _expand(masks: Bools, ids: Ints) -> Bools:
    """(m, n) -> (m, *grid): which places are kept; places of no feature always are."""
    return np.concatenate([masks, np.ones((len(masks), 1), dtype=bool)], axis=1)[:, ids]
