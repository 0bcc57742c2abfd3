"""What each layer of a net reacts to: real patches, made pictures, gratings, and what a linear probe reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import scipy
from numpy.typing import NDArray

from xaikit.core.abilities import Model
from xaikit.core.display import display
from xaikit.core.errors import InvalidInput, NotApplicable
from xaikit.core.progress import Progress
from xaikit.core.stats import wilson
from xaikit.core.typed import plain
from xaikit.core.types import MODALITIES, Ints, Sample
from xaikit.data.dataset import Dataset

if TYPE_CHECKING:
    from xaikit.models.layers import Layer, Responses
    from xaikit.models.neural import NeuralModel
    from xaikit.models.visualise import Picture

__all__ = ["Channel", "Layers", "Patch", "Probe", "Told", "layers"]

MOST_TRAIN, MOST_TEST, WEIGHED = (
    2000,
    1000,
    200,
)  # samples that the probe learns of, is asked, that weigh channels
SELECTIVE = (
    1 / 3
)  # ideal edge filters on a square have .35 to .6, a slope without borders 1/2, spots 0
TWINS = 8  # untrained nets whose first layer is asked the same
FAR = 0.9  # of the way from guessing to the best probe


@dataclass(frozen=True)
class Probe:
    """A linear probe: logistic regression on the channels' means over the places (Alain & Bengio 2017).

    correct of n held-out samples; seen : share of its training samples
    """

    correct: int
    n: int
    seen: float

    @property
    def accuracy(self) -> float:
        return self.correct / self.n

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.correct, self.n)


@dataclass(frozen=True, eq=False)
class Patch:
    """What a cell has seen where it was excited most.

    x : (h, w, C) the part of the window that lies in the picture
    window : first place and the one after the last, down and across; it may overhang the picture
    """

    sample: str
    label: int
    activation: float
    window: tuple[tuple[int, int], ...]
    x: NDArray[Any]


@dataclass(frozen=True, eq=False)
class Channel:
    """One channel: how far answers lean on it, its strongest patches, a picture made for it.

    share : of the summed effects of the layer's channels on the predicted answers
    made : Patch of no sample; None where no start excited it
    real : whether that one began with the strongest patch, as no noise moved the channel
    selectivity, preferred : of gratings, see `Tuning`; None where not asked
    """

    index: int
    share: float
    patches: tuple[Patch, ...]
    made: Patch | None
    real: bool = False
    selectivity: float | None = None
    preferred: float | None = None


@dataclass(frozen=True, eq=False)
class Told:
    """What is known of one layer.

    field : the receptive field of a cell in px, down and across; None where it may see the whole picture
    oriented : channels that prefer a direction, of n_channels; None where not asked
    by_chance : the same of untrained nets, as a share
    """

    name: str
    n_channels: int
    shape: tuple[int, ...]
    field: tuple[int, ...] | None
    channels: tuple[Channel, ...]
    probe: Probe
    twin: Probe
    oriented: int | None = None
    by_chance: float | None = None

    @property
    def of_one_class(self) -> int:
        """How many of the channels have their strongest patches in pictures of one class only."""
        return sum(len({p.label for p in c.patches}) == 1 for c in self.channels)

    @property
    def directed(self) -> bool:
        """Whether most channels prefer a direction, and more of them than in untrained nets (5 %)."""
        if self.oriented is None or self.by_chance is None or 2 * self.oriented <= self.n_channels:
            return False
        p = scipy.stats.binom.sf(self.oriented - 1, self.n_channels, self.by_chance)
        return bool(p < 0.05)


@dataclass(frozen=True, eq=False)
class Layers:
    """What each layer of a net reacts to, from input to answer: the result of `xaikit.layers`.

    layers : those that were looked at, first to last; known : names of all
    majority : accuracy of the most frequent class of the training samples
    """

    model: str
    data: str
    classes: tuple[str, ...]
    layers: tuple[Told, ...]
    known: tuple[str, ...]
    majority: float
    accuracy: float
    n_train: int
    seed: int

    @property
    def told_from(self) -> int | None:
        """The first layer from which on every probe is nine tenths of the way from the majority to the best
        one; None where no probe is better than the majority and the untrained twin."""
        best = max(self.layers, key=lambda layer: layer.probe.correct)
        if best.probe.interval[0] <= max(self.majority, best.twin.interval[1]):
            return None
        need = self.majority + FAR * (best.probe.accuracy - self.majority)
        short = [i for i, layer in enumerate(self.layers) if layer.probe.accuracy < need]
        return max(short, default=-1) + 1 if max(short, default=-1) + 1 < len(self.layers) else None

    def save(self, path: str | Path, *, language: str = "en", force: bool = False) -> Path:
        """Write the page; a file that is no page of xaikit is overwritten only with `force`."""
        return display("layers page", self, path, language, force)  # type: ignore[no-any-return]

    def to_json(self) -> dict[str, Any]:
        """The numbers as a plain dict, without the pictures."""
        told = [_plain(layer) for layer in self.layers]
        return {
            **plain(asdict(replace(self, layers=()))),
            "told_from": self.told_from,
            "layers": told,
        }


def _plain(layer: Told) -> dict[str, Any]:
    record = plain(asdict(layer))
    for channel in record["channels"]:
        for patch in (*channel["patches"], *([channel["made"]] if channel["made"] else [])):
            del patch["x"]
    for name in ("probe", "twin"):
        record[name] |= {
            "accuracy": getattr(layer, name).accuracy,
            "interval": getattr(layer, name).interval,
        }
    return record  # type: ignore[no-any-return]


def layers(
    model: Model,
    data: Dataset,
    *,
    names: Sequence[str] = (),
    n_layers: int = 5,
    n_channels: int = 6,
    n_patches: int = 6,
    seed: int = 0,
    progress: bool = False,
) -> Layers:
    """What each layer of an image classifier reacts to, and how well its classes can be told there.

    names : of the layers to look at; else n_layers evenly from the first to the last
    n_channels : of each layer, those whose activation x derivative of the predicted answer is largest
    n_patches : of the test pictures, the strongest for each channel, one a picture
    Seconds for a small net, some minutes for one of 224 px. `NotApplicable` for models without layers, other
    modalities and tasks without classes.

    >>> xaikit.layers(model, data)
    Traceback (most recent call last):
    xaikit.core.errors.NotApplicable: 'wine-logistic' is no torch net whose modules can be watched, so it has no layers to look at; use one, for example 'lenet'.
    """
    net = _require_pictures(model, data)
    from xaikit.models.layers import layers_of, named, spread, untrained

    known = layers_of(net)
    chosen = named(known, names, net) if names else spread(known, n_layers)
    rng = np.random.default_rng(seed)
    fit, held = _drawn(data.train, MOST_TRAIN, rng), _drawn(data.test, MOST_TEST, rng)
    with Progress(len(chosen) + 2, "probing", show=progress) as bar:
        probes = _probes(net, chosen, fit, held)
        bar.tick(1, "probing the untrained twin")
        twins = _probes(untrained(net, rng), chosen, fit, held)
        look = _Look(net, held, n_channels, n_patches, rng)
        found = []
        for layer, probe, twin in zip(chosen, probes, twins, strict=True):
            bar.tick(1, f"looking at {layer.name}")
            found.append(look.at(layer, probe, twin))
        bar.tick(1)
    labels = _labels(fit)
    return Layers(
        model=net.id,
        data=data.name,
        classes=net.classes,
        layers=tuple(found),
        known=tuple(layer.name for layer in known),
        majority=float((_labels(held) == np.bincount(labels).argmax()).mean()),
        accuracy=float((net.scores([s.x for s in held]).argmax(1) == _labels(held)).mean()),
        n_train=len(fit),
        seed=seed,
    )


def _require_pictures(model: Model, data: Dataset) -> Any:
    """The model, a net that classifies pictures."""
    kind = MODALITIES.get(model.modality)
    if not hasattr(model, "net") or getattr(model, "randomised", None) is None:
        raise NotApplicable(
            f"'{model.id}' is no torch net whose modules can be watched, so it has no layers to look at; use one, "
            "for example 'lenet'."
        )
    if kind.inputs != "pixels":
        raise NotApplicable(
            f"'{model.id}' reads {kind.titles.samples[0]}, and layers are looked at for images; use a net of images."
        )
    task = getattr(model, "task", None)
    if data.task != "classification" or (task is not None and task.words != "class"):
        raise NotApplicable(
            f"'{data.name}' is a {data.task}, and a probe tells classes; give pictures of one class each."
        )
    if data.modality != model.modality:
        raise InvalidInput(
            f"'{model.id}' reads {model.modality} and '{data.name}' is {data.modality}."
        )
    if tuple(model.classes) != tuple(data.classes):
        raise InvalidInput(
            f"'{model.id}' answers with {', '.join(model.classes)} and '{data.name}' has the classes "
            f"{', '.join(data.classes)}; give both the same, in the same order."
        )
    for split in ("train", "test"):
        data.labels(split)  # which refuses where one has none
    return model


def _drawn(samples: Sequence[Sample], n: int, rng: np.random.Generator) -> list[Sample]:
    """n of the samples, any, in their order."""
    if len(samples) <= n:
        return list(samples)
    return [samples[i] for i in np.sort(rng.choice(len(samples), n, replace=False))]


def _labels(samples: Sequence[Sample]) -> Ints:
    return np.array([s.label for s in samples], dtype=np.int64)


def _probes(
    net: NeuralModel, chosen: Sequence[Layer], fit: Sequence[Sample], held: Sequence[Sample]
) -> list[Probe]:
    """Of every layer, by scikit-learn: channels scaled to mean 0 and deviation 1, its own penalty."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from xaikit.models.layers import responses

    read = [responses(net, [s.x for s in part], chosen) for part in (fit, held)]
    found = []
    for learned, asked in zip(*read, strict=True):
        line = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
        line.fit(learned.mean, _labels(fit))
        right = int((line.predict(asked.mean) == _labels(held)).sum())
        found.append(Probe(right, len(held), float(line.score(learned.mean, _labels(fit)))))
    return found


