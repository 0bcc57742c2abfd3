"""Tasks: what the numbers of a model's output mean, each known in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from xaikit.core.abilities import Model, Tasked
from xaikit.core.errors import DataError
from xaikit.core.target import Targets
from xaikit.core.types import Floats, Sample, Target
from xaikit.tasks.base import TASKS, Task
from xaikit.tasks.choosing import NextWord, Recommendation
from xaikit.tasks.classification import Classification, MultiLabel
from xaikit.tasks.detection import Detection
from xaikit.tasks.forecasting import Forecasting
from xaikit.tasks.generation import PROPERTIES, Generation, pictures
from xaikit.tasks.reconstruction import Reconstruction
from xaikit.tasks.regression import Regression
from xaikit.tasks.segmentation import Segmentation
from xaikit.tasks.sequence import SequenceToSequence

__all__ = [
    "PROPERTIES",
    "TASKS",
    "Classification",
    "Detection",
    "Forecasting",
    "Generation",
    "MultiLabel",
    "NextWord",
    "Recommendation",
    "Reconstruction",
    "Regression",
    "Segmentation",
    "SequenceToSequence",
    "Task",
    "default_target",
    "default_targets",
    "pictures",
    "restored_task",
    "task_of",
]


def task_of(model: Model) -> Task:
    """What the scores of a model mean: its own task, else one of its classes, else one value."""
    if isinstance(model, Tasked) and isinstance(model.task, Task):
        return model.task
    return Classification(model.classes) if model.classes else Regression()


def default_target(model: Model, sample: Sample, choice: str | int = "predicted") -> Target:
    """The target that people mean: "predicted", "label", or an output by name or index."""
    targets = default_targets(model, [sample], model.scores([sample.x]), choice)
    return targets.distinct[0]


def default_targets(
    model: Model, samples: Sequence[Sample], scores: Floats, choice: str | int = "predicted"
) -> Targets:
    """The targets that people mean of samples with scores (B, K); see `default_target`."""
    task = task_of(model)
    if choice == "predicted":
        outputs = task.default(scores)
    elif choice == "label":
        outputs = np.array([task.named(choice, sample) for sample in samples])
    else:
        outputs = np.full(len(samples), task.named(choice, samples[0]))
    named, which = np.unique(outputs, return_inverse=True)
    return Targets(tuple(task.target(int(i), model.space) for i in named), which)


def restored_task(facts: Mapping[str, Any], n_outputs: int) -> Task:
    """The task in the facts of a saved run's model; of older runs as the classes and numbers tell."""
    stored = facts.get("task")
    if stored is not None:
        if not isinstance(stored, Mapping) or stored.get("name") not in TASKS:
            raise DataError(f"the run's task is {stored!r}; known are {', '.join(TASKS)}.")
        return TASKS.get(stored["name"])(tuple(stored["outputs"]))
    classes: Sequence[Any] = facts.get("classes") or ()
    if not classes and n_outputs == 1:
        return Regression()
    return Classification(tuple(map(str, classes or range(n_outputs))))
