"""The verdict on sound and broken explainers: planted problems, and models of real data.

Each problem is asked once, on 64 samples; a trial at 16 samples is one of its four quarters. Sound methods
should hold, broken ones should not, and a sound map with noise of its own size should never stand beside it.
"""

from __future__ import annotations

import dataclasses
import sys
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from benchmarks.broken import BROKEN, Noisy, Setting, registered
from xaikit import load_data, train
from xaikit.core.abilities import Differentiable, Model, Resettable
from xaikit.core.errors import NotApplicable
from xaikit.core.explanations import Explanations
from xaikit.core.question import Cache, Question
from xaikit.core.stats import wilson
from xaikit.core.types import Explanation, Score
from xaikit.data.dataset import Dataset
from xaikit.judge.verdict import HOLDS, Verdict, verdicts
from xaikit.methods.base import Method, ask, make_method, reason_against
from xaikit.metrics import METRICS
from xaikit.metrics.base import Metric
from xaikit.study.plan import Plan, make_questions, mask_like
from xaikit.study.run import Run
from xaikit.tasks import task_of

N, FEW = 64, 16  # samples of a problem, and of one of its quarters
SOUND = ("shap", "integrated_gradients", "lime", "occlusion")
BUDGETS = {"shap": {"budget": 1024}, "lime": {"budget": 512}}  # where answers are not exact
CONTROLS = ("magnitude", "random")
GAP = 0.01  # median completeness gap up to which integrated gradients count as sound
BARS = {FEW: 0.75, N: 0.85}


@dataclasses.dataclass(frozen=True)
class Real:
    """A data set, and the models that are trained on it; `seen`: whether the rule was fixed on it."""

    name: str
    source: str
    models: tuple[str, ...]
    seen: bool
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    rows: int = 3000  # to train on

    def read(self, shared: Any) -> Dataset:
        source = self.source if "/" not in self.source else shared / self.source
        data = load_data(source, **self.options)
        return dataclasses.replace(data, train=data.train[: self.rows])


TEXT = {"text_column": "text"}
REAL = (
    Real("German credit", "tabular_german_credit/german.csv.gz", ("logistic", "mlp"), True),
    Real("GunPoint", "tsc_gunpoint/GunPoint.npz", ("logistic",), True),
    Real("Fashion-MNIST", "image_fashion_mnist/fashion_mnist.npz", ("lenet",), True),
    Real("SST-2", "text_en_sst2/train.csv.gz", ("logistic",), True, TEXT),
    Real("Adult", "tabular_adult/train.csv.gz", ("logistic", "boosting"), False),
    Real("California", "tabular_california_housing/california_housing.csv.gz", ("boosting", "mlp"), False),
    Real("Diabetes", "diabetes", ("ridge", "forest"), False),
    Real("ItalyPowerDemand", "tsc_italypowerdemand/ItalyPowerDemand.npz", ("gru", "logistic"), False),
    Real("MNIST", "image_mnist/mnist_t10k.npz", ("lenet",), False),
    Real("NSMC", "text_ko_nsmc/train.csv.gz", ("logistic",), False, TEXT),
)  # fmt: skip


@dataclasses.dataclass
class Problem:
    """One model with the questions about its samples, under two ways of removing."""

    name: str
    kind: str  # "planted", "seen" or "new"
    questions: list[Question]
    second: list[Question]
    setting: Setting
    better: bool = True  # than guessing

    @property
    def model(self) -> Model:
        return self.questions[0].model


@dataclasses.dataclass(frozen=True)
class Trial:
    """What was said of one method on so many samples."""

    problem: str
    kind: str
    n: int
    method: str
    verdict: Verdict
    counts: bool  # as sound, on a model that is better than guessing


