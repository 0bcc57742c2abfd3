"""Bytes as text: which of the encodings that people save files in, said by name, or refused.

Known are UTF-8, UTF-16, cp949 (Korean) and cp1252 (Western European). A detector of a hundred encodings
is no way here: charset-normalizer takes short French files for Baltic ones, and a wrong letter is no error.
"""

from __future__ import annotations

import codecs
import re
import unicodedata

from xaikit.core.errors import DataError, InvalidInput
from xaikit.core.files import short

__all__ = ["decoded", "known"]

MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
KOREAN = 0.9  # of the letters beyond ASCII that are common syllables, in a Korean text
_FOREIGN = re.compile(
    r"[^\W\d_][£¥¤¦¼¾¹]|[£¥¤¦¼¾][^\W\d_]"
)  # signs where other encodings have letters
_RUN = re.compile(r"[^\x00-\x7f\W\d_]{4}")  # accents in a row, which no Western word has
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")


def known(encoding: str | None) -> None:
    """`InvalidInput` for a name that is no encoding of text."""
    if encoding is None:
        return
    try:
        "a".encode(encoding).decode(encoding)
    except (LookupError, ValueError, TypeError) as error:
        raise InvalidInput(
            f"encoding is '{short(encoding)}', which is none; use for example utf-8, utf-16, cp1252 or cp949."
        ) from error


def decoded(data: bytes, file: str, encoding: str | None = None) -> tuple[str, str]:
    """The text of a file and the name of its encoding; `DataError` where that cannot be told."""
    if encoding is not None:
        return _as(data, encoding, file), encoding
    for mark, name in MARKS.items():
        if data.startswith(mark):
            return _as(data, name, file), name.removesuffix("-sig")
    if b"\0" in data:
        return _wide(data, file)
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        found = next((name for name in (_korean(data), _western(data)) if name), None)
        if found is not None:
            return data.decode(found), found
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"'{file}' is not UTF-8: line {line} holds the byte 0x{data[error.start]:02x}, and it is no plain "
            "cp1252 or cp949 either; save it as UTF-8, or name its encoding= (--encoding)."
        ) from error


def _as(data: bytes, encoding: str, file: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"'{file}' is not {encoding}: line {line} holds the byte 0x{data[error.start]:02x}; save it as "
            "UTF-8, or name its encoding= (--encoding)."
        ) from error


def _wide(data: bytes, file: str) -> tuple[str, str]:
    """UTF-16 without its mark: the order of bytes in which it has lines."""
    texts = {name: data.decode(name, "replace") for name in ("utf-16-le", "utf-16-be")}
    name = max(texts, key=lambda order: texts[order].count("\n"))
    text = texts[name]
    if any(sign in text for sign in ("\0", "\ufffd")) or "\n" not in text:
        raise DataError(
            f"'{file}' holds the byte 0x00, which no text has; save it as UTF-8, or give another file."
        )
    return text, name


def _beyond(data: bytes, encoding: str) -> str | None:
    """What a text of that encoding holds beyond ASCII; None where it is none."""
    try:
        return "".join(c for c in data.decode(encoding) if c > "\x7f")
    except UnicodeDecodeError:
        return None


def _korean(data: bytes) -> str | None:
    """cp949 where nearly all letters beyond ASCII are among the 2,350 syllables in common use."""
    letters = [c for c in _beyond(data, "cp949") or "" if unicodedata.category(c)[0] == "L"]
    common = sum("가" <= c <= "힣" and len(c.encode("euc_kr", "ignore")) == 2 for c in letters)
    return "cp949" if letters and common >= KOREAN * len(letters) else None


def _western(data: bytes) -> str | None:
    """cp1252 where accents stand among plain letters, as in Western European words."""
    if _beyond(data, "cp1252") is None:
        return None
    other = _beyond(data, "cp949")
    if other and not any(map(str.isalpha, other)):  # Korean, of which only signs are seen
        return None
    text = data.decode("cp1252")
    odd = any(signs.search(text) for signs in (_RUN, _FOREIGN, _CONTROL))
    return None if odd else "cp1252"
