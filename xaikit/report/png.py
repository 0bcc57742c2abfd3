"""Pictures as data URIs: indexed PNG for maps and sketches, PNG or JPEG for inputs."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from xaikit.report.colour import PALETTE, level

__all__ = ["edges", "heat_uri", "photo_uri", "sketch_uri"]

Bytes = NDArray[np.uint8]
SMALL = 64  # inputs up to this side stay exact
LARGE = 224
SKETCH_INK = 0.38  # darkest line of a sketch, as a share of full ink
SKETCH_LEVELS = 16


def heat_uri(shares: NDArray[Any]) -> str:
    """(h, w) evidence as shares of the scale -> indexed PNG in the diverging map."""
    return _uri(_png(level(shares), PALETTE), "png")


def photo_uri(x: NDArray[Any]) -> str:
    """(H, W, C) in [0, 1] -> the picture itself, at most 224 px."""
    pixels = np.rint(255 * np.clip(_visible(x), 0, 1)).astype(np.uint8)
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    if max(picture.size) <= SMALL:
        return _uri(_png(pixels), "png")
    picture.thumbnail((LARGE, LARGE))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=75, optimize=True)
    return _uri(out.getvalue(), "jpeg")


def sketch_uri(x: NDArray[Any]) -> str:
    """(H, W, C) in [0, 1] -> its edges in grey on nothing, so that colour stays free for evidence."""
    ink = edges(_visible(x).mean(axis=2))
    step = max(1, -(-max(ink.shape) // 112))
    ink = ink[::step, ::step]
    levels = np.rint((SKETCH_LEVELS - 1) * ink).astype(np.uint8)
    colours = np.tile(np.array([26, 30, 36], dtype=np.uint8), (SKETCH_LEVELS, 1))
    alpha = np.rint(255 * SKETCH_INK * np.linspace(0, 1, SKETCH_LEVELS)).astype(np.uint8)
    return _uri(_png(levels, colours, alpha), "png")


def _visible(x: NDArray[Any]) -> NDArray[Any]:
    """One or three channels; other counts become their mean."""
    return x if x.shape[2] in (1, 3) else x.mean(axis=2, keepdims=True)


def edges(grey: NDArray[Any]) -> NDArray[np.float64]:
    """(H, W) -> strength of the gradient (Sobel), 0..1; 1 is its 98th percentile."""
    p = np.pad(grey.astype(np.float64), 1, mode="edge")
    down = p[2:, :-2] + 2 * p[2:, 1:-1] + p[2:, 2:] - p[:-2, :-2] - 2 * p[:-2, 1:-1] - p[:-2, 2:]
    side = p[:-2, 2:] + 2 * p[1:-1, 2:] + p[2:, 2:] - p[:-2, :-2] - 2 * p[1:-1, :-2] - p[2:, :-2]
    strength = np.hypot(down, side)
    end = max(float(np.percentile(strength, 98)), 1e-3)
    return np.clip(strength / end, 0, 1)


def _png(pixels: Bytes, palette: Bytes | None = None, alpha: Bytes | None = None) -> bytes:
    """(H, W) indices into a palette, or (H, W, 1 or 3) grey or colour, as a PNG file."""
    height, width = pixels.shape[:2]
    kind = 3 if palette is not None else 0 if pixels.shape[2] == 1 else 2
    rows = pixels.reshape(height, -1)
    raw = np.concatenate([np.zeros((height, 1), dtype=np.uint8), rows], axis=1).tobytes()
    parts = [_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0))]
    if palette is not None:
        parts.append(_chunk(b"PLTE", palette.tobytes()))
    if alpha is not None:
        parts.append(_chunk(b"tRNS", alpha.tobytes()))
    parts += [_chunk(b"IDAT", zlib.compress(raw, 9)), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _uri(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