@dataclass(frozen=True, eq=False)
class _Look:
    """How each layer is looked at."""

    net: NeuralModel
    held: Sequence[Sample]
    n_channels: int
    n_patches: int
    rng: np.random.Generator

    def at(self, layer: Layer, probe: Probe, twin: Probe) -> Told:
        from xaikit.models.layers import responses, untrained
        from xaikit.models.visualise import excite, tune

        xs = [s.x for s in self.held]
        (answer,) = responses(self.net, xs, [layer])
        (weighed,) = responses(self.net, xs[:: -(-len(xs) // WEIGHED)], [layer], weigh=True)
        chosen = weighed.weightiest[: self.n_channels].tolist()
        effect = weighed.pull / (weighed.pull.sum() or 1.0)
        best = [self._best(layer, answer, c) for c in chosen]
        seen = [(xs[i], cell) for i, cell in best]
        made = excite(self.net, layer, chosen, seen, self.rng)
        tuned = tune(self.net, layer)
        twins = (untrained(self.net, self.rng) for _ in range(TWINS * (tuned is not None)))
        chance = [t.selectivity >= SELECTIVE for net in twins if (t := tune(net, layer))]
        return Told(
            name=layer.name,
            n_channels=layer.n_channels,
            shape=layer.shape,
            field=_field(layer, xs[0].shape),
            channels=tuple(
                Channel(
                    index=c,
                    share=float(effect[c]),
                    patches=self._patches(layer, answer, c),
                    made=None if picture is None else self._made(layer, picture),
                    real=picture is not None and picture.real,
                    selectivity=None if tuned is None else float(tuned.selectivity[c]),
                    preferred=None if tuned is None else float(tuned.preferred[c]),
                )
                for c, picture in zip(chosen, made, strict=True)
            ),
            probe=probe,
            twin=twin,
            oriented=None if tuned is None else int((tuned.selectivity >= SELECTIVE).sum()),
            by_chance=float(np.mean(chance)) if chance else None,
        )

    def _made(self, layer: Layer, picture: Picture) -> Patch:
        return self._cut(layer, picture.x, layer.centre, "", -1, picture.activation)

    def _best(
        self, layer: Layer, answer: Responses, channel: int, rank: int = 0
    ) -> tuple[int, list[int]]:
        """Which picture excites a channel most (or next), and the cell of it that does."""
        i = int(np.argsort(-answer.peak[:, channel], kind="stable")[rank])
        cell = np.unravel_index(int(answer.place[i, channel]), layer.shape) if layer.shape else ()
        return i, [int(c) for c in cell]

    def _patches(self, layer: Layer, answer: Responses, channel: int) -> tuple[Patch, ...]:
        """The strongest, one a picture; none where all pictures excite it alike."""
        if np.ptp(answer.peak[:, channel]) == 0:
            return ()
        found = []
        for rank in range(min(self.n_patches, len(self.held))):
            i, cell = self._best(layer, answer, channel, rank)
            s, peak = self.held[i], float(answer.peak[i, channel])
            found.append(self._cut(layer, s.x, cell, s.id, int(cast(int, s.label)), peak))
        return tuple(found)

    def _cut(
        self, layer: Layer, x: NDArray[Any], cell: Any, sample: str, label: int, activation: float
    ) -> Patch:
        window = layer.window(cell, x.shape[:2])
        down, across = (
            slice(max(a, 0), min(b, n)) for (a, b), n in zip(window, x.shape, strict=False)
        )
        return Patch(sample, label, activation, window, x[down, across])


def _field(layer: Layer, shape: Sequence[int]) -> tuple[int, ...] | None:
    """Sides of the receptive field in px; None where it is the whole picture."""
    sides = tuple(b - a for a, b in layer.window(layer.centre, shape[:2]))
    return None if layer.sides is None or sides == tuple(shape[:2]) else sides
