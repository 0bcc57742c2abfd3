"""Named things: register them, get them back, and say what is near when a name is wrong."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from xaikit.core.errors import InvalidInput, UnknownName

__all__ = ["FILLED_BY", "Registry"]

T = TypeVar("T")
FILLED_BY: dict[str, str] = {}
"""Kind -> the module that registers what comes with the package; told by the package's root."""


class Registry(Generic[T]):
    """Maps a name to a thing of one kind.

    Other packages add to it through the entry point group `xaikit.<kinds>`; those are loaded on
    the first look-up, so that importing xaikit stays cheap.
    """

    def __init__(self, kind: str, kinds: str = "") -> None:
        self.kind = kind
        self.kinds = kinds or f"{kind}s"
        self._entries: dict[str, T] = {}
        self._plugins_loaded = False

    def register(self, name: str) -> Callable[[T], T]:
        """A decorator that stores what it decorates under `name`; a name is taken only once."""

        def store(thing: T) -> T:
            if name in self._entries:
                raise InvalidInput(
                    f"the {self.kind} '{name}' is registered twice; pick another name."
                )
            self._entries[name] = thing
            return thing

        return store

    def get(self, name: str) -> T:
        """The thing of that name; `UnknownName` with the nearest names otherwise."""
        self._load_plugins()
        if name in self._entries:
            return self._entries[name]
        near = difflib.get_close_matches(name, self._entries, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(repr(n) for n in near)}?" if near else ""
        known = f"known: {', '.join(self.names())}."
        raise UnknownName(f"no {self.kind} is called '{name}'; {hint or known}")

    def names(self) -> tuple[str, ...]:
        """All names, in the order in which they were registered."""
        self._load_plugins()
        return tuple(self._entries)

    def __contains__(self, name: object) -> bool:
        self._load_plugins()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def _load_plugins(self) -> None:
        if self._plugins_loaded:
            return
        if self.kind in FILLED_BY:
            importlib.import_module(FILLED_BY[self.kind])
        self._plugins_loaded = True
        for point in entry_points(group=f"xaikit.{self.kinds}"):
            if point.name not in self._entries:
                self._entries[point.name] = point.load()
