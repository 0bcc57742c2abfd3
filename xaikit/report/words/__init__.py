"""Every sentence of the pages: `en.toml` and `ko.toml` hold them, `Words` looks them up and fills them in.

Names of features, classes and samples are never translated.
"""

from __future__ import annotations

import string
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from xaikit.core.errors import UnknownName
from xaikit.core.finding import Finding
from xaikit.report.formats import MINUS, SPACE

__all__ = ["LANGUAGES", "Words", "catalogue", "told"]

LANGUAGES = ("en", "ko")


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """Key -> sentence with fields in braces."""
    text = Path(__file__).with_name(f"{language}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def told(*found: Finding) -> str:
    """Findings in English, for whoever asks no page."""
    return Words().told(*found)


@dataclass(frozen=True)
class Words(string.Formatter):
    """The page's voice in one language: `words("key", n=3)`.

    titles : title of a method in English -> in this language
    """

    language: str = "en"
    titles: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise UnknownName(
                f"a report has no language '{self.language}'; use one of {', '.join(LANGUAGES)}."
            )

    def __call__(self, key: str, /, **values: Any) -> str:
        """The words of a key; a "n" (or "of") of 1 picks the singular where there is one."""
        known = catalogue(self.language)
        single = str(values.get("n", values.get("of"))) == "1" and f"{key}.one" in known
        return self.vformat(known[f"{key}.one" if single else key], (), values)

    def format_field(self, value: Any, spec: str) -> str:
        """One field as people read it: a finding in a sentence of another is told where it stands."""
        if isinstance(value, Finding | Mapping):
            return self.told(value)
        if spec in ("own", "times"):
            return self.own(value) if spec == "own" else self.times(value)
        if isinstance(value, list | tuple):
            return self.listed([self.told(item) for item in value], spec or "and")
        if isinstance(value, str):
            if spec in ("unit", "fact"):
                return self.known(f"{spec}.{value}", value)
            return self.titles.get(value, value) if spec == "name" else value
        return format(value, spec).replace("-", MINUS).replace("%", f"{SPACE}%")

    def told(self, *found: Finding | Mapping[str, Any] | str) -> str:
        """What was found, as sentences; a finding may come from a file, and words stay as they are."""
        pairs = (vars(f) if isinstance(f, Finding) else f for f in found)
        return " ".join(f if isinstance(f, str) else self(f["key"], **f["numbers"]) for f in pairs)

    def listed(self, names: Sequence[str], how: str = "and") -> str:
        """Names as one would say them: "A, B and C", "A, B or C", "A, B, C"."""
        if len(names) < 2 or how == ",":
            return ", ".join(names)
        return self(f"listed.{how}", names=", ".join(names[:-1]), last=names[-1])

    def number(self, n: int) -> str:
        """A count as people say it: below ten in words."""
        return self(f"number.{n}") if 0 < n < 10 else format(n, ",")

    def times(self, value: float) -> str:
        """How many times as much, to a half, as people say it."""
        whole, half = divmod(max(3, round(2 * value)), 2)
        if whole >= 10:
            return self("times.many", n=f"{value:.0f}")
        if whole == 2 and not half:
            return self("times.twice")
        return self("times.half" if half else "times.whole", n=self.number(whole))

    def own(self, pair: tuple[str, str]) -> str:
        """What a part declares of itself in English and in Korean, in this language."""
        return pair[LANGUAGES.index(self.language)]

    def known(self, key: str, otherwise: str) -> str:
        """The words of a key that may not exist."""
        return self(key) if key in catalogue(self.language) else otherwise

    def unit(self, name: str) -> str:
        return self.known(f"unit.{name}", name)
