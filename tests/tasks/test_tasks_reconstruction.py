"""Reconstruction: errors worked by hand, the broken column is found, and what is no anomaly is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import xaikit
from xaikit.core.errors import InvalidInput
from xaikit.data import load_data
from xaikit.models.baselines import baselines_of
from xaikit.study.plan import make_question
from xaikit.tasks import Reconstruction
from xaikit.tasks.reconstruction import auroc


@pytest.fixture(scope="module")
def data():
    return load_data("factors")


@pytest.fixture(scope="module")
def model(data):
    return xaikit.train("autoencoder", data, middle=3, progress=False)


def test_the_score_is_the_mean_of_squared_errors() -> None:
    task = Reconstruction.of(("a", "b"), (2,))
    assert task.outputs == ("anomaly score", "error of a", "error of b")
    assert task.scores(np.array([[1.0, 2.0]]), [[0.0, 4.0]]).tolist() == [[2.5, 1.0, 4.0]]
    alone = Reconstruction.of((), (1, 2, 2))
    assert alone.outputs == ("anomaly score",)
    raw, given = torch.ones(1, 1, 2, 2), torch.zeros(1, 1, 2, 2)
    given[0, 0, 0, 0] = 3
    assert alone.scores(raw, given).tolist() == [[(4 + 3) / 4]]


def test_the_area_is_the_share_of_pairs_and_its_interval_is_delongs() -> None:
    scores, odd = np.array([1.0, 2, 3, 4, 5, 6]), np.array([0, 0, 1, 0, 1, 1], bool)
    area, (low, high) = auroc(scores, odd)
    assert area == pytest.approx(8 / 9)
    variance = np.var([2 / 3, 1, 1], ddof=1) / 3 + np.var([1, 1, 2 / 3], ddof=1) / 3
    assert high - area == pytest.approx(min(1 - area, 1.96 * np.sqrt(variance)))
    assert area - low == pytest.approx(1.96 * np.sqrt(variance))


def test_a_net_of_ones_own_is_wrapped_with_its_scaling() -> None:
    net = nn.Linear(2, 2)
    with torch.no_grad():
        net.weight.copy_(torch.eye(2) * 0.5)
        net.bias.zero_()
    model = xaikit.wrap(
        net, modality="table", task="reconstruction", names=["a", "b"], mean=[1.0, 0.0],
        std=[2.0, 1.0], background=np.zeros((3, 2)),
    )  # fmt: skip
    # (3, 4) is read as (1, 4), given again as (.5, 2)
    assert model.scores([np.array([3.0, 4.0])]).tolist() == [[(0.25 + 4) / 2, 0.25, 4.0]]
    found = xaikit.explain(model, np.array([[3.0, 4.0]]), "integrated_gradients")[0]
    assert found.target_names == ("anomaly score",)


def test_the_nearest_normal_rows_stand_in_and_the_broken_column_is_found(data, model) -> None:
    odd = [s for s in data.test if s.label]
    question = make_question(model, odd[0])
    assert question.masker.name == "the 10 nearest of 1600 training rows"
    rows = model.background
    far = ((rows - odd[0].x) / rows.std(axis=0)) ** 2
    trimmed = np.sort(far, axis=1)[:, :-1].sum(axis=1)  # the one broken column does not count
    assert np.array_equal(question.masker.references, rows[np.argsort(trimmed)[:10]])
    found = xaikit.explain(model, odd, "shap")
    hits = [bool(s.rationale[np.argmax(e.values)]) for s, e in zip(odd, found, strict=True)]
    assert np.mean(hits) >= 0.9


def test_quality_stands_beside_pca(data, model) -> None:
    run = xaikit.study(model, data.test[:8], "occlusion", "none", data=data, overview=False)
    quality = run.context["model"]["quality"]
    assert quality["metric"] == "auroc"
    assert (
        quality["value"] > quality["beside"]["PCA"] > quality["beside"]["the distance to the mean"]
    )
    assert set(quality["beside"]) == {"the distance to the mean", "PCA"}
    held = baselines_of(data)["the distance to the mean"][:, 0]
    odd = np.array([s.label for s in data.test]) > 0
    assert quality["beside"]["the distance to the mean"] == pytest.approx(auroc(held, odd)[0])


def test_what_says_neither_normal_nor_anomaly_is_refused() -> None:
    with pytest.raises(InvalidInput, match="the label 2 says neither 0, normal, nor 1, an anomaly"):
        Reconstruction(("anomaly score",)).truth(2)
    with pytest.raises(InvalidInput, match="call it 'anomaly score'"):
        Reconstruction(("error",))