def planted(n: int) -> Iterator[Problem]:
    """Random models in closed form of image, text, table and series in turn."""
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
    import toy_studies as toys

    for seed in range(n):
        modality = list(toys.GRIDS)[seed % len(toys.GRIDS)]
        asked = toys.questions(1000 + seed, modality, N)
        other = toys.questions(5000 + seed, modality, 1)[0].model
        shape = asked[0].sample.x.shape
        second = toys.maskers(modality, shape)[1]
        again = [dataclasses.replace(q, masker=second, cache=Cache()) for q in asked]
        shap = make_method("shap")
        yield Problem(
            f"planted {modality} {seed}", "planted", asked, again, Setting(shap, asked, other, shap)
        )


def real(shared: Any, seen: bool, seed: int = 0) -> Iterator[Problem]:
    """Models trained here; the other model of the same data is a forest, or of rows and texts a line."""
    for what in REAL:
        if what.seen != seen:
            continue
        data = what.read(shared)
        rng = np.random.default_rng(seed)
        samples = [data.test[i] for i in rng.permutation(len(data.test))[:N]]
        for name in what.models:
            model = train(name, data, seed=seed, progress=False)
            plain = "ridge" if data.task == "regression" else "logistic"
            other = train("forest" if name == plain else plain, data, progress=False)
            found = problem(
                f"{what.name}, {name}", "seen" if seen else "new", model, samples, other
            )
            yield dataclasses.replace(found, better=_better(model, data))


def problem(name: str, kind: str, model: Model, samples: Sequence[Any], other: Model) -> Problem:
    plan = Plan(n_background={"table": 10, "text": None}.get(model.modality, 2))
    asked, _ = make_questions(model, samples, plan)
    first = asked[0]
    how = next(m for m in first.sample.kind.maskers[1:])
    again = [
        dataclasses.replace(
            q, masker=mask_like(model, q.sample, q.segmentation, plan, how), cache=Cache()
        )
        for q in asked
    ]
    net = isinstance(model, Differentiable)
    base = make_method("integrated_gradients" if net else "shap")
    setting = Setting(base, asked, other, make_method("occlusion"))
    return Problem(name, kind, asked, again, setting)


def _better(model: Model, data: Dataset) -> bool:
    """Whether the model is right more often than its most frequent answer, or tells a tenth of a value."""
    test = model.info["metrics"]["test"]
    if "accuracy" not in test:
        return bool(test["r2"] > 0.1)
    return bool(test["accuracy"] > np.bincount(data.labels("test")).max() / len(data.test))


def studied(found: Problem) -> Run:
    """Everything that a verdict reads, of sound and broken methods, without their agreement."""
    with registered(found.setting):
        names = (*SOUND, *(k.name for k in (*BROKEN, Noisy)), *CONTROLS)
        methods = [make_method(m, **BUDGETS.get(m, {})) for m in names]
        methods = [m for m in methods if reason_against(m, found.model) is None]
        blocks = {m.name: block for m in methods if (block := _asked(m, found.questions))}
        scores: list[Score] = []
        for rows in _alike(found.questions):
            asked, second = ([q[i] for i in rows] for q in (found.questions, found.second))
            some = {m: Explanations.of([b[i] for i in rows]) for m, b in blocks.items()}
            judged = [b for m, b in some.items() if m not in CONTROLS]
            removal = METRICS.get("removal")()
            scores += removal.scores(asked, list(some.values()))
            scores += removal.scores(second, list(some.values()))
            for metric in _checks():
                scores += metric.scores(asked, judged)
            own = METRICS.get("own_sample")()
            scores += own.scores(asked, judged) + own.scores(second, judged)
    explanations = [e for block in blocks.values() for e in block]
    return Run(
        config={}, samples=tuple(q.sample for q in found.questions), scores=tuple(scores),
        predictions=task_of(found.model).predictions(
            found.model.scores([q.sample.x for q in found.questions])
        ),
        explanations=tuple(explanations), context=_context(found.model, methods),
    )  # fmt: skip


