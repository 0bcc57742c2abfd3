"""The errors of xaikit, one tree.

    XaikitError
    ├── InvalidInput (ValueError)        a value breaks a rule; the text names both and the way out
    │   ├── DataError                    a file, row, column or label cannot be used
    │   └── ModelError                   a model or a saved model folder cannot be used
    ├── NotApplicable (TypeError)        this method has no meaning for this model; says what does
    ├── UnknownName (KeyError)           nothing of that name is registered; says what is near
    ├── TrainingFailed (RuntimeError)    the loss turned NaN, or nothing was learned
    ├── OutOfBudget (RuntimeError)       a budget, time limit or memory cap is too small for the work
    └── CheckFailed (ArithmeticError)    a computed number fails its own identity check

Each also derives from the builtin in brackets, so that code which knows nothing of xaikit can catch it.
"""

from __future__ import annotations

__all__ = [
    "CheckFailed",
    "DataError",
    "InvalidInput",
    "ModelError",
    "NotApplicable",
    "OutOfBudget",
    "TrainingFailed",
    "UnknownName",
    "XaikitError",
]


class XaikitError(Exception):
    """Every error that xaikit raises on purpose."""


class InvalidInput(XaikitError, ValueError):
    """A value breaks a rule."""


class DataError(InvalidInput):
    """A file, row, column or label cannot be used."""


class ModelError(InvalidInput):
    """A model or a saved model folder cannot be used."""


class NotApplicable(XaikitError, TypeError):
    """A method has no meaning for this model or sample."""


class UnknownName(XaikitError, KeyError):
    """Nothing of that name is registered."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""  # KeyError would print the repr


class TrainingFailed(XaikitError, RuntimeError):
    """Training cannot go on."""


class OutOfBudget(XaikitError, RuntimeError):
    """A budget, time limit or memory cap is too small for the work."""


class CheckFailed(XaikitError, ArithmeticError):
    """A computed number fails its own identity check."""
