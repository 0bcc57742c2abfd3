"""A study: the same question to every method on every sample, measured, and kept as a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from xaikit.core.abilities import Model, Resettable
from xaikit.core.errors import CheckFailed, InvalidInput, NotApplicable, foreign
from xaikit.core.progress import Progress, say
from xaikit.core.question import Question
from xaikit.core.types import Floats, Sample, Score, Target
from xaikit.data.dataset import Dataset
from xaikit.methods.base import Method
from xaikit.metrics import METRICS
from xaikit.study.alignment import alignment_of
from xaikit.study.context import describe, environment
from xaikit.study.failures import EVERY, recorded
from xaikit.study.flip.api import FEW
from xaikit.study.flip.api import flips as asked_flips
from xaikit.study.forecast import forecast, search_forecast
from xaikit.study.given import require_model, samples_of
from xaikit.study.interactions import interactions_of
from xaikit.study.measuring import N_AGAIN, Measuring, masked
from xaikit.study.members import said_by_members
from xaikit.study.naming import named
from xaikit.study.overview import SECONDS, cheapest, make_overview, worst_errors
from xaikit.study.plan import (
    Plan,
    choose_methods,
    columns_of,
    explain_all,
    make_question,
    make_questions,
    usual,
)
from xaikit.study.quality import BESIDE_BLIND, beside_baselines, labelled, measured
from xaikit.study.refining import in_common, refining_of
from xaikit.study.run import Failure, Run
from xaikit.study.smooth import smooth_maps
from xaikit.study.stills import stills_of
from xaikit.tasks import task_of

__all__ = ["probabilities", "study"]


def study(
    model: Model,
    samples: Sequence[Sample],
    methods: str | Iterable[str | Method] = "auto",
    metrics: str | Sequence[str] = "auto",
    *,
    data: Dataset | None = None,
    budget: int | Literal["auto"] | None = None,
    tolerance: float | None = None,
    seed: int = 0,
    drawn: int | None = None,
    checked: int = N_AGAIN,
    progress: bool = False,
    command: str = "",
    flips: Sequence[Mapping[str, Any]] | Literal["auto"] | None = None,
    overview: bool | int = True,
    errors: int = 0,
    interactions: int = 0,
    **plan: Any,
) -> Run:
    """Explanations, their scores and everything needed to read them, as a run.

    methods : "auto" (all that apply) or names or configured methods
    metrics : "auto" (all but those marked costly), "fast" (none that explains again), "none", or
        names
    data : the data set: its columns and classes name those of the model (another number or order is
        refused), the model's quality is measured on its labelled test rows, and the page says where
        values lie in it
    drawn : the seed by which the samples were drawn from the data, for the page to say
    checked : most samples on which checks explain again: with a random twin, about another class, once more
    budget : most evaluations a sample of each method that samples, or "auto": until converged
    flips : what would have changed the answers (`xaikit.study.flip.api.flips`), for the page to show;
        "auto" asks for each sample, within a small budget
    overview : whether the whole test split of the data is explained too, by one method that holds here,
        as far as about 30 s go; a number: so many of its samples, however long that takes, so that
        they are the same on every machine (`xaikit.study.overview`)
    errors : so many of the worst errors of the test split are added as samples: explained by all
        methods, and counted in no measure, verdict or quality; `context["added"]` names them
    interactions : of so many of the samples, what features are worth together, for the page to show
        (`xaikit.interactions`)
    tolerance : share of the range of the values at which such a method has converged
    plan : keyword arguments of `Plan`: target, features, masker, background, n_background,
        batch_size, memory, precision

    A sample, method or metric that fails is recorded in `failures` with its reason; the others go on.
    A sample that the model cannot answer is no sample of the run.

    >>> run = study(model, data.test[:2], "shap,random", "fast")
    >>> [(verdict.method, verdict.status) for verdict in run.verdicts()]
    [('shap', 'unsettled'), ('random', 'control')]
    """
    require_model(model)
    asked = Plan(**plan)
    model = named(model, data, asked.background)
    samples = _distinct(samples_of(model, samples))
    task_of(model).require_labels(samples)
    asked = usual(asked, task_of(model), samples[0])
    chosen, failures = choose_methods(model, methods, budget=budget, tolerance=tolerance)
    wanted = _metrics(metrics)
    search = search_forecast(model, samples, asked) if progress else None
    if search:
        say(str(search))
    with Progress(len(samples), "finding features", show=search is not None) as bar:
        questions, lost = make_questions(model, samples, asked, bar.tick)
    questions, predictions, unanswered = _answered(model, questions)
    failures += lost + unanswered
    samples = [question.sample for question in questions]
    tested = _tested(model, data, failures)
    worst: list[Sample] = []
    if data is not None and tested is not None:
        worst = worst_errors(model, data, errors, samples, tested)
    added = _added(model, worst, asked, failures)
    second = _second_masker(questions[0], asked, failures)
    if progress:
        asks = [METRICS.get(name)() for name in wanted]
        say(str(forecast(questions, chosen, asks, checked)))
    steps = (len(samples) * (2 if wanted else 1) + len(added)) * len(chosen)
    with Progress(steps, "explaining", show=progress) as bar:
        explanations, broken = explain_all([*questions, *added], chosen, seed, bar.tick)
        failures += broken
        scores: list[Score] = []
        if wanted:
            bar.tick(0, "measuring")
            measuring = Measuring(wanted, second, asked, seed, failures, checked)
            mine = {sample.id for sample in samples}
            found = [e for e in explanations if e.sample_id in mine]
            scores = measuring(questions, found, bar.tick)
    members = said_by_members(model, [*questions, *added], _leading(chosen), seed, failures)
    quality = _quality(model, data, tested, failures)
    shown = [*samples, *(question.sample for question in added)]
    seen = {q.sample.id: _found(q, seed, failures) for q in (*questions, *added)}
    if added:
        predictions = np.concatenate([predictions, probabilities(model, shown[len(samples) :])])
    if flips == "auto":
        flips = _flips(model, shown, data, asked, failures)
    pairs = _pairs(questions[:interactions], seed, failures)
    run = Run(
        config={
            "seed": seed,
            "methods": [m.name for m in chosen],
            "metrics": list(wanted),
            "n": len(samples),
            "target": str(asked.target)
            if isinstance(asked.target, str | int | Target)
            else "one of each sample",
            "features": asked.features
            if isinstance(asked.features, str)
            else questions[0].segmentation.source,
            "masker": asked.masker if isinstance(asked.masker, str) else questions[0].masker.name,
            "n_background": asked.n_background,
            "created": environment()["created"],
        },
        samples=tuple(shown),
        predictions=predictions,
        explanations=tuple(explanations),
        scores=tuple(scores),
        failures=tuple(failures),
        environment=environment(),
        context=describe(
            model,
            questions,
            chosen,
            data=data,
            quality=quality,
            drawn=drawn,
            target=asked.target,
            twin=_has_twin(model, wanted, scores),
            second_masker=masked(questions[0], asked, second).name if second else None,
            measures={s.metric for s in scores},
            command=command,
        )
        | ({"found": seen} if any(seen.values()) else {})
        | ({} if flips is None else {"flips": _of(flips, shown)})
        | ({"interactions": pairs} if pairs else {})
        | ({"members": members} if members else {})
        | ({"added": [question.sample.id for question in added]} if added else {}),
    )
    run = _with_stills(_with_smooth(run, model, chosen, asked, seed), model, seed)
    if data is None or tested is None or not overview:
        return run
    most = None if overview is True else overview
    return _with_overview(run, model, data, chosen, asked, most, seed, progress)


def _leading(methods: Sequence[Method]) -> Method:
    """The method by which the members of an ensemble are asked: SHAP, or else the first."""
    return next((m for m in methods if m.name == "shap"), methods[0])


def _found(question: Question, seed: int, failures: list[Failure]) -> Any:
    """What the model found on the whole sample, for the page to draw."""
    found = getattr(question.model, "found", None)
    if found is None:
        return None
    drawn = task_of(question.model).drawn(found, question.target.index)
    with recorded(failures, "alignment", question.model.id, question.sample.id):
        return {**(drawn or {}), **alignment_of(question, seed)} or None
    return drawn


def _with_smooth(run: Run, model: Model, methods: Sequence[Method], plan: Plan, seed: int) -> Run:
    """With maps for the eye, where pictures were cut into patches and methods are compared."""
    failures: list[Failure] = []
    if not run.scores or run.samples[0].kind.view != "picture":
        return run
    with recorded(failures, "smooth", model.id):
        maps = smooth_maps(run, methods, model, plan, seed)
        run = replace(run, context=dict(run.context) | ({"smooth": maps} if maps else {}))
    return replace(run, failures=(*run.failures, *failures))


def _with_stills(run: Run, model: Model, seed: int) -> Run:
    """With what a generator makes when its latents change."""
    failures: list[Failure] = []
    if not task_of(model).makes:
        return run
    with recorded(failures, "stills", model.id):
        run = replace(run, context={**run.context, "stills": stills_of(run, model, seed)})
    return replace(run, failures=(*run.failures, *failures))


def _with_overview(
    run: Run,
    model: Model,
    data: Dataset,
    methods: Sequence[Method],
    plan: Plan,
    most: int | None,
    seed: int,
    progress: bool,
) -> Run:
    failures: list[Failure] = []
    with recorded(failures, "overview", model.id):
        plan = _alike(run, model, plan)
        seconds = SECONDS if most is None else np.inf
        asked = cheapest(run, {m.name: m for m in methods}, model, plan, len(data.test), seconds)
        if asked is not None:
            how: dict[str, Any] = {"plan": plan, "seed": seed, "most": most, "progress": progress}
            made = make_overview(model, data, asked, failures=failures, **how)
            run = replace(run, overview=made)
    return replace(run, failures=(*run.failures, *failures))


def _alike(run: Run, model: Model, plan: Plan) -> Plan:
    """The plan for all rows of a table: where each had features of its own, the same for all."""
    first = run.samples[0]
    if not first.kind.tabular or refining_of(plan.features, first) is None:
        return plan
    cuts = {id(e.segmentation): e.segmentation for e in run.explanations}.values()
    return replace(plan, features=in_common(list(cuts), first, columns_of(model)))


def _added(
    model: Model, samples: Sequence[Sample], plan: Plan, failures: list[Failure]
) -> list[Question]:
    questions = []
    for sample in samples:
        with recorded(failures, EVERY, model.id, sample.id):
            questions.append(make_question(model, sample, plan))
    return questions


def _tested(model: Model, data: Dataset | None, failures: list[Failure]) -> Floats | None:
    """(N, K) scores on the test rows; None where there are none or the model fails there."""
    if data is not None:
        with recorded(failures, "quality", model.id):
            return model.scores(data.inputs("test"))
    return None


def _has_twin(model: Model, wanted: Sequence[str], scores: Sequence[Score]) -> bool:
    """Whether the model can be asked with its knowledge erased; tried where no score shows it."""
    if "randomisation" not in wanted or any(s.metric == "randomisation" for s in scores):
        return isinstance(model, Resettable)
    try:
        return isinstance(model, Resettable) and bool(
            model.randomised(model.layers(), np.random.default_rng(0))
        )
    except NotApplicable:
        return False


def _flips(
    model: Model,
    samples: Sequence[Sample],
    data: Dataset | None,
    plan: Plan,
    failures: list[Failure],
) -> Sequence[Mapping[str, Any]] | None:
    """What would have changed the answers, as far as a small budget goes; None where that failed."""
    if task_of(model).words.startswith("value") or task_of(model).finds:
        return None  # nobody said which number is to be crossed
    with recorded(failures, "flips", model.id):
        return asked_flips(model, samples, data, most=FEW, plan=plan)
    return None


def _pairs(
    questions: Sequence[Question], seed: int, failures: list[Failure]
) -> list[dict[str, Any]]:
    """What the features of each sample are worth together, as plain dicts."""
    found = []
    for question in questions:
        with recorded(failures, "interactions", question.model.id, question.sample.id):
            found.append(interactions_of(question, seed=seed).to_json())
    return found


def _of(flips: Sequence[Mapping[str, Any]], samples: Sequence[Sample]) -> list[dict[str, Any]]:
    """Those of the samples that are in the run."""
    held = {sample.id for sample in samples}
    return [dict(flip) for flip in flips if flip["sample"] in held]


def probabilities(model: Model, samples: Sequence[Sample]) -> Floats:
    """(N, K) probabilities of the classes or of each label, or values of a regressor."""
    with foreign(f"model '{model.id}' on {len(samples)} sample(s)"):
        scores = model.scores([s.x for s in samples])
    return task_of(model).predictions(scores)


def _distinct(samples: Sequence[Sample]) -> list[Sample]:
    """The samples, each with a name of its own."""
    samples = list(samples)
    name, count = Counter(sample.id for sample in samples).most_common(1)[0]
    if count > 1:
        raise InvalidInput(f"{count} samples are called '{name}'; give each an id of its own.")
    return samples


def _answered(
    model: Model, questions: Sequence[Question]
) -> tuple[list[Question], Floats, list[Failure]]:
    """The questions whose sample the model can answer, its predictions (N, K), and the failures."""
    failures: list[Failure] = []
    with recorded([], EVERY, model.id):
        found = probabilities(model, [q.sample for q in questions])
        if np.isfinite(found).all():
            return list(questions), found, []
    kept, rows = [], []
    for question in questions:  # one of the samples failed: find out which, one by one
        with recorded(failures, EVERY, model.id, question.sample.id):
            rows.append(_finite(model, question.sample))
            kept.append(question)
    if not kept:
        _finite(model, questions[0].sample)
    return kept, np.concatenate(rows), failures


def _finite(model: Model, sample: Sample) -> Floats:
    """(1, K) probabilities or values of one sample."""
    found = probabilities(model, [sample])
    if not np.isfinite(found).all():
        raise CheckFailed(
            f"model '{model.id}' gave {found[~np.isfinite(found)][0]} for sample '{sample.id}'; the "
            "model must give finite scores."
        )
    return found


def _quality(
    model: Model, data: Dataset | None, scores: Floats | None, failures: list[Failure]
) -> dict[str, Any] | None:
    """What the model is worth on the labelled test rows; None where that cannot be measured."""
    if data is None or scores is None or not labelled(data):
        return None
    with recorded(failures, "quality", model.id):
        task = task_of(model)
        found = task.quality(task.measured(model, data.test))
        if found and found["metric"] in BESIDE_BLIND and not task.many:
            found = measured(task.predictions(scores), data)
            found |= {"blind": found["baseline"]}  # what follows may be a stronger answer
        return found and {**found, "split": "test", **beside_baselines(task, scores, data, found)}
    return None


def _metrics(wanted: str | Sequence[str]) -> tuple[str, ...]:
    if wanted in ("auto", "fast"):
        kinds = {name: METRICS.get(name) for name in METRICS}
        cheap = [name for name, kind in kinds.items() if not kind.costly]
        return tuple(n for n in cheap if wanted == "auto" or not kinds[n].explains_again)
    if wanted == "none":
        return ()
    names = [m.strip() for m in wanted.split(",")] if isinstance(wanted, str) else list(wanted)
    for name in names:
        METRICS.get(name)
    return tuple(names)


def _second_masker(question: Question, plan: Plan, failures: list[Failure]) -> str | None:
    """Another way to remove: an answer that holds under both does not hang on how it was removed."""
    kind, given = question.sample.kind, plan.masker if isinstance(plan.masker, str) else ""
    # what is asked given the kept columns is never held against what is asked otherwise
    ways = task_of(question.model).removals
    usual = [how for how in ways if how in kind.maskers and kind.removes(question.sample, how)]
    known = kind.given if question.masker.given is not None else (*usual, *kind.maskers)
    first = known[0] if given == "auto" else given
    others = [name for name in known if name != first]
    with recorded(failures, "second_masker", question.model.id):
        for how in others[:1]:
            masked(question, plan, how)
            return how
    return None
