"""The nets that are explained: random weights of fixed seeds, for speed does not depend on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.harness import Options
from xaikit.core.question import Cache, Masker, Question
from xaikit.core.types import Sample, Segmentation, Target
from xaikit.models import wrap
from xaikit.models.assembly import KINDS, assemble, reads_of
from xaikit.models.grids import PixelEncoder
from xaikit.models.inputs import ColumnEncoder
from xaikit.models.neural import NeuralModel
from xaikit.models.text import WordEncoder
from xaikit.models.zoo import ZOO
from xaikit.study.plan import Plan, make_question

__all__ = [
    "N_COLUMNS", "Case", "cases", "image_model", "table_question", "table_questions",
    "text_model",
]  # fmt: skip

WORDS = tuple(f"word{i}" for i in range(200))
N_COLUMNS = 30
_COLOURS = (0.5,) * 3, (0.25,) * 3


@dataclass(frozen=True, eq=False)
class Case:
    """A net with samples that look like its inputs.

    make : the model; samples : how many there are, of random inputs
    """

    name: str
    make: Callable[[], NeuralModel]
    x: Callable[[np.random.Generator], np.ndarray]

    def samples(self, n: int) -> list[Sample]:
        model = self.make()
        rng = np.random.default_rng(1)
        return [Sample(f"s{i}", self.x(rng), model.modality) for i in range(n)]

    def question(self, model: NeuralModel, sample: Sample, **plan: Any) -> Question:
        return make_question(model, sample, Plan(**plan))


def cases(options: Options) -> list[Case]:
    """CNNs of about 0.15 and 1.5 ms a pass, an LSTM and a Transformer; on a GPU larger ones."""
    if options.device == "cuda":
        return [
            Case("ResNet-18, 224 px", partial(resnet, 224, options.device), _picture(224)),
            Case(
                "Transformer, 12 layers of 768, 128 tokens",
                partial(text_model, "bert_small", options.device, width=768, depth=12, heads=12),
                _text(128),
            ),
        ]
    return [
        Case("CNN, 32 px", partial(image_model, "vgg_small", 32, width=16), _picture(32)),
        Case("CNN, 64 px", partial(image_model, "resnet_small", 64, width=20), _picture(64)),
        Case("LSTM, 32 words", partial(text_model, "lstm", width=256), _text(32)),
        Case(
            "Transformer, 32 words",
            partial(text_model, "bert_small", width=224, depth=4),
            _text(32),
        ),
    ]


def image_model(name: str, side: int, **settings: Any) -> NeuralModel:
    """A CNN of the zoo over colour images of that side, 10 classes."""
    return _assembled(name, PixelEncoder((side, side, 3), *_COLOURS), 10, "cpu", settings)


def text_model(name: str, device: str = "cpu", **settings: Any) -> NeuralModel:
    """A net of the zoo over words, 2 classes."""
    return _assembled(name, WordEncoder(WORDS), 2, device, settings)


def table_model(n: int = N_COLUMNS) -> NeuralModel:
    """Two layers of 64 over n columns, 2 classes."""
    return _assembled("mlp", ColumnEncoder((0.0,) * n, (1.0,) * n, (0,) * n), 2, "cpu", {})


def table_questions(k: int, n: int = N_COLUMNS, count: int = 1) -> list[Question]:
    """Some rows of a table with k background rows, each asked for the first class."""
    rng = np.random.default_rng(2)
    masker, model = Masker(f"{k} rows", rng.normal(size=(k, n))), table_model(n)
    names = tuple(f"x{i}" for i in range(n))
    return [
        Question(
            model=model,
            sample=Sample(f"row {i}", rng.normal(size=n), "table"),
            segmentation=Segmentation(np.arange(n), names, f"{n} columns"),
            masker=masker,
            target=Target(0, space="logit"),
            cache=Cache(),
        )
        for i in range(count)
    ]


def table_question(k: int, n: int = N_COLUMNS) -> Question:
    """One row of a table with k background rows."""
    return table_questions(k, n)[0]


def resnet(side: int, device: str) -> NeuralModel:
    """A net of the shape of ResNet-18, 1000 classes."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = ResNet18()
    x = np.zeros((side, side, 3), dtype=np.float32)
    classes = tuple(f"class {i}" for i in range(1000))
    mean, std = _COLOURS
    return wrap(  # type: ignore[return-value]
        net, modality="image", classes=classes, sample=x, mean=mean, std=std, device=device
    )


class ResNet18(nn.Module):
    """The plan of He et al. 2016, table 1: eight blocks of two convolutions, four widths."""

    def __init__(self, n_classes: int = 1000) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
            nn.MaxPool2d(3, 2, 1),
        )  # fmt: skip
        blocks, width = [], 64
        for out in (64, 128, 256, 512):
            blocks += [_Block(width, out, 1 if out == 64 else 2), _Block(out, out, 1)]
            width = out
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, n_classes))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.blocks(self.stem(x)))


class _Block(nn.Module):
    def __init__(self, width: int, out: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU(),
            nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out),
        )  # fmt: skip
        same = width == out and stride == 1
        self.short = (
            nn.Identity()
            if same
            else nn.Sequential(nn.Conv2d(width, out, 1, stride, bias=False), nn.BatchNorm2d(out))
        )
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.body(x) + self.short(x))


def _assembled(
    name: str, inputs: Any, n_classes: int, device: str, settings: dict[str, Any]
) -> NeuralModel:
    architecture = ZOO.get(name)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = (
            assemble(architecture, inputs, n_classes, settings)
            .eval()
            .requires_grad_(False)
            .to(device)
        )
    classes = tuple(f"class {i}" for i in range(n_classes))
    return KINDS[architecture.family](name, net, inputs, classes, reads=reads_of(net))


def _picture(side: int) -> Callable[[np.random.Generator], np.ndarray]:
    return lambda rng: rng.random((side, side, 3)).astype(np.float32)


def _text(length: int) -> Callable[[np.random.Generator], np.ndarray]:
    return lambda rng: rng.choice(np.array(WORDS), length)
