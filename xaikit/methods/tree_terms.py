"""A sum of trees as a sum of terms: which features of a row, and which of a reference, lead to a leaf."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from xaikit.core.abilities import TreeSum
from xaikit.core.types import Bools, Floats, Ints
from xaikit.methods.trees import goes_left
from xaikit.shapley.interactions import Terms

__all__ = ["tree_terms"]

Features = frozenset[int]


def tree_terms(
    trees: TreeSum, row: Floats, references: Floats, players: Ints, mix: Floats, n: int
) -> Terms:
    """`outputs @ mix`, the mean over the references, of a row (F,) against references (k, F).

    players : (D,) the feature of each column of the sample; -1 for columns that are always kept
    A leaf that x reaches with the features P and a reference without the features Q is a term that
    holds where all of P and none of Q are kept.
    Source: Lundberg et al., Nature MI 2020, algorithm 3; Zern, Broelemann & Kasneci, AAAI 2023.
    """
    nodes = np.arange(len(trees.left))
    mine = _went(trees, row[None], nodes)[0]
    others = _went(trees, references, nodes)
    player = players[trees.owners][trees.column]
    total: dict[tuple[Features, Features], float] = defaultdict(float)
    for leaf, path, sides in _leaves(trees, mine, others):
        weight = float(trees.values[leaf] @ mix) / len(references)
        held = mine[path] == sides
        theirs = others[:, path] == sides
        for ends, times in _ends(player[path], held, theirs):
            total[ends] += weight * times
    return _terms(total, n)


def _went(trees: TreeSum, rows: Floats, nodes: Ints) -> Bools:
    return goes_left(trees, np.take(rows, trees.column[nodes], axis=1), nodes)


def _leaves(trees: TreeSum, mine: Bools, others: Bools) -> Iterator[tuple[int, Ints, Bools]]:
    """Leaves that the row or a reference, or parts of both, can reach; with their way down."""
    stack = [(int(root), (), (), np.ones(len(others), dtype=bool)) for root in trees.roots]  # type: list[tuple[int, tuple[int, ...], tuple[bool, ...], Bools]]
    while stack:
        node, path, sides, alive = stack.pop()
        if trees.left[node] < 0:
            yield node, np.array(path, dtype=np.int64), np.array(sides, dtype=bool)
            continue
        for child, side in ((trees.left[node], True), (trees.right[node], False)):
            still = alive & ((others[:, node] == side) | (mine[node] == side))
            if still.any():
                stack.append((int(child), (*path, node), (*sides, side), still))


def _ends(
    player: Ints, held: Bools, theirs: Bools
) -> Iterator[tuple[tuple[Features, Features], int]]:
    """(P, Q) of a leaf and for how many references it holds.

    player : (d,) feature asked at each node of the way; held (d,), theirs (k, d) : whether the row
    and each reference go that way there
    """
    if not held[player < 0].all():
        return
    features = np.unique(player[player >= 0])
    at = player == features[:, None]  # (f, d)
    x = ~(at & ~held).any(axis=1)
    r = ~(at & ~theirs[:, None]).any(axis=2)  # (k, f)
    alive = r[(r | x).all(axis=1)]
    if not len(alive):
        return
    for own, times in zip(*np.unique(alive, axis=0, return_counts=True), strict=True):
        inside, outside = features[x & ~own], features[own & ~x]
        yield (frozenset(inside.tolist()), frozenset(outside.tolist())), int(times)


def _terms(total: dict[tuple[Features, Features], float], n: int) -> Terms:
    inside, outside = np.zeros((2, len(total), n), dtype=bool)
    for i, (p, q) in enumerate(total):
        inside[i, list(p)], outside[i, list(q)] = True, True
    return Terms(inside, outside, np.array(list(total.values())))
