"""Trains a net of the zoo on a data set, or fits a scikit-learn model on the same data."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress
from torch import Tensor

from xaikit.core.abilities import Model
from xaikit.core.errors import DataError, InvalidInput, TrainingFailed, UnknownName
from xaikit.core.sample import MODALITIES
from xaikit.data.dataset import Dataset
from xaikit.modalities import background
from xaikit.models.adversarial import learn_pictures, pictured
from xaikit.models.assembly import KINDS, assemble, reads_of, settable
from xaikit.models.distillation import distilled
from xaikit.models.evaluation import evaluate
from xaikit.models.missing import missing_rows
from xaikit.models.modes import evaluating
from xaikit.models.neural import NeuralModel
from xaikit.models.objectives import Objective, objective_of, turned
from xaikit.models.reading import reading_of
from xaikit.models.transfer import begin, carry, learning
from xaikit.models.zoo import ZOO, Architecture, Recipe
from xaikit.tasks import TASKS, Forecasting, Task

__all__ = ["pick_device", "require_read", "train"]

Array = NDArray[Any]
_MOST_EPOCHS = 200
USUAL = ("classification", "regression")  # which follow from the classes


def train(
    architecture: str,
    data: Dataset,
    *,
    epochs: int | None = None,
    device: str = "auto",
    seed: int = 0,
    balanced: bool = False,
    progress: bool = True,
    start: Model | None = None,
    freeze: bool = False,
    teacher: Model | None = None,
    temperature: float = 4.0,
    **params: Any,
) -> Model:
    """A model of that architecture fitted on data.train, chosen on data.val, measured on data.test.

    architecture : a name of the zoo, or of a scikit-learn model
    epochs : passes over the training rows; by default enough for the recipe's number of steps; 0 leaves
        the net as it begins
    balanced : whether every class weighs the same, however many rows it has; the stated
        probabilities are then those of a world in which all classes are equally frequent
    start : a net of the same architecture whose weights and preprocessing it begins with, with a new head
        where the classes differ; freeze : whether all but the head stays as it was
    teacher : a model of the same classes whose answers it learns beside the labels, at a `temperature`
    params : parameters of the net (width, dropout, ...) and fields of `Recipe` (lr, batch_size, ...)

    The same seed gives the same weights on one machine; the global generators are left as they
    were. `TrainingFailed` when the loss turns NaN.

    >>> train("logistic", data, progress=False).classes
    ('cultivar 1', 'cultivar 2', 'cultivar 3')
    """
    require_read(architecture, data)
    if architecture not in ZOO:
        if start is not None or teacher is not None:
            raise InvalidInput(
                f"'{architecture}' has no weights to begin with, nor a teacher; train a net."
            )
        return _fit_estimator(architecture, data, epochs, seed, balanced, params)
    if epochs is not None and epochs < 0:
        raise InvalidInput(f"epochs is {epochs}; it must be 0 or more.")
    if freeze and start is None:
        raise InvalidInput("freeze keeps the weights of a model; name it by start (--from).")
    entry = ZOO.get(architecture)
    if data.real is not None and (start is not None or teacher is not None):
        raise InvalidInput(
            f"'{architecture}' learns against a critic, not from labels; leave the other model out."
        )
    begun = None if start is None else begin(start, architecture, data)
    recipe, settings = _split(entry, data, {**(begun.info["params"] if begun else {}), **params})
    if data.real is not None:
        settings |= pictured(data)
    objective = (
        None if teacher is None else distilled(objective_of(data), teacher, data, temperature)
    )
    target = pick_device(device)
    shares = data.class_weights if balanced else None
    began = time.perf_counter()
    with torch.random.fork_rng(devices=[target] if target.type == "cuda" else []):
        torch.manual_seed(seed)
        model = _fresh(entry, data, settings, target, begun)
        if begun is not None:
            carry(model, begun, freeze)
        rng = np.random.default_rng(seed)
        if data.real is not None:
            ran = learn_pictures(model, data, recipe, epochs, rng, progress)
        else:
            loop = _Loop(model, data, recipe, epochs, shares, objective)
            ran = loop.run(rng, progress)
    model.net.eval().requires_grad_(False)
    facts: dict[str, Any] = {
        "seed": seed,
        "balanced": balanced,
        "epochs": ran,
        "fit_seconds": time.perf_counter() - began,
    }
    if begun is not None:
        facts |= {"from": begun.id, "frozen": freeze}
    if teacher is not None:
        facts |= {"teacher": teacher.id, "temperature": temperature}
    model.info = {**_facts(entry, settings, model, data), **facts}
    return model


def require_read(name: str, data: Dataset) -> None:
    """`DataError` with a count where rows of a table have missing values that the model does not read."""
    from xaikit.models.learners import ESTIMATORS

    learner = ESTIMATORS.get(name) if name in ESTIMATORS else None
    if (
        not (learner or name in ZOO)
        or not MODALITIES.get(data.modality).tabular
        or (learner and learner.reads_missing)
    ):
        return
    rows = np.stack([x for split in ("train", "val", "test") for x in data.inputs(split)])
    if held := missing_rows(rows, [column.name for column in data.columns], "rows"):
        fits = ", ".join(n for n in ESTIMATORS if ESTIMATORS.get(n).reads_missing)
        raise DataError(
            f"{held} and '{name}' does not read them; use {fits}, or missing='drop' (--missing drop)."
        )


def pick_device(name: str) -> torch.device:
    """The device of that name; "auto" is CUDA when there is one."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InvalidInput(f"device '{name}' is unknown; use auto, cpu or cuda.") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InvalidInput(f"this machine has no '{name}' that torch can use; use auto or cpu.")
    return device


