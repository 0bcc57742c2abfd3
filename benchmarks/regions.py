"""Windows slid over an image: only their region is computed again, against whole passes and captum.

225 windows of 8 x 8 px, 4 px apart, on a net of three convolutions at 64 px. One thread, CPU time,
in turns. Whole passes take their masked inputs from the same code and run at the batch that is
fastest for them; captum does 32 windows a pass.

Run: python -m benchmarks.regions [--repeats 5]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from captum.attr import Occlusion
from torch import nn

from benchmarks.harness import turns
from xaikit.models import wrap

SIDE, CELL, WINDOW = 64, 4, 8
BATCHES = (8, 16, 32, 64, 128, 225)
ALL = slice(0, 1)


def network(width: int) -> nn.Module:
    """Three times 3 x 3 convolution, ReLU, max pooling; then a global average and a linear layer."""
    layers: list[nn.Module] = []
    channels = 3
    for out in (width, 2 * width, 4 * width):
        layers += [nn.Conv2d(channels, out, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        channels = out
    with torch.random.fork_rng():
        torch.manual_seed(0)
        head = nn.Linear(channels, 10)
        for layer in (*layers, head):
            if isinstance(layer, (nn.Conv2d, nn.Linear)):
                nn.init.normal_(layer.weight, std=(2 / layer.weight[0].numel()) ** 0.5)
    net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)
    return net.eval().requires_grad_(False)


def windows() -> np.ndarray:
    """(225, 256): the masks, each without 2 x 2 cells of 4 px."""
    n = SIDE // CELL
    places = [(i, j) for i in range(n - 1) for j in range(n - 1)]
    masks = np.ones((len(places), n, n), dtype=bool)
    for mask, (i, j) in zip(masks, places, strict=True):
        mask[i : i + 2, j : j + 2] = False
    return masks.reshape(len(masks), -1)


def measure(repeats: int, width: int = 32) -> dict[str, Any]:
    """Ratios of CPU time, one a turn.

    speedup : whole passes at their best batch, over one call of all windows
    speedup_64 : the same with calls of 64 windows
    captum : captum over one call of all windows
    max_difference : of the scores, against whole passes
    captum_difference : of the map, against captum's
    range : of the scores over the windows; batch : rows of the whole passes; regional : rows evaluated on regions, of 225
    """
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _measure(repeats, width)
    finally:
        torch.set_num_threads(n_threads)


def _measure(repeats: int, width: int) -> dict[str, Any]:
    net, masks = network(width), windows()
    x = np.random.default_rng(0).random((SIDE, SIDE, 3)).astype(np.float32)
    classes = tuple(f"class {i}" for i in range(10))
    model = wrap(net, modality="image", classes=classes, sample=x)
    rows = np.arange(SIDE) // CELL
    bound: Any = model.bind(
        x, np.zeros((1, *x.shape), np.float32), rows[:, None] * 16 + rows, False
    )  # type: ignore[attr-defined]
    at = torch.from_numpy(x).permute(2, 0, 1)[None]

    def captum() -> torch.Tensor:
        steps = {"sliding_window_shapes": (3, WINDOW, WINDOW), "strides": (3, CELL, CELL)}
        with torch.inference_mode():
            return Occlusion(net).attribute(at, target=0, perturbations_per_eval=32, **steps)

    found = bound(masks, ALL)
    regional = bound.regional
    whole = {size: [masks[i : i + size] for i in range(0, len(masks), size)] for size in BATCHES}
    batch = min(BATCHES, key=lambda size: _seconds(bound.full, whole[size]))
    work = {
        "regions": lambda: bound(masks, ALL),
        "regions of 64": lambda: [bound(part, ALL) for part in whole[64]],
        "whole": lambda: [bound.full(part, ALL) for part in whole[batch]],
        "captum": captum,
    }
    seconds = turns(work, repeats, time.process_time)
    right = np.concatenate([bound.full(part, ALL) for part in whole[batch]])
    ours = _map(float(model.scores([x])[0, 0]) - found[:, 0, 0])
    return {
        "speedup": _ratios(seconds["whole"], seconds["regions"]),
        "speedup_64": _ratios(seconds["whole"], seconds["regions of 64"]),
        "captum": _ratios(seconds["captum"], seconds["regions"]),
        "max_difference": float(np.abs(found - right).max()),
        "captum_difference": float(np.abs(ours - captum()[0, 0].numpy()).max()),
        "range": float(np.ptp(right, axis=0).max()),
        "batch": batch,
        "regional": regional,
    }


def _seconds(full: Any, parts: Sequence[np.ndarray]) -> float:
    """The least of three."""
    found = []
    for _ in range(3):
        start = time.process_time()
        for part in parts:
            full(part, ALL)
        found.append(time.process_time() - start)
    return min(found)


def _ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    return [a / b for a, b in zip(above, below, strict=True)]


def _map(change: np.ndarray) -> np.ndarray:
    """(64, 64): the mean change over the windows that cover a place, as captum gives it."""
    total, count = np.zeros((2, SIDE, SIDE))
    steps = range(0, SIDE - WINDOW + 1, CELL)
    for value, (i, j) in zip(change, [(i, j) for i in steps for j in steps], strict=True):
        total[i : i + WINDOW, j : j + WINDOW] += value
        count[i : i + WINDOW, j : j + WINDOW] += 1
    return total / count


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--repeats", type=int, default=5)
    repeats = options.parse_args().repeats
    print("| widths | whole / regions | calls of 64 | captum / regions | largest difference |")
    print("|---|---|---|---|---|")
    for width in (16, 32):
        found = measure(repeats, width)
        times = [
            f"{np.median(found[name]):.1f} ({min(found[name]):.1f}–{max(found[name]):.1f})"
            for name in ("speedup", "speedup_64", "captum")
        ]
        print(
            f"| {width}, {2 * width}, {4 * width} | {' | '.join(times)} "
            f"| {found['max_difference']:.1g} of {found['range']:.2g} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
