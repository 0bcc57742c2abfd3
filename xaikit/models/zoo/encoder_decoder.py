"""Nets that read one sequence and say another, token by token."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from xaikit.core.errors import ModelError
from xaikit.models.zoo.architecture import Shape
from xaikit.models.zoo.rnn import states_of
from xaikit.models.zoo.transformer import Block, Positions

__all__ = ["AttentiveGRU", "CrossAttention", "EncoderDecoder"]

END = 0  # the token that ends an output, and stands before its first
MOST_STEPS = 60


class CrossAttention(nn.Module):
    """From each step of the output to the places of the input, written out: `weights` is a named place to
    look at, (B, heads, n, T), whose rows sum to 1."""

    def __init__(self, width: int, heads: int = 1) -> None:
        super().__init__()
        if width % heads:
            raise ModelError(f"width {width} is no multiple of heads {heads}; change one of them.")
        self.heads = heads
        self.query, self.pair = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.weights = nn.Identity()
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, memory: Tensor, valid: Tensor | None) -> Tensor:
        q = self.query(x).unflatten(2, (self.heads, -1)).transpose(1, 2)
        k, v = self.pair(memory).unflatten(2, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[3])
        if valid is not None:
            scores = scores.masked_fill(~valid[:, None, None, :], -torch.inf)
        mixed = self.weights(scores.softmax(3)) @ v
        return self.out(mixed.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class Saying(nn.Module):
    """Says an output: told the tokens so far, or, where it is told none, the likeliest at each step."""

    def read(self, x: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """The input (B, T, E) -> what is remembered of it: (B, T, W), and the state to begin with."""
        raise NotImplementedError

    def say(
        self, so_far: Tensor, memory: Tensor, state: Tensor | None, valid: Tensor | None
    ) -> Tensor:
        """The tokens before each step (B, n) -> (B, n, V) logits of the steps."""
        raise NotImplementedError

    def forward(self, x: Tensor, valid: Tensor | None = None, said: Tensor | None = None) -> Tensor:
        """(B, T, E), valid (B, T) or None when nothing is padding, said (B, n) or None -> (B, n, V)"""
        memory, state = self.read(x, valid)
        before = torch.full((len(x), 1), END, device=x.device)
        if said is not None:
            return self.say(torch.cat([before, said[:, :-1]], dim=1), memory, state, valid)
        while True:
            logits = self.say(before, memory, state, valid)
            before = torch.cat([before, logits[:, -1:].argmax(2)], dim=1)
            ended = (before[:, 1:] == END).any(1).all()
            if ended or before.shape[1] > MOST_STEPS:
                return logits


class AttentiveGRU(Saying):
    """A GRU that reads both ways, and one that says, with attention after it (Luong et al. 2015, without
    input feeding)."""

    def __init__(
        self, shape: Shape, n_outputs: int, *, width: int = 96, dropout: float = 0.1
    ) -> None:
        super().__init__()
        if width % 2:
            raise ModelError(f"width {width} is odd and is read in two directions; make it even.")
        self.entry = nn.Dropout(dropout)
        self.encoder = nn.GRU(shape[1], width // 2, batch_first=True, bidirectional=True)
        self.tokens = nn.Embedding(n_outputs, width)
        self.decoder = nn.GRU(width, width, batch_first=True)
        self.cross = CrossAttention(width)
        self.mixed = nn.Sequential(nn.Linear(2 * width, width), nn.Tanh(), nn.Dropout(dropout))
        self.head = nn.Linear(width, n_outputs)

    def read(self, x: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor | None]:
        states, final = states_of(self.encoder, self.entry(x), valid)
        return states, torch.cat(list(final[-2:]), dim=1)[None]

    def say(
        self, so_far: Tensor, memory: Tensor, state: Tensor | None, valid: Tensor | None
    ) -> Tensor:
        states, _ = self.decoder(self.tokens(so_far), state)
        return self.head(self.mixed(torch.cat([states, self.cross(states, memory, valid)], dim=2)))  # type: ignore[no-any-return]


class CrossBlock(nn.Module):
    """Causal attention of the output to itself, attention to the input, and a two-layer net."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.cross = CrossAttention(width, heads)
        self.own = Block(width, heads, dropout, causal=True)

    def forward(self, x: Tensor, memory: Tensor, valid: Tensor | None) -> Tensor:
        return self.own(x + self.cross(self.norm(x), memory, valid))  # type: ignore[no-any-return]


class EncoderDecoder(Saying):
    """The transformer that reads a sequence and says another (Vaswani et al. 2017), pre-norm."""

    def __init__(
        self,
        shape: Shape,
        n_outputs: int,
        *,
        width: int = 64,
        depth: int = 2,
        heads: int = 4,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.entry = nn.Linear(shape[1], width)
        self.tokens = nn.Embedding(n_outputs, width)
        self.positions = Positions()
        self.drop = nn.Dropout(dropout)
        self.reading = nn.ModuleList(Block(width, heads, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.saying = nn.ModuleList(CrossBlock(width, heads, dropout) for _ in range(depth))
        self.last = nn.LayerNorm(width)
        self.head = nn.Linear(width, n_outputs)

    def read(self, x: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor | None]:
        x = self.drop(self.positions(self.entry(x)))
        for block in self.reading:
            x = block(x, valid)
        return self.norm(x), None

    def say(
        self, so_far: Tensor, memory: Tensor, state: Tensor | None, valid: Tensor | None
    ) -> Tensor:
        del state
        x = self.drop(self.positions(self.tokens(so_far)))
        for block in self.saying:
            x = block(x, memory, valid)
        return self.head(self.last(x))  # type: ignore[no-any-return]
