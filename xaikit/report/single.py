"""One explanation on its own, outside a run: what a figure and a notebook say and show of it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from xaikit.core.errors import InvalidInput
from xaikit.core.frames import cells_of
from xaikit.core.interactions import Interactions
from xaikit.core.types import Explanation, Floats, Ints, Sample, Segmentation
from xaikit.report.columns import said_of, value_of
from xaikit.report.formats import decimals, fixed, signed
from xaikit.report.text_case import marked_words
from xaikit.report.words import Words

__all__ = ["Row", "Single", "Z", "readable", "target_of"]

Z = 1.96  # standard errors in half a 95 % interval
NEAR = 0.005  # of the way from empty to output: what may be missing of a sum


class Row(NamedTuple):
    """One feature, or all that are not shown: its name, value as shown and half its 95 % interval."""

    name: str
    value: float
    half: float | None = None
    feature: int = -1


@dataclass(frozen=True, eq=False)
class Single:
    """An explanation, the sample where somebody gave it, and the language of its sentences."""

    e: Explanation
    sample: Sample | None
    words: Words
    cells: Mapping[str, float | str | None] = field(default_factory=dict)

    @classmethod
    def of(cls, e: Explanation, given: Any, words: Words) -> Single:
        """given : the sample, the row of a frame that holds it, or None"""
        if given is None or isinstance(given, Sample):
            return cls(e, given, words)
        return cls(e, None, words, cells_of(given, e.sample_id))

    def __post_init__(self) -> None:
        shape, sample = self.e.segmentation.ids.shape, self.sample
        if len(shape) > 3:
            raise InvalidInput(
                f"an explanation on a grid of shape {shape} cannot be drawn; 1 to 3 dimensions can."
            )
        if sample is not None and (sample.id != self.e.sample_id or sample.grid != shape):
            raise InvalidInput(
                f"the explanation is of sample '{self.e.sample_id}' with a grid of {shape}, and "
                f"'{sample.id}' with {sample.grid} was given; give the sample that was explained."
            )

    @cached_property
    def view(self) -> str:
        """How its sample is drawn; without one told from the grid and from how it was cut."""
        if self.sample is not None:
            return self.sample.kind.view
        ids, source = self.e.segmentation.ids, self.e.segmentation.source.lower()
        if ids.ndim == 1:
            return "text" if any(w in source for w in ("word", "sentence", "token")) else "bars"
        if ids.ndim == 3 or any(w in source for w in ("patch", "pixel", "superpixel")):
            return "picture"
        narrow = ids.shape[1] <= 64 and ids.shape[0] > 2 * ids.shape[1]
        lines = any(w in source for w in ("window", "channel", "step")) or narrow
        return "lines" if lines else "picture"

    @property
    def relative(self) -> bool:
        """Whether only the order and the sign of the values carry meaning."""
        return self.e.unit == "relative"

    @cached_property
    def end(self) -> float:
        """Where the scale ends; an empty map is not stretched."""
        return float(np.abs(self.e.values).max()) or 1.0

    @cached_property
    def shares(self) -> Floats:
        """(n,) values as shares of the scale."""
        return self.e.values / self.end

    @cached_property
    def shown(self) -> Floats:
        """(n,) values as they are printed: in their unit, or relative to the largest."""
        return self.shares if self.relative else self.e.values

    @cached_property
    def halves(self) -> Floats | None:
        """(n,) half of the 95 % intervals of the values shown; None where nothing was sampled."""
        if self.e.std is None:
            return None
        return Z * self.e.std / (self.end if self.relative else 1.0)

    @property
    def digits(self) -> int:
        return 2 if self.relative else decimals(self.end)

    @property
    def stands_up(self) -> bool:
        """Whether the values lead from empty to output, as a waterfall shows."""
        return self.e.additive and not self.relative

    def rows(self, most: int) -> list[Row]:
        """The strongest features, then the sum of the others, then what a sum leaves out."""
        order = np.argsort(-np.abs(self.shown), kind="stable")
        most = most if len(order) > most + 1 else len(order)
        halves = self.halves
        found = [
            Row(
                self.label(i), float(self.shown[i]), None if halves is None else float(halves[i]), i
            )
            for i in order[:most].tolist()
        ]
        others = order[most:]
        if len(others) and self.stands_up:
            name = self.words("single.others", n=len(others))
            found.append(Row(name, float(self.shown[others].sum())))
        if self.leaves_out:
            found.append(Row(self.words("single.left"), self.e.residual))
        return found

    @property
    def leaves_out(self) -> bool:
        """Whether the parts of a sum do not reach the output."""
        way = max(abs(self.e.output - self.e.empty), self.end)
        return self.stands_up and abs(self.e.residual) > NEAR * way

    def label(self, i: int) -> str:
        """A feature's name, with what stands in it where that is one number; words are quoted."""
        name = readable(self.e.names[i])
        if self.view == "text":
            return f"“{name}”"
        if self.e.names[i] in self.cells:
            return f"{name} = {said_of(self.cells[self.e.names[i]], self.words)}"
        places = np.flatnonzero(self.e.segmentation.ids == i)
        if self.sample is None or self.view not in ("bars", "parts") or len(places) != 1:
            return name
        return f"{name} = {value_of(float(self.sample.x[places[0]]), {}, self.words)}"

    @property
    def target(self) -> str:
        return target_of(self.e, self.words)

    @property
    def title(self) -> str:
        """What was explained, and what it is."""
        return f"{self.target}: {self.number(self.e.output)}"

    @property
    def caption(self) -> str:
        """Who says so of what, and what must be known to read it."""
        e, words = self.e, self.words
        parts = [e.method, readable(e.sample_id), readable(e.model_id)]
        parts += [words("verdict.not_converged")] if e.converged is False else []
        parts += [words("single.relative")] if self.relative else []
        parts += [words("single.removed", masker=readable(e.masker))] if e.masker else []
        return " · ".join(part for part in parts if part)

    def number(self, value: float) -> str:
        """A value of the target."""
        digits = decimals(max(abs(self.e.output), abs(self.e.empty)))
        return (fixed if self.e.target.space != "logit" else signed)(value, digits)

    def marked(self) -> list[dict[str, Any]]:
        """The words of a text, marked; see `marked_words`. Without the sample its features' names."""
        sample, e = (self.sample, self.e) if self.sample is not None else _by_name(self.e)
        return marked_words(sample, e, self.shown, self.shares, self.digits, self.halves)


