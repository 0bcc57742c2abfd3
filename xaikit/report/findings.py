"""A run, asked by the page: who passed, what was measured, by how much, with which interval."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from xaikit.core.sample import Modality
from xaikit.core.stats import FEWEST, bootstrap_interval
from xaikit.core.types import Bools, Explanation, Floats, Sample, Score
from xaikit.judge.verdict import Choice, Verdict
from xaikit.report.words import Words
from xaikit.study.run import Run
from xaikit.tasks import Task, restored_task

__all__ = ["RANDOM", "Estimate", "Findings", "Pair", "estimate"]

RANDOM = "random"  # the control that every comparison is made against
ORDER = ("use", "weaker", "unsettled", "not_tested", "failed", "control")


@dataclass(frozen=True)
class Estimate:
    """A mean over samples; interval is None below ten cases, which are then shown one by one."""

    value: float
    n: int
    interval: tuple[float, float] | None = None
    cases: tuple[float, ...] = ()


@dataclass(frozen=True)
class Pair:
    """How far two methods agree; ceiling is what their own second runs would leave of 1."""

    value: float
    ceiling: float | None
    n: int


def estimate(values: list[float]) -> Estimate | None:
    """The mean with its 95 % bootstrap interval, or None when nothing was measured."""
    found = np.array([v for v in values if np.isfinite(v)], dtype=np.float64)
    if found.size == 0:
        return None
    mean = float(found.mean())
    if found.size < FEWEST:
        return Estimate(mean, found.size, cases=tuple(found.tolist()))
    return Estimate(mean, found.size, bootstrap_interval(found))


@dataclass(frozen=True, eq=False)
class Findings:
    """Look-ups over one run for one language. Only the question's own masker is read."""

    run: Run
    words: Words

    @property
    def kind(self) -> Modality:
        """The modality of the samples."""
        return self.run.samples[0].kind

    @property
    def part(self) -> str:
        """What one feature is called."""
        return self.words.known(f"part.{self._cut}", self.words.own(self.kind.titles.part))

    @property
    def parts(self) -> str:
        """What features are called."""
        return self.words.known(f"parts.{self._cut}", self.words.own(self.kind.titles.parts))

    @property
    def _cut(self) -> str:
        """How the samples were cut, where that has words of its own."""
        refined = (self.run.context.get("question") or {}).get("refined")
        return "refined" if refined else str(self.run.config.get("features"))

    @property
    def model(self) -> str:
        """The model's name beside that of its data: without it where it begins with it."""
        given = (self.run.context.get("model") or {}).get("id")
        name = str(given or next((e.model_id for e in self.run.explanations), "–"))
        data = str((self.run.context.get("data") or {}).get("name") or "")
        return name.removeprefix(f"{data}-") or name

    @property
    def columns(self) -> list[str]:
        """What the data's columns or channels are called."""
        columns = (self.run.context.get("data") or {}).get("columns") or []
        return [str(c["name"]) for c in columns]

    @property
    def marked(self) -> str:
        """What the places that the data mark are."""
        given = str(self.run.context.get("rationale") or "rationale.marked")
        name = given.removeprefix("rationale.")
        return self.words.known(f"object.{name}", given)

    @cached_property
    def verdicts(self) -> dict[str, Verdict]:
        """Method -> verdict."""
        return {v.method: v for v in self.run.verdicts()}

    @cached_property
    def choice(self) -> Choice:
        """Which method to use, and which one the page shows."""
        return self.run.choice()

    @cached_property
    def order(self) -> tuple[str, ...]:
        """Methods: to use, weaker, unsettled, not tested, failed, controls; in each the one shown, then best gain first."""

        def key(method: str) -> tuple[int, bool, bool, float, int]:
            verdict = self.verdicts[method]
            gain = np.inf if verdict.share is None else -verdict.share
            first = method != self.choice.shown
            return ORDER.index(verdict.status), method == RANDOM, first, gain, asked.index(method)

        asked = self.run.methods
        return tuple(sorted(asked, key=key))

    @cached_property
    def passed(self) -> tuple[str, ...]:
        return tuple(m for m in self.order if self.verdicts[m].holds)

    @cached_property
    def real(self) -> tuple[str, ...]:
        """Methods that are no controls."""
        return tuple(m for m in self.order if not self.is_control(m))

    @cached_property
    def tested(self) -> bool:
        """Whether any method has been put to a test."""
        return any(bool(v.checks) for v in self.verdicts.values())

    @cached_property
    def lead(self) -> str | None:
        """The method that the page shows."""
        return self.choice.shown or next(iter(self.order), None)

    @cached_property
    def trusted(self) -> tuple[str, ...]:
        """Methods that set scales and summaries: those that passed, or all real ones if none did."""
        return self.passed or self.real

    def card(self, method: str) -> Mapping[str, Any]:
        """What the run's context says of a method, in the page's language where it is known."""
        given = dict((self.run.context.get("methods") or {}).get(method) or {})
        own = given.get("ko") if self.words.language == "ko" else None
        return {**given, **(own or {})}

    @cached_property
    def _measures(self) -> Mapping[str, Mapping[str, Any]]:
        return self.run.measures()

    def measure(self, name: str) -> Mapping[str, Any]:
        """What is known of a number, in the page's language where it is known."""
        given = self._measures.get(name) or {}
        own = given.get("ko") if self.words.language == "ko" else None
        return {**given, **(own or {})}

    def measured(self, name: str) -> str:
        """What a number is called."""
        return str(self.measure(name).get("title") or name.replace("_", " "))

    def title(self, method: str) -> str:
        name = self.name(method)
        return self.words("verdict.as_control", name=name) if self.is_control(method) else name

    def name(self, method: str) -> str:
        """The title without "(control)"."""
        method, _, rest = method.partition(": ")  # a failed metric is called "method: metric"
        if rest:
            return f"{self.name(method)}: {rest.replace('_', ' ')}"
        plain = method.replace("_", " ")
        return str(self.card(method).get("title") or plain[:1].upper() + plain[1:])

    def is_control(self, method: str) -> bool:
        card = (self.run.context.get("methods") or {}).get(method) or {}
        return bool(card.get("control")) or method == RANDOM

    @cached_property
    def by_sample(self) -> dict[str, dict[str, Explanation]]:
        """Sample id -> method -> explanation."""
        found: dict[str, dict[str, Explanation]] = defaultdict(dict)
        for e in self.run.explanations:
            found[e.sample_id][e.method] = e
        return found

    @cached_property
    def masker(self) -> str:
        """The question's own masker."""
        asked = (self.run.context.get("question") or {}).get("masker")
        return str(asked or next((e.masker for e in self.run.explanations), ""))

    @cached_property
    def second_masker(self) -> str | None:
        """Another masker that the removal test was repeated with, if any."""
        used = {str(s.of["masker"]) for s in self.run.scores if s.of.get("masker")}
        others = sorted(used - {self.masker})
        return others[0] if self.masker in used and others else None

    @cached_property
    def _scores(self) -> dict[tuple[str, str], dict[str, Score]]:
        """(metric, method) -> sample -> score under the question's masker."""
        used = {s.of.get("masker") for s in self.run.scores} - {None}
        masker = self.masker if self.masker in used else min(used, default=None, key=str)
        found: dict[tuple[str, str], dict[str, Score]] = defaultdict(dict)
        for s in self.run.scores:
            if "method" in s.of and s.of.get("masker") in (None, masker):
                key = (s.metric, str(s.of["method"]))
                found[key].setdefault(str(s.of.get("sample", "")), s)
        for scores in found.values():
            if len(scores) > 1:
                scores.pop("", None)  # a mean over the samples beside the samples themselves
        return found

    def values(self, metric: str, method: str) -> dict[str, float]:
        """Sample -> measured value."""
        scores = self._scores.get((metric, method), {})
        return {k: s.value for k, s in scores.items() if np.isfinite(s.value)}

    def mean(self, metric: str, method: str) -> Estimate | None:
        return estimate(list(self.values(metric, method).values()))

    def gain(self, metric: str, method: str) -> Estimate | None:
        """By how much a method beats random removal, paired by sample; positive is better."""
        mine, random = self.values(metric, method), self.values(metric, RANDOM)
        sign = -1.0 if self.measure(metric).get("direction") == "lower" else 1.0
        return estimate([sign * (mine[k] - random[k]) for k in mine if k in random])

    def faithfulness(self, method: str) -> Estimate | None:
        """What the check "better than random" measured; else the same number, or the deletion gain."""
        check = self.verdicts[method].check("beats_random")
        if check is not None and check.value is not None:
            return Estimate(check.value, check.n, check.interval)
        return self.mean("srg", method) or self.gain("deletion", method)

    def mean_curve(self, metric: str, method: str, x: Floats) -> Floats | None:
        """(p,) mean of the samples' curves at the shares x."""
        curves = [s.curve for s in self._scores.get((metric, method), {}).values()]
        found = [np.interp(x, c[:, 0], c[:, 1]) for c in curves if c is not None and len(c) > 1]
        return np.mean(found, axis=0) if found else None

    @cached_property
    def _agreements(self) -> dict[tuple[str, str, str], dict[str, float]]:
        """(metric, a, b), a <= b -> sample -> agreement."""
        found: dict[tuple[str, str, str], dict[str, float]] = defaultdict(dict)
        for s in self.run.scores:
            if s.family == "agreement" and "a" in s.of and "b" in s.of and np.isfinite(s.value):
                a, b = sorted((str(s.of["a"]), str(s.of["b"])))
                found[s.metric, a, b][str(s.of.get("sample", ""))] = s.value
        return found

    @cached_property
    def agreement_metrics(self) -> tuple[str, ...]:
        """Metrics that at least two different methods were compared by, rank correlation first."""
        found = {metric for metric, a, b in self._agreements if a != b}
        return tuple(sorted(found, key=lambda m: (m != "spearman", m)))

    def agreement(self, a: str, b: str, metric: str = "spearman") -> float | None:
        """Mean agreement of two methods over samples; of a method with itself: its ceiling."""
        pair = self.pair(a, b, metric)
        return pair.value if pair else None

    def pair(self, a: str, b: str, metric: str = "spearman") -> Pair | None:
        """Two methods beside what noise would leave, over the samples on which both are known."""
        between, own_a, own_b = (
            self._agreements.get((metric, min(x, y), max(x, y)), {})
            for x, y in ((a, b), (a, a), (b, b))
        )
        if not between:
            return None
        shared = [k for k in between if k in own_a and k in own_b]
        if a == b or not shared:
            return Pair(float(np.mean(list(between.values()))), None, len(between))
        ceiling = [math.sqrt(max(own_a[k], 0.0) * max(own_b[k], 0.0)) for k in shared]
        mean = float(np.mean([between[k] for k in shared]))
        return Pair(mean, float(np.mean(ceiling)), len(shared))

    @cached_property
    def disagreements(self) -> dict[tuple[str, str], Any]:
        """(a, b) of real methods -> `Disagreement` in the order of strength."""
        found = self.run.disagreements("spearman")
        return {pair: d for pair, d in found.items() if set(pair) <= set(self.real)}

    def disagree(self, a: str, b: str) -> bool:
        """Whether two methods were found to disagree by more than noise."""
        found = self.disagreements.get((a, b)) or self.disagreements.get((b, a))
        return found is not None and found.real is True

    @cached_property
    def causes(self) -> dict[tuple[str, str], list[str]]:
        """(a, b) -> what their disagreement was traced to, in words."""
        found: dict[tuple[str, str], list[str]] = defaultdict(list)
        cards = self.run.context.get("methods") or {}
        titles = {str(cards.get(m, {}).get("title", m)): self.name(m) for m in self.run.methods}
        words = replace(self.words, titles=titles)
        for c in self.run.causes():
            found[c.a, c.b].append(words.told(c.found))
        return found

    def stopped(self, method: str) -> str:
        """The words "not converged" and on how many samples, "" when every estimate came to rest."""
        mine = self.run.of(method)
        k = sum(e.converged is False for e in mine)
        return self.words("not_converged.some", k=k, n=len(mine)) if k else ""

    def repeats(self, method: str) -> float | None:
        """How much the top features of two runs of a method overlap."""
        found = self.mean("variance_share", method)
        return found.value if found else None

    def agrees_with_passed(self, method: str) -> Pair | None:
        """Mean agreement with the methods that passed, beside the mean of what noise would leave."""
        pairs = [p for m in self.passed if m != method and (p := self.pair(method, m))]
        if not pairs:
            return None
        bounded = [p for p in pairs if p.ceiling is not None] or pairs
        ceilings = [p.ceiling for p in bounded if p.ceiling is not None]
        ceiling = float(np.mean(ceilings)) if ceilings else None
        return Pair(float(np.mean([p.value for p in bounded])), ceiling, len(bounded))

    def agreement_in(self, sample: Sample) -> float | None:
        """Mean rank agreement between the real methods on one sample."""
        found = [
            values[sample.id]
            for (metric, a, b), values in self._agreements.items()
            if metric == "spearman" and a != b and {a, b} <= set(self.real) and sample.id in values
        ]
        return float(np.mean(found)) if found else None

    @cached_property
    def task(self) -> Task:
        """What the predictions mean; of older runs as their classes and numbers tell."""
        model = self.run.context.get("model") or {}
        return restored_task(model, self.run.predictions.shape[1])

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes or labels, their numbers when nobody named them, () for values."""
        return () if self.task.words.startswith("value") else self.task.outputs

    @cached_property
    def chosen(self) -> Bools:
        """(N, K): the outputs that were given as the answer."""
        return self.task.chosen(self.run.predictions)

    def class_name(self, index: int) -> str:
        return self.classes[index] if 0 <= index < len(self.classes) else str(index)

    def is_wrong(self, i: int) -> bool:
        """Whether sample i is classified and not as its label says."""
        label = self.run.samples[i].label
        return label is not None and not self.task.right(self.run.predictions[i], label)
