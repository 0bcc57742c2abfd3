"""What an ill-wisher hands over: nothing of it runs, nothing is written, and one sentence says what it is."""

from __future__ import annotations

import json
import sys
import time
import unicodedata
import warnings
from pathlib import Path
from typing import Any

import pytest
import toy_hostile
from fuzz.test_fuzz import two_gigabytes
from report.reading import read

from xaikit.app import cli

pytestmark = pytest.mark.filterwarnings("ignore")  # what decoders say of damage
NEEDS = {
    "Hugging Face": "transformers",
    "graph": "onnx",
    "parquet of": "pyarrow",
    "onnx": "onnxruntime",
}
MOST_SECONDS = 20  # on a busy machine; each takes less than one alone


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Every path below, its size and when it was written."""
    found = (p.lstat() for p in sorted(folder.rglob("*")))
    names = (str(p) for p in sorted(folder.rglob("*")))
    return {name: (s.st_size, s.st_mtime_ns) for name, s in zip(names, found, strict=True)}


def asked(words: tuple[str, ...], place: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The exit code of a command that is typed in that folder."""
    monkeypatch.chdir(place)
    monkeypatch.setattr(cli, "settle", lambda: None)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    monkeypatch.setattr(sys, "argv", ["xaikit", *words])
    with pytest.raises(SystemExit) as ended, two_gigabytes():
        cli.main()
    return ended.value.code


def harmless(text: str) -> bool:
    """Whether nothing in it steers a terminal or turns the line."""
    plain = text.replace("\n", "")
    return not any(
        unicodedata.category(c) == "Cc" or c in "\u202e\u202d\u2066\u2067" for c in plain
    )


def test_the_corpus_is_large() -> None:
    assert len(toy_hostile.CORPUS) >= 40


@pytest.mark.parametrize("name", toy_hostile.CORPUS, ids=lambda name: name.replace(" ", "-"))
def test_a_hostile_file_is_one_sentence(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for word, package in NEEDS.items():
        if word in name:
            pytest.importorskip(package)
    place, canary = tmp_path / "a" / "place", tmp_path / "harm"
    place.mkdir(parents=True)
    words = toy_hostile.CORPUS[name](place, canary)
    before = tree(tmp_path)
    capsys.readouterr()
    start = time.monotonic()
    code = asked(words, place, monkeypatch)
    took = time.monotonic() - start
    told = capsys.readouterr()
    assert code == 2, told
    assert not canary.exists()
    assert tree(tmp_path) == before
    assert took < MOST_SECONDS
    (line,) = told.err.splitlines()
    assert line.startswith("xaikit: ")
    assert line.endswith(".")
    assert 30 < len(line) < 1200
    assert harmless(line)


EVIL = (
    "<script>window.hostile=1</script>",
    '"><img src=x onerror=alert(1)>',
    "\u202egnp.exe",
    "\x1b]0;x\x07" * 9,
)
QUICK = ("-n", "2", "--metrics", "none", "--overview", "0", "--errors", "0")


def table_of(place: Path) -> tuple[str, ...]:
    """Evil in the file's name, the columns, the categories and the classes."""
    head = ",".join(f'"{e.replace(chr(34), chr(34) * 2)} {i}"' for i, e in enumerate(EVIL))
    rows = [
        f"{i},{EVIL[i % 2].split(chr(34))[-1]},{i / 3},{EVIL[i % 2].split('>')[0]}{i % 2}"
        for i in range(30)
    ]
    rows = [",".join(f'"{c.replace(chr(34), chr(34) * 2)}"' for c in r.split(",")) for r in rows]
    name = "<img src=x onerror=alert(1)>\u202e.csv"
    (place / name).write_text("\n".join([head, *rows]), encoding="utf-8")
    return "explain", "tree", "-d", name, "-m", "occlusion", *QUICK


def face_of(place: Path) -> tuple[str, ...]:
    """Evil in the folder's name, the labels and the texts of a Hugging Face classifier."""
    pytest.importorskip("transformers")
    folder = toy_hostile.bert(place, id2label={"0": EVIL[0], "1": EVIL[1]})
    folder.rename(place / "<b onmouseover=alert(1)>")
    rows = [{"text": f"{EVIL[i % 3]} a tiny film {i}", "label": EVIL[i % 2]} for i in range(30)]
    (place / "a.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return "explain", "hf:<b onmouseover=alert(1)>", "-d", "a.jsonl", "-m", "random", *QUICK


@pytest.mark.parametrize("kind", [table_of, face_of])
def test_evil_names_stay_text_on_the_page_and_in_the_terminal(
    kind: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    words = kind(place)
    capsys.readouterr()
    assert asked(words, place, monkeypatch) == 0, capsys.readouterr()
    told = capsys.readouterr()
    assert harmless(told.out)
    assert harmless(told.err)
    (page,) = (place / "reports").iterdir()
    found = read(page.read_text(encoding="utf-8"))
    assert "onerror=alert(1)" in found.text
    assert len(found.all("script")) == 1
    assert not [a for n in found.walk() for a in n.attributes if a.startswith("on")]
    assert {p.name for p in place.parent.iterdir()} == {"place"}
