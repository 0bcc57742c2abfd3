"""Draws docs/house.svg from the imports: a box a folder, an arrow a folder that it imports from.

Run: python docs/make_house.py (`make docs`). With --check it writes nothing and says whether the drawing is of
other rooms or arrows than the code; counts may lag behind.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from html import escape
from pathlib import Path

HERE = Path(__file__).parent
PACKAGE = HERE.parent / "xaikit"
TARGET = HERE / "house.svg"
WIDTH, FLOOR, BOX = 900, 104, (112, 46)
GROUND = "core"  # imported by every room: one slab instead of as many arrows

Arrows = dict[tuple[str, str], int]


def rooms() -> dict[str, int]:
    """Folder -> number of its modules."""
    found = {p.parent.name for p in PACKAGE.glob("*/__init__.py")}
    return {name: len(list((PACKAGE / name).rglob("*.py"))) for name in sorted(found)}


def arrows() -> Arrows:
    """(from, to) -> in how many places a module of one folder imports from the other."""
    count: Counter[tuple[str, str]] = Counter()
    for name in rooms():
        for file in (PACKAGE / name).rglob("*.py"):
            count.update((name, to) for to in _imported(file) if to != name)
    return dict(sorted(count.items()))


def _imported(file: Path) -> Iterator[str]:
    """The folder of every import of the package, those inside functions too."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = (
                [f"{node.module}.{a.name}" for a in node.names]
                if node.module == "xaikit"
                else [node.module]
            )
        else:
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        for name in dict.fromkeys(names):
            _, _, room = name.partition("xaikit.")
            if room and (PACKAGE / room.split(".")[0]).is_dir():
                yield room.split(".")[0]


def floors(found: Arrows) -> list[list[str]]:
    """Rooms from the ground up: each stands above all that it imports from, or beside it where both
    import from each other."""
    below = {a: {y for x, y in found if x == a} for a in rooms()}
    while any(set().union(*(below[b] for b in below[a])) - below[a] for a in below):
        below = {a: below[a].union(*(below[b] for b in below[a])) for a in below}
    left, built = set(below), []
    while left:
        ready = {a for a in left if all(b not in left or a in below[b] for b in below[a])}
        built.append(sorted(ready))
        left -= ready
    return built


def svg() -> str:
    """The drawing."""
    found, sizes = arrows(), rooms()
    levels = floors(found)
    height = FLOOR * len(levels)
    at = {GROUND: (WIDTH / 2, height - FLOOR / 2)}
    for level, row in enumerate(levels[1:], start=1):
        shift = (level % 2 - 0.5) * 70  # so that an arrow over two floors misses the box between
        for i, name in enumerate(row):
            at[name] = (shift + WIDTH * (i + 1) / (len(row) + 1), height - FLOOR * (level + 0.5))
    drawn = [_arrow(a, b, n, at) for (a, b), n in found.items() if b != GROUND]
    asked = {a: n for (a, b), n in found.items() if b == GROUND}
    boxes = [_box(name, sizes[name], asked.get(name, 0), *at[name]) for name in sizes]
    return "\n".join([_HEAD.format(w=WIDTH, h=height), *drawn, *boxes, "</svg>"]) + "\n"


_HEAD = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" font-family="sans-serif" font-size="13" \
role="img" aria-label="The folders of xaikit and which of them import from which">
<rect width="{w}" height="{h}" fill="#fff"/>
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" \
markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z" fill="#5b6b7b"/></marker></defs>"""


def _arrow(a: str, b: str, n: int, at: dict[str, tuple[float, float]]) -> str:
    (x, y), (u, v) = at[a], at[b]
    beside = y == v  # a bow below the boxes
    y, v = y + BOX[1] / 2, v + BOX[1] / 2 * (1 if beside else -1)
    bend = 24 if beside else (v - y) / 2
    v_bend = v + bend if beside else v - bend
    line = f"M{x:.0f} {y:.0f}C{x:.0f} {y + bend:.0f} {u:.0f} {v_bend:.0f} {u:.0f} {v:.0f}"
    middle = (y + v) / 2 + (0.75 * bend if beside else 4)
    return (
        f"<g><title>{escape(_told(a, b, n))}</title>"
        f'<path d="{line}" fill="none" stroke="#5b6b7b" stroke-opacity=".55" '
        f'stroke-width="{min(4.0, 0.7 + n / 12):.1f}" marker-end="url(#tip)"/>'
        f'<text x="{(x + u) / 2:.0f}" y="{middle:.0f}" font-size="10" text-anchor="middle" '
        f'stroke="#fff" stroke-width="3" paint-order="stroke">{n}</text></g>'
    )


def _told(a: str, b: str, n: int) -> str:
    return f"{a} -> {b}: {n}"


def _box(name: str, n_modules: int, from_core: int, x: float, y: float) -> str:
    wide, high = (WIDTH - 40, BOX[1]) if name == GROUND else BOX
    under = f"{n_modules} modules" + (f" · core {from_core}" if from_core else "")
    title = f"<title>{escape(_told(name, GROUND, from_core))}</title>" if from_core else ""
    return (
        f'<g text-anchor="middle">{title}<rect x="{x - wide / 2:.0f}" y="{y - high / 2:.0f}" width="{wide}" '
        f'height="{high}" rx="6" fill="#eef3f8" stroke="#34495e"/>'
        f'<text x="{x:.0f}" y="{y - 3:.0f}" font-weight="bold">{escape(name)}</text>'
        f'<text x="{x:.0f}" y="{y + 14:.0f}" font-size="11" fill="#445">{escape(under)}</text></g>'
    )


def drawn() -> set[tuple[str, str]]:
    """The arrows of the drawing as it lies there."""
    text = TARGET.read_text(encoding="utf-8") if TARGET.exists() else ""
    return set(re.findall(r"<title>(\w+) -&gt; (\w+): \d+</title>", text))


def main() -> None:
    if "--check" not in sys.argv:
        TARGET.write_text(svg(), encoding="utf-8")
    elif odd := sorted(drawn() ^ set(arrows())):
        pairs = ", ".join(f"{a} -> {b}" for a, b in odd)
        sys.exit(f"docs/house.svg is of another house ({pairs}); run `make docs`.")


if __name__ == "__main__":
    main()
