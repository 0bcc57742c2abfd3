"""Detection: which objects are in a picture and where, each box a number that can be explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import InvalidInput
from xaikit.core.types import Floats, Label, Sample, Space, Target
from xaikit.tasks.arrays import exp, like, log_odds, no_probabilities, plain, softmax, top
from xaikit.tasks.base import TASKS
from xaikit.tasks.boxes import iou, mean_ap, without_doubles
from xaikit.tasks.classification import MultiLabel

__all__ = ["Detection", "Objects"]

LEAST = 1e-6  # probability of what is not there
WEAK = 0.02  # boxes below are no candidates
SURE = 0.5  # boxes above are found


@dataclass(frozen=True, eq=False)
class Objects:
    """What a detector found in one picture.

    boxes : (n, 6) class, left, top, right, bottom, probability, the best first; candidates too
    at : (K, 4) the box that the number of each class is read at
    placed : (K,) whether there is such a box; a number without one is that of the class anywhere
    """

    boxes: Floats
    at: Floats
    placed: NDArray[np.bool_]


@TASKS.register("detection")
@dataclass(frozen=True)
class Detection(MultiLabel):
    """How probable an object of each class is in the box where the whole picture has it.

    The number of a class is the largest class probability x IoU with that box over all boxes that the
    masked picture gives (D-RISE: Petsiuk et al. 2021, eq. 3). A net gives (B, A, 5 + K) numbers: for each of
    A places left, top, right, bottom in px, the logit of an object, and K logits of its class. A function
    gives, for each picture, (boxes (n, 4), probabilities (n,), classes (n,)), or a dict of boxes, scores
    and labels as torchvision does. A sample's label is an array (n, 5) of class, left, top, right, bottom.
    """

    name: ClassVar[str] = "detection"
    noun: ClassVar[str] = "class"
    reads: ClassVar[bool] = True
    finds: ClassVar[bool] = True
    lists: ClassVar[bool] = True
    removals: ClassVar[tuple[str, ...]] = ("black", "blur")

    @classmethod
    def of(cls, names: Sequence[str], shape: tuple[int, ...]) -> Detection:
        """names : of the classes; shape : (A, 5 + K), or () of a function"""
        known = tuple(names) or tuple(f"class {k}" for k in range(shape[-1] - 5 if shape else 0))
        if shape and (len(shape) != 2 or shape[1] != 5 + len(known)):
            raise InvalidInput(
                f"a detector of {len(known)} classes gives (A, {5 + len(known)}) numbers a picture, and this one "
                f"{shape}; bring it as a function that gives boxes, scores and classes."
            )
        return cls(known)

    @classmethod
    def check(cls, raw: Any) -> None:
        no_probabilities(raw[..., 4:], "detects")

    def target(self, index: int, space: Space) -> Target:
        del space
        return Target(index, space="prob", independent=True)

    def found(self, raw: Any, given: Any) -> Objects:
        """The boxes of one picture, and of each class the best."""
        del given
        boxes, p = (plain(part).astype(np.float64)[0] for part in self._boxes(raw))
        rows, classes = np.nonzero(p > WEAK)
        every = np.column_stack([classes, boxes[rows], p[rows, classes]])
        return Objects(without_doubles(every), boxes[p.argmax(0)], p.max(0) > 0)

    def placed(self, where: Any, raw: Any, given: Any) -> Objects:
        """Read at a box (left, top, right, bottom), whatever is found there, or at the n-th best box of
        each class from 1."""
        found = self.found(raw, given)
        k = len(self.outputs)
        if isinstance(where, (int, np.integer)) and where > 0:
            each = [found.boxes[found.boxes[:, 0] == c] for c in range(k)]
            there = np.array([len(boxes) >= where for boxes in each])
            at = [b[where - 1, 1:5] if t else np.zeros(4) for b, t in zip(each, there, strict=True)]
            return Objects(found.boxes, np.array(at), there)
        box = np.asarray(where, dtype=np.float64) if not isinstance(where, str) else np.zeros(0)
        if box.shape != (4,) or not (box[2:] > box[:2]).all():
            raise InvalidInput(
                f"at is {where!r}; give a box (left, top, right, bottom) in px, or 2 for the second best box of "
                "each class."
            )
        return Objects(found.boxes, np.tile(box, (k, 1)), np.ones(k, dtype=bool))

    def scores(self, raw: Any, given: Any, found: Objects | None = None) -> Any:
        """(B, K) log-odds of class probability x IoU at its best; without `found` of the probability alone."""
        del given
        boxes, p = self._boxes(raw)
        if found is None:
            return log_odds(top(p, 1), LEAST)
        near = iou(boxes[:, :, None], like(found.at, boxes))
        here = like(found.placed.astype(np.float64), p)
        return log_odds(top(p * (near * here + (1 - here)), 1), LEAST)

    def _boxes(self, raw: Any) -> tuple[Any, Any]:
        """Boxes (B, A, 4) and class probabilities (B, A, K); where pictures have lists of them, with empty
        boxes of no probability at their ends."""
        if isinstance(raw, Mapping):
            raise InvalidInput(
                "a detector gave one dict for several pictures; give a list, a dict for each."
            )
        if not isinstance(raw, (list, tuple)):
            sure = 1 / (1 + exp(-raw[:, :, 4].clip(-60, 60)))
            return raw[:, :, :4], sure[..., None] * softmax(raw[:, :, 5:])
        lists = [self._listed(one) for one in raw]
        most = 1 + max(len(boxes) for boxes, _ in lists)
        padded = [[np.pad(part, ((0, most - len(part)), (0, 0))) for part in one] for one in lists]
        return np.stack([one[0] for one in padded]), np.stack([one[1] for one in padded])

    def _listed(self, one: Any) -> tuple[Floats, Floats]:
        """What a function gives for one picture."""
        k = len(self.outputs)
        if isinstance(one, Mapping):
            named = [one.get("boxes"), one.get("scores"), one.get("labels", one.get("classes"))]
        else:
            named = list(one)
        if len(named) != 3 or any(part is None for part in named):
            raise InvalidInput(
                "a detector gives (boxes, scores, classes) for each picture, or a dict of boxes, scores and labels."
            )
        try:
            boxes, p, classes = (plain(part).astype(np.float64) for part in named)
        except (TypeError, ValueError) as error:
            raise InvalidInput(
                f"a detector gave what is no number ({error}); give boxes, scores and classes by number."
            ) from error
        boxes, n = boxes if boxes.size else boxes.reshape(0, 4), p.size
        if not np.isin(classes, np.arange(k)).all() or not (
            boxes.shape == (n, 4) and p.shape == classes.shape == (n,)
        ):
            raise InvalidInput(
                f"a detector gave {len(boxes)} boxes, {n} scores and classes {classes.ravel().tolist()[:5]}; give "
                f"one of each a box (left, top, right, bottom), with classes from 0 to {k - 1}."
            )
        if not (np.isfinite(boxes).all() and (boxes[p > WEAK, 2:] >= boxes[p > WEAK, :2]).all()):
            raise InvalidInput(
                f"a detector gave the boxes {boxes.tolist()[:2]}; give left, top, right and bottom in px, in this "
                "order."
            )
        if not ((p >= 0) & (p <= 1)).all():
            raise InvalidInput(
                f"a box has the score {p.min():g} to {p.max():g}; give probabilities."
            )
        return boxes, p[:, None] * (classes[:, None] == np.arange(k))

    def truth(self, label: Any) -> Floats:
        """Which classes are there."""
        boxes = self.true_boxes(label)
        row: Floats = np.isin(np.arange(len(self.outputs)), boxes[:, 0]).astype(np.float64)
        return row

    def true_boxes(self, label: Any) -> Floats:
        """(n, 5) class, left, top, right, bottom; `InvalidInput` for another label."""
        boxes = np.asarray(label if isinstance(label, np.ndarray) else np.nan, dtype=np.float64)
        fits = boxes.ndim == 2 and boxes.shape[1] == 5 and (boxes[:, 3:] > boxes[:, 1:3]).all()
        if (
            not fits
            or not np.isfinite(boxes).all()
            or not np.isin(boxes[:, 0], np.arange(len(self.outputs))).all()
        ):
            raise InvalidInput(
                f"the label {str(label)[:60]} holds no boxes; give an array (n, 5) of class from 0 to "
                f"{len(self.outputs) - 1}, left, top, right and bottom."
            )
        return boxes

    def measured(self, model: Any, samples: Sequence[Sample]) -> dict[str, Any]:
        """map, the mean average precision at an IoU of .5, with its 95 % interval over pictures, that of each
        class, and map_75"""
        return self.measures_of(
            [model.about(s.x).found.boxes for s in samples], [s.label for s in samples]
        )

    def measures_of(self, found: Sequence[Floats], labels: Sequence[Label]) -> dict[str, Any]:
        """Of found boxes (n, 6), an array a picture."""
        truth = [self.true_boxes(label) for label in labels]
        value, interval, each = mean_ap(found, truth, len(self.outputs), 0.5)
        return {
            "map": value,
            "interval": interval,
            "map_75": mean_ap(found, truth, len(self.outputs), 0.75)[0],
            "map_each": [None if np.isnan(v) else v for v in each],
            "n": len(truth),
        }

    def quality(self, measures: Mapping[str, Any]) -> dict[str, Any] | None:
        if measures.get("map") is None:
            return None
        shown = {"metric": "map", "value": measures["map"], "n": measures["n"]}
        return {**shown, "interval": measures["interval"], "map_75": measures.get("map_75")}

    def baseline(self, train: Sequence[Sample], test: Sequence[Sample]) -> dict[str, Any]:
        """As many boxes as a picture holds on average, drawn from those of training pictures."""
        rng = np.random.default_rng(0)
        known = np.concatenate([self.true_boxes(s.label) for s in train])
        n = max(1, round(len(known) / len(train)))
        drawn = [
            np.column_stack([known[rng.integers(len(known), size=n)], rng.random(n)]) for _ in test
        ]
        found = self.measures_of(drawn, [s.label for s in test])
        return {"says": "random_boxes", "value": found["map"]}

    def drawn(self, found: Objects, index: int) -> dict[str, Any]:
        """The boxes that are found, and the one that is explained."""
        sure = found.boxes[found.boxes[:, 5] > SURE]
        return {"boxes": sure.round(4).tolist(), "at": found.at[index].round(2).tolist()}
