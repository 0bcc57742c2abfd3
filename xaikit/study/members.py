"""What the members of an ensemble say, each by itself, of the questions that the ensemble was asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xaikit.core.abilities import Model
from xaikit.core.question import Question
from xaikit.core.types import Explanation
from xaikit.methods.base import Method
from xaikit.study.plan import Plan, explain_all, make_question
from xaikit.study.run import Failure

__all__ = ["said_by_members"]


def said_by_members(
    model: Model, questions: Sequence[Question], method: Method, seed: int, failures: list[Failure]
) -> dict[str, Any] | None:
    """The values (M, n) of each sample by the method, every member asked about the same output of the same
    features with the same references; None for a model without members."""
    members: Sequence[Model] = getattr(model, "members", ())
    if not members:
        return None
    said: dict[str, list[list[float]]] = {q.sample.id: [] for q in questions}
    for member in members:
        found, lost = explain_all([_asked(member, q) for q in questions], [method], seed, _silent)
        failures += lost
        _add(said, found)
    whole = {sample: rows for sample, rows in said.items() if len(rows) == len(members)}
    return {"names": [m.id for m in members], "method": method.name, "values": whole}


def _asked(member: Model, q: Question) -> Question:
    plan = Plan(target=q.target, features=q.segmentation, masker=q.masker)
    return make_question(member, q.sample, plan)


def _add(said: dict[str, list[list[float]]], found: Sequence[Explanation]) -> None:
    for e in found:
        said[e.sample_id].append(e.values.tolist())


def _silent(n: int) -> None:
    del n
