"""The one that comes next, of many: the item that is recommended, the word that follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from xaikit.core.stats import wilson
from xaikit.core.types import Floats, Label
from xaikit.tasks.base import TASKS
from xaikit.tasks.classification import Classification, share

__all__ = ["MOST_LISTED", "NextWord", "Recommendation"]

MOST_LISTED = 10  # items of a list of recommendations


@TASKS.register("recommendation")
@dataclass(frozen=True)
class Recommendation(Classification):
    """The item that is chosen next, by the items of the history in their order.

    outputs : the items. Scores (B, K) are one an item, of which the highest are recommended; a sample's
        label is the index of the item that came
    """

    name: ClassVar[str] = "recommendation"
    noun: ClassVar[str] = "item"
    cuts: ClassVar[tuple[str, ...]] = ("words",)
    removals: ClassVar[tuple[str, ...]] = ("mask",)

    def measures(self, scores: Floats, labels: Sequence[Label]) -> dict[str, Any]:
        """hit_1 and hit_10, the shares of samples whose item is the first, or one of the first ten, with the
        95 % interval of the second (`quality` has that of the first). Items of the same score stand before it."""
        index = np.array([int(self.truth(label).argmax()) for label in labels])
        own = scores[np.arange(len(index)), index]
        before = (scores >= own[:, None]).sum(axis=1) - 1
        first, listed = int((before < 1).sum()), int((before < MOST_LISTED).sum())
        n = len(labels)
        return {
            "hit_1": first / n,
            "hit_10": listed / n,
            "interval_10": list(wilson(listed, n)),
            "n": n,
            "correct": first,
        }

    def quality(self, measures: Mapping[str, Any]) -> dict[str, Any] | None:
        return share("hit_1", measures)


@TASKS.register("next_word")
@dataclass(frozen=True)
class NextWord(Classification):
    """The word that follows a text, of a vocabulary.

    outputs : the vocabulary. Scores (B, K) are log-probabilities or logits of the next word; a sample's
        label is the index of the word that came
    """

    name: ClassVar[str] = "next_word"
    noun: ClassVar[str] = "word"
    cuts: ClassVar[tuple[str, ...]] = ("words",)
    removals: ClassVar[tuple[str, ...]] = ("mask",)

    def measures(self, scores: Floats, labels: Sequence[Label]) -> dict[str, Any]:
        """accuracy with its counts, and bits, the mean of -log2 of what the word that came was given"""
        index = np.array([int(self.truth(label).argmax()) for label in labels])
        peak = scores.max(axis=1, keepdims=True)
        total = peak[:, 0] + np.log(np.exp(scores - peak).sum(axis=1))
        bits = float((total - scores[np.arange(len(index)), index]).mean() / np.log(2))
        return {**super().measures(scores, labels), "bits": bits}
