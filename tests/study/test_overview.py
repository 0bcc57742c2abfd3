"""What one method says of a whole test split, in closed form, saved and damaged."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
from toys import FunctionModel

from xaikit.core.errors import DataError
from xaikit.core.files import Origin, read_arrays, write_arrays
from xaikit.core.types import Sample
from xaikit.data.dataset import Column, Dataset
from xaikit.judge.overview import Overview
from xaikit.judge.verdict import HOLDS, Status
from xaikit.methods import make_method
from xaikit.study import overview as made
from xaikit.study.overview import cheapest, make_overview, worst_errors
from xaikit.study.overview_file import pack_overview, unpack_overview
from xaikit.study.plan import Plan
from xaikit.study.run import Run
from xaikit.study.sample_facts import facts_of, groups_of, shrunk
from xaikit.study.study import study

WEIGHTS = np.array([2.0, -1.0, 0.0])
ORIGIN = Origin("'overview.npz'", DataError, "save it again")


def scores(xs: Any) -> np.ndarray:
    return np.stack(xs) @ np.stack([-WEIGHTS, WEIGHTS], axis=1) / 2


def people(n_test: int = 6, labels: Any = None, **changes: Any) -> Dataset:
    """Rows (a, b, code); class 1 where 2 a > b. Test row i is (i - 2, 1, i mod 2)."""
    rng = np.random.default_rng(0)
    train = np.column_stack([rng.normal(size=(20, 2)), np.arange(20) % 2])
    test = np.column_stack([np.arange(n_test) - 2.0, np.ones(n_test), np.arange(n_test) % 2])

    def samples(x: np.ndarray, start: int) -> tuple[Sample, ...]:
        truth = (x @ WEIGHTS > 0).astype(int)
        return tuple(
            Sample(f"r{start + i}", row, "table", int(truth[i])) for i, row in enumerate(x)
        )

    rows = samples(test, 100)
    if labels is not None:
        rows = tuple(replace(s, label=y) for s, y in zip(rows, labels, strict=True))
    facts = {
        "name": "people",
        "modality": "table",
        "task": "classification",
        "classes": ("no", "yes"),
        "train": samples(train, 0),
        "val": samples(train[:3], 50),
        "test": rows,
        "columns": (Column("a"), Column("b"), Column("sex", ("f", "m"))),
    }
    return Dataset(**{**facts, **changes})


def model(**changes: Any) -> FunctionModel:
    facts = {"classes": ("no", "yes"), "space": "logit", "background": np.zeros((2, 3))}
    return FunctionModel(**{"function": scores, **facts, **changes})


def overview(data: Dataset | None = None, **changes: Any) -> Overview:
    return make_overview(model(), data or people(), make_method("occlusion"), **changes)


def test_the_whole_split_is_explained_and_known() -> None:
    found = overview()
    assert found.ids == tuple(f"r{100 + i}" for i in range(6))
    assert (found.of, len(found), found.method, found.columns) == (
        6,
        6,
        "occlusion",
        ("a", "b", "sex"),
    )
    x = np.stack(found.inputs)
    odds = x @ WEIGHTS
    predicted = (odds > 0).astype(int)
    assert found.predictions[:, 1] == pytest.approx(1 / (1 + np.exp(-odds)))
    # a linear model: each feature gives weight times value, for the class that is predicted
    assert found.explanations.values == pytest.approx(x * WEIGHTS * (2 * predicted - 1)[:, None])
    assert found.groups == {"sex": ("f", "m") * 3}
    assert not found.wrong.any()
    assert not found.misses.any()


def test_the_target_is_the_predicted_class_whatever_the_plan_asks() -> None:
    found = overview(plan=Plan(target=1))
    assert [t.index for t in found.explanations.targets] == found.predictions.argmax(
        axis=1
    ).tolist()


def test_errors_are_known_by_how_wrong_they_are() -> None:
    found = overview(people(labels=[1, 0, 0, 1, 0, None]))
    assert found.wrong.tolist() == [True, False, False, False, True, False]
    odds = np.stack(found.inputs) @ WEIGHTS
    sure = 1 / (1 + np.exp(-np.abs(odds)))
    assert found.misses == pytest.approx(np.where(found.wrong, sure, 0))


def test_a_larger_split_is_drawn_and_says_so() -> None:
    data = people(40)
    found = overview(data, most=10, seed=3)
    assert (len(found), found.of) == (10, 40)
    order = [s.id for s in data.test]
    assert list(found.ids) == sorted(found.ids, key=order.index)
    assert found.ids != tuple(order[:10])
    assert found.ids == overview(data, most=10, seed=3).ids
    assert found.ids != overview(data, most=10, seed=4).ids
    whole = overview(data)
    rows = [whole.ids.index(i) for i in found.ids]
    assert np.array_equal(found.explanations.values, whole.explanations.values[rows])


def test_what_would_take_too_long_is_drawn_by_round_numbers(monkeypatch) -> None:
    monkeypatch.setattr(made, "SECONDS", 0.0)
    found = overview(people(40))
    assert (len(found), found.of) == (8, 40)
    assert [made._allowed(360, limit) for limit in (1e9, 360, 359, 200, 199.9, 7, 0.5)] == [
        360, 360, 200, 200, 100, 5, 1
    ]  # fmt: skip


def test_two_samples_are_a_split() -> None:
    found = overview(people(2))
    assert (len(found), found.of) == (2, 2)


def test_what_is_known_of_rows() -> None:
    data = people()
    near = Sample("near", data.train[0].x, "table")
    far = Sample("far", np.array([50.0, 0.0, 0.0]), "table")
    beside = replace(near, x=near.x + np.array([1e-3, 0.0, 0.0]))
    assert facts_of([near, beside, far], data)["distance"].tolist() == [0.0, 0.0, 1.0]
    same = people(train=tuple(replace(s, x=data.train[i % 2].x) for i, s in enumerate(data.train)))
    assert facts_of([near, far], same)["distance"].tolist() == [0.0, 1.0]


def test_what_is_known_of_pictures_texts_and_series() -> None:
    x = np.zeros((4, 4, 1), dtype=np.float32)
    x[1:3, 1:3] = 1.0
    picture = Sample("p", x, "image", 0)
    data = people(modality="image", columns=(), train=(picture, replace(picture, x=1 - x, label=1)))
    found = facts_of([picture], data)
    assert found["brightness"].tolist() == [0.25]
    assert found["ink"].tolist() == [0.25]
    assert found["contrast"] == pytest.approx([np.sqrt(3) / 4])
    assert found["distance"].tolist() == [0.0]
    text = Sample("t", np.array(["Good", "new", "film"]), "text", 0)
    known = people(modality="text", columns=(), train=(replace(text, x=np.array(["good", "film"])), replace(text, label=1, x=np.array(["x"]))))  # fmt: skip
    found = facts_of([text], known)
    assert {k: v.tolist() for k, v in found.items()} == {"length": [3.0], "unseen": [1 / 3]}
    wave = Sample("w", np.array([[0.0], [2.0]], dtype=np.float32), "series")
    found = facts_of([wave], people(modality="series", columns=(), train=(replace(wave, label=0), replace(wave, label=1))))  # fmt: skip
    assert {k: v.tolist() for k, v in found.items()} == {"level": [1.0], "spread": [1.0], "length": [2.0], "distance": [0.0]}  # fmt: skip


def test_groups_are_columns_of_few_words_and_entries_of_meta() -> None:
    data = people()
    rows = [replace(s, meta={"language": "en" if i else "ko", "text": f"t{i}"}) for i, s in enumerate(people(20).test)]  # fmt: skip
    assert list(groups_of(rows, data)) == ["language", "sex"]
    few = [replace(s, x=np.array([i % 3, 0.0, 0.0])) for i, s in enumerate(rows)]
    assert groups_of(few, data)["a"][:3] == ("0", "1", "2")
    assert "sex" not in groups_of(few, data)


def test_large_pictures_are_shrunk_to_means() -> None:
    x = np.arange(25, dtype=np.float64).reshape(5, 5, 1)
    small = shrunk(x, 3)[..., 0]
    assert small.shape == (3, 3)
    assert small[0, 0] == np.mean([0, 1, 5, 6])
    assert small[2, 2] == 24
    assert shrunk(x, 5) is x


def test_the_worst_errors_come_first_and_none_twice() -> None:
    data = people(labels=[0, 1, 0, 0, 1, 0])  # log-odds -5, -3, -1, 1, 3, 5
    known = scores(data.inputs("test"))
    assert [s.id for s in worst_errors(model(), data, 9, scores=known)] == ["r105", "r101", "r103"]
    found = worst_errors(model(), data, 2, [data.test[5]])
    assert [s.id for s in found] == ["r101", "r103"]
    right = people()
    assert worst_errors(model(), right, 4) == []


def test_the_worst_errors_of_values_are_the_largest() -> None:
    data = people(labels=[-5.0, -3.0, 4.0, 1.5, 0.0, 5.0], classes=(), task="regression")
    asked = model(classes=(), space="value", function=lambda xs: np.stack(xs) @ WEIGHTS[:, None])
    found = worst_errors(asked, data, 2)
    assert [s.id for s in found] == ["r102", "r104"]
    whole = make_overview(asked, data, make_method("occlusion"))
    assert whole.misses == pytest.approx([0, 0, 5, 0.5, 3, 0])
    assert not whole.wrong.any()
    assert (whole.classes, whole.task) == ((), "regression")


def test_added_errors_are_shown_and_never_counted(tmp_path) -> None:
    data = people(12, labels=[0, 0, 1, 0, *[0] * 8])
    few = data.test[:2]
    facts = {"data": data, "metrics": "fast", "methods": ["occlusion", "random"]}
    plain, more = (study(model(), few, **facts, errors=n) for n in (0, 2))
    assert more.context["added"] == ["r111", "r110"]
    assert [s.id for s in more.samples] == ["r100", "r101", "r111", "r110"]
    assert len(more.of("occlusion")) == len(more.predictions) == 4
    assert {s.of["sample"] for s in more.scores} == {"r100", "r101"}
    assert [s.value for s in more.scores] == [s.value for s in plain.scores]
    assert more.verdicts() == plain.verdicts()
    assert more.config["n"] == 2
    assert more.context["chosen"] == plain.context["chosen"]
    assert more.context["model"]["quality"] == plain.context["model"]["quality"]
    assert [s.id for s in more.measured.samples] == ["r100", "r101"]
    assert len(more.measured.of("occlusion")) == len(more.measured.predictions) == 2
    assert Run.load(more.save(tmp_path / "run")).context["added"] == ["r111", "r110"]
    assert "added" not in plain.context


def test_a_study_makes_it_when_data_are_given() -> None:
    data = people(12)
    facts = {"methods": ["random", "occlusion"], "metrics": "none"}
    run = study(model(), data.take(3), data=data, **facts)
    assert run.overview is not None
    assert (run.overview.method, len(run.overview)) == ("occlusion", 12)
    assert study(model(), data.take(3), **facts).overview is None
    assert study(model(), data.take(3), data=data, overview=False, **facts).overview is None


def test_the_cheapest_of_the_best_is_asked() -> None:
    data = people(12)
    methods = ["occlusion", "lime", "shap", "random"]
    run = study(model(), data.take(3), methods, "none", data=data, overview=False)
    chosen = {name: make_method(name) for name in methods}
    found = cheapest(run, chosen, model(), Plan(), 12)
    assert found is not None
    assert found.name == "shap"  # the additive one, though occlusion costs less
    del chosen["shap"]
    found = cheapest(run, chosen, model(), Plan(), 12)
    assert found is not None
    assert found.name == "occlusion"


def test_without_labels_nothing_is_wrong() -> None:
    data = people(labels=[None] * 6)
    run = study(model(), data.take(2), "occlusion", "none", data=data, errors=4)
    assert run.overview is not None
    assert not run.overview.wrong.any()
    assert "added" not in run.context


def test_it_comes_back_as_it_was_saved(tmp_path) -> None:
    data = people(labels=[1, 0, 0, 1, 0, None])
    marked = replace(data.test[1], rationale=np.array([True, False, True]))
    data = replace(data, test=(data.test[0], marked, *data.test[2:]))
    run = study(model(), data.take(2), "occlusion", "none", data=data)
    back, found = Run.load(run.save(tmp_path / "run")).overview, run.overview
    assert back is not None
    assert found is not None
    for name in ("ids", "labels", "groups", "columns", "classes", "modality", "task", "of"):
        assert getattr(back, name) == getattr(found, name), name
    assert np.array_equal(back.predictions, found.predictions)
    assert np.array_equal(back.explanations.values, found.explanations.values)
    assert back.facts.keys() == found.facts.keys()
    assert all(np.array_equal(back.facts[k], found.facts[k]) for k in found.facts)
    assert all(map(np.array_equal, back.inputs, found.inputs))
    kept = [None if r is None else r.tolist() for r in back.rationales]
    assert kept == [None, [True, False, True], None, None, None, None]


def test_texts_of_unlike_lengths_come_back() -> None:
    def words(xs: Any) -> np.ndarray:
        return np.array([[-float("good" in x), float("good" in x)] for x in xs])

    texts = [Sample(f"t{i}", np.array(["good"] * (i + 1)), "text", i % 2) for i in range(4)]
    data = people(modality="text", columns=(), train=tuple(texts), test=tuple(texts))
    asked = FunctionModel(words, modality="text", classes=("no", "yes"), space="logit")
    found = make_overview(asked, data, make_method("occlusion"))
    back = unpack_overview(pack_overview(found), ORIGIN)
    assert [x.tolist() for x in back.inputs] == [x.tolist() for x in found.inputs]
    assert [v.tolist() for v in back.explanations.rows] == [
        v.tolist() for v in found.explanations.rows
    ]


def damaged(change: Any) -> dict[str, np.ndarray]:
    arrays = pack_overview(overview(people(labels=[1, 0, 0, 1, 0, None])))
    about = json.loads(str(arrays["about"]))
    change(about, arrays)
    return {**arrays, "about": np.array(json.dumps(about))}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda w, a: a.pop("predictions"), "predictions"),
        (lambda w, a: a.update(predictions=np.zeros((5, 2))), "5 predictions for 6 samples"),
        (lambda w, a: a.update(predictions=np.full((6, 2), np.nan)), "predictions are no finite"),
        (lambda w, a: a.update(predictions=np.zeros((6, 3))), "names 2 classes and predicts 3"),
        (lambda w, a: a.update(facts=a["facts"] + np.inf), "no finite numbers"),
        (lambda w, a: a.update(facts=a["facts"][:, :2]), "holds 2 distance for 6"),
        (lambda w, a: a.update(inputs=a["inputs"][1:]), "17 numbers for inputs of 18"),
        (lambda w, a: a.update(shapes=a["shapes"] - 9), "inputs of shapes"),
        (lambda w, a: a.update(marked=np.ones(6)), "places of type"),
        (lambda w, a: a.update(marked=np.ones(6, bool)), "0 numbers for inputs of 18"),
        (lambda w, a: w.update(ids=["x"] * 6), "of other samples"),
        (lambda w, a: w.update(of=3), "holds 6 of 3 samples"),
        (lambda w, a: w.update(labels=[7] * 6), "the label 7 is no class"),
        (lambda w, a: w.update(labels=w["labels"][1:]), "5 labels for 6"),
        (lambda w, a: w.update(modality="smell"), "smell"),
        (lambda w, a: w.update(groups={"sex": ["f"]}), "1 sex for 6"),
        (lambda w, a: w.update(groups=[]), "no overview"),
        (lambda w, a: a.pop("explanations-values"), "values"),
    ],
)  # fmt: skip
def test_a_damaged_overview_ends_in_a_sentence(change, told) -> None:
    with pytest.raises(DataError, match=told) as caught:
        unpack_overview(damaged(change), ORIGIN)
    assert str(caught.value).startswith("'overview.npz' ")


def test_a_run_whose_overview_is_lost_or_changed_is_refused(tmp_path) -> None:
    data = people()
    run = study(model(), data.take(2), "occlusion", "none", data=data)
    folder = run.save(tmp_path / "run")
    arrays = read_arrays(folder / "overview.npz", ORIGIN)
    arrays["predictions"] = arrays["predictions"] / 2
    write_arrays(folder / "overview.npz", arrays)
    with pytest.raises(DataError, match=r"overview.npz' is not the file that was saved"):
        Run.load(folder)
    (folder / "overview.npz").unlink()
    with pytest.raises(DataError, match=r"overview.npz is missing"):
        Run.load(folder)


def test_every_status_has_its_place() -> None:
    assert set(made.STATUSES) == set(get_args(Status))
    assert made.STATUSES[:2] == HOLDS
