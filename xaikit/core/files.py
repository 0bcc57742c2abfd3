"""The one reader of JSON, of zips and of NumPy's .npz: a damaged or hostile file ends in a sentence.

What a file declares (sizes, shapes, depth) is compared with what it holds before memory is taken
for it. Nothing is unpickled.
"""

from __future__ import annotations

import io
import json
import math
import re
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import InvalidInput

__all__ = [
    "SPARE",
    "Origin",
    "allowance",
    "check_array",
    "parse_json",
    "read_arrays",
    "read_bytes",
    "read_json",
    "read_zip",
    "short",
    "write_arrays",
    "zip_members",
]

SPARE = 1 << 28  # bytes that any file may unpack to
_RATIO = 16  # above that, so many times its size: pictures pack 2 to 10 times
_MOST_JSON_BYTES = 1 << 28
_MOST_JSON_VALUES = 5_000_000  # each takes up to 200 bytes of memory
_MOST_DEPTH = 200
_MOST_DIGITS = 300  # a longer whole number has no float64

_HEADER = re.compile(
    r"\{'descr': (?P<kind>'[^']{1,40}'|\[[^\]]{1,4000}\]), 'fortran_order': (?P<turned>True|False), "
    r"'shape': \((?P<shape>[\d, ]{0,400})\),? *\}\s*"
)
_FIELD = re.compile(r"\('[^']*', '([^']{1,40})'(?:, \(([\d, ]{1,100})\))?\)(?:, |$)")


@dataclass(frozen=True)
class Origin:
    """Where bytes come from, as errors tell it.

    name : what the sentence begins with, for example "'rows.npz'"
    error : what is raised
    remedy : the way out
    """

    name: str
    error: type[InvalidInput]
    remedy: str

    def wrong(self, what: str) -> InvalidInput:
        """The error to raise: "<name> <what>; <remedy>."."""
        return self.error(f"{self.name} {short(what, 300)}; {self.remedy}.")


def short(value: object, most: int = 80) -> str:
    """What a sentence shows of a value out of a file."""
    text = str(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def read_bytes(path: Path, origin: Origin, most: int | None = None) -> bytes:
    """All of a file, which may be `most` bytes long."""
    try:
        if most is not None and path.stat().st_size > most:
            raise origin.wrong(f"is larger than {most >> 20} MB")
        return path.read_bytes()
    except OSError as error:
        raise origin.wrong(f"cannot be read: {error.strerror or error}") from error


def read_json(path: Path, origin: Origin, most: int = _MOST_JSON_BYTES) -> Any:
    """The value in a JSON file of at most `most` bytes."""
    return parse_json(read_bytes(path, origin, most), origin)


def parse_json(text: str | bytes, origin: Origin) -> Any:
    """The value of a JSON text in UTF-8.

    Refused are more than 5,000,000 values, 200 levels or 300 digits, and text that is no Unicode.
    """
    try:
        text = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        if sum(text.count(sign) for sign in ",[{") > _MOST_JSON_VALUES:
            raise origin.wrong(f"is no JSON that is read: more than {_MOST_JSON_VALUES} values")
        value = json.loads(text, parse_int=_whole)
        if re.search(r"\\u[dD][89a-fA-F]", text):
            json.dumps(value, ensure_ascii=False).encode()  # halves of a character alone
    except RecursionError as error:
        raise origin.wrong("is no JSON that is read: it is nested too deep") from error
    except InvalidInput:
        raise
    except ValueError as error:
        raise origin.wrong(f"is no JSON: {error}") from error
    if _is_deep(value):
        raise origin.wrong(f"is no JSON that is read: it is nested more than {_MOST_DEPTH} deep")
    return value


def read_arrays(
    source: Path | bytes, origin: Origin, spare: int = SPARE
) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz file by name: numbers, truth values and text.

    spare : bytes that it may unpack to, or 16 times its size where that is more
    """
    held = read_zip(source, origin, spare)
    odd = next((name for name in held if not name.endswith(".npy")), None)
    if odd is not None:
        raise origin.wrong(f"cannot be read: it holds {short(odd)!r}, which is no array")
    return {name.removesuffix(".npy"): _array(held[name], name, origin) for name in held}


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write an .npz that `read_arrays` reads: packed, unless it is too large to tell from a bomb."""
    write = (
        np.savez_compressed if sum(a.nbytes for a in arrays.values()) <= SPARE // 2 else np.savez
    )
    write(path, **arrays)  # type: ignore[arg-type] # names, not flags


def zip_members(
    source: Path | bytes, origin: Origin, spare: int = SPARE
) -> dict[str, Callable[[], bytes]]:
    """For each member of a zip what reads it; `spare` as in `read_arrays`."""
    whole = source if isinstance(source, bytes) else read_bytes(source, origin)
    with _refusing(origin):
        archive = zipfile.ZipFile(io.BytesIO(whole))
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    _check_entries(entries, len(whole), origin, spare)
    return {entry.filename: partial(_member, archive, entry, origin) for entry in entries}


def read_zip(source: Path | bytes, origin: Origin, spare: int = SPARE) -> dict[str, bytes]:
    """The members of a zip by name, each checked against its checksum; `spare` as in `read_arrays`."""
    return {name: read() for name, read in zip_members(source, origin, spare).items()}


def check_array(data: bytes, name: str, origin: Origin) -> int:
    """The rows of an .npy, refused where its declared shape is not what its bytes hold; records of
    numbers may pass."""
    _, shape, _, _ = _header(data, name, origin)
    return shape[0] if shape else 0


def allowance(size: int, spare: int = SPARE) -> int:
    """Bytes that a file of `size` bytes may unpack to."""
    return max(spare, _RATIO * size)


def _check_entries(entries: list[zipfile.ZipInfo], size: int, origin: Origin, spare: int) -> None:
    names = {entry.filename for entry in entries}
    if len(names) < len(entries):
        raise origin.wrong("cannot be read: two of its members have one name")
    for entry in entries:
        if entry.filename.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", entry.filename):
            raise origin.wrong(f"cannot be read: {short(entry.filename)!r} leads out of it")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise origin.wrong(
                f"cannot be read: {short(entry.filename)!r} is packed in another way"
            )
        if entry.flag_bits & 0x1:
            raise origin.wrong(f"cannot be read: {short(entry.filename)!r} is encrypted")
    total = sum(entry.file_size for entry in entries)
    if total > allowance(size, spare):
        raise origin.wrong(
            f"has {size} bytes and unpacks to {total}, more than {allowance(size, spare)}"
        )


def _member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, origin: Origin) -> bytes:
    with _refusing(origin), archive.open(entry) as file:
        data = file.read(entry.file_size)  # never more than was declared
    if len(data) != entry.file_size:
        raise origin.wrong(f"cannot be read: {short(entry.filename)!r} is cut short")
    return data


