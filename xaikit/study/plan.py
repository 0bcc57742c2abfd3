"""From samples to explanations: the same question for every method."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xaikit.core.abilities import Anchored, Model, Pointed
from xaikit.core.errors import InvalidInput, NotApplicable, XaikitError, foreign
from xaikit.core.question import Cache, Masker, Precision, Question
from xaikit.core.questions import Questions, apart
from xaikit.core.samples import Samples
from xaikit.core.target import Target, Targets
from xaikit.core.types import Explanation, Floats, Modality, Sample, Segmentation
from xaikit.methods import METHODS
from xaikit.methods.base import Method, ask, make_method, reason_against
from xaikit.methods.foreign import brought
from xaikit.modalities import masker as make_masker
from xaikit.modalities import segment
from xaikit.study.failures import EVERY, recorded
from xaikit.study.given import rows_of, samples_of
from xaikit.study.own import (
    Features,
    References,
    in_tokens,
    is_called,
    own_features,
    own_references,
    target_of_each,
)
from xaikit.study.refining import refining_of
from xaikit.study.run import Failure
from xaikit.tasks import Task, default_targets, task_of

__all__ = [
    "Plan",
    "as_cut",
    "choose_methods",
    "columns_of",
    "explain",
    "explain_all",
    "make_block",
    "make_question",
    "make_questions",
    "mask_like",
]


TOGETHER = 256  # samples that several methods are asked about at once


@dataclass(frozen=True)
class Plan:
    """What is asked of every sample, the same for all methods.

    target : "predicted", "label", the name or index of a class, label or output, or a Target; or a list of
        these, one a sample
    features : how a sample is cut into features ("auto", "patches:4", "words", "sentences", "tokens", "windows:12",
        ...); "refined" or "refined:200" finds so many (100) coarse to fine, single places where the model
        looks and blocks elsewhere, as "auto" does where there would be more than 500;
        or your own: a `Segmentation`, whole numbers on the grid (places of one number are a feature, -1
        is never removed), groups of columns ({"size": ["height", "weight"]}; the others stay alone), or a
        function of the sample that gives one of these
    masker : what a removed feature is replaced by ("auto", "mean", "blur", "rows", ...); or your own: a
        `Masker`, one input or several (k, *x.shape), or a function of the sample that gives one of these
    background : (b, *x.shape) typical inputs; the model's own when None
    n_background : how many of them are used, evenly spaced from the first to the last; when None all
        for means and medians and at most 50 for rows that stand in for removed columns. The name
        of the masker says how many of how many
    batch_size : rows in one model pass, or None for as many as suit the model
    memory : bytes that an answer may take at once, or None
    precision : "bfloat16" evaluates masked inputs in that type, where it agrees with float32
    shortcuts : False makes whole passes only, for comparison; values agree beyond rounding
    at : where the numbers of a detector or a segmentation are read, in place of what was found: a box (left,
        top, right, bottom), 2 for the second best box of each class, a drawn region (H, W) of bools; or a
        function of the sample that gives one of these

    >>> xaikit.explain(model, sample, ["occlusion"], plan=Plan(target=1))[0].target.index
    1
    """

    target: str | int | Target | Sequence[str | int | Target] = "predicted"
    features: Features = "auto"
    masker: References = "auto"
    background: NDArray[Any] | None = field(default=None, compare=False)
    n_background: int | None = None
    batch_size: int | None = None
    memory: int | None = None
    precision: Precision = "float32"
    shortcuts: bool = True
    at: Any = None


def make_question(
    model: Model, sample: Sample, plan: Plan | None = None, scores: Floats | None = None
) -> Question:
    """The question about one sample that every method will answer.

    scores : (K,) of the sample, where they are known

    >>> make_question(model, sample).masker.name
    '50 of 100 training rows, evenly spaced'
    """
    if not isinstance(sample, Sample):
        raise InvalidInput(
            f"a {type(sample).__name__} is no sample; give Sample('a name', x, '{model.modality}')."
        )
    plan = plan or Plan()
    sample, plan = _pointed(model, as_cut(model, sample, plan), plan)
    if isinstance(model, Anchored):
        with foreign(f"model '{model.id}' on sample '{sample.id}'"):
            model = model.about(sample.x, plan.at(sample) if callable(plan.at) else plan.at)
    task = task_of(model)
    plan = usual(plan, task, sample)
    search = refining_of(plan.features, sample, columns_of(model))
    segmentation = search.first() if search else _cut(model, sample, plan)
    each = target_of_each(plan.target, 1)
    target: Any = plan.target if each is None else each[0]
    with foreign(f"model '{model.id}' on sample '{sample.id}'"):
        row = model.scores([sample.x]) if scores is None else scores[None]
        target = _target(model, sample, row[0], target)
        other = task.runner_up(row[0], target) if task.rivals else None
    question = Question(
        model=model,
        sample=sample,
        segmentation=segmentation,
        masker=_masker(model, sample, segmentation, plan),
        target=target,
        cache=Cache([other] if other else ()),
        **_settings(plan),
    )
    if search is None:
        return question
    found = search(question)
    return replace(question, segmentation=found, masker=_masker(model, sample, found, plan))


def _masker(model: Model, sample: Sample, segmentation: Segmentation, plan: Plan) -> Masker:
    """What stands in for removed features: one that is named, or the plan's own."""
    if isinstance(plan.masker, str):
        return mask_like(model, sample, segmentation, plan, plan.masker)
    return own_references(plan.masker, sample)


