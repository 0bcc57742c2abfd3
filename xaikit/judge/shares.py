"""Where the evidence of a whole test split lies: shares of features, regions and columns, a sample a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from xaikit.core.sample import MODALITIES, Modality
from xaikit.core.stats import FEWEST, bootstrap_interval
from xaikit.core.types import Bools, Floats, Ints
from xaikit.judge.overview import Overview

__all__ = ["N_DRAWS", "SURVIVES", "Part", "Shares", "ink_of", "low", "outstanding", "regions"]

N_DRAWS = 1000  # resamples of the samples
SURVIVES = 0.95  # share of the resamples in which a feature must keep its place
DISTINCT = 0.25  # of a picture's range: a pixel this far from the ground stands out from it


@dataclass(frozen=True, eq=False)
class Part:
    """One part of the samples' places: (N,) share of the evidence in it, and share of its size.

    NaN where a sample has no such part, or no evidence.
    """

    share: Floats
    size: Floats

    @cached_property
    def known(self) -> Bools:
        return np.isfinite(self.share) & np.isfinite(self.size)

    @cached_property
    def mean(self) -> float:
        return float(self.share[self.known].mean()) if self.known.any() else 0.0

    @cached_property
    def expected(self) -> float:
        """Share of the evidence that the size alone gives."""
        return float(self.size[self.known].mean()) if self.known.any() else 0.0

    @cached_property
    def gain(self) -> tuple[float, float] | None:
        """95 % interval of share less size; None below ten samples."""
        both = self.share[self.known] - self.size[self.known]
        return bootstrap_interval(both, n=N_DRAWS) if len(both) else None

    @property
    def holds(self) -> bool:
        """Whether most of the evidence lies here, and clearly more than the size explains."""
        beyond = self.gain is not None and self.gain[0] > 0
        return beyond and low(self.share[self.known]) > 0.5 and self.mean >= 1.2 * self.expected


@dataclass(frozen=True, eq=False)
class Shares:
    """An overview, asked for the evidence of its samples."""

    overview: Overview

    @property
    def kind(self) -> Modality:
        return MODALITIES.get(self.overview.modality)

    @cached_property
    def values(self) -> Floats:
        """(N, n) signed values; 0 where a sample has fewer features."""
        return np.nan_to_num(self.overview.explanations.values)

    @cached_property
    def mass(self) -> Floats:
        """(N, n) share of each feature in its sample's evidence, whatever it speaks for."""
        return self._shared(np.abs(self.values))

    @cached_property
    def support(self) -> Floats:
        """(N, n) the same of what speaks for the answer."""
        return self._shared(np.maximum(self.values, 0))

    def _shared(self, strength: Floats) -> Floats:
        if self.overview.explanations.unit == "relative":  # a mean over each feature's places
            for row, cut in zip(strength, self.overview.explanations.segmentations, strict=True):
                row[: cut.n_features] *= cut.sizes
        total = strength.sum(axis=1, keepdims=True)
        return np.asarray(np.divide(strength, total, out=np.zeros_like(strength), where=total > 0))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """(n,) names of the features, () where the samples have features of their own."""
        first, *others = self.overview.explanations.segmentations
        same = all(cut is first or cut.names == first.names for cut in others)
        return first.names if same and not self.kind.words else ()

    @cached_property
    def counts(self) -> Ints:
        """(N,) how many features each sample has."""
        return np.array([cut.n_features for cut in self.overview.explanations.segmentations])

    @cached_property
    def turns(self) -> Bools:
        """(N, n) whether an answer that was more likely than not would be so no more without the
        feature, as far as its value says; nowhere where values have no unit of the answer."""
        told = self.overview.explanations
        even = {"log-odds": 0.0, "probability": 0.5}.get(told.unit, np.nan)
        margin = (told.output - even)[:, None]
        return np.asarray((margin > 0) & (self.values >= margin))

    @cached_property
    def answers(self) -> Ints:
        """(N,) the explained output of each sample."""
        targets = self.overview.explanations.targets
        return np.array([target.index for target in targets], dtype=np.int64)

    def groups(self) -> Iterator[tuple[str | None, Bools]]:
        """All samples, then those of each answer that has some."""
        overview = self.overview
        yield None, np.ones(len(overview), dtype=bool)
        names = overview.classes if overview.meaning.words == "class" else ()
        for k, name in enumerate(names):
            mine = self.answers == k
            if 0 < mine.sum() < len(overview):
                yield name, mine

    @property
    def told(self) -> Floats:
        """(N, n) share of what speaks for the answer; of a value that of all that moves it."""
        return self.mass if self.overview.meaning.words.startswith("value") else self.support

    @cached_property
    def inside(self) -> Part:
        """The places that the data name."""
        return self.part(self.overview.rationales, self.told, fine=True)

    @cached_property
    def ink(self) -> Part:
        """The pixels of a picture that stand out from its ground, where it has one."""
        drawn = self.kind.view == "picture" and len(self.kind.axes) == 3 and not self.kind.plot
        return self.part([ink_of(x) for x in self.overview.inputs] if drawn else (), self.mass)

    def everywhere(self, region: Bools, evidence: Floats | None = None) -> Part:
        """The same region (*grid) in every sample."""
        return self.part([region] * len(self.overview), self.mass if evidence is None else evidence)

    def part(
        self, regions: Sequence[Bools | None], evidence: Floats, *, fine: bool = False
    ) -> Part:
        """Share of (N, n) evidence in a region (*grid) of each sample, spread evenly over a feature.

        fine : a region that fills no feature by more than half is that of the features that hold it
        """
        found = np.full((2, len(self.overview)), np.nan)
        pooled: dict[tuple[int, int], tuple[Floats, float]] = {}
        cuts = self.overview.explanations.segmentations
        for i, (where, cut) in enumerate(zip(regions, cuts, strict=False)):
            if where is None or not evidence[i].any():
                continue
            key = (id(where), id(cut))  # both live as long as this loop
            if key not in pooled:
                share = cut.pool(where.astype(np.float64), "mean")
                if fine and share.max() <= 0.5:
                    share = (share > 0).astype(np.float64)
                pooled[key] = share, float(share @ cut.sizes / cut.sizes.sum())
            inside, size = pooled[key]
            found[:, i] = evidence[i, : len(inside)] @ inside, size
        return Part(*found)

    @cached_property
    def columns(self) -> tuple[tuple[str, ...], Floats]:
        """Names of columns or channels and (N, D) share of the evidence on each; none of pictures."""
        if self.kind.tabular:
            return self.names, self.mass
        grids = {cut.ids.shape[1:] for cut in self.overview.explanations.segmentations}
        names = self.overview.columns
        if self.kind.view != "lines" or not names or grids != {(len(names),)} or len(names) < 2:
            return (), np.zeros((len(self.overview), 0))
        cuts = self.overview.explanations.segmentations
        every = [self.mass[i, : cut.n_features] @ _channels(cut.ids) for i, cut in enumerate(cuts)]
        return names, np.stack(every)

    @cached_property
    def words(self) -> Mapping[str, Floats]:
        """Word in small letters -> (N,) its share of each text's evidence, NaN where it does not
        stand; words of ten texts or more."""
        if not self.kind.words or not self.overview.inputs:
            return {}
        texts = [[str(word).casefold() for word in x] for x in self.overview.inputs]
        often = {w for w, n in Counter(w for t in texts for w in set(t)).items() if n >= FEWEST}
        found = {word: np.full(len(texts), np.nan) for word in sorted(often)}
        for i, (text, cut) in enumerate(
            zip(texts, self.overview.explanations.segmentations, strict=True)
        ):
            each = cut.scatter(self.mass[i, : cut.n_features] / cut.sizes)
            for word, share in zip(text, each, strict=True):
                if word in often:
                    found[word][i] = np.nansum([found[word][i], share])
        return found


