"""Plausibility by hand, against scikit-learn, and against a naive ERASER."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score
from toys import FunctionModel

from xaikit.core.errors import InvalidInput
from xaikit.core.question import Masker, Question
from xaikit.core.types import Sample, Score, Segmentation, Target
from xaikit.metrics import METRICS, Plausibility, over_samples


@dataclasses.dataclass(frozen=True)
class ByHand:
    name = "by hand"


def measured(values, rationale, *, ids=None, in_units=True, words=True, k=None) -> dict[str, Score]:
    rationale = np.asarray(rationale, dtype=bool)
    ids = np.arange(rationale.size).reshape(rationale.shape) if ids is None else np.asarray(ids)
    if words:
        x = np.array(["w"] * len(rationale))
        sample = Sample("s0", x, "text", rationale=rationale)
        masker = Masker("drop", x[None], drops=True)
    else:
        sample = Sample("s0", np.zeros((*rationale.shape, 1)), "image", rationale=rationale)
        masker = Masker("black", np.zeros((1, *rationale.shape, 1)))
    model = FunctionModel(lambda x: np.zeros((len(x), 1)), modality=sample.modality)
    segmentation = Segmentation(ids, tuple(f"f{i}" for i in range(ids.max() + 1)), "by hand")
    question = Question(model, sample, segmentation, masker, Target(0, space="value"))
    explanation = question.answer(
        ByHand(), np.asarray(values, dtype=float), additive=False, in_units=in_units
    )
    found = Plausibility(k=k)(question, explanation, np.random.default_rng(0))
    return {s.metric: s for s in found}


def test_a_map_worked_by_hand() -> None:
    found = measured([4.0, -3.0, 2.0, 2.0], [[1, 0], [1, 0]], words=False)
    assert {name: s.value for name, s in found.items()} == pytest.approx(
        # the edge of the top 2 is a tie of a place inside with one outside
        {
            "pointing_game": 1.0,
            "relevance_mass": 6 / 8,
            "relevance_rank": 0.75,
            "auprc": 0.5 + 0.5 * 2 / 3,
        }
    )
    assert all(s.of["sample"] == "s0" and s.family == "plausibility" for s in found.values())


def test_tied_maxima_count_by_their_share_inside() -> None:
    assert measured([1.0, 1.0, 1.0, 0.0], [1, 0, 0, 1])["pointing_game"].value == pytest.approx(
        1 / 3
    )
    flat = measured(np.zeros(4), [1, 0, 0, 0])
    assert flat["pointing_game"].value == 0.25
    assert flat["relevance_rank"].value == 0.25
    assert flat["auprc"].value == 0.25
    assert flat["relevance_mass"].value == 0.0
    assert flat["relevance_mass"].note == "0 by rule: nothing speaks for the target"


def test_sums_are_shared_out_over_places_and_means_are_not() -> None:
    ids = [[0, 0, 0, 1]]  # one feature of three places, one of a single place; -1 is no place
    rationale = [[0, 0, 0, 1]]
    added = measured([3.0, 1.0], rationale, ids=ids, words=False)
    mean = measured([3.0, 1.0], rationale, ids=ids, words=False, in_units=False)
    assert added["relevance_mass"].value == pytest.approx(1 / 4)
    assert added["pointing_game"].value == pytest.approx(1 / 4)  # all four places hold 1
    assert mean["relevance_mass"].value == pytest.approx(1 / 10)
    hole = measured([1.0], [[1, 1, 0, 0]], ids=[[-1, 0, 0, -1]], words=False)
    assert hole["relevance_mass"].value == 0.5


def test_random_maps_equal_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        values, truth = rng.normal(size=30), rng.random(30) < 0.3
        truth[:2] = True, False
        found = measured(values, truth, k=5)
        chosen = values >= np.sort(values)[-5]
        assert found["auprc"].value == pytest.approx(average_precision_score(truth, values))
        assert found["token_f1"].value == pytest.approx(f1_score(truth, chosen))
        assert found["iou_f1"].value == pytest.approx(naive_iou_f1(chosen, truth))
        assert found["token_f1"].note == "the 5 strongest words"


def naive_iou_f1(chosen: np.ndarray, truth: np.ndarray) -> float:
    """DeYoung et al. 2020: spans as sets of positions."""

    def spans(mask: np.ndarray) -> list[set[int]]:
        found: list[set[int]] = []
        for i in np.flatnonzero(mask):
            if found and i - 1 in found[-1]:
                found[-1].add(int(i))
            else:
                found.append({int(i)})
        return found

    mine, theirs = spans(chosen), spans(truth)
    hits = sum(max(len(a & b) / len(a | b) for b in theirs) >= 0.5 for a in mine)
    p, r = hits / len(mine), hits / len(theirs)
    return 2 * p * r / (p + r) if hits else 0.0


def test_without_k_as_many_words_are_chosen_as_are_marked() -> None:
    found = measured([5.0, 4.0, 3.0, 0.0, 1.0], [1, 1, 0, 0, 1])
    assert found["token_f1"].value == pytest.approx(2 / 3)
    assert found["token_f1"].value == found["relevance_rank"].value
    assert found["iou_f1"].value == pytest.approx(
        2 / 3
    )  # 0-2 of 0-1 matches; precision 1, recall 1/2
    assert found["iou_f1"].note == "the 3 strongest words, as many as are marked"


def test_no_rationale_gives_no_score_and_a_full_one_says_why_not() -> None:
    full = measured([1.0, 2.0], [1, 1])
    assert np.isnan(full["auprc"].value)
    assert full["auprc"].note == "every place is marked, so nothing can be told apart"
    assert measured([1.0, 2.0], [0, 0])["auprc"].note.startswith("no place is marked")
    assert METRICS.get("plausibility") is Plausibility
    with pytest.raises(InvalidInput, match="k is 0 words; give 1 or more, or None"):
        Plausibility(k=0)


def test_means_over_samples_carry_intervals_and_say_what_was_lost() -> None:
    def score(sample: int, value: float) -> Score:
        of = {"method": "a", "sample": f"s{sample}", "masker": "m"}
        note = "lost" if np.isnan(value) else ""
        return Score("auprc", value, "higher", "plausibility", of=of, note=note)

    (few,) = over_samples([score(0, 1.0), score(1, 0.0)])
    assert (few.value, few.interval) == (0.5, None)
    assert few.of == {"method": "a", "masker": "m", "n": 2}
    many = over_samples([score(i, float(i)) for i in range(12)] + [score(12, float("nan"))])[0]
    assert many.value == 5.5
    assert many.interval is not None
    assert many.interval[0] < 5.5 < many.interval[1]
    assert many.note == "not measurable on 1 of 13 samples"
