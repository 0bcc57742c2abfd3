"""The examples run, with few epochs and samples and without measures, and each is short."""

from __future__ import annotations

import importlib.util
import json
from functools import partial
from inspect import signature
from pathlib import Path

import pytest

import xaikit

FOLDER = Path(__file__).parent.parent / "examples"
NEEDS = {"own_bert": "transformers", "own_onnx": "onnx"}
EXAMPLES = sorted(FOLDER.glob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
@pytest.mark.filterwarnings("ignore")  # of the packages that the examples draw with
def test_an_example_writes_its_page(path, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.setattr(xaikit, "study", partial(xaikit.study, metrics="none"))
    pytest.importorskip(NEEDS.get(path.stem, "xaikit"))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    small = {"epochs": 2, "n": 1, "out": str(tmp_path)}
    page = module.main(**{k: v for k, v in small.items() if k in signature(module.main).parameters})
    assert "<h1" in page.read_text(encoding="utf-8")


@pytest.mark.filterwarnings("ignore")
def test_the_notebook_runs_from_the_top(monkeypatch) -> None:
    """Its cells, with a smaller study; what it shows was drawn by them."""
    monkeypatch.setenv("MPLBACKEND", "Agg")
    cells = json.loads((FOLDER / "tour.ipynb").read_text(encoding="utf-8"))["cells"]
    codes = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
    held: dict[str, object] = {}
    for code in codes:
        small = code.replace("epochs=20", "epochs=2").replace(":16]", ":2]")
        exec(compile(small, "tour.ipynb", "exec"), held)  # noqa: S102 - our own cells
    assert {"explanation", "figure", "rows", "run"} <= set(held)
    shown = [o["data"] for c in cells for o in c.get("outputs", ())]
    assert sum("text/html" in o for o in shown) >= 4
    assert "file://" not in json.dumps(shown)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_an_example_is_short(path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 60
