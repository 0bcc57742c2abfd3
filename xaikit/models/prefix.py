"""Masks that leave the beginning of a sequence as it is: a causal transformer computes only the rest.

What a causal net makes of a token depends on nothing behind it. Its keys and values for the unmasked
input are computed once; a masked input starts at the first place that it changes and attends to the
keys and values of the places before. Masks with near starts share a pass.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from xaikit.core.abilities import BoundScores
from xaikit.core.types import Bools, Floats, Ints
from xaikit.models.probe import hooked
from xaikit.models.regions import bare
from xaikit.models.zoo.transformer import SequenceTransformer

__all__ = ["Prefix", "body_of", "causal_body"]

SAVED = 0.2  # share of the tokens that must be saved, or it is not done
_PASS = 40_000_000  # what one more pass costs, in multiply-adds
_MOST = 8  # passes


def body_of(net: nn.Module) -> nn.Module:
    """What follows the word vectors of a zoo net over text; any other net itself."""
    return net["body"] if isinstance(net, nn.ModuleDict) and "body" in net else net


def causal_body(net: nn.Module) -> SequenceTransformer | None:
    """The transformer of a zoo net whose tokens never look ahead, or None."""
    body = body_of(net)
    return body if type(body) is SequenceTransformer and body.reads == "last" else None


class Prefix:
    """The function of `bind` that starts masked inputs at the first place they change.

    body : the causal transformer of `net`; run : encoded inputs (B, T, E) -> (B, K) scores
    still : the context in which it is run
    x, others : (1, T, E) and (k, T, E), encoded
    places : (T, 1 or E) feature of every place, n for places that are never removed
    full : evaluates any masks
    tokens : computed so far; asked : what they would have been in full
    """

    def __init__(
        self,
        net: nn.Module,
        body: SequenceTransformer,
        run: Callable[[Tensor], Tensor],
        still: Callable[[], AbstractContextManager[None]],
        x: Tensor,
        others: Tensor,
        places: Ints,
        full: BoundScores,
    ) -> None:
        self.net, self.body, self.run, self.still, self.full = net, body, run, still, full
        self.x, self.others, self.places = x, others, places
        self.first = np.full(places.max() + 2, len(places) - 1)  # place of every feature
        np.minimum.at(self.first, places, np.arange(len(places))[:, None])
        self.per_pass = _PASS / sum(weight.numel() for weight in body.parameters())  # in tokens
        self.tokens = self.asked = 0

    def pays(self) -> bool:
        """Whether leaving out feature by feature becomes cheaper, on a CPU."""
        n = int(self.places.max()) + 1
        asked = n * len(self.others) * len(self.places)
        left_out = ~np.eye(n, dtype=bool)
        on_cpu = self.x.device.type == "cpu" and bare(self.net)
        return on_cpu and bool(self._groups(left_out, len(self.others), (1 - SAVED) * asked))

    def __call__(self, masks: Bools, rows: slice) -> Floats:
        """masks (m, n) -> scores (m, k', K)."""
        n_tokens, others = len(self.places), self.others[rows]
        asked = len(masks) * len(others) * n_tokens
        self.asked += asked
        groups = self._groups(masks, len(others), (1 - SAVED) * asked)
        if not groups or not bare(self.net):
            self.tokens += asked
            return self.full(masks, rows)
        self.tokens += self._tokens(groups, len(others))
        with self.still(), torch.inference_mode():
            with Keys() as known:
                self.run(self.x)
            found = [self._scores(masks[g], others, at, known.seen) for g, at in groups]
        scores = np.concatenate(found)
        return scores[np.argsort(np.concatenate([g for g, _ in groups]))]

    def _groups(self, masks: Bools, k: int, most: float) -> list[tuple[Ints, int]]:
        """Masks of near starts and the first of these, at the least cost; none above `most` tokens."""
        n_tokens = len(self.places)
        if n_tokens + 2 * self.per_pass > most:
            return []
        first = np.where(masks, n_tokens - 1, self.first[: masks.shape[1]]).min(axis=1)
        order = np.argsort(first, kind="stable")
        found: list[tuple[Ints, int]] = []
        for n in range(1, min(_MOST, len(order)) + 1):
            groups = [(g, int(first[g[0]])) for g in np.array_split(order, n)]
            cost = self._tokens(groups, k) + self.per_pass * (n + 1)
            if cost <= most:
                most, found = cost, groups
        return found

    def _tokens(self, groups: list[tuple[Ints, int]], k: int) -> int:
        """How many tokens are computed, those of the unmasked input with them."""
        n_tokens = len(self.places)
        return n_tokens + k * sum(len(g) * (n_tokens - start) for g, start in groups)

    def _scores(
        self, masks: Bools, others: Tensor, start: int, known: list[tuple[Tensor, Tensor]]
    ) -> Floats:
        """(m, k', K), computed from the token `start` on."""
        kept = np.concatenate([masks, np.ones((len(masks), 1), dtype=bool)], axis=1)
        shown = torch.from_numpy(kept[:, self.places[start:]]).to(others.device)[:, None]
        at = torch.where(shown, self.x[:, start:], others[:, start:]).flatten(0, 1)

        def late(_module: nn.Module, args: tuple[Tensor], _out: Tensor) -> Tensor:
            return self.body.positions.forward(F.pad(args[0], (0, 0, start, 0)))[:, start:]

        with hooked([(self.body.positions, late)]), Behind(known, start):
            scores = self.run(at)
        return scores.view(len(masks), len(others), -1).double().cpu().numpy()


class Keys(TorchFunctionMode):
    """Keeps the keys and values of every attention of a pass, each (B, H, T, D)."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[Tensor, Tensor]] = []

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func is F.scaled_dot_product_attention:
            self.seen.append(args[1:3])
        return func(*args, **(kwargs or {}))


class Behind(TorchFunctionMode):
    """Puts known keys and values of the tokens before `start` before those of each attention."""

    def __init__(self, known: list[tuple[Tensor, Tensor]], start: int) -> None:
        super().__init__()
        self.known, self.start = iter(known), start

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func is not F.scaled_dot_product_attention:
            return func(*args, **(kwargs or {}))
        query, *own = args
        n, start = query.shape[2], self.start
        before = (t[:, :, :start].expand(len(query), -1, -1, -1) for t in next(self.known))
        key, value = (torch.cat(pair, dim=2) for pair in zip(before, own, strict=True))
        seen = torch.ones(n, start + n, dtype=torch.bool, device=query.device).tril(start)
        return func(query, key, value, attn_mask=seen)
