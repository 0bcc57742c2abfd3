"""What speaks for each token of an output, beside what the model looked at when it said it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from xaikit.core.abilities import CrossAttentive
from xaikit.core.cache import Cache
from xaikit.core.question import Meter, Question
from xaikit.methods import make_method
from xaikit.methods.base import ask
from xaikit.tasks import task_of

__all__ = ["alignment_of"]


def alignment_of(question: Question, seed: int) -> dict[str, Any]:
    """SHAP values of each token that was said, (n, features), and the attention weights of those that can be
    seen; {} of a task whose answer has no parts. The tokens share their passes."""
    model = question.model
    parts = task_of(model).parts(getattr(model, "found", None))
    if not parts:
        return {}
    cache, cut = Cache(parts), question.segmentation
    asked = [replace(question, target=part, cache=cache, meter=Meter()) for part in parts]
    each = [ask(make_method("shap"), [q], seed=seed)[0].values for q in asked]
    found: dict[str, Any] = {"values": [values.round(4).tolist() for values in each]}
    if isinstance(model, CrossAttentive):
        rows = model.cross_attention(question.sample.x, [part.index for part in parts])
        found["attention"] = [cut.pool(row, "sum").round(4).tolist() for row in rows]
    return found