def as_cut(model: Model, sample: Sample, plan: Plan) -> Sample:
    """The sample that is asked about: a text in the model's sub-words, where these are the features."""
    return in_tokens(model, sample) if is_called(plan.features, "tokens") else sample


def make_block(model: Model, samples: Sequence[Sample], plan: Plan) -> Sequence[Question]:
    """The questions about samples of one model; what they share is made and asked once."""
    first = samples[0]
    plan = usual(plan, task_of(model), first)
    if isinstance(model, Anchored) and (task_of(model).finds or plan.at is not None):
        return [make_question(model, sample, plan) for sample in samples]
    if (
        len(samples) == 1
        or not _of_one_shape(samples)
        or not _alike(model, first.kind, plan)
        or refining_of(plan.features, first)
    ):
        return _one_by_one(model, samples, plan)
    xs = samples.x if isinstance(samples, Samples) else np.stack([s.x for s in samples])
    with foreign(f"model '{model.id}' on {len(samples)} samples"):
        scores = model.scores(xs)
    each = target_of_each(plan.target, len(samples))
    question = make_question(model, first, _of(plan, each, 0), scores[0])
    if each is not None:
        targets = Targets.of(
            [_target(model, *one) for one in zip(samples, scores, each, strict=True)]
        )
    elif isinstance(plan.target, Target):
        targets = Targets((question.target,), np.zeros(len(samples), dtype=np.int64))
    else:
        targets = default_targets(model, samples, scores, plan.target)  # type: ignore[arg-type] # no list
    found = Questions.alike(
        model, samples, xs, question.segmentation, question.masker, targets, _settings(plan)
    )
    found.set_outputs(scores)
    return found


def usual(plan: Plan, task: Task, sample: Sample) -> Plan:
    """The plan with the cut and the removal that the task asks for, where they were left open."""
    kind = sample.kind
    cut = next((cut for cut in task.cuts if cut in kind.segmenters), None)
    ways = (how for how in task.removals if how in kind.maskers and kind.removes(sample, how))
    removal = next(ways, None)
    if cut is not None and is_called(plan.features, "auto"):
        plan = replace(plan, features=cut)
    return replace(plan, masker=removal) if removal and is_called(plan.masker, "auto") else plan


def _pointed(model: Model, sample: Sample, plan: Plan) -> tuple[Sample, Plan]:
    """The sample and its plan, where the model's scores are about some of its words with these."""
    if not isinstance(model, Pointed):
        return sample, plan
    sample, target = model.pointed(sample, plan.target)
    return sample, plan if target is plan.target else replace(plan, target=target)


def _of(plan: Plan, each: Sequence[Any] | None, i: int) -> Plan:
    """The plan of one sample, where each has its own target."""
    return plan if each is None else replace(plan, target=each[i])


def _target(model: Model, sample: Sample, scores: Floats, target: Any) -> Target:
    """The target of one sample with scores (K,), told what the scores are."""
    task = task_of(model)
    if isinstance(target, Target):
        asked = task.fitted(target)
    else:
        asked = default_targets(model, [sample], scores[None], target).distinct[0]
    task.require_there(asked, scores)
    return asked