def low(values: NDArray[np.float64]) -> float:
    """Lower end of the 95 % interval of the mean; minus infinity below ten values."""
    interval = bootstrap_interval(values, n=N_DRAWS) if len(values) else None
    return -np.inf if interval is None else interval[0]


def outstanding(shares: Floats, limit: float, most: int) -> list[int]:
    """The columns of (N, D) shares that stand out, strongest first; as many as hold, up to `most`.

    Each is among the strongest k in 95 % of the resamples, and its mean share is at least `limit`.
    """
    if len(shares) < FEWEST or not shares.size:
        return []
    means = _draws(len(shares)) @ shares / len(shares)  # (draws, D)
    order = np.argsort(-shares.mean(axis=0), kind="stable")
    for k in range(min(most, shares.shape[1]), 0, -1):
        top = order[:k]
        rest = np.delete(means, top, axis=1).max(axis=1, initial=-np.inf)
        ahead = (means[:, top] > rest[:, None]).mean(axis=0)  # among the strongest k
        if (ahead >= SURVIVES).all() and (np.quantile(means[:, top], 0.025, axis=0) >= limit).all():
            return [int(j) for j in top]
    return []


@lru_cache(maxsize=2)
def _draws(n: int) -> Floats:
    """(draws, n) how often each sample is in each resample."""
    counts = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=N_DRAWS)
    return counts.astype(np.float64)


