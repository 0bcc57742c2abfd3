"""A list of models as one: its scores are the mean of theirs.

The mean is taken of the scores, which are logits or values, so that what additive methods find is the mean of what
they find in the members where the explained number is a difference of scores; or of the probabilities (Lakshminarayanan
et al. 2017), which is the rule where a member only has these.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, cast

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xaikit.core.abilities import Model, output_names
from xaikit.core.errors import InvalidInput
from xaikit.core.types import Floats
from xaikit.models.function_model import FunctionModel
from xaikit.models.grids import PixelEncoder
from xaikit.models.inputs import ColumnEncoder, StepEncoder
from xaikit.models.neural import NeuralModel, SealedModel
from xaikit.models.outputs import tensor_in
from xaikit.tasks import Task, task_of

__all__ = ["Average", "ensemble"]

Average = Literal["logits", "probabilities"]
_SHARED = (PixelEncoder, ColumnEncoder, StepEncoder)  # which ask nothing of the net itself


def ensemble(models: Sequence[Model], average: Average | None = None) -> Model:
    """The models as one that gives the mean of their scores; `members` holds them.

    models : one or more that read the same samples and give the same outputs
    average : "logits" (of values: the values), or "probabilities", whose logarithms are then the scores; by
        default logits, and probabilities where a member has no others (forests)

    Methods that mask always apply. Gradients do where every member is a net that reads its inputs in the same
    way: on the same data, and no text, whose words are vectors of each net's own. `InvalidInput` names what does
    not fit.

    >>> xaikit.ensemble([model, model]).info["average"]
    'logits'
    """
    models = tuple(models)
    task = _same(models)
    bare = any(m.space == "prob" for m in models)
    how = average or ("probabilities" if bare else "logits")
    if how not in ("logits", "probabilities"):
        raise InvalidInput(f"average is '{how}'; use logits or probabilities.")
    first, ids = models[0], [m.id for m in models]
    info = {
        "family": "ensemble",
        "architecture": "mean of "
        + ", ".join(str(m.info.get("architecture", "?")) for m in models),
        "members": ids,
        "average": how,
        "columns": first.info.get("columns", []),
    }
    known: dict[str, Any] = {
        "id": f"{len(ids)} x {ids[0]}" if len(set(ids)) == 1 else "+".join(ids),
        "classes": first.classes,
        "space": "prob" if bare else first.space,
        "background": first.background,
        "modality": first.modality,
        "info": info,
        "task": task,
    }
    if not _reads_alike(models):
        return _Scores(function=_Mean(models, how, task), **known)
    nets = cast(tuple[NeuralModel, ...], models)
    return _Net(
        net=_MeanNet(nets, how, task),
        inputs=nets[0].inputs,
        probe=nets[0].probe,
        single=any(m.single for m in nets),
        outputs="logits" if first.classes else "values",
        **known,
    )


class _Mean:
    """The mean of the scores of models."""

    def __init__(self, models: tuple[Model, ...], how: str, task: Task) -> None:
        self.models, self.how, self.task = models, how, task

    def __call__(self, xs: Any) -> Floats:
        each = torch.stack([torch.from_numpy(m.scores(xs)) for m in self.models])
        return _mean(each, self.how, self.task).numpy()


class _MeanNet(nn.Module):
    """The same of nets that read one encoded input."""

    def __init__(self, models: tuple[NeuralModel, ...], how: str, task: Task) -> None:
        super().__init__()
        self.nets = nn.ModuleList(m.net for m in models)
        self.models, self.how, self.task = models, how, task

    def forward(self, at: Tensor, *rest: Tensor) -> Tensor:
        each = [
            m.in_units(tensor_in(net(at, *rest), m.part), at)
            for m, net in zip(self.models, self.nets, strict=True)
        ]
        return _mean(torch.stack(each), self.how, self.task)


class _Net(NeuralModel):
    """An ensemble with gradients."""

    @property
    def members(self) -> tuple[Model, ...]:
        return cast(_MeanNet, self.net).models


class _Scores(FunctionModel):
    """An ensemble of which only the scores are known."""

    @property
    def members(self) -> tuple[Model, ...]:
        return cast(_Mean, self.function).models

    def scores(self, xs: Sequence[NDArray[Any]] | NDArray[Any]) -> Floats:
        return cast(Floats, self.function(xs))


def _mean(each: Tensor, how: str, task: Task) -> Tensor:
    """(M, B, K) scores of M members -> (B, K)."""
    if how == "logits" or task.words.startswith("value"):
        return each.mean(0)
    if task.many:
        return torch.logit(each.sigmoid().mean(0), eps=1e-12)
    return each.log_softmax(2).logsumexp(0) - math.log(len(each))


def _same(models: tuple[Model, ...]) -> Task:
    """What their scores mean; `InvalidInput` where they are not of one kind."""
    if not models:
        raise InvalidInput("an ensemble has one model or more; give a list of them.")
    first, task = models[0], task_of(models[0])
    for other in models[1:]:
        facts = [(m.modality, task_of(m).name, output_names(m)) for m in (first, other)]
        if facts[0] != facts[1]:
            told = [
                f"{kind} of {what}, {', '.join(names) or 'a value'}" for what, kind, names in facts
            ]
            raise InvalidInput(
                f"'{first.id}' ({told[0]}) and '{other.id}' ({told[1]}) are no ensemble; its members read the "
                "same samples and give the same outputs."
            )
    if task.finds:
        raise InvalidInput(
            f"the scores of a {task.name} are read at what each model finds, and have no mean; explain "
            f"{', '.join(m.id for m in models)} one by one."
        )
    return task


def _reads_alike(models: tuple[Model, ...]) -> bool:
    """Whether all are nets that can share one encoded input."""
    nets = [m for m in models if isinstance(m, NeuralModel) and not isinstance(m, SealedModel)]
    if len(nets) < len(models) or any(not isinstance(m.inputs, _SHARED) for m in nets):
        return False
    own, plain = nets[0].inputs.config(), not task_of(nets[0]).reads
    alike = all(m.inputs.config() == own and m.device == nets[0].device for m in nets)
    return bool(own) and alike and plain and len({m.parts.dtype for m in nets}) == 1
