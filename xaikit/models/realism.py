"""How much the pictures of a generator are like real ones: Frechet distance, and whether each class is made."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from xaikit.core.types import Floats
from xaikit.data.dataset import Dataset
from xaikit.tasks.generation import pictures

__all__ = ["frechet", "realism"]

N_FEATURES = 64
MOST = 500  # pictures of each kind
N_AGAIN = 40  # draws of these pictures, by which it is told whether a distance is the smaller one


def realism(model: Any, data: Dataset, split: str) -> dict[str, Any]:
    """frechet, the distance of made from real pictures in what a classifier of the training pictures sees
    (Heusel et al. 2017), and beside it those of real training pictures, of draws along as many principal
    components as the code has latents, and of noise; gap, the 95 % interval over draws of the pictures of how much
    the distance is smaller than that of the components; rarest, the share of the class that is made least, and n"""
    assert data.real is not None
    train, real = (_rows(data.real.inputs(part)) for part in ("train", split))
    n, judge = min(MOST, len(real)), _judge(train, data.real.labels("train"))
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(MOST, len(data.columns)))
    made = _rows([x.transpose(1, 2, 0) for x in pictures(model, codes)])
    straight = PCA(len(data.columns), random_state=0).fit(train)
    drawn = straight.inverse_transform(codes[:n] * np.sqrt(straight.explained_variance_))
    noise = rng.normal(train.mean(axis=0), train.std(axis=0), (n, train.shape[1]))
    others = {"": made[:n], "_real": rng.permutation(train)[:n], "_pca": drawn, "_noise": noise}
    seen = _seen(judge, real[:n])
    shown = {name: _seen(judge, x.clip(0, 1)) for name, x in others.items()}
    found: dict[str, Any] = {f"frechet{name}": frechet(seen, x) for name, x in shown.items()}
    gaps = []
    for rows in rng.integers(n, size=(N_AGAIN, n)):
        gaps.append(frechet(seen[rows], shown["_pca"][rows]) - frechet(seen[rows], shown[""][rows]))
    found["gap"] = np.quantile(gaps, (0.025, 0.975)).tolist()
    counts = np.bincount(judge.predict(made), minlength=len(data.real.classes))
    return {**found, "rarest": float(counts.min() / len(made)), "n": n}


def frechet(a: Floats, b: Floats) -> float:
    """Of normal laws with the means and covariances of rows (N, F) and (M, F): |m - m'|^2 + tr(C + C' - 2 (C C')^1/2)."""
    first, second = np.cov(a.T), np.cov(b.T)
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    both = np.sqrt(np.linalg.eigvalsh(root @ second @ root).clip(0)).sum()  # tr (C C')^1/2
    apart = ((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum()
    return float(apart + np.trace(first + second) - 2 * both)


def _rows(xs: Any) -> Floats:
    return np.stack(xs).reshape(len(xs), -1).astype(np.float64)


def _judge(train: Floats, labels: NDArray[Any]) -> MLPClassifier:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # its features are enough
        return MLPClassifier((N_FEATURES,), max_iter=30, random_state=0).fit(train, labels)


def _seen(judge: MLPClassifier, rows: Floats) -> Floats:
    """(N, F) the hidden layer."""
    found: Floats = np.maximum(0, rows @ judge.coefs_[0] + judge.intercepts_[0])
    return found
