"""What goes wrong inside a study: kept with its reason, while the other samples go on."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType

from xaikit.core.errors import ForeignError, NotApplicable, XaikitError
from xaikit.study.run import Failure

__all__ = ["EVERY", "recorded"]

EVERY = ""
"""The method of a failure that keeps every method from a sample."""


@dataclass(frozen=True)
class recorded:
    """Inside, whatever fails in code of xaikit or of others becomes a failure of that name."""

    failures: list[Failure]
    method: str
    model_id: str
    sample_id: str = ""

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: object, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        if not isinstance(error, XaikitError):
            who = f"'{self.method}'" if self.method else f"model '{self.model_id}'"
            error = ForeignError.named(who, error)
        self.failures.append(
            Failure(
                self.method,
                self.model_id,
                str(error),
                "not_applicable" if isinstance(error, NotApplicable) else "error",
                self.sample_id,
            )
        )
        return True