def target_of(e: Explanation | Interactions, words: Words) -> str:
    """The explained output in words."""
    unit, names = words.unit(e.target.unit), [readable(name) for name in e.target_names]
    if len(names) == 2:
        return words("single.contrast", unit=unit, name=names[0], against=names[1])
    if names:
        return words("single.target", unit=unit, name=names[0])
    if e.target.space == "value" and e.target.index == 0:
        return words("target.value")
    return words("single.output", unit=unit, index=e.target.index)


def readable(name: str) -> str:
    """A name without signs that nobody sees: control, direction, halves of a character."""
    seen = (" " if c.isspace() else c for c in name if unicodedata.category(c) not in ("Cf", "Cs"))
    return "".join("�" if unicodedata.category(c) == "Cc" else c for c in seen)


def _by_name(e: Explanation) -> tuple[Sample, Explanation]:
    """A text of the features' names in reading order, and its explanation."""
    ids: Ints = e.segmentation.ids
    first = np.flatnonzero(np.diff(ids, prepend=-2))
    names = [e.names[i] if i >= 0 else "…" for i in ids[first].tolist()]
    cut = Segmentation(ids[first], e.names, e.segmentation.source)
    return Sample(e.sample_id, np.array(names), "text"), replace(e, segmentation=cut, elements=None)
