"""A picture that excites a channel, made by gradient ascent, and gratings that ask what a channel prefers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xaikit.core.errors import NotApplicable
from xaikit.core.types import Floats
from xaikit.models.inputs import Batch
from xaikit.models.layers import Layer, placed, read_layers
from xaikit.models.modes import differentiating
from xaikit.models.neural import NeuralModel

__all__ = ["Picture", "Tuning", "excite", "tune"]

Seen = tuple[NDArray[Any], Sequence[int]]
DECAY, SCALE = 1.5, 0.1  # how fast steps shrink with frequency, and how large they are
STEPS, RATE = 192, 0.05  # of Adam
STARTS = np.geomspace(0.01, 3.0, 16)  # spreads of the noise that ascent may begin with
MOST_SHIFT = 4  # px
ANGLES, PHASES, WAVES = 24, 8, 5
FINEST = 0.35  # cycles a pixel: beyond, a grating is not what it looks like


@dataclass(frozen=True, eq=False)
class Picture:
    """What excites a channel: x (H, W, C) in [0, 1], the activation of the middle cell on it, and whether
    ascent began with what it was seen to be excited by, as no noise moved it."""

    x: NDArray[np.float32]
    activation: float
    real: bool


def excite(
    model: NeuralModel,
    layer: Layer,
    channels: Sequence[int],
    seen: Sequence[Seen],
    rng: np.random.Generator,
) -> list[Picture | None]:
    """A picture for each channel that excites its middle cell; None where nothing excited it at all.

    seen : for each channel a picture and the cell that it excites, to begin with where noise does not

    The picture is a sum of waves whose steps shrink with their frequency, squeezed into [0, 1], shifted by a
    few pixels at random before each step where the receptive field is wide enough (activation maximisation
    with a frequency prior and jitter; Olah, Mordvintsev & Schubert 2017).
    """
    black, white = _ends(model)
    height, width = black.shape[-2:]
    waves = _waves(height, width)
    shift = min(MOST_SHIFT, min(_extent(layer, (height, width))) // 8)

    def given(spectrum: Tensor, moved: tuple[int, int] = (0, 0)) -> tuple[Tensor, Tensor]:
        flat = torch.fft.irfft2(
            torch.view_as_complex(spectrum) * waves, s=(height, width), norm="ortho"
        )
        x = torch.sigmoid(flat)
        return x, _middle(
            model, layer, channels, torch.roll(black + x.to(black) * (white - black), moved, (2, 3))
        )

    with torch.inference_mode(False), differentiating(model.parts):
        spectrum, real = _start(given, [_moved(layer, s) for s in seen], waves, rng)
        adam = torch.optim.Adam([spectrum], RATE)
        for _ in range(STEPS):
            down, across = rng.integers(-shift, shift + 1, 2).tolist()
            adam.zero_grad()
            with torch.enable_grad():
                (-given(spectrum, (down, across))[1].sum()).backward()  # type: ignore[no-untyped-call]
            adam.step()
        with torch.no_grad():
            x, reached = given(spectrum)
    pixels = x.movedim(1, -1).float().cpu().numpy()
    made = zip(pixels, reached.tolist(), real, strict=True)
    return [Picture(*one) if one[1] > 0 else None for one in made]


def _start(
    given: Callable[[Tensor], tuple[Tensor, Tensor]],
    real: Sequence[NDArray[Any]],
    waves: Tensor,
    rng: np.random.Generator,
) -> tuple[Tensor, list[bool]]:
    """For each channel the faintest noise on which its activation has a slope, or what excited it, and which."""
    x = torch.from_numpy(np.stack(real)).float().movedim(-1, 1).clamp(0.02, 0.98)
    last = torch.view_as_real(torch.fft.rfft2(torch.logit(x), norm="ortho") / waves)
    starts = [torch.from_numpy(rng.normal(0, s, last.shape)).float() for s in STARTS] + [last]
    slopes = [_slope(given, start).flatten(1).abs().amax(1) for start in starts]
    alive = torch.stack(slopes) > 0  # (starts, channels)
    alive[-1] = True
    first = alive.int().argmax(0).tolist()
    chosen = torch.stack([starts[s][c] for c, s in enumerate(first)])
    return chosen.requires_grad_(), [s == len(STARTS) for s in first]


def _slope(given: Callable[[Tensor], tuple[Tensor, Tensor]], start: Tensor) -> Tensor:
    with torch.enable_grad():
        leaf = start.clone().requires_grad_()
        return torch.autograd.grad(given(leaf)[1].sum(), leaf)[0]


def _moved(layer: Layer, seen: Seen) -> NDArray[Any]:
    """The picture, moved round its borders so that the middle cell sees what the cell saw."""
    x, cell = seen
    if layer.sides is None:
        return x
    way = [(m - c) * s.step for m, c, s in zip(layer.centre, cell, layer.sides, strict=True)]
    return np.roll(x, way, (0, 1))


def _waves(height: int, width: int) -> Tensor:
    """(H, W // 2 + 1) how much each wave counts: the inverse of its frequency."""
    down, across = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None]
    frequency = torch.sqrt(down**2 + across**2).clamp(min=1 / max(height, width))
    return 1 / frequency**DECAY * SCALE


