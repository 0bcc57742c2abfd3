"""Heads that answer about words of a text: the label of a word, and the answer to a question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from xaikit.core.errors import InvalidInput, ModelError
from xaikit.core.words import PART, Text
from xaikit.modalities.text import words
from xaikit.models.inputs import Batch

__all__ = ["AnswerHead", "LabelHead", "NextHead"]

OUTSIDE = "O"  # the label of a word that is nothing
LONGEST = 15  # words of an answer


@dataclass(frozen=True)
class LabelHead:
    """(B, T, K) logits -> those of one word, read at its first token.

    The word is the one that is asked about, or else the most certain of those whose label is not "O" (of
    all words where each is "O", the one that is least certainly so).
    """

    labels: tuple[str, ...]

    def chosen(self, found: Any, row: int, owners: Sequence[int], text: Text) -> tuple[int, ...]:
        firsts = _tokens_of(owners)
        if not firsts:
            raise _unread("", text)
        places = list(firsts)
        p = found.logits[row][[tokens[0] for tokens in firsts.values()]].softmax(dim=-1).double()
        best, label = (each.cpu().numpy() for each in p.max(dim=-1))
        outside = next((i for i, name in enumerate(self.labels) if name == OUTSIDE), None)
        if outside is None:
            return (places[int(best.argmax())],)
        if (label != outside).any():
            return (places[int(np.where(label != outside, best, -1).argmax())],)
        return (places[int(p[:, outside].argmin())],)

    def tokens(self, asked: Sequence[int], owners: Sequence[int], text: Text) -> tuple[int, ...]:
        if len(asked) != 1:
            raise InvalidInput(f"{len(asked)} words are asked about; a label is that of one word.")
        held = _tokens_of(owners).get(asked[0])
        if held is None:
            raise _unread(str(text[asked[0]]), text)
        return (held[0],)

    def scores(self, found: Any, batch: Batch) -> Tensor:
        return _at_asked(found, batch)

    def named(self, target: Any, text: Text) -> tuple[tuple[int, ...], Any]:
        """The word and the label of "Seoul: LOC" or, where that word stands several times, of
        "3: LOC" by its place from 0; without a label the predicted one is meant."""
        if not isinstance(target, str) or target in self.labels or ":" not in target:
            return (), target
        label = next((n for n in self.labels if target.endswith((f":{n}", f": {n}"))), "")  # fmt: skip
        word = target.removesuffix(label).rstrip().removesuffix(":").strip()
        if not label and not target.rstrip().endswith(":"):
            raise InvalidInput(
                f"target '{target}' ends in no label; name a word and one of {', '.join(self.labels)}."
            )
        held = [i for i, w in enumerate(text.tolist()) if w == word]
        if not held and word.isdigit() and int(word) < len(text):
            held = [int(word)]
        if len(held) != 1:
            several = f"stands at the places {', '.join(map(str, held))}" if held else "is no word"
            raise InvalidInput(
                f"'{word}' {several} of the text; name one by its place from 0, '0: {label or self.labels[0]}'."
            )
        return (held[0],), label or "predicted"


@dataclass(frozen=True)
class NextHead:
    """(B, T, V) logits of a decoder -> those of the token that follows the text, read at its last one."""

    def chosen(self, found: Any, row: int, owners: Sequence[int], text: Text) -> tuple[int, ...]:
        del found, row, owners
        return (len(text) - 1,)

    def tokens(self, asked: Sequence[int], owners: Sequence[int], text: Text) -> tuple[int, ...]:
        del asked
        read = [token for token, owner in enumerate(owners) if owner >= 0]
        if not read or owners[read[-1]] != len(text) - 1:
            raise _unread(str(text[-1]), text)
        return (read[-1],)

    def scores(self, found: Any, batch: Batch) -> Tensor:
        return _at_asked(found, batch)

    def named(self, target: Any, text: Text) -> tuple[tuple[int, ...], Any]:
        del text
        return (), target


@dataclass(frozen=True)
class AnswerHead:
    """(B, T) logits of where an answer starts and ends -> (B, 1) log-probability of one answer: that its
    first token is the start, plus that its last token is the end, among all tokens of question and text.

    The answer is the one that is asked about, or else the likeliest of whole words of the second text, of
    15 words at most.
    """

    def chosen(self, found: Any, row: int, owners: Sequence[int], text: Text) -> tuple[int, ...]:
        firsts = {i: held for i, held in _tokens_of(owners).items() if i >= _second(text)}
        if not firsts:
            raise _unread("", text)
        places = list(firsts)
        starts, ends = (
            each[row].double().cpu().numpy()[[held[i] for held in firsts.values()]]
            for each, i in ((_starts(found), 0), (found.end_logits, -1))
        )
        both = starts[:, None] + ends[None, :]
        far = np.subtract.outer(np.array(places), np.array(places)).T  # last less first
        both[(far < 0) | (far >= LONGEST)] = -np.inf
        first, last = np.unravel_index(int(both.argmax()), both.shape)
        return places[int(first)], places[int(last)]

    def tokens(self, asked: Sequence[int], owners: Sequence[int], text: Text) -> tuple[int, ...]:
        if len(asked) != 2 or asked[0] > asked[1]:
            raise InvalidInput(
                f"the words {list(asked)} are asked about; an answer has a first and a last word."
            )
        known = _tokens_of(owners)
        for word in asked:
            if word not in known:
                raise _unread(str(text[word]), text)
        return known[asked[0]][0], known[asked[1]][-1]

    def scores(self, found: Any, batch: Batch) -> Tensor:
        assert batch.asked is not None
        both = []
        for i, each in enumerate((_starts(found), found.end_logits)):
            logits = each if batch.valid is None else each.masked_fill(~batch.valid, -float("inf"))
            both.append(logits.log_softmax(dim=1).gather(1, batch.asked[:, i : i + 1]))
        return both[0] + both[1]  # type: ignore[no-any-return]

    def named(self, target: Any, text: Text) -> tuple[tuple[int, ...], Any]:
        """The first and the last word of the answer that was written out, in the second text."""
        if PART not in "".join(text.gaps):
            raise InvalidInput(
                "the model answers a question out of a text; give both: a tuple (question, text), or two "
                "columns, --text-column question,context."
            )
        if not isinstance(target, str) or target in ("predicted", "label", "answer"):
            return (), target
        asked, held = list(words(target)[0]), text.tolist()
        n = len(asked)
        found = [
            i for i in range(_second(text), len(held) - n + 1) if n and held[i : i + n] == asked
        ]
        if len(found) != 1:
            raise InvalidInput(
                f"'{target}' stands {len(found)} times in the text; write out an answer that stands there "
                "once, or give the places of its first and last word as the sample's meta['asked']."
            )
        return (found[0], found[0] + n - 1), "answer"


def _at_asked(found: Any, batch: Batch) -> Tensor:
    assert batch.asked is not None
    at = batch.asked[:, 0, None, None].expand(-1, 1, found.logits.shape[2])
    return found.logits.gather(1, at)[:, 0]  # type: ignore[no-any-return]


def _tokens_of(owners: Sequence[int]) -> dict[int, list[int]]:
    """Word -> its tokens, in the order of the text."""
    held: dict[int, list[int]] = {}
    for token, owner in enumerate(owners):
        if owner >= 0:
            held.setdefault(owner, []).append(token)
    return dict(sorted(held.items()))


def _second(text: Text) -> int:
    """The first word of the second text; 0 of one text alone."""
    return next((i for i, gap in enumerate(text.gaps) if PART in gap), 0)


def _starts(found: Any) -> Any:
    starts = getattr(found, "start_logits", None)
    if starts is None or getattr(found, "end_logits", None) is None:
        raise ModelError(
            "the net gives no logits of where an answer starts and ends; give one whose answers are "
            "start_logits and end_logits."
        )
    return starts


def _unread(word: str, text: Text) -> InvalidInput:
    what = f"the word '{word}'" if word else "any word to ask about"
    return InvalidInput(
        f"the model does not read {what} of '{text.written[:40]}', which is empty or cut there; ask about "
        "one that it reads."
    )
