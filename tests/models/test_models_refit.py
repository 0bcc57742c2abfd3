"""A random twin of an estimator: the same learner, with what it learned erased."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from xaikit.core.errors import NotApplicable
from xaikit.models.estimator_model import wrap_estimator
from xaikit.models.features import WordGrams
from xaikit.models.refit import EACH, refitted

ROWS = np.random.default_rng(0).normal(size=(60, 4))
WEIGHTS = np.array([3.0, -2.0, 1.0, 0.0])


class Watched(LinearRegression):
    fits: ClassVar[list] = []

    def fit(self, x, y):
        Watched.fits.append((x, y))
        return super().fit(x, y)


def test_a_twin_is_fitted_on_the_same_rows_and_its_own_answers_permuted() -> None:
    estimator = Watched().fit(ROWS, ROWS @ WEIGHTS)
    answers = estimator.predict(ROWS)
    Watched.fits.clear()
    twin = refitted(estimator, ROWS, np.random.default_rng(1))
    ((rows, permuted),) = Watched.fits
    assert rows is ROWS
    assert sorted(permuted) == sorted(answers)
    assert abs(np.corrcoef(permuted, answers)[0, 1]) < 0.4
    by_hand = np.linalg.lstsq(np.c_[ROWS, np.ones(60)], permuted, rcond=None)[0]
    assert twin.coef_ == pytest.approx(by_hand[:4])
    assert estimator.coef_ == pytest.approx(WEIGHTS)  # the model is left alone


def test_every_class_stays_known() -> None:
    """A model that says one class for all rows still has a twin that knows all three."""
    labels = np.repeat([0, 1, 2], 20)
    estimator = LogisticRegression().fit(ROWS, labels)
    estimator.intercept_ = np.array([50.0, 0.0, 0.0])
    assert set(estimator.predict(ROWS)) == {0}
    twin = refitted(estimator, ROWS, np.random.default_rng(0))
    assert twin.classes_.tolist() == [0, 1, 2]
    assert twin.predict_proba(ROWS).mean(axis=0)[1:].min() > 0.5 * EACH / 60


def test_a_model_keeps_its_steps_and_gets_another_estimator() -> None:
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    pipeline.fit(ROWS, (ROWS @ WEIGHTS > 0).astype(int))
    model = wrap_estimator(
        pipeline, id="credit", modality="table", classes=("no", "yes"), background=ROWS
    )
    assert model.layers() == ("LogisticRegression",)
    twins = [model.randomised(model.layers(), np.random.default_rng(s)) for s in range(16)]
    assert all(t.pipeline.steps[0] == pipeline.steps[0] for t in twins)
    assert model.randomised((), np.random.default_rng(0)) is model
    alike = [np.corrcoef(t.estimator.coef_, model.estimator.coef_)[0, 1] for t in twins]
    assert abs(np.mean(alike)) < 0.4
    assert max(alike) < 0.99
    bare = wrap_estimator(pipeline, id="credit", modality="table", classes=("no", "yes"))
    with pytest.raises(
        NotApplicable, match="'credit' has no rows and answers to be fitted again on"
    ):
        bare.randomised(bare.layers(), np.random.default_rng(0))


def test_words_exchange_their_weights() -> None:
    texts = [np.array(t.split()) for t in ("good film", "bad film", "good plot", "bad plot")]
    pipeline = make_pipeline(WordGrams(min_texts=1), MultinomialNB()).fit(texts, [1, 0, 1, 0])
    model = wrap_estimator(pipeline, id="reviews", modality="text", classes=("bad", "good"))
    twin = model.randomised(model.layers(), np.random.default_rng(3))
    order = np.random.default_rng(3).permutation(len(pipeline.steps[0][1].idf_))
    x = pipeline.steps[0][1].transform(texts)[:, order]
    by_hand = pipeline.steps[1][1].predict_log_proba(x)
    found = twin.scores(texts)
    assert found - found[:, :1] == pytest.approx(by_hand - by_hand[:, :1])
    bound = twin.bind(texts[0], np.array([["[MASK]"] * 2]), np.arange(2), True)
    whole = bound(np.ones((1, 2), dtype=bool), slice(None))[0, 0]
    assert whole - whole[0] == pytest.approx(found[0] - found[0, 0])


class Stubborn(BaseEstimator):
    def fit(self, x, y):
        raise ValueError("needs prices")

    def predict(self, x):
        return np.arange(len(x))


def test_what_cannot_be_fitted_again_says_so() -> None:
    with pytest.raises(
        NotApplicable, match="'Stubborn', fitted again on permuted answers.*needs prices"
    ):
        refitted(Stubborn(), ROWS, np.random.default_rng(0))
    few = LogisticRegression().fit(ROWS[:8], np.arange(8))
    with pytest.raises(NotApplicable, match="3 rows are too few to fit 'LogisticRegression' again"):
        refitted(few, ROWS[:3], np.random.default_rng(0))