def _ends(model: NeuralModel) -> tuple[Tensor, Tensor]:
    """(1, C, H, W) a black and a white picture as the net reads them, between which its inputs lie evenly."""
    x = model.example()
    grey = np.random.default_rng(0).random(x.shape, dtype=np.float32)
    read = model.encode([np.zeros_like(x), np.ones_like(x), grey]).at
    black, white, other = read[:1], read[1:2], read[2:]
    own = torch.from_numpy(grey).movedim(-1, 0)[None].to(read)
    if (
        read.ndim != 4
        or own.shape != other.shape
        or not torch.allclose(black + own * (white - black), other, atol=1e-4)
    ):
        raise NotApplicable(
            f"'{model.id}' changes its pictures before it reads them, so none can be made for it."
        )
    return black, white


def _middle(model: NeuralModel, layer: Layer, channels: Sequence[int], at: Tensor) -> Tensor:
    """(B,) the middle cell's activation, of channel b for picture b."""
    found = _cells(model, layer, at)
    return found[torch.arange(len(at)), torch.tensor(list(map(int, channels)))]


def _cells(model: NeuralModel, layer: Layer, at: Tensor) -> Tensor:
    """(B, C) activations of the middle cell."""
    middle = 0 if layer.cells is None else int(np.ravel_multi_index(layer.centre, layer.shape))
    parts = []
    for part in torch.split(at.contiguous(), model.batch_rows):
        (given,), _ = read_layers(model, part, Batch(part), [layer])
        parts.append(placed(layer, given)[:, :, middle])
    return torch.cat(parts)


def _extent(layer: Layer, size: tuple[int, ...]) -> list[int]:
    return [b - a for a, b in layer.window(layer.centre, size)]


@dataclass(frozen=True, eq=False)
class Tuning:
    """How channels answer to gratings.

    angles : (A,) degrees, of the stripes: 0 lies, 90 stands, 45 rises to the right
    curve : (C, A) power: the response to the best phase beyond that to even grey, never below 0, squared and
        summed over the frequencies
    selectivity : (C,) 0 where all directions excite alike, 1 where one does: the length of the mean of
        e^(2 i angle) weighted by the curve (one minus the circular variance, Ringach et al. 2002); a slope in
        one direction, whose response goes with the cosine, has 1/2
    preferred : (C,) degrees
    """

    angles: Floats
    curve: Floats

    @property
    def _mean(self) -> NDArray[np.complex128]:
        total = self.curve.sum(1)
        turned = self.curve @ np.exp(2j * np.deg2rad(self.angles))
        return np.asarray(np.divide(turned, total, out=np.zeros_like(turned), where=total > 0))

    @property
    def selectivity(self) -> Floats:
        return np.abs(self._mean)

    @property
    def preferred(self) -> Floats:
        return np.rad2deg(np.angle(self._mean)) / 2 % 180


def tune(model: NeuralModel, layer: Layer) -> Tuning | None:
    """How the middle cell answers to gratings; None where its receptive field is not smaller than the picture."""
    black, white = _ends(model)
    size = tuple(black.shape[-2:])
    field = _extent(layer, size)
    if layer.sides is None or any(f >= n for f, n in zip(field, size, strict=True)):
        return None
    angles = np.arange(ANGLES) * 180 / ANGLES
    window = layer.window(layer.centre, size)
    grid = [
        np.arange(n, dtype=np.float64) - (a + b - 1) / 2
        for n, (a, b) in zip(size, window, strict=True)
    ]
    waves = np.geomspace(1 / (2 * max(field)), FINEST, WAVES)
    shown = [_grating(grid, a, f, p) for f in waves for a in angles for p in range(PHASES)]
    x = torch.from_numpy(np.array([np.full(size, 0.5), *shown], dtype=np.float32))[:, None]
    with torch.inference_mode(False), differentiating(model.parts), torch.no_grad():
        found = _cells(model, layer, black + x.to(black) * (white - black)).double().cpu().numpy()
    gained = np.maximum(found[1:] - found[0], 0).reshape(WAVES, ANGLES, PHASES, -1).max(2)
    return Tuning(angles, (gained**2).sum(0).T)


def _grating(grid: Sequence[Floats], angle: float, frequency: float, phase: int) -> Floats:
    """(H, W) stripes that run at the angle, from black to white."""
    turn = math.radians(angle)
    across = grid[0][:, None] * math.cos(turn) + grid[1][None] * math.sin(turn)
    return 0.5 + 0.5 * np.sin(2 * math.pi * (frequency * across + phase / PHASES))
