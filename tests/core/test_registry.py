"""Things of other packages: found by entry point, and one that is broken harms nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

import pytest

from xaikit.core import registry
from xaikit.core.errors import InvalidInput
from xaikit.core.registry import PluginWarning, Registry


class Thing:
    """What every thing derives from."""

    name: ClassVar[str]
    card: ClassVar[str]


class Good(Thing):
    name = "good"
    card = "works"


class Bare(Thing):
    name = "bare"


class Twisted(Good):
    name = "straight"


class Theirs:
    name = "theirs"


@dataclass(frozen=True)
class Point:
    """Stands for an entry point of a package."""

    name: str
    thing: object
    value: str = "theirs:Thing"
    dist: object = Theirs

    def load(self) -> object:
        if isinstance(self.thing, Exception):
            raise self.thing
        return self.thing


def things(monkeypatch, *points: Point) -> Registry:
    monkeypatch.setattr(
        registry, "entry_points", lambda group: points if group == "xaikit.things" else ()
    )
    return Registry("thing", base=Thing)


def test_things_of_other_packages_are_found_on_the_first_look_up(monkeypatch) -> None:
    found = things(monkeypatch, Point("good", Good))
    assert found._entries == {}
    assert found.get("good") is Good
    assert found.names() == ("good",)


@pytest.mark.parametrize(
    ("point", "told"),
    [
        (
            Point("bad", ImportError("no module named 'gone'"), "theirs.bad:Bad"),
            "the thing 'bad' of package 'theirs' is left out: its entry point 'bad = theirs.bad:Bad' raised "
            "ImportError (no module named 'gone'); mend it there or leave it out.",
        ),
        (Point("built_in", Good), "the thing 'built_in' is registered twice; pick another name."),
        (Point("number", 3), "the thing 'number' does not derive from Thing; derive it."),
        (
            Point("bare", Bare),
            "the thing 'bare' does not declare card; see ",
        ),
        (Point("twisted", Twisted), "the thing 'twisted' calls itself 'straight'; use one name."),
    ],
)
def test_one_that_cannot_be_had_is_told_in_a_sentence_and_the_others_are_there(
    monkeypatch, point, told
) -> None:
    class BuiltIn(Good):
        name = "built_in"

    found = things(monkeypatch, point, Point("good", Good))
    found.register("built_in")(BuiltIn)
    with pytest.warns(PluginWarning, match=re.escape(told)) as warned:
        assert set(found) == {"built_in", "good"}
    assert "of package 'theirs' is left out: " in str(warned[0].message)
    assert found.get("built_in") is BuiltIn


def test_one_that_registers_itself_and_is_an_entry_point_is_one_thing(monkeypatch) -> None:
    found = things(monkeypatch, Point("good", Good))
    found.register("good")(Good)
    assert found.names() == ("good",)


def test_what_is_registered_here_is_checked_too() -> None:
    with pytest.raises(InvalidInput, match="'bare' does not declare card"):
        Registry("thing", base=Thing).register("bare")(Bare)
