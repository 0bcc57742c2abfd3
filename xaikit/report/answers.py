"""What a task draws of its answer beside the case: a forecast, a reconstruction.

One function a task or a modality, by its name, gives what `answer_<kind>.html.j2` draws; a task that has none shows its
numbers as every task does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xaikit.core.types import Floats
from xaikit.report.answers_pictures import detection, segmentation
from xaikit.report.answers_sounds import played
from xaikit.report.answers_stills import generation
from xaikit.report.answers_texts import alignment
from xaikit.report.case import Case
from xaikit.report.formats import amount

__all__ = ["ANSWERS", "answer_drawn"]

PAST = 3  # horizons of the past that are drawn before a forecast
MOST_ERRORS = 5
MOST_CAUSES = 3
LEAST = 0.15  # of the evidence for it, that a cause has


def answer_drawn(mine: Case) -> dict[str, Any] | None:
    """What the task draws of one case."""
    drawn = ANSWERS.get(mine.findings.task.name) or ANSWERS.get(mine.sample.modality)
    return None if drawn is None else drawn(mine)


def forecast(mine: Case) -> dict[str, Any] | None:
    """The last steps of the explained channel, what is forecast, and what came."""
    task: Any = mine.findings.task
    wanted = 0 if mine.lead is None else mine.lead.target.index
    h, channels = task.horizon, task.channels
    at = wanted // h if wanted < task.width else wanted - task.width
    steps = slice(at * h, (at + 1) * h)
    ahead = mine.findings.run.predictions[mine.index][steps]
    label = mine.sample.label
    true = None if label is None else task.truth(label)[steps]
    columns = mine.findings.columns
    past = (
        mine.sample.x[-PAST * h :, columns.index(channels[at])].astype(np.float64)
        if channels[at] in columns
        else np.zeros(0)
    )
    last = past[-1:]  # the lines begin where the past ends
    later = {"ahead": ahead} if true is None else {"ahead": ahead, "true": true}
    every = np.concatenate([past, *later.values()])
    low, high = float(every.min()), float(every.max())
    n, start = len(past) + h, len(past)
    drawn = {
        name: _path(np.concatenate([last, line]), start - len(last), n, low, high)
        for name, line in later.items()
    }
    if len(past):
        drawn["past"] = _path(past, 0, n, low, high)
    return {
        "kind": "forecast",
        "channel": channels[at],
        "low": amount(low),
        "high": amount(high),
        "cut": f"{100 * start / n:.2f}",
        "step": f"{100 * (start + wanted % h + 0.5) / n:.2f}" if wanted < task.width else "",
        "paths": drawn,
        "off": "" if true is None else amount(float(np.abs(ahead - true).mean())),
        "change": "" if true is None else amount(float(np.abs(true - true.mean()).mean())),
    }


def reconstruction(mine: Case) -> dict[str, Any] | None:
    """The places with the largest errors, as shares of all."""
    task = mine.findings.task
    errors = mine.findings.run.predictions[mine.index][1:]
    if len(errors) == 0 or not errors.sum() > 0:
        return None
    shares = errors / errors.sum()
    order = np.argsort(-shares, kind="stable")[:MOST_ERRORS]
    names = task.outputs[1:]
    return {
        "kind": "reconstruction",
        "rows": [
            {
                "name": names[i].removeprefix("error of "),
                "width": f"{100 * shares[i]:.1f}",
                "text": amount(float(errors[i])) if i == order[0] else "",
            }
            for i in order
        ],
    }


def because(mine: Case) -> dict[str, Any] | None:
    """The places of the input that speak most for what is explained, in their order."""
    e = mine.lead
    if e is None or not (e.values > 0).any():
        return None
    shares = e.values.clip(min=0) / e.values.clip(min=0).sum()
    strong = [i for i in np.argsort(-shares, kind="stable")[:MOST_CAUSES] if shares[i] >= LEAST]
    names = ", ".join(e.names[i] for i in sorted(strong))
    task = mine.findings.task
    told = {"name": task.outputs[e.target.index], "names": names, "task": task.name}
    return {"kind": "because", **told} if strong else None


def _path(line: Floats, start: int, n: int, low: float, high: float) -> str:
    """Steps start, start + 1, ... of n on a 100 x 100 plot."""
    height = (line - low) / (high - low) if high > low else np.full(len(line), 0.5)
    x = 100 * (start + np.arange(len(line)) + 0.5) / n
    return "M" + "L".join(f"{a:.2f} {96 - 92 * b:.1f}" for a, b in zip(x, height, strict=True))


ANSWERS: dict[str, Callable[[Case], dict[str, Any] | None]] = {
    "audio": played,
    "detection": detection,
    "forecasting": forecast,
    "generation": generation,
    "next_word": because,
    "recommendation": because,
    "reconstruction": reconstruction,
    "segmentation": segmentation,
    "sequence_to_sequence": alignment,
}
