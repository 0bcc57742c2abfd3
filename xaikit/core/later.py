"""Packages that take long to import, imported when something of them is first used."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = ["later"]


class _Later(ModuleType):
    def __getattr__(self, name: str) -> Any:
        found = getattr(import_module(self.__name__), name)
        self.__dict__[name] = found  # the next look-up does not come here
        return found


def later(module: str) -> Any:
    """Stands for the module of that name, which is imported with the first look at an attribute."""
    return _Later(module)
