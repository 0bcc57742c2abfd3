"""From samples to explanations: the same question for every method."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from numpy.typing import NDArray

from xaikit.core.abilities import Model
from xaikit.core.errors import InvalidInput, NotApplicable, XaikitError
from xaikit.core.question import Masker, Pool, Precision, Question
from xaikit.core.types import Explanation, Sample, Segmentation, Target
from xaikit.methods import METHODS
from xaikit.methods.base import Method, ask, make_method, reason_against
from xaikit.modalities import masker as make_masker
from xaikit.modalities import segment
from xaikit.study.run import Failure
from xaikit.tasks import default_target, task_of

__all__ = [
    "AUTO_METHODS",
    "Plan",
    "choose_methods",
    "explain",
    "explain_all",
    "make_question",
    "mask_like",
]

AUTO_METHODS = (
    "integrated_gradients",
    "shap",
    "lime",
    "occlusion",
    "gradcam",
    "hirescam",
    "attention",
    "gradient_shap",
    "input_x_gradient",
    "saliency",
    "smoothgrad",
    "random",
    "magnitude",
)


@dataclass(frozen=True)
class Plan:
    """What is asked of every sample, the same for all methods.

    target : "predicted", "label", the name or index of a class, label or output, or a Target
    features : how a sample is cut into features ("auto", "patches:4", "words", "windows:12", ...)
    masker : what a removed feature is replaced by ("auto", "mean", "blur", "rows", ...)
    background : (b, *x.shape) typical inputs; the model's own when None
    batch_size : rows in one model pass, or None for as many as are fastest
    memory : bytes that an answer may take at once, or None
    precision : "bfloat16" evaluates masked inputs in that type, where it agrees with float32
    """

    target: str | int | Target = "predicted"
    features: str = "auto"
    masker: str = "auto"
    background: NDArray[Any] | None = field(default=None, compare=False)
    batch_size: int | None = None
    memory: int | None = None
    precision: Precision = "float32"


def make_question(model: Model, sample: Sample, plan: Plan | None = None) -> Question:
    """The question about one sample that every method will answer."""
    if not isinstance(sample, Sample):
        raise InvalidInput(
            f"a {type(sample).__name__} is no sample; give Sample('a name', x, '{model.modality}')."
        )
    plan = plan or Plan()
    columns = model.info.get("columns") or ()
    segmentation = segment(sample, plan.features, [c["name"] for c in columns] or None)
    background = model.background if plan.background is None else plan.background
    task = task_of(model)
    if not isinstance(plan.target, Target):
        target = default_target(model, sample, plan.target)
    else:
        target = task.fitted(plan.target)
    other = task.runner_up(model.scores([sample.x])[0], target) if task.rivals else None
    return Question(
        model=model,
        sample=sample,
        segmentation=segmentation,
        masker=mask_like(model, sample, segmentation, background, plan.masker),
        target=target,
        batch_size=plan.batch_size,
        memory=plan.memory,
        precision=plan.precision,
        pool=Pool([other] if other else ()),
    )


def mask_like(
    model: Model,
    sample: Sample,
    segmentation: Segmentation,
    background: NDArray[Any] | None,
    how: str,
) -> Masker:
    """The masker of that name, told which columns of the model's table are categories."""
    columns = model.info.get("columns") or ()
    coded = [bool(c.get("categories")) for c in columns] if sample.modality == "table" else []
    return make_masker(sample, segmentation, background, how, categorical=coded or None)


def choose_methods(
    model: Model, methods: str | Iterable[str | Method] = "auto", **params: Any
) -> tuple[list[Method], list[Failure]]:
    """The methods to ask and, for those that do not apply, why not.

    "auto" takes every method of `AUTO_METHODS` that applies. A list may mix names and configured
    methods. Parameters go to those named methods that have them; None leaves a parameter alone.
    """
    given = {name: value for name, value in params.items() if value is not None}
    wanted = AUTO_METHODS if methods == "auto" else methods
    if isinstance(wanted, str):
        wanted = [name.strip() for name in wanted.split(",") if name.strip()]
    made = [_made(m, given) if isinstance(m, str) else m for m in wanted]
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


def _made(name: str, params: dict[str, Any]) -> Method:
    """The method of that name, with those of the parameters that it has."""
    known = {f.name for f in fields(METHODS.get(name))}  # type: ignore[arg-type] # a dataclass
    return make_method(name, **{k: v for k, v in params.items() if k in known})


def explain(
    model: Model,
    samples: Sample | Sequence[Sample],
    methods: str | Iterable[str | Method] = "auto",
    *,
    plan: Plan | None = None,
    seed: int = 0,
    **changes: Any,
) -> list[Explanation]:
    """One explanation per sample and method, sample by sample, methods in the order given.

    Keyword arguments are those of `Plan` (target, features, masker, background, batch_size,
    memory, precision).
    Raises `NotApplicable` when a method that was named does not apply; "auto" leaves those out.
    """
    samples = [samples] if isinstance(samples, Sample) else list(samples)
    plan = replace(plan or Plan(), **changes)
    chosen, refused = choose_methods(model, methods)
    if refused and methods != "auto":
        raise NotApplicable(refused[0].reason)
    questions = [make_question(model, sample, plan) for sample in samples]
    by_method = [ask(method, questions, seed=seed) for method in chosen]
    return [found[i] for i in range(len(samples)) for found in by_method]


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
            found += ask(method, questions, seed=seed)
            tick(len(questions))
            continue
        except XaikitError:
            pass  # one of the samples failed: find out which, one by one
        for question in questions:
            try:
                found += ask(method, [question], seed=seed)
            except XaikitError as error:
                kind: Literal["not_applicable", "error"] = (
                    "not_applicable" if isinstance(error, NotApplicable) else "error"
                )
                failures.append(
                    Failure(method.name, question.model.id, str(error), kind, question.sample.id)
                )
            tick(1)
    return found, failures
