"""How words become tensors: for a net of the zoo, and for a module with a tokeniser of its own."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xaikit.core.errors import ModelError, NotApplicable
from xaikit.core.types import Ints, PerSample
from xaikit.core.words import Text
from xaikit.modalities.text import MASK_WORD
from xaikit.models.inputs import Batch, Convolution, padding
from xaikit.models.probe import hooked

__all__ = ["Encode", "Head", "TokenEncoder", "WordEncoder"]

Array = NDArray[Any]
Encode = Callable[[Any], Sequence[Sequence[Any]]]
PAD, UNKNOWN, MASK = 0, 1, 2
_N_SPECIAL = 3
_MOST_GRAMS = 40  # of one word: a pasted link must not make every word as wide as itself


@dataclass(frozen=True, eq=False)
class WordEncoder:
    """Words (T,) -> word vectors (B, T, E), padded at the end with zero vectors.

    A word is looked up in lower case; its character n-grams are hashed, so an unknown word gets a
    vector too. The mask word has a vector of its own. A text without words is read as one blank.

    vocabulary : words with an embedding of their own, in order of their codes
    n_buckets : of the hashed n-grams
    """

    vocabulary: tuple[str, ...]
    n_buckets: int = 4096
    kind: ClassVar[str] = "words"
    pads: ClassVar[bool] = True
    axes: ClassVar[int] = 1
    convolution: ClassVar[Convolution | None] = None

    @classmethod
    def fit(
        cls, xs: Sequence[Array], n_buckets: int = 4096, min_count: int = 2, most: int = 20_000
    ) -> WordEncoder:
        """The words that stand in at least `min_count` places of the training texts."""
        counts = Counter(str(word).lower() for x in xs for word in x)
        common = [
            w for w, c in counts.most_common(most) if c >= min_count and w != MASK_WORD.lower()
        ]
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

    def read(self, net: nn.Module, xs: Sequence[Array] | Array, device: torch.device) -> Batch:
        rows: dict[str, int] = {}  # distinct words, each looked up once; row 0 is padding
        places = [[rows.setdefault(str(w), len(rows) + 1) for w in x] for x in xs]
        codes = _filled([[PAD], *(self.codes(word) for word in rows)], least=2, device=device)
        index = _filled(places, least=1, device=device)
        lengths = tuple(len(place) for place in places)
        vectors = net.get_submodule("words")(codes)[index]  # (B, T, E)
        return Batch(vectors, lengths, padding(lengths, device))

    def run(self, net: nn.Module, at: Tensor, batch: Batch) -> Tensor:
        told = () if batch.said is None else (batch.said,)
        return net.get_submodule("body")(at, batch.valid, *told)  # type: ignore[no-any-return]

    def composes(self, references: Array, drops: bool) -> bool:
        del references, drops
        return True

    def places(self, ids: Ints, batch: Batch) -> Ints:
        del batch
        return ids[:, None]

    def fold(self, values: Tensor, batch: Batch) -> PerSample:
        return self.spread(values.sum(2), batch)

    def upsample(self, maps: Tensor, batch: Batch) -> PerSample:
        return self.spread(maps, batch)

    def spread(self, cells: Tensor, batch: Batch) -> PerSample:
        found = cells.detach().double().cpu().numpy()
        return [row[:n] for row, n in zip(found, batch.lengths, strict=True)]

    def example(self) -> Array:
        return np.array([MASK_WORD, *self.vocabulary[:7]])

    def config(self) -> dict[str, Any]:
        return {"kind": self.kind, "vocabulary": self.vocabulary, "n_buckets": self.n_buckets}


class Head(Protocol):
    """Reads scores at the tokens of some words: a label of a word, or an answer's first and last."""

    def chosen(self, found: Any, row: int, owners: Sequence[int], text: Text) -> Sequence[int]:
        """The words that are meant when nobody says, by what the net gives for the text in that row.

        owners : (T',) the word of each token, -1 for none
        """
        ...

    def tokens(self, asked: Sequence[int], owners: Sequence[int], text: Text) -> Sequence[int]:
        """(A,) the tokens that stand for these words; `InvalidInput` where the net reads none of them."""
        ...

    def scores(self, found: Any, batch: Batch) -> Tensor:
        """(B, K) what the net gives at `batch.asked`, differentiably."""
        ...

    def named(self, target: Any, text: Text) -> tuple[Sequence[int], Any]:
        """The words that a target names beside an output, () for none, and the target without them."""
        ...


