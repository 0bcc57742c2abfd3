"""A recurrent net computes the common beginnings of masked inputs once: the same numbers from fewer steps."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
import torch
from toy_zoo import fresh, toy_data

from xaikit.core.types import Sample
from xaikit.methods.packing import Packable, prefetch
from xaikit.models import branches
from xaikit.models.branches import Branches
from xaikit.models.composing import Composed
from xaikit.study.plan import Plan, make_question

EVERYTHING = slice(None)
N = 12


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments cost nothing, so that tiny nets share beginnings too."""
    for cost in ("_CALL", "_MORE", "_PACKED", "_STEP"):
        monkeypatch.setattr(branches, cost, 0)


def text(seed: int = 0, n: int = N) -> np.ndarray:
    return np.random.default_rng(seed).choice(["the", "a", "film", "good", "so", "unheard"], n)


def loud(name: str, modality: Any, **params: Any) -> Any:
    """A net whose states are far from zero, so that every earlier step counts."""
    model = fresh(name, modality, **params)
    with torch.no_grad():
        for key, weight in model.net.named_parameters():
            if key.endswith(("head.1.weight", "rnn.bias_ih_l0")):
                weight.mul_(3.0)
            if "rnn.weight_hh" in key:
                weight.mul_(2.0)
    return model


