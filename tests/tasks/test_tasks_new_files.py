"""A saved model and a new file: the file is read as the model's task asks, or refused by name."""

import numpy as np
import pytest

from xaikit.app.brought import fitting
from xaikit.core.errors import DataError, InvalidInput
from xaikit.data import load_data
from xaikit.models import wrap
from xaikit.study.naming import named
from xaikit.tasks.sequence import numbers

SESSIONS = [["tea", "cup"], ["cup", "tea", "pot"], ["pot", "tea"], ["tea", "pot"]]


def sessions(path, chosen):
    lines = [
        f"{s},{item},{10 * s + k}" for s, row in enumerate(chosen) for k, item in enumerate(row)
    ]
    path.write_text("session,item,time\n" + "\n".join(lines), "utf-8")
    return path


def recommender(items):
    history = np.array(["tea", "cup"])
    return wrap(
        lambda rows: np.zeros((len(rows), len(items))), modality="text", task="recommendation", classes=items,
        outputs="logits", sample=history,
    )  # fmt: skip


def test_sessions_are_read_in_the_order_of_the_models_items(tmp_path) -> None:
    items = ("pot", "cup", "jug", "tea")  # one that the new file lacks
    path = sessions(tmp_path / "new.csv", SESSIONS)
    read = fitting(recommender(items), str(path), {"task": None})
    assert read == {"task": "recommendation", "classes": items}
    data = load_data(path, **read)
    assert data.classes == items
    assert [items[s.label] for s in data.test] == ["pot"]
    with pytest.raises(
        DataError, match=r"item 'pot', which is none of the 2 that are known; leave"
    ):
        load_data(path, task="recommendation", classes=("tea", "cup"))


def sayer(tokens):
    return wrap(
        lambda sources, said: np.zeros((len(sources), len(tokens))), modality="text",
        task="sequence_to_sequence", classes=tokens, sample=np.array(["a", "b"]),
    )  # fmt: skip


def test_pairs_are_read_with_the_models_tokens_and_others_are_refused(tmp_path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text(
        "source,target\n" + "".join(f"ein Wort {i},one word\n" for i in range(12)), "utf-8"
    )
    model = sayer(("</s>", "word", "one", "more"))
    own = load_data(path, task="sequence_to_sequence")
    assert own.outputs == numbers(3, ("</s>", "one", "word"))
    with pytest.raises(InvalidInput, match="says 4 tokens and the data hold 3, or others"):
        named(model, own)
    data = load_data(path, **fitting(model, str(path), {}))
    assert named(model, data) is not None
    assert data.test[0].label == (2, 1, 0)  # by the model's numbers


def test_a_forecast_is_read_as_far_as_the_model_sees_and_says(tmp_path) -> None:
    rows = np.random.default_rng(0).normal(size=(20, 6, 2))
    model = wrap(
        lambda x: x[:, -1, 1:].repeat(3, 1), modality="series", task="forecasting", names=["b"],
        background=rows, sample=rows[0],
    )  # fmt: skip
    path = tmp_path / "load.csv"
    path.write_text("a,b\n" + "\n".join(f"{i}.5,{-i}.5" for i in range(90)), "utf-8")
    read = fitting(model, str(path), {"lags": None})
    assert read == {"horizon": 3, "lags": 6, "label_column": "b"}
    assert named(model, load_data(path, **read)) is not None
    with pytest.raises(
        InvalidInput, match="forecasts 3 numbers and the data hold 5; read them with horizon=3"
    ):
        named(model, load_data(path, **(read | {"horizon": 5})))
