"""Models that people bring: a torch module, a scikit-learn estimator, or any function."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xaikit.core.abilities import Model
from xaikit.core.errors import InvalidInput, ModelError
from xaikit.core.frames import is_frame
from xaikit.core.types import MODALITIES, Floats, Modality, Space
from xaikit.modalities import as_rows
from xaikit.modalities.table import coded_columns
from xaikit.models.attention import TokenModel
from xaikit.models.cam_layer import SpatialModel, keeps_places
from xaikit.models.estimator_model import EstimatorModel, space_of, wrap_estimator
from xaikit.models.estimators import Answer, answer_of, is_estimator, pipeline_of, usual_modality
from xaikit.models.frames import Frames, framed
from xaikit.models.function_model import FunctionModel, arrayed, wrong_shape
from xaikit.models.grids import PixelEncoder
from xaikit.models.inputs import Inputs
from xaikit.models.missing import require_missing_read
from xaikit.models.modes import Parts, evaluating
from xaikit.models.neural import (
    NeuralModel,
    Reads,
    SealedModel,
    is_sealed,
    scales_by_batch,
)
from xaikit.models.outputs import (
    SPACES,
    Outputs,
    Part,
    check_outputs,
    flat,
    part_of,
    recognised,
    task_for,
    tensor_in,
)
from xaikit.models.parts import PartsEncoder, by_parts, parts_given
from xaikit.models.parts_model import PartsModel
from xaikit.models.reading import Said, reading_of
from xaikit.models.remembered import Remembered
from xaikit.models.text import Encode
from xaikit.models.training import pick_device
from xaikit.models.trial import (
    SINGLE,
    Answers,
    first_input,
    louder,
    precision_of,
    require_independent,
    trial_inputs,
)
from xaikit.tasks import TASKS, Task

__all__ = ["FunctionModel", "adapted", "wrap"]

Array = NDArray[Any]


def wrap(
    thing: Any,
    *,
    modality: str | None = None,
    inputs: Mapping[str, str | Sequence[str]] | None = None,
    classes: Sequence[str] = (),
    names: Sequence[str] = (),
    id: str = "yours",
    sample: Array | Mapping[str, Any] | None = None,
    background: Array | Mapping[str, Any] | None = None,
    outputs: Outputs | None = None,
    output: str | int | None = None,
    task: str | None = None,
    space: Space | None = None,
    batch: Literal["many", "single"] = "many",
    mean: Sequence[float] | Mapping[str, Sequence[float]] | None = None,
    std: Sequence[float] | Mapping[str, Sequence[float]] | None = None,
    layout: Literal["BLC", "BCL"] | Mapping[str, str] | None = None,
    encode: Encode | None = None,
    encodes: Literal["words", "text"] = "words",
    padding_id: int = 0,
    reads: Reads = "first",
    device: str | None = None,
    categorical: Sequence[str] | Sequence[int] | Sequence[bool] | None = None,
    cache: str | Path | None = None,
) -> Model:
    """A model of yours, with every ability that is true of it.

    thing : a torch module, a fitted scikit-learn estimator or pipeline, or a function from B inputs
        in data space (an array (B, *x.shape); for text a list of B arrays of words, each with the
        text as `x.written`) to (B, K); two classes may also be one column (B, 1) or (B,), which is
        about the second
    modality : of its samples; of an estimator a table when None, text where it begins with a vectoriser
    inputs : of a thing of several inputs, in place of modality: name -> modality, or -> names of columns;
        the sample and the background are then mappings from these names, B rows in each background.
        The thing is called with the names where its arguments are called so, otherwise in turn, or
        with one mapping if it takes one argument; mean, std and layout are mappings too
    classes : K names of classes, of which one holds, or of labels, of which several may (multi-label);
        () for a regressor, and for a scikit-learn classifier to take its own. Names of an estimator
        are its labels in the order in which answers shall stand; others only name the labels 0 to K-1
    names : what the K values of a regressor are called, for example to ask target="price"
    sample : one input in data space to try it on; background[0] when None
    background : (b, *x.shape) typical inputs, which removal methods draw from; of a table a pandas or
        polars frame too, with words, booleans and missing values: its columns are the features, under
        their names, and an estimator that was fitted on a frame (or a function, where words are among the
        columns) is given frames. A word that is new goes to the estimator as it is. Missing values are
        NaN in a sample; `ModelError` with a count where they are not read
    outputs : what the thing gives: "logits", "probabilities" (a row sums to 1) or
        "log_probabilities" of classes; "multilabel_logits" or "multilabel_probabilities", each label
        by itself; "values" of a regressor, and of a scikit-learn classifier its decision function.
        None finds it out on several rows, says so in
        `info["outputs_note"]`, and asks where it can be two things
    output : of a torch module that gives a tuple, a dict or an object: the place, key or name of the
        scores; None takes `logits`, or the first tensor with the batch in front that fits the classes
    task : what the numbers mean, a name from `xaikit list tasks`; follows from the outputs when None. The
        "detection" of a function are boxes, probabilities and classes of each picture, the "segmentation" of
        a net (B, K, H, W) logits; for "sequence_to_sequence" give a function of B sources and the tokens that were
        said so far of each to (B, V) logits of the next of `classes`, which begin with "</s>", the end (see `xaikit.tasks`)
    space : where changes are measured; follows from the outputs when None
    batch : "single" asks one row at a time, for a thing whose score of a row depends on the others

    For torch modules: images are given as (B, C, H, W), tables as (B, D), series as `layout` says;
    `mean` and `std` (a channel or column each) are subtracted and divided by before. Text needs
    `encode` of a list of words, or with encodes="text" of the text as it is written (see `TokenEncoder`);
    the module is called with (ids), with its `attention_mask` if it takes one, or with (ids, valid) if it
    needs two arguments or calls the second a mask. `reads` is the token
    that the head of a transformer reads, for attention. With `device` a copy of the module is moved
    there; otherwise the module itself is used where it is.

    categorical : the columns of a table that hold categories, by name (as the estimator was fitted
        on), index or one bool each; found out from the background when None

    cache : a folder where the answers of a function are kept, by `id` and input, so that a service is asked
        once about each; the few inputs that it is tried on are asked every time

    Of a scikit-learn outlier detector the score is explained, of text pipelines the answer to the
    text as it is written. It is tried on the sample, a few rows of the background and
    inputs made of them: `ModelError` says what does not fit, also when the score of a row depends on
    its batch or changes by itself.

    >>> doubles = wrap(lambda x: 2.0 * x[:, 0], modality="table", background=np.zeros((1, 2)))
    >>> xaikit.explain(doubles, xaikit.Sample("a", np.ones(2), "table"), ["shap"])[0].values.tolist()
    [2.0, 0.0]
    """
    modality, one, rows = parts_given(inputs, modality, sample, background)
    modality = usual_modality(thing) if modality is None else modality
    if modality not in MODALITIES:
        raise InvalidInput(f"modality '{modality}' is unknown; use {', '.join(MODALITIES)}.")
    kind, reading = MODALITIES.get(modality), reading_of(modality)
    if batch not in ("many", "single"):
        raise InvalidInput(f"batch is '{batch}'; use many, or single to ask one row at a time.")
    if encodes not in ("words", "text"):
        raise InvalidInput(f"encodes is {encodes!r}; encode reads 'words' or the 'text'.")
    frames, reads_frames = _frames(thing, kind, one, rows)
    if frames is not None:
        one = frames.coded(one)[0] if is_frame(one) else one
        rows = frames.coded(rows) if is_frame(rows) else rows
    if rows is not None and kind.typical:
        rows = as_rows(rows)
    x = first_input(modality, one, rows)
    facts = _Facts(
        id, modality, (), tuple(names), space, rows, outputs, batch == "single",
        trial_inputs(modality, x, rows), None if task is None else TASKS.get(task),
        frames if reads_frames else None,
    )  # fmt: skip
    columns = [] if frames is None else [column["name"] for column in frames.columns]
    answer = None
    if is_estimator(thing):
        answer = answer_of(thing, outputs, facts.read_rows([x]))
        facts.require_missing_read(lambda rows: answer.ask(facts.read_rows(rows)), columns)
        classes = answer.named(tuple(map(str, classes)))
    classes = tuple(map(str, classes))
    alone = facts.kind is None or not facts.kind.reads
    check_outputs(outputs, classes, tuple(names), alone)
    facts = dataclasses.replace(facts, classes=classes)
    model: Wrapped
    if (
        facts.kind is not None
        and facts.kind.tells
        and (cache or answer or isinstance(thing, nn.Module))
    ):
        raise InvalidInput(
            f"a model of {facts.kind.name} is brought as a function of (sources, what was said so far) that gives "
            "numbers for the next token, without cache; write one around yours."
        )
    if facts.kind is not None and facts.kind.again and (kind.words or inputs is not None):
        raise InvalidInput(
            f"a {facts.kind.name} gives its inputs again and {modality} is no one array of numbers; explain another "
            "number of it, without task."
        )
    if isinstance(thing, nn.Module):
        net = thing if device is None else copy.deepcopy(thing).to(pick_device(device))
        said = Said(mean, std, layout, encode, encodes == "text", padding_id)
        model = _module(net, reading.brought(net, x, said), facts, reads, output)
    elif output is not None:
        raise InvalidInput(
            f"output is {output!r} and is for torch modules; let yours give scores only."
        )
    elif mean is not None or std is not None or layout or encode:
        raise InvalidInput(
            "mean, std, layout and encode are for torch modules; put the preprocessing into the "
            "function or the pipeline."
        )
    elif answer is not None:
        model = _estimator(thing, answer, facts)
    elif callable(thing) and not isinstance(thing, type):
        asked = thing if inputs is None else by_parts(thing, list(inputs))
        function = _of_rows(asked, facts.frames)
        facts.require_missing_read(function, columns)
        model = _function(function, facts)
    else:
        raise InvalidInput(
            f"a {type(thing).__name__} is no model; give a torch module, a fitted scikit-learn "
            "estimator or a function."
        )
    _try(model, facts)
    if frames is not None:
        model.info = {**model.info, "columns": frames.columns}
    if cache is not None:
        if not isinstance(model, FunctionModel):
            raise InvalidInput(
                f"cache keeps the answers of functions and a {type(thing).__name__} is asked itself; "
                "leave cache out."
            )
        model.function = Remembered(model.function, Path(cache), id)
    if categorical is not None:
        model.info = {**model.info, "categorical": _coded(thing, kind, categorical, x)}
    return model


Wrapped = NeuralModel | EstimatorModel | FunctionModel


def adapted(
    net: nn.Module,
    inputs: Inputs,
    *,
    id: str,
    modality: str,
    classes: tuple[str, ...],
    outputs: Outputs,
    x: Any,
    names: tuple[str, ...] = (),
    output: Part = None,
    task: str | None = None,
    space: Space | None = None,
    single: bool = False,
    reads: Reads = "first",
    background: Array | None = None,
) -> NeuralModel:
    """A net whose inputs are known, tried as `wrap` tries it on inputs like x."""
    trial = trial_inputs(modality, first_input(modality, x, background), background)
    kind = None if task is None else TASKS.get(task)
    facts = _Facts(id, modality, classes, names, space, background, outputs, single, trial, kind)
    model = _module(net, inputs, facts, reads, output)
    _try(model, facts)
    return model


@dataclass(frozen=True, eq=False)
class _Facts:
    """What is known of the model before it is made; `inputs` are those it is tried on."""

    id: str
    modality: str
    classes: tuple[str, ...]
    names: tuple[str, ...]
    given_space: Space | None
    background: Array | None
    given: Outputs | None
    single: bool
    inputs: list[Array]
    kind: type[Task] | None
    frames: Frames | None = None

    def read_rows(self, xs: Any) -> Any:
        """B inputs as an estimator that people bring reads them."""
        rows = reading_of(self.modality).flat(xs)
        return rows if self.frames is None else self.frames.transform(rows)

    def require_missing_read(self, answers: Callable[[Any], Any], names: Sequence[str]) -> None:
        """`ModelError` where the background has missing values that are not read."""
        if self.background is not None and MODALITIES.get(self.modality).tabular:
            require_missing_read(self.id, answers, self.background, names, "background rows")

    def task(self, outputs: Outputs, n: int) -> Task:
        """What n scores mean."""
        usual = task_for(outputs, self.classes, self.names, n)
        return usual if self.kind is None else self.kind(usual.outputs)

    def read(
        self, answers: Floats, louder: Callable[[], Floats | None] = lambda: None
    ) -> tuple[Outputs, Task, str]:
        """What the answers to the trial inputs are, what they mean, and how that was found out."""
        if self.kind is not None and self.kind.reads:
            return self.read_by(self.kind, answers)
        answers = flat(answers)
        n = len(self.classes)
        columns = 1 if answers.ndim == 1 else answers.shape[1]
        fits = (
            columns == n or (columns == 1 and n == 2)
            if n
            else not self.names or columns == len(self.names)
        )
        if not fits or answers.ndim > 2 or len(answers) != len(self.inputs):
            raise wrong_shape(self.id, answers.shape, len(self.inputs), self.classes or self.names)
        outputs, note = recognised(answers, self.given, self.classes, self.id, louder)
        if outputs != "log_probabilities" and not np.isfinite(answers).all():
            why = "check its weights"
            if self.inputs[0].dtype.kind == "f" and any(np.isnan(x).any() for x in self.inputs):
                why = "some of the rows have missing values, which it does not read: fill or drop them"
            raise ModelError(f"'{self.id}' gave NaN or infinity for one sample; {why}.")
        return outputs, self.task(outputs, columns), note

    def read_by(self, kind: type[Task], raw: Any) -> tuple[Outputs, Task, str]:
        """The same for a task that makes its scores itself of what the model gives."""
        shape = tuple(raw.shape[1:]) if isinstance(raw, np.ndarray | Tensor) else ()
        if shape and "logits" not in (self.given or ""):
            kind.check(raw)
        if kind.again and not MODALITIES.get(self.modality).tabular:
            shape = (1, *shape)  # only columns have names
        task = kind.of(self.classes or self.names, shape)
        return "multilabel_logits" if task.words == "labels" else "values", task, ""

    def require_independent(self, answers: Answers, net: nn.Module | None = None) -> None:
        """`ModelError` when the answer to an input changes by itself, or with its batch."""
        require_independent(
            self.id, answers, self.inputs, eps=precision_of(net), single=self.single
        )

    def space(self, outputs: Outputs) -> Space:
        return self.given_space or SPACES[outputs]


def _frames(thing: Any, kind: Modality, sample: Any, background: Any) -> tuple[Frames | None, bool]:
    """How the columns of a table are called and coded, and whether the thing itself reads frames."""
    rows = sample if background is None else background
    if not kind.tabular or rows is None or hasattr(rows, "toarray"):
        return None, False
    if isinstance(thing, nn.Module):
        return (Frames.of(rows) if is_frame(rows) else None), False
    return framed(thing, rows)


def _of_rows(function: Callable[[Any], Any], frames: Frames | None) -> Callable[[Any], Any]:
    """The function of frames as one of rows of numbers."""
    return function if frames is None else lambda xs: function(frames.transform(xs))


def _coded(thing: Any, kind: Modality, categorical: Sequence[Any], x: Array) -> tuple[bool, ...]:
    if not kind.tabular:
        raise InvalidInput(f"categorical is for tables and this is {kind.name}; leave it out.")
    return coded_columns(categorical, len(x), getattr(thing, "feature_names_in_", None))


def _module(
    net: nn.Module, inputs: Inputs, facts: _Facts, reads: Reads, output: Part = None
) -> NeuralModel:
    x = facts.inputs[0]
    facts = dataclasses.replace(facts, single=facts.single or scales_by_batch(net))
    inputs, part = _once(net, inputs, x, facts, output)
    answers = _answers(net, inputs, facts, part)
    facts.require_independent(answers, net)
    alone = np.concatenate([answers([x]) for x in facts.inputs])  # many may not fit into memory
    outputs, task, note = facts.read(alone, lambda: _louder(net, answers, x))
    arguments: dict[str, Any] = {
        "id": facts.id,
        "net": net,
        "inputs": inputs,
        "classes": _classes(facts, task),
        "space": facts.space(outputs),
        "background": facts.background,
        "info": {
            "family": "module",
            "n_parameters": sum(w.numel() for w in net.parameters()),
            "bytes": sum(w.numel() * w.element_size() for w in net.parameters()),
            "outputs": outputs,
            "outputs_note": note,
        },
        "reads": reads,
        "probe": x,
        "outputs": outputs,
        "task": task,
        "single": facts.single,
        "modality": facts.modality,
        "part": part,
    }
    if is_sealed(net):
        return SealedModel(**arguments)
    model = NeuralModel(**arguments)
    if isinstance(inputs, PartsEncoder):
        return PartsModel(**arguments) if keeps_places(model) else model
    if model.events and model.events[-1].n_attentions:
        return TokenModel(**arguments)
    return SpatialModel(**arguments) if keeps_places(model) else model


def _classes(facts: _Facts, task: Task) -> tuple[str, ...]:
    """Those that were named, or that the task counted."""
    if task.tells:
        return ()  # they name what can be said
    return task.outputs if task.reads and task.words == "labels" else facts.classes


def _louder(net: nn.Module, answers: Answers, x: Array) -> Floats | None:
    """The answer to one input, with the last layer turned up."""
    if is_sealed(net):
        return None
    with evaluating(net):
        found: Floats | None = louder(net, lambda: answers([x]))
    return found


def _answers(net: nn.Module, inputs: Inputs, facts: _Facts, part: Part) -> Answers:
    """What the module gives, as float64."""
    device = next((p.device for p in net.parameters()), torch.device("cpu"))

    def answers(xs: Sequence[Array]) -> Floats:
        n = 1 if facts.single else len(xs)
        try:
            with evaluating(net), torch.no_grad():
                parts = [inputs.read(net, xs[i : i + n], device) for i in range(0, len(xs), n)]
                dtype = Parts.of(net).dtype
                found = [tensor_in(inputs.run(net, p.at.to(dtype), p), part) for p in parts]
                return torch.cat(found).double().cpu().numpy()
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            raise ModelError(
                f"the module reads one input and fails on {n} together ({error}); let it read any "
                f"batch, {SINGLE}."
            ) from error

    return answers


def _once(
    net: nn.Module, inputs: Inputs, x: Array, facts: _Facts, output: Part
) -> tuple[Inputs, Part]:
    """How the module reads, and where it gives its scores, tried on one sample."""
    try:
        with evaluating(net), torch.no_grad():
            device = next((p.device for p in net.parameters()), torch.device("cpu"))
            batch = inputs.read(net, [x], device)
            at = batch.at.to(Parts.of(net).dtype)
            try:
                found: Any = inputs.run(net, at, batch)
            except RuntimeError:
                if not isinstance(inputs, PixelEncoder):
                    raise
                inputs = dataclasses.replace(inputs, apart=True)
                found = inputs.run(net, at, batch)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        raise ModelError(
            f"the module fails on one sample of shape {x.shape} ({error}); check modality, layout and "
            "encode, and that it reads a batch of one."
        ) from error
    rows = 1
    if not isinstance(found, Tensor) and not facts.single:
        with (
            suppress(RuntimeError, ValueError, TypeError, IndexError),
            evaluating(net),
            torch.no_grad(),
        ):
            two = inputs.read(net, [x, x], device)  # so that the batch is told from a single number
            found, rows = inputs.run(net, two.at.to(Parts.of(net).dtype), two), 2
    fitting = [(len(facts.classes),), (1,), ()]
    if facts.kind is not None and facts.kind.reads:
        fitting = (
            [tuple(inputs.run(nn.Identity(), at, batch).shape[1:])] if facts.kind.again else []
        )
    return inputs, part_of(found, rows, fitting, output)


def _estimator(thing: Any, answer: Answer, facts: _Facts) -> EstimatorModel | FunctionModel:
    """On rows with all the abilities of its kind, otherwise a function."""
    reading = reading_of(facts.modality)
    answer.check(facts.read_rows(facts.inputs[:1]), len(facts.classes))
    if facts.given not in (None, answer.outputs):
        raise InvalidInput(
            f"outputs is '{facts.given}' and a {answer.of} is asked for {answer.outputs}; leave "
            "outputs out, or give one of its functions instead."
        )
    columns = answer.columns(facts.classes)
    own = answer.outputs == "probabilities" and answer.labels is not None
    margins = answer.name == "decision_function" and hasattr(thing, "classes_")
    values = answer.name == "predict" or margins
    reads = facts.kind is not None and facts.kind.reads
    if reading.rows and not facts.single and not reads and (own or values):
        return wrap_estimator(
            pipeline_of(thing, facts.frames),
            id=facts.id,
            modality=facts.modality,
            classes=facts.classes,
            background=facts.background,
            order=columns,
            space=facts.given_space,
            asks="predict" if facts.classes else answer.name,
        )

    def function(xs: Any) -> Any:
        found = answer.ask(facts.read_rows(xs))
        return np.asarray(found)[:, columns] if facts.classes else found

    space = facts.given_space or space_of(pipeline_of(thing), facts.classes)
    facts = dataclasses.replace(facts, given=answer.outputs, given_space=space)
    return _function(function, facts, family="sklearn")


def _function(
    thing: Callable[[Any], Any], facts: _Facts, family: str = "function"
) -> FunctionModel:
    model = FunctionModel(
        facts.id,
        facts.modality,
        facts.classes,
        "value",
        thing,
        background=facts.background,
        single=facts.single,
        frames=facts.frames,
    )
    if facts.kind is not None and facts.kind.reads:
        thing = model.function = facts.kind.asking(thing, facts.classes, facts.given)
        raw = arrayed(thing(reading_of(facts.modality).given(facts.inputs[:1])), facts.kind)
        model.outputs, model.task, note = facts.read_by(facts.kind, raw)
        model.classes = _classes(facts, model.task)
        facts.require_independent(model.answers)
    else:
        facts.require_independent(model.answers)
        model.outputs, model.task, note = facts.read(model.answers(facts.inputs))
    model.space = facts.space(model.outputs)
    model.info = {"family": family, "outputs": model.outputs, "outputs_note": note}
    return model


def _try(model: Wrapped, facts: _Facts) -> None:
    """Refuse scores of another shape, or that are not finite."""
    few = facts.inputs[:2]
    scores = model.scores(few)
    if model.task is None:  # an estimator of scikit-learn's own
        outputs: Outputs = "probabilities" if facts.classes else "values"
        model.task = facts.task(outputs, scores.shape[1])
    n = len(model.task.outputs)
    if scores.shape != (len(few), n):
        raise wrong_shape(facts.id, scores.shape, len(few), model.task.outputs)
    if not np.isfinite(scores).all():
        raise ModelError(f"'{facts.id}' gave NaN or infinity for one sample; check its weights.")
    if isinstance(model, EstimatorModel):
        task = model.task
        facts.require_independent(lambda xs: task.predictions(model.scores(xs)))
