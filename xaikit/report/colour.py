"""Colours with a meaning: theme tokens, the diverging map of evidence, and its bins."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "HATCH_FROM",
    "PALETTE",
    "STEPS",
    "WORD_BINS",
    "bin_of",
    "level",
    "scoped_tokens_css",
    "step_of",
    "tokens_css",
]

# token: (light, dark)
TOKENS = {
    "bg": ("#FAFAF7", "#14171B"),
    "surface": ("#FFFFFF", "#1D2126"),
    "surface-2": ("#F1F1EC", "#262B31"),
    "ink": ("#1A1E24", "#ECEBE6"),
    "ink-2": ("#4B535E", "#A9B1BA"),
    "rule": ("#D9DCE0", "#363C44"),
    "line-2": ("#7A828C", "#7A828C"),
    "accent": ("#0B5C6B", "#7FD0DC"),
    "tint": ("#E3F1F2", "#17363C"),
    "area": ("#CFE3E6", "#1F3E44"),
    "fail": ("#7A1020", "#F6B7BD"),
    "on-fail": ("#FFFFFF", "#2A0509"),
    "for": ("#8F3A08", "#F0A868"),
    "against": ("#1F5F99", "#8ABDE6"),
    "step-0": ("#F1F1EC", "#262B31"),
    "step-1": ("#E9F1F2", "#1C2C30"),
    "step-2": ("#CFE3E6", "#1F3E44"),
    "step-3": ("#B1D3D8", "#215059"),
    "step-4": ("#8FC0C8", "#24646F"),
    "for-1": ("#FDEBD9", "#3A2414"),
    "for-2": ("#F9CFA4", "#5A3416"),
    "for-3": ("#F2B27A", "#7E4512"),
    "against-1": ("#E4F0FA", "#172A3A"),
    "against-2": ("#C5DFF4", "#1D3D59"),
    "against-3": ("#A3CCED", "#235179"),
}

FOR = ("#FFFFFF", "#FBE3CC", "#F2B27A", "#DB7A2E", "#A8480E", "#6B2500")
AGAINST = ("#FFFFFF", "#DCEBF8", "#B5D5F0", "#8ABDE6", "#5C9FD6", "#3B86C4")
STEPS = 65
MIDDLE = STEPS // 2
HATCH_FROM = 0.2  # share of the scale from which evidence against is hatched
WORD_BINS = (0.1, 0.3, 0.6)  # shares of the scale from which a word is marked


def tokens_css() -> str:
    """The theme tokens as CSS: light everywhere, dark on screens that ask for it."""
    light, dark = ("".join(f"--{name}:{pair[i]};" for name, pair in TOKENS.items()) for i in (0, 1))
    dark += "color-scheme:dark;"
    return (
        f":root{{{light}color-scheme:light}}\n"
        f"@media screen{{:root:has(#theme-dark:checked){{{dark}}}}}\n"
        "@media screen and (prefers-color-scheme:dark)"
        f"{{:root:has(#theme-auto:checked){{{dark}}}}}\n"
    )


def scoped_tokens_css(scope: str) -> str:
    """The same for a piece of a strange page: as the notebook's theme says, else as the screen asks."""
    light, dark = ("".join(f"--{name}:{pair[i]};" for name, pair in TOKENS.items()) for i in (0, 1))
    return (
        f"{scope},[data-jp-theme-light=true] {scope},.vscode-light {scope}{{{light}color-scheme:light}}\n"
        f"@media screen and (prefers-color-scheme:dark){{{scope}{{{dark}color-scheme:dark}}}}\n"
        f"@media screen{{[data-jp-theme-light=false] {scope},.vscode-dark {scope},[data-theme=dark] "
        f"{scope}{{{dark}color-scheme:dark}}}}\n"
    )


def level(shares: NDArray[Any]) -> NDArray[np.uint8]:
    """Evidence as a share of the scale (-1..1, clipped) -> step of the diverging map, 32 = none."""
    steps: NDArray[np.uint8] = np.rint(MIDDLE + MIDDLE * np.clip(shares, -1, 1)).astype(np.uint8)
    return steps


def bin_of(share: float) -> int:
    """Evidence as a share of the scale -> 0 (not marked) to 3, negative when against."""
    strength = int(np.searchsorted(WORD_BINS, abs(share) + 1e-12, side="right"))
    return strength if share > 0 else -strength


def step_of(agreement: float) -> int:
    """An agreement (-1..1) -> 0 to 4, the steps of the agreement matrix."""
    return int(np.clip(np.floor(agreement * 5), 0, 4))


def _ramp(stops: tuple[str, ...], n: int) -> NDArray[np.float64]:
    """(n, 3): the colours after the first stop, evenly spaced up to the last one."""
    rgb = np.array([[int(s[i : i + 2], 16) for i in (1, 3, 5)] for s in stops], dtype=np.float64)
    at = np.linspace(0, len(stops) - 1, n + 1)[1:]
    return np.stack([np.interp(at, np.arange(len(stops)), rgb[:, c]) for c in range(3)], axis=1)


def _palette() -> NDArray[np.uint8]:
    against, towards = _ramp(AGAINST, MIDDLE), _ramp(FOR, MIDDLE)
    white = np.full((1, 3), 255.0)
    found: NDArray[np.uint8] = np.rint(np.concatenate([against[::-1], white, towards])).astype(
        np.uint8
    )
    return found


PALETTE = _palette()  # (65, 3): strongest against, none, strongest for
PALETTE.setflags(write=False)
