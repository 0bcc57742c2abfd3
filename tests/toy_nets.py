"""Tiny torch models with the abilities of real adapters, in float64 and with small whole weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xaikit.core.abilities import Activations, Attention, Leaf
from xaikit.core.question import Masker, Question
from xaikit.core.types import Sample, Segmentation, Target

WORDS = ("[pad]", "[cls]", "[mask]", "not", "good", "bad", "very", "film", "the")


@dataclass(eq=False)
class NetModel:
    """A model whose leaf is the input itself: `net` maps (B, ...) to scores (B, K)."""

    net: Callable[[Tensor], Tensor]
    modality: str = "table"
    classes: tuple[str, ...] = ()
    space: str = "value"
    id: str = "net"
    background: np.ndarray | None = None
    info: dict[str, Any] = field(default_factory=dict)
    rows: int = 0  # rows passed so far

    def encode(self, xs: Sequence[np.ndarray]) -> Tensor:
        at = torch.as_tensor(np.stack(xs), dtype=torch.float64)
        return at.movedim(-1, 1) if self.modality == "image" else at

    def scores(self, xs: Sequence[np.ndarray]) -> np.ndarray:
        with torch.no_grad():
            return self.net(self.encode(xs)).numpy()

    def leaf(self, xs: Sequence[np.ndarray]) -> Leaf:
        def forward(at: Tensor, _: Tensor) -> Tensor:
            self.rows += len(at)
            return self.net(at)

        def fold(maps: Tensor, _: Tensor) -> list[np.ndarray]:
            return list((maps.sum(1) if self.modality == "image" else maps).double().numpy())

        return Leaf(self.encode(xs), forward, fold)


@dataclass(eq=False)
class ConvModel(NetModel):
    """A net of `features` and `head`, which can be cut between the two."""

    def cam_layer(self, layer: str | None = None) -> str:
        return "features"

    def activations(self, xs: Sequence[np.ndarray], layer: str | None = None) -> Activations:
        at = self.net.features(self.encode(xs)).detach().requires_grad_()
        grid = np.shape(xs[0])[:2] if self.modality == "image" else np.shape(xs[0])[:1]

        def fold(maps: Tensor) -> list[np.ndarray]:
            how = "bilinear" if self.modality == "image" else "linear"
            up = F.interpolate(maps[:, None], grid, mode=how, align_corners=False)[:, 0]
            if self.modality == "series":
                up = up[..., None].expand(*up.shape, np.shape(xs[0])[1])
            return list(up.double().numpy())

        cell = tuple(g / s for g, s in zip(grid, at.shape[2:], strict=True))
        return Activations(at, self.net.head(at), fold, layer or "features", cell)


class Conv(nn.Module):
    """conv 3 x 3 -> ReLU -> "gap" or "flatten" -> linear, on (B, 1, 4, 4), 2 channels, 2 classes."""

    def __init__(self, reading: str = "gap") -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU())
        pool = nn.AdaptiveAvgPool2d(1) if reading == "gap" else nn.Identity()
        n_read = 2 if reading == "gap" else 32
        self.head = nn.Sequential(pool, nn.Flatten(), nn.Linear(n_read, 2))
        whole_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))


@dataclass(eq=False)
class WordModel:
    """Words -> embeddings (B, T, E), padded -> `net(embeddings, lengths)` -> scores."""

    net: nn.Module
    modality: str = "text"
    classes: tuple[str, ...] = ("no", "yes")
    space: str = "logit"
    id: str = "words"
    background: np.ndarray | None = None
    info: dict[str, Any] = field(default_factory=dict)

    def encode(self, xs: Sequence[np.ndarray]) -> tuple[Tensor, Tensor]:
        lengths = torch.tensor([len(x) for x in xs])
        ids = torch.zeros(len(xs), int(lengths.max()), dtype=torch.long)
        for row, x in enumerate(xs):
            ids[row, : len(x)] = torch.tensor([WORDS.index(str(w)) for w in x])
        return self.net.embed(ids).detach(), lengths

    def scores(self, xs: Sequence[np.ndarray]) -> np.ndarray:
        with torch.no_grad():
            return self.net(*self.encode(xs)).numpy()

    def leaf(self, xs: Sequence[np.ndarray]) -> Leaf:
        at, lengths = self.encode(xs)

        def fold(maps: Tensor, rows: Tensor) -> list[np.ndarray]:
            summed = maps.sum(-1).double()
            return [m[: lengths[r]].numpy() for m, r in zip(summed, rows.tolist(), strict=True)]

        return Leaf(at, lambda at, rows: self.net(at, lengths[rows]), fold)


class LastState(nn.Module):
    """An LSTM whose head reads the state after the last word."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(len(WORDS), 3)
        self.lstm = nn.LSTM(3, 4, batch_first=True)
        self.head = nn.Linear(4, 2)
        whole_weights(self, 0.5)

    def forward(self, at: Tensor, lengths: Tensor) -> Tensor:
        states, _ = self.lstm(at)
        return self.head(states[torch.arange(len(at)), lengths - 1])