def _asked(method: Method, questions: Sequence[Question]) -> Sequence[Explanation]:
    try:
        return list(ask(method, questions))
    except NotApplicable:  # another class where there is one, a copy where there is none
        return ()


def _alike(questions: Sequence[Question]) -> list[list[int]]:
    groups: dict[int, list[int]] = defaultdict(list)
    for i, question in enumerate(questions):
        groups[question.n_features].append(i)
    return list(groups.values())


def _checks() -> list[Metric]:
    names = ("completeness_gap", "randomisation", "random_logit")
    return [*(METRICS.get(name)() for name in names), METRICS.get("stability")(n_neighbours=0)]


def _context(model: Model, methods: Sequence[Method]) -> dict[str, Any]:
    task = task_of(model)
    return {
        "methods": {m.name: {"control": m.card.control, "title": m.name} for m in methods},
        "model": {
            "classes": list(model.classes),
            "task": {"name": task.name, "outputs": list(task.outputs)},
            "twin": isinstance(model, Resettable),
        },
    }


def part(run: Run, first: int, n: int, left_out: Sequence[str]) -> Run:
    """The run of n of its samples, without some methods."""
    ids = {s.id for s in run.samples[first : first + n]}
    rows = slice(first, first + n)
    return dataclasses.replace(
        run,
        samples=run.samples[rows],
        predictions=run.predictions[rows],
        explanations=tuple(
            e for e in run.explanations if e.sample_id in ids and e.method not in left_out
        ),
        scores=tuple(
            s
            for s in run.scores
            if s.of.get("method", left_out[0]) not in left_out and s.of["sample"] in ids
        ),
    )


def trials(found: Problem) -> list[Trial]:
    """At 64 samples once, at 16 four times; the noisy map is ranked beside the sound methods alone."""
    run = studied(found)
    broken = [k.name for k in BROKEN]
    gaps = [s.value for s in run.scores if s.metric == "completeness_gap"
            and s.of["method"] == "integrated_gradients"]  # fmt: skip
    sound = {m for m in SOUND if m != "integrated_gradients" or (gaps and np.median(gaps) < GAP)}
    out = []
    for n, first in ((N, 0), *((FEW, i) for i in range(0, N, FEW))):
        beside = {v.method: v for v in verdicts(part(run, first, n, broken))}
        alone = {
            v.method: v for v in verdicts(part(run, first, n, [Noisy.name])) if v.method in broken
        }
        for method, verdict in (beside | alone).items():
            counts = method in sound and found.better
            out.append(Trial(found.name, found.kind, n, method, verdict, counts))
    return out


