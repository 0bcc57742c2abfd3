"""Exact Shapley values of a sum of trees against reference rows, many rows at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import comb

import numpy as np
from numpy.typing import NDArray

from xaikit.core.abilities import TreeSum
from xaikit.core.types import Bools, Floats, Ints

__all__ = ["leaf_sums", "tree_rows"]

DECISIONS = 2**20  # of rows at nodes that are held at once
WORD = 64  # references that are followed together


def tree_rows(
    trees: TreeSum, rows: Floats, references: Floats, players: Ints, mix: Floats, n: int
) -> Floats:
    """(N, n) Shapley values of `outputs @ mix`, the mean over the references.

    rows, references : (N, F), (k, F), as the trees read them
    players : (D,) the feature of each column of the sample; -1 for columns that are always kept
    Features may hold several columns. A leaf that x reaches with the features P and a reference
    without the features Q gives +(p-1)! q! / (p+q)! of its value to each of P and
    -p! (q-1)! / (p+q)! to each of Q.
    Source: Lundberg et al., Nature MI 2020, algorithm 3, here in float64 and for all references
    at once that take the same way down.
    """
    phi, most = np.zeros((len(rows), n)), min(trees.depth, n)
    player = players[trees.owners][trees.column]
    value = trees.values @ mix
    for start in range(0, len(references), WORD):
        some = references[start : start + WORD]
        ways = _ways(trees, some)
        for a, b, first, end in _parts(trees, len(rows)):
            for lo in range(0, len(rows), step := max(1, DECISIONS // (end - first))):
                went = _at(trees, rows[lo : lo + step], np.arange(first, end))
                _compiled()(
                    trees.roots[a:b], trees.left, trees.right, player, value, ways, went,
                    first, len(some), trees.depth, _weights(most), phi[lo : lo + step],
                )  # fmt: skip
    return phi / len(references)


def _at(trees: TreeSum, rows: Floats, nodes: Ints) -> Bools:
    """(B, m) whether each row goes left at nodes (m,)."""
    values = np.take(rows, trees.column[nodes], axis=1)  # in C order, as is what follows
    return goes_left(trees, values, nodes)


def goes_left(trees: TreeSum, values: Floats, nodes: Ints) -> Bools:
    """(B, m) whether values (B, m) go left at nodes, (m,) or (B, m)."""
    went = values <= trees.threshold[nodes]
    if np.isnan(values).any():
        went = np.where(np.isnan(values), trees.missing_left[nodes], went)
    if trees.code_left.size:
        coded = np.broadcast_to(trees.codes[nodes] >= 0, values.shape)
        asked = np.broadcast_to(nodes, values.shape)[coded]
        went[coded] = _codes_left(trees, values[coded], asked)
    return went


def _codes_left(trees: TreeSum, values: Floats, nodes: Ints) -> Bools:
    """(m,) at nodes that ask for categories."""
    beyond = trees.code_left.shape[1] - 1
    known = (values >= 0) & (values < beyond)
    places = np.where(known, values, beyond).astype(np.int64)
    told = trees.code_left[trees.codes[nodes], places]
    missing = np.isnan(values) | (told < 0)
    return np.where(missing, trees.missing_left[nodes], told == 1)


def leaf_sums(trees: TreeSum, rows: Floats) -> Floats:
    """(B, outputs) what the trees add up to for rows (B, F)."""
    at = np.tile(trees.roots, (len(rows), 1))  # (B, T)
    while (inner := trees.left[at] >= 0).any():
        went = goes_left(trees, np.take_along_axis(rows, trees.column[at], axis=1), at)
        at = np.where(inner, np.where(went, trees.left[at], trees.right[at]), at)
    total: Floats = trees.values[at].sum(axis=1)
    return total


def _ways(trees: TreeSum, references: Floats) -> NDArray[np.uint64]:
    """(M,) a bit for each of up to 64 references that goes left."""
    went = _at(trees, references, np.arange(len(trees.left))).astype(np.uint64)
    bits = np.arange(len(references), dtype=np.uint64)[:, None]
    found: NDArray[np.uint64] = (went << bits).sum(axis=0, dtype=np.uint64)
    return found


def _parts(trees: TreeSum, n: int) -> list[tuple[int, int, int, int]]:
    """Runs of trees (a, b) and their nodes (first, end), whose decisions fit."""
    ends = np.append(trees.roots[1:], len(trees.left))
    parts, a = [], 0
    for b in range(1, len(ends) + 1):
        first = int(trees.roots[a])
        if b == len(ends) or (ends[b] - first) * n > DECISIONS:
            parts.append((a, b, first, int(ends[b - 1])))
            a = b
    return parts


@cache
def _weights(most: int) -> Floats:
    """(most + 1, most + 1): (p-1)! q! / (p+q)! at p, q"""
    found = np.zeros((most + 1, most + 1))
    for p in range(1, most + 1):
        for q in range(most + 1 - p):
            found[p, q] = 1 / (p * comb(p + q, p))
    return found


@cache
def _compiled() -> Callable[..., None]:
    """`_follow` as machine code, kept beside this file where that can be written."""
    from numba import njit

    try:
        made: Callable[..., None] = njit(nogil=True, cache=True)(_follow)
    except RuntimeError:  # no place to keep it
        made = njit(nogil=True)(_follow)
    return made


def _follow(
    roots: Ints,
    left: Ints,
    right: Ints,
    player: Ints,
    value: Floats,
    ways: NDArray[np.uint64],
    went: Bools,
    first: int,
    k: int,
    depth: int,
    weights: Floats,
    phi: Floats,
) -> None:
    """Add the Shapley values of each row, summed over the k references, to phi (B, n).

    The references that have not parted go down together, as the bits of one word. Where they part
    from x at a feature for the first time, one way down has the feature from x and the other from
    them; further down it stays so.
    """
    one = np.uint64(1)
    everyone = ~np.uint64(0) if k == 64 else (one << np.uint64(k)) - one
    side = np.zeros(phi.shape[1], np.int8)  # 1: the feature is from x, -1: from the reference
    trail = np.empty(depth, np.int64)  # features that have a side, in the order they got it
    size = 2 * depth + 2
    to_node, to_level = np.empty(size, np.int64), np.empty(size, np.int64)
    to_refs, to_other = np.empty(size, np.uint64), np.empty(size, np.int64)
    for root in roots:
        for i in range(len(phi)):
            level, p, q, top = 0, 0, 0, 1
            to_node[0], to_refs[0], to_level[0], to_other[0] = root, everyone, 0, -1
            while top > 0:
                top -= 1
                node, refs = to_node[top], to_refs[top]
                while level > to_level[top]:
                    level -= 1
                    p, q = (p - 1, q) if side[trail[level]] > 0 else (p, q - 1)
                    side[trail[level]] = 0
                if to_other[top] >= 0:
                    side[to_other[top]], trail[level] = -1, to_other[top]
                    level, q = level + 1, q + 1
                while left[node] >= 0:
                    j, goes = player[node], went[i, node - first]
                    mine, other = left[node], right[node]
                    same = ways[node] & refs
                    if not goes:
                        mine, other, same = other, mine, refs & ~same
                    apart = refs & ~same
                    if j < 0 or side[j] > 0 or apart == 0:
                        node = mine
                        continue
                    if side[j] < 0:
                        if same == 0:
                            node = other
                            continue
                        to_node[top], to_refs[top] = other, apart
                        to_level[top], to_other[top] = level, -1
                        top += 1
                        node, refs = mine, same
                        continue
                    if same != 0:
                        to_node[top], to_refs[top] = mine, same
                        to_level[top], to_other[top] = level, -1
                        top += 1
                    to_node[top], to_refs[top] = other, apart
                    to_level[top], to_other[top] = level, j
                    top += 1
                    side[j], trail[level] = 1, j
                    level, p = level + 1, p + 1
                    node, refs = mine, apart
                if level == 0:
                    continue
                shared = 0
                while refs != 0:
                    refs &= refs - one
                    shared += 1
                total = value[node] * shared
                up, down = total * weights[p, q], total * weights[q, p]
                for d in range(level):
                    j = trail[d]
                    phi[i, j] += up if side[j] > 0 else -down
            while level > 0:
                level -= 1
                side[trail[level]] = 0
