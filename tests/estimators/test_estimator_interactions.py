"""Interaction indices: worked by hand, by definition from the papers, and as published."""

from __future__ import annotations

import gzip
import json
import math
import os
from itertools import combinations, permutations
from pathlib import Path

import numpy as np
import pytest

from xaikit.core.errors import InvalidInput, OutOfBudget
from xaikit.shapley.game import Game
from xaikit.shapley.interactions import (
    INDICES,
    Terms,
    enumerated_values,
    index_values,
    sampled_values,
    sets_of,
)

ROOT = Path(__file__).parent.parent.parent
PUBLISHED = Path(os.environ.get("XAIKIT_SHARED") or ROOT.parent / "shared") / (
    "data/reference_shapiq_interactions/interactions.json.gz"
)


def products(n: int, *sets: tuple[int, ...], weights=None) -> Terms:
    inside = np.zeros((len(sets), n), dtype=bool)
    for row, one in zip(inside, sets, strict=True):
        row[list(one)] = True
    return Terms(inside, np.zeros_like(inside), np.array(weights or [1.0] * len(sets)))


def value(terms: Terms):
    def of(masks):
        held = (masks[:, None] | ~terms.inside).all(2) & ~(masks[:, None] & terms.outside).any(2)
        return (held * terms.weights).sum(1)  # row by row, at any batch size

    return of


def random_game(n: int, seed: int, largest: int = 4) -> Terms:
    rng = np.random.default_rng(seed)
    sets = [
        tuple(rng.choice(n, rng.integers(1, largest + 1), replace=False).tolist())
        for _ in range(30)
    ]
    return products(n, *sets, weights=rng.normal(size=30).tolist())


def derivative(v, n: int, one: tuple[int, ...], rest: tuple[int, ...]) -> float:
    """The discrete derivative of a set at a coalition."""
    total = 0.0
    for k in range(len(one) + 1):
        for part in combinations(one, k):
            mask = np.zeros((1, n), dtype=bool)
            mask[0, list(part + rest)] = True
            total += (-1) ** (len(one) - k) * v(mask)[0]
    return total


def sii(v, n: int, one: tuple[int, ...]) -> float:
    others = [i for i in range(n) if i not in one]
    total = 0.0
    for t in range(len(others) + 1):
        weight = 1 / ((n - len(one) + 1) * math.comb(n - len(one), t))
        total += weight * sum(derivative(v, n, one, rest) for rest in combinations(others, t))
    return total


def stii(v, n: int, one: tuple[int, ...], order: int) -> float:
    """Over all orders of the features: the derivative at those before the first of the set."""
    if len(one) < order:
        return derivative(v, n, one, ())
    found = [
        derivative(v, n, one, way[: min(way.index(i) for i in one)])
        for way in permutations(range(n))
    ]
    return float(np.mean(found))


def fsii(v, n: int, order: int) -> np.ndarray:
    """The weighted least squares of the paper; both ends weigh a million times as much."""
    masks = ((np.arange(2**n)[:, None] >> np.arange(n)) & 1).astype(bool)
    size = masks.sum(1)
    inner = np.array([0 if s in (0, n) else 1 / (math.comb(n, s) * s * (n - s)) for s in size])
    weights = np.where(inner > 0, inner, 1e6)
    columns = np.stack([masks[:, list(s)].all(1) for s in [(), *sets_of(n, order)]], axis=1)
    root = np.sqrt(weights)
    return np.linalg.lstsq(columns * root[:, None], v(masks) * root, rcond=None)[0][1:]


HAND = {  # a pair, and a triple, of four features: what its pairs and its single features get
    "SII": ((1.0, 1 / 2), (1 / 2, 1 / 3)),
    "k-SII": ((1.0, 0.0), (1 / 2, -1 / 6)),
    "STII": ((1.0, 0.0), (1 / 3, 0.0)),
    "FSII": ((1.0, 0.0), (1 / 2, -1 / 6)),
}


@pytest.mark.parametrize("index", INDICES)
def test_a_product_of_two_and_of_three_features_is_worth_what_one_works_out_by_hand(index) -> None:
    for product, (pair, single) in zip(((0, 2), (0, 2, 3)), HAND[index], strict=True):
        game = Game(value(products(4, product)), 4)
        found = dict(zip(sets_of(4, 2), enumerated_values(game, index, 2).values, strict=True))
        for one, got in found.items():
            inside = set(one) <= set(product)
            wanted = 0.0 if not inside else single if len(one) == 1 else pair
            assert got == pytest.approx(wanted, abs=1e-12), (product, one)


def test_the_indices_are_those_of_their_papers() -> None:
    n, v = 5, value(random_game(5, 1))
    sets = sets_of(n, 2)
    found = {i: enumerated_values(Game(v, n), i, 2).values for i in INDICES}
    np.testing.assert_allclose(found["SII"], [sii(v, n, s) for s in sets], atol=1e-10)
    np.testing.assert_allclose(found["STII"], [stii(v, n, s, 2) for s in sets], atol=1e-10)
    np.testing.assert_allclose(found["FSII"], fsii(v, n, 2), atol=1e-4)
    pairs = np.array([sii(v, n, s) for s in sets if len(s) == 2])
    joined = [pairs[[i in s for s in sets if len(s) == 2]].sum() for i in range(n)]
    single = np.array([sii(v, n, (i,)) for i in range(n)]) - np.array(joined) / 2
    np.testing.assert_allclose(found["k-SII"], [*single, *pairs], atol=1e-10)


