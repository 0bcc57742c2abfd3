"""Which explanation can be believed here: gates, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Gate", "Status", "Verdict"]

Status = Literal["faithful", "unsettled", "failed", "control", "not_tested"]


@dataclass(frozen=True)
class Gate:
    """One check that an explanation method must pass.

    name : "beats_random", "beats_trivial", "depends_on_model", "depends_on_class", "adds_up" or
        "repeats"
    passed : True, False, or None when the evidence does not settle it (the interval crosses the
        limit, too few samples, not measured)
    value, interval, limit : what was measured, its 95 % interval, and what is needed
    direction : "higher" when value must be at least the limit, "lower" when at most
    sentence : the finding for people, for example "Two runs agree 0.26; 0.80 is needed."
    """

    name: str
    passed: bool | None
    value: float | None
    limit: float
    direction: Literal["higher", "lower"]
    sentence: str
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Verdict:
    """What the gates say of one method in one run."""

    method: str
    status: Status
    reason: str
    gates: tuple[Gate, ...] = ()

    def gate(self, name: str) -> Gate | None:
        """The gate of that name, or None when it was not asked of this method."""
        return next((g for g in self.gates if g.name == name), None)