def _one_by_one(model: Model, samples: Sequence[Sample], plan: Plan) -> Questions:
    """Questions whose samples share nothing but the pass that scores them."""
    for sample in samples:
        if not isinstance(sample, Sample):
            raise InvalidInput(
                f"a {type(sample).__name__} is no sample; give Sample('a name', x, '{model.modality}')."
            )
    each = target_of_each(plan.target, len(samples))
    asked = [_pointed(model, sample, _of(plan, each, i)) for i, sample in enumerate(samples)]
    with foreign(f"model '{model.id}' on {len(samples)} sample(s)"):
        scores = model.scores([sample.x for sample, _ in asked])
    made = [
        make_question(model, sample, own, row)
        for (sample, own), row in zip(asked, scores, strict=True)
    ]
    found = Questions.of(made)
    if np.isfinite(scores).all():
        found.set_outputs(scores)
    return found


def _alike(model: Model, kind: Modality, plan: Plan) -> bool:
    """Whether samples of one shape are cut and masked alike."""
    cut, masker = plan.features, plan.masker
    named = kind.shares(cut, kind.segmenters) if isinstance(cut, str) else not callable(cut)
    cut_alike = named and not (kind.words and not isinstance(cut, str | Segmentation))
    if not isinstance(masker, str):
        return cut_alike and not callable(masker)
    return cut_alike and _background(model, plan) is not None and kind.shares(masker, kind.maskers)


def _of_one_shape(samples: Sequence[Sample]) -> bool:
    return isinstance(samples, Samples) or len({sample.x.shape for sample in samples}) == 1


def _settings(plan: Plan) -> dict[str, Any]:
    names = ("batch_size", "memory", "precision", "shortcuts")
    return {name: getattr(plan, name) for name in names}


def _background(model: Model, plan: Plan) -> NDArray[Any] | None:
    return model.background if plan.background is None else rows_of(model, plan.background)


def make_questions(
    model: Model,
    samples: Sequence[Sample],
    plan: Plan,
    tick: Callable[[int], None] = lambda _: None,
) -> tuple[list[Question], list[Failure]]:
    """The questions about the samples that one can be asked about, and why the others have none.

    Raises the reason when it is the same for every sample.
    """
    questions: list[Question] = []
    failures: list[Failure] = []
    each = target_of_each(plan.target, len(samples))
    for i, sample in enumerate(samples):
        with recorded(failures, EVERY, model.id, sample.id):
            questions.append(make_question(model, sample, _of(plan, each, i)))
        tick(1)
    if not questions:
        make_question(model, samples[0], _of(plan, each, 0))
    return questions, failures


def _cut(model: Model, sample: Sample, plan: Plan) -> Segmentation:
    """The features of a sample, with the names that the model's columns have."""
    columns = columns_of(model)
    if isinstance(plan.features, str):
        how = "words" if is_called(plan.features, "tokens") else plan.features
        return segment(sample, how, columns or None)
    return own_features(plan.features, sample, columns)


def columns_of(model: Model) -> list[str]:
    """Names of the model's columns or channels, [] where it does not say."""
    return [str(c["name"]) for c in model.info.get("columns") or ()]


def mask_like(
    model: Model, sample: Sample, segmentation: Segmentation, plan: Plan, how: str
) -> Masker:
    """The masker of that name, told which columns of the model's table are categories."""
    return make_masker(
        sample,
        segmentation,
        _background(model, plan),
        how,
        n_background=plan.n_background,
        categorical=sample.kind.categories(model.info),
    )


