"""A comparison in one language: the names of its models, its numbers as text, its sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xaikit.report.formats import fixed, percent, signed
from xaikit.report.words import Words, catalogue

__all__ = ["Told"]

NAMED = ("a", "b", "name", "ml", "dl", "mine", "other", "first", "best")


class Told:
    """One comparison in one language."""

    def __init__(self, words: Words, comparison: Mapping[str, Any]) -> None:
        self.words, self.comparison = words, comparison
        self.models = [m for m in comparison["models"] if m.get("family") != "baseline"]
        self.base = next((m for m in comparison["models"] if m.get("family") == "baseline"), None)
        self.ids = [str(m["id"]) for m in self.models]
        self.asked = [str(name) for name in comparison["asked"]]
        self.a, self.b = self.asked
        self.shares = comparison.get("metric", "accuracy") == "accuracy"
        data = comparison.get("data") or {}
        self.inputs = str(data.get("inputs") or "columns")
        self.unit = words(f"cmp.unit.{self.inputs}")
        self.parts = words(f"cmp.parts.{self.inputs}")

    def name(self, model: str) -> str:
        found: Mapping[str, Any] = next((m for m in self.models if m["id"] == model), {})
        title = str(found.get("title") or model)
        return title if title != model else self.words.known(f"cmp.name.{model}", model)

    def the(self, model: str) -> str:
        """The name as it stands in a sentence: nets have an article."""
        kind = next((m["family"] for m in self.models if m["id"] == model), "ml")
        return self.words("cmp.the", name=self.name(model)) if kind == "dl" else self.name(model)

    def say(self, told: Any, *, bare: bool = False) -> str:
        """A sentence with the names of models filled in, its first letter large."""
        if isinstance(told, str):
            return told
        key, numbers = str(told["key"]), dict(told["numbers"])
        known = {*self.ids, *([] if self.base is None else [self.base["id"]])}
        for field in NAMED:
            if numbers.get(field) in known:
                numbers[field] = (self.name if bare else self.the)(numbers[field])
        if key not in catalogue(self.words.language):
            return key
        text = self.words(key, **numbers)
        return text if bare else text[:1].upper() + text[1:]

    def quality(self, value: float | None, digits: int = 1) -> str:
        if value is None:
            return "–"
        return percent(value, digits) if self.shares else fixed(value, digits + 2)

    def points(self, value: float, digits: int = 1) -> str:
        """Hundredths with their sign."""
        return signed(100 * value, digits)

    def entry(self, model: str) -> Mapping[str, Any]:
        return next(m for m in self.comparison["models"] if m["id"] == model)

    def tone(self, model: str | None) -> str:
        """Whose bar it is: squares and ink for the first, discs and accent for the second."""
        return "ia" if model == self.a else "ib" if model == self.b else ""

    def pair(self, a: str, b: str) -> dict[str, Any] | None:
        """b against a, whichever way it was measured."""
        for p in (*self.comparison.get("pairs", ()), *self.comparison.get("against_baseline", ())):
            if (p["a"], p["b"]) == (a, b):
                return dict(p)
            if (p["a"], p["b"]) == (b, a):
                return turned(p)
        return None


def turned(pair: Mapping[str, Any]) -> dict[str, Any]:
    """The same pair seen from the other side."""
    low, high = pair["interval"]
    swap = {"better": "worse", "worse": "better"}
    clear, _, word = str(pair["word"]).rpartition("_")
    word = swap.get(word, word)
    return {
        **pair,
        "a": pair["b"],
        "b": pair["a"],
        "difference": -pair["difference"],
        "interval": (-high, -low),
        "word": pair["word"] if word == "tell" else f"{clear}_{word}".strip("_"),
        "chances": tuple(pair["chances"])[::-1],
    }
