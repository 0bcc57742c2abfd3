"""What a manifest says becomes a run only where every field is of its type."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from report import sample_runs

from xaikit.core.errors import DataError, InvalidInput
from xaikit.core.typed import build, fits
from xaikit.core.types import Cost, Score, Segmentation, Target
from xaikit.study.run import Run

FITS = [
    (1, int), (1, float), (1.5, float), (True, bool), ("a", str), (None, int | None), ("x", Any),
    ("a", Literal["a", "b"]), ((1, 2.5), tuple[float, float]), ([1.0, 2], tuple[float, float]),
    (("a",), tuple[str, ...]), (["a"], list[str]), ({"a": 1}, Mapping[str, int]), ({}, dict[str, Any]),
    (np.zeros(2), NDArray[np.float64]), (np.array(["a"]), NDArray[Any]),
]  # fmt: skip
DOES_NOT = [
    (True, int), (True, float), (1.5, int), ("1", float), (1, bool), (None, str), ("1", int | None),
    ("c", Literal["a", "b"]), (["a"], Literal["a", "b"]), ((1,), tuple[float, float]), ("ab", tuple[str, ...]),
    ([1], list[str]), ("a", list[str]), ([], Mapping[str, int]), ({"a": "b"}, Mapping[str, int]),
    (np.zeros(2, int), NDArray[np.float64]), ([0.0], NDArray[np.float64]),
]  # fmt: skip


@pytest.mark.parametrize(("value", "kind"), FITS)
def test_a_value_of_the_type_fits(value: Any, kind: Any) -> None:
    assert fits(value, kind)


@pytest.mark.parametrize(("value", "kind"), DOES_NOT)
def test_a_value_of_another_type_does_not(value: Any, kind: Any) -> None:
    assert not fits(value, kind)


def test_a_dataclass_is_built_of_what_json_holds() -> None:
    assert build(Cost, {"asked": 3, "seconds": 1}) == Cost(asked=3, seconds=1)
    score = build(
        Score,
        {"metric": "m", "value": None, "direction": "lower", "family": "f", "note": "none",
         "interval": [None, 2.0]},
    )  # fmt: skip
    assert math.isnan(score.value)
    assert score.interval is not None
    assert (math.isnan(score.interval[0]), score.interval[1]) == (True, 2.0)
    cut = build(Segmentation, {"ids": np.array([0, 1]), "names": ["a", "b"], "source": "s"})
    assert cut.names == ("a", "b")


@pytest.mark.parametrize(
    ("kind", "values", "told"),
    [
        (Cost, [], r"Cost is \[\], no object"),
        (Cost, {"asked": "3"}, "Cost.asked is '3'"),
        (Cost, {"wanted": 3}, "Cost has no 'wanted'"),
        (Target, {}, "missing 1 required positional argument: 'index'"),
        (Target, {"index": 0, "space": "smell"}, "Target.space is 'smell'"),
    ],
)
def test_what_is_missing_unknown_or_of_another_type_is_told(
    kind: Any, values: Any, told: str
) -> None:
    with pytest.raises(TypeError, match=told):
        build(kind, values)


DAMAGE = [
    (("samples",), 3), (("samples", 0), []), (("samples", 0, "id"), 7), (("samples", 0, "x"), {}),
    (("samples", 0, "modality"), "smell"), (("samples", 0, "label"), "one"), (("segmentations",), []),
    (("explanations", 0, "values"), "predictions"), (("explanations", 0, "target"), []),
    (("explanations", 0, "target", "index"), 99), (("explanations", 0, "sample_id"), "nobody"),
    (("explanations", 0, "cost", "forward"), "many"), (("explanations", 0, "names"), []),
    (("scores", 0, "direction"), "sideways"), (("scores", 0, "interval"), [1]), (("scores", 0, "of"), None),
    (("scores", 0, "of", "masker"), []),
    (("failures",), {}), (("context",), []), (("context", "methods"), []), (("context", "methods", "lime"), 3),
    (("context", "model", "classes"), "ab"), (("context", "model", "classes"), ["a"]),
    (("context", "model", "quality", "interval"), [1]), (("context", "model", "info"), 3),
    (("context", "data", "columns"), [{}]), (("environment", "versions"), []), (("config",), None),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value"), DAMAGE)
def test_a_damaged_run_is_refused_before_a_page_is_made_of_it(
    path: tuple[Any, ...], value: Any, tmp_path: Path
) -> None:
    folder = sample_runs.table_run(n=2).save(tmp_path / "run")
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    held = manifest
    for key in path[:-1]:
        held = held[key]
    held[path[-1]] = value
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(DataError, match=r"the run in '.*run' is (damaged|incomplete): .*\.$"):
        Run.load(folder)


def test_a_curve_is_a_list_of_points() -> None:
    for shape in ((3,), (3, 3), (0,), (2, 2, 2)):
        with pytest.raises(
            InvalidInput, match=r"the score 'm' has a curve of shape .*; \(p, 2\) is"
        ):
            Score("m", 1.0, "lower", "f", curve=np.zeros(shape))


def test_rows_that_no_sample_has_are_refused(tmp_path: Path) -> None:
    run = sample_runs.table_run(n=2)
    folder = run.save(tmp_path / "run")
    arrays = dict(np.load(folder / "arrays.npz"))
    np.savez(folder / "arrays.npz", **{**arrays, "predictions": run.predictions[:1]})
    with pytest.raises(
        DataError, match=r"predictions of shape \(1, 2\) for 2 samples; save it again"
    ):
        Run.load(folder)
