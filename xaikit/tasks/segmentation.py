"""Segmentation: the class of every pixel, each found region a number that can be explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import InvalidInput
from xaikit.core.stats import bootstrap_interval
from xaikit.core.types import Bools, Floats, Ints, Label, Sample, Space, Target
from xaikit.tasks.arrays import exp, joined, log, no_probabilities, plain, top
from xaikit.tasks.base import TASKS
from xaikit.tasks.classification import MultiLabel

__all__ = ["Regions", "Segmentation"]

NEAREST = 0.01  # share of the picture that stands for a region that was not found
N_LEVELS = 33  # brightnesses that are tried as a threshold


@dataclass(frozen=True, eq=False)
class Regions:
    """Where the numbers of a segmentation are read.

    at : (K, h, w) the region of each class, in the places of the net's answer
    there : (K,) whether the class was found; the region of another is where it came nearest
    classes : (h, w) the class of each place
    """

    at: Bools
    there: Bools
    classes: Ints


@TASKS.register("segmentation")
@dataclass(frozen=True)
class Segmentation(MultiLabel):
    """How sure a net is of the region of each class that it found in the whole picture.

    The number of a class is its log-odds against all others, a mean over the pixels of that region: the
    summed logit of Seg-Grad-CAM (Vinogradova et al. 2020, eq. 1) by pixel. A net gives (B, K, H, W) logits,
    of two classes also (B, 1, H, W) of the second; the first class is the ground. A sample's label is an array (H, W) of class indices.
    """

    name: ClassVar[str] = "segmentation"
    noun: ClassVar[str] = "class"
    reads: ClassVar[bool] = True
    finds: ClassVar[bool] = True
    removals: ClassVar[tuple[str, ...]] = ("blur",)

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.outputs) < 2:
            raise InvalidInput(
                f"a segmentation has the one class '{self.outputs[0]}'; name the ground too, first."
            )

    @classmethod
    def of(cls, names: Sequence[str], shape: tuple[int, ...]) -> Segmentation:
        """names : of the classes, the ground first; shape : (K, H, W)"""
        n = max(2, shape[0]) if len(shape) == 3 else 0
        known = tuple(names) or ("ground", *(f"class {k}" for k in range(1, n)))
        if n != len(known):
            raise InvalidInput(
                f"a net that segments {len(known)} classes gives ({len(known)}, H, W) logits a picture, and "
                f"this one {shape}; name as many classes as it has, the ground first (of one logit a pixel two)."
            )
        return cls(known)

    @classmethod
    def check(cls, raw: Any) -> None:
        no_probabilities(raw, "segments")

    def target(self, index: int, space: Space) -> Target:
        del space
        return Target(index, space="logit", independent=True)

    def default(self, scores: Floats) -> Ints:
        """The surest class beside the ground."""
        return 1 + np.asarray(np.argmax(scores[:, 1:], axis=1))

    def runner_up(self, scores: Floats, target: Target) -> Target | None:
        """The surest other class beside the ground."""
        blind = scores.copy()
        blind[0] = -np.inf
        other = super().runner_up(blind, target)
        return other if other is not None and other.index > 0 else None

    def found(self, raw: Any, given: Any) -> Regions:
        """Of the largest class at each place; of one that is nowhere, the places where it comes nearest."""
        del given
        logits = plain(_both(raw))[0].astype(np.float64)  # (K, h, w)
        classes = logits.argmax(axis=0)
        at = classes == np.arange(len(logits))[:, None, None]
        there = at.any(axis=(1, 2))
        for k in np.flatnonzero(~there):
            behind = logits[k] - np.delete(logits, k, axis=0).max(axis=0)
            n = max(1, round(NEAREST * behind.size))
            at[k] = behind >= np.sort(behind, axis=None)[-n]
        return Regions(at, there, classes)

    def placed(self, where: Any, raw: Any, given: Any) -> Regions:
        """Every class is read in a drawn region, a mask (H, W) of the picture."""
        found = self.found(raw, given)
        mask, sides = np.asarray(where), np.shape(given)[1:]  # channels are last or first
        if mask.ndim != 2 or mask.dtype != bool or not mask.any():
            raise InvalidInput(
                f"at is a {type(where).__name__}; give a region as an array (H, W) of bools that holds a place."
            )
        if sides and mask.shape not in (sides[:2], sides[1:]):
            raise InvalidInput(
                f"at is a region of {mask.shape} and the picture has {sides}; draw it on the picture."
            )
        small = _resized(mask, found.classes.shape)
        if not small.any():
            raise InvalidInput(
                f"the region of {int(mask.sum())} px falls between the {small.shape} places of the net's answer; "
                "draw a larger one."
            )
        k = len(self.outputs)
        return Regions(np.tile(small, (k, 1, 1)), np.ones(k, dtype=bool), found.classes)

    def scores(self, raw: Any, given: Any, found: Regions | None = None) -> Any:
        """(B, K, h, w) logits -> (B, K) mean log-odds over the region of each class; without `found` over each
        picture's own."""
        if found is None:
            own = [self.found(raw[i : i + 1], given) for i in range(len(raw))]
            rows = [self.scores(raw[i : i + 1], given, one) for i, one in enumerate(own)]
            return joined(rows, 0)
        raw, columns = _both(raw), []
        for k in range(len(self.outputs)):
            inside = raw[:, :, found.at[k]]  # (B, K, pixels)
            others = inside[:, [j for j in range(len(self.outputs)) if j != k]]
            most = top(others, 1)
            rest = most + log(exp(others - most[:, None]).sum(1))
            columns.append((inside[:, k] - rest).mean(1))
        return joined([column[:, None] for column in columns], 1)

    def truth(self, label: Any) -> Floats:
        """Which classes are there."""
        row: Floats = np.isin(np.arange(len(self.outputs)), self.true_classes(label)).astype(
            np.float64
        )
        return row

    def true_classes(self, label: Any) -> Ints:
        """(H, W) class indices; `InvalidInput` for another label."""
        k = len(self.outputs)
        fits = isinstance(label, np.ndarray) and label.ndim == 2 and label.dtype.kind in "biu"
        if not fits or label.min() < 0 or label.max() >= k:
            raise InvalidInput(
                f"the label {str(label)[:60]} is no class of each pixel; give an array (H, W) of whole numbers "
                f"from 0 to {k - 1}."
            )
        return np.asarray(label, dtype=np.int64)

    def measured(self, model: Any, samples: Sequence[Sample]) -> dict[str, Any]:
        """dice, the mean over the classes beside the ground of the mean Dice of the pictures that hold them, with
        its 95 % interval over pictures; dice_each of the classes; clean, the share of pictures without any of
        them in which none is found"""
        return self.measures_of(
            [model.about(s.x).found.classes for s in samples], [s.label for s in samples]
        )

    def measures_of(self, found: Sequence[Ints], labels: Sequence[Label]) -> dict[str, Any]:
        """Of found classes (h, w), an array a picture."""
        truth = [self.true_classes(label) for label in labels]
        answers = [_resized(f, t.shape) for f, t in zip(found, truth, strict=True)]
        each = [
            [_dice(a == k, t == k) for a, t in zip(answers, truth, strict=True) if (t == k).any()]
            for k in range(1, len(self.outputs))
        ]
        held = [dices for dices in each if dices]
        free = [not a.any() for a, t in zip(answers, truth, strict=True) if not t.any()]
        return {
            "dice": float(np.mean([np.mean(dices) for dices in held])) if held else None,
            "dice_each": [float(np.mean(dices)) if dices else None for dices in each],
            "interval": _interval(held),
            "clean": float(np.mean(free)) if free else None,
            "n": len(truth),
        }

    def quality(self, measures: Mapping[str, Any]) -> dict[str, Any] | None:
        if measures.get("dice") is None:
            return None
        shown = {"metric": "dice", "value": measures["dice"], "n": measures["n"]}
        return {**shown, "interval": measures.get("interval")}

    def baseline(self, train: Sequence[Sample], test: Sequence[Sample]) -> dict[str, Any]:
        """The better of one class everywhere, and of the threshold of brightness that is best on the training
        pictures, above or below of which everything is of one class."""
        classes = np.concatenate([self.true_classes(s.label).ravel() for s in train])
        most = 1 + int(np.bincount(classes, minlength=len(self.outputs))[1:].argmax())
        all_one = self._cut(test, -np.inf, 1.0, most)
        levels = np.linspace(0, 1, N_LEVELS)
        cuts = [
            (self._cut(train, level, sign, most), level, sign)
            for level in levels
            for sign in (1.0, -1.0)
        ]
        _, level, sign = max(cuts)
        threshold = self._cut(test, level, sign, most)
        says = "threshold" if threshold > all_one else "all_one"
        return {"says": says, "value": max(threshold, all_one)}

    def _cut(self, samples: Sequence[Sample], level: float, sign: float, most: int) -> float:
        """Mean Dice where everything brighter (or darker) is of one class."""
        found = [np.where(sign * s.x.mean(axis=2) > sign * level, most, 0) for s in samples]
        return float(self.measures_of(found, [s.label for s in samples])["dice"] or 0.0)

    def drawn(self, found: Regions, index: int) -> dict[str, Any]:
        """The class of each place and the region that is explained, as runs row by row."""
        return {
            "shape": list(found.classes.shape),
            "classes": _runs(found.classes),
            "at": _runs(found.at[index].astype(np.int64)),
        }