@pytest.mark.parametrize("index", INDICES)
def test_of_order_one_every_index_is_the_shapley_value_and_all_but_sii_are_complete(index) -> None:
    terms = random_game(7, 2)
    game = Game(value(terms), 7)
    shapley = [sii(value(terms), 7, (i,)) for i in range(7)]
    np.testing.assert_allclose(enumerated_values(game, index, 1).values, shapley, atol=1e-10)
    if index != "SII":
        for order in (1, 2, 3, 7):
            total = enumerated_values(game, index, order).values.sum()
            assert total == pytest.approx(game.output - game.empty, abs=1e-9)


def test_terms_that_need_features_away_are_those_of_their_table() -> None:
    rng = np.random.default_rng(3)
    side = rng.integers(-1, 2, size=(12, 6))
    terms = Terms(side == 1, side == -1, rng.normal(size=12))
    for index in INDICES:
        table = enumerated_values(Game(value(terms), 6), index, 3).values
        np.testing.assert_allclose(index_values(terms, index, 3), table, atol=1e-10)
    ends = np.array([[False] * 6, [True] * 6])
    assert terms.change == pytest.approx(float(np.diff(value(terms)(ends))[0]))


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published values are not here")
def test_every_published_value_is_found() -> None:
    known = json.loads(gzip.decompress(PUBLISHED.read_bytes()))

    def read(entry: str) -> dict[tuple[int, ...], float]:
        data = known[entry]["data"]
        return {
            () if k in ("", "Empty") else tuple(map(int, k.split(","))): x for k, x in data.items()
        }

    moebius = read("Moebius|8")
    base = moebius.pop((), 0.0)
    terms = products(8, *moebius, weights=list(moebius.values()))
    game = Game(lambda masks: base + value(terms)(masks), 8)
    compared = 0
    for entry in known:
        index, order = entry.split("|")
        if index not in (*INDICES, "SV"):
            continue
        found = enumerated_values(game, "SII" if index == "SV" else index, int(order)).values
        table = dict(zip(sets_of(8, int(order)), found, strict=True))
        limit = 1e-8 if index == "FSII" else 1e-12  # the published FSII misses its own game by 4e-9
        for one, wanted in read(entry).items():
            if one:
                assert table[one] == pytest.approx(wanted, abs=limit), (entry, one)
                compared += 1
    assert compared > 4000


@pytest.mark.parametrize("index", INDICES)
def test_sampled_values_lie_within_their_error_bars_as_often_as_these_say(index) -> None:
    held, n = [], 15
    for seed in range(8):
        terms = random_game(n, seed)
        found = sampled_values(Game(value(terms), n), index, 2, 1000, seed)
        truth = index_values(terms, index, 2)
        known = found.std < 1e-12  # STII of single features: every one was asked
        np.testing.assert_allclose(found.values[known], truth[known], atol=1e-9)
        held.append(np.abs(found.values - truth)[~known] / found.std[~known])
        if index != "SII":
            assert found.values.sum() == pytest.approx(terms.change, abs=1e-9)
        assert np.abs(found.values - truth).mean() < 0.4 * np.abs(truth).mean()
    spread = np.concatenate(held)
    assert 0.92 < np.mean(spread < 1.96) < 0.98
    assert 0.85 < np.sqrt(np.mean(spread**2)) < 1.15


def test_error_bars_shrink_as_little_is_left_to_draw() -> None:
    apart = []
    for seed in range(12):
        terms = random_game(10, seed)
        found = sampled_values(Game(value(terms), 10), "SII", 2, 760, seed)
        apart.append((found.values - index_values(terms, "SII", 2)) / found.std)
    assert 0.8 < np.sqrt(np.mean(np.concatenate(apart) ** 2)) < 1.25


def test_a_game_of_pairs_is_found_from_few_coalitions_and_its_bars_are_not_zero() -> None:
    terms = random_game(20, 4, largest=2)
    found = sampled_values(Game(value(terms), 20), "k-SII", 2, 1024, 0)
    np.testing.assert_allclose(found.values, index_values(terms, "k-SII", 2), atol=1e-8)
    assert found.std.min() > 0
    assert "no interaction was seen" in found.note


def test_every_coalition_drawn_is_exact_and_the_seed_decides_at_any_batch_size() -> None:
    terms = random_game(8, 5)
    v = value(terms)
    every = sampled_values(Game(v, 8), "SII", 2, 256, 0)
    np.testing.assert_allclose(every.values, index_values(terms, "SII", 2), atol=1e-9)
    big = random_game(16, 6)
    one = sampled_values(Game(value(big), 16), "FSII", 2, 800, 3)
    small = sampled_values(Game(value(big), 16, batch_size=7), "FSII", 2, 800, 3)
    other = sampled_values(Game(value(big), 16), "FSII", 2, 800, 4)
    assert np.array_equal(one.values, small.values)
    assert not np.array_equal(one.values, other.values)


def test_the_budget_is_never_exceeded() -> None:
    for budget in (80, 333, 1000):
        game = Game(value(random_game(18, 7)), 18)
        sampled_values(game, "k-SII", 2, budget, 0)
        assert game.evaluations <= budget


def test_what_cannot_be_asked_is_refused_in_a_sentence() -> None:
    with pytest.raises(InvalidInput, match="order is 4 and there are 3 features; give 1 to 3."):
        sets_of(3, 4)
    with pytest.raises(OutOfBudget, match="500 features have 125250 sets of up to 2 and 20000 are"):
        sets_of(500, 2)
