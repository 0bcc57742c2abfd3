"""The memory of evaluated masks, against a dictionary."""

from __future__ import annotations

import numpy as np
import pytest

from xaikit.core.errors import InvalidInput
from xaikit.core.memory import Memory


class Recorder:
    """A value per mask, and what was asked."""

    def __init__(self):
        self.calls = []

    def __call__(self, masks):
        self.calls.append(masks.copy())
        return [value(row) for row in masks]


def value(row):
    return float(np.flatnonzero(row) @ np.flatnonzero(row)) + 0.25 * row[-1]


@pytest.mark.parametrize("n", [1, 3, 8, 9, 63, 64, 65, 130, 400])
@pytest.mark.parametrize("remember", [True, False])
def test_equals_a_dictionary(n, remember):
    rng = np.random.default_rng(n)
    memory, record, known = Memory(n), Recorder(), set()
    for m in (0, 1, 7, 40, 40):
        masks = rng.random((m, n)) < (0.5 if n < 10 else rng.choice([0.02, 0.98], (m, 1)))
        masks = np.concatenate([masks, masks[::3]])
        expected, asked = [value(row) for row in masks], []
        for row in masks:
            if row.tobytes() not in known and row.tobytes() not in asked:
                asked.append(row.tobytes())
        assert memory.unseen(masks) == len(asked)
        before = len(record.calls)
        np.testing.assert_array_equal(memory.fill(masks, record, remember=remember), expected)
        called = [row.tobytes() for call in record.calls[before:] for row in call]
        assert called == asked  # each once, in the order of appearance
        assert len(record.calls) - before == bool(asked)
        if remember:
            known.update(asked)
        assert len(memory) == len(known)


@pytest.mark.parametrize("n", [30, 64, 65, 200])
def test_masks_that_differ_in_one_feature_are_different(n):
    masks = np.concatenate([np.eye(n, dtype=bool), ~np.eye(n, dtype=bool), np.zeros((1, n), bool)])
    memory = Memory(n)
    memory.fill(masks[::2], lambda asked: np.arange(len(asked)))
    values = memory.fill(masks, lambda asked: 1000 + np.arange(len(asked)))
    expected = np.empty(2 * n + 1)
    expected[::2], expected[1::2] = np.arange(n + 1), 1000 + np.arange(n)
    np.testing.assert_array_equal(values, expected)


def test_an_error_leaves_the_memory_as_before():
    memory = Memory(5)
    memory.fill(np.eye(5, dtype=bool)[:2], Recorder())
    with pytest.raises(ZeroDivisionError):
        memory.fill(np.eye(5, dtype=bool), lambda _: 1 / 0)
    with pytest.raises(ValueError, match="cannot reshape array of size 1 into shape"):
        memory.fill(np.eye(5, dtype=bool), lambda _: [1.0])
    assert len(memory) == 2
    assert memory.unseen(np.eye(5, dtype=bool)) == 3


def test_masks_of_other_features_are_refused():
    text = r"the masks have shape \(2, 9\) and the memory is of 10 features; give masks of shape"
    with pytest.raises(InvalidInput, match=text):
        Memory(10).fill(np.ones((2, 9), dtype=bool), Recorder())


def test_masks_that_are_not_contiguous():
    wide = np.random.default_rng(0).random((20, 60)) < 0.5
    memory, record = Memory(30), Recorder()
    np.testing.assert_array_equal(
        memory.fill(wide[::2, ::2], record), memory.fill(wide[::2, ::2].copy(), record)
    )
    assert len(record.calls) == 1


def test_the_first_masks_are_not_looked_for_and_yet_remembered() -> None:
    memory, asked = Memory(9), []

    def evaluate(masks):
        asked.append(len(masks))
        return masks @ 2.0 ** np.arange(9)

    masks = np.random.default_rng(0).permutation((np.arange(512)[:, None] >> np.arange(9)) & 1 == 1)
    values = memory.first(masks[:300], evaluate)
    np.testing.assert_array_equal(values, masks[:300] @ 2.0 ** np.arange(9))
    assert len(memory) == 300
    np.testing.assert_array_equal(memory.fill(masks, evaluate), masks @ 2.0 ** np.arange(9))
    assert asked == [300, 212]
    assert len(memory) == 512