def every(shared: Any, n_planted: int) -> Iterator[Trial]:
    """Of planted problems, then of the data that the rule was fixed on, then of new data."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for problems in (planted(n_planted), real(shared, True), real(shared, False)):
            for one in problems:
                start = time.process_time()
                yield from trials(one)
                seconds = time.process_time() - start
                print(f"  {one.name}: {seconds:.0f} s", file=sys.stderr, flush=True)


def section(shared: Any, n_planted: int) -> list[str]:
    """The tables of docs/evidence.md."""
    return told(list(every(shared, n_planted)))


def told(found: Sequence[Trial]) -> list[str]:
    """What was asked, the table, and what keeps sound methods from holding."""
    guesses = sorted({t.problem for t in found if t.method == "shap" and not t.counts})
    names = {k: list(dict.fromkeys(t.problem for t in found if t.kind == k)) for k in HEADS}
    lines = [
        f"Each problem is asked once, on {N} samples, and judged on all of them and on each quarter of {FEW}. "
        f"Planted: {len(names['planted'])} random models in closed form. Real, on which the rule was fixed: "
        f"{'; '.join(names['seen'])}. Real, looked at once, afterwards: {'; '.join(names['new'])}. "
        "SHAP with at most 1024 evaluations and LIME with 512, 10 background rows of tables and 2 of others; integrated gradients count where "
        "their median completeness gap is below 1 %. Holds means *use* or *weaker*; in brackets the 95 % interval.",
        "",
        *table(found),
        "",
    ]
    if guesses:
        lines += [f"No better than guessing, and left out above: {'; '.join(guesses)}.", ""]
    lines += [f"Sound methods that do not hold: {'; '.join(why_not(found)) or 'none'}.", ""]
    lines += [f"Broken ones that hold: {'; '.join(held(found)) or 'none'}."]
    return lines


def shown(trials: Sequence[Trial]) -> list[str]:
    """Every problem in a line, for whoever looks for the reason of a number."""
    lines = []
    for t in trials:
        why = [
            f"{c.name} {c.value if c.value is None else round(c.value, 2)}"
            for c in t.verdict.checks if c.applies and c.passed is not True
        ]  # fmt: skip
        lines.append(f"{t.problem} | {t.n} | {t.method} | {t.verdict.status} | {'; '.join(why)}")
    return lines


HEADS = {"planted": "planted", "seen": "seen", "new": "new"}


def table(trials: Sequence[Trial]) -> list[str]:
    """A row an explainer: in how many trials it holds; then the shares that must be reached."""
    cells = [(n, kind) for n in (FEW, N) for kind in HEADS]
    lines = [
        f"| explainer | {' | '.join(f'{HEADS[k]}, {n}' for n, k in cells)} | bar at {FEW}, {N} |",
        "|---" * (2 + len(cells)) + "|",
    ]

    def row(title: str, names: Sequence[str], bar: str = "", **how: Any) -> None:
        found = [_share(trials, k, n, names, whole=bool(bar), **how) for n, k in cells]
        lines.append(f"| {title} | {' | '.join(found)} | {bar} |")

    for method in SOUND:
        row(f"{method} holds", [method], sound=True)
    row("**sound ones hold**", SOUND, f"≥ {BARS[FEW]:.0%}, ≥ {BARS[N]:.0%}", sound=True)
    for kind in BROKEN:
        row(f"{kind.title} holds", [kind.name])
    row("**broken ones hold**", [kind.name for kind in BROKEN], "≤ 1 %, ≤ 1 %")
    row(f"**{Noisy.title}: use**", [Noisy.name], "≤ 5 %, ≤ 5 %", statuses=("use",))
    return lines


def _share(
    trials: Sequence[Trial],
    kind: str,
    n: int,
    methods: Sequence[str],
    sound: bool = False,
    statuses: Sequence[str] = HOLDS,
    whole: bool = False,
) -> str:
    some = [
        t for t in trials
        if t.kind == kind and t.n == n and t.method in methods and (t.counts or not sound)
    ]  # fmt: skip
    if not some:
        return "–"
    k = sum(t.verdict.status in statuses for t in some)
    low, high = wilson(k, len(some))
    told = f"{k} of {len(some)}"
    return f"{told}: {k / len(some):.1%} ({low:.1%}–{high:.1%})" if whole else told


def held(trials: Sequence[Trial]) -> list[str]:
    """Broken explainers that hold, and where."""
    broken = {kind.name: kind.title for kind in BROKEN}
    counts = Counter(
        (t.problem, broken[t.method], t.n)
        for t in trials
        if t.method in broken and t.verdict.status in HOLDS
    )
    return [f"{title} ({problem}, {n} samples: {k})" for (problem, title, n), k in counts.items()]


def why_not(trials: Sequence[Trial]) -> list[str]:
    """Which check keeps sound methods from holding."""
    counts: Counter[tuple[int, str, str]] = Counter()
    for t in trials:
        if t.counts and t.verdict.status not in HOLDS:
            for check in t.verdict.checks:
                if check.applies and check.passed is not True:
                    counts[t.n, check.name, t.verdict.status] += 1
    return [f"{name} {status} at {n} samples {k}" for (n, name, status), k in counts.most_common()]
