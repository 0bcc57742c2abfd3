"""The same question about many samples of one model, with what they share held once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, overload

import numpy as np

from xaikit.core.abilities import Inputs, Model, output_names
from xaikit.core.errors import InvalidInput
from xaikit.core.explanations import Explanations
from xaikit.core.many import Same, taken
from xaikit.core.question import Cache, Masker, Meter, Question, versions
from xaikit.core.target import Targets
from xaikit.core.types import Cost, Floats, Ints, PerSample, Sample, Segmentation
from xaikit.core.words import about

__all__ = ["Questions", "apart"]


@dataclass(frozen=True, eq=False)
class Questions(Sequence[Question]):
    """Questions about B samples of one model: a sequence of `Question`, and their numbers as arrays.

    A slice is a view: what one of them finds, the whole knows.

    xs : (B, *x.shape) the samples in data space, or a list of them
    segmentations, maskers : one a sample; `Same` where all samples share it
    outputs, empties : (B,) the targets of the samples and of nothing, NaN while they are not known
    counts : (B, 3) evaluations asked, rows passed forward and backward
    made : the questions where somebody made them; otherwise each is made when it is looked at
    settings : batch_size, memory, precision and shortcuts of the questions
    """

    model: Model
    samples: Sequence[Sample]
    xs: Inputs
    segmentations: Sequence[Segmentation]
    maskers: Sequence[Masker]
    targets: Targets
    outputs: Floats
    empties: Floats
    counts: Ints
    made: Sequence[Question] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def alike(
        cls,
        model: Model,
        samples: Sequence[Sample],
        xs: Inputs,
        segmentation: Segmentation,
        masker: Masker,
        targets: Targets,
        settings: Mapping[str, Any],
    ) -> Questions:
        """About samples that share how they are cut and what is removed."""
        n = len(samples)
        found = cls(
            model,
            samples,
            xs,
            Same(segmentation, n),
            Same(masker, n),
            targets,
            np.full(n, np.nan),
            np.full(n, np.nan),
            np.zeros((n, 3), dtype=np.int64),
            None,
            settings,
        )
        _ = found[0]  # refuses what fits no sample
        return found

    @classmethod
    def of(cls, questions: Sequence[Question]) -> Questions:
        """From questions, each with all that is known of it."""
        if isinstance(questions, Questions):
            return questions
        models = {id(q.model): q.model for q in questions}
        if len(models) != 1:
            names = ", ".join(m.id for m in models.values()) or "no model"
            raise InvalidInput(f"the questions are about {names}; ask one model at a time.")
        n = len(questions)
        return cls(
            questions[0].model,
            [q.sample for q in questions],
            [q.sample.x for q in questions],
            _shared([q.segmentation for q in questions]),
            _shared([q.masker for q in questions]),
            Targets.of([q.target for q in questions]),
            np.array([q.__dict__.get("output", np.nan) for q in questions]),
            np.array([q.__dict__.get("empty", np.nan) for q in questions]),
            np.zeros((n, 3), dtype=np.int64),
            questions,
            {name: getattr(questions[0], name) for name in _SETTINGS},
        )

    def metered(self) -> Questions:
        """The same questions, their work counted from 0."""
        counts = np.zeros_like(self.counts)
        made = self.made
        if made is not None:
            made = [q.metered(Meter(own)) for q, own in zip(made, counts, strict=True)]
        return self._like(counts=counts, made=made)

    def __len__(self) -> int:
        return len(self.samples)

    @overload
    def __getitem__(self, i: int) -> Question: ...
    @overload
    def __getitem__(self, i: slice) -> Questions: ...
    def __getitem__(self, i: int | slice) -> Question | Questions:
        if isinstance(i, slice):
            parts = {name: getattr(self, name)[i] for name in _EACH}
            return self._like(**parts, made=None if self.made is None else self.made[i])
        if self.made is not None:
            return self.made[i]
        question = Question(
            model=self.model,
            sample=self.samples[i],
            segmentation=self.segmentations[i],
            masker=self.maskers[i],
            target=self.targets[i],
            cache=Cache(),
            meter=Meter(self.counts[i]),
            **self.settings,
        )
        question.set_output_and_empty(self.outputs[i], self.empties[i])
        return question

    def take(self, rows: Ints) -> Questions:
        """Those questions in that order; `put` brings back what they find."""
        parts = {name: taken(getattr(self, name), rows) for name in _EACH if name != "targets"}
        made = taken(self.made, rows)
        return self._like(**parts, targets=self.targets[rows], made=made)

    def put(self, rows: Ints, part: Questions) -> None:
        """What questions that were taken found: their outputs, and their work."""
        for name in ("outputs", "empties", "counts"):
            getattr(self, name)[rows] = getattr(part, name)

    def __iter__(self) -> Iterator[Question]:
        return (self[i] for i in range(len(self)))

    def _like(self, **changes: Any) -> Questions:
        found: Questions = object.__new__(Questions)
        found.__dict__.update(self.__dict__, **changes)
        return found

    @property
    def segmentation(self) -> Segmentation | None:
        """The one that all samples share, or None."""
        cuts = self.segmentations
        return cuts[0] if isinstance(cuts, Same) else None

    @property
    def masker(self) -> Masker | None:
        """The one that all samples share, or None."""
        maskers = self.maskers
        return maskers[0] if isinstance(maskers, Same) else None

    def set_outputs(self, scores: Floats) -> None:
        """The scores (B, K) of the samples are known from a shared pass."""
        if self.made is None:
            self.outputs[:] = self.targets.read(scores)
            return
        for i, (question, row) in enumerate(zip(self.made, scores, strict=True)):
            question.set_output(row)
            self.outputs[i] = question.output

    def take_output_and_empty(self, other: Questions) -> None:
        """What another view of the same questions found."""
        self.outputs[:], self.empties[:] = other.outputs, other.empties
        for mine, own in zip(self.made or (), other.made or (), strict=True):
            for end in own.__dict__.keys() & {"output", "empty"}:
                mine.__dict__.setdefault(end, own.__dict__[end])

    def rng(self, i: int, stream: str, seed: int) -> np.random.Generator:
        """The generator of one method on that sample: the same in any order and block."""
        return Question.generator(self.samples[i].id, stream, seed)

    def answer(
        self,
        method: Any,
        values: PerSample | None = None,
        *,
        elements: PerSample | None = None,
        additive: bool,
        in_units: bool,
        std: PerSample | None = None,
        converged: Sequence[bool | None] = (),
        notes: Sequence[str] = (),
        extras: Sequence[Mapping[str, Any]] = (),
        empty: Floats | None = None,
    ) -> Explanations:
        """The explanations of these questions by `method`; see `Question.answer`.

        empty : (B,) the targets of the method's own references, where these are not what is left when
            every feature is removed
        """
        if values is None:
            if elements is None:
                raise InvalidInput(f"{method.name} gave neither values nor elements; give one.")
            values = self.pooled(elements, "sum" if in_units else "mean")
        units = {self.targets.distinct[i].unit for i in np.unique(self.targets.which).tolist()}
        if in_units and len(units) > 1:
            raise InvalidInput(
                f"the targets are in {' and '.join(sorted(units))}; ask about each unit apart."
            )
        masker = self.masker
        return Explanations(
            rows=values,
            elements=elements,
            std=std,
            method=method.name,
            model_id=self.model.id,
            sample_ids=_ids(self.samples),
            targets=self.targets,
            target_names=self._target_names(),
            segmentations=self.segmentations,
            maskers=Same(masker.name, len(self)) if masker else [m.name for m in self.maskers],
            output=self.outputs.copy(),
            empty=self.empties.copy() if empty is None else empty,
            additive=additive,
            unit=units.pop() if in_units else "relative",
            converged=converged,
            notes=notes,
            extras=extras,
            params={f.name: getattr(method, f.name) for f in fields(method)},
            versions=versions(),
        )

    def _target_names(self) -> Sequence[tuple[str, ...]]:
        """What the explained outputs are called."""
        known = output_names(self.model)
        called = [target.called(known) for target in self.targets.distinct]
        if not isinstance(self.xs, np.ndarray):
            which = self.targets.which.tolist()
            return [about(x, called[i]) for x, i in zip(self.xs, which, strict=True)]
        if len(called) == 1:
            return Same(called[0], len(self))
        return [called[i] for i in self.targets.which.tolist()]

    def pooled(self, maps: PerSample, how: Any) -> PerSample:
        """B maps (*grid) -> B rows (n,): what lies in each feature."""
        cut = self.segmentation
        if cut is not None and isinstance(maps, np.ndarray):
            return cut.pool_many(maps, how)
        return [s.pool(map_, how) for s, map_ in zip(self.segmentations, maps, strict=True)]

    def costs(self, seconds: Sequence[float]) -> Sequence[Cost]:
        """What was counted so far, with the wall time of each."""
        return _Costs(self.counts, seconds)


def apart(questions: Sequence[Question]) -> bool:
    """Whether the questions are answered one by one, as each reads its scores at what the model found on
    its own sample."""
    if isinstance(questions, Questions) or len(questions) < 2:
        return False
    return all(getattr(q.model, "found", None) is not None for q in questions)


class _Costs(Sequence[Cost]):
    """What each question cost, from counts (B, 3) and seconds."""

    def __init__(self, counts: Ints, seconds: Sequence[float]) -> None:
        self.counts, self.seconds = counts, seconds

    def __len__(self) -> int:
        return len(self.counts)

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            return _Costs(self.counts[i], self.seconds[i])
        asked, forward, backward = self.counts[i].tolist()
        return Cost(asked, forward, backward, self.seconds[i])


_EACH = ("samples", "xs", "segmentations", "maskers", "targets", "outputs", "empties", "counts")
_SETTINGS = ("batch_size", "memory", "precision", "shortcuts")


def _shared(items: list[Any]) -> Sequence[Any]:
    first = items[0]
    return Same(first, len(items)) if all(item is first for item in items) else items


def _ids(samples: Sequence[Sample]) -> Sequence[str]:
    known: Sequence[str] | None = getattr(samples, "ids", None)
    return [sample.id for sample in samples] if known is None else known
