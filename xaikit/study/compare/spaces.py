"""Where tuning looks: the same number of trials for every family, the first with the family's own settings.

("log", low, high) is a number on a logarithmic scale, ("whole", low, high) a whole one, ("of", a, b, ...) one of
those named.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["SPACES"]

Space = Mapping[str, tuple[Any, ...]]

_LINEAR: Space = {"C": ("log", 1e-3, 1e2)}
_NET: Space = {
    "lr": ("log", 3e-4, 1e-2),
    "weight_decay": ("log", 1e-3, 0.3),
    "dropout": ("of", 0.0, 0.1, 0.3, 0.5),
}
_TREES: Space = {
    "learning_rate": ("log", 0.02, 0.3),
    "reg_lambda": ("log", 1e-2, 10.0),
    "n_estimators": ("of", 100, 200, 400),
}

SPACES: Mapping[str, Space] = {
    "logistic": _LINEAR,
    "hog": _LINEAR,
    "linear": _LINEAR,
    "mel": _LINEAR,
    "words": _LINEAR,
    "summary": _LINEAR,
    "tfidf": {"C": ("log", 0.3, 100.0)},
    "ridge": {"alpha": ("log", 1e-3, 1e3)},
    "counts": {"alpha": ("log", 1e-2, 10.0)},
    "neighbours": {"n_neighbors": ("whole", 1, 15), "weights": ("of", "uniform", "distance")},
    "dtw": {"n_neighbors": ("whole", 1, 5), "window": ("of", 0.02, 0.05, 0.1, 0.2)},
    "catch22": {"max_features": ("of", "sqrt", 0.3, 0.6), "min_samples_leaf": ("whole", 1, 10)},
    "minirocket": {"n_kernels": ("of", 2000, 5000, 10_000, 20_000)},
    "forest": {
        "max_features": ("of", "sqrt", 0.3, 0.6),
        "min_samples_leaf": ("whole", 1, 10),
        "n_estimators": ("of", 100, 300),
    },
    "boosting": {
        "learning_rate": ("log", 0.02, 0.3),
        "max_leaf_nodes": ("whole", 4, 63),
        "min_samples_leaf": ("whole", 5, 50),
        "l2_regularization": ("log", 1e-3, 10.0),
    },
    "xgboost": {**_TREES, "max_depth": ("whole", 2, 8)},
    "lightgbm": {**_TREES, "num_leaves": ("whole", 4, 63)},
    "catboost": {
        "learning_rate": ("log", 0.02, 0.3),
        "depth": ("whole", 3, 8),
        "iterations": ("of", 200, 500),
    },
    "mlp": {**_NET, "width": ("of", 64, 128, 256), "depth": ("whole", 1, 3)},
    "tabm": {**_NET, "width": ("of", 64, 128, 256), "members": ("of", 8, 16, 32)},
    "embedding": _NET,
    "inception": {**_NET, "width": ("of", 8, 16), "depth": ("whole", 2, 4)},
    "cnn": {**_NET, "width": ("of", 16, 32), "shift": ("of", 1, 2)},
    "resnet": {
        "lr": ("log", 3e-4, 1e-2),
        "weight_decay": ("log", 1e-3, 0.3),
        "width": ("of", 8, 16),
    },
    "fcn": {"lr": ("log", 3e-4, 1e-2), "weight_decay": ("log", 1e-3, 0.3), "width": ("of", 32, 64)},
    "logmel_cnn": {**_NET, "width": ("of", 8, 16, 32)},
    **{
        name: {**_NET, "width": ("of", 32, 64, 128)}
        for name in ("lstm", "gru", "rnn", "logmel_gru")
    },
    **dict.fromkeys(("transformer", "gpt_small", "vit_small", "vgg_small"), _NET),
}
