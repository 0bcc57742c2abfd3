"""What a person put there stays as it is: every file compared byte by byte before and after."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report import sample_runs
from toy_zoo import toy_data

from xaikit.core.errors import DataError, InvalidInput, ModelError
from xaikit.core.folders import Folder, check_page, file_name, write_page
from xaikit.models.store import load_model, save_model
from xaikit.models.training import train
from xaikit.report import write_comparison, write_index, write_report
from xaikit.study.run import Run

OWN = {
    "manifest.json": b'{"name": "my web app", "format": 1}',
    "config.json": b'{"mine": true, "family": "sklearn"}',
    "thesis.txt": b"three years of work",
    "photos/cat.jpg": b"\xff\xd8 cat",
}
NOTES = {"notes.txt": b"my reading of these numbers", "figures/one.svg": b"<svg/>"}
BOXES = Folder("box", "box.json", DataError)


def lay(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def held(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def box(folder: Path, what: str = "old", **files: bytes) -> Path:
    writers = {f"{n}.bin": lambda path, c=c: path.write_bytes(c) for n, c in files.items()}
    return BOXES.write(folder, {"what": what}, writers)


@pytest.fixture(scope="module")
def savers() -> dict[str, Callable[[Path], Any]]:
    data = toy_data("table")
    net = train("mlp", data, progress=False, device="cpu", epochs=1, batch_size=6, width=4)
    tree = train("tree", data, progress=False)
    run = sample_runs.bare_run(2, "table")
    return {
        "run": run.save,
        "net": lambda folder: save_model(net, folder),
        "estimator": lambda folder: save_model(tree, folder),
    }


@pytest.mark.parametrize("kind", ["run", "net", "estimator"])
def test_a_folder_of_somebody_is_refused_and_stays(kind: str, savers: Any, tmp_path: Path) -> None:
    folder = lay(tmp_path / "own", OWN)
    with pytest.raises(
        (DataError, ModelError), match=r"own' is not empty and holds no (run|model) that xaikit"
    ):
        savers[kind](folder)
    assert held(folder) == OWN
    assert os.listdir(tmp_path) == ["own"]


COVERS = (b"[]", b"3", b'"x"', b"null", b"", b"{", b"[" * 100_000, b"\xff", b'{"written": []}',
          b'{"written": {"sha256": [1]}}', b'{"written": {"sha256": {"box.json": 1}}}',
          b'{"written": {"by": "xaikit", "sha256": {}}}')  # fmt: skip


@pytest.mark.parametrize("cover", COVERS)
def test_a_cover_that_records_nothing_is_somebodys(cover: bytes, tmp_path: Path) -> None:
    lay(tmp_path, {"b/box.json": cover})
    with pytest.raises(DataError, match="holds no box that xaikit wrote"):
        box(tmp_path / "b", one=b"1")
    assert held(tmp_path) == {"b/box.json": cover}


@pytest.mark.parametrize("kind", ["run", "net", "estimator"])
def test_notes_beside_what_is_written_again_stay(kind: str, savers: Any, tmp_path: Path) -> None:
    folder = savers[kind](tmp_path / "made")
    first = held(folder)
    lay(folder, NOTES)
    savers[kind](folder)
    now = held(folder)
    assert {name: now.pop(name) for name in NOTES} == NOTES
    assert set(now) == set(first)


@pytest.mark.parametrize("kind", ["run", "net", "estimator"])
def test_a_file_that_was_changed_is_refused_and_stays(
    kind: str, savers: Any, tmp_path: Path
) -> None:
    folder = savers[kind](tmp_path / "made")
    for name in held(folder):
        whole = (folder / name).read_bytes()
        changed = whole.replace(b'"format": 1', b'"format": 1, "mine": 2')
        (folder / name).write_bytes(changed if name.endswith(".json") else whole + b"mine")
        before = held(folder)
        with pytest.raises((DataError, ModelError), match="nobody changed; choose another folder"):
            savers[kind](folder)
        assert held(folder) == before
        (folder / name).write_bytes(whole)
    savers[kind](folder)


def test_a_model_of_another_kind_leaves_no_old_file(savers: Any, tmp_path: Path) -> None:
    folder = savers["estimator"](tmp_path / "m")
    savers["net"](folder)
    assert sorted(held(folder)) == ["background.npz", "config.json", "model.safetensors"]
    assert load_model(folder).id == "toy-mlp"


def test_a_file_of_somebody_under_a_name_that_is_needed_is_refused(tmp_path: Path) -> None:
    folder = box(tmp_path / "b", one=b"1")
    before = held(lay(folder, {"two.bin": b"mine"}))
    with pytest.raises(DataError, match=r"xaikit did not write '.*two.bin'; choose another folder"):
        box(folder, "new", one=b"3", two=b"4")
    assert held(folder) == before
    (folder / "two.bin").unlink()
    (folder / "two.bin").mkdir()
    with pytest.raises(DataError, match="did not write"):
        box(folder, "new", two=b"4")


def test_a_record_cannot_name_files_elsewhere(tmp_path: Path) -> None:
    """A folder may come from anybody: its cover must not have a neighbour's file taken away."""
    folder = box(tmp_path / "b", one=b"1")
    lay(tmp_path, {"thesis.txt": b"1"})
    cover = json.loads((folder / "box.json").read_text())
    sums = cover["written"]["sha256"]
    for name in ("../thesis.txt", str(tmp_path / "thesis.txt"), "..", ""):
        told = {**cover, "written": {"by": "xaikit", "sha256": {**sums, name: sums["one.bin"]}}}
        (folder / "box.json").write_text(json.dumps(told))
        with pytest.raises(DataError, match="holds no box that xaikit wrote"):
            box(folder, one=b"2")
    assert held(tmp_path)["thesis.txt"] == b"1"


