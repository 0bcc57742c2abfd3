"""The suite is seen to fail: every planted bug is caught by a test."""

from __future__ import annotations

import pytest
from mutations import MUTATIONS, caught, lost


def test_every_planted_bug_finds_its_line_and_its_tests() -> None:
    assert not list(filter(None, map(lost, MUTATIONS)))


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: f"{m.file}: {m.old[:32]}")
def test_a_planted_bug_is_caught(mutation) -> None:
    assert caught(mutation), f"{mutation.file}: {mutation.old!r} -> {mutation.new!r} survived"
