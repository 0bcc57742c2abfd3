"""Simple answers that a net of a task must beat to be worth anything, measured on the same samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import cast

import numpy as np

from xaikit.core.types import Floats
from xaikit.data.dataset import Dataset
from xaikit.models.sklearn import fit_estimator
from xaikit.tasks import TASKS, SequenceToSequence, Task

__all__ = ["BASELINES", "baselines_of"]

Baseline = Callable[[Dataset, Task], Floats]
PENALTY = 1.0  # of ridge, on standardised lags
MOST_ROWS = 4000  # windows that ridge is fitted on
SHARE = 0.9  # of the variance, that the components of PCA hold


def baselines_of(data: Dataset) -> Mapping[str, Floats]:
    """By name the scores (N, K) on data.test; {} for a task that has none here."""
    task = TASKS.get(data.task)(data.outputs or data.classes or ("value",))
    named = f"{data.task} of {data.modality}"
    answers = BASELINES.get(named) or BASELINES.get(data.task) or {}
    return {name: answer(data, task) for name, answer in answers.items()}


def _persistence(data: Dataset, task: Task) -> Floats:
    """The last value that was seen."""
    wanted, h = data.facts["wanted"], data.facts["horizon"]
    last = np.stack([x[-1, wanted] for x in data.inputs("test")]).astype(np.float64)
    return _scores(task, np.repeat(last[:, :, None], h, axis=2))


def _seasonal(data: Dataset, task: Task) -> Floats:
    """The values one period before."""
    wanted, h, period = (data.facts[name] for name in ("wanted", "horizon", "period"))
    steps = data.facts["lags"] - period + np.arange(h) % period
    later = np.stack([x[steps][:, wanted].T for x in data.inputs("test")]).astype(np.float64)
    return _scores(task, later)


def _ridge(data: Dataset, task: Task) -> Floats:
    """A straight line of the lags, the last value taken off and added again: one line for all channels where
    all are forecast, each from itself; otherwise of all channels."""
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import StandardScaler

    wanted = data.facts["wanted"]
    rows = np.linspace(0, len(data.train) - 1, min(MOST_ROWS, len(data.train))).astype(int)
    train = np.stack([data.train[i].x for i in rows]).astype(np.float64)
    test = np.stack(data.inputs("test")).astype(np.float64)
    truth = np.array([data.train[i].label for i in rows]).reshape(len(rows), len(wanted), -1)
    own = len(wanted) == len(data.columns)
    wide = train.std(axis=(0, 1)) if own else np.ones(train.shape[2])
    wide = np.where(wide > 0, wide, 1.0)
    last, ahead = (x[:, -1, wanted][:, :, None] for x in (train, test))
    seen, asked = (_lagged(x / wide, own) for x in (train, test))
    scaler = StandardScaler().fit(seen)
    steps = (truth - last) / wide[wanted][:, None]
    line = Ridge(PENALTY).fit(scaler.transform(seen), steps.reshape(len(seen), -1))
    found = line.predict(scaler.transform(asked)).reshape(len(test), len(wanted), -1)
    return _scores(task, found * wide[wanted][:, None] + ahead)


def _mean(data: Dataset, task: Task) -> Floats:
    """The mean of the training labels."""
    del task
    return np.full((len(data.test), 1), data.labels("train").mean())


def _summary(data: Dataset, task: Task) -> Floats:
    """A straight line of five numbers a channel."""
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    del task
    train, test = (
        _five(np.stack(data.inputs(part)).astype(np.float64)) for part in ("train", "test")
    )
    line = make_pipeline(StandardScaler(), Ridge(PENALTY)).fit(train, data.labels("train"))
    found: Floats = line.predict(test)[:, None]
    return found


def _five(x: Floats) -> Floats:
    """(N, L, C) -> (N, 5 C) mean, deviation, lowest, highest and slope over time."""
    time = np.linspace(-1, 1, x.shape[1])[:, None]
    slope = (x * time).sum(axis=1) / (time**2).sum()
    return np.hstack([x.mean(axis=1), x.std(axis=1), x.min(axis=1), x.max(axis=1), slope])


def _lagged(x: Floats, own: bool) -> Floats:
    """(N, L, C) -> rows of steps less the last one: (N, L * C + C) with the last, or each channel by itself,
    (N * C, L)."""
    last = x[:, -1:]
    apart = x - last
    if own:
        return apart.transpose(0, 2, 1).reshape(-1, x.shape[1])
    return np.concatenate([apart.reshape(len(x), -1), last[:, 0]], axis=1)


def _scores(task: Task, later: Floats) -> Floats:
    found: Floats = task.scores(later, None)
    return found


def _distance(data: Dataset, task: Task) -> Floats:
    """The squared distance to the mean, each place in its deviation."""
    return _errors(task, _standardised(data))


def _components(data: Dataset, task: Task) -> Floats:
    """What principal components that hold nine tenths of the variance leave over."""
    from sklearn.decomposition import PCA

    train, test = _standardised(data, "train"), _standardised(data)
    line = PCA(SHARE, svd_solver="full").fit(train)
    return _errors(task, test - line.inverse_transform(line.transform(test)))


def _standardised(data: Dataset, split: str = "test") -> Floats:
    """(N, places) by mean and deviation of the training rows."""
    train = np.stack(data.inputs("train")).reshape(len(data.train), -1).astype(np.float64)
    rows = np.stack(data.inputs(split)).reshape(-1, train.shape[1]).astype(np.float64)
    spread = train.std(axis=0)
    found: Floats = (rows - train.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return found


def _errors(task: Task, apart: Floats) -> Floats:
    found: Floats = task.scores(apart, np.zeros_like(apart))
    return found


def _popular(data: Dataset, task: Task) -> Floats:
    """How often each item was chosen next, whatever the history."""
    counts = np.bincount(data.labels("train"), minlength=len(task.outputs))
    return np.tile(np.log(counts + 0.5), (len(data.test), 1))


def _together(data: Dataset, task: Task) -> Floats:
    """How often each item came after the items of the history, in whatever order these were chosen."""
    places: dict[str, int] = {}
    for x in data.inputs("train"):
        for item in map(str, x):
            places.setdefault(item, len(places))
    counts = np.zeros((len(places), len(task.outputs)))
    for x, label in zip(data.inputs("train"), data.labels("train"), strict=True):
        counts[[places[str(item)] for item in set(x)], label] += 1
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    popular = 1e-6 * np.exp(_popular(data, task)[0]) / len(data.train)
    found = [
        shares[[places[str(i)] for i in set(x) if str(i) in places]].sum(axis=0) + popular
        for x in data.inputs("test")
    ]
    scores: Floats = np.log(np.stack(found))
    return scores


def _grams(data: Dataset, task: Task) -> Floats:
    """What most often followed the last two words; where these are new, the last; else any."""
    known: dict[tuple[str, ...], Floats] = {}
    for x, label in zip(data.inputs("train"), data.labels("train"), strict=True):
        for n in (0, 1, 2):
            words = tuple(map(str, x[len(x) - n :]))
            known.setdefault(words, np.full(len(task.outputs), 0.1))[label] += 1
    found = []
    for x in data.inputs("test"):
        last = [tuple(map(str, x[len(x) - n :])) for n in (2, 1, 0)]
        found.append(np.log(next(known[seen] for seen in last if seen in known)))
    return np.stack(found)


def _estimator(name: str) -> Baseline:
    """A model of scikit-learn on the features that it reads by default."""

    def answer(data: Dataset, task: Task) -> Floats:
        del task
        return fit_estimator(name, data).scores(data.inputs("test"))

    return answer


def _copied(data: Dataset, task: Task) -> Floats:
    """The input, said again, as far as its tokens can be said."""
    sequences = cast(SequenceToSequence, task)
    places = {token: i for i, token in enumerate(sequences.tokens)}
    rows = [[places.get(str(word), -1) for word in x] for x in data.inputs("test")]
    return sequences.saying([[*(i for i in row if i > 0), 0] for row in rows])


def _frequent(data: Dataset, task: Task) -> Floats:
    """What is said most often in training."""
    often, _ = Counter(s.label for s in data.train).most_common(1)[0]
    return cast(SequenceToSequence, task).saying([cast(tuple[int, ...], often)] * len(data.test))


BASELINES: dict[str, dict[str, Baseline]] = {
    "classification of audio": {
        "logistic regression on mel means": _estimator("logistic"),
        "forest on mel means": _estimator("forest"),
    },
    "forecasting": {
        "the last value": _persistence,
        "the value one period before": _seasonal,
        "ridge on the lags": _ridge,
    },
    "regression of series": {"the mean": _mean, "ridge on mean, sd, min, max and slope": _summary},
    "recommendation": {"the most popular item": _popular, "co-occurrence": _together},
    "next_word": {"the last two words": _grams},
    "sequence_to_sequence": {"copy": _copied, "the most frequent output": _frequent},
    "reconstruction": {"the distance to the mean": _distance, "PCA": _components},
}
