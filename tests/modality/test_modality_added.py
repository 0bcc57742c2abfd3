"""A modality of another package, the first code block of the guide: everything works."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import xaikit
from xaikit.core.errors import InvalidInput
from xaikit.core.sample import MODALITIES, Sample
from xaikit.data.dataset import Dataset
from xaikit.metrics.segmentation import recut
from xaikit.metrics.stability import neighbours
from xaikit.modalities import segment

GUIDE = Path(__file__).parents[2] / "docs" / "add-a-modality.md"
FILE = re.findall(r"```python[^\n]*\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.S)[0]
RNG = np.random.default_rng(1)
ROWS = RNG.normal(size=(60, 24))
OPTIONS = {"modality": "dial", "background": ROWS, "outputs": "values"}


@pytest.fixture(autouse=True)
def dial(monkeypatch):
    """The modality of the guide, for one test."""
    MODALITIES.names()  # those of the package first
    monkeypatch.setattr(MODALITIES, "_entries", dict(MODALITIES._entries))
    monkeypatch.setitem(sys.modules, "dial", module := type(sys)("dial"))
    exec(FILE, module.__dict__)  # noqa: S102 - the guide's own code
    return MODALITIES.register("dial")(module.DIAL)


def summed(x):
    """Reads the readings 3, 4 and 5: the second arc."""
    return x[:, 3:6].sum(axis=1)


def test_arcs_get_the_credit_that_a_sum_gives_them() -> None:
    sample = Sample("d", ROWS[0], "dial")
    model = xaikit.wrap(summed, **OPTIONS)
    found = xaikit.explain(model, sample, methods=["shap", "occlusion"])
    due = np.zeros(8)
    due[1] = (ROWS[0] - ROWS.mean(axis=0))[3:6].sum()
    assert found[0].names[1] == "45° to 90°"
    for e in found:
        assert e.masker == "mean over the background"
        np.testing.assert_allclose(e.values, due, atol=1e-9)
    own = xaikit.explain(model, sample, methods=["occlusion"], masker="own_mean", features="arcs:4")
    due = ROWS[0][3:6].sum() - 3 * ROWS[0].mean()
    np.testing.assert_allclose(own[0].values, [due, 0, 0, 0], atol=1e-9)


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", ("on 20 test dials", "Over all test dials", ">all other arcs<", ">Arc<")),
        ("ko", ("시험 다이얼 20개에서", "시험 다이얼 전체", ">나머지 호<", ">호<")),
    ],
)
def test_a_study_of_it_is_saved_read_and_reported(language, told, tmp_path) -> None:
    model = xaikit.wrap(summed, **OPTIONS)
    samples = [Sample(f"d{i}", row, "dial", summed(row[None])[0]) for i, row in enumerate(ROWS)]
    data = Dataset("ring", "dial", "regression", (), samples[:30], samples[30:40], samples[40:])
    run = xaikit.study(model, data.test[:3], "shap,lime,occlusion,random", data=data)
    assert run.failures == ()
    assert {"variance_share", "input_stability", "srg"} <= {s.metric for s in run.scores}
    run.save(tmp_path / "run")
    kept = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert {s["modality"] for s in kept["samples"]} == {"dial"}
    page = xaikit.write_report(tmp_path / "run", tmp_path / "page.html", language).read_text()
    assert all(words in page for words in told)
    assert "45° to 90°" in page


def test_models_of_every_kind_read_it(tmp_path) -> None:
    import torch
    from sklearn.linear_model import Ridge
    from torch import nn

    labels = (summed(ROWS) > 0).astype(int)
    samples = tuple(
        Sample(f"d{i}", x, "dial", y) for i, (x, y) in enumerate(zip(ROWS, labels, strict=True))
    )
    data = Dataset("dials", "dial", "classification", ("low", "high"), samples[:40], samples[40:50],
                   samples[50:])  # fmt: skip
    net = xaikit.train("mlp", data, epochs=2, progress=False)
    tree = xaikit.train("tree", data, progress=False)
    with torch.random.fork_rng():
        brought = xaikit.wrap(nn.Linear(24, 2), modality="dial", classes=("low", "high"),
                              background=ROWS, outputs="logits")  # fmt: skip
    fitted = xaikit.wrap(Ridge().fit(ROWS, summed(ROWS)), modality="dial", background=ROWS)
    for i, model in enumerate((net, tree, brought, fitted)):
        assert model.modality == "dial"
        found = xaikit.explain(model, samples[0], methods=["shap"])[0]
        assert len(found.values) == 8
        if model in (net, tree):
            xaikit.save_model(model, tmp_path / f"{i}")
            again = xaikit.load_model(tmp_path / f"{i}")
            assert again.modality == "dial"
            assert np.array_equal(again.scores(ROWS), model.scores(ROWS))
    assert xaikit.explain(net, samples[0], methods=["saliency"])[0].values.shape == (8,)


def test_what_it_does_not_say_has_a_default() -> None:
    sample = Sample("d", ROWS[0], "dial")
    question = xaikit.make_question(xaikit.wrap(lambda x: 0 * summed(x), **OPTIONS), sample)
    (near,) = neighbours(question, np.random.default_rng(0), radius=1e-3)
    assert 0 < np.abs(near.sample.x - sample.x).max() < 0.02
    assert recut(sample, segment(sample)) is None  # places of a table have no neighbours either
    with pytest.raises(InvalidInput, match="holds NaN or infinity at"):
        Sample("d", [1.0, np.nan], "dial")


def test_what_no_model_reads_and_no_page_draws_is_refused(dial, monkeypatch) -> None:
    monkeypatch.setitem(MODALITIES._entries, "odd", replace(dial, name="odd", inputs="smells"))
    with pytest.raises(
        InvalidInput, match="as 'smells'; models know pixels, columns, steps, words"
    ):
        xaikit.wrap(summed, **{**OPTIONS, "modality": "odd"})
    monkeypatch.setitem(MODALITIES._entries, "dial", replace(dial, view="smoke"))
    run = xaikit.study(
        xaikit.wrap(summed, **OPTIONS), [Sample("d", ROWS[0], "dial")], "random", "none"
    )
    with pytest.raises(InvalidInput, match="as 'smoke'; reports draw picture, text, bars, lines"):
        xaikit.write_report(run, "never.html")
