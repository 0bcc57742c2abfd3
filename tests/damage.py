"""Files as a broken disk, a careless editor or an ill-wisher leaves them: hypothesis strategies.

A folder is a mapping of relative paths to bytes. Damage is done to the bytes as they stand, or to
what is inside: a JSON value, a member of a zip, the header of an array.
"""

from __future__ import annotations

import copy
import hashlib
import io
import json
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

Files = dict[str, bytes | None]  # None is a folder of that name

WORDS = (
    *(b"", b"\0", b'"', b"'", b"\r", b"\n", b",", b";", b"\t", b"[", b"{", b"}", b"]]", b"\xff"),
    *(b"NaN", b"-Infinity", b"1e999", b"-1", b"0", b"9" * 25, b"9" * 5000, b"true", b"null"),
    *("é\u2028".encode(), b"\xef\xbb\xbf", b"\\ud800", b"[" * 3000, b"x" * 3000, b"1_0", b"0x1"),
)
VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 1, 3, 2**31, -(2**63), 10**30, 10**400, 0.5, -1e308, float("nan")),
    *("", "a", "../../x", "\ud800", "\0", "x" * 2000, "9" * 400, "mlp", "O", "builtins"),
    *([], {}, [[]], [1, 2], ["a", "b"], {"a": 1}, {"__class__": "x"}),
)
COUNTS = (0, 1, -1, 2, 3, 7, 100, 2**31, 2**62, 10**12)
TYPES = (
    "<f8",
    "<f4",
    "<i8",
    "|u1",
    "|b1",
    "<U3",
    "|S2",
    "|O",
    "<c16",
    "<M8[s]",
    "<f2",
    ">f8",
    "V4",
)


@st.composite
def damaged(draw: Any, files: Mapping[str, bytes], cover: str | None = None) -> Files:
    """The files with one or more damaged, lost, exchanged, or all of them random.

    cover : a JSON file that records the checksums of the others; half of the time it is told the
        new ones, so that what lies behind the checksum is reached
    """
    found: Files = dict(files)
    for _ in range(draw(st.sampled_from((1, 1, 1, 2, 4)))):
        name = draw(st.sampled_from(sorted(files)))
        content = found[name]
        if content is None:
            continue
        found[name] = draw(
            _whole(content, sorted(files.values(), key=len)) | _inside(name, content)
        )
    if cover is not None and draw(st.booleans()):
        _record(found, cover)
    return found


def _whole(content: bytes, others: list[bytes]) -> st.SearchStrategy[bytes | None]:
    """Bytes in the place of a file's, whatever they mean."""
    return st.one_of(
        _bytes(content), _bytes(content), st.binary(max_size=300), st.sampled_from([None, *others])
    )


def _inside(name: str, content: bytes) -> st.SearchStrategy[bytes]:
    ending = name.rsplit(".", 1)[-1]
    if ending == "json":
        return _json(content)
    if ending == "jsonl":
        return _lines(content)
    if ending in ("npz", "zip", "skops"):
        return _zip(content)
    if ending == "npy":
        return _npy(content)
    if ending == "safetensors":
        return _tensors(content)
    if ending == "png":
        return _png(content)
    if ending == "tar":
        return _tar(content)
    if ending in ("wav", "parquet", "onnx"):
        return _bytes(content) | _numbers(content)
    return _bytes(content)


@st.composite
def _bytes(draw: Any, content: bytes) -> bytes:
    """Flipped, cut, filled, doubled, shuffled or with a nasty word in it."""
    at, to = sorted(draw(st.integers(0, len(content))) for _ in range(2))
    to = min(to, at + draw(st.sampled_from((1, 4, 40, len(content)))))
    kind = draw(st.sampled_from(("flip", "cut", "drop", "double", "word", "put", "fill", "move")))
    piece = content[at:to]
    if kind == "flip":
        bit = 1 << draw(st.integers(0, 7))
        return content[:at] + bytes(b ^ bit for b in piece[:1]) + content[at + 1 :]
    if kind == "cut":
        return content[:at]
    if kind == "move":
        return content[:at] + content[to:] + piece
    middle = {
        "drop": b"",
        "double": piece * 2,
        "word": draw(st.sampled_from(WORDS)),
        "put": draw(st.binary(max_size=20)),
        "fill": bytes([draw(st.sampled_from((0, 255, 32)))]) * len(piece),
    }[kind]
    keeps = kind == "put" or (kind == "word" and draw(st.booleans()))
    return content[:at] + middle + content[at if keeps else to :]


