"""A page as a tree that tests can ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

VOID = {"meta", "input", "br", "img", "link", "hr"}
CLOSED_BY = {"td": {"td", "th", "tr"}, "th": {"td", "th", "tr"}, "tr": {"tr"}}


@dataclass(eq=False)
class Node:
    """An element: its name, attributes, and children in order (elements and text)."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Node | str] = field(default_factory=list)

    def walk(self) -> Iterator[Node]:
        yield self
        for child in self.children:
            if isinstance(child, Node):
                yield from child.walk()

    def all(self, name: str = "", **attributes: str) -> list[Node]:
        """Every element below of that name whose attributes hold these words (class_="card")."""
        wanted = {k.rstrip("_").replace("_", "-"): v for k, v in attributes.items()}
        return [
            n
            for n in self.walk()
            if (not name or n.name == name)
            and all(v in (n.attributes.get(k) or "").split() for k, v in wanted.items())
        ]

    def one(self, name: str = "", **attributes: str) -> Node:
        found = self.all(name, **attributes)
        if len(found) != 1:
            raise LookupError(f"{len(found)} elements <{name} {attributes}>")
        return found[0]

    @property
    def text(self) -> str:
        inner = "".join(c if isinstance(c, str) else c.text for c in self.children)
        return inner if self.name not in ("style", "script") else ""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("root")
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        while self.open[-1].name in CLOSED_BY and tag in CLOSED_BY[self.open[-1].name]:
            self.open.pop()
        node = Node(tag, {k: v or "" for k, v in attrs})
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Node(tag, {k: v or "" for k, v in attrs}))

    def handle_endtag(self, tag: str) -> None:
        names = [n.name for n in self.open]
        if tag in names:
            del self.open[len(names) - 1 - names[::-1].index(tag) :]

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def read(html: str) -> Node:
    reader = _Reader()
    reader.feed(html)
    return reader.root


def card(tree: Node, i: int) -> Node:
    """The card of sample i, which a row of the page opens."""
    return tree.one("article", id=f"m{i}")


def cards(page: Mapping[str, Any]) -> dict[int, Any]:
    """Sample -> what its card shows, of a page before it is written."""
    return {row["index"]: row["card"] for row in page["rows"]["rows"]}
