"""The errors of xaikit, one tree.

    XaikitError
    ├── InvalidInput (ValueError)        a value breaks a rule; the text names both and the way out
    │   ├── DataError                    a file, row, column or label cannot be used
    │   └── ModelError                   a model or a saved model folder cannot be used
    ├── NotApplicable (TypeError)        this method has no meaning for this model; says what does
    ├── UnknownName (KeyError)           nothing of that name is registered; says what is near
    ├── NothingFound (LookupError)       a search ended without an answer; says how far it looked
    ├── TrainingFailed (RuntimeError)    the loss turned NaN, or nothing was learned
    ├── OutOfBudget (RuntimeError)       a budget, time limit or memory cap is too small for the work
    ├── CheckFailed (ArithmeticError)    a computed number fails its own identity check
    └── ForeignError (RuntimeError)      code of others (a model, method or metric) raised; the cause is kept

Each also derives from the builtin in brackets, so that code which knows nothing of xaikit can catch it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from textwrap import shorten

__all__ = [
    "CheckFailed",
    "DataError",
    "ForeignError",
    "InvalidInput",
    "ModelError",
    "NotApplicable",
    "NothingFound",
    "OutOfBudget",
    "TrainingFailed",
    "UnknownName",
    "XaikitError",
    "foreign",
]


LONGEST = 300  # letters of what code of others says


class XaikitError(Exception):
    """Every error that xaikit raises on purpose.

    >>> xaikit.load_data("digts")
    Traceback (most recent call last):
    xaikit.core.errors.UnknownName: no dataset is called 'digts'; did you mean 'digits' or 'diabetes' or 'dates'?
    """


class InvalidInput(XaikitError, ValueError):
    """A value breaks a rule."""


class DataError(InvalidInput):
    """A file, row, column or label cannot be used."""


class ModelError(InvalidInput):
    """A model or a saved model folder cannot be used."""


class NotApplicable(XaikitError, TypeError):
    """A method has no meaning for this model or sample."""


class NothingFound(XaikitError, LookupError):
    """A search ended without an answer."""


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


class ForeignError(XaikitError, RuntimeError):
    """Code that xaikit calls and did not write raised something of its own."""

    @classmethod
    def named(cls, who: str, error: Exception) -> ForeignError:
        """What `who` raised, in one sentence."""
        text = shorten(str(error), LONGEST, placeholder=" ...") or "no reason given"
        return cls(f"{who} raised {type(error).__name__} ({text}); mend it there or leave it out.")


@contextmanager
def foreign(who: str) -> Iterator[None]:
    """The door to code of others: what it raises comes out as a `ForeignError` that names it.

    who : for example "model 'yours' on sample 's3'"
    """
    try:
        yield
    except XaikitError:
        raise
    except Exception as error:  # any class may come; it is named here and kept as the cause
        raise ForeignError.named(who, error) from error
