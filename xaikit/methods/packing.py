"""Small requests of several questions, put together into full passes."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from functools import partial
from typing import Any, Protocol, runtime_checkable

import numpy as np

from xaikit.core.batching import worked
from xaikit.core.errors import foreign
from xaikit.core.question import Question
from xaikit.core.types import Bools, Floats
from xaikit.core.words import between

__all__ = ["Packable", "prefetch", "share_empty", "values_of"]


@runtime_checkable
class Packable(Protocol):
    """Bound scores that can share a pass with those of other questions of the model.

    alike : questions with equal `alike` fit into one pass
    """

    alike: Hashable

    def __call__(self, masks: Bools, rows: slice) -> Floats: ...

    def together(self, others: Sequence[Packable], masks: Sequence[Bools]) -> list[Floats]:
        """Scores (m, k, K) of the masks of each, in one pass."""
        ...


def prefetch(questions: Sequence[Question], masks: Sequence[Bools | None]) -> None:
    """Evaluate the masks of each question in shared passes and put the values into their caches.

    Does nothing for questions without a cache, or whose own masks fill a pass.
    """
    groups: dict[Hashable, list[tuple[Question, Bools]]] = {}
    for question, own in zip(questions, masks, strict=True):
        bound = _whole(question)
        if own is None or question.cache is None or not isinstance(bound, Packable):
            continue
        unseen = question.cache.unseen(own, question.target)
        if 0 < len(unseen) * question.n_references < question.per_pass.rows:
            alike = id(question.model), bound.alike, question.n_references
            groups.setdefault(alike, []).append((question, unseen))
    for group in groups.values():
        while len(group) > 1:
            per_pass = group[0][0].per_pass
            group = group[worked(per_pass, _rows(group), partial(_pass, group)) :]


def values_of(questions: Sequence[Question], masks: Bools) -> Floats:
    """Values (B, m) of masks (B, m, n), those of each question, in shared passes where they are few."""
    prefetch(questions, masks)  # type: ignore[arg-type] # an array of B is a sequence of B
    return np.stack([question.value(own) for question, own in zip(questions, masks, strict=True)])


def _whole(question: Question) -> Any:
    """Its scores by whole passes: some questions of a group may have shortcuts, and others none."""
    return getattr(question.bound, "full", question.bound)


def share_empty(questions: Sequence[Question]) -> None:
    """With everything removed, samples that share their references, and what stands between
    words, are one and the same input."""
    groups: dict[Hashable, list[Question]] = {}
    for question in questions:
        references = question.masker.references
        whole = question.segmentation.ids.min() >= 0 and not question.masker.drops
        if question.cache is not None and whole:
            digest = hashlib.sha256(references.tobytes()).digest()
            key = (references.shape, str(references.dtype), digest, between(question.sample.x))
            groups.setdefault(key, []).append(question)
    for group in groups.values():
        if len(group) > 1:
            nothing = np.zeros((1, group[0].n_features), dtype=bool)
            (scores,) = group[0].scores(nothing)
            for question in group:
                question.set_empty(scores)


def _rows(group: Sequence[tuple[Question, Bools]]) -> int:
    return sum(len(masks) * question.n_references for question, masks in group)


def _pass(group: Sequence[tuple[Question, Bools]], rows: int) -> int:
    """Questions answered: as many as fit, at least one."""
    ends = np.cumsum([len(masks) * question.n_references for question, masks in group])
    n = max(1, int(np.searchsorted(ends, rows, side="right")))
    questions, masks = zip(*group[:n], strict=True)
    bounds = [_whole(question) for question in questions]
    with foreign(f"model '{questions[0].model.id}' on {n} sample(s)"):
        found = bounds[0].together(bounds, masks)
    for question, own, scores in zip(questions, masks, found, strict=True):
        question.store(own, scores)
    return n
