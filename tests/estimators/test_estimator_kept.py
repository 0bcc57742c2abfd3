"""What depends on a design alone is made once, while there is room for it."""

from __future__ import annotations

import numpy as np

from xaikit.shapley.blocks import BLOCK, Blocks, held
from xaikit.shapley.kept import kept


def counted(room: int):
    made = []

    @kept(room, lambda n, **_: n)
    def make(n: int, *, name: str = "") -> list[int]:
        made.append(n)
        return [n]

    return make, made


def test_a_result_is_made_once() -> None:
    make, made = counted(10)
    assert make(3) is make(3)
    assert make(3, name="other") == [3]
    assert made == [3, 3]


def test_the_last_ones_that_fit_are_kept() -> None:
    make, made = counted(10)
    for n in (4, 5, 4, 6):  # 5 was used before 4
        make(n)
    assert made == [4, 5, 6]
    make(4)
    assert made == [4, 5, 6]
    make(5)
    assert made == [4, 5, 6, 5]


def test_what_has_no_room_is_made_anew_and_drives_nothing_out() -> None:
    make, made = counted(10)
    make(4), make(11), make(11), make(4)
    assert made == [4, 11, 11]


def test_numbers_that_blocks_hold() -> None:
    for n_rows in (BLOCK // 64, BLOCK // 64 + 1):
        blocks = Blocks(n_rows, 64, lambda part: np.zeros((part.stop - part.start, 64)))
        assert held(n_rows, 64) == (n_rows * 64 if blocks.single else 0)
    assert held(BLOCK // 64 + 1, 64) == 0
