"""Interactions of a sample: closed forms, trees against all coalitions, what people get to see."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from toys import FunctionModel, ask_table, linear
from typer.testing import CliRunner

import xaikit
from xaikit.core.errors import DataError, InvalidInput, OutOfBudget
from xaikit.core.interactions import Interactions
from xaikit.core.types import Sample, Segmentation
from xaikit.shapley.game import Game
from xaikit.shapley.interactions import INDICES, enumerated_values
from xaikit.study.interactions import interactions, interactions_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(160, 6))
Y = (X[:, 0] * X[:, 1] + X[:, 2] > 0).astype(int)


def product(n: int = 3, weight: float = 1.0) -> FunctionModel:
    """x0 x1 + weight x2, whatever else there is."""
    return FunctionModel(lambda x: (x[:, 0] * x[:, 1] + weight * x[:, 2])[:, None])


def row(model: FunctionModel, x, **changes) -> Interactions:
    return interactions_of(ask_table(model, x), **changes)


@pytest.mark.parametrize("index", INDICES)
def test_a_product_is_one_pair(index) -> None:
    found = row(product(), [2.0, 3.0, 5.0], index=index)
    assert found.between("x1", "x0") == pytest.approx(6.0)
    assert found.between(0, 2) == pytest.approx(0.0, abs=1e-12)
    assert found.between("x2") == pytest.approx(5.0)
    assert found.between("x0") == pytest.approx(3.0 if index == "SII" else 0.0, abs=1e-12)
    assert (found.estimator, found.evaluations, found.std.max()) == ("exact", 8, 0.0)
    assert found.matrix()[1, 0] == found.matrix()[0, 1] == found.between(0, 1)
    assert found.matrix()[2, 2] == found.between(2)


def test_a_linear_model_has_no_pair() -> None:
    model = xaikit.wrap(lambda x: x @ np.arange(1.0, 5.0), modality="table", background=X[:20, :4])
    found = interactions(model, X[30, :4])
    assert max(abs(v) for _, v, _ in found.top(9, size=2)) < 1e-12
    shap = xaikit.explain(model, X[30, :4], "shap").values[0]
    np.testing.assert_allclose(np.diag(found.matrix()), shap, atol=1e-10)
    assert row(linear([1.0, 2.0]), [1.0, 1.0], order=1).top(1) == [(("x1",), 2.0, 0.0)]


FORESTS = [
    RandomForestClassifier(12, max_depth=5, random_state=0),
    GradientBoostingRegressor(n_estimators=15, random_state=0),
    HistGradientBoostingClassifier(max_iter=8, min_samples_leaf=5, random_state=0),
]


@pytest.mark.parametrize("estimator", FORESTS, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("grouped", [False, True], ids=["columns", "groups"])
def test_trees_are_all_coalitions(estimator, grouped) -> None:
    model = xaikit.wrap(estimator.fit(X[:120], Y[:120]), modality="table", background=X[:9])
    cut = Segmentation([0, 1, 1, 2, -1, 3], tuple("abcd"), "groups") if grouped else "auto"
    question = xaikit.make_question(model, Sample("s", X[140], "table"), xaikit.Plan(features=cut))
    for index, order in (("k-SII", 2), ("FSII", 3), ("STII", 2), ("SII", 2)):
        found = interactions_of(question, order, index)
        game = Game(question.value, question.n_features)
        every = enumerated_values(game, index, order).values
        assert (found.estimator, found.evaluations) == ("tree", 0)
        np.testing.assert_allclose(found.values, every, atol=1e-6)
        assert np.abs(found.values[question.n_features :]).max() > 0.001


def test_many_features_are_sampled_with_error_bars_and_repeat() -> None:
    w = RNG.normal(size=(24, 24)) * (RNG.random((24, 24)) < 0.1)
    model = FunctionModel(lambda x: (np.einsum("bi,ij,bj->b", x, w, x) + x[:, 0] ** 3)[:, None])
    question = ask_table(model, np.ones(24))
    found = interactions_of(question, budget=1500, seed=1)
    assert found.estimator == "sampled"
    assert found.evaluations <= 1500
    np.testing.assert_allclose(
        found.matrix()[np.triu_indices(24, 1)], (w + w.T)[np.triu_indices(24, 1)], atol=1e-8
    )
    assert found.values.sum() == pytest.approx(found.output - found.empty)
    again = interactions_of(ask_table(model, np.ones(24), batch_size=5), budget=1500, seed=1)
    np.testing.assert_allclose(found.values, again.values, atol=1e-12)


def test_words_of_a_text_that_count_together_are_a_pair() -> None:
    def score(texts) -> np.ndarray:
        return np.array([[3.0 * ("not" in t and "good" in t)] for t in texts])

    model = xaikit.wrap(score, modality="text", sample=np.array(["not", "good"]))
    found = interactions(model, "this is not good")
    assert found.top(1)[0][:2] == (("not", "good"), pytest.approx(3.0))


def test_what_cannot_be_answered_is_a_sentence() -> None:
    model = product()
    with pytest.raises(InvalidInput, match="index is 'shap'; use one of k-SII, SII, STII, FSII."):
        row(model, [1.0, 2.0, 3.0], index="shap")
    with pytest.raises(InvalidInput, match="order is 0 and there are 3 features; give 1 to 3."):
        row(model, [1.0, 2.0, 3.0], order=0)
    with pytest.raises(OutOfBudget, match="budget is 10 and interactions of 20 features need at"):
        row(FunctionModel(lambda x: x[:, :1]), np.ones(20), budget=10)
    with pytest.raises(InvalidInput, match="budget is 'much'; give 'auto' or a whole number."):
        row(model, [1.0, 2.0, 3.0], budget="much")
    wrapped = xaikit.wrap(lambda x: x[:, 0], modality="table", background=X[:4])
    with pytest.raises(InvalidInput, match="3 samples were given; ask for the interactions of one"):
        interactions(wrapped, X[:3])
    found = row(model, [1.0, 2.0, 3.0])
    with pytest.raises(InvalidInput, match="there is no set of 'x9'; name one to 2 different"):
        found.between("x9")
    with pytest.raises(InvalidInput, match="there is no set of 'x0', 'x0'"):
        found.between("x0", "x0")
    with pytest.raises(DataError, match="these are no interactions"):
        Interactions.from_json({"sets": []})
    with pytest.raises(DataError, match="these are no interactions"):
        Interactions.from_json({**found.to_json(), "sets": [[7]] * len(found.sets)})


def test_a_result_is_a_frame_json_a_picture_and_a_card(tmp_path) -> None:
    found = row(product(weight=-4.0), [2.0, 3.0, 5.0])
    back = Interactions.from_json(json.loads(json.dumps(found.to_json())))
    assert (back.sets, back.index, back.names) == (found.sets, found.index, found.names)
    assert np.array_equal(back.values, found.values)
    frame = found.to_frame()
    assert frame.loc[frame["features"] == ("x0", "x1"), "value"].item() == pytest.approx(6.0)
    axes = found.plot().axes[0]
    assert [t.get_text() for t in axes.get_xticklabels()] == ["x2", "x0", "x1"]
    assert axes.images[0].get_array()[1, 2] == pytest.approx(6.0)
    for name in ("a.png", "a.svg", "a.html"):
        assert found.save(tmp_path / name).stat().st_size > 500
    card = (tmp_path / "a.html").read_text()
    assert "x0 × x1" in card
    assert "−20.0" in card
    assert "대각선" in found.save(tmp_path / "k.html", language="ko").read_text()
    with pytest.raises(InvalidInput, match=r"ends with '.gif'; name it .png, .svg or .html."):
        found.save(tmp_path / "a.gif")


def test_a_name_that_is_markup_stays_text() -> None:
    question = ask_table(product(), [2.0, 3.0, 5.0])
    cut = Segmentation(np.arange(3), ("<script>alert(1)</script>", "b", "c"), "by hand")
    found = interactions_of(
        xaikit.make_question(
            question.model, question.sample, xaikit.Plan(features=cut, masker=question.masker)
        )
    )
    assert "<script>" not in found._repr_html_()
    assert "&lt;script&gt;" in found._repr_html_()


def test_the_command_prints_and_saves(tmp_path, monkeypatch) -> None:
    from xaikit.app.cli import app

    monkeypatch.chdir(tmp_path)
    words = [
        "interactions",
        "forest",
        "-d",
        "wine",
        "--sample",
        "",
        "--out",
        "pairs.html",
        "--json",
    ]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["estimator"] == "tree"
    assert "<table>" in (tmp_path / "pairs.html").read_text()
    done = CliRunner().invoke(
        app, ["interactions", "runs/wine-forest", "-d", "wine", "--order", "1"]
    )
    assert "proline" in done.stdout
    assert "tree, 0 evaluations" in done.stdout
    done = CliRunner().invoke(
        app, ["interactions", "runs/wine-forest", "-d", "wine", "--sample", "no"]
    )
    assert "--sample is no and no test sample has that id; they are" in str(done.exception)
