"""The readers of JSON, zips and arrays: what was written comes back, and damage is one sentence."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xaikit.core.errors import DataError
from xaikit.core.files import (
    SPARE,
    Origin,
    parse_json,
    read_arrays,
    read_json,
    read_zip,
    write_arrays,
)

ORIGIN = Origin("'a file'", DataError, "make it anew")


def header(text: str, n_bytes: int = 64) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + b"\0" * n_bytes


def zipped(how: int = zipfile.ZIP_DEFLATED, **members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_npy", ".npy"), content)
    return out.getvalue()


def test_arrays_come_back_as_numpy_reads_them(tmp_path: Path) -> None:
    held = {
        "f8": np.arange(6.0).reshape(2, 3),
        "columns first": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "other end": np.arange(4, dtype=">i4"),
        "truth": np.array([True, False]),
        "text": np.array(["a", "한글", ""]),
        "one": np.array(3),
        "none": np.zeros((0, 3), dtype=np.float32),
    }
    write_arrays(tmp_path / "a.npz", held)
    found = read_arrays(tmp_path / "a.npz", ORIGIN)
    with np.load(tmp_path / "a.npz") as right:
        assert set(found) == set(right.files)
        for name in right.files:
            assert np.array_equal(found[name], right[name]), name
            assert found[name].shape == held[name].shape
            assert found[name].dtype == right[name].dtype.newbyteorder("=")
    np.savez(tmp_path / "b.npz", a=np.array([b"one", "zwölf".encode()]))
    assert read_arrays(tmp_path / "b.npz", ORIGIN)["a"].tolist() == ["one", "zwölf"]


GOOD = "{'descr': '<f8', 'fortran_order': False, 'shape': (8,), }\n"
BROKEN_ARRAYS = {
    "shape": (header(GOOD.replace("8,)", "1000000000000,)")), r"declares the shape 1000000000000, and holds 64 bytes"),
    "fewer": (header(GOOD.replace("8,)", "7,)")), "declares the shape 7, and holds 64 bytes"),
    "more": (header(GOOD.replace("8,)", "3, 3)")), "declares the shape 3, 3 and holds 64 bytes"),
    "less": (header(GOOD.replace("8,)", "-8,)")), "has no header of a NumPy array"),
    "empty": (header(GOOD.replace("(8,)", "(1000000000000, 0)"), 0), "declares the shape 1000000000000, 0 and holds 0 bytes"),
    "deep": (header("{'descr': " + "(" * 90), "has no header of a NumPy array"),
    "object": (header(GOOD.replace("<f8", "|O")), "holds Python objects, which would need unpickling"),
    "record": (header(GOOD.replace("'<f8'", "[('a', '<f4'), ('b', '<f4')]")), "holds neither numbers nor text"),
    "complex": (header(GOOD.replace("<f8", "<c8")), "is of the type '<c8', which is not read"),
    "nothing": (header(GOOD.replace("<f8", "<U0"), 0), "is of the type '<U0', which is not read"),
    "short": (header(GOOD)[:40], "has no header of a NumPy array"),
    "plain": (b"hello", "is no NumPy array"),
    "letters": (header(GOOD.replace("<f8", "<U2"))[:-64] + b"\xff" * 64, "holds text that is no Unicode"),
    "surrogate": (header(GOOD.replace("<f8", "<U2"))[:-64] + b"\0\xd8\0\0" * 16, "holds text that is no Unicode"),
    "bytes": (header(GOOD.replace("<f8", "|S8"))[:-64] + b"\xff" * 64, "holds text that is no Unicode"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN_ARRAYS)
def test_an_array_that_is_not_what_it_declares_is_refused(name: str) -> None:
    content, message = BROKEN_ARRAYS[name]
    with pytest.raises(
        DataError, match=rf"^'a file' cannot be read: 'x.npy' {message}; make it anew"
    ):
        read_arrays(zipped(x_npy=content), ORIGIN)


def flagged(content: bytes) -> bytes:
    """The same zip, said to be encrypted."""
    at = content.index(b"PK\x01\x02") + 8
    return content[:at] + b"\x01" + content[at + 1 :]


def doubled() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("b.npy", b"1")
        archive.writestr("a.npy", b"2")
    return out.getvalue().replace(b"b.npy", b"a.npy")


WHOLE = zipped(x_npy=header(GOOD))
BROKEN_ZIPS = {
    "empty": (b"", "cannot be read: File is not a zip file"),
    "no zip": (b"hello", "cannot be read: File is not a zip file"),
    "cut": (WHOLE[: len(WHOLE) // 2], "cannot be read: File is not a zip file"),
    "bits": (WHOLE[:60] + bytes(b ^ 255 for b in WHOLE[60:80]) + WHOLE[80:], "cannot be read: "),
    "checksum": (
        zipped(zipfile.ZIP_STORED, x_npy=header(GOOD)).replace(b"\0" * 32, b"\1" + b"\0" * 31, 1),
        "cannot be read: ",
    ),
    "encrypted": (flagged(WHOLE), "cannot be read: 'x.npy' is encrypted"),
    "lzma": (zipped(zipfile.ZIP_LZMA, x_npy=b"1"), "cannot be read: 'x.npy' is packed in another way"),
    "no array": (zipped(x=b"hello"), "cannot be read: it holds 'x', which is no array"),
    "doubled": (doubled(), "cannot be read: two of its members have one name"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN_ZIPS)
def test_a_zip_that_is_damaged_is_refused(name: str) -> None:
    content, message = BROKEN_ZIPS[name]
    with pytest.raises(DataError, match=f"^'a file' {message}"):
        read_arrays(content, ORIGIN)


def test_a_bomb_is_refused_before_it_goes_off() -> None:
    """400 MB of zeros in 400 kB: refused by what it declares, or, where it lies, by what it holds."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        archive.open("a", "w") as file,
    ):
        for _ in range(400):
            file.write(bytes(1 << 20))
    bomb = out.getvalue()
    lies = bomb.replace((400 << 20).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    assert lies != bomb
    tracemalloc.start()
    with pytest.raises(DataError, match=r"bytes and unpacks to 419430400, more than 268435456"):
        read_zip(bomb, ORIGIN)
    with pytest.raises(DataError, match="cannot be read: "):
        read_zip(lies, ORIGIN)
    assert tracemalloc.get_traced_memory()[1] < 20 << 20
    tracemalloc.stop()


def test_what_is_written_is_read_however_well_it_packs(tmp_path: Path) -> None:
    """Zeros beyond the spare size: they are stored plain, and no bomb."""
    zeros = {"a": np.zeros(SPARE // 8 + 8)}
    write_arrays(tmp_path / "a.npz", zeros)
    assert read_arrays(tmp_path / "a.npz", ORIGIN)["a"].shape == zeros["a"].shape


BROKEN_JSON: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is no JSON: Expecting value"),
    "cut": (b'{"a": [1, 2', "is no JSON: Expecting ',' delimiter"),
    "bytes": (b"\xff\xfe{", "is no JSON: 'utf-8' codec"),
    "deep": (b"[" * 200_000, "is no JSON that is read: it is nested too deep"),
    "rather deep": (b"[" * 300 + b"]" * 300, "is no JSON that is read: it is nested more than 200 deep"),
    "digits": (b'{"a": ' + b"9" * 6000 + b"}", "is no JSON: a whole number of 6000 digits, where 300 are read"),
    "half a character": (rb'"\ud800"', "is no JSON: 'utf-8' codec can't encode"),
    "many": (b"[" + b"1," * 5_000_001 + b"1]", "is no JSON that is read: more than 5000000 values"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN_JSON)
def test_json_that_cannot_be_is_refused(name: str, tmp_path: Path) -> None:
    content, message = BROKEN_JSON[name]
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(DataError, match=f"^'a file' {message}.*; make it anew"):
        read_json(tmp_path / "a.json", ORIGIN)


def test_json_is_what_python_reads(tmp_path: Path) -> None:
    value: Any = {"a": [1, -2.5, None, True], "é": {"b": "\U0001f600"}, "n": 10**299, "d": [[[[]]]]}
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        assert parse_json(text, ORIGIN) == value
        assert parse_json(b"\xef\xbb\xbf" + text.encode(), ORIGIN) == value
    (tmp_path / "a.json").write_text("[1, 2]")
    with pytest.raises(DataError, match="'a file' is larger than 0 MB; make it anew"):
        read_json(tmp_path / "a.json", ORIGIN, most=3)
    with pytest.raises(DataError, match="'a file' cannot be read: Is a directory; make it anew"):
        read_json(tmp_path, ORIGIN)