def _fit_estimator(
    name: str,
    data: Dataset,
    epochs: int | None,
    seed: int,
    balanced: bool,
    params: dict[str, Any],
) -> Model:
    from xaikit.models.sklearn import ESTIMATORS, fit_estimator

    if name not in ESTIMATORS:
        known = ", ".join((*ZOO, *ESTIMATORS))
        raise UnknownName(f"no model is called '{name}'; known: {known}.")
    if data.task not in USUAL:
        _refuse_task(name, data)
    if epochs is not None:
        raise InvalidInput(f"'{name}' is not trained in epochs; leave epochs out.")
    return fit_estimator(name, data, seed=seed, balanced=balanced, **params)


def _split(
    architecture: Architecture, data: Dataset, params: dict[str, Any]
) -> tuple[Recipe, dict[str, Any]]:
    """Parameters that shape the training, and those that shape the net."""
    _require_fit(architecture, data)
    inputs = MODALITIES.get(data.modality).inputs
    recipe = architecture.recipes.get(data.task, architecture.recipes[inputs])
    net = {**settable(architecture, inputs), **architecture.usual.get(data.task, {})}
    training = dataclasses.asdict(recipe)
    for name in params:
        if name not in training and name not in net:
            raise InvalidInput(
                f"'{architecture.name}' has no parameter '{name}'; its net has {', '.join(net)}; its "
                f"training has {', '.join(training)}."
            )
    for name, default in training.items():
        _check(name, params.get(name, default), default)
    recipe = dataclasses.replace(recipe, **{k: v for k, v in params.items() if k in training})
    return recipe, {**net, **{k: v for k, v in params.items() if k in net}}


def _require_fit(architecture: Architecture, data: Dataset) -> None:
    """`InvalidInput` where the net is for another task or other samples, with the nets that fit."""
    if data.task not in architecture.tasks:
        _refuse_task(architecture.name, data)
    if data.modality not in architecture.modalities:
        raise InvalidInput(
            f"'{architecture.name}' reads {', '.join(architecture.modalities)} and '{data.name}' is "
            f"{data.modality}; use {_fitting(data)}."
        )


def _refuse_task(name: str, data: Dataset) -> None:
    raise InvalidInput(
        f"'{name}' does no {data.task} and '{data.name}' is one; use {_fitting(data)}."
    )


def _fitting(data: Dataset) -> str:
    """The nets that read such samples and do such a task."""
    known = {name: ZOO.get(name) for name in ZOO}
    fitting = [
        n for n, a in known.items() if data.modality in a.modalities and data.task in a.tasks
    ]
    return ", ".join(fitting) or "forest, or wrap a net of your own"


