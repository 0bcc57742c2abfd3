"""How models read samples: one `Reading` for each kind of inputs that a modality may state."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import StandardScaler
from torch import nn

from xaikit.core.errors import InvalidInput, ModelError
from xaikit.core.sample import MODALITIES, Modality
from xaikit.core.sound import FLOOR, wave_of
from xaikit.core.words import Text
from xaikit.data.dataset import Dataset
from xaikit.modalities.parts import Parts
from xaikit.modalities.text import MASK_WORD
from xaikit.models import features
from xaikit.models.audio import MelEncoder, WaveEncoder
from xaikit.models.grids import PixelEncoder, VideoEncoder
from xaikit.models.inputs import ColumnEncoder, Inputs, StepEncoder
from xaikit.models.parts import PartsEncoder
from xaikit.models.text import Encode, TokenEncoder, WordEncoder
from xaikit.models.zoo.architecture import Recipe

__all__ = ["EMBEDDING", "READINGS", "Reading", "Said", "reading_of"]

Array = NDArray[Any]
EMBEDDING = 64  # numbers in the vector of a word


@dataclass(frozen=True)
class Said:
    """What `wrap` was told of how a module reads; see there."""

    mean: Sequence[float] | Mapping[str, Sequence[float]] | None = None
    std: Sequence[float] | Mapping[str, Sequence[float]] | None = None
    layout: str | Mapping[str, str] | None = None
    encode: Encode | None = None
    of_text: bool = False
    padding_id: int = 0

    def of(self, part: str) -> Said:
        """What it says of one part."""
        own: dict[str, Any] = {}
        for name in ("mean", "std", "layout"):
            told = getattr(self, name)
            if told is not None and not isinstance(told, Mapping):
                raise InvalidInput(
                    f"{name} is {told!r} and there are several inputs; give one by name, such as "
                    f"{name}={{'{part}': ...}}."
                )
            own[name] = None if told is None else told.get(part)
        return replace(self, **own)

    def scales(self, n: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """What each of n channels or columns is centred on and divided by."""
        return _per_channel("mean", self.mean, 0.0, n), _per_channel("std", self.std, 1.0, n)


class Reading:
    """How models read inputs of one kind; here arrays of numbers with neighbours.

    settings : what people can set of a net because of its inputs, with the defaults
    features : the ways in which scikit-learn models see them, the default first
    strength : inverse penalty of a logistic regression
    sparse : whether the rows of scikit-learn models are sparse
    rows : whether an input is a row as scikit-learn reads it
    compared : models that are worth a comparison
    """

    settings: ClassVar[Mapping[str, Any]] = {}
    features: ClassVar[Mapping[str, Callable[[], Any]]] = {}
    strength: ClassVar[float] = 0.05
    sparse: ClassVar[bool] = False
    rows: ClassVar[bool] = False
    compared: ClassVar[tuple[str, ...]]

    def of(self, kind: Modality) -> Reading:
        """How models read the samples of a modality that states this kind."""
        del kind
        return self

    def fit(self, data: Dataset) -> Inputs:
        """The inputs of a net of the zoo, fitted on the training rows."""
        raise NotImplementedError

    def brought(self, net: nn.Module, x: Array, said: Said) -> Inputs:
        """The inputs of a module that people bring, for samples like x."""
        raise NotImplementedError

    def varied(self, x: Array, recipe: Recipe, rng: np.random.Generator) -> Array:
        """The input as a net sees it once in training."""
        del recipe, rng
        return x

    def stacked(self, xs: Any) -> Any:
        """B inputs as a pipeline that was fitted here reads them."""
        return np.asarray(xs)

    def given(self, xs: Any) -> Any:
        """B inputs as a function reads them."""
        return np.asarray(xs)

    def flat(self, xs: Any) -> Any:
        """B inputs as an estimator that people bring reads them."""
        return np.asarray(xs).reshape(len(xs), -1)

    def steps(self, learner: str, scaled: bool, data: Dataset, wanted: str | None) -> list[Any]:
        """The steps of a pipeline before the estimator."""
        del learner, data
        made = self.features[wanted or next(iter(self.features))]()
        return [made, *([StandardScaler()] if scaled else [])]


class OfPixels(Reading):
    """(H, W, C) in [0, 1]."""

    features: ClassVar[Mapping[str, Callable[[], Any]]] = {
        "gradients": features.Gradients,
        "pixels": features.Pixels,
    }
    compared = ("forest", "lenet")

    def fit(self, data: Dataset) -> Inputs:
        return PixelEncoder.fit(data.inputs("train"))

    def brought(self, net: nn.Module, x: Array, said: Said) -> Inputs:
        del net
        height, across, n = x.shape
        return PixelEncoder((height, across, n), *said.scales(n))

    def varied(self, x: Array, recipe: Recipe, rng: np.random.Generator) -> Array:
        """Moved, or mirrored."""
        if recipe.shift:
            pad = recipe.shift
            top, left = rng.integers(0, 2 * pad + 1, 2)
            wide = np.pad(x, ((pad, pad), (pad, pad), (0, 0)), mode="edge")
            x = wide[top : top + x.shape[0], left : left + x.shape[1]]
        return x[:, ::-1] if recipe.flip and rng.random() < 0.5 else x


class OfFrames(Reading):
    """(T, H, W, C) in [0, 1]."""

    features: ClassVar[Mapping[str, Callable[[], Any]]] = {"pixels": features.Pixels}
    compared = ("forest", "logistic")

    def fit(self, data: Dataset) -> Inputs:
        raise InvalidInput(
            f"no net of the zoo reads {data.modality}; wrap one of your own, or train a forest."
        )

    def brought(self, net: nn.Module, x: Array, said: Said) -> Inputs:
        del net
        length, height, across, n = x.shape
        return VideoEncoder((length, height, across, n), *said.scales(n))


class OfSound(Reading):
    """(F, T, 2) levels and phases of a sound; what people bring is given the wave (L,)."""

    features: ClassVar[Mapping[str, Callable[[], Any]]] = {"mel": features.MelMeans}
    compared = ("logistic", "logmel_cnn")

    def fit(self, data: Dataset) -> Inputs:
        return MelEncoder.fit(data.inputs("train"), _rate(data))

    def brought(self, net: nn.Module, x: Array, said: Said) -> Inputs:
        del net
        if said.layout is not None:
            raise InvalidInput(
                f"layout is {said.layout!r} and a module that hears sounds is given waves (B, L); leave it out."
            )
        return WaveEncoder((x.shape[0], x.shape[1], 2), *said.scales(1))

    def varied(self, x: Array, recipe: Recipe, rng: np.random.Generator) -> Array:
        """Moved in time with silence behind, louder or softer."""
        if not recipe.shift:
            return x
        n = int(rng.integers(-recipe.shift, recipe.shift + 1))
        moved = np.roll(x, n, axis=1)
        moved[:, slice(0, n) if n > 0 else slice(n or x.shape[1], None), 0] = FLOOR
        moved[..., 0] = np.maximum(moved[..., 0] + rng.uniform(-15, 15), FLOOR)
        return moved

    def given(self, xs: Any) -> Any:
        return wave_of(np.asarray(xs))

    def flat(self, xs: Any) -> Any:
        return wave_of(np.asarray(xs))

    def steps(self, learner: str, scaled: bool, data: Dataset, wanted: str | None) -> list[Any]:
        del learner, wanted
        made = features.MelMeans(rate=_rate(data))
        return [made, *([StandardScaler()] if scaled else [])]


class OfSteps(Reading):
    """(L, C) numbers over time."""

    features: ClassVar[Mapping[str, Callable[[], Any]]] = {
        "summary": features.Summary,
        "steps": features.Pixels,
    }
    compared = ("forest", "fcn_1d")

    def fit(self, data: Dataset) -> Inputs:
        return StepEncoder.fit(data.inputs("train"))

    def brought(self, net: nn.Module, x: Array, said: Said) -> Inputs:
        del net
        length, n = x.shape
        scales = said.scales(n)
        if said.layout not in ("BLC", "BCL"):
            raise InvalidInput(
                f"layout is {said.layout!r}; a series module reads 'BLC' (steps, then channels) or 'BCL': say it to "
                "xaikit.wrap, whose model a factory may give too."
            )
        return StepEncoder((length, n), *scales, channels_first=said.layout == "BCL")


class OfColumns(Reading):
    """(D,) numbers, a category is its code."""

    strength = 1.0
    rows = True
    compared = ("boosting", "logistic", "mlp")

    def fit(self, data: Dataset) -> Inputs:
        return ColumnEncoder.fit(data.inputs("train"), _categories(data))

    def brought(self, net: nn.Module, x: Array, said: Said) -> Inputs:
        del net
        return ColumnEncoder(*said.scales(len(x)), (0,) * len(x))

    def steps(self, learner: str, scaled: bool, data: Dataset, wanted: str | None) -> list[Any]:
        del learner, wanted
        return [features.Columns(_categories(data))] if scaled else []


class OfWords(Reading):
    """(T,) words of a text as it is written."""

    settings: ClassVar[Mapping[str, Any]] = {"embedding": EMBEDDING}
    strength = 4.0  # TF-IDF rows have length 1, so they bear a weaker penalty than scaled columns
    sparse = True
    compared = ("logistic", "lstm", "bert_small")

    def fit(self, data: Dataset) -> Inputs:
        return WordEncoder.fit(data.inputs("train"))

    def brought(self, net: nn.Module, x: Array, said: Said) -> Inputs:
        del x
        if said.encode is None:
            raise InvalidInput("a text module needs encode: words -> (token ids, word positions).")
        embedding = next((n for n, m in net.named_modules() if isinstance(m, nn.Embedding)), None)
        if embedding is None:
            raise ModelError(
                "the text module has no nn.Embedding, so there is no place for gradients."
            )
        return TokenEncoder(said.encode, embedding, _valid_as(net), said.padding_id, said.of_text)

    def varied(self, x: Array, recipe: Recipe, rng: np.random.Generator) -> Array:
        """With some words masked."""
        if not recipe.mask_words:
            return x
        return np.where(rng.random(len(x)) < recipe.mask_words, MASK_WORD, x)

    def stacked(self, xs: Any) -> Any:
        return xs

    def given(self, xs: Any) -> Any:
        return list(map(Text, xs))

    def flat(self, xs: Any) -> Any:
        return [Text(x).written for x in xs]

    def steps(self, learner: str, scaled: bool, data: Dataset, wanted: str | None) -> list[Any]:
        del scaled, wanted
        strongest = features.Strongest(score="chi2" if data.classes else "f")
        return [features.WordGrams(), *([strongest] if learner == "boosting" else [])]


@dataclass(frozen=True, eq=False)
class OfParts(Reading):
    """(P,) numbers of several parts, each read as its own modality is."""

    compared = ("forest",)
    parts: Parts | None = None

    def of(self, kind: Modality) -> Reading:
        return OfParts(cast(Parts, kind))

    def brought(self, net: nn.Module, x: Array, said: Said) -> Inputs:
        kind = cast(Parts, self.parts)
        encoders = [
            reading_of(slot.kind.name).brought(net, part, said.of(slot.name))
            for slot, part in zip(kind.slots, kind.split(x), strict=True)
        ]
        return PartsEncoder.of(kind, encoders, net, x)

    def given(self, xs: Any) -> Any:
        """Name -> (B, *shape)."""
        kind = cast(Parts, self.parts)
        return dict(zip((s.name for s in kind.slots), kind.split(np.asarray(xs)), strict=True))


READINGS: dict[str, Reading] = {
    "pixels": OfPixels(),
    "columns": OfColumns(),
    "steps": OfSteps(),
    "words": OfWords(),
    "frames": OfFrames(),
    "sound": OfSound(),
    "parts": OfParts(),
}
"""By what a `Modality` states as its `inputs`."""


def reading_of(modality: str) -> Reading:
    """How models read the samples of that modality."""
    kind = MODALITIES.get(modality)
    inputs = kind.inputs
    if inputs not in READINGS:
        raise InvalidInput(
            f"modality '{modality}' says that models read its samples as '{inputs}'; models know "
            f"{', '.join(READINGS)}."
        )
    return READINGS[inputs].of(kind)


def _valid_as(net: nn.Module) -> str | None:
    """How a module is told what is padding: by its `attention_mask`, or by a second argument that it
    needs or that is called a mask."""
    arguments = inspect.signature(net.forward).parameters
    if "attention_mask" in arguments:
        return "attention_mask"
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    second = [p for p in arguments.values() if p.kind in places][1:2]
    named = any(p.default is p.empty or "mask" in p.name or "valid" in p.name for p in second)
    return "" if named else None


def _rate(data: Dataset) -> int:
    """Samples a second of all sounds; `InvalidInput` where some do not say it or differ."""
    rates = {s.meta.get("rate") for s in (*data.train, *data.val, *data.test)}
    (rate, *others) = sorted(rates, key=str)
    if others or not isinstance(rate, int):
        raise InvalidInput(
            f"the sounds of '{data.name}' have the rates {', '.join(map(str, (rate, *others)))}; make all "
            "by xaikit.sound(wave, rate) with one rate."
        )
    return rate


def _categories(data: Dataset) -> tuple[int, ...]:
    """How many categories each column has, 0 for a number."""
    return tuple(len(c.categories) for c in data.columns) or (0,) * len(data.train[0].x)


def _per_channel(
    name: str,
    given: Sequence[float] | Mapping[str, Sequence[float]] | None,
    default: float,
    n: int,
) -> tuple[float, ...]:
    if isinstance(given, Mapping):
        raise InvalidInput(f"{name} is {dict(given)} and there is one input; give {n} numbers.")
    values = (default,) * n if given is None else tuple(float(v) for v in given)
    if len(values) != n or not np.isfinite(values).all() or (name == "std" and min(values) <= 0):
        raise InvalidInput(
            f"{name} is {values}; give {n} finite numbers"
            + (" above 0." if name == "std" else ", one a channel or column.")
        )
    return values
