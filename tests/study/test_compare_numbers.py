"""The comparison of models: every number on a split small enough to be worked out beside it."""

from __future__ import annotations

import importlib
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import spearmanr
from toys import FunctionModel

from xaikit.core.errors import InvalidInput
from xaikit.core.stats import bootstrap_interval, wilson
from xaikit.core.types import Sample
from xaikit.data.dataset import Column, Dataset
from xaikit.models import train
from xaikit.report import write_comparison
from xaikit.study.compare import compare

HOME = importlib.import_module("xaikit.study.compare")  # `xaikit.study` is a function too
NAMES = ("a", "b", "c", "d")
GROUND = np.random.default_rng(0).normal(size=(3, 4))  # background of the stand-ins


def table(n: int = 120, n_test: int = 40, classes: tuple[str, ...] = ("no", "yes")) -> Dataset:
    """Two classes (or a number) that the first columns decide up to some noise."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=(n + 30 + n_test, 4))
    y = x @ [2.0, -1.0, 0.5, 0.0] + rng.normal(size=len(x))
    labels = (y > 0).astype(int).tolist() if classes else y.tolist()
    rows = [
        Sample(f"r{i}", row, "table", label)
        for i, (row, label) in enumerate(zip(x, labels, strict=True))
    ]
    return Dataset(
        "small", "table", "classification" if classes else "regression", classes,
        tuple(rows[:n]), tuple(rows[n : n + 30]), tuple(rows[n + 30 :]),
        columns=tuple(Column(name) for name in NAMES), source="made here",
    )  # fmt: skip


def by_id(found: dict, what: str = "models") -> dict:
    return {m["id"]: m for m in found[what]}


def pair(found: dict, a: str, b: str) -> dict:
    return next(p for p in found["pairs"] if (p["a"], p["b"]) == (a, b))


# The whole way with trained models; each number once more from models trained here.


@pytest.fixture(scope="module")
def whole() -> tuple[Dataset, dict]:
    data = table()
    return data, compare(data, models="logistic,tree", n=12, seed=3, device="cpu")


def test_quality_and_its_difference_are_those_of_the_same_test_rows(whole) -> None:
    data, found = whole
    labels = np.array([s.label for s in data.test])
    right = {}
    for name in ("logistic", "tree"):
        scores = train(name, data, seed=3, progress=False).scores([s.x for s in data.test])
        right[name] = (scores.argmax(axis=1) == labels).astype(float)
        entry = by_id(found)[name]
        assert entry["accuracy"] == pytest.approx(right[name].mean())
        assert entry["correct"] == right[name].sum()
        assert entry["interval"] == pytest.approx(wilson(int(right[name].sum()), 40))
    mine = pair(found, "logistic", "tree")
    differences = right["tree"] - right["logistic"]  # positive where the second is better
    assert differences.mean() < 0
    assert mine["difference"] == pytest.approx(differences.mean())
    assert mine["interval"] == pytest.approx(bootstrap_interval(differences))


def test_calibration_is_the_stated_against_the_seen_in_groups_of_equal_size(whole) -> None:
    data, found = whole
    model = train("logistic", data, seed=3, progress=False)
    stated = softmax(model.scores([s.x for s in data.test]), axis=1)[:, 1]
    truth = np.array([s.label for s in data.test])[np.argsort(stated)].reshape(8, 5)
    groups = np.sort(stated).reshape(8, 5)
    bins = by_id(found)["logistic"]["calibration"]
    assert [b["n"] for b in bins] == [5] * 8
    assert [b["p"] for b in bins] == pytest.approx(groups.mean(axis=1))
    assert [b["observed"] for b in bins] == pytest.approx(truth.mean(axis=1))
    for b, right in zip(bins, truth, strict=True):
        assert (b["lo"], b["hi"]) == pytest.approx(wilson(int(right.sum()), 5))
    gap = np.abs(groups.mean(axis=1) - truth.mean(axis=1)).mean()
    assert by_id(found)["logistic"]["ece"] == pytest.approx(gap)


def test_the_page_of_the_whole_comparison_can_be_written(whole, tmp_path) -> None:
    _data, found = whole
    html = write_comparison(found, tmp_path / "x.html").read_text(encoding="utf-8")
    shown = f"{100 * by_id(found)['logistic']['accuracy']:.1f}\u00a0%"
    assert shown in html
    assert found["data"]["n_train"] == 120
    assert found["data"]["n_test"] == 40
    assert found["data"]["n_features"] == 4


# The arithmetic, with models in closed form in place of trained ones.


class Trained:
    """Stands for `train`: linear log-odds that depend on the name, the seed and nothing else."""

    def __init__(self, weights: dict[str, list[list[float]]]) -> None:
        self.weights, self.calls = weights, []

    def __call__(self, name: str, data: Dataset, *, seed: int = 0, **_) -> FunctionModel:
        self.calls.append((name, seed, data))
        rows = self.weights[name]
        w = np.array(rows[seed % len(rows)])
        columns = (
            (lambda z: np.stack([0 * z, z], axis=1)) if data.classes else (lambda z: z[:, None])
        )
        family = "sklearn" if name.startswith("ml") else "mlp"
        return FunctionModel(
            lambda x: columns(x @ w), classes=data.classes, background=GROUND,
            space="logit" if data.classes else "value", id=f"{data.name}-{name}",
            info={"family": family, "n_parameters": 5, "bytes": 40, "fit_seconds": 0.25},
        )  # fmt: skip


WEIGHTS = {
    "ml one": [[2.0, -1.0, 0.5, 0.0]],  # the same whatever the seed
    "net": [[1.0, 2.0, -0.5, 0.1], [0.3, 0.2, -2.0, 1.0]],  # even and odd seeds differ
}


@pytest.fixture
def trained(monkeypatch) -> Trained:
    stand_in = Trained(WEIGHTS)
    monkeypatch.setattr(HOME, "train", stand_in)
    return stand_in


def asked(data: Dataset, **changes) -> dict:
    known = {"models": list(WEIGHTS), "n": 12, "seed": 4, "learning": False}
    return compare(data, **known | changes)


def strengths(data: Dataset, weights: list[float], n: int = 12) -> np.ndarray:
    """(n, 4) |SHAP| of a linear model of one log-odds: w (x - mean of the background)."""
    x = np.stack([s.x for s in data.test[:n]])
    return np.abs(np.array(weights) * (x - GROUND.mean(axis=0)))


def test_each_model_has_a_twin_of_the_next_seed_on_the_same_rows(trained) -> None:
    data = table()
    asked(data)
    seeds = {(name, seed) for name, seed, _ in trained.calls if name in WEIGHTS}
    assert seeds == {(name, seed) for name in WEIGHTS for seed in (4, 5)}
    assert all(d.train == data.train and d.test == data.test for _, _, d in trained.calls)


def test_agreement_is_the_rank_correlation_of_shap_with_the_twin_and_the_first(trained) -> None:
    data = table()
    found = {(r["a"], r["b"]): r for r in asked(data)["agreement"]}
    one, net, twin = (
        strengths(data, w) for w in (WEIGHTS["ml one"][0], WEIGHTS["net"][0], WEIGHTS["net"][1])
    )
    for key, left, right in (
        (("ml one", "ml one"), one, one),
        (("net", "net"), net, twin),
        (("ml one", "net"), one, net),
    ):
        ranks = [spearmanr(x, y).statistic for x, y in zip(left, right, strict=True)]
        assert found[key]["value"] == pytest.approx(np.mean(ranks))
    assert found["ml one", "ml one"]["note"] == {"key": "compare.agree.fixed", "numbers": {}}
    assert found["net", "net"]["note"] == ""
    ranks = [spearmanr(x, y).statistic for x, y in zip(net, twin, strict=True)]
    # the mean of 12 such correlations moves in steps of 1 / 60, and rounding may cost one of them
    step = 1 / 60 + 1e-9
    assert found["net", "net"]["interval"] == pytest.approx(bootstrap_interval(ranks), abs=step)


def test_few_samples_give_no_interval(trained) -> None:
    assert all("interval" not in r for r in asked(table(), n=9)["agreement"])
    few = asked(table(n_test=9))
    assert pair(few, "ml one", "net") == {
        "a": "ml one", "b": "net", "rope": 0.01, "verdict": "not_settled",
        "difference": pair(few, "ml one", "net")["difference"],
    }  # fmt: skip


def test_evidence_is_each_features_share_of_all_strength(trained) -> None:
    data = table()
    found = asked(data)["evidence"]
    shares = {}
    for name in WEIGHTS:
        mean = strengths(data, WEIGHTS[name][0]).mean(axis=0)
        shares[name] = mean / mean.sum()
    rows = {r["feature"]: r["shares"] for r in found["rows"]}
    assert sum(r["net"] for r in rows.values()) == pytest.approx(1.0)
    order = np.argsort(-np.maximum(*shares.values()))
    assert [r["feature"] for r in found["rows"]] == [_names(data)[i] for i in order]
    for i, feature in enumerate(_names(data)):
        assert rows[feature] == pytest.approx({k: v[i] for k, v in shares.items()})
    assert found["n_features"] == 4
    assert found["unit"] == "log-odds"


def _names(data: Dataset) -> list[str]:
    return [f"x{i}" for i in range(4)]  # the stand-ins know no columns


def test_the_explained_class_is_the_true_one(trained, monkeypatch) -> None:
    """The true class and not the predicted one: the strengths stay, the log-odds turn."""
    seen = []
    real = HOME.make_question

    def watched(model, sample, plan):
        seen.append((sample.label, plan.target.index))
        return real(model, sample, plan)

    monkeypatch.setattr(HOME, "make_question", watched)
    asked(table())
    assert seen
    assert all(label == index for label, index in seen)
    assert {label for label, _ in seen} == {0, 1}


@pytest.mark.parametrize(
    ("one", "other", "verdict"),
    [
        (range(400), range(400), "equal"),
        (range(400), range(300), "a_better"),
        (range(300), range(400), "b_better"),
        (range(400), range(394), "a_better"),  # by little for certain, by more than that perhaps
        (range(394), range(400), "b_better"),
        (range(8, 400), range(392), "not_settled"),
    ],
)
def test_the_verdict_follows_the_interval_and_the_band_that_does_not_matter(
    one, other, verdict, monkeypatch
) -> None:
    """400 test rows, of which the first model knows `one` and the second `other`."""
    rows = [Sample(f"r{i}", np.array([1.0, float(i)]), "table", i % 2) for i in range(400)]
    data = Dataset("band", "table", "classification", ("no", "yes"), *(tuple(rows),) * 3)

    def knowing(known: range) -> FunctionModel:
        def scores(x: np.ndarray) -> np.ndarray:
            i = x[:, 1].round().astype(int)
            said = np.where(np.isin(i, known), i % 2, 1 - i % 2)
            return np.eye(2)[said]

        return FunctionModel(
            scores, classes=data.classes, space="logit", background=np.zeros((1, 2))
        )

    models = {"first": knowing(one), "second": knowing(other)}
    monkeypatch.setattr(HOME, "train", lambda name, *_, **__: models[name])
    found = pair(compare(data, models="first,second", n=2, learning=False), "first", "second")
    assert found["difference"] == pytest.approx((len(other) - len(one)) / 400)
    assert found["verdict"] == verdict
    if verdict == "not_settled":
        low, high = found["interval"]
        assert found["needed"] == int(np.ceil(400 * ((high - low) / 0.02) ** 2))


def test_a_regression_is_measured_by_r2_of_each_row(trained) -> None:
    data = table(classes=())
    found = asked(data, models=["ml one", "net"])
    x = np.stack([s.x for s in data.test])
    y = np.array([s.label for s in data.test])
    gains = {}
    for name in WEIGHTS:
        error = y - x @ np.array(WEIGHTS[name][0])
        gains[name] = 1 - error**2 / y.var()
        entry = by_id(found)[name]
        assert entry["accuracy"] == pytest.approx(
            1 - (error**2).sum() / ((y - y.mean()) ** 2).sum()
        )
        assert entry["interval"] == pytest.approx(bootstrap_interval(gains[name]))
        assert "calibration" not in entry
    assert found["metric"] == "r2"
    difference = (gains["net"] - gains["ml one"]).mean()
    assert pair(found, "ml one", "net")["difference"] == pytest.approx(difference)


def test_learning_curves_are_three_draws_a_share_on_the_same_test_rows(trained) -> None:
    data = table()
    curves = {c["model"]: c["points"] for c in asked(data, learning=True)["learning"]}
    own = {s.id for s in data.train}
    for name in WEIGHTS:
        points = curves[name]
        assert [p["n"] for p in points] == [12, 30, 60, 120]
        draws = [(s, d) for n, s, d in trained.calls if n == name and len(d.train) < 120]
        assert [len(d.train) for _, d in draws] == [12] * 3 + [30] * 3 + [60] * 3
        assert [s for s, _ in draws] == [4, 5, 6] * 3
        for start in range(0, 9, 3):
            sets = [frozenset(s.id for s in d.train) for _, d in draws[start : start + 3]]
            assert len(set(sets)) == 3
            assert all(x < own for x in sets)
        for _, d in draws:
            assert len({s.id for s in d.train}) == len(d.train)  # no row twice
            assert min(np.bincount(d.labels("train"), minlength=2)) >= 2
            assert (d.test, d.val) == (data.test, data.val)
    x, y = np.stack(data.inputs("test")), data.labels("test")
    right = [float(((x @ np.array(w) > 0) == y).mean()) for w in WEIGHTS["net"]]
    values = [right[0], right[1], right[0]]  # seeds 4, 5 and 6
    for key, drawn in (("value", np.mean(values)), ("low", min(values)), ("high", max(values))):
        assert [p[key] for p in curves["net"]] == pytest.approx([drawn] * 3 + [right[0]])


def test_both_models_learn_from_the_same_draws(trained) -> None:
    asked(table(), learning=True)
    drawn = {
        name: [tuple(s.id for s in d.train) for n, _, d in trained.calls if n == name]
        for name in WEIGHTS
    }
    assert drawn["ml one"] == drawn["net"]


def test_a_class_of_two_rows_is_in_every_draw(trained) -> None:
    data = table()
    rare = tuple(replace(s, label=int(i in (50, 90))) for i, s in enumerate(data.train))
    asked(replace(data, train=rare), learning=True)
    assert all((d.labels("train") == 1).sum() == 2 for _, _, d in trained.calls)


def test_cost_and_family_are_told_in_their_units(trained, monkeypatch) -> None:
    ticks = iter(np.arange(0, 1000, 0.02))
    clock = SimpleNamespace(perf_counter=lambda: float(next(ticks)))
    monkeypatch.setattr(HOME, "time", clock)
    found = by_id(asked(table(), n=2))
    assert (found["ml one"]["family"], found["net"]["family"]) == ("ml", "dl")
    assert found["net"]["fit_seconds"] == 0.25
    assert found["net"]["bytes"] == 40
    assert found["net"]["n_parameters"] == 5
    assert found["net"]["predict_ms"] == pytest.approx(0.5)  # 20 ms for 40 rows


def test_what_is_no_comparison_is_refused() -> None:
    for models in ("mlp", "mlp, mlp", ["tree"]):
        with pytest.raises(InvalidInput, match="is no comparison; name two different models"):
            compare(table(), models=models)
