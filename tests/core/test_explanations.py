"""A block of explanations: a sequence whose numbers lie in arrays."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import functools
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from xaikit.core.errors import CheckFailed, DataError, InvalidInput, XaikitError
from xaikit.core.explanations import Explanations
from xaikit.core.many import Counted, Same, joined
from xaikit.core.target import Target, Targets
from xaikit.core.types import Cost, Segmentation

TWO = Segmentation(np.arange(2), ("a", "b"), "2 columns")
VALUES = np.array([[1.0, -2.0], [3.0, 0.5], [-4.0, 0.0]])
NAMES = [("yes",), ("yes",)]
TARGETS = Targets((Target(0, space="value"), Target(1, space="value")), np.array([0, 1, 1]))


def block(**changes) -> Explanations:
    fields = {
        "rows": VALUES.copy(), "method": "m", "model_id": "net", "sample_ids": ["x", "y", "z"],
        "targets": TARGETS, "segmentations": Same(TWO, 3), "maskers": Same("zeros", 3),
        "output": np.array([1.0, 4.0, -4.0]), "empty": np.array([2.0, 0.5, 0.0]),
        "additive": True, "unit": "score", "std": np.full((3, 2), 0.1),
        "notes": ["", "sampled", ""], "params": {"budget": 8}, "seed": 5,
    }  # fmt: skip
    return Explanations(**{**fields, **changes})


def ragged(**changes) -> Explanations:
    three = Segmentation(np.arange(3), ("a", "b", "c"), "3 words")
    return block(
        rows=[np.array([1.0, 2.0]), np.array([3.0, 4.0, 5.0]), np.array([6.0, 7.0])],
        std=None, segmentations=[TWO, three, TWO], **changes,
    )  # fmt: skip


def three_cuts(**changes) -> Explanations:
    each = [Segmentation(np.roll(np.arange(2), i), ("a", "b"), f"{i}") for i in range(3)]
    return block(segmentations=each, **changes)


def test_an_element_is_the_explanation_of_its_row() -> None:
    one = block()[1]
    assert (one.values == VALUES[1]).all()
    assert (one.sample_id, one.target, one.note) == ("y", Target(1, space="value"), "sampled")
    assert (one.output, one.empty, one.seed, one.params) == (4.0, 0.5, 5, {"budget": 8})
    assert one.residual == 4.0 - 0.5 - 3.5
    assert one.masker == "zeros"
    assert [e.sample_id for e in block()] == ["x", "y", "z"]
    assert block()[-1].sample_id == "z"
    with pytest.raises(IndexError):
        block()[3]


def test_parts_and_sums_of_blocks() -> None:
    whole = block()
    assert whole[1:].sample_ids == ["y", "z"]
    assert (whole[::2].values == VALUES[::2]).all()
    assert (whole.take(np.array([False, True, True])).output == [4.0, -4.0]).all()
    again = whole[2:] + whole[:2]
    assert (again.values == VALUES[[2, 0, 1]]).all()
    assert [e.target.index for e in again] == [1, 0, 1]
    assert isinstance(again.segmentations, Same)
    assert (again.std == 0.1).all()
    with pytest.raises(InvalidInput, match="blocks of seed 5 and 6 cannot be joined"):
        _ = whole + block(seed=6)


def test_a_block_is_made_of_explanations_and_gives_them_back() -> None:
    costs = [Cost(1), Cost(2), Cost(3)]
    known = block(extras=[{"n": i} for i in range(3)], costs=costs, target_names=[("no",), *NAMES])
    for whole in (known, ragged()):
        again = Explanations.of(list(whole))
        for before, after in zip(whole, again, strict=True):
            for f in dataclasses.fields(before):
                np.testing.assert_equal(getattr(after, f.name), getattr(before, f.name))
    other = dataclasses.replace(block()[0], method="other")
    with pytest.raises(
        InvalidInput, match="'m' on 'net' in score and 'other' on 'net' in score are no block"
    ):
        Explanations.of([block()[0], other])


def test_joined_blocks_keep_their_own_targets() -> None:
    zero = Targets((Target(0, space="value"),), np.zeros(1, dtype=np.int64))
    both = Targets.joined([TARGETS[1:], zero, Targets(TARGETS.distinct[::-1], np.array([0, 1]))])
    assert [target.index for target in both] == [1, 1, 0, 1, 0]
    ones = Targets((Target(1, space="value"),), np.zeros(2, dtype=np.int64))
    assert [target.index for target in Targets.joined([zero, ones])] == [0, 1, 1]


@pytest.mark.parametrize(("first", "second"), [(range(0, 6, 2), range(3, 6)), (range(2), range(2))])
def test_joined_names_are_those_of_the_parts(first, second) -> None:
    names = joined([Counted("row", first), Counted("row", second)])
    assert list(names) == [f"row {i}" for i in (*first, *second)]
    assert list(joined([Counted("row", first)])) == [f"row {i}" for i in first]


def test_of_notes_only_those_that_many_samples_share_are_gathered() -> None:
    many = [block(notes=[f"{i} {j}" for j in range(3)]) for i in range(6)]
    few = Explanations.gathered(many[:5], 15)
    assert list(few.notes) == [note for part in many[:5] for note in part.notes]
    one = Same(TWO, 18)
    long = block(
        rows=np.ones((18, 2)), std=None, sample_ids=[str(i) for i in range(18)], segmentations=one,
        targets=TARGETS[np.zeros(18, dtype=np.int64)], maskers=Same("zeros", 18),
        output=np.ones(18), empty=np.ones(18), notes=[str(i) for i in range(18)],
    )  # fmt: skip
    assert set(Explanations.gathered([long], 18).notes) == {""}


def test_means_names_and_frames() -> None:
    whole = block()
    np.testing.assert_allclose(whole.mean_abs(), [8 / 3, 2.5 / 3])
    assert whole.top(1) == [("a", pytest.approx(8 / 3))]
    frame = whole.to_frame()
    assert list(frame.columns) == ["a", "b"]
    assert frame.loc["y"].tolist() == [3.0, 0.5]
    np.testing.assert_allclose(whole.residual, [0.0, 0.0, 0.0])


def test_samples_with_features_of_their_own() -> None:
    whole = ragged()
    np.testing.assert_equal(whole.values, [[1, 2, np.nan], [3, 4, 5], [6, 7, np.nan]])
    long = whole.to_frame()
    assert long["feature"].tolist() == ["a", "b", "a", "b", "c", "a", "b"]
    assert long["value"].tolist() == [1, 2, 3, 4, 5, 6, 7]
    with pytest.raises(InvalidInput, match="have features of their own; look at them one by one"):
        whole.mean_abs()


def test_shap_reads_a_block() -> None:
    found = block().to_shap(data=np.arange(6).reshape(3, 2))
    assert found.feature_names == ["a", "b"]
    assert (found.values == VALUES).all()
    assert (found[1].base_values, found[1].data.tolist()) == (0.5, [2, 3])


@pytest.mark.parametrize("make", [block, ragged, three_cuts])
def test_what_is_saved_is_loaded(make, tmp_path) -> None:
    whole = make(converged=[True, None, False], target_names=[("no",), *NAMES])
    place = whole.save(tmp_path / "values.npz")
    again = Explanations.load(place)
    for before, after in zip(whole, again, strict=True):
        for name in ("values", "std", "sample_id", "target", "names", "masker", "output", "empty"):
            np.testing.assert_equal(getattr(after, name), getattr(before, name))
        np.testing.assert_equal(after.segmentation.ids, before.segmentation.ids)
        assert after.segmentation.source == before.segmentation.source
        for name in ("method", "unit", "additive", "seed", "params", "note", "converged", "drawn",
                     "target_names"):  # fmt: skip
            assert getattr(after, name) == getattr(before, name), name
    with pytest.raises(InvalidInput, match=r"is there already; choose another name, or overwrite"):
        whole.save(place)
    assert whole.save(place, force=True) == place
    assert [p.name for p in tmp_path.iterdir()] == ["values.npz"]


def test_other_programs_read_the_table(tmp_path) -> None:
    frame = pd.read_parquet(block().save(tmp_path / "values.parquet"))
    assert list(frame.columns) == ["sample", "output", "empty", "a", "b"]
    assert frame.loc[1].tolist() == ["y", 4.0, 0.5, 3.0, 0.5]
    long = pd.read_parquet(ragged().save(tmp_path / "texts.parquet"))
    assert long.loc[4].tolist() == ["y", "c", 5.0]


def test_what_is_no_block_is_refused(tmp_path) -> None:
    with pytest.raises(InvalidInput, match=r"ends with '.csv'; name it .npz or .parquet"):
        block().save(tmp_path / "values.csv")
    np.savez(tmp_path / "other.npz", a=np.arange(3))
    with pytest.raises(DataError, match="other.npz' holds no explanations"):
        Explanations.load(tmp_path / "other.npz")
    with pytest.raises(InvalidInput, match=r"read it with pandas.read_parquet"):
        Explanations.load(tmp_path / "values.parquet")


def nodes(held: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield from [path] if path else []
    inner = held.items() if isinstance(held, dict) else ()
    for key, value in enumerate(held) if isinstance(held, list) else inner:
        yield from nodes(value, (*path, key))


@pytest.mark.parametrize("make", [block, ragged])
@pytest.mark.parametrize("odd", [None, 10**30, "x", [], {}, [[1, 2], [3]], -5, float("nan")])
def test_a_damaged_record_ends_in_a_sentence_or_is_a_block(make, odd) -> None:
    whole = json.loads(json.dumps(make().to_json()))
    for path in nodes(whole):
        record = copy.deepcopy(whole)
        functools.reduce(lambda part, key: part[key], path[:-1], record)[path[-1]] = odd
        with contextlib.suppress(XaikitError):  # which is a sentence; nothing else may come
            found = Explanations.from_json(record)
            assert len(list(found)) == len(found.values), path


def test_wrong_numbers_are_refused_by_sample() -> None:
    bad = VALUES.copy()
    bad[1, 1] = np.nan
    with pytest.raises(CheckFailed, match="m on sample 'y' gave NaN or infinity in values"):
        block(rows=bad)
    with pytest.raises(
        InvalidInput, match=r"gave values of shape \(3, 3\); \(2,\) a sample is needed"
    ):
        block(rows=np.zeros((3, 3)))
    with pytest.raises(InvalidInput, match="m gave 2 notes for 3 samples; give one each"):
        block(notes=["", ""])
    with pytest.raises(ValueError, match="read-only"):
        block().values[0, 0] = 1.0
