"""An overview, asked by the page: values towards one answer, names, samples."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from xaikit.core.types import Bools, Floats, Ints, Sample
from xaikit.judge.overview import Overview
from xaikit.judge.shares import Shares
from xaikit.report.findings import Findings
from xaikit.report.formats import percent
from xaikit.report.words import Words

__all__ = ["MOST_DOTS", "Seen"]

MOST_DOTS = 300  # of one chart


@dataclass(frozen=True, eq=False)
class Seen:
    """Look-ups over the overview of one run for one language."""

    findings: Findings
    shares: Shares

    @property
    def overview(self) -> Overview:
        return self.shares.overview

    @property
    def words(self) -> Words:
        return self.findings.words

    @cached_property
    def two_sided(self) -> bool:
        """Whether values for one of two classes are values against the other."""
        task, told = self.overview.meaning, self.overview.explanations
        return task.words == "class" and len(task.outputs) == 2 and told.unit != "relative"

    @cached_property
    def towards(self) -> Floats:
        """(N, n) values for the second of two classes, else for each sample's own answer."""
        sign = np.where(self.shares.answers == 1, 1.0, -1.0) if self.two_sided else 1.0
        return np.asarray(self.shares.values * np.reshape(sign, (-1, 1)))

    @cached_property
    def sides(self) -> tuple[str, str]:
        """What values to the left and to the right speak for."""
        if self.two_sided:
            first, second = self.overview.meaning.outputs
            return first, second
        kind = "value" if self.overview.meaning.words.startswith("value") else "answer"
        return self.words(f"over.left.{kind}"), self.words(f"over.right.{kind}")

    @cached_property
    def dots(self) -> Ints:
        """Rows that a chart shows: all, or 300 of them, evenly spaced."""
        n = len(self.overview)
        return np.unique(np.linspace(0, n - 1, min(n, MOST_DOTS)).round().astype(np.int64))

    @cached_property
    def known(self) -> Bools:
        """(N,) which samples have a label."""
        return np.array([label is not None for label in self.overview.labels])

    @cached_property
    def true(self) -> Ints:
        """(N,) the class that each label names; -1 where nobody knows."""
        return np.array([-1 if y is None else int(y) for y in self.overview.labels])

    def sample(self, i: int) -> Sample:
        """The sample as far as the overview holds it; from the run, where it is there too."""
        name = self.overview.ids[i]
        own = next((s for s in self.findings.run.samples if s.id == name), None)
        return own or Sample(name, self.overview.inputs[i], self.overview.modality)

    def language(self, i: int) -> str:
        """The language of a text."""
        data = self.findings.run.context.get("data") or {}
        spoken = self.overview.groups.get("language")
        return spoken[i] if spoken else str(data.get("language") or "")

    def sure(self, p: float) -> str:
        """A probability in words: never 0 or 100 %."""
        if p >= 0.9995:
            return f">{percent(0.999, 1)}"
        return percent(p, 1 if p >= 0.99 else 0)

    @property
    def among(self) -> str:
        """A sentence that says of how many samples numbers are, where not all are in the overview."""
        n, of = len(self.overview), self.overview.of
        return f" {self.words('over.among', n=n)}" if n < of else ""
