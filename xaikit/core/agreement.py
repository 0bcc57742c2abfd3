"""Do two explanations of the same question tell the same story?

Disagreement is read against a ceiling: how well each method agrees with its own second run. What all
methods agree on is a partial order and a vote on signs, never a mean of their maps.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # its parts are imported when they are first used
from numpy.typing import ArrayLike

from xaikit.core.errors import InvalidInput
from xaikit.core.explanations import Explanations
from xaikit.core.finding import Finding
from xaikit.core.measures import default_k, measure
from xaikit.core.stats import FEWEST, Paired, is_constant, paired_test, pearson, ranks, spearman
from xaikit.core.types import Bools, Explanation, Floats, Ints, Score

__all__ = [
    "AGREEMENT",
    "Consensus",
    "Disagreement",
    "agreement_scores",
    "agreements",
    "consensus",
    "disagreement_test",
    "disagreements",
    "masker_tau",
    "pairwise_agreement",
    "similarity",
    "top_k",
]

_FAMILY = "agreement"
FEATURE = measure(
    "feature_agreement",
    _FAMILY,
    "higher",
    "overlap of the top features",
    "share of the top features in common",
    korean=("상위 특징의 겹침", "두 설명이 함께 꼽은 상위 특징의 비율"),
)
CHANCE_ADJUSTED = measure(
    "chance_adjusted_agreement",
    _FAMILY,
    "higher",
    "overlap of the top features beyond chance",
    "share of the top features in common beyond chance: 0 is chance, 1 is the same features",
    korean=(
        "우연을 넘는 상위 특징의 겹침",
        "우연을 넘어 함께 꼽은 상위 특징의 비율. 0은 우연, 1은 같은 특징",
    ),
)
RANK = measure(
    "rank_agreement",
    _FAMILY,
    "higher",
    "top features at the same rank",
    "share of the top features in common at the same rank",
    korean=("같은 순위의 상위 특징", "같은 순위로 함께 꼽은 상위 특징의 비율"),
)
SIGN = measure(
    "sign_agreement",
    _FAMILY,
    "higher",
    "top features with the same sign",
    "share of the top features in common with the same sign",
    korean=("같은 부호의 상위 특징", "같은 부호로 함께 꼽은 상위 특징의 비율"),
)
SIGNED_RANK = measure(
    "signed_rank_agreement",
    _FAMILY,
    "higher",
    "top features with the same sign and rank",
    "share of the top features in common with the same sign and rank",
    korean=("같은 부호와 순위의 상위 특징", "같은 부호와 순위로 함께 꼽은 상위 특징의 비율"),
)
SPEARMAN = measure(
    "spearman",
    _FAMILY,
    "higher",
    "Rank correlation of strength",
    "whether both order the features by strength in the same way",
    korean=("세기 순위 상관", "두 설명이 특징을 같은 세기 순서로 놓는지"),
)
PAIRWISE = measure(
    "pairwise_rank_agreement",
    _FAMILY,
    "higher",
    "pairs of features in the same order",
    "share of pairs of features that both put in the same order of strength",
    korean=("같은 순서인 특징 쌍", "둘이 같은 세기 순서로 놓은 특징 쌍의 비율"),
)
AGREEMENT = (FEATURE, CHANCE_ADJUSTED, RANK, SIGN, SIGNED_RANK, SPEARMAN, PAIRWISE)


@dataclass(frozen=True, eq=False)
class Consensus:
    """What several explanations of one question agree on.

    above : (n, n) bool, above[i, j]: every method finds i stronger than j, beyond its error bars
    votes : (n,) float64, mean sign over the methods, -1 to 1; +-1 is unanimous
    share : part of all pairs of features whose order all methods agree on, 0 to 1
    """

    methods: tuple[str, ...]
    names: tuple[str, ...]
    above: Bools
    votes: Floats

    @property
    def share(self) -> float:
        n = len(self.names)
        return float(self.above.sum() / (n * (n - 1) / 2)) if n > 1 else 1.0

    def edges(self) -> list[tuple[int, int]]:
        """Pairs (i, j) that draw the order: i above j with nothing in between."""
        above = self.above.astype(np.float32)
        return [(int(i), int(j)) for i, j in np.argwhere(self.above & ~(above @ above > 0))]


@dataclass(frozen=True)
class Disagreement:
    """Whether two methods disagree by more than their own second runs do.

    real : True or False, or None with fewer than 10 samples
    agreement, ceiling : means over the samples; test : ceiling - agreement, paired; found : the finding
    """

    real: bool | None
    agreement: float
    ceiling: float
    test: Paired

    @property
    def found(self) -> Finding:
        key = {True: "real", False: "same", None: "open"}[self.real]
        numbers = {"value": self.agreement, "ceiling": self.ceiling}
        return Finding(f"differ.{key}", {**numbers, "n": self.test.n, "needed": FEWEST})

    @property
    def sentence(self) -> str:
        return str(self.found)


def agreement_scores(a: Explanation, b: Explanation, *, k: int | None = None) -> list[Score]:
    """Krishna et al.'s six measures (TMLR 2024, section 3.2) and the chance-adjusted one.

    Strength is |value|. `k` top features (`default_k` unless given), fewer when either explanation
    gives weight to fewer. Both runs of one method: its ceiling, with a = b in `of`.
    """
    return agreements([[a], [b]], k=k)


def agreements(
    explanations: Sequence[Sequence[Explanation]], *, k: int | None = None
) -> list[Score]:
    """`agreement_scores` of every pair of methods on B samples with as many features each.

    explanations : of each method a block (`Explanations`) of B, in the order of the samples
    """
    blocks = [Explanations.of(block) for block in explanations]
    for block in blocks[1:]:
        _comparable(blocks[0], block)
    values = np.stack([block.values for block in blocks])  # (M, B, n)
    n, strength = values.shape[2], np.abs(values)
    if k is not None and not 1 <= k <= n:
        raise InvalidInput(f"k is {k} and there are {n} features; give 1 to {n}.")
    place = np.argsort(np.argsort(-strength, axis=2, kind="stable"), axis=2)
    nonzero, sign, flat = (values != 0).sum(axis=2), np.sign(values), is_constant(strength)
    rank, a, b = ranks(strength), *_pairs(len(blocks))
    used = np.minimum(np.minimum(nonzero[a], nonzero[b]), k or default_k(n))  # (P, B)
    top_a, top_b = (place[side] < used[..., None] for side in (a, b))  # (P, B, n)
    same_sign, same_rank = sign[a] == sign[b], (place[a] == place[b]) & top_a
    chance, per = used / n, 1 / np.maximum(1, used)
    share = (top_a & top_b).sum(axis=2) / np.maximum(1, used)
    rest = np.where(chance < 1, 1 - chance, 1.0)
    flat = flat[a] | flat[b]
    of = [
        {"a": blocks[i].method, "b": blocks[j].method, "sample": id_}
        for i, j in zip(a, b, strict=True)
        for id_ in blocks[0].sample_ids
    ]
    notes = _told(used, f"top {{}} of {n} features", "0 by rule: an explanation is 0 everywhere")
    every = f"0 by rule: all {n} features are top features"
    beyond = [every if all_ else note for all_, note in zip((chance == 1).flat, notes, strict=True)]
    constant = _told(~flat, "", "0 by rule: one explanation is constant")
    return [
        *FEATURE.scores(share.ravel(), of, notes),
        *CHANCE_ADJUSTED.scores(
            np.where(chance < 1, (share - chance) / rest, 0.0).ravel(), of, beyond
        ),
        *RANK.scores((same_rank.sum(axis=2) * per).ravel(), of, notes),
        *SIGN.scores(((top_a & top_b & same_sign).sum(axis=2) * per).ravel(), of, notes),
        *SIGNED_RANK.scores(((same_rank & same_sign).sum(axis=2) * per).ravel(), of, notes),
        *SPEARMAN.scores(np.where(flat, 0.0, pearson(rank[a], rank[b])).ravel(), of, constant),
        *PAIRWISE.scores(_same_order(strength, a, b).ravel(), of),
    ]


def pairwise_agreement(explanations: Sequence[Explanation], *, k: int | None = None) -> list[Score]:
    """`agreement_scores` of every pair of methods on every sample they both explain."""
    of_sample: dict[str, list[list[Explanation]]] = defaultdict(list)
    for explanation in explanations:
        of_sample[explanation.sample_id].append([explanation])
    return [score for group in of_sample.values() for score in agreements(group, k=k)]


def similarity(a: Explanation, b: Explanation) -> float:
    """Rank correlation of the signed values, -1 to 1; 1 for the same values, constants too."""
    return 1.0 if np.array_equal(a.values, b.values) else spearman(a.values, b.values)


def top_k(values: Floats, k: int) -> Ints:
    """(k,) the features of largest |value|, strongest first, ties in the order of the features."""
    order: Ints = np.argsort(-np.abs(values), kind="stable")[:k]
    return order


def consensus(explanations: Sequence[Explanation]) -> Consensus:
    """What all of them agree on, for one question; give only methods that hold.

    A pair is ordered when every method orders it the same way and by more than 1.96 standard errors
    of the difference, where it has any (Laberge et al. 2023, section 4).
    """
    if len(explanations) < 2:
        raise InvalidInput(
            f"a consensus of {len(explanations)} explanation(s) says nothing; give 2 or more."
        )
    first = explanations[0]
    above = np.ones((len(first.values), len(first.values)), dtype=bool)
    for e in explanations:
        _comparable(Explanations.of([first]), Explanations.of([e]))
        strength = np.abs(e.values)
        margin = 0.0 if e.std is None else 1.96 * np.hypot(e.std[:, None], e.std[None, :])
        above &= strength[:, None] - strength[None, :] > margin
    votes = np.mean([np.sign(e.values) for e in explanations], axis=0)
    return Consensus(tuple(e.method for e in explanations), first.names, above, votes)


def disagreement_test(between: ArrayLike, within_a: ArrayLike, within_b: ArrayLike) -> Disagreement:
    """Whether two methods agree less with each other than each with its own second run.

    between, within_a, within_b : (N,) one measure of agreement per sample, higher = more alike, at
    most 1. The ceiling of a sample is sqrt(within_a within_b), the agreement that noise alone would
    leave (attenuation, Spearman 1904); negative agreement with oneself counts as 0.
    """
    x, a, b = (np.asarray(v, dtype=np.float64) for v in (between, within_a, within_b))
    if not x.shape == a.shape == b.shape:
        raise InvalidInput(
            f"{len(x)} samples between the methods, {len(a)} and {len(b)} within; give the same ones."
        )
    ceiling = np.sqrt(np.maximum(a, 0.0) * np.maximum(b, 0.0))
    test = paired_test(ceiling - x)
    real = None if test.interval is None else test.p < 0.05 and test.mean > 0
    return Disagreement(real, float(x.mean()), float(ceiling.mean()), test)


def disagreements(
    scores: Iterable[Score], by: str = "spearman"
) -> dict[tuple[str, str], Disagreement]:
    """`disagreement_test` for every pair of methods whose second runs were measured too.

    Over the samples on which all three are known. "spearman" tests strength; for signs use
    "sign_agreement".
    """
    found: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for s in scores:
        if s.metric == by and {"a", "b", "sample"} <= set(s.of):
            found[str(s.of["a"]), str(s.of["b"])][str(s.of["sample"])] = s.value
    tests = {}
    for (a, b), between in found.items():
        own = found.get((a, a), {}), found.get((b, b), {})
        samples = [x for x in between if all(x in within for within in own)]
        if a != b and samples:
            rows = [[row[x] for x in samples] for row in (between, *own)]
            tests[a, b] = disagreement_test(*rows)
    return tests


def masker_tau(
    scores: Iterable[Score], *, without: Collection[str] = ("random", "magnitude")
) -> tuple[float | None, int]:
    """Whether two ways of removing put the methods in the same order, and how many methods that is.

    Kendall's tau-b, -1 to 1, between the methods' mean "srg" under the first masker and under the
    second; None with fewer than three methods, or when all are equal under one of the maskers.
    without : methods that are left out, the controls unless told

    Means over the samples, and over the methods, that were measured under both.
    """
    found: dict[str, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for s in scores:
        known = s.metric == "srg" and {"masker", "method", "sample"} <= set(s.of)
        if known and s.of["method"] not in without and math.isfinite(s.value):
            found[str(s.of["masker"])][str(s.of["method"])][str(s.of["sample"])] = s.value
    if len(found) < 2:
        return None, 0
    first, second = list(found.values())[:2]
    rows = []
    for method in first:
        shared = first[method].keys() & second.get(method, {}).keys()
        if shared:
            rows.append([np.mean([one[method][x] for x in shared]) for one in (first, second)])
    if len(rows) < 3:
        return None, len(rows)
    tau = float(scipy.stats.kendalltau(*np.transpose(rows)).statistic)
    return (tau if math.isfinite(tau) else None), len(rows)


def _pairs(n: int) -> tuple[Ints, Ints]:
    """First and second of every pair of n."""
    first, second = np.triu_indices(n, 1)
    return first, second


def _told(known: Floats, words: str, otherwise: str) -> list[str]:
    """The words with each number, or what is said of 0."""
    says = {x: words.format(x) if x else otherwise for x in np.unique(known).tolist()}
    return [says[x] for x in known.ravel().tolist()]


def _same_order(strength: Floats, a: Ints, b: Ints) -> Floats:
    """(P, B) share of pairs of features that both put in the same order."""
    i, j = _pairs(strength.shape[2])
    found = np.ones((len(a), strength.shape[1]))
    for row in range(strength.shape[1] if len(i) else 0):
        order = np.sign(strength[:, row, i] - strength[:, row, j]).astype(np.int8)
        found[:, row] = (order[a] == order[b]).mean(axis=1)
    return found


def _comparable(a: Explanations, b: Explanations) -> None:
    ids = zip(a.sample_ids, b.sample_ids, strict=True)
    cuts = zip(a.segmentations, b.segmentations, strict=True)
    for (id_a, id_b), (cut_a, cut_b) in zip(ids, cuts, strict=True):
        if id_a != id_b or cut_a.names != cut_b.names:
            raise InvalidInput(
                f"{a.method} on sample '{id_a}' and {b.method} on '{id_b}' explain different features; "
                "compare explanations of one question."
            )
