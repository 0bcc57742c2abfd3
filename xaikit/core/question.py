"""The question that every method answers: one model, one sample, one target, one way to remove.

`Question.value` is the removal waist: boolean masks in, the target out. Methods get a question and a
random generator, nothing else, so they can differ in nothing but the method.
"""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from xaikit.core.abilities import (
    BoundScores,
    Lowerable,
    Maskable,
    Model,
    Shortened,
    Tasked,
    output_names,
)
from xaikit.core.batching import PerPass, rows_per_pass, rows_that_fit, worked
from xaikit.core.cache import Cache
from xaikit.core.errors import CheckFailed, InvalidInput, foreign
from xaikit.core.types import Bools, Explanation, Floats, Ints, Masker, Sample, Segmentation, Target
from xaikit.core.words import Text, about, alike

__all__ = [
    "Cache",
    "Masker",
    "Meter",
    "Precision",
    "Question",
    "versions",
]

Precision = Literal["float32", "bfloat16"]
EVEN = 32  # masks of a pass, above which one less costs nothing
MASK_BYTES = 2**22  # of the masks that are asked for at once
N_CHECKED = 16  # masks on which a lower precision is compared
ROUNDING = 0.05  # share of the range of those masks' values that it may miss


class Meter:
    """Counts the work done through a question: evaluations asked, rows passed forward and backward.

    counts : (3,) where it is counted, its own unless given
    """

    __slots__ = ("counts",)

    def __init__(self, counts: Ints | None = None) -> None:
        self.counts = np.zeros(3, dtype=np.int64) if counts is None else counts

    @property
    def asked(self) -> int:
        return int(self.counts[0])

    @property
    def forward(self) -> int:
        return int(self.counts[1])

    @property
    def backward(self) -> int:
        return int(self.counts[2])

    def add(self, asked: int = 0, forward: int = 0) -> None:
        """That much more."""
        self.counts[0] += asked
        self.counts[1] += forward


