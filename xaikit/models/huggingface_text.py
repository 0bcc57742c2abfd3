"""How a net out of a folder of Hugging Face reads texts: its tokeniser, pairs, and where it cuts."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from torch import nn

from xaikit.core.errors import InvalidInput, ModelError, foreign
from xaikit.core.registry import PluginWarning
from xaikit.core.words import PART
from xaikit.modalities.text import MASK_WORD
from xaikit.models.huggingface_files import told, transformers_of
from xaikit.models.inputs import Inputs
from xaikit.models.neural import Reads
from xaikit.models.text import Head, TokenEncoder

__all__ = ["CutText", "Reading", "decoders", "words_of"]

_LONGEST = 1_000_000  # what tokenisers say that know no limit
_TRIED = "The quick brown fox jumps over the lazy dog"


class CutText(PluginWarning):
    """A text is longer than its model reads."""


class Reading(NamedTuple):
    """How a net reads samples."""

    modality: str
    inputs: Inputs
    tried: Any
    reads: Reads
    facts: Mapping[str, Any]


def words_of(
    folder: Path,
    net: nn.Module,
    config: Any,
    head: Head | None = None,
    shortened: str = "longest_first",
) -> Reading:
    """With the tokeniser of the folder.

    head : reads scores at some words; shortened : which of two texts is cut
    """
    with told(folder):
        tokenizer = transformers_of().AutoTokenizer.from_pretrained(
            folder, config=config, local_files_only=True, trust_remote_code=False
        )
    held = {p.name for p in folder.iterdir()}
    if not held & {*tokenizer.vocab_files_names.values(), "tokenizer.json"} and tokenizer.is_fast:
        raise ModelError(
            f"'{folder}' has no tokeniser; save the one that the model was trained with beside it, by "
            "tokenizer.save_pretrained(folder)."
        )
    if not isinstance(tokenizer.model_max_length, (int, float)):
        tokenizer.model_max_length = _LONGEST
    if not tokenizer.is_fast:
        raise ModelError(
            f"'{folder}' has a tokeniser that does not say where its tokens stand in the text; save it "
            "with a tokenizer.json."
        )
    mask = next(
        t
        for t in (tokenizer.mask_token, tokenizer.unk_token, tokenizer.pad_token, tokenizer.eos_token)
        if t is not None
    )  # fmt: skip
    most = _most_tokens(net, tokenizer, config)
    own = net.get_input_embeddings()  # type: ignore[operator]
    embedding = next(name for name, module in net.named_modules() if module is own)
    pad = config.pad_token_id
    taken = inspect.signature(net.forward).parameters
    types = "token_type_ids" if "token_type_ids" in tokenizer.model_input_names else ""
    types_as = types if types in taken else None
    inputs = TokenEncoder(
        encode=_Encode(
            folder.name,
            tokenizer,
            str(mask),
            most,
            own.num_embeddings,
            types_as is not None,
            shortened,
        ),
        embedding=embedding,
        valid_as="attention_mask",
        padding_id=0 if pad is None else int(pad),
        of_text=True,
        mask_id=int(tokenizer.convert_tokens_to_ids(mask)),
        by_token=True,
        types_as=types_as,
        head=head,
    )
    last: Reads = "last" if _causal(config) else "first"
    facts = {"mask_token": str(mask), "most_tokens": most, **({"about": "words"} if head else {})}
    return Reading("text", inputs, _TRIED.split(), last, facts)


@dataclass(frozen=True, eq=False)
class _Encode:
    """A text, or a pair of texts, as it is written -> token ids, where each stands in the text, and to which
    of the two it belongs; the mask word is one token.

    types : whether the net is told which of the two
    shortened : of a pair too long, which is cut: "longest_first" or "only_second"
    """

    id: str
    tokenizer: Any
    mask: str
    most: int | None
    embedded: int
    types: bool = False
    shortened: str = "longest_first"

    def __call__(self, text: str) -> tuple[list[int], list[tuple[int, int]], list[int]]:
        parts = text.split(PART)
        if len(parts) > 2:
            raise InvalidInput(
                f"'{self.id}' reads one text or a pair and was given {len(parts)} ('{text[:40]}...'); join some."
            )
        found = self._tokens([self.mask.join(part.split(MASK_WORD)) for part in parts], text)
        if not found["input_ids"]:  # of an empty text
            return [int(self.tokenizer.convert_tokens_to_ids(self.mask))], [(0, 0)], [0]
        if (most := max(found["input_ids"])) >= self.embedded:
            token = self.tokenizer.convert_ids_to_tokens(most)
            raise InvalidInput(
                f"the tokeniser of '{self.id}' knows the token '{token}' and the net does not; it embeds "
                f"{self.embedded}: save the tokeniser that it was trained with."
            )
        starts = [0, len(parts[0]) + len(PART)]
        ways = [_back(part.split(MASK_WORD), len(self.mask)) for part in parts]
        spans = [
            (0, 0) if i is None else (starts[i] + ways[i](start), starts[i] + ways[i](end))
            for i, (start, end) in zip(found.sequence_ids(), found["offset_mapping"], strict=True)
        ]
        return found["input_ids"], spans, found["token_type_ids"] if self.types else []

    def _tokens(self, texts: Sequence[str], text: str) -> Any:
        """What the tokeniser makes of one or two texts, cut where they are too long."""
        named = {"return_offsets_mapping": True, "return_token_type_ids": self.types}
        found = self.tokenizer(*texts, verbose=False, truncation=False, **named)
        n = len(found["input_ids"])
        if self.most is None or n <= self.most:
            return found
        warnings.warn(
            f"'{self.id}' reads {self.most} tokens and a text has {n} ('{text[:40]}...'); the rest of it "
            "is not read, and its words count for nothing.",
            CutText,
            stacklevel=2,
        )
        way = self.shortened if len(texts) > 1 else "longest_first"
        with foreign(f"the tokeniser of '{self.id}'"):
            return self.tokenizer(*texts, truncation=way, max_length=self.most, **named)


def _back(parts: Sequence[str], width: int) -> Callable[[int], int]:
    """From places in a text with mask tokens of that width to those in the text with mask words."""
    edges, at, moved = [], 0, 0  # (start of a mask token, how far it lies from its mask word)
    for part in parts[:-1]:
        at += len(part)
        edges.append((at, moved))
        at, moved = at + width, moved + len(MASK_WORD) - width

    def place(i: int) -> int:
        begun = [(start, shift) for start, shift in edges if start < i]
        if not begun:
            return i
        start, shift = begun[-1]
        inside = i - start
        return (
            start
            + shift
            + (len(MASK_WORD) + inside - width if inside >= width else min(inside, len(MASK_WORD)))
        )

    return place


def _most_tokens(net: nn.Module, tokenizer: Any, config: Any) -> int | None:
    """How long a text may be: what the tokeniser says, and how many positions have a vector."""
    limits = [tokenizer.model_max_length, getattr(config, "max_position_embeddings", None)]
    for name, module in net.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding):
            blank = module.padding_idx  # positions are counted from it
            limits.append(module.num_embeddings - (0 if blank is None else blank + 1))
    known = [int(n) for n in limits if isinstance(n, (int, float)) and 0 < n < _LONGEST]
    return min(known, default=None)


def _causal(config: Any) -> bool:
    """Whether the head reads the last token: a decoder's, which sees all others."""
    return config.model_type in decoders()


def decoders() -> set[str]:
    """Types of models that read from the first token to the last, and never back."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as DECODERS
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES as ENCODERS

    return set(DECODERS) - set(ENCODERS)
