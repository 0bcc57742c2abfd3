"""Forecasts: names, means, windows without a leak, causes that are known, and the refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import xaikit
from xaikit.core.errors import DataError, InvalidInput
from xaikit.data import load_data
from xaikit.data.forecasts import Windows, read_forecasts, windowed
from xaikit.data.lags import FIRST, SECOND, formula
from xaikit.models.baselines import baselines_of
from xaikit.study.plan import Plan, make_question
from xaikit.tasks import Forecasting
from xaikit.tasks.forecasting import steps

RNG = np.random.default_rng(0)


def file(tmp_path, text):
    path = tmp_path / "load.csv"
    path.write_text(text)
    return path


def hours(n, day=24, step=1):
    """Two columns, a date in front; the first repeats every day."""
    rows = [f"2020-01-{1 + t // 24:02d} {t % 24:02d}:00,{t % day},{step * t}" for t in range(n)]
    return "date,load,count\n" + "\n".join(rows) + "\n"


def test_the_numbers_are_called_by_channel_and_step() -> None:
    task = Forecasting(steps(("load", "heat"), 2))
    assert task.outputs == ("load +1", "load +2", "heat +1", "heat +2", "load mean", "heat mean")
    assert (task.channels, task.horizon, task.width) == (("load", "heat"), 2, 4)
    assert Forecasting.of(("load", "heat"), (2, 2)) == task
    assert Forecasting.of((), (3,)).outputs == ("value +1", "value +2", "value +3", "value mean")


def test_means_are_of_the_steps_of_each_channel_for_arrays_and_tensors() -> None:
    task = Forecasting(steps(("a", "b"), 2))
    raw = np.array([[1.0, 3.0, 10.0, 30.0]])
    assert task.scores(raw, None).tolist() == [[1, 3, 10, 30, 2, 20]]
    at = torch.tensor(raw, requires_grad=True)
    found = task.scores(at, None)
    assert found.tolist() == [[1, 3, 10, 30, 2, 20]]
    (slope,) = torch.autograd.grad(found[0, 5], at)
    assert slope.tolist() == [[0, 0, 0.5, 0.5]]


def test_the_measures_are_those_worked_by_hand() -> None:
    task = Forecasting(steps(("a",), 2))
    labels = [(0.0, 2.0), (4.0, 6.0)]  # mean 3, variance 5
    scores = np.array([[0.0, 2.0, 1.0], [4.0, 8.0, 6.0]])
    found = task.measures(scores, labels)
    assert found["mse"] == pytest.approx(4 / 4 / 5)
    assert found["r2"] == pytest.approx(1 - 0.2)
    assert found["mae_each"] == [0.5]


def test_windows_never_cross_a_cut_with_what_they_forecast(tmp_path) -> None:
    data = read_forecasts(file(tmp_path, hours(400)), Windows(horizon=5, lags=24), target="count")
    starts = {}
    for part in ("train", "val", "test"):
        starts[part] = [(s.x[-1, 1], s.label[0], s.label[-1]) for s in getattr(data, part)]
        assert all(first == last + 1 for last, first, _ in starts[part])
    assert max(last for _, _, last in starts["train"]) == 239  # 60 % of 400 rows
    assert min(first for _, first, _ in starts["val"]) == 240
    assert max(last for _, _, last in starts["val"]) == 319
    assert (starts["test"][0][1], starts["test"][-1][2]) == (320, 399)
    assert data.outputs == steps(("count",), 5)
    assert data.test[0].id == "2020-01-14 08:00"


def test_the_usual_day_stands_in_for_what_is_removed_around_the_own_mean(tmp_path) -> None:
    data = read_forecasts(file(tmp_path, hours(400)), Windows(horizon=5, lags=24), target="count")
    model = xaikit.wrap(
        lambda x: x[:, -5:, 1], modality="series", task="forecasting", names=["count"],
        background=np.stack(data.inputs("train")[:5]),
    )  # fmt: skip
    sample = data.test[0]
    question = make_question(model, sample)
    assert question.segmentation.source == "24 windows of 1 step in each of 2 channels"
    (reference,) = question.masker.references
    assert np.allclose(reference[:, 0], sample.x[:, 0])  # the load repeats every day
    mean = sample.x[:, 1].mean()
    assert reference[:, 1].mean() == pytest.approx(mean, rel=1e-5)
    assert np.corrcoef(reference[:, 1], sample.x[:, 1])[0, 1] < 0.9


def test_without_a_usual_day_the_series_own_default_is_used() -> None:
    samples = [xaikit.Sample("a", RNG.normal(size=(12, 1)), "series")]
    model = xaikit.wrap(
        lambda x: x[:, -3:, 0], modality="series", task="forecasting", sample=samples[0].x
    )
    assert make_question(model, samples[0]).masker.name == "own mean of each channel"
    with pytest.raises(InvalidInput, match="the masker 'profile' needs what is usual"):
        make_question(model, samples[0], Plan(masker="profile"))


def test_the_share_of_a_mean_is_the_mean_of_the_shares(tmp_path) -> None:
    data = load_data("lags")
    model = xaikit.train("mixer_1d", data, epochs=1, width=4, progress=False)
    plan = Plan(features="windows:4")
    every = [
        xaikit.explain(model, data.test[0], "shap", plan=replace(plan, target=f"y +{h}"), seed=3)[0]
        for h in range(1, 7)
    ]
    mean = xaikit.explain(model, data.test[0], "shap", plan=replace(plan, target="y mean"), seed=3)[
        0
    ]
    assert mean.values == pytest.approx(np.mean([e.values for e in every], axis=0), abs=1e-6)
    folder = xaikit.save_model(model, tmp_path / "model")
    again = xaikit.load_model(folder)
    assert again.task == model.task
    assert np.array_equal(
        again.scores(data.inputs("test")[:4]), model.scores(data.inputs("test")[:4])
    )


def test_a_channel_that_the_net_cannot_see_gets_exactly_nothing() -> None:
    rows = RNG.normal(size=(300, 3)).cumsum(axis=0)
    data = windowed(
        rows, ("a", "b", "c"), Windows(horizon=4, lags=16, period=4), wanted=[0, 1, 2], dates=None,
        name="walks", source="walks",
    )  # fmt: skip
    model = xaikit.train(
        "patch_transformer", data, epochs=1, width=8, depth=1, heads=2, patch=4, progress=False
    )
    for method in ("integrated_gradients", "occlusion", "saliency", "shap"):
        found = xaikit.explain(model, data.test[0], method, target="b +3")[0]
        own = np.array([e.startswith("b,") for e in found.names])
        assert np.abs(found.values[own]).max() > 0.1 * np.abs(found.values).max()
        off = np.abs(found.values[~own])
        assert np.all(off == 0) if found.std is None else np.all(off <= 4 * found.std[~own])


def test_planted_lags_are_found_by_shap_and_the_decoy_is_not() -> None:
    class Formula(nn.Module):
        """The rule that made the data, of the last step."""

        def forward(self, x):  # (B, 48, 5)
            last = x.shape[1] + 5
            one = 0.9 * x[:, last - FIRST, 0]
            two = torch.tanh(1.5 * x[:, last - SECOND, 1]) * (x[:, last - SECOND, 2] > 0)
            return (one + 1.2 * two)[:, None].repeat(1, 6)

    data = load_data("lags")
    model = xaikit.wrap(
        Formula(), modality="series", layout="BLC", task="forecasting", names=["y"],
        background=np.stack(data.inputs("train")[:50]),
    )  # fmt: skip
    rows = np.stack(data.inputs("test")[:1])[0]
    true = formula(np.concatenate([rows, np.zeros((6, 5))]))[-1]
    assert model.scores([rows])[0, 5] == pytest.approx(true, rel=1e-5)
    for e, sample in zip(xaikit.explain(model, data.test[:6], "shap"), data.test, strict=False):
        asked = np.unique(e.segmentation.ids[sample.rationale])
        others = np.delete(np.abs(e.values), asked)
        assert others.max() < 0.05 * np.abs(e.values).max()


def test_simple_answers_are_right_where_they_must_be(tmp_path) -> None:
    data = read_forecasts(file(tmp_path, hours(400, step=0.5)), Windows(horizon=30, lags=48))
    found = baselines_of(data)
    task, labels = Forecasting(data.outputs), [s.label for s in data.test]
    load = slice(0, 30)
    truth = np.stack([task.truth(label) for label in labels])
    assert np.array_equal(found["the value one period before"][:, load], truth[:, load])
    assert np.all(found["the last value"][:, 30:60] == np.array([[s.x[-1, 1]] for s in data.test]))
    assert task.measures(found["ridge on the lags"], labels)["r2"] > 0.999


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("date,a\n2020-01-02,1\n2020-01-01,2\n", "line 3 of .* goes back in time"),
        ("date,a\nyesterday,1\ntoday,2\n", "has 'yesterday' in 'date', which is no date"),
        ("date,town,a\n2020-01-01,x,1\n", "holds words in date, town"),
        ("date,a\n2020-01-01,1\n2020-01-02,\n", "line 3 of .* has no number in column 'a'"),
        ("date,a\n2020-01-01,1\n2020-01-02,2\n", "has 2 rows, cut at 1, 2, 2; windows of 96 and 2"),
    ],
)
def test_what_is_no_series_of_numbers_is_refused(tmp_path, text, said) -> None:
    with pytest.raises(DataError, match=said):
        load_data(file(tmp_path, text), horizon=2)


def test_words_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InvalidInput, match="call them by channel and step"):
        Forecasting(("monday", "tuesday"))
    with pytest.raises(InvalidInput, match="a tuple of the 2 values that came"):
        Forecasting(steps(("a",), 2)).truth((1.0,))
    with pytest.raises(InvalidInput, match="'patch_transformer' does no classification"):
        xaikit.train("patch_transformer", load_data("waves"), progress=False)
    with pytest.raises(InvalidInput, match="lags is 0; it must be 1 or more"):
        Windows(horizon=2, lags=0)


DAYS = [f"{d:02d}.01.2021" for d in range(1, 31)]
VALUES = RNG.normal(size=30).round(2)


def test_a_file_of_another_country_is_read_as_it_is_meant(tmp_path) -> None:
    cells = (str(v).replace(".", ",") for v in VALUES)
    days = "\n".join(f"{d};{cell}" for d, cell in zip(DAYS, cells, strict=True))
    path = tmp_path / "last.csv"
    path.write_bytes(f"Tag;전력\n{days}\n".encode("cp949"))
    data = load_data(path, horizon=2, lags=4)
    assert (data.outputs[0], data.train[0].id) == ("전력 +1", "05.01.2021")
    np.testing.assert_allclose(data.train[0].x[:, 0], VALUES[:4], rtol=1e-6)


@pytest.mark.parametrize(
    ("days", "said"),
    [
        ([*range(10), *range(14, 34)], "line 12 of .* leaps from 2021-01-10 to 2021-01-15; fill"),
        ([*range(10), *range(9, 29)], "line 12 of .* says the same time again"),
    ],
)
def test_gaps_and_times_that_stand_twice_are_refused(tmp_path, days, said) -> None:
    first = np.datetime64("2021-01-01")
    rows = "\n".join(f"{first + d},{v}" for d, v in zip(days, VALUES, strict=True))
    with pytest.raises(DataError, match=said):
        load_data(file(tmp_path, f"day,a\n{rows}\n"), horizon=2, lags=4)


def test_weekends_are_no_gaps_and_counters_no_series(tmp_path) -> None:
    days = [np.datetime64("2021-01-04") + 7 * (i // 5) + i % 5 for i in range(30)]
    text = "day,n,a\n" + "\n".join(f"{d},{7 + i},{VALUES[i]}" for i, d in enumerate(days)) + "\n"
    path = file(tmp_path, text)
    assert load_data(path, horizon=2, lags=4, drop=["n"]).outputs[0] == "a +1"
    assert load_data(path, horizon=2, lags=4, label_column="a").columns[0].name == "n"
    with pytest.raises(DataError, match="column 'n' of 'load.csv' counts rows or time"):
        load_data(path, horizon=2, lags=4)
    for told in ({"columns": ["a"]}, {"test": path}, {"task": "classification"}):
        with pytest.raises(InvalidInput, match=f"leave {next(iter(told))} out"):
            load_data(path, horizon=2, lags=4, **told)
