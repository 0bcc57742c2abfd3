"""Image nets that begin with a chain of layers, random ones too, and what they give by definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from xaikit.models import wrap


def grid(shape: tuple[int, int], cell: int) -> np.ndarray:
    rows, columns = (np.arange(n) // cell for n in shape)
    return rows[:, None] * (columns.max() + 1) + columns


def bound(net: nn.Module, shape: tuple[int, int] = (24, 20), k: int = 1, cell: int = 4) -> Any:
    """The bound scores of a net over random colours, and the ids."""
    rng = np.random.default_rng(5)
    x = rng.random((*shape, 3)).astype(np.float32)
    model = wrap(net, modality="image", classes=("a", "b", "c"), sample=x)
    ids = grid(shape, cell)
    references = rng.random((k, *x.shape)).astype(np.float32)
    return model, x, references, ids, model.bind(x, references, ids, False)


def whole(model: Any, x: np.ndarray, references: np.ndarray, ids: np.ndarray, masks: Any) -> Any:
    """(m, k, K) by the definition: every masked input through `scores`."""
    kept = masks[:, ids][..., None]
    return np.stack([model.scores(np.where(kept, x, r)) for r in references], axis=1)


def shown(model: Any, x: np.ndarray, references: np.ndarray, ids: np.ndarray, masks: Any) -> Any:
    """(m, k, K) by the definition, where -1 is never removed."""
    kept = np.concatenate([masks, np.ones((len(masks), 1), bool)], axis=1)[:, ids]
    kept = kept.reshape(kept.shape + (1,) * (x.ndim - kept.ndim + 1))
    return np.stack([model.scores(np.where(kept, x, r)) for r in references], axis=1)


def leave_out(n: int) -> np.ndarray:
    return ~np.eye(n, dtype=bool)


def every_sort(n: int, seed: int = 0) -> np.ndarray:
    """One left out, one kept, all, none, and random ones, in random order."""
    rng = np.random.default_rng(seed)
    ones = np.eye(n, dtype=bool)[rng.permutation(n)[:8]]
    ends = np.repeat([[True], [False]], n, axis=1)
    masks = np.concatenate([~ones, ones, ends, rng.random((6, n)) < 0.5, rng.random((6, n)) < 0.95])
    return masks[rng.permutation(len(masks))]


def random_net(rng: np.random.Generator) -> nn.Module:
    """Two to five layers of any kind, and a head over all of the last map."""
    layers: list[nn.Module] = []
    channels = 3
    pick = rng.choice
    for _ in range(int(pick([2, 3, 4, 5]))):
        kind = pick(["conv", "conv", "conv", "max", "mean"])
        kernel = (int(pick([1, 2, 3, 5])), int(pick([1, 3, 4])))
        padding = tuple(int(rng.integers(0, n // 2 + 1)) for n in kernel)
        stride = (int(pick([1, 1, 2])), int(pick([1, 1, 2, 3])))
        if kind == "conv":
            out = int(pick([4, 6]))
            groups = int(pick([1, 1, 2])) if channels % 2 == 0 else 1
            layers.append(nn.Conv2d(channels, out, kernel, stride, padding, groups=groups))
            channels = out
        elif kind == "max":
            layers.append(nn.MaxPool2d(kernel, stride, padding, ceil_mode=bool(pick([0, 1]))))
        else:
            layers.append(nn.AvgPool2d(kernel, stride, padding))
        points = [nn.ReLU(), nn.ReLU(inplace=True), nn.GELU(), nn.SiLU(), nn.BatchNorm2d(channels),
                  nn.Dropout(0.5), nn.Tanh(), nn.PReLU(channels), nn.Identity()]  # fmt: skip
        layers += [points[i] for i in rng.integers(0, len(points), 2)]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LazyLinear(3)]
    return nn.Sequential(nn.Sequential(*layers), nn.Sequential(*head[int(pick([0, 1])) :]))


def drawn(seed: int) -> nn.Module:
    """A random net that accepts (3, 24, 20), with random statistics."""
    rng = np.random.default_rng(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        while True:
            net = random_net(rng).eval()
            try:
                net(torch.zeros(1, 3, 24, 20))
            except RuntimeError:  # a window wider than the map
                continue
            louder(net)
            for name, buffer in net.named_buffers():
                if name.endswith("running_mean"):
                    buffer.uniform_(-0.3, 0.3)
                if name.endswith("running_var"):
                    buffer.uniform_(0.5, 1.5)
            return net


def seeded(make: Any) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = make().eval()
        net(torch.zeros(1, 3, 24, 20))  # lazy layers see their input
        louder(net)
        return net


@torch.no_grad()
def louder(net: nn.Module) -> None:
    """Weights that keep the size of signals, so that every mask moves the scores."""
    for layer in net.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            layer.weight.normal_(0, 2 / layer.weight[0].numel() ** 0.5)


def chain(head: tuple[nn.Module, ...] = (nn.AdaptiveAvgPool2d(1), nn.Flatten())) -> nn.Module:
    """Five stages: convolution, pooling, convolution, average, strided convolution."""
    return nn.Sequential(
        nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 6, (5, 3), padding="same"), nn.GELU(), nn.AvgPool2d(3, 1, 1),
        nn.Conv2d(6, 5, 3, stride=2, dilation=1), nn.SiLU(), *head, nn.LazyLinear(3),
    )  # fmt: skip