@dataclass(frozen=True, eq=False)
class Question:
    """Why did this model give this score to this sample?

    batch_size : rows in one model pass, or None for as many as suit the model; results do not depend
        on it beyond rounding
    memory : bytes that an answer may take at once: half of them the inputs of one pass and what
        the layers make of them, the rest its masks and matrices; or None
    precision : "bfloat16" evaluates masks in that type, as far as it agrees (see `Lowerable`)
    shortcuts : whether masks may be evaluated with less than whole passes (see `Shortened`)
    cache : evaluations shared with other methods and metrics of the same question, or None

    >>> question = xaikit.make_question(model, sample)
    >>> question.value(np.zeros((1, question.n_features), dtype=bool)) == question.empty
    array([ True])
    """

    model: Model
    sample: Sample
    segmentation: Segmentation
    masker: Masker
    target: Target
    batch_size: int | None = None
    memory: int | None = None
    precision: Precision = "float32"
    shortcuts: bool = True
    cache: Cache | None = None
    meter: Meter = field(default_factory=Meter)

    def __post_init__(self) -> None:
        x, references = self.sample.x, self.masker.references
        if self.model.modality != self.sample.modality:
            raise InvalidInput(
                f"model '{self.model.id}' reads {self.model.modality} and sample '{self.sample.id}' "
                f"is {self.sample.modality}; ask a model of the same modality."
            )
        if self.segmentation.ids.shape != self.sample.grid:
            raise InvalidInput(
                f"the segmentation has the grid {self.segmentation.ids.shape} and sample "
                f"'{self.sample.id}' has {self.sample.grid}; segment this very sample."
            )
        if not self.masker.drops and (
            references.ndim != x.ndim + 1 or references.shape[1:] != x.shape
        ):
            raise InvalidInput(
                f"the masker '{self.masker.name}' has references of shape {references.shape}; "
                f"sample '{self.sample.id}' needs (k, {', '.join(map(str, x.shape))})."
            )
        _require_meaning(self.model, self.target)
        if self.precision not in get_args(Precision):
            raise InvalidInput(f"precision is '{self.precision}'; use float32 or bfloat16.")
        if self.batch_size is not None and self.batch_size < 1:
            raise InvalidInput(f"batch_size is {self.batch_size}; it must be 1 or more.")

    @property
    def n_features(self) -> int:
        return self.segmentation.n_features

    @property
    def n_references(self) -> int:
        """Model rows in one evaluation."""
        return 1 if self.masker.drops else len(self.masker.references)

    @property
    def rows(self) -> int:
        """Masks worth asking for at once; smaller calls leave passes unfilled."""
        return max(256, MASK_BYTES // self.n_features)

    @property
    def room(self) -> float:
        """Bytes for masks and matrices: half of the memory, the other half is for passes."""
        return np.inf if self.memory is None else self.memory / 2

    @cached_property
    def output(self) -> float:
        """The target with everything kept."""
        everything = np.ones((1, self.n_features), dtype=bool)
        if self.cache is None:
            return float(self._plainly(everything, [self.target])[0, 0])
        return float(self.cache.fill(everything, self.target, self._plainly)[0])

    def _plainly(self, _: Bools, targets: Sequence[Target]) -> Floats:
        """Values (1, targets) of the one mask that keeps everything: of the sample as it is."""
        with self._door():
            scores = self.model.scores([self.sample.x])
        return np.stack([target(scores) for target in targets], axis=1)

    def _door(self) -> AbstractContextManager[None]:
        """Where the model is asked, which may be anybody's."""
        return foreign(f"model '{self.model.id}' on sample '{self.sample.id}'")

    def set_output(self, scores: Floats) -> None:
        """The scores (K,) of the sample are known from a shared pass."""
        output = float(self.target(scores[None])[0])
        self.__dict__.setdefault("output", output)
        if self.cache is not None:
            everything = np.ones((1, self.n_features), dtype=bool)
            self.cache.store(everything, self.target, np.array([output]))

    @cached_property
    def empty(self) -> float:
        """The target with every feature removed (mean over the references)."""
        nothing = np.zeros((1, self.n_features), dtype=bool)
        if self.cache is None:
            return float(self._evaluate(nothing, [self.target])[0, 0])
        return float(self.cache.fill(nothing, self.target, self._evaluate)[0])

    def set_empty(self, scores: Floats) -> None:
        """The scores (k, K) with every feature removed are known from a shared pass."""
        self.store(np.zeros((1, self.n_features), dtype=bool), scores[None], rows=0)
        empty = float(self.target(scores).mean())
        if np.isfinite(empty):
            self.__dict__.setdefault("empty", empty)

    def set_output_and_empty(self, output: float, empty: float) -> None:
        """The target with everything kept and with nothing, where they are known (no NaN)."""
        for name, known, kept in (("output", output, True), ("empty", empty, False)):
            if not np.isnan(known):
                self.__dict__.setdefault(name, float(known))
                if self.cache is not None:
                    mask = np.full((1, self.n_features), kept)
                    self.cache.store(mask, self.target, np.array([known]))

    def value(self, masks: Bools) -> Floats:
        """masks (m, n) bool, True = kept -> target (m,) float64, mean over the references."""
        masks = np.asarray(masks)
        if masks.dtype != bool or masks.ndim != 2 or masks.shape[1] != self.n_features:
            raise InvalidInput(
                f"masks have dtype {masks.dtype} and shape {masks.shape}; boolean (m, {self.n_features}) is needed."
            )
        self.meter.add(asked=len(masks))
        if self.cache is None:
            return self._evaluate(masks, [self.target])[:, 0]
        return self.cache.fill(masks, self.target, self._evaluate)

    def answer(
        self,
        method: Any,
        values: Floats | None = None,
        *,
        elements: Floats | None = None,
        additive: bool,
        in_units: bool,
        std: Floats | None = None,
        converged: bool | None = None,
        note: str = "",
        extras: Mapping[str, Any] | None = None,
    ) -> Explanation:
        """The explanation of this question by `method`, a dataclass with a `name`.

        Give `values` (n,), or `elements` (*grid), which are then pooled: by sum when they are in
        the target's units, by mean otherwise.
        """
        if values is None:
            if elements is None:
                raise InvalidInput(f"{method.name} gave neither values nor elements; give one.")
            values = self.segmentation.pool(elements, "sum" if in_units else "mean")
        return Explanation(
            values=values,
            elements=elements,
            std=std,
            method=method.name,
            sample_id=self.sample.id,
            model_id=self.model.id,
            target=self.target,
            target_names=about(self.sample.x, self.target.called(output_names(self.model))),
            segmentation=self.segmentation,
            masker=self.masker.name,
            output=self.output,
            empty=self.empty,
            additive=additive,
            unit=self.target.unit if in_units else "relative",
            converged=converged,
            note="; ".join(filter(None, [note, self._rounding])),
            params={f.name: getattr(method, f.name) for f in dataclasses.fields(method)},
            extras=dict(extras or {}),
            versions=versions(),
        )

    @property
    def _rounding(self) -> str:
        return self._bound[1] if "_bound" in self.__dict__ else ""

    def rng(self, stream: str, seed: int) -> np.random.Generator:
        """The generator of one method on this sample: the same in any order and batch."""
        return self.generator(self.sample.id, stream, seed)

    @staticmethod
    def generator(sample_id: str, stream: str, seed: int) -> np.random.Generator:
        """The generator of a stream on a sample."""
        key = [seed, zlib.crc32(stream.encode()), zlib.crc32(sample_id.encode())]
        return np.random.default_rng(key)

    def metered(self, meter: Meter) -> Question:
        """This question with that meter, for the cost of one method."""
        fresh = object.__new__(type(self))
        fresh.__dict__.update(self.__dict__, meter=meter)  # with all that is known already
        return fresh

    @cached_property
    def _bound(self) -> tuple[BoundScores, str]:
        """Scores of masks, and what to say of their precision."""
        exact = self._bind(self.model)
        if self.precision == "float32":
            return exact, ""
        if not isinstance(self.model, Lowerable):
            return exact, f"float32: '{self.model.id}' has no {self.precision}"
        return self._checked(exact, self._bind(self.model.lowered(self.precision)))

    def _bind(self, model: Model) -> BoundScores:
        if isinstance(model, Maskable) and self.masker.given is None:
            ids = self.segmentation.ids
            whole = model.bind(self.sample.x, self.masker.references, ids, self.masker.drops)
            if self.shortcuts and isinstance(model, Shortened):
                return model.shortened(whole, ids)
            return whole
        return _InDataSpace(self)

    def _checked(self, exact: BoundScores, fast: BoundScores) -> tuple[BoundScores, str]:
        """The fast scores where they agree with the exact ones on a few masks, and the difference."""
        masks = np.random.default_rng(0).random((N_CHECKED, self.n_features)) < 0.5
        masks[0], masks[1] = True, False
        one = slice(0, 1)
        right, rough = (self.target(scores(masks, one)[:, 0]) for scores in (exact, fast))
        off, span = float(np.abs(rough - right).max()), float(np.ptp(right))
        words = f"{self.precision} differs from float32 by up to {off:.2g} on {N_CHECKED} masks"
        if np.isfinite(rough).all() and off <= ROUNDING * span:
            return fast, words
        return exact, f"float32 was used: {words} whose values span {span:.2g}"

    @property
    def bound(self) -> BoundScores:
        """Scores of masks of this question."""
        return self._bound[0]

    def scores(self, masks: Bools) -> Floats:
        """Scores (m, k, K) of a few masks, as they come from the model."""
        k, rows = self.n_references, self.per_pass.rows
        with self._door():
            parts = [self.bound(masks, slice(i, min(i + rows, k))) for i in range(0, k, rows)]
        self.meter.add(forward=len(masks) * k)
        return np.concatenate(parts, axis=1)

    def store(self, masks: Bools, scores: Floats, rows: int | None = None) -> None:
        """Put scores (m, k, K) of masks into the cache, found in a pass that others share.

        rows : model rows that this question is charged with, all of them unless given
        """
        self.meter.add(forward=scores.shape[0] * scores.shape[1] if rows is None else rows)
        if self.cache is not None:
            for target in {self.target, *self.cache.targets}:
                values = target(scores.reshape(-1, scores.shape[2])).reshape(scores.shape[:2])
                mean = values.mean(axis=1)
                known = np.isfinite(mean)  # the others are asked again, and refused by name
                self.cache.store(masks[known], target, mean[known])

    @cached_property
    def per_pass(self) -> PerPass:
        """How many rows its passes have."""
        if self.batch_size is None:
            return rows_per_pass(self.model, self.sample.x, self.memory)
        if self.memory is None:
            return PerPass(self.batch_size)
        return PerPass(min(self.batch_size, rows_that_fit(self.model, self.sample.x, self.memory)))

    def against(self, masks: Bools, reference: int) -> Floats:
        """masks (m, n) -> target (m,) with that reference alone; never pooled."""
        self.meter.add(asked=len(masks))
        return self._evaluate(masks, [self.target], range(reference, reference + 1))[:, 0]

    def _evaluate(
        self, masks: Bools, targets: Sequence[Target], references: range | None = None
    ) -> Floats:
        """Values (m, targets), all read from the same passes."""
        part = range(self.n_references) if references is None else references
        values, done = np.empty((len(masks), len(targets)), dtype=np.float64), 0
        while done < len(masks):
            left = (len(masks) - done) * len(part)
            with self._door():
                found = worked(
                    self.per_pass, left, partial(self._pass, masks[done:], targets, part)
                )
            values[done : done + len(found)] = found
            done += len(found)
        if not np.isfinite(values).all():
            bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
            kept = np.flatnonzero(masks[bad[0]]).tolist()
            raise CheckFailed(
                f"model '{self.model.id}' gave {values[bad[0], 0]} for sample '{self.sample.id}' with only "
                f"the features {kept} kept; the model must give finite scores on masked inputs."
            )
        return values

    def _pass(
        self, masks: Bools, targets: Sequence[Target], references: range, rows: int
    ) -> Floats:
        """Means over the k references of the first masks, at least one."""
        k = len(references)
        most = max(1, rows // k)
        if most > EVEN:
            most -= most % 2  # a mask and its complement in one pass
        chunk = masks[:most]
        total = np.zeros((len(chunk), len(targets)), dtype=np.float64)
        for start in range(references.start, references.stop, rows):
            part = slice(start, min(start + rows, references.stop))
            scores = self.bound(chunk, part)  # (m, k', K)
            self.meter.add(forward=scores.shape[0] * scores.shape[1])
            flat = scores.reshape(-1, scores.shape[2])
            for column, target in enumerate(targets):
                total[:, column] += target(flat).reshape(scores.shape[:2]).sum(axis=1)
        return total / k


def _require_meaning(model: Model, target: Target) -> None:
    """Refuse a target that reads the scores as what they are not."""
    if isinstance(model, Tasked) and model.task is not None:
        model.task.require(target)
    elif target.independent and target.space != "value":
        raise InvalidInput(
            f"the target reads the scores of '{model.id}' as independent labels and the model gives "
            "one of its classes; use Target(index)."
        )


class _InDataSpace:
    """Masks applied to the sample itself, for models that only have `scores`.

    alike : questions with equal `alike` fit into one pass (see `xaikit.methods.packing`)
    """

    def __init__(self, question: Question) -> None:
        self._x, self._masker = question.sample.x, question.masker
        self._expand, self._scores = question.segmentation.expand, question.model.scores
        shared = not self._masker.drops and not isinstance(self._x, Text)
        shape = (self._x.shape, str(self._x.dtype)) if shared else id(self)
        self.alike = (id(question.model), shape)

    def __call__(self, masks: Bools, rows: slice) -> Floats:
        """masks (m, n), some of the references -> scores (m, k', K)."""
        if self._masker.drops:
            text = Text(self._x)
            return self._scores([text.less(row) for row in self._expand(masks)])[:, None, :]
        scores = self._scores(alike(self._x, self._inputs(masks, rows)))
        return scores.reshape(len(masks), len(scores) // len(masks), -1)

    def together(self, others: Sequence[_InDataSpace], masks: Sequence[Bools]) -> list[Floats]:
        """Scores (m, k, K) of the masks of each of the others, in one pass."""
        pairs = zip(others, masks, strict=True)
        parts = [other._inputs(own, slice(None)) for other, own in pairs]
        scores = self._scores(np.concatenate(parts))
        each = np.split(scores, np.cumsum([len(part) for part in parts])[:-1])
        return [s.reshape(len(own), -1, s.shape[1]) for s, own in zip(each, masks, strict=True)]

    def _inputs(self, masks: Bools, rows: slice) -> NDArray[Any]:
        """(m * k', *x.shape) masked inputs."""
        x, kept = self._x, self._expand(masks)  # (m, *grid)
        part = self._masker.stand_ins(x, kept)[:, rows]
        kept = kept.reshape(kept.shape + (1,) * (x.ndim - kept.ndim + 1))
        return np.where(kept[:, None], x, part).reshape(-1, *x.shape)


@cache
def versions() -> dict[str, str]:
    """Versions of the packages that the numbers depend on."""
    found = {}
    for package in ("xaikit", "numpy", "torch", "scikit-learn", "captum", "shap", "lime"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
