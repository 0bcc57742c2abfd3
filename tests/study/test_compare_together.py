"""What models use together, on models whose products are known."""

from __future__ import annotations

import numpy as np
import pytest

from xaikit.core.sample import Sample
from xaikit.models.wrapping import wrap
from xaikit.study.compare.reasons import Reasons, _ask
from xaikit.study.compare.together import together, used_together

ROWS = [np.array([1.0, 2.0, -1.0]), np.array([2.0, -1.0, 3.0])]
SAMPLES = [Sample(f"s{i}", row, "table", 1) for i, row in enumerate(ROWS)]


def asked(product: float, other: float = 0.0):
    """A score of x0 + x2 + product x0 x1 + other x1 x2 for the second class, absent columns at 0."""

    def score(x):
        told = x[:, 0] + x[:, 2] + product * x[:, 0] * x[:, 1] + other * x[:, 1] * x[:, 2]
        return np.stack([np.zeros(len(x)), told], axis=1)

    model = wrap(score, modality="table", classes=("no", "yes"), outputs="logits", background=np.zeros((2, 3)))  # fmt: skip
    return _ask(model, SAMPLES, "value", model.background, 0)


def test_a_product_is_used_together_by_its_share_and_a_sum_is_not() -> None:
    used = used_together(asked(3.0).questions, 0)
    alone = [abs(x[0]) + abs(x[2]) for x in ROWS]
    shares = [abs(3 * x[0] * x[1]) / (abs(3 * x[0] * x[1]) + a) for x, a in zip(ROWS, alone, strict=True)]  # fmt: skip
    known = {pair: share for pair, (share, _) in used.items()}
    assert set(known) == {("x0", "x1"), ("x0", "x2"), ("x1", "x2")}  # fmt: skip
    assert known.pop(("x0", "x1")) == pytest.approx(np.mean(shares), abs=1e-9)
    assert list(known.values()) == pytest.approx([0, 0], abs=1e-9)


def test_a_pair_is_one_sides_own_only_where_both_of_its_fits_have_it() -> None:
    both, none, changed = asked(3.0), asked(0.0), asked(3.0, other=2.0)
    same = Reasons(SAMPLES, {"net": (changed, both, both), "sum": (none, none, none)}, "value")
    rows = same.together("sum", "net", 0)
    assert [(r["pair"], r["only"]) for r in rows] == [(["x0", "x1"], "net")]
    level = Reasons(SAMPLES, {"net": (both, both, both), "sum": (none, both, none)}, "value")
    rows = level.together("sum", "net", 0)
    assert [(r["pair"], r["only"]) for r in rows] == [(["x0", "x1"], None)]
    assert rows[0]["shares"]["sum"] == pytest.approx(0, abs=1e-9)


def test_what_is_no_more_than_noise_or_a_hundredth_is_left_out() -> None:
    small = {("a", "b"): (0.009, 0.0)}
    assert together("x", "y", {"x": (small, small), "y": (small, small)}) == []
    quiet = {("a", "b"): (0.02, 0.015)}
    loud = {("a", "b"): (0.3, 0.015)}
    assert together("x", "y", {"x": (quiet, quiet), "y": (quiet, quiet)}) == []
    (row,) = together("x", "y", {"x": (loud, loud), "y": (quiet, quiet)})
    assert (row["only"], row["shares"]) == ("x", {"x": 0.3, "y": 0.02})