def _check(name: str, value: Any, default: Any) -> None:
    """Refuse a field of the recipe that is of the wrong type or out of bounds."""
    kinds = (int, float) if isinstance(default, float) else (type(default),)
    if type(value) not in kinds:
        raise InvalidInput(f"{name} is {value!r}; it must be of type {kinds[-1].__name__}.")
    if name in ("steps", "lr", "clip", "patience") and not value > 0:
        raise InvalidInput(f"{name} is {value}; it must be above 0.")
    if name == "batch_size" and value < 2:
        raise InvalidInput(f"batch_size is {value}; it must be 2 or more.")
    if not 0 <= value < math.inf or (name == "mask_words" and value >= 1):
        raise InvalidInput(f"{name} is {value}; it must be finite, 0 or more, a share below 1.")


def _fresh(
    architecture: Architecture,
    data: Dataset,
    settings: dict[str, Any],
    device: torch.device,
    begun: NeuralModel | None = None,
) -> NeuralModel:
    labels = np.zeros(0) if data.real is not None else _checked_labels(data)
    inputs = begun.inputs if begun else reading_of(data.modality).fit(data)
    task = None if data.task in USUAL else TASKS.get(data.task)(data.outputs)
    width = max(1, len(data.classes)) if task is None else task.width
    net = assemble(architecture, inputs, width, settings).to(device)
    model = KINDS[architecture.family](
        id=f"{data.name}-{architecture.name}",
        net=net,
        inputs=inputs,
        classes=data.classes,
        background=background(data, _n_rows(task, data)),
        reads=reads_of(net),
        modality=data.modality,
        task=task,
    )
    if not data.classes:
        model.space = "value"
    if data.task == "regression":
        model.centre, model.scale = float(labels.mean()), float(labels.std()) or 1.0
    if isinstance(task, Forecasting):
        model.centre, model.scale = _channels(labels, len(task.channels))
    return model


def _n_rows(task: Task | None, data: Dataset) -> int:
    """What the task wants, as far as 64 MB hold it."""
    fit = 2**24 // max(1, data.train[0].x.size)
    return 100 if task is None else max(100, min(task.n_rows, fit))


def _channels(labels: Array, n_channels: int) -> tuple[Array, Array]:
    """(C * H,) mean and deviation of the channel that each value belongs to."""
    each = labels.reshape(len(labels), n_channels, -1)
    spread = each.std(axis=(0, 2))
    n = each.shape[2]
    return each.mean(axis=(0, 2)).repeat(n), np.where(spread > 0, spread, 1.0).repeat(n)


def _checked_labels(data: Dataset) -> Array:
    for split in ("train", "val", "test"):
        for sample in getattr(data, split):
            if sample.label is None:
                raise DataError(
                    f"sample '{sample.id}' of '{data.name}' has no label; drop it to train."
                )
    names = data.classes or (
        data.outputs if data.task not in USUAL and TASKS.get(data.task).finds else ()
    )
    if data.task not in USUAL and names:
        TASKS.get(data.task)(names).require_labels((*data.train, *data.val, *data.test))
        return np.zeros(0)
    labels = data.labels("train")
    if data.task == "classification" and not 0 <= labels.min() <= labels.max() < len(data.classes):
        raise DataError(
            f"'{data.name}' has labels from {labels.min()} to {labels.max()} and "
            f"{len(data.classes)} class names; labels are 0 to {len(data.classes) - 1}."
        )
    return labels


def _facts(
    architecture: Architecture, settings: dict[str, Any], model: NeuralModel, data: Dataset
) -> dict[str, Any]:
    weights = list(model.net.parameters())
    return {
        "family": architecture.family,
        "architecture": architecture.name,
        "params": settings,
        "n_parameters": sum(w.numel() for w in weights),
        "bytes": sum(w.numel() * w.element_size() for w in weights),
        "task": data.task,
        "data": data.name,
        "data_hash": data.hash,
        "group": data.facts.get("group"),
        "columns": [dataclasses.asdict(column) for column in data.columns],
        "metrics": {split: evaluate(model, data, split) for split in ("test", "val")},
    }


