"""What an ill-wisher hands over: nothing of it runs, nothing is written, and one sentence says what it is."""

from __future__ import annotations

import sys
import time
import unicodedata
import warnings
from pathlib import Path

import pytest
import toy_hostile
from fuzz.test_fuzz import two_gigabytes

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


def test_the_corpus_is_large() -> None:
    assert len(toy_hostile.CORPUS) >= 40


@pytest.mark.parametrize("name", toy_hostile.CORPUS)
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
    monkeypatch.chdir(place)
    monkeypatch.setattr(cli, "settle", lambda: None)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    monkeypatch.setattr(sys, "argv", ["xaikit", *words])
    start = time.monotonic()
    with pytest.raises(SystemExit) as ended, two_gigabytes():
        cli.main()
    took = time.monotonic() - start
    told = capsys.readouterr()
    assert ended.value.code == 2, told
    assert not canary.exists()
    assert tree(tmp_path) == before
    assert took < MOST_SECONDS
    (line,) = told.err.splitlines()
    assert line.startswith("xaikit: ")
    assert line.endswith(".")
    assert 30 < len(line) < 1200
    assert not any(unicodedata.category(c) == "Cc" or c in "\u202e\u202d\u2066\u2067" for c in line)
