"""How many rows go through a model at once, and what is said before a study starts."""

from __future__ import annotations

import dataclasses
import platform
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn
from toys import FunctionModel, ask_table, linear

import xaikit
from xaikit.core.batching import (
    LARGEST,
    PerPass,
    nominal_seconds,
    rows_per_pass,
    rows_that_fit,
    worked,
)
from xaikit.core.errors import InvalidInput, OutOfBudget
from xaikit.core.question import Cache, Question
from xaikit.core.types import Sample
from xaikit.methods.base import ask, make_method
from xaikit.models import wrap
from xaikit.study.forecast import forecast
from xaikit.study.plan import Plan, choose_methods, make_question


def smooth(n: int) -> FunctionModel:
    """A model with interactions of every order."""
    w = np.linspace(-1, 1, n)
    return FunctionModel(lambda x: np.tanh(x @ w)[:, None] + np.sin(x[:, :1] * x[:, 1:2]))


def test_a_pass_has_as_many_rows_as_a_cache_has_room_for_maps() -> None:
    def rows(side: int) -> int:
        net = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.Flatten(), nn.LazyLinear(2))
        x = np.zeros((side, side, 3), dtype=np.float32)
        net(torch.zeros(1, 3, side, side))
        return wrap(net, modality="image", classes=("a", "b"), sample=x).batch_rows

    assert [rows(side) for side in (16, 32, 64, 128)] == [64, 64, 16, 8]


def test_a_pass_has_one_row_at_least_and_never_more_than_the_largest() -> None:
    assert (PerPass(0).rows, PerPass(5).rows, PerPass(10**9).rows) == (1, 5, LARGEST)


def test_running_out_of_memory_halves_the_pass_and_goes_on() -> None:
    per_pass, tried = PerPass(64), []

    def attempt(rows: int) -> str:
        tried.append(rows)
        if rows > 10:
            raise RuntimeError("[enforce fail] not enough memory: you tried to allocate 1 GB")
        return "done"

    assert worked(per_pass, 1000, attempt) == "done"
    assert tried == [64, 32, 16, 8]
    assert worked(per_pass, 1000, attempt) == "done"
    assert tried[4:] == [8]


def test_one_row_that_does_not_fit_is_said_and_other_errors_pass() -> None:
    def too_large(rows: int) -> None:
        raise MemoryError

    with pytest.raises(OutOfBudget, match="out of memory: one single input does not fit"):
        worked(PerPass(4), 9, too_large)

    def broken(rows: int) -> None:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes do not match"):
        worked(PerPass(4), 9, broken)


class Hungry(nn.Module):
    """Fails like a device without memory when more than a few rows come at once."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(6, 3)
        self.seen: list[int] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if len(x) > 12:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        self.seen.append(len(x))
        return self.layer(x)


def table_question(net: nn.Module, **plan) -> Question:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(20, 6))
    model = wrap(net, modality="table", classes=("a", "b", "c"), background=rows, id="net")
    return make_question(model, Sample("s", rows[0], "table"), Plan(masker="median", **plan))


def test_a_question_survives_a_device_without_memory_with_the_same_numbers() -> None:
    torch.manual_seed(0)
    hungry = Hungry()
    plain = nn.Sequential(nn.Linear(6, 3))
    plain[0].load_state_dict(hungry.layer.state_dict())
    masks = np.random.default_rng(1).random((90, 6)) < 0.5
    np.testing.assert_array_equal(
        table_question(hungry).value(masks), table_question(plain).value(masks)
    )
    assert max(hungry.seen) <= 12


def test_memory_bounds_the_rows_of_a_pass() -> None:
    net = nn.Sequential(nn.Linear(6, 100), nn.ReLU(), nn.Linear(100, 3))
    each = 4 * (3 * 6 + 100 + 100 + 3)  # three times the input and every layer's output
    question = table_question(net, memory=14 * each + 1)
    assert rows_that_fit(question.model, question.sample.x, question.memory) == 7
    seen: list[int] = []
    net.register_forward_hook(lambda _m, args, _o: seen.append(len(args[0])))
    question.value(np.random.default_rng(1).random((90, 6)) < 0.5)
    assert max(seen) == 7
    ask(make_method("integrated_gradients"), [question])
    assert max(seen) == 7
    with pytest.raises(InvalidInput, match="one input of 'net' takes about"):
        table_question(net, memory=each - 1).value(np.ones((1, 6), dtype=bool))


def test_rows_belong_to_a_model_a_shape_and_a_cap() -> None:
    one, other = table_question(nn.Linear(6, 3)), table_question(nn.Linear(6, 3))
    x = one.sample.x
    assert rows_per_pass(one.model, x) is rows_per_pass(one.model, x)
    assert rows_per_pass(one.model, x) is not rows_per_pass(other.model, x)
    assert rows_per_pass(one.model, x) is not rows_per_pass(one.model, x[:3])
    assert rows_per_pass(one.model, x, 10**6) is not rows_per_pass(one.model, x)


def test_bfloat16_says_how_far_it_is_and_keeps_the_weights() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 32), nn.Tanh(), nn.Linear(32, 3))
    before = [p.clone() for p in net.parameters()]
    masks = np.random.default_rng(1).random((40, 6)) < 0.5
    exact, rough = table_question(net), table_question(net, precision="bfloat16")
    difference = np.abs(rough.value(masks) - exact.value(masks)).max()
    assert 0 < difference < 0.05 * np.ptp(exact.value(masks))
    found = ask(make_method("occlusion"), [rough])[0]
    assert "bfloat16 differs from float32 by up to" in found.note
    assert all(
        torch.equal(a, b) and a.dtype == b.dtype
        for a, b in zip(before, net.parameters(), strict=True)
    )


class Coarse(nn.Module):
    """A difference of large numbers: nothing is left of it in 8 bits."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        large = 1000 + x[:, :3]
        return large - 1000


