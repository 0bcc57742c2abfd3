"""The models of a comparison: strong opponents on both sides, by what a modality states as its inputs."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sklearn.pipeline import Pipeline

from xaikit.core.errors import InvalidInput, UnknownName
from xaikit.core.sample import MODALITIES
from xaikit.data.dataset import Dataset
from xaikit.models.learners import ESTIMATORS
from xaikit.models.pipelines import make_learner
from xaikit.models.zoo import ZOO
from xaikit.study.compare import pipelines

__all__ = ["FAMILIES", "Family", "chosen", "family_of"]

Make = Callable[[Dataset, int, Mapping[str, Any]], Pipeline]


@dataclass(frozen=True)
class Family:
    """One way to learn.

    of : the net or scikit-learn model behind it, where it has another name
    params : what it is trained with before any tuning
    make : the unfitted pipeline, where no model of the package is behind it
    needs : a package that is not always installed, and the extra that brings it
    """

    name: str
    kind: Literal["ml", "dl"]
    of: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    make: Make | None = None
    needs: tuple[str, str] | None = None

    @property
    def net(self) -> bool:
        return (self.of or self.name) in ZOO

    def pipeline(self, data: Dataset, seed: int, params: Mapping[str, Any]) -> Pipeline:
        """What scikit-learn fits; `params` go over those of the family."""
        make = self.make or _learner(self.of or self.name)
        return make(data, seed, {**self.params, **params})

    def check(self) -> None:
        if self.needs and importlib.util.find_spec(self.needs[0]) is None:
            raise InvalidInput(
                f"'{self.name}' needs {self.needs[0]}, which is not installed; run pip install "
                f"'xaikit[{self.needs[1]}]', or leave it out of --models."
            )


def _learner(name: str) -> Make:
    return lambda data, seed, params: make_learner(name, data, seed, params)


_GOOD_MLP = {"width": 128, "weight_decay": 0.05, "dropout": 0.15}
_PACKAGES = (
    Family("xgboost", "ml", make=pipelines.xgboost, needs=("xgboost", "trees")),
    Family("lightgbm", "ml", make=pipelines.lightgbm, needs=("lightgbm", "trees")),
    Family("catboost", "ml", make=pipelines.catboost, needs=("catboost", "boosting")),
)

FAMILIES: Mapping[str, tuple[Family, ...]] = {
    "columns": (
        Family("boosting", "ml"),
        Family("mlp", "dl", params=_GOOD_MLP),
        Family("logistic", "ml"),
        Family("tabm", "dl", params={"dropout": 0.15, "weight_decay": 0.05}),
        Family("ridge", "ml"),
        Family("forest", "ml"),
        *_PACKAGES,
    ),
    "pixels": (
        Family("boosting", "ml", params={"features": "pixels"}),
        Family("cnn", "dl", of="lenet", params={"shift": 2}),
        Family("hog", "ml", of="logistic", params={"features": "gradients", "C": 0.01}),
        Family("linear", "ml", of="logistic", params={"features": "pixels", "C": 0.01}),
        Family("forest", "ml", params={"features": "pixels"}),
        Family("resnet", "dl", of="resnet_small", params={"shift": 2}),
    ),
    "words": (
        Family("tfidf", "ml", make=pipelines.tfidf),
        Family("lstm", "dl"),
        Family("counts", "ml", make=pipelines.counts),
        Family("words", "ml", of="logistic"),
        Family("embedding", "dl", of="word_mean"),
        Family("transformer", "dl", of="bert_small"),
    ),
    "steps": (
        Family("minirocket", "ml", make=pipelines.minirocket, needs=("sktime", "series")),
        Family("fcn", "dl", of="fcn_1d"),
        Family("inception", "dl", of="inception_1d"),
        Family("summary", "ml", of="logistic", params={"features": "summary"}),
        Family("neighbours", "ml", make=pipelines.neighbours),
        Family("dtw", "ml", make=pipelines.neighbours_dtw),
        Family("catch22", "ml", make=pipelines.catch22, needs=("pycatch22", "series")),
        Family("forest", "ml"),
        Family("lstm", "dl", params={"pool": "mean"}),
    ),
    "sound": (
        Family("mel", "ml", of="logistic"),
        Family("logmel_cnn", "dl"),
        Family("forest", "ml"),
        Family("logmel_gru", "dl"),
    ),
}
"""The first two are the pair that is asked about by default."""

AUTO: Mapping[str, tuple[str, ...]] = {
    "columns": ("boosting", "mlp", "logistic", "ridge", "forest"),
    "pixels": ("boosting", "cnn", "hog", "linear"),
    "words": ("tfidf", "lstm", "embedding", "counts"),
    "steps": ("minirocket", "fcn", "summary", "inception", "neighbours"),
    "sound": ("mel", "logmel_cnn", "forest"),
}


def family_of(name: str, data: Dataset) -> Family:
    """The family of that name for a data set; any model that `xaikit train` knows is one too."""
    inputs = MODALITIES.get(data.modality).inputs
    for family in FAMILIES.get(inputs, ()):
        if family.name == name:
            return family
    if name in ZOO or name in ESTIMATORS:
        return Family(name, "dl" if name in ZOO else "ml")
    raise UnknownName(f"no model is called '{name}'; known: {', '.join(_known(inputs))}.")


def _known(inputs: str) -> list[str]:
    """Names of all models that read such inputs, each once."""
    nets = [name for name in ZOO if inputs in ZOO.get(name).recipes]
    return list(dict.fromkeys((*(f.name for f in FAMILIES.get(inputs, ())), *nets, *ESTIMATORS)))


def chosen(data: Dataset, models: str | list[str] | tuple[str, ...]) -> list[Family]:
    """The families that were named, or those worth a comparison on such data; the first two are the
    pair that is asked about. What is not installed is left out of "auto" only."""
    if models == "auto":
        return _worth(data)
    names = [m.strip() for m in models.split(",")] if isinstance(models, str) else list(models)
    if len(names) < 2 or len(set(names)) < len(names):
        raise InvalidInput(
            f"'{', '.join(names)}' is no comparison; name two different models or more."
        )
    found = [family_of(name, data) for name in names]
    for family in found:
        family.check()
    return found


def _worth(data: Dataset) -> list[Family]:
    inputs = MODALITIES.get(data.modality).inputs
    if inputs not in AUTO:
        kind = MODALITIES.get(data.modality).titles.samples[0]
        raise InvalidInput(
            f"no models are compared on {kind} unless named; name two or more, of {', '.join(_known(inputs))}."
        )
    left_out = {"ridge"} if data.classes else {"logistic", "hog", "linear", "summary", "counts"}
    names = [name for name in AUTO[inputs] if name not in left_out]
    found = [family_of(name, data) for name in names]
    return [f for f in found if f.needs is None or importlib.util.find_spec(f.needs[0])]
