"""Answers that are kept: asked once, the same again, apart by model and input, damaged ones refused."""

from __future__ import annotations

import numpy as np
import pytest
from torch import nn

import xaikit
from xaikit.core.errors import InvalidInput, ModelError
from xaikit.models.remembered import Remembered

ROWS = np.random.default_rng(0).normal(size=(30, 3))
W = np.array([1.0, -2.0, 3.0])


class Service:
    """Counts the inputs that it is asked about."""

    def __init__(self, columns: bool = True) -> None:
        self.asked, self.columns = 0, columns

    def __call__(self, xs):
        self.asked += len(xs)
        found = np.asarray(xs) @ W
        return np.stack([found, -found], 1) if self.columns else found


@pytest.mark.parametrize("columns", [True, False])
def test_a_service_is_asked_once_about_each_input(tmp_path, columns) -> None:
    service = Service(columns)
    facts = {"modality": "table", "background": ROWS[:5], "outputs": "values"}
    facts |= {"names": ["a", "b"]} if columns else {}
    model = xaikit.wrap(service, cache=tmp_path / "kept", **facts)
    first = xaikit.explain(model, ROWS[20:23], "shap", target=0)
    once = service.asked
    again = xaikit.explain(model, ROWS[20:23], "shap", target=0)
    assert service.asked == once
    assert np.array_equal(first.values, again.values)
    plain = xaikit.explain(xaikit.wrap(Service(columns), **facts), ROWS[20:23], "shap", target=0)
    np.testing.assert_allclose(first.values, plain.values, atol=1e-12)
    other = Service(columns)
    later = xaikit.wrap(other, cache=tmp_path / "kept", **facts)  # another day
    tried = other.asked
    xaikit.explain(later, ROWS[20:23], "shap", target=0)
    assert other.asked == tried


def test_equal_inputs_of_one_call_are_asked_once_and_stay_in_their_places(tmp_path) -> None:
    service = Service()
    kept = Remembered(service, tmp_path, "m")
    found = kept(ROWS[[4, 5, 4, 4, 6]])
    assert service.asked == 3
    np.testing.assert_allclose(found[:, 0], ROWS[[4, 5, 4, 4, 6]] @ W)
    np.testing.assert_allclose(kept(ROWS[[6, 7]])[:, 0], ROWS[[6, 7]] @ W)
    assert service.asked == 4


def test_models_kinds_and_shapes_are_apart(tmp_path) -> None:
    asked = []

    def function(xs):
        asked.append(len(xs))
        return np.ones((len(xs), 1))

    for id, x in (
        ("a", ROWS[:1]),
        ("b", ROWS[:1]),
        ("a", ROWS[:1].reshape(1, 3, 1)),
        ("a", ROWS[:1].astype("f4")),
    ):
        Remembered(function, tmp_path, id)(x)
    assert asked == [1, 1, 1, 1]


def test_texts_are_known_by_how_they_are_written(tmp_path) -> None:
    seen = []

    def score(texts):
        seen.extend(t.written for t in texts)
        return np.array([float(len(t.written)) for t in texts])

    model = xaikit.wrap(
        score, modality="text", sample=np.array(["a", "b"]), cache=tmp_path, outputs="values"
    )
    xaikit.explain(model, "so  good", "occlusion", masker="delete")
    n = len(seen)
    xaikit.explain(model, "so  good", "occlusion", masker="delete")
    assert len(seen) == n
    xaikit.explain(model, "so good", "occlusion", masker="delete")
    assert seen[n:] == ["so good"]


def test_what_cannot_be_kept_is_a_sentence(tmp_path) -> None:
    with pytest.raises(InvalidInput, match="a Linear is asked itself; leave cache out."):
        xaikit.wrap(nn.Linear(3, 1), modality="table", background=ROWS[:3], cache=tmp_path)
    (tmp_path / "answers.sqlite").write_bytes(b"no data base" * 100)
    with pytest.raises(
        ModelError, match=r"cannot be read or kept \(file is not a database\); remove the"
    ):
        Remembered(Service(), tmp_path, "m")(ROWS[:2])
    (tmp_path / "answers.sqlite").unlink()
    with pytest.raises(ModelError, match=r"'m' gave \(1,\) for 2 inputs; give \(B, K\) scores."):
        Remembered(lambda xs: np.ones(1), tmp_path, "m")(ROWS[:2])
