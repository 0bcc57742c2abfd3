"""Numbers as people read them: a real minus sign, units, and no more digits than carry meaning."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence

__all__ = [
    "amount",
    "count",
    "decimals",
    "duration",
    "fixed",
    "interval",
    "isolated",
    "p_value",
    "percent",
    "percent_interval",
    "signed",
    "size",
    "tick_digits",
]

MINUS = "\N{MINUS SIGN}"
SPACE = "\N{NO-BREAK SPACE}"
MISSING = "–"


def fixed(value: float | None, digits: int = 2) -> str:
    """A number with a fixed number of decimals, "–" when there is none."""
    if value is None or not math.isfinite(value):
        return MISSING
    text = f"{abs(value):,.{digits}f}"
    return text if value >= 0 or float(f"{value:.{digits}f}") == 0 else MINUS + text


def signed(value: float | None, digits: int = 2) -> str:
    """A number that always shows which side of zero it is on."""
    text = fixed(value, digits)
    positive = value is not None and math.isfinite(value) and float(f"{value:.{digits}f}") > 0
    return f"+{text}" if positive else text


def interval(bounds: Sequence[float] | None, digits: int = 2, sign: bool = True) -> str:
    """Both ends of an interval in brackets, "" when there is none."""
    if bounds is None:
        return ""
    show = signed if sign else fixed
    return f"[{show(bounds[0], digits)}, {show(bounds[1], digits)}]"


def isolated(name: str) -> str:
    """A name that cannot turn round the words beside it, whatever direction it is written in."""
    turning = ("R", "AL", "RLE", "RLO", "LRE", "LRO", "PDF", "RLI", "LRI", "FSI", "PDI")
    if any(unicodedata.bidirectional(c) in turning for c in name):
        return f"\N{FIRST STRONG ISOLATE}{name}\N{POP DIRECTIONAL ISOLATE}"
    return name


def percent(share: float | None, digits: int = 0) -> str:
    """A share 0..1 as per cent."""
    if share is None or not math.isfinite(share):
        return MISSING
    return f"{fixed(100 * share, digits)}{SPACE}%"


def percent_interval(bounds: Sequence[float] | None, digits: int = 1) -> str:
    """An interval of shares as per cent, in brackets."""
    return "" if bounds is None else interval([100 * b for b in bounds], digits, sign=False)


def p_value(p: float) -> str:
    """A p value to two decimals, or the power of ten that it lies below."""
    return "p < 0.001" if p < 0.001 else f"p = {fixed(p, 3 if p < 0.1 else 2)}"


def count(value: float | None) -> str:
    """A whole number with commas between thousands."""
    return fixed(value, 0)


def amount(value: float) -> str:
    """A measured value with three significant digits and no exponent between 1e-4 and 1e7."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else MISSING
    if not 1e-4 <= abs(value) < 1e7:
        mantissa, _, exponent = f"{value:.2e}".partition("e")
        return f"{mantissa} × 10^{int(exponent)}".replace("-", MINUS)
    if float(value).is_integer():
        return fixed(value, 0)
    return fixed(value, max(0, 2 - math.floor(math.log10(abs(value)))))


def decimals(end: float) -> int:
    """How many decimals tell values apart on a scale that ends at `end`."""
    if not math.isfinite(end) or end <= 0:
        return 2
    return min(6, max(0, 2 - math.floor(math.log10(end))))


def tick_digits(ticks: Sequence[float]) -> int:
    """The fewest decimals with which each tick reads as the place it stands at, to 1/1000 of the axis."""
    near = (max(ticks) - min(ticks)) / 1000
    fits = (d for d in range(12) if all(abs(round(t, d) - t) <= near for t in ticks))
    return next(fits, 12)


def duration(seconds: float | None) -> str:
    """A time in the unit that fits it."""
    if seconds is None or not math.isfinite(seconds):
        return MISSING
    for limit, factor, unit in ((1e-3, 1e6, "µs"), (1.0, 1e3, "ms"), (120.0, 1.0, "s")):
        if seconds < limit:
            return f"{_short(seconds * factor)}{SPACE}{unit}"
    return f"{_short(seconds / 60)}{SPACE}min"


def size(n_bytes: float | None) -> str:
    """A size in bytes, kB, MB or GB."""
    if n_bytes is None:
        return MISSING
    for unit in ("B", "kB", "MB"):
        if n_bytes < 1000:
            return f"{_short(n_bytes)}{SPACE}{unit}"
        n_bytes /= 1000
    return f"{_short(n_bytes)}{SPACE}GB"


def _short(value: float) -> str:
    return fixed(value, 0 if value >= 10 or value == 0 else 1 if value >= 1 else 2)
