"""What `xaikit train` and `xaikit compress` do between their options and their last line."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from xaikit.core.errors import InvalidInput

__all__ = ["fitted_by", "remedies", "results", "tuning_told"]


def remedies(
    start: Path | None, freeze: bool, teacher: Path | None, temperature: float | None, device: str
) -> dict[str, Any]:
    """The options of `xaikit.train` that name other models."""
    from xaikit.models import load_model

    if freeze and start is None:
        raise InvalidInput("--freeze keeps the weights of a model; name it by --from.")
    if temperature is not None and teacher is None:
        raise InvalidInput(f"--temperature is {temperature} and belongs to --teacher; add it.")
    found: dict[str, Any] = {"freeze": True} if freeze else {}
    if start is not None:
        found["start"] = load_model(start, device=device)
    if teacher is not None:
        found["teacher"] = load_model(teacher, device=device)
        found |= {} if temperature is None else {"temperature": temperature}
    return found


def fitted_by(trials: int | None) -> Callable[..., Any]:
    """`xaikit.train`, after a search of so many trials where there is one."""
    if trials is None:
        from xaikit.models import train

        return train
    from xaikit.study.search import train_tuned

    return partial(train_tuned, trials=trials)


def results(metrics: dict[str, Any]) -> str:
    """The measures of a split in one line."""
    return ", ".join(f"{k} {v:.4g}" for k, v in metrics.items() if isinstance(v, (int, float)))


def tuning_told(info: Any) -> list[str]:
    """What a search found, and the model without it."""
    tuning = info.get("tuning")
    if tuning is None:
        return []
    chosen = ", ".join(
        f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in tuning["params"].items()
    )
    return [
        f"{tuning['trials']} trials chose {chosen or 'the settings that it has anyway'}",
        f"untuned · test: {results(tuning['untuned']['test'])}",
    ]
