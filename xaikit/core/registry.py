"""Named things: register them, get them back, and say what is near when a name is wrong."""

from __future__ import annotations

import difflib
import importlib
import warnings
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from xaikit.core.errors import InvalidInput, UnknownName, XaikitError, foreign

__all__ = ["FILLED_BY", "PluginWarning", "Registry"]

T = TypeVar("T")
FILLED_BY: dict[str, str] = {}
"""Kind -> the module that registers what comes with the package; told by the package's root."""


class PluginWarning(UserWarning):
    """A thing that another package offers is left out, and why."""


class Registry(Generic[T]):
    """Maps a name to a thing of one kind.

    kinds : what several are called, where that is not just an "s" more
    base : the class that every thing derives from or is one of, or None; what that class declares
        must be declared

    Other packages add to it through the entry point group `xaikit.<kinds>`; those are loaded on
    the first look-up, so that importing xaikit stays cheap. One that cannot be had is left out with
    a `PluginWarning`.
    """

    def __init__(self, kind: str, kinds: str = "", *, base: type | None = None) -> None:
        self.kind = kind
        self.kinds = kinds or f"{kind}s"
        self.base = base
        self._entries: dict[str, T] = {}
        self._families: dict[str, Callable[[str], T | None]] = {}
        self._plugins_loaded = False

    def register(self, name: str) -> Callable[[T], T]:
        """A decorator that stores what it decorates under `name`; a name is taken only once."""

        def store(thing: T) -> T:
            if self._entries.get(name, thing) is not thing:
                raise InvalidInput(
                    f"the {self.kind} '{name}' is registered twice; pick another name."
                )
            self._check(name, thing)
            self._entries[name] = thing
            return thing

        return store

    def family(
        self, start: str
    ) -> Callable[[Callable[[str], T | None]], Callable[[str], T | None]]:
        """A decorator of what makes the things whose names begin so and say all of them; it gives None
        for a name that says none. They are not listed."""

        def store(make: Callable[[str], T | None]) -> Callable[[str], T | None]:
            self._families[start] = lru_cache(maxsize=64)(make)
            return make

        return store

    def _find(self, name: object) -> T | None:
        self._load_plugins()
        if isinstance(name, str) and name not in self._entries:
            make = next((m for start, m in self._families.items() if name.startswith(start)), None)
            return None if make is None else make(name)
        return self._entries.get(name)  # type: ignore[call-overload,no-any-return]

    def get(self, name: str) -> T:
        """The thing of that name; `UnknownName` with the nearest names otherwise."""
        found = self._find(name)
        if found is not None:
            return found
        near = difflib.get_close_matches(name, self._entries, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(repr(n) for n in near)}?" if near else ""
        known = f"known: {', '.join(self.names())}."
        raise UnknownName(f"no {self.kind} is called '{name}'; {hint or known}")

    def names(self) -> tuple[str, ...]:
        """All names, in the order in which they were registered."""
        self._load_plugins()
        return tuple(self._entries)

    def __contains__(self, name: object) -> bool:
        return self._find(name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def _check(self, name: str, thing: T) -> None:
        """`InvalidInput` unless the thing is of this kind, under its own name, and declares itself."""
        if self.base is None:
            return
        if not issubclass(thing if isinstance(thing, type) else type(thing), self.base):
            raise InvalidInput(
                f"the {self.kind} '{name}' does not derive from {self.base.__name__}; derive it."
            )
        declared = [n for n, t in self.base.__annotations__.items() if t.startswith("ClassVar")]
        if missing := [n for n in declared if not hasattr(thing, n)]:
            raise InvalidInput(
                f"the {self.kind} '{name}' does not declare {' and '.join(missing)}; see "
                f"{self.base.__module__}.{self.base.__name__}."
            )
        if (own := getattr(thing, "name", name)) != name:
            raise InvalidInput(f"the {self.kind} '{name}' calls itself '{own}'; use one name.")

    def _load_plugins(self) -> None:
        if self._plugins_loaded:
            return
        if self.kind in FILLED_BY:
            importlib.import_module(FILLED_BY[self.kind])
        self._plugins_loaded = True
        for point in entry_points(group=f"xaikit.{self.kinds}"):
            try:
                with foreign(f"its entry point '{point.name} = {point.value}'"):
                    self.register(point.name)(point.load())
            except XaikitError as error:
                text = f"the {self.kind} '{point.name}' of package '{_package(point)}' is left out: {error}"
                warnings.warn(text, PluginWarning, stacklevel=3)


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "unknown"
