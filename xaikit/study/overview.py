"""One method's explanations of the whole test split, and which method that is."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from xaikit.core.abilities import Model
from xaikit.core.errors import CheckFailed, XaikitError, foreign
from xaikit.core.explanations import Explanations
from xaikit.core.many import Same
from xaikit.core.progress import Progress
from xaikit.core.question import Question
from xaikit.core.types import Floats, Ints, Sample, Segmentation
from xaikit.data.dataset import Dataset
from xaikit.judge.overview import Overview
from xaikit.methods.base import Method, ask
from xaikit.study.failures import recorded
from xaikit.study.forecast import forecast, passes
from xaikit.study.plan import Plan, as_cut, make_block, make_question
from xaikit.study.run import Failure, Run
from xaikit.study.sample_facts import facts_of, groups_of, shrunk
from xaikit.tasks import task_of

__all__ = ["MOST", "SECONDS", "cheapest", "make_overview", "worst_errors"]

MOST = 2000  # samples; of a larger split as many are drawn
SECONDS = 30.0  # that explaining may take, about
MOST_BYTES = 1 << 28  # that features of their own may take: (*grid) int64 a sample
LEVEL = 0.9  # of the largest gain
TRIED = 8  # samples whose time tells how many are explained
PART = 256  # samples at once
STATUSES = ("use", "weaker", "unsettled", "not_tested", "failed", "control")


def make_overview(
    model: Model,
    data: Dataset,
    method: Method,
    *,
    plan: Plan | None = None,
    seed: int = 0,
    most: int | None = None,
    failures: list[Failure] | None = None,
    progress: bool = False,
) -> Overview:
    """What a method says of the test split: of all of it, or of a draw by `seed` where it has more than
    `most` samples. None: 2,000, or fewer where that would take more than about 30 s on this machine
    (then 1, 2 or 5 times a power of ten).

    Explained is the predicted class, or value, of each sample, whatever the target of the plan. Samples
    that fail are left out and recorded in `failures`.
    """
    asked = _Asked(model, data, method, replace(plan or Plan(), target="predicted"), seed)
    order = np.random.default_rng([seed, 19]).permutation(len(data.test))[: most or MOST]
    seconds = SECONDS if most is None else np.inf
    found, rows = _explained(asked, order, seconds, [] if failures is None else failures, progress)
    block, rows = found.take(np.argsort(rows)), np.sort(rows)
    samples = [data.test[i] for i in rows]
    cut = [as_cut(model, s, asked.plan) for s in samples]
    return Overview(
        ids=tuple(s.id for s in samples),
        predictions=_predictions(model, samples),
        labels=tuple(s.label for s in samples),
        explanations=block,
        inputs=() if samples[0].kind.view == "parts" else tuple(_kept(s) for s in cut),
        rationales=tuple(s.rationale for s in cut),
        facts=facts_of(samples, data),
        groups=groups_of(samples, data),
        columns=tuple(c.name for c in data.columns),
        modality=data.modality,
        classes=_names(model),
        task=task_of(model).name,
        of=len(data.test),
    )


def cheapest(
    run: Run,
    methods: Mapping[str, Method],
    model: Model,
    plan: Plan,
    n: int,
    seconds: float = SECONDS,
) -> Method | None:
    """The method to ask about n samples, of those with the best verdict: the one that the run shows, else
    another additive one, if it is likely to be done in so many seconds; else the one of the fewest passes.

    Of methods that nothing settles, those with at least nine tenths of the largest gain. None without any.
    """
    verdicts = {v.method: v.status for v in run.verdicts() if v.method in methods}
    if not verdicts:
        return None
    best = min(verdicts.values(), key=STATUSES.index)
    gains = {name: _gain(run, name) for name in verdicts if verdicts[name] == best}
    least = LEVEL * max(gains.values()) if best == "unsettled" else -np.inf
    question = make_question(model, run.samples[0], plan)
    level = [methods[name] for name, gain in gains.items() if gain >= least]
    order = sorted(level, key=lambda method: passes(method, question))
    shown = run.choice().shown
    for method in sorted(order, key=lambda method: method.name != shown):
        slow = seconds < np.inf and _seconds(method, question) * min(n, MOST) > seconds
        if run.of(method.name)[0].additive and not slow:
            return method
    return order[0]


def _seconds(method: Method, question: Question) -> float:
    """About how long one sample will take."""
    low, high = forecast([question], [method]).seconds
    return float(np.sqrt(low * high))


def worst_errors(
    model: Model,
    data: Dataset,
    n: int,
    without: Sequence[Sample] = (),
    scores: Floats | None = None,
) -> list[Sample]:
    """Up to n test samples that are answered worst, the worst first, none of those in `without`.

    scores : (N, K) of the model on the test split, where they are known. See `Task.miss`.
    """
    if n == 0:
        return []
    task, held = task_of(model), {s.id for s in without}
    if scores is None:
        with foreign(f"model '{model.id}' on {len(data.test)} test samples"):
            scores = model.scores(data.inputs("test"))
    answers = task.predictions(scores)
    rows = zip(answers, data.test, strict=True)
    misses = np.array([0.0 if s.label is None else task.miss(p, s.label) for p, s in rows])
    order = [int(i) for i in np.argsort(-misses, kind="stable") if misses[i] > 0]
    return [data.test[i] for i in order if data.test[i].id not in held][:n]


def _explained(
    asked: _Asked, order: Ints, seconds: float, failures: list[Failure], progress: bool
) -> tuple[Explanations, Ints]:
    """The explanations of test rows in that order, as many as the time allows, and their rows."""
    for _ in asked(order[:1], []):
        pass  # the first passes of a process are slow
    clocks = (time.perf_counter, time.process_time)  # the second where others use the machine too
    start = [clock() for clock in clocks]
    blocks = list(asked(order[:TRIED], failures))
    spent = min(clock() - then for clock, then in zip(clocks, start, strict=True))
    each = spent / min(TRIED, len(order))
    n = max(TRIED, _allowed(len(order), seconds / max(each, 1e-9), _space(blocks)))
    with Progress(min(n, len(order)), "the whole test split", show=progress) as bar:
        bar.tick(min(TRIED, len(order)))
        for at in range(TRIED, min(n, len(order)), PART):
            rows = order[at : min(at + PART, n)]
            blocks += asked(rows, failures)
            bar.tick(len(rows))
    if not blocks:
        raise CheckFailed(failures[-1].reason)
    rows = np.concatenate([rows for _, rows in blocks])
    return Explanations.gathered((block for block, _ in blocks), len(rows)), rows


@dataclass(frozen=True)
class _Asked:
    """One method, asked about rows of the test split; those that fail are recorded and left out."""

    model: Model
    data: Dataset
    method: Method
    plan: Plan
    seed: int
    seen: dict[Any, Segmentation] = field(default_factory=dict)

    def __call__(self, rows: Ints, failures: list[Failure]) -> Iterator[tuple[Explanations, Ints]]:
        with suppress(XaikitError), foreign(f"'{self.method.name}'"):
            block = self._block(rows)
            yield block, rows
            return
        for row in rows[:, None]:  # one of the samples failed: find out which, one by one
            with recorded(failures, "overview", self.model.id, self.data.test[row[0]].id):
                yield self._block(row), row

    def _block(self, rows: Ints) -> Explanations:
        samples = [self.data.test[i] for i in rows]
        found = ask(self.method, make_block(self.model, samples, self.plan), seed=self.seed)
        cuts = [self._same(cut) for cut in found.segmentations]
        shared = len({id(cut) for cut in cuts}) == 1
        alike = Same(cuts[0], len(cuts)) if shared else cuts
        return found.completed(elements=None, segmentations=alike)  # only values are kept

    def _same(self, cut: Segmentation) -> Segmentation:
        """The segmentation that was seen first of those that are equal, so that it is kept once."""
        key = (cut.ids.shape, cut.names, cut.ids.tobytes())
        return self.seen.setdefault(key, cut)


def _allowed(n: int, *limits: float) -> int:
    """n, or the largest 1, 2 or 5 times a power of ten below the limits."""
    limit = min(limits)
    if n <= limit:
        return n
    steps = (m * 10**p for p in range(9) for m in (1, 2, 5))
    return max((step for step in steps if step <= limit), default=1)


def _space(blocks: Sequence[tuple[Explanations, Ints]]) -> float:
    """How many samples' features can be kept."""
    cuts = {id(cut): cut for block, _ in blocks for cut in block.segmentations}
    each = sum(cut.ids.nbytes for cut in cuts.values()) / TRIED
    return MOST_BYTES / each if len(cuts) > 1 else float("inf")


def _predictions(model: Model, samples: Sequence[Sample]) -> Floats:
    with foreign(f"model '{model.id}' on {len(samples)} sample(s)"):
        found = task_of(model).predictions(model.scores([s.x for s in samples]))
    if not np.isfinite(found).all():
        bad = samples[int(np.argwhere(~np.isfinite(found))[0][0])]
        raise CheckFailed(
            f"model '{model.id}' gave no finite score for test sample '{bad.id}', so the whole split "
            "is not shown; mend the model or drop the sample."
        )
    return found


def _kept(sample: Sample) -> np.ndarray:
    return shrunk(sample.x) if sample.kind.view == "picture" else sample.x


def _names(model: Model) -> tuple[str, ...]:
    task = task_of(model)
    return () if task.name == "regression" and not task.many else task.outputs


def _gain(run: Run, method: str) -> float:
    found = [s.value for s in run.scores if s.metric == "srg" and s.of.get("method") == method]
    return float(np.nanmean(found)) if found else 0.0