def test_what_fails_leaves_the_old_folder_and_nothing_new(tmp_path: Path) -> None:
    def fail(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    folder = box(tmp_path / "b", one=b"1")
    before = held(folder)
    for place in (folder, tmp_path / "new"):
        with pytest.raises(DataError, match=r"cannot be written: No space left on device; choose"):
            BOXES.write(place, {}, {"one.bin": fail})
    assert held(tmp_path) == {f"b/{name}": content for name, content in before.items()}
    assert os.listdir(tmp_path) == ["b"]


def test_a_folder_that_is_left_half_way_is_none_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = box(tmp_path / "b", one=b"1", two=b"2")
    unlink = Path.unlink

    def first_and_last(path: Path) -> None:
        unlink(path)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "unlink", first_and_last)
    with pytest.raises(DataError, match="cannot be written: Input/output error"):
        box(folder, "new", one=b"3", two=b"4")
    monkeypatch.undo()
    assert held(folder) == {
        "one.bin": b"1",
        "two.bin": b"2",
    }  # no cover tells of files that are gone


@pytest.mark.parametrize("name", ["a" * 3000, "zero\0byte", "file/inside"])
def test_a_place_that_cannot_be_is_one_sentence(name: str, tmp_path: Path) -> None:
    lay(tmp_path, {"file": b"mine"})
    with pytest.raises(DataError, match=r"(cannot be written|is no name of a file).*; choose"):
        box(tmp_path / name)
    with pytest.raises(InvalidInput, match=r"(cannot be written|is no name of a file).*; choose"):
        write_page("<p>", tmp_path / name / "a.html")
    with pytest.raises(DataError, match="is no run folder: manifest.json is missing"):
        Run.load(tmp_path / name)
    assert held(tmp_path) == {"file": b"mine"}


def test_a_file_in_the_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    lay(tmp_path, {"thesis.txt": b"mine"})
    with pytest.raises(DataError, match=r"thesis.txt' is there already and no folder"):
        box(tmp_path / "thesis.txt")
    assert held(tmp_path) == {"thesis.txt": b"mine"}


def test_files_that_do_not_belong_together_are_refused(savers: Any, tmp_path: Path) -> None:
    """A weight of another training is a number like any other; only the checksum tells."""
    folder = savers["net"](tmp_path / "m")
    whole = bytearray((folder / "model.safetensors").read_bytes())
    whole[-3] ^= 1  # the smallest change of the last weight's mantissa but one
    (folder / "model.safetensors").write_bytes(bytes(whole))
    with pytest.raises(ModelError, match=r"model.safetensors' is not the file that was saved with"):
        load_model(folder)


