"""Boxes as Pascal VOC, YOLO and COCO write them: a class, left, top, right and bottom in px of the picture."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from xaikit.core.errors import DataError
from xaikit.core.files import Origin, parse_json, short
from xaikit.data.pictures import ENDINGS

__all__ = ["BOXES", "Found"]

Parts = tuple[str, ...]
Files = Mapping[Parts, Callable[[], bytes]]
Box = tuple[int, float, float, float, float]
REMEDY = "correct or remove it"
PLAIN = ("images", "jpegimages", "labels", "annotations")  # folders
MOST_XML = 1 << 24  # bytes of one annotation


@dataclass(frozen=True)
class Found:
    """What the annotations of a folder say.

    classes : names of the classes, or () where they have numbers only
    boxes : (path of a picture, its width, its height) -> its boxes
    """

    classes: tuple[str, ...]
    boxes: Callable[[Parts, int, int], Sequence[Box]]


def _with(files: Files, ending: str) -> dict[Parts, Callable[[], bytes]]:
    return {at: read for at, read in files.items() if at[-1].lower().endswith(ending)}


def _paired(files: Files, notes: Sequence[Parts] | Files, source: str) -> dict[Parts, Parts]:
    """The annotation of each picture, of its name; of pictures of one name, the one in a like folder."""
    alike: dict[str, list[Parts]] = {}
    for at in files:
        if PurePosixPath(at[-1]).suffix.lower() in ENDINGS:
            alike.setdefault(_stem(at), []).append(at)
    found: dict[Parts, Parts] = {}
    for at in notes:
        own = alike.get(_stem(at), [])
        if len(own) > 1:
            own = [picture for picture in own if _folders(picture) == _folders(at)]
            if len(own) != 1:
                raise _origin(at, source).wrong("could be of several pictures of that name")
        for picture in own:
            if picture in found:
                other = "/".join(found[picture])
                raise _origin(at, source).wrong(f"and '{other}' are of one picture")
            found[picture] = at
    return found


def _folders(at: Parts) -> Parts:
    """Folders that say more than what lies in them."""
    return tuple(part for part in map(str.lower, at[:-1]) if part not in PLAIN)


def _origin(at: Parts, source: str) -> Origin:
    return Origin(f"'{'/'.join(at)}' in '{source}'", DataError, REMEDY)


def _voc(files: Files, source: str) -> Found:
    """One .xml a picture, of the same name; corners count from 1 and belong to the box."""
    named: dict[Parts, list[tuple[str, float, float, float, float]]] = {}
    sizes: dict[Parts, tuple[Origin, float, float]] = {}
    for picture, at in _paired(files, _with(files, ".xml"), source).items():
        origin = _origin(at, source)
        tree = _tree(files[at](), origin)
        named[picture] = [_object(node, origin) for node in tree.iter("object")]
        sides = [tree.findtext(f"size/{side}") or 0 for side in ("width", "height")]
        sizes[picture] = (origin, *(_number(side, origin) for side in sides))  # type: ignore[assignment] # two
    classes = tuple(sorted({box[0] for boxes in named.values() for box in boxes}))

    def boxes(at: Parts, width: int, height: int) -> list[Box]:
        origin, *size = sizes.get(at, (None, 0, 0))
        if origin is not None and all(size) and size != [width, height]:
            told = f"is for a picture of {size[0]:g} x {size[1]:g} px, and its own has {width} x {height}"
            raise origin.wrong(told)
        return [(classes.index(name), *box) for name, *box in named.get(at, [])]  # type: ignore[misc]

    return Found(classes, boxes)


def _tree(raw: bytes, origin: Origin) -> ET.Element:
    """The document, which may define nothing of its own."""
    if len(raw) > MOST_XML or b"<!DOCTYPE" in raw or b"<!ENTITY" in raw or b"\0" in raw:
        raise origin.wrong("is no plain annotation: it is too long, or defines entities")
    try:
        return ET.fromstring(raw)
    except (ET.ParseError, ValueError, LookupError) as error:
        raise origin.wrong(f"is no .xml ({error})") from error


def _object(node: ET.Element, origin: Origin) -> tuple[str, float, float, float, float]:
    name = (node.findtext("name") or "").strip()
    corners = [node.findtext(f"bndbox/{part}") for part in ("xmin", "ymin", "xmax", "ymax")]
    x0, y0, x1, y1 = (_number(v, origin) for v in corners)
    if not name:
        raise origin.wrong("has an object without a name")
    return name, x0 - 1, y0 - 1, x1, y1


def _yolo(files: Files, source: str) -> Found:
    """One .txt a picture, of the same name: class, centre, width and height as shares of the picture."""
    texts = _with(files, ".txt")
    lists = [at for at in texts if at[-1] == "classes.txt"]
    classes = tuple(line for at in lists[:1] for line in _lines(texts[at](), _origin(at, source)))
    notes = [at for at in texts if at not in lists]
    named = {
        picture: [
            _relative(line, _origin(at, source))
            for line in _lines(files[at](), _origin(at, source))
        ]
        for picture, at in _paired(files, notes, source).items()
    }
    most = max((int(box[0]) for boxes in named.values() for box in boxes), default=0)
    if classes and most >= len(classes):
        raise DataError(
            f"'{source}' has boxes of class {most} and classes.txt names {len(classes)}; name each, from 0."
        )

    def boxes(at: Parts, width: int, height: int) -> list[Box]:
        return [
            (
                int(k),
                (x - w / 2) * width,
                (y - h / 2) * height,
                (x + w / 2) * width,
                (y + h / 2) * height,
            )
            for k, x, y, w, h in named.get(at, [])
        ]

    return Found(classes or tuple(f"class {k}" for k in range(most + 1)), boxes)


def _lines(raw: bytes, origin: Origin) -> list[str]:
    try:
        return [line.strip() for line in raw.decode("utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise origin.wrong(f"is no text ({error})") from error


def _relative(line: str, origin: Origin) -> list[float]:
    parts = line.split()
    numbers = [_number(part, origin) for part in parts]
    if len(parts) != 5 or numbers[0] != int(numbers[0]) or not 0 <= numbers[0] < 10_000:
        raise origin.wrong(f"has the line '{short(line)}', which is no class and four numbers")
    return numbers


def _coco(files: Files, source: str) -> Found:
    """One or several .json: pictures by name, categories, and boxes of left, top, width and height."""
    held: dict[Parts, list[tuple[str, list[float]]]] = {}
    images = [at for at in files if PurePosixPath(at[-1]).suffix.lower() in ENDINGS]
    names: dict[str, None] = {}
    for at, read in _with(files, ".json").items():
        origin = _origin(at, source)
        document = parse_json(read(), origin)
        try:
            kinds = {
                c["id"]: str(c["name"])
                for c in sorted(document["categories"], key=lambda c: c["id"])
            }
            pictures = {p["id"]: _inside(str(p["file_name"]), origin) for p in document["images"]}
            places: dict[Parts, Parts] = {}
            names |= dict.fromkeys(kinds.values())
            for one in document["annotations"]:
                if not one.get("iscrowd"):
                    x, y, w, h = (_number(v, origin) for v in one["bbox"])
                    box = [x, y, x + w, y + h]
                    picture = pictures[one["image_id"]]
                    if picture not in places:
                        places[picture] = _meant(picture, at, images, origin)
                    held.setdefault(places[picture], []).append((kinds[one["category_id"]], box))
        except DataError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise origin.wrong(f"is no COCO annotation ({short(error)})") from error
    classes = tuple(names)

    def boxes(at: Parts, width: int, height: int) -> list[Box]:
        del width, height
        return [(classes.index(kind), *box) for kind, box in held.get(at, [])]  # type: ignore[misc]

    return Found(classes, boxes)


def _meant(name: Parts, note: Parts, images: Sequence[Parts], origin: Origin) -> Parts:
    """The picture of that name; of several, the one beside the annotation. The name where there is none."""
    found = [at for at in images if at[-len(name) :] == name]
    if len(found) > 1:
        found = [at for at in found if at[: -len(name)] == note[:-1]]
        if not found:
            raise origin.wrong(f"names the picture '{'/'.join(name)}', of which there are several")
    return found[0] if found else name


def _inside(name: str, origin: Origin) -> Parts:
    """The parts of a picture's name, which stays inside the folder."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\\" in name:
        raise origin.wrong(f"names the picture '{short(name)}', which leads out of the folder")
    return path.parts


def _number(value: Any, origin: Origin) -> float:
    try:
        found = float(value)
    except (TypeError, ValueError) as error:
        raise origin.wrong(f"has the coordinate {short(value)!r}, which is no number") from error
    if not math.isfinite(found):
        raise origin.wrong(f"has the coordinate {found}")
    return found


def _stem(at: Parts) -> str:
    return PurePosixPath(at[-1]).stem


BOXES: tuple[tuple[Callable[[Files], bool], Callable[[Files, str], Found]], ...] = (
    (lambda files: bool(_with(files, ".xml")), _voc),
    (lambda files: bool(_with(files, ".json")), _coco),
    (lambda files: bool(_with(files, ".txt")), _yolo),
)
