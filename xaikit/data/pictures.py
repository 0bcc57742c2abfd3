"""Folders (or archives) of images: one subfolder for each class."""

from __future__ import annotations

import io
import math
import struct
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from xaikit.core.errors import DataError
from xaikit.core.files import Origin
from xaikit.core.types import Bools
from xaikit.data.archives import Files
from xaikit.data.rows import Options, Rows

__all__ = ["ENDINGS", "PARTS", "opened_as", "picture_pixels", "picture_rows", "sorted_files"]

SPARE, RATIO = 1 << 29, 400  # bytes of pixels of any folder, and above that for a byte of its files
MOST_PIXELS, MOST_SCALED = 25_000_000, 80_000_000  # of one picture, and of one that is scaled
ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"})
PARTS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
KNOWN = frozenset({*PARTS, "images", "masks"})
T = TypeVar("T")


@dataclass(frozen=True)
class Picture:
    """One image file: where it lies, its class and its part."""

    path: tuple[str, ...]
    label: str
    part: str
    is_mask: bool

    @property
    def id(self) -> str:
        return "/".join(self.path)

    @property
    def stem(self) -> tuple[str, str, str]:
        return self.part, self.label, PurePosixPath(self.path[-1]).stem


def picture_rows(found: Mapping[str, tuple[str, Files]], options: Options) -> Rows:
    """`<class>/<image>`, below `train/` and `test/` (also `val/`) where the splits are given.

    found : part ("" or "test") -> name of the source and its files
    Grey pictures get one channel when all are grey, otherwise all get three. A folder `masks/`
    beside `images/` holds pictures of the same class and name that are bright where the answer is;
    they become rationales.
    """
    pictures, held, masks = [], [], {}
    given = len(found) > 1
    for part, (source, files) in found.items():
        left = SPARE  # bytes of pixels
        for picture in sorted_files(files, source, part, given):
            raw, origin = files[picture.path](), _origin(picture, source)
            x = _read(raw, origin, options.size, picture.is_mask)
            left += RATIO * len(raw) - x.nbytes
            if left < 0:
                raise origin.wrong("brings more pixels than files of this size hold without size=")
            if picture.is_mask:
                masks[picture.stem] = x[..., 0] > 0.5
            else:
                pictures.append(picture)
                held.append(x)
    source = next(iter(found.values()))[0]
    _check_sizes(held, pictures, source)
    xs = _same_channels(held)
    rationales = [
        _mask(masks.get(p.stem), x, p.id, source) for p, x in zip(pictures, xs, strict=True)
    ]
    return Rows(
        modality="image",
        ids=[f"{p.part}/{p.id}" if given else p.id for p in pictures],
        xs=xs,
        labels=np.array([p.label for p in pictures]),
        parts=[p.part for p in pictures],
        rationales=rationales if masks else None,
    )


def _origin(picture: Picture, source: str) -> Origin:
    return Origin(f"'{picture.id}' in '{source}'", DataError, "replace or remove it")


def sorted_files(files: Files, source: str, part: str, given: bool) -> Iterator[Picture]:
    """Each file with its class and part, read off its folders."""
    skip = 0  # folders that hold everything and are no known word say nothing
    while (
        len({p[skip] for p in files}) == 1
        and all(len(p) > skip + 2 for p in files)
        and next(iter(files))[skip].lower() not in KNOWN
    ):
        skip += 1
    for path in files:
        folders, own, is_mask = list(path[skip:-1]), part, False
        while folders and folders[0].lower() in KNOWN:
            word = folders.pop(0).lower()
            own, is_mask = part or PARTS.get(word, own), is_mask or word == "masks"
        if not folders:
            raise DataError(
                f"'{'/'.join(path)}' in '{source}' lies in no class folder; put it in a subfolder "
                "named after its class."
            )
        yield Picture(path, folders[0], own or ("train" if given else ""), is_mask)


def _read(
    raw: bytes,
    origin: Origin,
    size: tuple[int, int] | Callable[[NDArray[Any]], NDArray[Any]] | None,
    is_mask: bool,
) -> NDArray[np.float32]:
    """(H, W, 1 or 3) float32 in [0, 1], scaled to `size`, or by it, where it is given."""
    scaled = Image.Resampling.BILINEAR
    by = size if callable(size) else None
    return opened_as(
        lambda image: (by or _as_it_is)(picture_pixels(image.convert("L") if is_mask else image)),
        raw,
        origin,
        size,
        scaled,
    )


def _as_it_is(x: NDArray[np.float32]) -> NDArray[np.float32]:
    return x


def opened_as(
    use: Callable[[Image.Image], T],
    raw: bytes,
    origin: Origin,
    size: tuple[int, int] | Callable[..., Any] | None,
    scaled: Image.Resampling,
) -> T:
    """What becomes of the picture, scaled to `size` where it is given; the origin's error for what is none."""
    try:
        with Image.open(io.BytesIO(raw)) as opened:
            if math.prod(opened.size) > (MOST_PIXELS if size is None else MOST_SCALED):
                raise origin.wrong(
                    f"is {opened.size[0]} x {opened.size[1]} px, too many without size="
                )
            image = ImageOps.exif_transpose(opened)
            image.load()
        if isinstance(size, tuple) and image.size != size[::-1]:
            image = image.resize(size[::-1], scaled)
        return use(image)
    except DataError:
        raise
    except (
        *(UnidentifiedImageError, Image.DecompressionBombError, Image.DecompressionBombWarning),
        *(OSError, SyntaxError, ValueError, RuntimeError, EOFError, zlib.error, struct.error),
        *(KeyError, IndexError, TypeError, AttributeError, OverflowError, ZeroDivisionError),
    ) as error:  # what the decoders of Pillow end in
        raise origin.wrong(f"cannot be read as an image ({error})") from error


def picture_pixels(image: Image.Image) -> NDArray[np.float32]:
    """(H, W, 1 or 3) float32 in [0, 1]; what is transparent shows white."""
    if image.mode.startswith("I"):  # 16 bits
        return (np.asarray(image, dtype=np.float32) / np.float32(65535))[..., None].clip(0, 1)
    if "A" in image.getbands() or "transparency" in image.info:
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    grey = image.mode in ("1", "L")
    x = np.array(image.convert("L" if grey else "RGB"), dtype=np.float32)
    x /= np.float32(255)
    return x[..., None] if grey else x


def _same_channels(pixels: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    channels = max(x.shape[2] for x in pixels)
    return [np.repeat(x, 3, axis=2) if x.shape[2] < channels else x for x in pixels]


def _check_sizes(pixels: list[NDArray[np.float32]], pictures: list[Picture], source: str) -> None:
    if not pixels:
        raise DataError(f"'{source}' holds masks and no images; put the images in 'images/'.")
    sizes = Counter(x.shape[:2] for x in pixels)
    usual = sizes.most_common(1)[0][0]
    if len(sizes) > 1:
        odd = next(i for i, x in enumerate(pixels) if x.shape[:2] != usual)
        height, width = pixels[odd].shape[:2]
        raise DataError(
            f"'{pictures[odd].id}' in '{source}' is {height} x {width} px and most are "
            f"{usual[0]} x {usual[1]}; give size= to scale all images to one size."
        )


def _mask(mask: Bools | None, x: NDArray[np.float32], name: str, source: str) -> Bools | None:
    if mask is not None and mask.shape != x.shape[:2]:
        raise DataError(
            f"the mask of '{name}' in '{source}' is {mask.shape[0]} x {mask.shape[1]} px and the image "
            f"{x.shape[0]} x {x.shape[1]}; they must match."
        )
    return mask if mask is not None and mask.any() else None