class Attends(nn.Module):
    """Two attention layers of two heads; reads the first position, the last one or their mean.

    A [cls] is put in front unless the net is causal.
    """

    def __init__(self, reading: str = "first") -> None:
        super().__init__()
        self.reading = reading
        self.embed = nn.Embedding(len(WORDS), 4)
        self.blocks = nn.ModuleList(nn.Linear(4, 12) for _ in range(2))
        self.head = nn.Linear(4, 2)
        whole_weights(self, 0.5)

    def forward(self, at: Tensor, lengths: Tensor, weights: list[Tensor] | None = None) -> Tensor:
        if self.reading == "first":
            cls = self.embed.weight[1].expand(len(at), 1, -1)
            at, lengths = torch.cat([cls, at], 1), lengths + 1
        n_tokens = at.shape[1]
        seen = (torch.arange(n_tokens) < lengths[:, None])[:, None, None, :]
        if self.reading == "last":
            seen = seen & torch.ones(n_tokens, n_tokens, dtype=torch.bool).tril()
        for block in self.blocks:
            q, k, v = block(at).unflatten(-1, (3, 2, 2)).permute(2, 0, 3, 1, 4)  # (B, H, T, 2)
            looks = (q @ k.mT / 2**0.5).masked_fill(~seen, -torch.inf).softmax(-1)
            if weights is not None:
                weights.append(looks)
            at = at + (looks @ v).transpose(1, 2).flatten(2)
        if self.reading == "mean":
            inside = (torch.arange(n_tokens) < lengths[:, None])[..., None]
            return self.head((at * inside).sum(1) / lengths[:, None])
        where = lengths - 1 if self.reading == "last" else torch.zeros_like(lengths)
        return self.head(at[torch.arange(len(at)), where])


@dataclass(eq=False)
class AttentionModel(WordModel):
    """A `WordModel` around `Attends`, with its true weights."""

    def attention(self, xs: Sequence[np.ndarray]) -> Attention:
        at, lengths = self.encode(xs)
        weights: list[Tensor] = []
        scores = self.net(at, lengths, weights)
        extra = int(self.net.reading == "first")  # the [cls]
        n_tokens = weights[0].shape[-1]
        place = torch.arange(n_tokens).expand(len(xs), -1)
        read = {"first": torch.zeros_like(lengths), "last": lengths - 1}

        def fold(values: Tensor) -> list[np.ndarray]:
            return [v[extra : n + extra].numpy() for v, n in zip(values, lengths, strict=True)]

        return Attention(
            weights=tuple(weights),
            scores=scores,
            read=read.get(self.net.reading, torch.full_like(lengths, -1)),
            special=place < extra,
            valid=place < (lengths + extra)[:, None],
            fold=fold,
        )


def whole_weights(net: nn.Module, scale: float = 1.0) -> None:
    """Weights of -2 to 2 times `scale`, the same every time, in float64."""
    net.double()
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for weight in net.parameters():
            weight.copy_(scale * torch.randint(-2, 3, weight.shape, generator=generator))


def ask_net(
    model: Any, x: Any, references: Any = None, *, name: str = "s0", **changes: Any
) -> Question:
    """A question about one input, every place a feature, references of zeros unless given."""
    kind = model.modality
    sample = Sample(name, np.asarray(x), kind)
    if references is None:
        references = (
            np.full((1, *sample.x.shape), "[mask]")
            if kind == "text"
            else np.zeros((1, *sample.x.shape))
        )
    n = int(np.prod(sample.grid))
    changes.setdefault("target", Target(0, space=model.space))
    changes.setdefault(
        "segmentation",
        Segmentation(np.arange(n).reshape(sample.grid), tuple(f"p{i}" for i in range(n)), "places"),
    )
    changes.setdefault("masker", Masker("given", np.asarray(references)))
    return Question(model=model, sample=sample, **changes)