def _both(raw: Any) -> Any:
    """(B, 1, h, w) logits of the second of two classes -> (B, 2, h, w)."""
    return raw if raw.shape[1] > 1 else joined((0 * raw, raw), 1)


def _runs(values: Ints) -> list[list[int]]:
    """Values, and how often each comes in a row."""
    flat = values.ravel()
    starts = np.flatnonzero(np.diff(flat, prepend=flat[0] - 1))
    lengths = np.diff(np.append(starts, len(flat)))
    return [flat[starts].tolist(), lengths.tolist()]


def _dice(found: Bools, true: Bools) -> float:
    return 2 * float((found & true).sum()) / float(found.sum() + true.sum())


def _interval(each: Sequence[Sequence[float]]) -> list[float] | None:
    """Of the mean of the classes' means: every picture counts as its class does."""
    n = sum(map(len, each))
    if not n:
        return None
    bounds = bootstrap_interval([d * n / (len(dices) * len(each)) for dices in each for d in dices])
    return None if bounds is None else list(bounds)


def _resized(array: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """With the nearest value for each place of another shape."""
    rows, columns = (
        ((np.arange(n) + 0.5) * m / n).astype(np.int64)
        for n, m in zip(shape, array.shape, strict=True)
    )
    return array[np.ix_(rows, columns)]