def test_pages_overwrite_pages_and_nothing_else(tmp_path: Path) -> None:
    run, page = sample_runs.bare_run(1, "table"), tmp_path / "a.html"
    writers: list[Callable[..., Path]] = [
        lambda **given: write_report(run, page, **given),
        lambda **given: write_comparison(sample_runs.comparison(2), page, **given),
        lambda **given: write_index([{"title": "t", "href": "b.html"}], page, **given),
    ]
    for write in writers:
        write()
        write()
        page.write_bytes(b"<!doctype html><p>xaikit is what my home page is about")
        with pytest.raises(
            InvalidInput, match=r"a.html' is there already and xaikit did not write it; .* --force"
        ):
            write()
        assert page.read_bytes().endswith(b"about")
        write(force=True)
        assert b'<meta name="generator" content="xaikit' in page.read_bytes()
    assert os.listdir(tmp_path) == ["a.html"]


def test_what_is_no_plain_file_is_no_place_for_a_page(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "lost").symlink_to(tmp_path / "nowhere")
    for name in ("pipe", "lost"):
        with pytest.raises(InvalidInput, match="is no plain file; give the report another name"):
            check_page(tmp_path / name, force=True)


PLAIN = (
    "digits-lenet",
    "explain-wine-mlp",
    "Umsatz 2024 (neu)",
    "감상평-lstm",
    "a.b_c=1",
    "x" * 80,
)
ODD = ("../../site/index", "/etc/passwd", "..", ".", "", ".hidden", "a/b", "a\\b", "c:d", "CON", "nul.txt",
       "lpt1", "zero\0byte", "a\nb", "x" * 900, "한" * 90, "~", "a ", "a.", "\ud800", "e\u0301")  # fmt: skip


def test_a_plain_name_stays_and_an_odd_one_becomes_one_file(tmp_path: Path) -> None:
    assert [file_name(name) for name in PLAIN] == list(PLAIN)
    assert file_name("a", ".html") == "a.html"
    found = [file_name(name) for name in ODD]
    assert not set(found) & set(ODD)
    assert len(set(found)) == len(ODD)
    for name in (*PLAIN, *ODD):
        (tmp_path / file_name(name, ".html")).touch()
    assert len(os.listdir(tmp_path)) == len(PLAIN) + len(ODD)
    assert re.fullmatch("site-index~[0-9a-f]{10}", file_name("../../site/index"))


RESERVED = {"con", "prn", "aux", "nul", *(f"{p}{i}" for p in ("com", "lpt") for i in range(10))}


@settings(max_examples=500, derandomize=True, database=None, deadline=None)
@given(st.text(), st.text())
def test_no_name_leaves_its_folder_and_no_two_share_a_file(one: str, two: str) -> None:
    found = file_name(one, ".html")
    assert Path(found).name == found
    assert not set(found) & set('/\\:*?"<>|\0\n')
    assert found[0] not in ".-~ "
    assert len(found) <= 80
    assert len(found.encode()) <= 200
    assert found.split(".")[0].strip().lower() not in RESERVED
    for other in (two, file_name(one), found, one + "/", one.upper()):
        assert other == one or file_name(other) != file_name(one)


def test_numbers_of_any_kind_are_sealed_as_they_are_read(tmp_path: Path) -> None:
    """A cover that is read gives the checksum it was written with: tuples, keys, floats."""
    facts = {"a": (1, 2.5e-17), "b": {3: None, 20: "é"}, "c": [True, 10**25]}
    folder = BOXES.write(tmp_path / "b", facts, {})
    BOXES.write(folder, {**facts, "a": ()}, {})
    assert json.loads((folder / "box.json").read_text("utf-8"))["a"] == []
    assert np.array_equal(list(held(folder)), ["box.json"])


def test_a_name_of_a_disk_that_is_no_unicode_can_be_saved_again(tmp_path: Path) -> None:
    """Linux allows any bytes in names; what cannot be written in UTF-8 becomes a ?."""
    facts = {"id": os.fsdecode(b"caf\xe9")}
    for _ in range(2):
        folder = BOXES.write(tmp_path / "b", facts, {})
    assert json.loads((folder / "box.json").read_text("utf-8"))["id"] == "caf?"
