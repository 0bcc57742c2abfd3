"""The demo end to end, with little training and no metrics."""

from __future__ import annotations

import pytest

from xaikit.app.demo import DEMOS, OTHERS, Demo, run_demo
from xaikit.data.builtin import DATASETS
from xaikit.models.zoo import ZOO


@pytest.mark.filterwarnings("ignore")  # of the packages that the worker processes load
def test_the_demo_leaves_an_index_that_links_its_pages(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    short = (Demo("waves", "fcn_1d", n=1, epochs=1, metrics="none"),)
    index = run_demo(tmp_path / "reports", demos=short, compared=None)
    assert index == tmp_path / "reports" / "index.html"
    assert 'href="waves.html"' in index.read_text(encoding="utf-8")
    assert "<h1" in (tmp_path / "reports" / "waves.html").read_text(encoding="utf-8")
    assert (tmp_path / "runs" / "waves-fcn_1d" / "model.safetensors").exists()


def test_the_demo_covers_every_modality() -> None:
    assert [d.data for d in DEMOS] == ["digits", "reviews", "waves", "breast_cancer"]


def test_all_tasks_have_a_page_and_a_net_that_does_them() -> None:
    for demo in OTHERS:
        assert demo.data in DATASETS
        assert set(ZOO.get(demo.model).tasks) - {"classification", "regression"}
