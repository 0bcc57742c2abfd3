"""One tiny trained model of every kind, made once per test process."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from xaikit.core.abilities import Model
from xaikit.data import Dataset, load_data
from xaikit.models import train

KINDS = (
    ("lenet", "digits"),
    ("vgg_small", "digits"),
    ("resnet_small", "digits"),
    ("vit_small", "digits"),
    ("mlp", "digits"),
    ("fcn_1d", "waves"),
    ("lstm", "waves"),
    ("rnn", "reviews"),
    ("lstm", "reviews"),
    ("gru", "reviews"),
    ("bert_small", "reviews"),
    ("gpt_small", "reviews"),
    ("mlp", "wine"),
    ("mlp", "diabetes"),
    ("logistic", "wine"),
    ("tree", "wine"),
    ("forest", "wine"),
    ("boosting", "breast_cancer"),
    ("svm", "wine"),
    ("forest", "diabetes"),
    ("logistic", "reviews"),
    ("forest", "digits"),
    ("forest", "waves"),
)


@cache
def dataset(name: str) -> Dataset:
    """The built-in set with few rows of every class."""
    data = load_data(name, seed=0)
    return replace(data, train=data.train[:160], val=data.val[:40], test=data.test[:24])


@cache
def fitted(architecture: str, name: str) -> Model:
    """A model that has seen a little, so that it is neither constant nor sure."""
    neural = architecture in {
        "lenet", "vgg_small", "resnet_small", "vit_small", "mlp",
        "fcn_1d", "rnn", "lstm", "gru", "bert_small", "gpt_small",
    }  # fmt: skip
    epochs = {"epochs": 2} if neural else {}
    return train(architecture, dataset(name), seed=0, progress=False, device="cpu", **epochs)
