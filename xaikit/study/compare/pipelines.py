"""Pipelines that only a comparison needs: boosting of other packages, TF-IDF with characters, counts,
random convolutions and standard features of a series, nearest neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline

from xaikit.core.errors import InvalidInput
from xaikit.core.types import Floats
from xaikit.core.words import Text
from xaikit.data.dataset import Dataset
from xaikit.modalities.text import MASK_WORD
from xaikit.models.features import Pixels
from xaikit.models.warping import Warped

__all__ = [
    "Catch22",
    "Kernels",
    "Written",
    "catboost",
    "catch22",
    "counts",
    "lightgbm",
    "minirocket",
    "neighbours",
    "neighbours_dtw",
    "tfidf",
    "xgboost",
]

Params = Mapping[str, Any]


class Written(TransformerMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Texts as they are written, without mask words."""

    def fit(self, texts: Sequence[NDArray[Any]], y: Any = None) -> Self:
        del texts, y
        self.fitted_ = True
        return self

    def transform(self, texts: Sequence[NDArray[Any]]) -> list[str]:
        """B texts -> B strings"""
        return [_written(text) for text in texts]


class Kernels(TransformerMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """What a few thousand fixed convolutions see in a series: MiniRocket (Dempster, Schmidt & Webb,
    KDD 2021) of the package sktime.

    n_kernels : about as many numbers are made of each series
    """

    def __init__(self, n_kernels: int = 10_000, seed: int = 0) -> None:
        self.n_kernels = n_kernels
        self.seed = seed

    def fit(self, x: NDArray[Any], y: Any = None) -> Self:
        from sktime.transformations.panel.rocket import MiniRocketMultivariate

        del y
        self.made_ = MiniRocketMultivariate(self.n_kernels, random_state=self.seed, n_jobs=1)
        self.made_.fit(_panel(x))
        return self

    def transform(self, x: NDArray[Any]) -> Floats:
        """(B, L, C) -> (B, F)"""
        return np.asarray(self.made_.transform(_panel(x)), dtype=np.float64)


class Catch22(TransformerMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Twenty-two standard features of a series, and its mean and deviation, for each channel (Lubba et al.
    2019), by the package pycatch22; what a constant stretch leaves undefined is 0."""

    def fit(self, x: NDArray[Any], y: Any = None) -> Self:
        del x, y
        self.fitted_ = True
        return self

    def transform(self, x: NDArray[Any]) -> Floats:
        """(B, L, C) -> (B, 24 C)"""
        from pycatch22 import catch22_all

        rows = [
            [v for line in one.T for v in catch22_all(line.tolist(), catch24=True)["values"]]
            for one in np.asarray(x, dtype=np.float64)
        ]
        return np.nan_to_num(np.array(rows, dtype=np.float64), posinf=0.0, neginf=0.0)


def xgboost(data: Dataset, seed: int, params: Params) -> Pipeline:
    from xgboost import XGBClassifier, XGBRegressor

    kind = XGBClassifier if data.classes else XGBRegressor
    return make_pipeline(kind(random_state=seed, n_jobs=1, **params))


def lightgbm(data: Dataset, seed: int, params: Params) -> Pipeline:
    from lightgbm import LGBMClassifier, LGBMRegressor

    kind = LGBMClassifier if data.classes else LGBMRegressor
    return make_pipeline(kind(random_state=seed, n_jobs=1, verbose=-1, **params))


def catboost(data: Dataset, seed: int, params: Params) -> Pipeline:
    from catboost import CatBoostClassifier, CatBoostRegressor

    kind = CatBoostClassifier if data.classes else CatBoostRegressor
    more = {"thread_count": 1, "verbose": False, "allow_writing_files": False}
    return make_pipeline(kind(random_seed=seed, **more, **params))


def tfidf(data: Dataset, seed: int, params: Params) -> Pipeline:
    """Words, pairs of words and pieces of words, weighted and added up."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=3, sublinear_tf=True)
    both = FeatureUnion([("words", words), ("pieces", pieces)])
    return make_pipeline(Written(), both, _weighted_sum(data, seed, {"C": 10.0, **params}))


def counts(data: Dataset, seed: int, params: Params) -> Pipeline:
    """Which words and pairs of words stand in a text, read by naive Bayes."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.naive_bayes import MultinomialNB

    del seed
    if not data.classes:
        raise InvalidInput(f"'counts' does no regression and '{data.name}' is one; use 'tfidf'.")
    seen = CountVectorizer(ngram_range=(1, 2), min_df=2, binary=True)
    return make_pipeline(Written(), seen, MultinomialNB(**params))


def minirocket(data: Dataset, seed: int, params: Params) -> Pipeline:
    """Random convolutions and a ridge; its margins become probabilities by Platt's sigmoid."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.linear_model import RidgeClassifierCV, RidgeCV
    from sklearn.model_selection import StratifiedKFold
    from sklearn.preprocessing import StandardScaler

    steps, strengths = [Kernels(seed=seed, **params), StandardScaler()], np.logspace(-3, 3, 10)
    if not data.classes:
        return make_pipeline(*steps, RidgeCV(strengths))
    fewest = int(np.bincount(data.labels("train")).min())
    folds = StratifiedKFold(max(2, min(5, fewest)), shuffle=True, random_state=seed)
    ridge = RidgeClassifierCV(strengths)
    return make_pipeline(*steps, CalibratedClassifierCV(ridge, cv=folds, ensemble=False))


def neighbours(data: Dataset, seed: int, params: Params) -> Pipeline:
    """The answers of the nearest training rows, step by step."""
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    del seed
    kind = KNeighborsClassifier if data.classes else KNeighborsRegressor
    return make_pipeline(Pixels(), kind(**{"n_neighbors": 3, **params}))


def neighbours_dtw(data: Dataset, seed: int, params: Params) -> Pipeline:
    """The answer of the nearest training row, time stretched to fit."""
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    del seed
    kind = KNeighborsClassifier if data.classes else KNeighborsRegressor
    window, near = float(params.get("window", 0.1)), int(params.get("n_neighbors", 1))
    return make_pipeline(Warped(window), kind(n_neighbors=near, metric="precomputed"))


def catch22(data: Dataset, seed: int, params: Params) -> Pipeline:
    """Standard features of a series, read by a forest."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    kind = RandomForestClassifier if data.classes else RandomForestRegressor
    return make_pipeline(
        Catch22(), kind(**{"n_estimators": 200, **params}, n_jobs=1, random_state=seed)
    )


def _weighted_sum(data: Dataset, seed: int, params: Params) -> Any:
    from sklearn.linear_model import LogisticRegression, Ridge

    if data.classes:
        return LogisticRegression(max_iter=2000, random_state=seed, **params)
    return Ridge(1 / float(params["C"]), random_state=seed)


def _written(text: NDArray[Any]) -> str:
    if (text == MASK_WORD).any():
        return " ".join(word for word in text.tolist() if word != MASK_WORD)
    return Text(text).written


def _panel(x: NDArray[Any]) -> Floats:
    """(B, L, C) -> (B, C, L), as the package reads it, at least nine steps long."""
    wide = np.asarray(x, dtype=np.float64).transpose(0, 2, 1)
    short = 9 - wide.shape[2]
    return np.pad(wide, ((0, 0), (0, 0), (0, short)), mode="edge") if short > 0 else wide
