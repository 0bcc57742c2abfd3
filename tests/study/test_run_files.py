"""A run that is saved and read again is the run that was saved, down to what could not be measured."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
from report import sample_runs
from report.reading import read

from xaikit.core.errors import DataError
from xaikit.core.types import Cost, Explanation, Sample, Score, Segmentation, Target
from xaikit.report import write_report
from xaikit.study.run import Failure, Run

OF = {"method": "m", "sample": "one", "masker": "zeros"}


def explanation(sample: str, segmentation: Segmentation, **changes) -> Explanation:
    known = {
        "values": np.array([0.5, -0.25]), "method": "m", "sample_id": sample, "model_id": "net",
        "target": Target(1, against=0, space="logit"), "segmentation": segmentation,
        "masker": "zeros", "output": 1.5, "empty": 0.25, "additive": True, "unit": "log-odds",
    }  # fmt: skip
    return Explanation(**known | changes)


def small(*scores: Score, **changes) -> Run:
    """Two samples of unlike shapes, with and without what may be missing."""
    one = Segmentation(np.array([0, 1, -1]), ("left", "right"), "by hand")
    two = Segmentation(np.array([1, 0]), ("up", "down"), "by hand too")
    samples = (
        Sample("one", np.array([1.0, 2.0, 3.0]), "table", 1, np.array([True, False, True]), {"unit": "mm"}),
        Sample("two", np.array([4.0, 5.0]), "table"),
    )  # fmt: skip
    explanations = (
        explanation(
            "one", one, std=np.array([0.1, 0.2]), converged=False, note="stopped", seed=7,
            extras={"r2": 0.5, "cell": (2.0, 2.0)}, params={"budget": 64},
            cost=Cost(1, 2, 3, 0.5), versions={"numpy": "2"},
        ),
        explanation("two", two, values=np.array([3.0, 4.0]), elements=np.array([4.0, 3.0])),
        explanation("one", one, values=np.array([-1.0, 2.0]), std=np.array([0.3, 0.4]), method="n", target=Target(0, space="prob"), additive=False),
    )  # fmt: skip
    known = {
        "config": {"seed": 7},
        "samples": samples,
        "predictions": np.array([[0.25, 0.75], [1.0, 0.0]]),
        "explanations": explanations,
        "scores": scores,
        "failures": (Failure("n", "net", "too small", "error", "two", "more rows"),),
        "environment": {"python": "3"},
        "context": {"title": "why?", "methods": {"m": {"control": False}}},
    }
    return Run(**known | changes)


def again(run: Run, folder) -> Run:
    return Run.load(run.save(folder / "run"))


def same(a: object, b: object) -> bool:
    """Equal field by field; arrays bit by bit, NaN equal to NaN."""
    if dataclasses.is_dataclass(a):
        return type(a) is type(b) and all(
            same(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a)
        )
    if isinstance(a, np.ndarray):
        alike = isinstance(b, np.ndarray) and a.shape == b.shape and a.dtype == b.dtype
        return alike and bool(np.array_equal(a, b))
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    return a == b or (a != a and b != b)


def test_every_field_of_a_run_comes_back(tmp_path) -> None:
    curve = np.array([[0.0, 1.0], [1.0, 0.25]])
    found = small(
        Score("deletion", 0.5, "lower", "faithfulness", (0.25, 0.75), curve, OF, "a note"),
        Score("srg", 0.0, "higher", "faithfulness", of=OF),
    )
    back = again(found, tmp_path)
    for field in dataclasses.fields(Run):
        assert same(getattr(found, field.name), getattr(back, field.name)), field.name
    assert [e.segmentation.names for e in back.explanations] == [
        ("left", "right"), ("up", "down"), ("left", "right")
    ]  # fmt: skip
    assert back.of("m")[0].residual == pytest.approx(1.0)
    assert back.methods == ("m", "n")


@pytest.mark.parametrize("lost", [math.nan, math.inf, -math.inf])
def test_what_could_not_be_measured_is_no_number_after_saving(tmp_path, lost) -> None:
    found = small(
        Score("variance_share", math.nan, "higher", "stability", of=OF, note="why not"),
        context={"model": {"quality": {"value": lost}}, "bounds": [lost, 1.0], "at": np.array([lost])},
    )  # fmt: skip
    folder = found.save(tmp_path / "run")
    back = Run.load(folder)
    assert math.isnan(back.scores[0].value)
    assert back.scores[0].note == "why not"
    assert back.context == {
        "model": {"quality": {"value": None}},
        "bounds": [None, 1.0],
        "at": [None],
    }
    text = (folder / "manifest.json").read_text(encoding="utf-8")
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_a_page_of_a_saved_run_does_not_read_zero_where_nothing_was_measured(tmp_path) -> None:
    run = sample_runs.table_run(12)
    lost = [
        dataclasses.replace(s, value=math.nan, note="the model has no weights")
        if s.metric == "randomisation" and s.of["method"] == "occlusion"
        else s
        for s in run.scores
    ]
    folder = dataclasses.replace(run, scores=tuple(lost)).save(tmp_path / "run")
    tree = read(write_report(folder, tmp_path / "x.html").read_text(encoding="utf-8"))
    matrix = tree.one("section", id="which")
    (row,) = [r for r in matrix.all("details") if r.one("summary").text.startswith("Occlusion")]
    check = Run.load(folder).verdicts()[1].check("depends_on_model")
    assert (check.value, check.passed) == (None, None)
    assert check.sentence in row.text
    assert "0.00" not in row.text


def test_a_saved_run_is_replaced_as_a_whole(tmp_path) -> None:
    folder = small().save(tmp_path / "run")
    other = small(
        samples=small().samples[:1], predictions=np.ones((1, 2)) / 2, explanations=(), failures=()
    )
    assert other.save(folder) == folder
    back = Run.load(folder)
    assert (len(back.samples), back.explanations, back.failures) == (1, (), ())
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda m: m.update(format=99), "has format 99; this version reads 1"),
        (lambda m: m.pop("samples"), "is incomplete: .*'samples'"),
        (lambda m: m["explanations"][0].pop("values"), "is incomplete: .*'values'"),
    ],
)
def test_a_manifest_of_another_making_is_refused(tmp_path, change, told) -> None:
    folder = small().save(tmp_path / "run")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(DataError, match=told):
        Run.load(folder)
