"""What a model gives: found out on several rows, and turned into scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from textwrap import shorten
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from xaikit.core.errors import InvalidInput, ModelError
from xaikit.core.types import Floats, Space
from xaikit.tasks import Classification, MultiLabel, Regression, Task

__all__ = [
    "SPACES",
    "Outputs",
    "Part",
    "check_outputs",
    "decoded",
    "flat",
    "part_of",
    "recognised",
    "task_for",
    "tensor_in",
]

Outputs = Literal[
    "logits",
    "probabilities",
    "log_probabilities",
    "multilabel_logits",
    "multilabel_probabilities",
    "values",
]
Part = str | int | None  # of what a module gives: a key, a name or a place
SPACES: dict[Outputs, Space] = {
    "logits": "logit",
    "probabilities": "prob",
    "log_probabilities": "logit",
    "multilabel_logits": "logit",
    "multilabel_probabilities": "prob",
    "values": "value",
}
_LEAST = 1e-12  # a probability of 0 has no logarithm
_ROUNDED = 1e-3  # probabilities that were rounded to three digits, or computed in 16 bits,
_MOST_ROUNDED = 1e-2  # of which the errors of many classes add up


def check_outputs(
    outputs: Outputs | None, classes: tuple[str, ...], names: tuple[str, ...], alone: bool = True
) -> None:
    """`InvalidInput` when the words do not fit each other.

    alone : whether a class alone says nothing
    """
    if outputs is not None and outputs not in SPACES:
        raise InvalidInput(f"outputs is '{outputs}'; use {', '.join(get_args(Outputs))}.")
    if outputs is not None and (outputs == "values") == bool(classes):
        raise InvalidInput(
            f"outputs is '{outputs}' with {len(classes)} classes; name the classes or labels of "
            "logits and probabilities, and none for values."
        )
    if classes and names:
        raise InvalidInput("names are for the values of a regressor; leave them out with classes.")
    if len(classes) == 1 and alone and not (outputs or "").startswith("multilabel"):
        raise InvalidInput(
            f"'{classes[0]}' alone is no choice; name two classes or more, or say "
            "outputs='multilabel_logits' (or multilabel_probabilities) for a label that holds or not."
        )


def task_for(outputs: Outputs, classes: tuple[str, ...], names: tuple[str, ...], n: int) -> Task:
    """What n scores mean; unnamed values are numbered."""
    if outputs != "values":
        return (MultiLabel if outputs.startswith("multilabel") else Classification)(classes)
    numbered = tuple(f"output {i}" for i in range(n)) if n > 1 else ("value",)
    return Regression(names or numbered)


def recognised(
    found: Floats,
    given: Outputs | None,
    classes: tuple[str, ...],
    id: str,
    louder: Callable[[], Floats | None] = lambda: None,
) -> tuple[Outputs, str]:
    """What the numbers (B, K), (B, 1) or (B,) of several rows are, and how that was found out.

    `ModelError` when they can be two things, or are not what was `given`.

    louder : the numbers of a module whose last layer gives a thousand times as much, or None where
        that cannot be had: what leaves [0, 1] then is no probability, and was inside by chance
    """
    rows = found[:, None] if found.ndim == 1 else found
    if given is not None:
        _require(rows, given, id)
        return given, ""
    inside, sums = _inside(rows), _sums_to_one(rows)
    if not classes:
        if inside and sums and rows.shape[1] > 1:
            raise ModelError(
                f"'{id}' gave {rows.shape[1]} numbers from 0 to 1 that sum to 1 and no class is named; "
                "give classes=, or say outputs='values' if they are no probabilities."
            )
        return "values", ""
    if inside and sums:
        return "probabilities", "the rows are from 0 to 1 and sum to 1: taken as probabilities"
    if inside and rows.any() and not _leaves(louder()):
        raise _ambiguous(rows, id)
    if rows.shape[1] == 1:
        return "logits", f"one number a row: taken as the logit of '{classes[-1]}'"
    if not rows.any():
        return "logits", "every number is 0 on the inputs tried: taken as logits"
    if _logarithms(rows):
        return (
            "log_probabilities",
            "the exponentials of the rows sum to 1: taken as log-probabilities",
        )
    return "logits", ""


def _logarithms(rows: Floats) -> bool:
    with np.errstate(over="ignore"):
        return bool((rows <= _ROUNDED).all()) and _sums_to_one(np.exp(rows))


def _inside(rows: Floats) -> bool:
    return bool(((rows >= -_ROUNDED) & (rows <= 1 + _ROUNDED)).all())


def _leaves(rows: Floats | None) -> bool:
    """Whether any number is no probability; NaN, as of an overflow, says nothing."""
    return rows is not None and bool(((rows < -_ROUNDED) | (rows > 1 + _ROUNDED)).any())


def _sums_to_one(rows: Floats) -> bool:
    off = min(_ROUNDED * np.sqrt(rows.shape[1]), _MOST_ROUNDED)
    return bool((np.abs(rows.sum(axis=1) - 1) <= off).all())


def _ambiguous(rows: Floats, id: str) -> ModelError:
    if rows.shape[1] == 1:
        return ModelError(
            f"'{id}' gave one number a row, from {rows.min():.4g} to {rows.max():.4g}, which can be a "
            "probability or a logit of the second class; say outputs='probabilities' or 'logits'."
        )
    sums = rows.sum(axis=1)
    return ModelError(
        f"'{id}' gave numbers from 0 to 1 whose rows sum to {sums.min():.4g} to {sums.max():.4g}, so "
        "they are no probabilities of one class; say outputs='multilabel_probabilities' for labels "
        "that hold independently, or 'logits' for scores of one class."
    )


def _require(rows: Floats, given: Outputs, id: str) -> None:
    if given in ("probabilities", "multilabel_probabilities") and not _inside(rows):
        raise ModelError(
            f"'{id}' gave numbers from {rows.min():.4g} to {rows.max():.4g}, which are no "
            f"probabilities; leave out outputs='{given}', or name what they are."
        )
    one = rows.shape[1] == 1
    if given == "probabilities" and not one and not _sums_to_one(rows):
        raise ModelError(
            f"'{id}' gave probabilities that sum to {rows[0].sum():.4g}; give probabilities of which "
            "one class holds, or say outputs='logits' or 'multilabel_probabilities'."
        )
    if given == "log_probabilities" and not (_logarithms(rows) or (one and (rows <= 0).all())):
        raise ModelError(
            f"'{id}' gave log-probabilities from {rows.min():.4g} to {rows.max():.4g} whose "
            "exponentials do not sum to 1; give logarithms of probabilities, or say outputs='logits'."
        )


def tensor_in(found: Any, part: Part = None) -> Tensor:
    """The scores in what a module gives: that part of it, or by itself a tensor or `logits`."""
    return getattr(found, "logits", found) if part is None else _parts(found)[part]  # type: ignore[no-any-return]


def flat(scores: Any) -> Any:
    """(B, K, 1, ..., 1) -> (B, K), of arrays and tensors alike."""
    while scores.ndim > 2 and scores.shape[-1] == 1:
        scores = scores[..., 0]
    return scores


def part_of(found: Any, rows: int, fitting: Sequence[tuple[int, ...]], wanted: Part = None) -> Part:
    """Which part of what a module gives for so many rows are the scores; None where it is all of it.

    The part that is `wanted`, `logits`, or else the first tensor with the batch in front, one of a
    `fitting` shape for one row before the others. `ModelError` when there is none.
    """
    parts = _parts(found)
    if wanted is not None and wanted not in parts:
        raise ModelError(
            f"output is {wanted!r} and the module gives {_told(found, parts)}; name one of these."
        )
    if wanted is None and isinstance(getattr(found, "logits", found), Tensor):
        part: Part = None
    elif wanted is not None or "logits" in parts:
        part = "logits" if wanted is None else wanted
    else:
        batched = [
            name
            for name, held in parts.items()
            if isinstance(held, Tensor) and held.ndim and held.shape[0] == rows
        ]
        fits = [name for name in batched if tuple(parts[name].shape[1:]) in fitting]
        if not batched:
            raise ModelError(
                f"the module gives {_told(found, parts)}; let it give one tensor of scores of shape (B, K), "
                "or an object with `logits`."
            )
        part = (fits or batched)[0]
    held = tensor_in(found, part)
    if not isinstance(held, Tensor) or not held.dtype.is_floating_point:
        kind = str(held.dtype) if isinstance(held, Tensor) else _told(held, _parts(held))
        raise ModelError(
            f"the module gives {kind}, and scores are floating-point numbers in a tensor; let it give these, "
            "or name the part that is by output=."
        )
    return part


def _parts(found: Any) -> dict[Any, Any]:
    """What a module gives, by key, place or name."""
    if isinstance(found, Mapping):
        return dict(found)
    if isinstance(found, (tuple, list)):
        named = getattr(found, "_fields", ())
        return {**dict(enumerate(found)), **dict(zip(named, found, strict=False))}
    return {} if isinstance(found, Tensor) else dict(getattr(found, "__dict__", {}))


def _told(found: Any, parts: Mapping[Any, Any]) -> str:
    held = ", ".join(
        f"{name!r} {tuple(v.shape) if isinstance(v, Tensor) else type(v).__name__}"
        for name, v in parts.items()
    )
    return f"a {type(found).__name__}" + (f" of {shorten(held, 200)}" if held else "")


def decoded(found: Tensor, outputs: Outputs, n_classes: int) -> Tensor:
    """What a model gives -> scores (B, K), differentiably.

    One column of two classes is about the second: the first then has the logit 0, or the rest of the
    probability. Probabilities become logarithms, those of independent labels their log-odds.
    """
    found = flat(found)
    if found.ndim == 1 and (outputs == "values" or n_classes <= 2):
        found = found[:, None]
    if outputs == "values":
        return found
    if outputs.startswith("multilabel"):
        return found if outputs == "multilabel_logits" else _log_odds(found)
    if outputs == "log_probabilities":
        found = torch.where(found.isneginf(), np.log(_LEAST), found)
    if found.ndim == 2 and found.shape[1] == 1 and n_classes == 2:
        found = _both(found, outputs)
    return found.clamp(min=_LEAST).log() if outputs == "probabilities" else found


def _both(second: Tensor, outputs: Outputs) -> Tensor:
    """(B, 1) of the second of two classes -> (B, 2)."""
    if outputs == "logits":
        first = torch.zeros_like(second)
    elif outputs == "probabilities":
        first = 1 - second
    else:
        first = (-torch.expm1(second)).clamp(min=_LEAST).log()
    return torch.cat([first, second], dim=1)


def _log_odds(p: Tensor) -> Tensor:
    most = 1 - torch.finfo(p.dtype).eps / 2  # the largest number below 1
    return p.clamp(min=_LEAST).log() - torch.log1p(-p.clamp(max=most))
