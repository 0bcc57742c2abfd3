"""Sessions: what was chosen one after the other, and what came next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from xaikit.core.errors import DataError, InvalidInput
from xaikit.core.types import Ints, Sample
from xaikit.data.dataset import Dataset
from xaikit.data.lines import read_sheet
from xaikit.data.moments import readings
from xaikit.data.rows import SHARE, Options
from xaikit.modalities.text import MASK_WORD

__all__ = ["DECOYS", "TRIGGERS", "make_sessions", "read_sessions"]

SIZES = (6000, 500, 1000)
TRIGGERS = ("tent", "stove", "lamp", "map")
DECOYS = ("boots", "rope", "flask", "hat")
SOUGHT = (
    "quilt", "kettle", "torch", "compass", "hammock", "skillet",
    "candle", "whistle", "pillow", "grill", "mirror", "saw",
)  # fmt: skip
OTHERS = tuple(f"book{i}" for i in range(1, 17))
FOLLOWS = 0.9  # chance that the rule holds; otherwise something popular comes
LONGEST = 20  # items of a history that are read
MOST_ITEMS = 5000
COLUMNS = ("session", "item", "time")
ARROW = " → "


def make_sessions(seed: int, sizes: tuple[int, int, int] = SIZES) -> Dataset:
    """Two of four triggers stand in every history, and which was chosen before which decides what comes next:
    every ordered pair has an item of its own. Two of four decoys stand there too and mean nothing."""
    rng = np.random.default_rng([seed, 6])
    items = (*TRIGGERS, *DECOYS, *SOUGHT, *OTHERS)
    popular = 1 / np.arange(1, len(OTHERS) + 1)
    samples = [_made(rng, i, items, popular / popular.sum()) for i in range(sum(sizes))]
    ends = np.cumsum(sizes)
    return _dataset(
        "sessions",
        items,
        [samples[end - n : end] for n, end in zip(sizes, ends, strict=True)],
        "Composed: sessions in which the order of two items decides what comes next in nine of ten.",
        {"rows": len(samples), "split": "as composed"},
    )


def _made(rng: np.random.Generator, i: int, items: Sequence[str], popular: Any) -> Sample:
    others = [str(o) for o in rng.choice(OTHERS, size=rng.integers(2, 7), p=popular)]
    pair, decoys = (rng.choice(four, size=2, replace=False) for four in (TRIGGERS, DECOYS))
    history = np.array([*pair, *decoys, *others])[rng.permutation(4 + len(others))]
    marks = np.isin(history, pair)
    first, second = (TRIGGERS.index(str(item)) for item in history[marks])
    wanted = SOUGHT[3 * first + second - (second > first)]
    ruled = rng.random() < FOLLOWS
    label = items.index(wanted if ruled else str(rng.choice(OTHERS, p=popular)))
    told = {"rationale": "the two items whose order decides", "wanted": items.index(wanted)}
    return _sample(f"session-{i + 1}", history, label, told, marks)


def _sample(id: str, history: Any, label: int, told: dict[str, Any], marks: Any = None) -> Sample:
    x = np.array([str(item) for item in history])
    return Sample(id, x, "text", label=label, rationale=marks, meta={"text": ARROW.join(x), **told})


def _dataset(
    name: str,
    items: Sequence[str],
    parts: Sequence[Sequence[Sample]],
    source: str,
    facts: dict[str, Any],
    language: str | None = None,
) -> Dataset:
    train, val, test = (tuple(part) for part in parts)
    return Dataset(
        name=name, modality="text", task="recommendation", classes=tuple(items), outputs=tuple(items),
        train=train, val=val, test=test, source=source, facts=facts, language=language or "en",
    )  # fmt: skip


def read_sessions(path: Path, options: Options) -> Dataset:
    """A .csv of the columns session, item and time, one choice a row. The sessions that end last are measured,
    those before them choose the net; of all others every choice is learned by the ones before it.

    `classes` are the items in the order of a model, when it is there already."""
    own = Options(
        task=options.task, language=options.language, seed=options.seed, classes=options.classes
    )
    if options != own:
        raise InvalidInput(
            f"sessions have the columns {', '.join(COLUMNS)}; leave the other options of files out."
        )
    sessions = _sessions(path)
    n = len(sessions)
    held = max(1, round(SHARE * n))
    if n < 3 or n - 2 * held < 1:
        raise DataError(f"'{path.name}' has {n} sessions of two or more items; give more of them.")
    kinds = Counter(item for _, chosen in sessions for item in chosen)
    items = list(options.classes or ()) or [item for item, _ in kinds.most_common()]
    if strange := next((item for item in kinds if item not in items), ""):
        raise DataError(
            f"'{path.name}' has the item '{strange}', which is none of the {len(items)} that are known; "
            "leave its rows out, or train with it."
        )
    if len(items) > MOST_ITEMS:
        raise DataError(
            f"'{path.name}' has {len(items)} different items and at most {MOST_ITEMS} are learned; join or "
            "drop rare ones."
        )
    _require_different(items, path.name)
    places = {item: i for i, item in enumerate(items)}
    train = [
        _cut(id, chosen, end, places)
        for id, chosen in sessions[: n - 2 * held]
        for end in range(1, len(chosen))
    ]
    val, test = (
        [_cut(id, chosen, len(chosen) - 1, places) for id, chosen in part]
        for part in (sessions[n - 2 * held : n - held], sessions[n - held :])
    )
    facts = {"rows": n, "split": "forward in time, by the end of each session"}
    return _dataset(
        path.name.split(".")[0], items, (train, val, test), path.name, facts, options.language
    )


def _require_different(items: Sequence[str], source: str) -> None:
    """`DataError` for items that a net could not tell apart, from each other or from a removed one."""
    if len(items) < 2:
        raise DataError(f"'{source}' has one item only; give sessions of two or more.")
    if MASK_WORD in items:
        raise DataError(
            f"'{source}' has an item {MASK_WORD}, which stands for a removed one; rename it."
        )
    kept: dict[str, str] = {}
    for item in items:
        other = kept.setdefault(item.lower(), item)
        if other != item:
            raise DataError(
                f"'{source}' has the items '{other}' and '{item}', which are read as one; rename one of them."
            )


def _cut(id: str, chosen: Sequence[str], end: int, places: dict[str, int]) -> Sample:
    """The choice at that place, by at most 20 before it."""
    return _sample(
        f"{id}, choice {end + 1}", chosen[max(0, end - LONGEST) : end], places[chosen[end]], {}
    )


def _sessions(path: Path) -> list[tuple[str, list[str]]]:
    """Name and items of each session of two or more, those that end first in front."""
    import pandas as pd

    frame = pd.DataFrame(read_sheet(path, numbers=False).cells)
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        raise DataError(
            f"'{path.name}' has no column '{missing[0]}'; sessions have the columns {', '.join(COLUMNS)}."
        )
    for name in COLUMNS:
        empty = np.flatnonzero(frame[name].astype(str).str.strip() == "")
        if len(empty):
            raise DataError(f"'{path.name}' has no {name} in row {empty[0] + 2}; fill or drop it.")
    when = _times(frame["time"], path.name)
    order = np.argsort(when, kind="stable")
    found: dict[str, list[str]] = {}
    for i in order:
        name, item = (frame[column].iloc[i].strip() for column in COLUMNS[:2])
        found[name] = [*found.pop(name, []), item]  # the one that goes on comes last
    return [(id, chosen) for id, chosen in found.items() if len(chosen) > 1]


def _times(column: Any, source: str) -> Ints:
    """Moments in their order: numbers as they are, else dates."""
    import pandas as pd

    numbers = pd.to_numeric(column, errors="coerce")
    if numbers.notna().all():
        ranks: Ints = numbers.rank(method="dense").to_numpy().astype(np.int64)
        return ranks
    ways = list(readings(column.tolist()))
    read = [times for times, _ in ways if times is not None]
    if not read:
        bad = ways[0][1]
        raise DataError(
            f"'{source}' has '{column.iloc[bad]}' as time in row {bad + 2}, which is no date and no number."
        )
    orders = [np.argsort(times, kind="stable") for times in read]
    if not np.array_equal(orders[0], orders[-1]):
        raise DataError(
            f"'{source}' has times such as {column.iloc[0]}, whose day or month may stand in front, in another order "
            "each; write 2020-12-31."
        )
    return read[0]
