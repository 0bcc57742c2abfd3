"""Time of a method over the time of the passes it made: 1 means that nothing but the passes costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks.harness import Options, Row, Triple, clock, per_row, ratios, turns, within
from benchmarks.nets import cases
from benchmarks.passes import Passes, Recording
from benchmarks.peers import Peers
from xaikit.core.question import Cache, Meter, Question
from xaikit.methods.base import ask, make_method
from xaikit.metrics.faithfulness import RemovalTest

BAR = {"cpu": 1.05, "cuda": 1.10}
UNIT = "times the pure passes"


def rows(options: Options) -> Iterator[Row]:
    """LIME, SHAP, occlusion and the removal test on every net."""
    budget = 160 if options.quick else 512
    for case in cases(options)[:: 2 if options.quick else 1]:
        model = case.make()
        for precision in ("float32", "bfloat16") if options.device == "cuda" else ("float32",):
            question = case.question(model, case.samples(1)[0], precision=precision)
            passes, peers = Passes.of(question), Peers(question)
            name = case.name if precision == "float32" else f"{case.name}, {precision}"
            for job in _jobs(question, peers, budget, options.quick):
                job = job if precision == "float32" else replace(job, peers={})
                yield _row(name, job, passes, peers, options)


@dataclass(frozen=True, eq=False)
class Job:
    """One line: what runs on a fresh question, and the same by other packages."""

    what: str
    run: Callable[[Question], Any]
    peers: Mapping[str, Callable[[], Any]]


def _jobs(question: Question, peers: Peers, budget: int, quick: bool) -> Iterator[Job]:
    def by(name: str, **settings: Any) -> Callable[[Question], Any]:
        return lambda asked: ask(make_method(name, **settings), [asked])

    yield Job(f"lime, {budget}", by("lime", budget=budget), peers.lime(budget))
    yield Job(f"shap, {budget}", by("shap", budget=budget), {})
    yield Job(f"leverage_shap, {budget}", by("leverage_shap", budget=budget), peers.shap(budget))
    yield Job("occlusion", by("occlusion"), peers.occlusion())
    (explained,) = ask(make_method("occlusion"), [fresh(question)])
    yield Job(
        "deletion, insertion and five more of one explanation",
        lambda asked: RemovalTest([asked]).scores([[explained]]),
        {},
    )
    if not quick:
        yield Job("lime as it comes", by("lime"), {})
        yield Job("shap as it comes", by("shap"), {})


def fresh(question: Question) -> Question:
    """The same question, with nothing known yet."""
    return replace(question, cache=Cache(), meter=Meter())


def counted(question: Question, run: Callable[[Question], Any]) -> tuple[int, np.ndarray | None]:
    """Rows that the work needs, and the masks it asks."""
    watched = Recording.of(fresh(question))
    found = run(watched)
    own = sum(e.cost.forward for e in found) if hasattr(found[0], "cost") else 0
    ends = int(watched.meter.forward > 0 and "output" in watched.__dict__)  # found in a pass apart
    return watched.meter.forward + own + ends, watched.masks


def _row(case: str, job: Job, passes: Passes, peers: Peers, options: Options) -> Row:
    needed, masks = counted(passes.question, job.run)
    pure = passes.over(masks)
    sent = min(needed, 2048)
    work = {"pure": pure.forward(sent), "ours": lambda: job.run(fresh(passes.question))}
    many = {}
    for name, run in job.peers.items():
        peers.rows = 0
        run()
        many[name] = peers.rows
    seconds = turns(work | dict(job.peers), options.repeats, clock(options.device))
    limit = per_row(seconds["pure"], sent)
    found: dict[str, Triple] = {
        name: ratios(per_row(seconds[name], n), limit) for name, n in many.items()
    }
    ours = ratios(per_row(seconds["ours"], needed), limit)
    bar = BAR[options.device]
    each = 1e3 * float(np.median(limit))
    return Row(
        "overhead", f"{case}: {job.what}", f"<= {bar}", ours, found, UNIT, within(ours, bar),
        f"{needed} passes of {each:.3g} ms ({pure.best()}; ours {passes.question.per_pass.rows})",
    )  # fmt: skip