def regions(seen: Shares) -> Mapping[str, Bools]:
    """Name -> region (*grid), of pictures and series of one shape."""
    shapes = {cut.ids.shape for cut in seen.overview.explanations.segmentations}
    if len(shapes) != 1 or seen.kind.view not in ("picture", "lines"):
        return {}
    (shape,) = shapes
    if len(shape) == 3:  # in every frame
        return {k: np.broadcast_to(v, shape) for k, v in _squares(*shape[1:]).items()}
    if seen.kind.plot:
        return {k: v.T for k, v in _thirds(shape[::-1]).items()}
    return _squares(*shape[:2]) if seen.kind.view == "picture" else _thirds(shape)


def _squares(height: int, width: int) -> dict[str, Bools]:
    """The middle and the edge of a picture, its corners and its strips."""
    y, x = ((np.arange(n) + 0.5) / n for n in (height, width))
    up, left = np.broadcast_arrays(y[:, None], x[None, :])
    near = np.minimum.reduce([up, left, 1 - up, 1 - left])
    halves = {"top": up, "bottom": 1 - up, "left": left, "right": 1 - left}
    corners = {
        f"{a}_{b}": (halves[a] < 0.25) & (halves[b] < 0.25)
        for a in ("top", "bottom")
        for b in ("left", "right")
    }
    strips = {name: far < 0.125 for name, far in halves.items()}
    return {"centre": near > 0.25, "edge": near < 0.125, **corners, **strips}


def _thirds(shape: tuple[int, ...]) -> dict[str, Bools]:
    third = np.arange(shape[0]) * 3 // shape[0]
    place = np.broadcast_to(third.reshape(-1, *[1] * (len(shape) - 1)), shape)
    return {name: place == i for i, name in enumerate(("start", "middle", "end"))}


def _channels(ids: Ints) -> Floats:
    """(n, C) share of each feature's places by channel."""
    n = int(ids.max()) + 1
    counts = [np.bincount(column[column >= 0], minlength=n) for column in ids.T]
    table = np.stack(counts, axis=1).astype(np.float64)
    return np.asarray(table / table.sum(axis=1, keepdims=True))


def ink_of(x: NDArray[np.generic]) -> Bools | None:
    """(H, W) pixels that stand out from an even ground; None where there is no such ground."""
    pixels = np.asarray(x, dtype=np.float64).reshape(*x.shape[:2], -1)
    frame = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    far = np.abs(pixels - np.median(frame, axis=0)).max(axis=2)
    limit = DISTINCT * float(np.ptp(pixels))
    found = np.asarray(far > limit)
    return found if limit > 0 and 0 < found.mean() <= 0.5 else None