@st.composite
def _json(draw: Any, content: bytes) -> bytes:
    """One value exchanged, lost, doubled or added."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return draw(_bytes(content))
    for _ in range(draw(st.integers(1, 2))):
        places = list(_places(value))
        if places:
            _edit(draw, *draw(st.sampled_from(places)))
    return json.dumps(value).encode()


def _places(value: Any) -> Any:
    """Every (list or object, key) below a value; of a long list only the ends."""
    keys = list(value) if isinstance(value, dict) else []
    if isinstance(value, list):
        keys = [*range(min(len(value), 3)), *range(max(3, len(value) - 2), len(value))]
    for key in keys:
        yield value, key
        if isinstance(value[key], (dict, list)):
            yield from _places(value[key])


def _edit(draw: Any, held: Any, key: Any) -> None:
    kind = draw(st.sampled_from(("value", "value", "lose", "near", "copy", "deep", "add")))
    if kind == "lose":
        del held[key]
    elif kind == "copy":
        names = list(held) if isinstance(held, dict) else [key]
        held[key] = copy.deepcopy(held[draw(st.sampled_from(names))])
    elif kind == "deep":
        held[key] = [held[key]]
    elif kind == "add":
        held.update({"more": 1}) if isinstance(held, dict) else held.append(
            copy.deepcopy(draw(st.sampled_from(VALUES)))
        )
    elif kind == "near" and isinstance(held[key], (int, float)):
        held[key] = held[key] * draw(st.sampled_from((-1, 0, 2, 1000))) + draw(
            st.sampled_from((0, 1, -1, 0.5))
        )
    else:
        held[key] = copy.deepcopy(draw(st.sampled_from(VALUES)))


@st.composite
def _lines(draw: Any, content: bytes) -> bytes:
    lines = content.split(b"\n")
    at = draw(st.integers(0, len(lines) - 1))
    lines[at] = draw(_json(lines[at]))
    return b"\n".join(lines)


@st.composite
def _zip(draw: Any, content: bytes) -> bytes:
    """One member damaged, lost, renamed, doubled or added; checksums fit."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            held = [(name, archive.read(name)) for name in archive.namelist()]
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError):
        return draw(_bytes(content))
    if held:
        at = draw(st.integers(0, len(held) - 1))
        name, data = held[at]
        kind = draw(
            st.sampled_from(("inside", "inside", "inside", "bytes", "lose", "name", "swap"))
        )
        if kind == "inside":
            held[at] = (name, draw(_inside(name, data)))
        elif kind == "bytes":
            held[at] = (name, draw(_bytes(data)))
        elif kind == "lose":
            del held[at]
        elif kind == "name":
            held[at] = (
                draw(st.sampled_from(("a", "../a.npy", "X.npy", "/b/c.png", "d/", "é.npy"))),
                data,
            )
        else:
            held[at] = (name, held[draw(st.integers(0, len(held) - 1))][1])
    return _zipped(held, draw(st.sampled_from((zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED))))


