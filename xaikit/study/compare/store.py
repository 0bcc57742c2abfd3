"""Finished fits in a folder, so that a comparison that was interrupted goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from xaikit.core.errors import InvalidInput
from xaikit.core.files import Origin, read_arrays, write_arrays
from xaikit.core.folders import write_file
from xaikit.core.types import Floats

__all__ = ["Store"]

Arrays = Mapping[str, Floats]
PACKAGES = ("xaikit", "scikit-learn", "torch", "numpy")


class Store:
    """Arrays by what they were made of; in memory alone without a folder.

    Each is one file, written at once or not at all; one that cannot be read is made again.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.found = 0  # of those asked for, how many were there
        self._known: dict[str, Arrays] = {}

    def __call__(self, key: Mapping[str, Any], make: Callable[[], Arrays]) -> Arrays:
        """What was made of that key, or is made now.

        key : JSON-able; the versions of the packages are a part of it
        """
        name = _name(key)
        known = self._known.get(name) or self._read(name)
        if known is not None:
            self.found += 1
        else:
            known = make()
            if self.folder is not None:
                path = self._path(name)
                write_file(path, lambda spare: write_arrays(spare, known or {}), force=True)
        self._known[name] = known
        return known

    def _path(self, name: str) -> Path:
        return Path(self.folder or ".") / f"{name}.npz"

    def _read(self, name: str) -> Arrays | None:
        if self.folder is None or not self._path(name).is_file():
            return None
        origin = Origin(f"'{self._path(name)}'", InvalidInput, "delete it")
        try:
            return read_arrays(self._path(name), origin)
        except InvalidInput:
            return None


def _name(key: Mapping[str, Any]) -> str:
    whole = {**key, "versions": [version(name) for name in PACKAGES]}
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:24]
