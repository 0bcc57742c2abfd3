"""Small nets with seeded random weights, and toy data of every modality to try them on."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch

from xaikit.core.sound import spectrum
from xaikit.core.types import Sample
from xaikit.data.dataset import Column, Dataset
from xaikit.models.assembly import KINDS, assemble, reads_of
from xaikit.models.audio import MelEncoder
from xaikit.models.grids import PixelEncoder
from xaikit.models.inputs import ColumnEncoder, StepEncoder
from xaikit.models.neural import NeuralModel
from xaikit.models.text import WordEncoder
from xaikit.models.zoo import ZOO

CELLS = [
    (name, modality)
    for name in ZOO
    if "classification" in ZOO.get(name).tasks
    for modality in ZOO.get(name).modalities
]
SMALL: dict[str, dict[str, Any]] = {
    "lenet": {"width": 4, "hidden": 8},
    "vgg_small": {"width": 4, "hidden": 8},
    "resnet_small": {"width": 4},
    "fcn_1d": {"width": 4},
    "inception_1d": {"width": 2, "depth": 2},
    "word_mean": {},
    "tabm": {"width": 8, "members": 3},
    "mlp": {"width": 8},
    "rnn": {"width": 8},
    "lstm": {"width": 8},
    "gru": {"width": 8},
    "bert_small": {"width": 8, "heads": 2},
    "gpt_small": {"width": 8, "heads": 2},
    "vit_small": {"width": 8, "heads": 2, "depth": 2},
    "tcn_1d": {"width": 4, "depth": 2},
    "mixer_1d": {"width": 4},
    "patch_transformer": {"width": 8, "heads": 2, "depth": 1, "patch": 4},
    "autoencoder": {"width": 8, "middle": 2},
    "conv_autoencoder": {"width": 4, "middle": 4},
    "logmel_cnn": {"width": 4},
    "logmel_gru": {"width": 8},
}
COLUMNS = (
    Column("age"),
    Column("pay"),
    Column("job", ("none", "part", "full")),
    Column("home", ("rent", "own")),
)


def toy_data(modality: str, n: int = 24) -> Dataset:
    """Three classes that are easy to tell apart: 12 in train, 6 in val, 6 in test at n = 24."""
    rng = np.random.default_rng(0)
    meta = {"rate": 8000} if modality == "audio" else {}
    xs = [_x(modality, i % 3, rng) for i in range(n)]
    samples = [Sample(f"s{i}", x, modality, i % 3, meta=meta) for i, x in enumerate(xs)]
    return Dataset(
        name="toy",
        modality=modality,
        task="classification",
        classes=("red", "green", "blue"),
        train=tuple(samples[: n // 2]),
        val=tuple(samples[n // 2 : n * 3 // 4]),
        test=tuple(samples[n * 3 // 4 :]),
        columns=COLUMNS if modality == "table" else (),
    )


def line_data(n: int = 80) -> Dataset:
    """A number to predict: y = 1000 + 300 a - 100 b."""
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(n, 2))
    samples = [
        Sample(f"r{i}", row, "table", 1000 + 300 * row[0] - 100 * row[1])
        for i, row in enumerate(rows)
    ]
    return Dataset(
        "line", "table", "regression", (), tuple(samples[:60]), tuple(samples[60:70]), tuple(samples[70:])
    )  # fmt: skip


def fresh(name: str, modality: str, seed: int = 0, **params: Any) -> NeuralModel:
    """The net on toy inputs with random weights; batch statistics are random too."""
    data, architecture = toy_data(modality), ZOO.get(name)
    xs = data.inputs("train")
    heard = partial(MelEncoder.fit, rate=8000)
    fit = {
        "audio": heard,
        "image": PixelEncoder.fit,
        "series": StepEncoder.fit,
        "text": WordEncoder.fit,
    }
    inputs = (
        ColumnEncoder.fit(xs, [len(c.categories) for c in COLUMNS])
        if modality == "table"
        else fit[modality](xs)
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = assemble(architecture, inputs, 3, {**SMALL[name], **params})
        for key, buffer in net.named_buffers():
            if key.endswith("running_mean"):
                buffer.uniform_(-0.1, 0.1)
            if key.endswith("running_var"):
                buffer.uniform_(0.5, 1.5)
    return KINDS[architecture.family](
        f"toy-{name}", net, inputs, data.classes, reads=reads_of(net), probe=xs[0]
    )


def _x(modality: str, label: int, rng: np.random.Generator) -> np.ndarray:
    if modality == "image":
        x = rng.random((8, 12, 2)) * 0.4
        x[:, 4 * label : 4 * label + 4] += 0.5
        return x
    if modality == "series":
        x = rng.normal(size=(20, 2))
        x[6 * label : 6 * label + 6] += 2
        return x
    if modality == "audio":
        pitch = 2 * np.pi * (500 + 1000 * label) * np.arange(1024) / 8000
        return spectrum(0.2 * np.sin(pitch) + rng.normal(0, 0.05, 1024), 8000)
    if modality == "table":
        return np.array([rng.normal() + 3 * label, rng.normal(), label, rng.integers(0, 2)])
    filler = rng.choice(["the", "a", "film", "영화", "was"], rng.integers(3, 7))
    return np.array([*filler, ("good", "bad", "so")[label]])
