"""Recurrent nets over words or time steps."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from xaikit.core.errors import ModelError
from xaikit.models.zoo.architecture import Shape

__all__ = ["LogMelGRU", "Recurrent", "states_of"]

_CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
_POOLS = ("last", "mean", "max")


class Recurrent(nn.Module):
    """An RNN, LSTM (Hochreiter & Schmidhuber 1997) or GRU (Cho et al. 2014) and one linear layer.

    pool : what the linear layer reads: the final state ("last"), or the mean or the maximum of all
        states. With "last" the class score does not depend on any earlier state directly.
    """

    def __init__(
        self,
        shape: Shape,
        n_outputs: int,
        cell: str,
        *,
        width: int = 64,
        depth: int = 1,
        bidirectional: bool = False,
        pool: str = "last",
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        if pool not in _POOLS:
            raise ModelError(f"pool is {pool!r}; use one of {', '.join(_POOLS)}.")
        self.pool = pool
        self.ends = 2 if bidirectional else 1
        self.entry = nn.Dropout(dropout)
        self.rnn = _CELLS[cell](
            shape[1],
            width,
            depth,
            batch_first=True,
            bidirectional=bidirectional,
            dropout=dropout if depth > 1 else 0.0,
        )
        self.states = nn.Identity()  # (B, T, width): a named place to look at
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(self.ends * width, n_outputs))

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """(B, T, E), valid (B, T) or None when nothing is padding -> (B, K)"""
        states, final = self._run(self.entry(x), valid)
        states = self.states(states)
        return self.head(final if self.pool == "last" else self._pooled(states, valid))  # type: ignore[no-any-return]

    def _run(self, x: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor]:
        states, final = states_of(self.rnn, x, valid)
        return states, torch.cat(list(final[-self.ends :]), dim=1)

    def _pooled(self, states: Tensor, valid: Tensor | None) -> Tensor:
        if valid is None:
            return states.mean(1) if self.pool == "mean" else states.amax(1)
        there = valid[:, :, None]
        if self.pool == "mean":
            return (states * there).sum(1) / there.sum(1)
        return states.masked_fill(~there, -torch.inf).amax(1)


class LogMelGRU(Recurrent):
    """The same over the frames of a sound: (B, 1, M, T) -> (B, K)."""

    def __init__(
        self,
        shape: Shape,
        n_outputs: int,
        *,
        width: int = 64,
        pool: str = "max",
        dropout: float = 0.3,
    ) -> None:
        super().__init__(
            (shape[2], shape[1]),
            n_outputs,
            "gru",
            width=width,
            bidirectional=True,
            pool=pool,
            dropout=dropout,
        )

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        return super().forward(x[:, 0].transpose(1, 2), valid)


def states_of(rnn: nn.RNNBase, x: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor]:
    """(B, T, E), valid (B, T) or None -> (B, T, W) states, and the final ones (layers and ends, B, W)."""
    if valid is None:
        states, final = rnn(x)
    else:
        lengths = valid.sum(1).cpu()
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        states, final = rnn(packed)
        states, _ = pad_packed_sequence(states, batch_first=True, total_length=x.shape[1])
    return states, final[0] if isinstance(final, tuple) else final  # an LSTM gives (h, c)
