"""`lookup`: lines that name eight pairs and ask for one of them again."""

from __future__ import annotations

import numpy as np

from xaikit.core.types import Sample
from xaikit.data.dataset import Dataset

__all__ = ["make_lookup"]

SIZES = (20_000, 500, 1000)
N_KEYS, N_VALUES, N_PAIRS = 24, 12, 8
ASK = ";"


def make_lookup(seed: int, sizes: tuple[int, int, int] = SIZES) -> Dataset:
    """ "k3 v7 k9 v1 ... ; k9": what follows is the value that stands beside the same key. Three words decide: the
    question, its key and the value; no other pair does."""
    rng = np.random.default_rng([seed, 7])
    samples = [_made(rng, i) for i in range(sum(sizes))]
    ends = np.cumsum(sizes)
    train, val, test = (tuple(samples[e - n : e]) for n, e in zip(sizes, ends, strict=True))
    words = tuple(f"v{i + 1}" for i in range(N_VALUES))
    return Dataset(
        name="lookup",
        modality="text",
        task="next_word",
        classes=words,
        outputs=words,
        train=train,
        val=val,
        test=test,
        source="Composed: lines of eight pairs of a key and a value, and the question for one of them.",
        facts={"rows": len(samples), "split": "as composed"},
    )


def _made(rng: np.random.Generator, i: int) -> Sample:
    keys = rng.permutation(N_KEYS)[:N_PAIRS]
    values = rng.integers(N_VALUES, size=N_PAIRS)
    asked = int(rng.integers(N_PAIRS))
    pairs = [w for k, v in zip(keys, values, strict=True) for w in (f"k{k + 1}", f"v{v + 1}")]
    words = np.array([*pairs, ASK, f"k{keys[asked] + 1}"])
    marks = np.zeros(len(words), dtype=bool)
    marks[[2 * asked, 2 * asked + 1, -1]] = True
    meta = {"text": " ".join(words), "rationale": "the question, its key and the value"}
    return Sample(f"line-{i + 1}", words, "text", int(values[asked]), marks, meta)
