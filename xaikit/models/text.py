"""How words become tensors for a net: one token a word, also for words never seen before."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xaikit.modality.text import MASK_WORD
from xaikit.models.inputs import Batch, padding
from xaikit.types import Floats, Ints, Modality

__all__ = ["Words"]

Array = NDArray[Any]
PAD, UNKNOWN, MASK = 0, 1, 2
_N_SPECIAL = 3
_MOST_GRAMS = 40  # of one word: a pasted link must not make every word as wide as itself


@dataclass(frozen=True, eq=False)
class Words:
    """Words (T,) -> word vectors (B, T, E), padded at the end with zero vectors.

    A word is looked up in lower case; its character n-grams are hashed, so an unknown word gets a
    vector too. The mask word has a vector of its own. A text without words is read as one blank.

    vocabulary : words with an embedding of their own, in order of their codes
    n_buckets : of the hashed n-grams
    """

    vocabulary: tuple[str, ...]
    n_buckets: int = 4096
    modality: ClassVar[Modality] = "text"

    @classmethod
    def fit(
        cls, xs: Sequence[Array], n_buckets: int = 4096, min_count: int = 2, most: int = 20_000
    ) -> Words:
        """The words that stand in at least `min_count` places of the training texts."""
        counts = Counter(str(word).lower() for x in xs for word in x)
        common = [w for w, c in counts.most_common(most) if c >= min_count and w != MASK_WORD.lower()]
        return cls(tuple(common), n_buckets)

    @property
    def n_words(self) -> int:
        """Rows of the word embedding."""
        return len(self.vocabulary) + _N_SPECIAL

    @cached_property
    def _index(self) -> dict[str, int]:
        return {word: i + _N_SPECIAL for i, word in enumerate(self.vocabulary)}

    @cached_property
    def _known(self) -> dict[str, list[int]]:
        return {}

    def codes(self, word: str) -> list[int]:
        """Code of the word, then those of its n-grams."""
        if word == MASK_WORD:
            return [MASK]
        word = word.lower()
        found = self._known.get(word)
        if found is None:
            grams = _grams(word)[:_MOST_GRAMS]
            hashed = [1 + zlib.crc32(g.encode()) % self.n_buckets for g in grams]
            found = [self._index.get(word, UNKNOWN), *hashed]
            self._known[word] = found
        return found

    def read(self, net: nn.Module, xs: Sequence[Array], device: torch.device) -> Batch:
        rows: dict[str, int] = {}  # distinct words, each looked up once; row 0 is padding
        places = [[rows.setdefault(str(w), len(rows) + 1) for w in x] for x in xs]
        codes = _filled([[PAD], *(self.codes(word) for word in rows)], least=2, device=device)
        index = _filled(places, least=1, device=device)
        lengths = tuple(len(place) for place in places)
        vectors = net.get_submodule("words")(codes)[index]  # (B, T, E)
        return Batch(vectors, lengths, padding(lengths, device))

    def run(self, net: nn.Module, at: Tensor, batch: Batch) -> Tensor:
        return net.get_submodule("body")(at, batch.valid)  # type: ignore[no-any-return]

    def places(self, ids: Ints) -> Ints:
        return ids[:, None]

    def fold(self, values: Tensor, batch: Batch) -> list[Floats]:
        return self.spread(values.sum(2), batch)

    def upsample(self, maps: Tensor, batch: Batch) -> list[Floats]:
        return self.spread(maps, batch)

    def spread(self, cells: Tensor, batch: Batch) -> list[Floats]:
        found = cells.detach().double().cpu().numpy()
        return [row[:n] for row, n in zip(found, batch.lengths, strict=True)]

    def example(self) -> Array:
        return np.array([MASK_WORD, *self.vocabulary[:7]])

    def config(self) -> dict[str, Any]:
        return {"kind": "words", "vocabulary": self.vocabulary, "n_buckets": self.n_buckets}


def _grams(word: str) -> list[str]:
    """Character 2-, 3- and 4-grams of the word with its ends marked."""
    marked = f"<{word}>"
    return [marked[i : i + n] for n in (2, 3, 4) for i in range(len(marked) - n + 1)]


def _filled(rows: Sequence[Sequence[int]], least: int, device: torch.device) -> Tensor:
    """(len(rows), longest) long, each row filled up with 0."""
    filled = np.zeros((len(rows), max(least, *map(len, rows))), dtype=np.int64)
    for target, row in zip(filled, rows, strict=True):
        target[: len(row)] = row
    return torch.from_numpy(filled).to(device)