def test_bfloat16_is_not_used_where_it_is_wrong() -> None:
    exact, rough = table_question(Coarse()), table_question(Coarse(), precision="bfloat16")
    masks = np.random.default_rng(1).random((40, 6)) < 0.5
    np.testing.assert_array_equal(rough.value(masks), exact.value(masks))
    assert "float32 was used: bfloat16 differs" in ask(make_method("occlusion"), [rough])[0].note
    with pytest.raises(InvalidInput, match="precision is 'float8'"):
        table_question(Coarse(), precision="float8")


def test_a_model_of_another_kind_says_that_it_has_no_other_precision() -> None:
    question = ask_table(linear(np.ones(4)), np.ones(4))
    question = dataclasses.replace(question, precision="bfloat16", cache=Cache())
    assert "has no bfloat16" in ask(make_method("occlusion"), [question])[0].note


def test_nominal_seconds_count_multiplications_and_do_not_vary() -> None:
    small = table_question(nn.Sequential(nn.Linear(6, 100), nn.Linear(100, 3)))
    large = table_question(nn.Sequential(nn.Linear(6, 1000), nn.Linear(1000, 3)))
    a, b = (nominal_seconds(q.model, q.sample.x) for q in (small, large))
    assert b - a == pytest.approx(2e-11 * 900 * 9)
    assert nominal_seconds(small.model, small.sample.x) == a
    assert nominal_seconds(linear(np.ones(3)), np.ones(3)) is None


def test_the_forecast_holds_what_is_asked_then() -> None:
    rng = np.random.default_rng(0)
    model = smooth(14)
    questions = [ask_table(model, rng.normal(size=14), rng.normal(size=(3, 14))) for _ in range(2)]
    for name in ("shap", "lime", "occlusion", "permutation_shap"):
        for budget in ("auto", 300):
            (method,), _ = choose_methods(questions[0].model, name, budget=budget)
            low, high = forecast(questions, [method]).rows
            asked = sum(e.cost.forward for e in ask(method, questions))
            assert low * 0.8 <= asked <= high, (name, budget)


def test_the_forecast_reads_as_a_sentence() -> None:
    question = ask_table(linear(np.ones(4)), np.ones(4))
    text = str(forecast([question], [make_method("occlusion")]))
    assert text == "the explanations will take about 1 s (6 model rows)"


def test_a_budget_goes_to_the_methods_that_have_one() -> None:
    model = linear(np.ones(4))
    chosen, _ = choose_methods(model, "shap,lime,occlusion", budget=64, tolerance=0.2)
    params = [dataclasses.asdict(m) for m in chosen]
    assert [p.get("budget") for p in params] == [64, 64, None]
    assert params[0]["tolerance"] == 0.2
    with pytest.raises(InvalidInput, match="tolerance is 2"):
        choose_methods(model, "shap", tolerance=2)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's memory")
def test_pages_that_a_pass_frees_stay_for_the_next_one() -> None:
    passes = """
import resource, numpy as np
from xaikit.core.batching import keep_pages
keep_pages()
for turn in range(4):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    maps = [np.ones(2**19) for _ in range(10)]  # 10 of 4 MB
    del maps
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", passes], capture_output=True, text=True, check=True, timeout=120
    )
    assert int(done.stdout) < 1000  # 40 MB are 10,000 pages


def test_small_requests_of_a_block_share_a_pass_of_a_model_that_only_answers() -> None:
    """Occlusion of 5 rows of 3 columns: 15 masks and 5 ends, none of them twice."""
    sizes: list[int] = []

    def function(x: np.ndarray) -> np.ndarray:
        sizes.append(len(x))
        return x @ [[1.0], [2.0], [3.0]]

    model = FunctionModel(function, background=np.zeros((1, 3)))
    rows = np.arange(15.0).reshape(5, 3)
    found = xaikit.explain(model, rows, "occlusion", masker="median")
    assert found.values == pytest.approx(rows * [1.0, 2.0, 3.0])
    assert len(sizes) <= 4
    assert sum(sizes) <= 15 + 5 + 2
