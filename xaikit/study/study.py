"""A study: the same question to every method on every sample, measured, and kept as a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import Any, Literal

from xaikit.core.abilities import Model
from xaikit.core.errors import InvalidInput, XaikitError
from xaikit.core.progress import Progress, say
from xaikit.core.question import Masker, Question
from xaikit.core.types import Explanation, Floats, Sample, Score
from xaikit.data.dataset import Dataset
from xaikit.methods.base import Method
from xaikit.metrics import METRICS, agreement_scores, removal_tests
from xaikit.modalities import MASKERS
from xaikit.study.context import describe, environment
from xaikit.study.forecast import forecast
from xaikit.study.plan import Plan, choose_methods, explain_all, make_question, mask_like
from xaikit.study.run import Failure, Run
from xaikit.tasks import task_of

__all__ = ["probabilities", "study"]

FAST = ("removal", "completeness_gap", "plausibility")
"""Metrics that ask no explanation again."""

N_AGAIN = 10
"""Samples on which the other metrics ask again: the fewest on which a verdict can rest."""


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
    progress: bool = False,
    command: str = "",
    **plan: Any,
) -> Run:
    """Explanations, their scores and everything needed to read them, as a run.

    methods : "auto" (all that apply) or names or configured methods
    metrics : "auto" (all but those marked costly), "fast" (none that explains again), "none", or
        names
    data : the data set, so that the page can say where values lie in it
    budget : most evaluations a sample of each method that samples, or "auto": until converged
    tolerance : share of the range of the values at which such a method has converged
    plan : keyword arguments of `Plan`: target, features, masker, background, batch_size, memory,
        precision

    A sample or method that fails is recorded in `failures`; the others go on.
    """
    samples = list(samples)
    if not samples:
        raise InvalidInput(
            "a study needs at least one sample; the data set's test split may be empty."
        )
    task_of(model).require_labels(samples)
    chosen, failures = choose_methods(model, methods, budget=budget, tolerance=tolerance)
    wanted = _metrics(metrics)
    asked = Plan(**plan)
    questions = [make_question(model, sample, asked) for sample in samples]
    second = _second_masker(questions[0], asked)
    if progress:
        say(str(forecast(questions, chosen)))
    steps = len(samples) * len(chosen) * (2 if wanted else 1)
    with Progress(steps, "explaining", show=progress) as bar:
        explanations, broken = explain_all(questions, chosen, seed, bar.tick)
        failures += broken
        scores: list[Score] = []
        if wanted:
            bar.tick(0, "measuring")
            scores, broken = _measure(questions, explanations, wanted, second, seed, bar.tick)
            failures += broken
    return Run(
        config={
            "seed": seed,
            "methods": [m.name for m in chosen],
            "metrics": list(wanted),
            "n": len(samples),
            "target": str(asked.target),
            "features": asked.features,
            "masker": asked.masker,
            "created": environment()["created"],
        },
        samples=tuple(samples),
        predictions=probabilities(model, samples),
        explanations=tuple(explanations),
        scores=tuple(scores),
        failures=tuple(failures),
        environment=environment(),
        context=describe(
            model,
            questions,
            chosen,
            data=data,
            target=asked.target,
            second_masker=_in_words(questions[0], second),
            command=command,
        ),
    )


def probabilities(model: Model, samples: Sequence[Sample]) -> Floats:
    """(N, K) probabilities of the classes or of each label, or values of a regressor."""
    return task_of(model).predictions(model.scores([s.x for s in samples]))


def _metrics(wanted: str | Sequence[str]) -> tuple[str, ...]:
    if wanted == "auto":
        return tuple(n for n in METRICS.names() if not getattr(METRICS.get(n), "costly", False))
    if wanted == "none":
        return ()
    if wanted == "fast":
        return FAST
    names = [m.strip() for m in wanted.split(",")] if isinstance(wanted, str) else list(wanted)
    for name in names:
        METRICS.get(name)
    return tuple(names)


def _second_masker(question: Question, plan: Plan) -> str | None:
    """Another way to remove: an answer that holds under both does not hang on how it was removed."""
    known = MASKERS[question.sample.modality]
    first = known[0] if plan.masker == "auto" else plan.masker
    others = [name for name in known if name != first]
    return others[0] if others else None


def _in_words(question: Question, how: str | None) -> str | None:
    if how is None:
        return None
    return _masked(question, how).name


def _masked(question: Question, how: str) -> Masker:
    """Another masker of the same sample."""
    model = question.model
    return mask_like(model, question.sample, question.segmentation, model.background, how)


def _measure(
    questions: Sequence[Question],
    explanations: Sequence[Explanation],
    metrics: Sequence[str],
    second: str | None,
    seed: int,
    tick: Callable[[int], None],
) -> tuple[list[Score], list[Failure]]:
    by_sample: dict[str, list[Explanation]] = {q.sample.id: [] for q in questions}
    for explanation in explanations:
        by_sample[explanation.sample_id].append(explanation)
    scores: list[Score] = []
    failures: list[Failure] = []
    singles = [METRICS.get(name)() for name in metrics if name != "removal"]
    for i, question in enumerate(questions):
        found = by_sample[question.sample.id]
        if "removal" in metrics:
            scores += _removal(question, found, second, seed)
        for explanation in found:
            for metric in singles:
                if i >= N_AGAIN and metric.name not in FAST:
                    continue
                rng = question.rng(metric.name, seed)  # the same for all methods
                try:
                    scores += metric(question, explanation, rng)
                except XaikitError as error:
                    failures.append(
                        Failure(
                            f"{explanation.method}: {metric.name}",
                            question.model.id,
                            str(error),
                            "error",
                            question.sample.id,
                        )
                    )
            tick(1)
        for a, b in combinations(found, 2):
            scores += agreement_scores(a, b)
        if question.pool is not None:
            question.pool.forget()  # what it holds, copies of the model too, is not needed again
    return scores, failures


def _removal(
    question: Question, found: Sequence[Explanation], second: str | None, seed: int
) -> list[Score]:
    maskers = [_masked(question, second)] if second else []
    scores: list[Score] = []
    for test in removal_tests(question, maskers, seed=seed):
        scores += test.random()
        for explanation in found:
            if explanation.method != "random":  # the control is the mean of many random orders
                scores += test.scores(explanation)
    return scores
