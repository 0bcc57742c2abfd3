"""Pairs of texts: what is read, and what is to be said; dates in several written forms are built in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from xaikit.core.errors import DataError, InvalidInput
from xaikit.core.types import Sample
from xaikit.data.dataset import Dataset
from xaikit.data.lines import read_sheet
from xaikit.data.rows import SPLITS, Options, split_rows
from xaikit.modalities.text import words
from xaikit.tasks.sequence import END, MOST_STEPS, numbers

__all__ = ["CLOCK_WORDS", "FORMS", "causes_in", "make_dates", "read_pairs"]

SIZES = (6000, 500, 1000)
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FORMS = (
    "{day} {month} {year}", "{month} {day}, {year}", "{name}, {day} {month} {year}", "{day}. {number}. {year}",
    "{number} / {day} / {year}", "the {day} of {month} {year}", "{short} {day} {year}", "{year}, {day} {month}",
)  # fmt: skip
FIRST, N_DAYS = date(1950, 1, 1), 36_525  # to the end of 2049
CLOCK = 0.5  # share of the dates with a time of day, which means nothing
CLOCK_WORDS = 4  # "at", hours, ":" and minutes
COLUMNS = ("source", "target")
MOST_TOKENS = 5000
FEWEST = 10


def make_dates(seed: int, sizes: tuple[int, int, int] = SIZES) -> Dataset:
    """ "the 7 of March 2021 at 9:30" is to be said as "2021-03-07". Every date is there once, so that none of
    the test dates was learned; the time of day in one half of them is made of like numbers and means nothing."""
    rng = np.random.default_rng([seed, 8])
    drawn = rng.choice(N_DAYS, size=sum(sizes), replace=False)
    tokens = (END, *"0123456789-")
    samples = [_dated(rng, i, int(n), tokens) for i, n in enumerate(drawn)]
    ends = np.cumsum(sizes)
    train, val, test = (tuple(samples[e - n : e]) for n, e in zip(sizes, ends, strict=True))
    return Dataset(
        name="dates",
        modality="text",
        task="sequence_to_sequence",
        classes=(),
        outputs=numbers(len("2021-03-07") + 1, tokens),
        train=train,
        val=val,
        test=test,
        source="Composed: dates of 1950 to 2049 in eight written forms, one half with a time of day.",
        facts={"rows": len(samples), "split": "no date is in two of them"},
    )


def _dated(rng: np.random.Generator, i: int, n: int, tokens: Sequence[str]) -> Sample:
    when, form = FIRST + timedelta(n), FORMS[int(rng.integers(len(FORMS)))]
    month = MONTHS[when.month - 1]
    parts = {
        "day": when.day,
        "month": month,
        "short": month[:3],
        "number": when.month,
        "year": when.year,
    }
    text = form.format(name=DAYS[when.weekday()], **parts)
    if rng.random() < CLOCK:
        text += f" at {rng.integers(24)}:{rng.integers(60):02d}"
    causes = causes_in(form)
    marks = np.isin(np.arange(len(words(text)[0])), list(causes.values()))
    meta = {"form": form, "rationale": "the day, the month and the year"}
    return _sample(f"date-{i + 1}", text, when.isoformat(), tokens, (False, True), meta, marks)


def causes_in(form: str) -> dict[str, int]:
    """The places of the words that say day, month and year in a date of that form."""
    cut = words(form.format(day="D", month="M", short="M", number="M", year="Y", name="N"))[0]
    return {
        name: cut.index(letter) for name, letter in (("day", "D"), ("month", "M"), ("year", "Y"))
    }


def read_pairs(path: Path, options: Options) -> Dataset:
    """A .csv of the columns source and target, or of those that are named. A side of which no text holds white
    space is read letter by letter, otherwise word by word.

    `classes` are the tokens in the order of a model, the end first, when it is there already."""
    named = (options.text_column or COLUMNS[0], options.label_column or COLUMNS[1])
    own = Options(
        task=options.task, language=options.language, seed=options.seed,
        text_column=options.text_column, label_column=options.label_column, classes=options.classes,
    )  # fmt: skip
    if options != own:
        raise InvalidInput(
            "pairs have two columns, --text-column and --label-column; leave the other options out."
        )
    sources, targets = _columns(path, named)
    letters = tuple(not any(" " in text.strip() for text in side) for side in (sources, targets))
    splits = split_rows(None, [""] * len(sources), options.seed)
    said = [_cut(text, letters[1]) for text in targets]
    learned = dict.fromkeys(token for i in splits["train"] for token in said[i])
    steps = 1 + max(len(said[i]) for i in splits["train"])
    _require_room(path.name, learned, steps)
    tokens = options.classes or (END, *sorted(learned))
    samples = [
        _sample(f"pair {i + 1}", source, target, tokens, letters)
        for i, (source, target) in enumerate(zip(sources, targets, strict=True))
    ]
    train, val, test = (tuple(samples[i] for i in splits[name]) for name in SPLITS)
    return Dataset(
        name=path.name.split(".")[0], modality="text", task="sequence_to_sequence", classes=(),
        outputs=numbers(steps, tokens), train=train, val=val, test=test, source=path.name,
        language=options.language or "en",
        facts={"rows": len(samples), "split": f"val and test drawn with seed {options.seed}"},
    )  # fmt: skip


def _require_room(source: str, learned: dict[str, None], steps: int) -> None:
    if steps > MOST_STEPS or len(learned) > MOST_TOKENS:
        raise DataError(
            f"'{source}' has targets of up to {steps - 1} tokens, {len(learned)} different ones; at most "
            f"{MOST_STEPS - 1} of {MOST_TOKENS} different are learned, so give shorter ones."
        )


def _cut(text: str, letters: bool) -> tuple[str, ...]:
    return tuple(text.strip()) if letters else words(text)[0]


def _sample(
    id: str,
    source: str,
    target: str,
    tokens: Sequence[str],
    letters: tuple[bool, ...],
    meta: dict[str, Any] | None = None,
    marks: Any = None,
) -> Sample:
    places = {token: i for i, token in enumerate(tokens)}
    label = (*(places.get(token, -1) for token in _cut(target, letters[1])), 0)
    told = {"text": source, "target": target, **(meta or {})}
    return Sample(id, np.array(_cut(source, letters[0])), "text", label, marks, told)


def _columns(path: Path, named: tuple[str, str]) -> tuple[list[str], list[str]]:
    sheet = read_sheet(path, numbers=False)
    if named[0] == named[1]:
        raise DataError(f"'{named[0]}' of '{path.name}' is both read and said; name two columns.")
    for name in named:
        if name not in sheet.cells:
            raise DataError(
                f"'{path.name}' has no column '{name}'; it has {', '.join(sheet.cells)}. Name the text that is "
                "read by --text-column and the one that is said by --label-column."
            )
        empty = [i for i, cell in enumerate(sheet.cells[name]) if not cell.strip()]
        if empty:
            raise DataError(f"{sheet.place(empty[0])} has no {name}; fill or drop it.")
    if len(sheet.lines) < FEWEST:
        raise DataError(f"'{path.name}' has {len(sheet.lines)} pairs; give ten or more.")
    return sheet.cells[named[0]], sheet.cells[named[1]]
