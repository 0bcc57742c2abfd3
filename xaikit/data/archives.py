"""The files below a folder, inside a .zip or inside a .tar: read one by one, never unpacked by their names."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path, PurePosixPath

from xaikit.core.errors import DataError
from xaikit.core.files import Origin, read_bytes, short, zip_members
from xaikit.data.lines import unzipped

__all__ = ["ARCHIVES", "Files", "files_in"]

Files = Mapping[tuple[str, ...], Callable[[], bytes]]  # parts of the path -> its bytes
ARCHIVES = (".zip", ".tar", ".tgz")
SPARE = 1 << 28  # bytes that any archive may unpack to


def files_in(path: Path) -> Files:
    """Every file in the order of its name, without those that systems hide."""
    if path.is_dir():
        found: dict[tuple[str, ...], Callable[[], bytes]] = {
            p.relative_to(path).parts: partial(_bytes, p) for p in path.rglob("*") if p.is_file()
        }
    else:
        origin = Origin(f"'{path.name}'", DataError, "make the archive anew")
        held = zip_members(path, origin) if path.suffix.lower() == ".zip" else _tar(path, origin)
        found = {PurePosixPath(name).parts: read for name, read in held.items() if name}
    return {
        parts: found[parts]
        for parts in sorted(found)
        if parts and not any(p.startswith((".", "__MACOSX")) for p in parts)
    }


def _bytes(path: Path) -> bytes:
    return read_bytes(path, Origin(f"'{path}'", DataError, "replace or remove it"))


def _tar(path: Path, origin: Origin) -> dict[str, Callable[[], bytes]]:
    """What reads each plain file of a tar; links, devices and names that lead out of it are refused."""
    raw = read_bytes(path, origin)
    data = unzipped(raw, origin, SPARE) if path.suffix.lower() in (".gz", ".tgz") else raw
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            entries = [entry for entry in archive if not entry.isdir()]
    except (
        tarfile.TarError,
        OSError,
        ValueError,
        EOFError,
        OverflowError,
        MemoryError,
        RecursionError,
    ) as error:
        raise origin.wrong(f"cannot be read: {error}") from error
    held: dict[str, Callable[[], bytes]] = {}
    for entry in entries:
        parts = PurePosixPath(entry.name).parts
        if not entry.isreg() or entry.issparse():
            raise origin.wrong(
                f"holds {short(entry.name)!r}, which is a link or a device and no file"
            )
        if entry.name.startswith("/") or ".." in parts:
            raise origin.wrong(f"holds {short(entry.name)!r}, which leads out of it")
        if entry.name in held:
            raise origin.wrong("cannot be read: two of its members have one name")
        start, end = entry.offset_data, entry.offset_data + entry.size
        if not 0 <= start <= end <= len(data):
            raise origin.wrong(f"cannot be read: {short(entry.name)!r} is cut short")
        held[entry.name] = partial(_piece, data, start, end)
    return held


def _piece(data: bytes, start: int, end: int) -> bytes:
    return data[start:end]