def _zipped(held: list[tuple[str, bytes]], how: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        for name, data in held:
            archive.writestr(name, data)
    return out.getvalue()


@st.composite
def _tar(draw: Any, content: bytes) -> bytes:
    """One member damaged, renamed, a link or a device; checksums fit."""
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            held = [(entry, archive.extractfile(entry)) for entry in archive]
    except (tarfile.TarError, KeyError):
        return draw(_bytes(content))
    if not held:
        return draw(_bytes(content))
    at = draw(st.integers(0, len(held) - 1))
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for i, (entry, file) in enumerate(held):
            data = file.read() if file else b""
            if i == at:
                data = draw(_inside(entry.name, data))
                entry.name = draw(
                    st.sampled_from((entry.name, entry.name, "../a.csv", "/a.csv", "a.csv.gz", "é"))
                )
                entry.type = draw(
                    st.sampled_from(
                        (tarfile.REGTYPE,) * 4
                        + (tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.GNUTYPE_SPARSE)
                    )
                )
            entry.size = len(data) if entry.isreg() and not entry.issparse() else 0
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


@st.composite
def _npy(draw: Any, content: bytes) -> bytes:
    """Another shape, type or order; or other numbers."""
    end = 10 + int.from_bytes(content[8:10], "little")
    numbers = content[end:]
    kind = draw(st.sampled_from(("shape", "type", "order", "numbers", "numbers", "text")))
    text = content[10:end].decode("latin-1")
    if kind == "shape":
        counts = draw(st.lists(st.sampled_from(COUNTS), max_size=4))
        text = text.split("'shape': ")[0] + f"'shape': ({''.join(f'{n}, ' for n in counts)}), }}\n"
    elif kind == "type":
        text = "{'descr': '" + draw(st.sampled_from(TYPES)) + "'" + text[text.find(", 'fortran") :]
    elif kind == "order":
        text = text.replace("False", "True")
    elif kind == "text":
        text = draw(_bytes(text.encode())).decode("latin-1")
    elif numbers:
        numbers = draw(_numbers(numbers))
    head = text.encode("latin-1", "replace")
    return content[:8] + len(head).to_bytes(2, "little") + head + numbers


@st.composite
def _numbers(draw: Any, numbers: bytes) -> bytes:
    """Some of the numbers become NaN, infinite, huge, negative or 0."""
    odd = (
        *(struct.pack("<d", x) for x in (float("nan"), float("inf"), 1e300, -1e300, -1.0, 0.0)),
        *(struct.pack("<q", x) for x in (-1, 2**62, -(2**63), 10**6)),
        *(struct.pack("<f", x) for x in (float("nan"), 3e38, -1.0)),
    )
    word = draw(st.sampled_from(odd))
    at = draw(st.integers(0, len(numbers) // len(word))) * len(word)
    times = draw(st.sampled_from((1, 1, 2, len(numbers) // len(word))))
    return (numbers[:at] + word * times)[: len(numbers)] + numbers[at + len(word) * times :]


@st.composite
def _tensors(draw: Any, content: bytes) -> bytes:
    """A safetensors file whose header says something else."""
    end = 8 + int.from_bytes(content[:8], "little")
    if end > len(content) or draw(st.booleans()):
        return draw(_bytes(content) | _numbers(content))
    head = draw(_json(content[8:end]))
    return len(head).to_bytes(8, "little") + head + content[end:]


@st.composite
def _png(draw: Any, content: bytes) -> bytes:
    """A chunk damaged, its checksum made to fit."""
    chunks, at = [], 8
    while at + 12 <= len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        chunks.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + size]))
        at += 12 + size
    if not chunks:
        return draw(_bytes(content))
    at = draw(st.integers(0, len(chunks) - 1))
    name, data = chunks[at]
    chunks[at] = (name, draw(_bytes(data)))
    return content[:8] + b"".join(
        len(d).to_bytes(4, "big") + n + d + zlib.crc32(n + d).to_bytes(4, "big") for n, d in chunks
    )


def _record(files: Files, cover: str) -> None:
    """The checksums in the cover are those of the files."""
    try:
        facts = json.loads(files[cover] or b"")
        sums = facts["written"]["sha256"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    if isinstance(sums, dict):
        sums.update(
            {n: hashlib.sha256(c or b"").hexdigest() for n, c in files.items() if n != cover}
        )
        files[cover] = json.dumps(facts).encode()