def whole(model: Any, x: np.ndarray, references: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """(m, k, K) by the definition: every masked input through `scores`."""
    return np.stack([[model.scores([np.where(m, x, r)])[0] for r in references] for m in kept])


def words(name: str = "lstm", k: int = 1, **params: Any) -> tuple[Any, np.ndarray, np.ndarray, Any]:
    model, x = loud(name, "text", **params), text()
    references = np.stack([np.full(N, "[MASK]"), text(8), text(9)])[:k]
    return model, x, references, model.bind(x, references, np.arange(N), False)


def every_sort(seed: int) -> np.ndarray:
    """Random, nested, leave-one-out, doubled, all kept and none kept, in any order."""
    rng = np.random.default_rng(seed)
    drawn = rng.random((30, N)) < 0.5
    ends = np.array([[True] * N, [False] * N])
    masks = np.concatenate([drawn, np.tri(N, dtype=bool), ~np.eye(N, dtype=bool), drawn[:9], ends])
    return masks[rng.permutation(len(masks))]


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize(
    ("k", "params"),
    [(1, {}), (2, {"pool": "mean"}), (3, {"pool": "max"}), (2, {"depth": 2})],
    ids=["last", "mean", "max", "deep"],
)
def test_the_scores_are_those_of_whole_passes(name, k, params):
    model, x, references, scores = words(name, k, **params)
    masks = every_sort(k)
    right = whole(model, x, references, masks)
    np.testing.assert_allclose(scores(masks, EVERYTHING), right, atol=1e-5)
    assert scores.steps < 0.7 * scores.asked
    np.testing.assert_allclose(scores(masks[5:], slice(k - 1, k)), right[5:, k - 1 :], atol=1e-5)
    assert np.ptp(right, axis=0).min() > 0.01  # far more than the tolerance


def test_the_saving_is_counted_in_steps():
    *_, scores = words()
    scores(~np.eye(N, dtype=bool), EVERYTHING)
    # step t has t + 1 beginnings: those that left out one word so far, and the one that left out none
    assert scores.asked == N * N
    assert scores.steps == sum(range(2, N + 1)) + N
    scores(np.ones((5, N), dtype=bool), EVERYTHING)  # five times the sample
    assert scores.steps == sum(range(2, N + 1)) + 2 * N


@pytest.mark.parametrize("seed", range(3))
def test_segments_end_where_it_costs_least(seed, monkeypatch):
    monkeypatch.setattr(branches, "_MORE", 9)
    monkeypatch.setattr(branches, "_ENDS", 20)
    *_, scores = words()
    rng = np.random.default_rng(seed)
    _, step = scores._sorted(rng.random((20, N)) < rng.uniform(0.3, 0.8))

    def cost(cuts: tuple[int, ...]) -> int:
        return sum(9 + 2 * (b - a) * np.sum(step < b) for a, b in pairwise((0, *cuts, N)))

    every = [cuts for n in range(N) for cuts in combinations(range(1, N), n)]
    found = scores._cuts(step, 2, 0.0)
    assert cost(tuple(found[1:-1])) == min(map(cost, every)) < cost(())
    assert scores._cuts(step, 2, 0.95) == []


def test_words_that_are_never_removed_and_words_in_pieces(monkeypatch):
    monkeypatch.setattr(branches, "_LEAST", 0)
    model, x, references, _ = words(k=2)
    ids = np.repeat([2, -1, 1, -1, 0, 1], 2)  # feature 1 stands in two places, feature 2 first
    scores = model.bind(x, references, ids, False)
    masks = np.array([[1, 1, 0], [1, 0, 1], [1, 1, 1], [0, 1, 1], [0, 0, 0], [1, 0, 1]], bool)
    kept = np.concatenate([masks, np.ones((6, 1), bool)], axis=1)[:, ids]
    right = whole(model, x, references, kept)
    np.testing.assert_allclose(scores(masks, EVERYTHING), right, atol=1e-5)
    assert scores.steps < scores.asked


@pytest.mark.parametrize("pool", ["last", "mean"])
def test_windows_of_the_channels_of_a_series(pool):
    model = loud("gru", "series", pool=pool)
    x, *others = (sample.x for sample in toy_data("series").train[:3])
    ids = (np.arange(20) // 4)[:, None] * 2 + np.arange(2)  # windows x channels
    scores = model.bind(x, np.stack(others), ids, False)
    masks = np.random.default_rng(0).random((40, 10)) < 0.5
    right = whole(model, x, np.stack(others), masks[:, ids])
    np.testing.assert_allclose(scores(masks, EVERYTHING), right, atol=1e-5)
    assert scores.steps < 0.7 * scores.asked


def test_more_features_than_a_machine_word_has_bits():
    model, x = loud("gru", "text"), text(n=80)
    scores = model.bind(x, np.full((1, 80), "[MASK]"), np.arange(80), False)
    masks = np.random.default_rng(0).random((6, 80)) < 0.5
    masks = np.concatenate([masks, masks])
    masks[6:, 70] ^= True  # the first 64 words are alike
    np.testing.assert_allclose(scores(masks, EVERYTHING), scores.full(masks, EVERYTHING), atol=1e-6)
    assert scores.steps < 0.6 * scores.asked


def test_a_regressor_answers_in_its_own_units():
    model, x, references, _ = words()
    number = replace(model, classes=(), space="value", centre=100.0, scale=7.0)
    scores = number.bind(x, references, np.arange(N), False)
    masks = every_sort(0)
    right = whole(number, x, references, masks)
    np.testing.assert_allclose(scores(masks, EVERYTHING), right, atol=1e-4)
    assert right.min() > 50
    assert scores.steps < scores.asked


def test_passes_begin_with_more_rows_where_they_may_share():
    assert fresh("lstm", "text").batch_rows == 256
    assert fresh("lstm", "text", bidirectional=True).batch_rows == 64


def test_new_weights_are_used_at_once():
    model, x, references, scores = words()
    masks = every_sort(0)
    before = scores(masks, EVERYTHING)
    with torch.no_grad():
        model.net["body"].rnn.weight_hh_l0.mul_(-1)
    after = scores(masks, EVERYTHING)
    np.testing.assert_allclose(after, whole(model, x, references, masks), atol=1e-5)
    assert np.abs(after - before).max() > 0.01


@pytest.mark.parametrize(
    ("name", "params"), [("lstm", {"bidirectional": True}), ("bert_small", {})]
)
def test_nets_that_look_ahead_are_left_alone(name, params):
    model = fresh(name, "text", **params)
    bound = model.bind(text(), np.full((1, N), "[MASK]"), np.arange(N), False)
    assert type(bound) is Composed


def test_a_net_of_another_make_is_left_alone():
    model, x, references, scores = words()
    assert isinstance(scores, Branches)
    body = model.net["body"]
    body.__class__ = type("Own", (type(body),), {})  # may do anything in its forward
    assert type(model.bind(x, references, np.arange(N), False)) is Composed


def test_a_net_with_hooks_is_evaluated_in_full():
    model, _, _, scores = words()
    seen: list[int] = []
    hook = model.net["body"].states.register_forward_hook(lambda *_: seen.append(1))
    scores(~np.eye(N, dtype=bool), EVERYTHING)
    assert seen == [1]
    assert scores.steps == scores.asked
    hook.remove()


def test_small_requests_share_passes_unless_their_beginnings_save_more(monkeypatch):
    *_, scores = words()
    assert not isinstance(scores, Packable)
    monkeypatch.setattr(branches, "_MORE", 40)
    *_, scores = words()
    assert isinstance(scores, Branches)
    assert isinstance(scores, Packable)
    scores(~np.eye(N, dtype=bool), EVERYTHING)
    assert scores.steps == scores.asked
    monkeypatch.undo()  # what segments cost outweighs all in a net of this size
    assert type(words()[-1]) is Composed


def test_among_requests_of_several_samples_the_large_ones_branch(monkeypatch):
    monkeypatch.setattr(branches, "_MORE", 40)
    model, _, references, _ = words(k=2)
    xs = [text(seed) for seed in range(4)]
    bounds = [model.bind(x, references, np.arange(N), False) for x in xs]
    masks = [np.random.default_rng(i).random((m, N)) < 0.5 for i, m in enumerate((5, 200, 1, 300))]
    found = bounds[0].together(bounds, masks)
    for bound, own, scores in zip(bounds, masks, found, strict=True):
        np.testing.assert_allclose(scores, bound.full(own, EVERYTHING), atol=1e-6)
    assert [bound.steps < bound.asked for bound in bounds] == [False, True, False, True]
    (alone,) = bounds[3].together(bounds[3:], masks[3:])
    np.testing.assert_allclose(alone, found[3], atol=1e-6)


def test_large_requests_of_a_study_branch(monkeypatch):
    monkeypatch.setattr(branches, "_MORE", 40)
    model = loud("lstm", "text")
    samples = [Sample(f"s{i}", text(i), "text") for i in range(3)]
    questions = [replace(make_question(model, s, Plan()), batch_size=400) for s in samples]
    drawn = np.random.default_rng(0).permutation(2**N)[:130]
    masks = (drawn[:, None] >> np.arange(N)) % 2 == 1
    prefetch(questions, lambda _: masks)
    for q in questions:
        right = q.target(q.bound.full(masks, EVERYTHING)[:, 0])
        np.testing.assert_allclose(q.value(masks), right, atol=1e-6)
        assert q.bound.steps < q.bound.asked == 130 * N  # and nothing was asked again


def test_nothing_is_left_behind():
    model, _, _, scores = words()
    model.net.train()
    scores(~np.eye(N, dtype=bool), EVERYTHING)

    def fails(*_: Any) -> Any:
        raise ValueError("the head fails")

    model.net["body"].head.forward = fails
    with pytest.raises(ValueError, match="the head fails"):
        scores(~np.eye(N, dtype=bool), EVERYTHING)
    assert all(m.training and not m._forward_hooks for m in model.net.modules())
    assert all(w.requires_grad and w.grad is None for w in model.net.parameters())