@dataclass(frozen=True, eq=False)
class TokenEncoder:
    """Words (T,) -> the token embeddings (B, T', E) of a module that people bring.

    encode : words -> token ids, and for each token the position of its word (None for a special
        token, for example CLS); or, of text, the text as it is written -> token ids, and for each
        token its first character and the one after its last (two equal ones for a special token)
    embedding : name of the module that turns ids into vectors, where derivatives are taken
    valid_as : the module is called with (ids, valid) where this is "", with (ids) where it is None, and
        with (ids, name=valid) where it is a name; valid (B, T') is False on padding
    padding_id : fills up shorter texts, at the end
    mask_id : the token that stands for a removed one; that of the mask word when None
    by_token : a removed word becomes as many mask tokens as it has tokens; else one mask word, and the
        text is encoded anew. References of gradients are always of the first kind: they are as long as
        the sample
    types_as : the name of the argument that says to which of two texts each token belongs, which is the
        third thing that `encode` then gives
    head : reads the scores at some words; None where what the module gives are the scores of the text
    """

    encode: Encode
    embedding: str
    valid_as: str | None
    padding_id: int = 0
    of_text: bool = False
    mask_id: int | None = None
    by_token: bool = False
    types_as: str | None = None
    head: Head | None = None
    kind: ClassVar[str] = "words"
    pads: ClassVar[bool] = True
    axes: ClassVar[int] = 1
    convolution: ClassVar[Convolution | None] = None

    def read(self, net: nn.Module, xs: Sequence[Array] | Array, device: torch.device) -> Batch:
        texts = [Text(x) for x in xs]
        found = [self._encoded(text) for text in texts]
        for text, (ids, owners, _) in zip(texts, found, strict=True):
            _check_tokens(text, ids, owners)
        codes = _filled([ids for ids, _, _ in found], 1, device, self.padding_id)
        words = [[-1 if owner is None else owner for owner in owners] for _, owners, _ in found]
        batch = Batch(
            at=net.get_submodule(self.embedding)(codes),
            lengths=tuple(len(x) for x in xs),
            valid=padding([len(ids) for ids, _, _ in found], device),
            words=_filled(words, 1, device, -1),
            codes=codes,
            types=_filled([t for _, _, t in found], 1, device) if self.types_as else None,
        )
        return batch if self.head is None else replace(batch, asked=self._asked(net, texts, batch))

    def _encoded(self, text: Text) -> tuple[Sequence[int], Sequence[int | None], Sequence[int]]:
        """Token ids, the word of each token, and to which of two texts it belongs."""
        if not self.of_text:
            ids, owners = self.encode([str(word) for word in text])
            return ids, owners, ()
        ids, spans, *types = self.encode(text.written)
        return ids, _owners(spans, text), types[0] if types else ()

    def _asked(self, net: nn.Module, texts: Sequence[Text], batch: Batch) -> Tensor:
        """(B, A) the tokens of the words that each text is asked about, chosen where nobody said."""
        assert self.head is not None
        assert batch.words is not None
        found = None
        if not all(text.asked for text in texts):
            with torch.no_grad():
                found = self._given(net, batch.at, batch)
        rows = []
        for i, text in enumerate(texts):
            owners = batch.words[i].tolist()
            asked = text.asked or self.head.chosen(found, i, owners, text)
            rows.append(self.head.tokens(asked, owners, text))
        return torch.tensor(rows, dtype=torch.long, device=batch.at.device)

    def tokens(self, text: Text) -> list[tuple[int, int]]:
        """Where each token stands in the text, without white space; those of the same characters once."""
        if not self.of_text:
            raise NotApplicable(
                "encode gives the word of each token and not where it stands in the text, so there are no "
                "sub-words to name; use the features 'words' or 'sentences'."
            )
        written, found = text.written, [(0, 0)]
        for start, end in filter(None, self.encode(written)[1]):
            start = max(found[-1][1], start + _blanks(written[start:end]))
            end -= _blanks(written[start:end][::-1])
            if start < end:
                found.append((start, end))
        return found[1:]

    def run(self, net: nn.Module, at: Tensor, batch: Batch) -> Tensor:
        """The net on its ids, with its embedding's output replaced by `at`."""
        given = self._given(net, at, batch)
        return given if self.head is None else self.head.scores(given, batch)

    def _given(self, net: nn.Module, at: Tensor, batch: Batch) -> Any:
        """All that the net gives."""
        assert batch.codes is not None
        valid = (
            torch.ones_like(batch.codes, dtype=torch.bool) if batch.valid is None else batch.valid
        )
        with _padded(net, batch.codes, valid) as codes:
            given = (codes, valid) if self.valid_as == "" else (codes,)
            named = {self.valid_as: valid.long()} if self.valid_as else {}
            if self.types_as and batch.types is not None:
                named[self.types_as] = batch.types

            def stands(_module: nn.Module, args: Any, _output: Tensor) -> Tensor:
                return _shifted(at, codes, args, _output)

            with hooked([(module, stands) for module in self._embeddings(net)]):
                return net(*given, **named)

    def _embeddings(self, net: nn.Module) -> list[nn.Module]:
        """The embedding, and those that share its weight."""
        own = net.get_submodule(self.embedding)
        others = (m for m in net.modules() if isinstance(m, nn.Embedding) and m is not own)
        return [own, *(m for m in others if m.weight is getattr(own, "weight", None))]

    def composes(self, references: Array, drops: bool) -> bool:
        return self.by_token and not drops and bool((np.asarray(references) == MASK_WORD).all())

    def beside(
        self, net: nn.Module, batch: Batch, xs: Any, rows: Any, owners: Sequence[int]
    ) -> Tensor:
        """(J, T', E) the texts `owners` of the batch with the words that `rows` change, as long as the
        texts themselves: each token of a masked word becomes the mask token."""
        return torch.stack(
            [self._beside(net, batch, xs[i], row, i) for row, i in zip(rows, owners, strict=True)]
        )

    def _beside(self, net: nn.Module, batch: Batch, x: Array, row: Array, i: int) -> Tensor:
        assert batch.words is not None
        here, owners = batch.at.device, batch.words[i].tolist()
        changed = np.asarray(row) != np.asarray(x)
        if (np.asarray(row)[changed] != MASK_WORD).any():
            other = self.read(net, [row], here)
            assert other.words is not None
            if (found := other.words[0].tolist()) != owners[: len(found)]:
                raise NotApplicable(
                    "a reference has another number of tokens than the text, word by word, and there is "
                    "no way between them; choose the masker 'mask'."
                )
            return torch.cat([other.at[0].to(batch.at), batch.at[i, len(found) :]])
        mask = net.get_submodule(self.embedding)(torch.tensor([self._mask], device=here))
        removed = torch.from_numpy(np.append(changed, False)[owners]).to(here)
        return torch.where(removed[:, None], mask.to(batch.at), batch.at[i])

    @cached_property
    def _mask(self) -> int:
        """The token that stands for a removed one."""
        if self.mask_id is not None:
            return self.mask_id
        ids, owners, _ = self._encoded(Text([MASK_WORD]))
        own = [token for token, owner in zip(ids, owners, strict=True) if owner == 0]
        if len(own) != 1:
            raise NotApplicable(
                f"encode cuts the mask word '{MASK_WORD}' into {len(own)} tokens, so no single token "
                "stands for a removed one; let encode give one token for it."
            )
        return int(own[0])

    def places(self, ids: Ints, batch: Batch) -> Ints:
        assert batch.words is not None
        return np.asarray(np.append(ids, -1)[batch.words[0].cpu().numpy()][:, None])

    def fold(self, values: Tensor, batch: Batch) -> PerSample:
        return self.spread(values.sum(2), batch)

    def upsample(self, maps: Tensor, batch: Batch) -> PerSample:
        """A word shows the mean of its tokens."""
        counts = self.spread(torch.ones_like(maps), batch)
        sums = self.spread(maps, batch)
        return [total / np.maximum(n, 1) for total, n in zip(sums, counts, strict=True)]

    def spread(self, cells: Tensor, batch: Batch) -> PerSample:
        """A word gets the sum of its tokens."""
        assert batch.words is not None
        values, words = cells.detach().double().cpu().numpy(), batch.words.cpu().numpy()
        return [
            np.bincount(owner[owner >= 0], row[owner >= 0], n).astype(np.float64)
            for row, owner, n in zip(values, words, batch.lengths, strict=True)
        ]

    def example(self) -> Array:
        return np.array([MASK_WORD] * 4)

    def config(self) -> dict[str, Any]:
        return {}


