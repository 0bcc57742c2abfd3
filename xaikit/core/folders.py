"""The one writer of folders and pages: what a person put there is never deleted or overwritten.

A folder of xaikit holds one JSON file, its cover, that records the files written with it and their
checksums. A folder is written again file by file, and only over files that are as they were written.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xaikit.core.errors import InvalidInput
from xaikit.core.files import Origin, read_json

__all__ = ["Folder", "check_free", "check_page", "file_name", "write_file", "write_page"]

_MARK = b'<meta name="generator" content="xaikit'  # in the head of every page of ours
_HEAD = 2048  # bytes of a page in which the mark stands
_LONGEST = 80  # characters of a file's name
_MOST_BYTES = 200  # of a file's name in UTF-8; systems take 255
_SUM = 10  # hexadecimal digits that tell changed names apart
_UNSAFE = re.compile(r"[^\w.()+,= -]")
_RESERVED = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9¹²³])\s*(\..*)?", re.IGNORECASE)


def file_name(name: str, ending: str = "") -> str:
    """A name out of data as the name of one file: at most 80 characters with its ending.

    A plain name stays as it is. Any other loses separators, leading dots and names that systems
    keep for themselves, and gets `~` and a checksum, so that two names never give one file.
    """
    plain = _UNSAFE.sub("-", unicodedata.normalize("NFC", name)).strip(" .-")
    plain = f"_{plain}" if _RESERVED.fullmatch(plain) else plain or "unnamed"
    if plain == name and _fits(name + ending):
        return name + ending
    total = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_SUM]
    while not _fits(f"{plain}~{total}{ending}"):
        plain = plain[:-1]
    return f"{plain}~{total}{ending}"


def _fits(name: str) -> bool:
    return len(name) <= _LONGEST and len(name.encode()) <= _MOST_BYTES


@dataclass(frozen=True)
class Folder:
    """One kind of folder that xaikit writes.

    kind : as sentences call it: "run", "model"
    cover : the JSON file that records the others
    error : what is raised when a folder cannot be read or written
    """

    kind: str
    cover: str
    error: type[InvalidInput]

    def origin(self, path: Path) -> Origin:
        """How errors tell a file of such a folder."""
        return Origin(f"'{path}'", self.error, f"save the {self.kind} again")

    def file(self, folder: Path, name: str) -> Path:
        """The path of a file that must be there."""
        path = folder / name
        if not os.path.isfile(path):
            raise self.error(f"'{folder}' is no {self.kind} folder: {name} is missing.")
        return path

    def check_free(self, folder: str | Path) -> None:
        """Refuse a place where something lies that xaikit did not write; nothing is changed.

        Free are a place where nothing is, an empty folder, and a folder of this kind whose files
        are as they were written. What lies beside those is no hindrance and stays.
        """
        folder = Path(folder)
        with _refusing(folder, self.error):
            if not os.path.lexists(folder):
                return
            if not folder.is_dir():
                raise self.error(f"'{folder}' is there already and no folder; choose another name.")
            if any(folder.iterdir()) and not self._own(folder):
                raise self.error(
                    f"'{folder}' is not empty and holds no {self.kind} that xaikit wrote and nobody "
                    "changed; choose another folder."
                )

    def write(
        self,
        folder: str | Path,
        facts: Mapping[str, Any],
        files: Mapping[str, Callable[[Path], Any]],
    ) -> Path:
        """Write a cover of these facts and the files beside it; each function writes to its path.

        All of it is written under other names first, so that what fails leaves the old folder. The
        old cover goes before any other file and the new one comes last: a folder that was left
        half-way is no folder of this kind.
        """
        folder = Path(folder)
        plain = json.dumps(facts, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
        facts = json.loads(plain)  # as they will be read
        self.check_free(folder)
        with _refusing(folder, self.error), _made(folder), _spare(folder) as spare:
            for name, write in files.items():
                write(spare / name)
            names = {name: _checksum(spare / name) for name in files}
            text = _cover(facts, {**names, self.cover: _seal(facts)})
            (spare / self.cover).write_text(text, "utf-8")
            self._exchange(folder, spare, [*files, self.cover])
        return folder

    def check_whole(self, folder: Path, facts: Mapping[str, Any]) -> None:
        """Refuse files that are not those that were saved with this cover."""
        for name, total in _record(facts).items():
            if name != self.cover and _checksum(self.file(folder, name)) != total:
                raise self.error(
                    f"'{folder / name}' is not the file that was saved with {self.cover}; save the "
                    f"{self.kind} again."
                )

    def _exchange(self, folder: Path, spare: Path, names: list[str]) -> None:
        """The new files in the place of the old ones; refused where a stranger stands in the way."""
        old = self._own(folder)
        for name in names:
            if name not in old and os.path.lexists(folder / name):
                raise self.error(f"xaikit did not write '{folder / name}'; choose another folder.")
        for name in reversed(old):  # the cover first
            (folder / name).unlink()
        for name in names:
            (spare / name).chmod(0o644)
            os.replace(spare / name, folder / name)

    def _own(self, folder: Path) -> list[str]:
        """The files of a folder that are as xaikit wrote them, the cover last; none where one is not."""
        if not (folder / self.cover).is_file():
            return []
        try:
            facts = read_json(folder / self.cover, self.origin(folder / self.cover))
        except self.error:
            return []
        record = _record(facts)
        if not record or record.get(self.cover) != _seal(facts):
            return []
        others = [name for name in record if name != self.cover]
        whole = all(_checksum(folder / name) == record[name] for name in others)
        return [*others, self.cover] if whole else []


def check_page(path: str | Path, force: bool = False) -> None:
    """Refuse a file that is no page of xaikit, unless `force`; nothing is changed."""
    path = Path(path)
    with _refusing(path, InvalidInput):
        if not os.path.lexists(path):
            return
        if path.is_dir():
            raise InvalidInput(
                f"'{path}' is a folder; give the report a file name, for example "
                f"'{path}/report.html'."
            )
        if not path.is_file():
            raise InvalidInput(f"'{path}' is no plain file; give the report another name.")
        with path.open("rb") as file:
            ours = _MARK in file.read(_HEAD)
    if not (ours or force):
        raise InvalidInput(
            f"'{path}' is there already and xaikit did not write it; choose another name, or "
            "overwrite it with --force (force=True)."
        )


def write_page(html: str, path: str | Path, force: bool = False) -> Path:
    """Write a page at once or not at all; only a page of xaikit is overwritten, unless `force`."""
    check_page(path, force)
    # a lone half of a character is a ?
    return _placed(Path(path), lambda to: to.write_bytes(html.encode("utf-8", "replace")))


def write_file(path: str | Path, write: Callable[[Path], Any], force: bool = False) -> Path:
    """Write a file at once or not at all; nothing that is there is overwritten, unless `force`.

    write : given a free path with the same ending
    """
    check_free(path, force)
    return _placed(Path(path), write)


def check_free(path: str | Path, force: bool = False) -> None:
    """Refuse a path where something is already, unless `force` and it is a plain file."""
    path = Path(path)
    if os.path.lexists(path) and not (force and path.is_file()):
        way = "" if not path.is_file() else ", or overwrite it with --force (force=True)"
        raise InvalidInput(f"'{path}' is there already; choose another name{way}.")


def _placed(path: Path, write: Callable[[Path], Any]) -> Path:
    with _refusing(path, InvalidInput):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".xaikit-", dir=path.parent) as spare:
            work = Path(spare) / f"new{path.suffix}"
            write(work)
            work.chmod(0o644)
            os.replace(work, path)
    return path


@contextmanager
def _refusing(path: Path, error: type[InvalidInput]) -> Iterator[None]:
    try:
        yield
    except OSError as cause:
        reason = cause.strerror or str(cause)
        raise error(f"'{path}' cannot be written: {reason}; choose another place.") from cause
    except ValueError as cause:
        if isinstance(cause, InvalidInput) or "null" not in str(cause):
            raise
        raise error(f"{str(path)!r} is no name of a file; choose another.") from cause


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """The folder, which is taken away again where it was new and the work fails."""
    new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        if new and not any(folder.iterdir()):
            folder.rmdir()
        raise


@contextmanager
def _spare(folder: Path) -> Iterator[Path]:
    """A place beside the files, on the same disk."""
    with tempfile.TemporaryDirectory(prefix=".xaikit-", dir=folder) as spare:
        yield Path(spare)


def _cover(facts: Mapping[str, Any], record: Mapping[str, str]) -> str:
    signed = {**facts, "written": {"by": "xaikit", "sha256": record}}
    return json.dumps(signed, ensure_ascii=False, indent=1, allow_nan=False)


def _record(facts: Any) -> dict[str, str]:
    """Name -> checksum of the files that a cover says it was written with."""
    written = facts.get("written") if isinstance(facts, dict) else None
    record = written.get("sha256") if isinstance(written, dict) else None
    named = record if isinstance(record, dict) else {}
    plain = all(Path(name).name == name and isinstance(v, str) and v for name, v in named.items())
    return named if plain else {}


def _seal(facts: Mapping[str, Any]) -> str:
    """Checksum of what a cover says beside its record."""
    said = {name: value for name, value in facts.items() if name != "written"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _checksum(path: Path) -> str:
    """sha256 of a file; "" where there is none."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