def choose_methods(
    model: Model, methods: str | Method | Iterable[str | Method] = "auto", **params: Any
) -> tuple[list[Method], list[Failure]]:
    """The methods to ask and, for those that do not apply, why not.

    "auto" takes every method that declares `in_auto` and applies. A list may mix names, configured
    methods, and explainers of captum, shap and lime. A name may bring settings, "occlusion:window=4:stride=2",
    "gradcam:layer=encoder.3", "noisy:of=saliency". Parameters go to those named methods that have them; None leaves a parameter alone.
    """
    given = {name: value for name, value in params.items() if value is not None}
    wanted = _in_auto() if methods == "auto" else methods
    if isinstance(wanted, str):
        wanted = [name.strip() for name in wanted.split(",") if name.strip()]
    if not isinstance(wanted, Iterable):
        wanted = [wanted]
    made = [_made(m, given) if isinstance(m, str) else _accepted(m, model) for m in wanted]
    if not made:
        raise InvalidInput(f"no method was named; use 'auto' or some of {', '.join(METHODS)}.")
    names = [m.name for m in made]
    if len(set(names)) < len(names):
        raise InvalidInput(f"the methods {', '.join(names)} name one twice; ask each once.")
    fit, refused = [], []
    for method in made:
        reason = reason_against(method, model)
        if reason is None:
            fit.append(method)
        else:
            refused.append(Failure(method.name, model.id, reason, "not_applicable"))
    return fit, refused


def _in_auto() -> list[str]:
    return [name for name in METHODS if METHODS.get(name).in_auto]


def _accepted(thing: Any, model: Model) -> Method:
    """A configured method, or an explainer of another package."""
    return thing if isinstance(thing, Method) else brought(thing, model)


def _made(name: str, params: dict[str, Any]) -> Method:
    """The method of that name, with its own settings and those of the parameters that it has."""
    name, *settings = name.split(":")
    known = {f.name for f in fields(METHODS.get(name))}  # type: ignore[arg-type] # a dataclass
    own = dict(_setting(name, text, known) for text in settings)
    return make_method(name, **({k: v for k, v in params.items() if k in known} | own))


def _setting(name: str, text: str, known: set[str]) -> tuple[str, Any]:
    """One setting of a method, numbers and booleans read as such."""
    key, _, value = text.partition("=")
    if key not in known or not value:
        raise InvalidInput(
            f"'{name}:{text}' sets nothing of {name}; write name=value of {', '.join(sorted(known)) or 'none'}."
        )
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def explain(
    model: Model,
    samples: Any,
    methods: str | Method | Iterable[str | Method] = "auto",
    *,
    plan: Plan | None = None,
    seed: int = 0,
    **changes: Any,
) -> Sequence[Explanation]:
    """Explanations of samples; of one method that is named a block, whose numbers lie in arrays.

    samples : what `xaikit.study.given.samples_of` reads: samples, an array (B, ...), a frame, texts,
        pictures
    methods : one method gives `Explanations`; "auto" or several give a list of one explanation per sample
        and method, sample by sample, methods in the order given
    Keyword arguments are those of `Plan` (target, features, masker, background, n_background,
    batch_size, memory, precision).
    Raises `NotApplicable` when a method that was named does not apply; "auto" leaves those out.

    >>> [e.method for e in explain(model, sample, ["shap", "lime"])]
    ['shap', 'lime']
    """
    given = samples_of(model, samples)
    plan = replace(plan or Plan(), **changes)
    chosen, refused = choose_methods(model, methods)
    if refused and methods != "auto":
        raise NotApplicable(refused[0].reason)
    questions = make_block(model, given, plan)
    if len(chosen) == 1 and methods != "auto":
        return ask(chosen[0], questions, seed=seed)
    found: list[Explanation] = []
    for start in range(0, len(given), TOGETHER):
        # each is made once: its evaluations are shared by the methods
        held = list(questions[start : start + TOGETHER])
        some = held if apart(held) else Questions.of(held)
        by_method = [ask(method, some, seed=seed) for method in chosen]
        found += [block[i] for i in range(len(some)) for block in by_method]
    return found


def explain_all(
    questions: Sequence[Question],
    methods: Sequence[Method],
    seed: int,
    tick: Callable[[int], None],
) -> tuple[list[Explanation], list[Failure]]:
    """Like `explain`, but a sample that fails is recorded and the others go on."""
    found: list[Explanation] = []
    failures: list[Failure] = []
    for method in methods:
        try:
            with foreign(f"'{method.name}'"):
                found += ask(method, questions, seed=seed)
            tick(len(questions))
            continue
        except XaikitError:
            pass  # one of the samples failed: find out which, one by one
        for question in questions:
            with recorded(failures, method.name, question.model.id, question.sample.id):
                found += ask(method, [question], seed=seed)
            tick(1)
    return found, failures