@dataclass(frozen=True, eq=False)
class _Loop:
    """The training loop of one model."""

    model: NeuralModel
    data: Dataset
    recipe: Recipe
    wanted_epochs: int | None
    class_weights: Array | None = None
    aim: Objective | None = None

    def run(self, rng: np.random.Generator, progress: bool) -> int:
        """Trains in place, leaves the best weights on val in the net; gives the epochs that ran."""
        net, recipe = self.model.net, self.recipe
        if self.n_epochs == 0:
            return 0
        xs = self.data.inputs("train")
        labels = self.objective.truth(self.model, self.data, "train")
        vary = reading_of(self.data.modality).varied
        weights = [w for w in net.parameters() if w.requires_grad]
        optimizer = torch.optim.AdamW(weights, lr=recipe.lr, weight_decay=recipe.weight_decay)
        cycle = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, recipe.lr, total_steps=self.n_epochs * self.n_batches
        )
        best, best_loss, best_epoch = net.state_dict(), math.inf, 0
        with Progress(disable=not progress, transient=True) as bar:
            task = bar.add_task(f"training {self.model.id}", total=self.n_epochs)
            for epoch in range(1, self.n_epochs + 1):
                learning(net)
                for rows in self._batches(xs, rng):
                    seen = [vary(xs[i], recipe, rng) for i in rows]
                    truth = labels[torch.from_numpy(rows)]
                    if recipe.turn:
                        seen, truth = turned(seen, truth, rng)
                    self._step(seen, truth, optimizer, epoch)
                    cycle.step()
                loss = self._val_loss()
                bar.update(
                    task, advance=1, description=f"training {self.model.id} (val {loss:.3f})"
                )
                if loss <= best_loss:
                    best = {name: value.clone() for name, value in net.state_dict().items()}
                    best_loss, best_epoch = loss, epoch
                if epoch - best_epoch > recipe.patience * self.n_epochs:
                    break
        net.load_state_dict(best)
        return epoch

    def _batches(self, xs: Sequence[Array], rng: np.random.Generator) -> list[Array]:
        """Every row once, in random order; texts of like length share a batch, which pads less."""
        order = rng.permutation(len(xs))
        if self.model.inputs.pads:
            lengths = np.array([len(xs[i]) for i in order])
            order = order[np.argsort(lengths + rng.normal(0, 0.1 * lengths.std(), len(lengths)))]
        batches = np.array_split(order, self.n_batches)
        return [batches[i] for i in rng.permutation(len(batches))]

    @property
    def n_batches(self) -> int:
        """Batches of one epoch, none smaller than `batch_size` (batch normalisation needs two)."""
        return max(1, len(self.data.train) // self.recipe.batch_size)

    @property
    def n_epochs(self) -> int:
        if self.wanted_epochs is not None:
            return self.wanted_epochs
        return min(_MOST_EPOCHS, max(3, round(self.recipe.steps / self.n_batches)))

    @cached_property
    def weights(self) -> Tensor | None:
        """(K,) weight of each class, the same that scikit-learn models get; None when not asked for."""
        if self.class_weights is None:
            return None
        return torch.tensor(self.class_weights, dtype=torch.float32, device=self.model.device)

    @cached_property
    def objective(self) -> Objective:
        return self.aim or objective_of(self.data)

    def _step(
        self, xs: Sequence[Array], labels: Tensor, optimizer: torch.optim.Optimizer, epoch: int
    ) -> None:
        model, cuda = self.model, self.model.device.type == "cuda"
        with torch.autocast(model.device.type, dtype=torch.bfloat16, enabled=cuda):
            batch = self.objective.told(model.read(xs), labels)
            found = model.inputs.run(model.net, batch.at, batch)
        loss = self.objective.loss(found.float(), labels, batch.at, self.weights)
        if not math.isfinite(loss.item()):
            raise TrainingFailed(
                f"the loss of '{model.id}' turned {loss.item()} in epoch {epoch}; lower lr "
                f"(now {self.recipe.lr:g}) or look for huge values in '{self.data.name}'."
            )
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.net.parameters(), self.recipe.clip)
        optimizer.step()

    def _val_loss(self) -> float:
        model, xs, n = self.model, self.data.inputs("val"), self.model.batch_rows
        with evaluating(model.parts), torch.inference_mode():
            batches = [
                self.objective.told(model.encode(xs[i : i + n]), self._val_truth[i : i + n])
                for i in range(0, len(xs), n)
            ]
            raw = [model.run(model.net, batch.at, batch) for batch in batches]
            at = raw if self.model.inputs.pads else [batch.at for batch in batches]
            found = (torch.cat(raw), self._val_truth, torch.cat(at), self.weights)
            return self.objective.loss(*found).item()

    @cached_property
    def _val_truth(self) -> Tensor:
        return self.objective.truth(self.model, self.data, "val")