@contextmanager
def _refusing(origin: Origin) -> Iterator[None]:
    """What a damaged zip ends in becomes the origin's error."""
    try:
        yield
    except (
        *(zipfile.BadZipFile, zlib.error, struct.error, EOFError),
        *(OSError, ValueError, NotImplementedError),
    ) as error:
        raise origin.wrong(f"cannot be read: {error}") from error


def _array(data: bytes, name: str, origin: Origin) -> NDArray[Any]:
    kind, shape, turned, start = _header(data, name, origin)
    if isinstance(kind, int) or kind.kind not in "biufUS":
        raise origin.wrong(f"cannot be read: {short(name)!r} holds neither numbers nor text")
    flat = np.frombuffer(data, dtype=kind, offset=start)
    if kind.kind == "b":
        flat = flat.view(np.uint8) != 0
    if kind.kind in "US":
        flat = _text(flat, name, origin)
    array = flat.reshape(shape, order="F" if turned else "C")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _text(flat: NDArray[Any], name: str, origin: Origin) -> NDArray[Any]:
    """Text that can be written again as UTF-8."""
    wrong = origin.wrong(f"cannot be read: {short(name)!r} holds text that is no Unicode")
    if flat.dtype.kind == "S":
        try:
            return np.asarray(np.char.decode(flat, "utf-8"))
        except UnicodeDecodeError as error:
            raise wrong from error
    signs = np.frombuffer(flat.tobytes(), dtype=flat.dtype.byteorder + "u4")
    if ((signs > sys.maxunicode) | ((signs >= 0xD800) & (signs < 0xE000))).any():
        raise wrong
    return flat


def _header(
    data: bytes, name: str, origin: Origin
) -> tuple[np.dtype[Any] | int, tuple[int, ...], bool, int]:
    """Type (bytes of an item where it is a record), shape, whether columns come first, and where
    the numbers begin."""

    def wrong(what: str) -> NoReturn:
        raise origin.wrong(f"cannot be read: {short(name)!r} {what}")

    wide = data[6:7] in (b"\x02", b"\x03")
    start = 12 if wide else 10
    if (
        data[:6] != b"\x93NUMPY"
        or data[6:7] not in (b"\x01", b"\x02", b"\x03")
        or len(data) < start
    ):
        wrong("is no NumPy array")
    end = start + int.from_bytes(data[8:start], "little")
    found = _HEADER.fullmatch(data[start:end].decode("latin-1"))
    if found is None or end > len(data):
        wrong("has no header of a NumPy array")
    if re.search(r"'[<>|=]?O\d*'", found["kind"]):
        wrong("holds Python objects, which would need unpickling")
    shape = tuple(int(n) for n in re.findall(r"\d+", found["shape"])) if found["shape"] else ()
    kind = _kind(found["kind"])
    item = kind if isinstance(kind, int) else kind.itemsize if kind else 0
    if kind is None or item == 0:
        wrong(f"is of the type {short(found['kind'])}, which is not read")
    if math.prod(shape) * item != len(data) - end or max(shape, default=0) > len(data):
        wrong(f"declares the shape {short(found['shape'])} and holds {len(data) - end} bytes")
    return kind, shape, found["turned"] == "True", end


def _kind(text: str) -> np.dtype[Any] | int | None:
    """The type that a header names; the bytes of one record; None for what NumPy does not know."""
    try:
        if text.startswith("'"):
            return (
                np.dtype(text.strip("'")) if re.fullmatch(r"'[<>|=]?[biufUSV]\d+'", text) else None
            )
        fields = _FIELD.findall(text[1:-1])
        if _FIELD.sub("", text[1:-1]):
            return None
        counts = [math.prod(int(n) for n in re.findall(r"\d+", shape)) for _, shape in fields]
        sizes = (np.dtype(k).itemsize for k, _ in fields)
        return int(sum(size * n for size, n in zip(sizes, counts, strict=True)))
    except (TypeError, ValueError):
        return None


def _whole(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"a whole number of {len(digits)} digits, where {_MOST_DIGITS} are read")
    return int(digits)


def _is_deep(value: Any) -> bool:
    level = [value] if isinstance(value, (list, dict)) else []
    for _ in range(_MOST_DEPTH):
        held = (v.values() if isinstance(v, dict) else v for v in level)
        level = [v for values in held for v in values if isinstance(v, (list, dict))]
    return bool(level)
