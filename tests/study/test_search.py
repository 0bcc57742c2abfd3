"""A search for settings: on rows of the training split, the untuned result beside it."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

import numpy as np
import pytest
from toy_zoo import toy_data

from xaikit.core.errors import InvalidInput
from xaikit.core.sample import MODALITIES
from xaikit.models.assembly import settable
from xaikit.models.training import train
from xaikit.models.zoo import ZOO
from xaikit.study.compare.spaces import SPACES
from xaikit.study.compare.tuning import inner
from xaikit.study.search import _family, train_tuned

TUNER = importlib.util.find_spec("optuna") is not None


def test_the_rows_that_settings_are_chosen_on_are_training_rows() -> None:
    data = toy_data("table", 60)
    held = inner(data, 0)
    ids = [{s.id for s in part} for part in (held.train, held.test, data.train, data.test)]
    assert ids[0] | ids[1] == ids[2]
    assert not ids[0] & ids[1]
    assert not ids[1] & ids[3]
    assert len(ids[1]) == 6
    assert np.bincount([s.label for s in held.test]).tolist() == [2, 2, 2]


@pytest.mark.parametrize(
    ("name", "kind", "family"),
    [("lenet", "image", "cnn"), ("mlp", "image", "mlp"), ("bert_small", "text", "transformer")],
)
def test_a_model_is_searched_as_its_family_is(name: str, kind: str, family: str) -> None:
    data = toy_data(kind)
    assert _family(name, data).name == family
    inputs = MODALITIES.get(kind).inputs
    assert {*SPACES[family]} <= {
        *settable(ZOO.get(name), inputs),
        *vars(ZOO.get(name).recipes[inputs]),
    }


@pytest.mark.skipif(not TUNER, reason="optuna is not installed")
def test_a_tuned_model_holds_what_was_tried_and_the_untuned_result() -> None:
    data = toy_data("table", 60)
    model = train_tuned("logistic", data, 3, device="cpu", progress=False, epochs=None)
    told = model.info["tuning"]
    assert told["trials"] == 3
    own = train("logistic", data, progress=False)
    assert told["untuned"] == own.info["metrics"]
    again = train("logistic", data, progress=False, **told["params"])
    xs = data.inputs("test")
    np.testing.assert_array_equal(model.scores(xs), again.scores(xs))
    kept = replace(data, facts={"group": "speaker"})
    with pytest.raises(InvalidInput, match="rows of one speaker stay together and a search would"):
        train_tuned("logistic", kept, 3)
    with pytest.raises(InvalidInput, match="C is set and searched for"):
        train_tuned("logistic", data, 3, C=1.0)
    with pytest.raises(InvalidInput, match="trials is 1; it must be 2 or more"):
        train_tuned("logistic", data, 1)
    with pytest.raises(InvalidInput, match="nothing is known to search for in 'tcn_1d'"):
        train_tuned("tcn_1d", toy_data("series"), 3)


@pytest.mark.skipif(TUNER, reason="optuna is installed")
def test_a_search_without_its_package_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match=r"pip install 'xaikit\[tune\]'"):
        train_tuned("logistic", toy_data("table"), 3)
