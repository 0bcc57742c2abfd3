"""Pictures with boxes (Pascal VOC, YOLO, COCO) or with a mask of classes, from a folder or a .zip.

Pictures are only ever taken by name from what the folder holds: a path in an annotation never leads out of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from xaikit.core.errors import DataError
from xaikit.core.files import Origin, read_bytes, zip_members
from xaikit.core.types import Sample
from xaikit.data.annotations import BOXES, Found
from xaikit.data.dataset import Dataset
from xaikit.data.pictures import ENDINGS, PARTS, opened_as, picture_pixels
from xaikit.data.rows import Options, split_rows

__all__ = ["ANNOTATED"]

Parts = tuple[str, ...]
Files = Mapping[Parts, Callable[[], bytes]]  # parts of the path -> its bytes
Size = tuple[int, int]
GROUND, OBJECT = "ground", "object"
MOST_CODES = 200  # above, masks are taken for black and white
FEW = 8  # different greys: more are edges
BRIGHT = 127  # of 255, above which a mask of two values holds
FEWEST = 3  # pictures: one to train on, to choose with, to measure with


@dataclass(frozen=True, eq=False)
class _Picture:
    """x : (H, W, C); size : height and width before scaling; part : "train", "val", "test" or "" """

    at: Parts
    x: NDArray[np.float32]
    size: Size
    part: str

    @property
    def id(self) -> str:
        return "/".join(self.at)


def read_boxes(path: Path, options: Options) -> Dataset:
    """Pictures with their boxes; one without an annotation has none."""
    files, source = _files(path), path.name
    found = next((read(files, source) for fits, read in BOXES if fits(files)), None)
    if found is None:
        raise DataError(
            f"'{source}' holds no boxes; give .xml of Pascal VOC, .txt of YOLO or a .json of COCO beside the "
            "pictures."
        )
    pictures = _pictures(files, source, _side(options))
    labels = [_boxes(found, picture, source) for picture in pictures]
    if not sum(map(len, labels)):
        raise DataError(f"'{source}' holds no box for any of its pictures; are they called alike?")
    classes = _named(options.classes, found.classes, source)
    return _dataset("detection", path, classes, pictures, labels, options)


def read_masks(path: Path, options: Options) -> Dataset:
    """`images/` and `masks/` of the same names. A mask holds the index of a class for each pixel, 0 for the
    ground; or, where it is only black and white, white for the class that its folder in `masks/` is called."""
    files, source = _files(path), path.name
    masks = {_key(at): at for at in files if _is_picture(at) and _is_mask(at)}
    if not masks:
        raise DataError(
            f"'{source}' holds no masks; put one of the same name for each picture into a folder 'masks' beside "
            "'images'."
        )
    pictures = _pictures(files, source, _side(options))
    for picture in pictures:
        if _key(picture.at) not in masks:
            raise DataError(f"'{picture.id}' in '{source}' has no mask of the same name; add one.")
    places = [masks[_key(picture.at)] for picture in pictures]
    codes = [
        _codes(files, at, p, source, _side(options)) for at, p in zip(places, pictures, strict=True)
    ]
    classes = _named(options.classes, *_classes(codes, places, source))
    return _dataset("segmentation", path, classes, pictures, codes, options)


def _side(options: Options) -> tuple[int, int] | None:
    """What the pictures are scaled to, where it is no model that scales them."""
    return options.size if isinstance(options.size, tuple) else None


ANNOTATED: Mapping[str, Callable[[Path, Options], Dataset]] = {
    "detection": read_boxes,
    "segmentation": read_masks,
}


def _files(path: Path) -> Files:
    """Every file below a folder or inside a .zip, in the order of their names."""
    found: dict[Parts, Callable[[], bytes]]
    if path.is_dir():
        paths = (p for p in path.rglob("*") if p.is_file())
        found = {p.relative_to(path).parts: partial(_bytes, p) for p in paths}
    elif path.suffix.lower() == ".zip":
        held = zip_members(path, Origin(f"'{path.name}'", DataError, "make the .zip anew"))
        found = {PurePosixPath(name).parts: read for name, read in held.items() if name}
    else:
        raise DataError(f"'{path.name}' is no folder or .zip of pictures.")
    hidden = (".", "__MACOSX")
    return {at: found[at] for at in sorted(found) if not any(p.startswith(hidden) for p in at)}


def _bytes(path: Path) -> bytes:
    return read_bytes(path, Origin(f"'{path}'", DataError, "replace or remove it"))


def _origin(at: Parts, source: str) -> Origin:
    return Origin(f"'{'/'.join(at)}' in '{source}'", DataError, "replace or remove it")


def _is_picture(at: Parts) -> bool:
    return PurePosixPath(at[-1]).suffix.lower() in ENDINGS


def _is_mask(at: Parts) -> bool:
    return "masks" in map(str.lower, at[:-1])


def _key(at: Parts) -> Parts:
    """What a picture and its mask have in common."""
    folders = [part for part in at[:-1] if part.lower() not in ("images", "masks")]
    return *folders, PurePosixPath(at[-1]).stem


def _pictures(files: Files, source: str, size: Size | None) -> list[_Picture]:
    """Those that are no masks, all of one size and one number of channels."""
    found = []
    for at in files:
        if not _is_picture(at) or _is_mask(at):
            continue
        origin, raw = _origin(at, source), files[at]()
        own = opened_as(
            lambda image: (image.height, image.width), raw, origin, None, Image.Resampling.BILINEAR
        )
        x = opened_as(picture_pixels, raw, origin, size, Image.Resampling.BILINEAR)
        parts = [PARTS[word.lower()] for word in at[:-1] if word.lower() in PARTS]
        found.append(_Picture(at, x, own, parts[0] if parts else ""))
    shapes = {picture.x.shape[:2] for picture in found}
    if len(found) < FEWEST:
        raise DataError(f"'{source}' holds {len(found)} pictures; give {FEWEST} or more.")
    if len(shapes) > 1:
        told = " and ".join(f"{width} x {height}" for height, width in sorted(shapes)[:2])
        raise DataError(
            f"'{source}' holds pictures of {told} px; give size= to scale all to one size."
        )
    most = max(picture.x.shape[2] for picture in found)
    return [
        _Picture(p.at, np.repeat(p.x, most // p.x.shape[2], axis=2), p.size, p.part) for p in found
    ]


def _boxes(found: Found, picture: _Picture, source: str) -> NDArray[np.float64]:
    """(n, 5) class, left, top, right, bottom in px of the picture as it is read."""
    height, width = picture.size
    boxes = np.array(found.boxes(picture.at, width, height), dtype=np.float64).reshape(-1, 5)
    edges = np.array([width, height] * 2)
    corners = boxes[:, 1:].clip(0, edges)
    off = np.abs(corners - boxes[:, 1:]).max(initial=0.0)
    if off > 1.5 or not (corners[:, 2:] > corners[:, :2]).all():
        raise DataError(
            f"'{picture.id}' in '{source}' has a box outside of its {width} x {height} px, or without an area; "
            "correct its annotation."
        )
    scale = np.array(picture.x.shape[1::-1] * 2) / edges
    return np.column_stack([boxes[:, :1], corners * scale])


def _codes(
    files: Files, at: Parts, picture: _Picture, source: str, size: Size | None
) -> NDArray[np.int64]:
    """(H, W) whole numbers of a mask, which has the size of its picture."""
    origin = _origin(at, source)

    def read(image: Image.Image) -> NDArray[np.int64]:
        if image.mode not in ("1", "L", "P", "I", "I;16"):
            raise origin.wrong(
                f"has colours ({image.mode}); save one number a pixel, grey or of a palette"
            )
        return np.array(image, dtype=np.int64) * (255 if image.mode == "1" else 1)

    codes = opened_as(read, files[at](), origin, size, Image.Resampling.NEAREST)
    if codes.shape != picture.x.shape[:2]:
        raise origin.wrong(f"is {codes.shape[0]} x {codes.shape[1]} px and its picture is not")
    return codes


def _classes(
    codes: list[NDArray[np.int64]], places: Sequence[Parts], source: str
) -> tuple[tuple[str, ...], str]:
    """Names of the classes; masks that are black and white get the class of their folder."""
    largest = max(int(mask.max()) for mask in codes)
    if not largest:
        raise DataError(f"'{source}' holds masks without a class; give pictures that hold some.")
    if largest <= MOST_CODES:
        return (GROUND, *(f"class {k}" for k in range(1, largest + 1))), source
    _require_two(codes, places, largest, source)
    folders = [_key(at)[-2] if len(_key(at)) > 1 else OBJECT for at in places]
    names = sorted({f for f, mask in zip(folders, codes, strict=True) if (mask > BRIGHT).any()})
    for mask, folder in zip(codes, folders, strict=True):
        mask[:] = np.where(mask > BRIGHT, 1 + names.index(folder) if folder in names else 0, 0)
    return (GROUND, *names), source


def _require_two(
    codes: list[NDArray[np.int64]], places: Sequence[Parts], largest: int, source: str
) -> None:
    """`DataError` unless masks are black and white, but for grey edges."""
    lossy = any(PurePosixPath(at[-1]).suffix.lower() in (".jpg", ".jpeg") for at in places)
    edge = 16 if lossy else 1
    grey = np.concatenate([m[(m >= edge) & (m <= largest - edge)] for m in codes])
    white = sum(int((mask > largest - edge).sum()) for mask in codes)
    kinds = np.unique(grey)
    if len(grey) > white or (len(kinds) and len(kinds) <= FEW and not lossy):
        raise DataError(
            f"'{source}' holds masks with 0, {', '.join(map(str, kinds[:4]))} ... {largest}, neither black and white "
            f"nor an index of a class up to {MOST_CODES} for each pixel; save one of both (a pixel of no class, as "
            "Pascal VOC's 255, is 0)."
        )


def _named(wanted: Sequence[str] | None, known: tuple[str, ...], source: str) -> tuple[str, ...]:
    """Other names for the classes, in their order."""
    if wanted is None:
        return known
    if len(wanted) < len(known) or len(set(wanted)) < len(wanted):
        raise DataError(
            f"classes names {len(wanted)} classes and '{source}' holds {len(known)}: {', '.join(known)}; give a "
            "different name for each, in this order."
        )
    return tuple(wanted)


def _dataset(
    task: str,
    path: Path,
    classes: tuple[str, ...],
    pictures: Sequence[_Picture],
    labels: Sequence[NDArray[Any]],
    options: Options,
) -> Dataset:
    splits = split_rows(None, [picture.part for picture in pictures], options.seed)
    drawn = [part for part in ("val", "test") if part not in {p.part for p in pictures}]

    def samples(part: str) -> tuple[Sample, ...]:
        rows = [(pictures[i], labels[i]) for i in splits[part]]
        return tuple(Sample(p.id, p.x, "image", label=label) for p, label in rows)

    told = f"{' and '.join(drawn)} drawn with seed {options.seed}" if drawn else "as given"
    return Dataset(
        name=path.resolve().name.split(".")[0],
        modality="image",
        task=task,
        classes=classes,
        outputs=classes,
        train=samples("train"),
        val=samples("val"),
        test=samples("test"),
        source=path.name,
        facts={"rows": len(pictures), "split": told},
    )
