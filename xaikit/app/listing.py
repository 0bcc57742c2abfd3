"""What there is: methods, models, data sets, metrics, modalities and tasks, as rows for the terminal and the docs."""

from __future__ import annotations

import os

from xaikit.core.errors import InvalidInput

__all__ = ["listing"]

Rows = tuple[list[str], list[list[str]]]


def listing(what: str, model: str | None = None) -> Rows:
    """Column heads and rows of one kind of thing.

    With `model`, a saved model folder, the methods say whether they apply to it: "yes", or "no"
    and the reason.
    """
    if what not in KINDS:
        raise InvalidInput(f"'{what}' cannot be listed; use one of {', '.join(KINDS)}.")
    if model is None:
        return KINDS[what]()
    if what != "methods":
        raise InvalidInput(f"--model goes with `list methods`, not with `list {what}`.")
    return _support(model)


def _methods() -> Rows:
    from xaikit.methods import METHODS

    cards = [(name, METHODS.get(name).card) for name in METHODS]
    return ["name", "what it asks", "where it misleads", "source"], [
        [name, card.asks, card.misleads, card.paper] for name, card in cards
    ]


def _support(folder: str) -> Rows:
    from xaikit.app.brought import HUGGINGFACE
    from xaikit.methods.base import applicable
    from xaikit.models import load_model

    if not os.path.isdir(folder) and not folder.startswith(HUGGINGFACE):
        raise InvalidInput(f"no model folder '{folder}'; train one with `xaikit train`.")
    found = applicable(load_model(folder))
    return ["method", "applies", "why not"], [
        [name, "yes" if reason is None else "no", reason or ""] for name, reason in found.items()
    ]


def _models() -> Rows:
    from xaikit.models import models

    return ["name", "family", "reads", "what it is"], [
        [card.name, card.family, ", ".join(card.modalities), card.summary] for card in models()
    ]


def _datasets() -> Rows:
    from xaikit.data import DATASETS

    return ["name", "what it is"], [
        [name, (DATASETS.get(name).__doc__ or "").strip().split("\n")[0]] for name in DATASETS
    ]


def _metrics() -> Rows:
    from xaikit.metrics import METRICS

    metrics = [(name, METRICS.get(name)) for name in METRICS]
    return ["name", "family", "better", "what it means"], [
        [name, main.family, main.direction, main.means]
        for name, main in ((name, metric.measures[0]) for name, metric in metrics)
    ]


def _modalities() -> Rows:
    from xaikit.modalities import MODALITIES

    kinds = [MODALITIES.get(name) for name in MODALITIES]
    return ["name", "a sample is", "its features", "removed ones are replaced by"], [
        [
            k.name,
            f"({', '.join(k.axes)})",
            ", ".join(k.segmenters),
            ", ".join((*k.maskers, *k.given)),
        ]
        for k in kinds
    ]


def _tasks() -> Rows:
    from xaikit.tasks import TASKS

    return ["name", "an output is a", "what its numbers mean"], [
        [name, TASKS.get(name).noun, (TASKS.get(name).__doc__ or "").strip().split("\n")[0]]
        for name in TASKS
    ]


KINDS = {
    "methods": _methods,
    "models": _models,
    "datasets": _datasets,
    "metrics": _metrics,
    "modalities": _modalities,
    "tasks": _tasks,
}