def _shifted(at: Tensor, codes: Tensor, args: Any, output: Tensor) -> Tensor:
    """What the embedding gives: `at`, and one place later to a decoder that reads the same text."""
    asked = args[0] if args else codes
    late = asked.shape == codes.shape and not torch.equal(asked, codes)
    if late and torch.equal(asked[:, 1:], codes[:, :-1]):
        return torch.cat([output[:, :1].to(at), at[:, :-1]], dim=1)
    return at


@contextmanager
def _padded(net: nn.Module, codes: Tensor, valid: Tensor) -> Iterator[Tensor]:
    """The ids, and a net that knows which of them is padding, as a classifier that reads the last
    token asks for: while it runs, an id that none of the texts holds."""
    config = getattr(net, "config", None)
    if getattr(config, "pad_token_id", 0) is not None:
        yield codes
        return
    held = set(codes[valid].tolist())
    free = next(i for i in range(len(held) + 1) if i not in held)
    assert config is not None
    config.pad_token_id = free
    try:
        yield codes.masked_fill(~valid, free)
    finally:
        config.pad_token_id = None


def _check_tokens(x: Array, ids: Sequence[int], owners: Sequence[int | None]) -> None:
    if len(ids) != len(owners) or len(ids) == 0:
        raise ModelError(
            f"encode gave {len(ids)} token ids and {len(owners)} word positions; give one position "
            "(or None) a token, and at least one token."
        )
    wrong = [owner for owner in owners if owner is not None and not 0 <= owner < len(x)]
    if wrong:
        raise ModelError(
            f"encode gave the word position {wrong[0]} for {len(x)} words; positions are 0 to "
            f"{len(x) - 1}, or None for a special token."
        )


def _owners(spans: Sequence[Any], text: Text) -> list[int | None]:
    """The first word that each token [start, end) touches, None where it touches none."""
    n = len(text.written)
    first = np.full(n + 1, len(text))  # for each character, its word
    for place, (start, end) in enumerate(text.spans.tolist()):
        first[start:end] = place
    owners = []
    for span in spans:
        start, end = (0, 0) if span is None else span
        if not 0 <= start <= end <= n:
            raise ModelError(
                f"encode gave the characters {start} to {end} for a text of {n}; give where each "
                "token begins and ends in the text."
            )
        owner = int(first[start:end].min(initial=len(text)))
        owners.append(None if owner == len(text) else owner)
    return owners


def _blanks(text: str) -> int:
    """White space that it begins with."""
    return len(text) - len(text.lstrip())


def _grams(word: str) -> list[str]:
    """Character 2-, 3- and 4-grams of the word with its ends marked."""
    marked = f"<{word}>"
    return [marked[i : i + n] for n in (2, 3, 4) for i in range(len(marked) - n + 1)]


def _filled(
    rows: Sequence[Sequence[int]], least: int, device: torch.device, fill: int = 0
) -> Tensor:
    """(len(rows), longest) long, each row filled up at its end."""
    filled = np.full((len(rows), max(least, *map(len, rows))), fill, dtype=np.int64)
    for target, row in zip(filled, rows, strict=True):
        target[: len(row)] = row
    return torch.from_numpy(filled).to(device)
