"""Sounds: digits by speakers never learned from, and a planted tone; see `benchmarks.tasks`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import xaikit
from benchmarks.tasks_lines import Asked, Line, part, trained
from xaikit.core.types import Explanation, Sample
from xaikit.data.dataset import Dataset
from xaikit.data.tones import CAUSE, COUNTS, DECOY, heard, make_tones

__all__ = ["audio"]

NETS = ("logmel_cnn", "logmel_gru")
BESIDE = {"logistic": "logistic regression", "forest": "forest"}


@part
def audio(asked: Asked) -> Iterator[Line]:
    """Spoken digits with one speaker left out at a time and mixed; a tone that decides and one that does not."""
    if "fsdd" in asked.files:
        yield from _digits(asked.files["fsdd"], asked)
    counts = (64, 16, 16) if asked.quick else COUNTS
    for planted, bar in (("mark", ">= .97"), ("twin", "<= .05")):
        data = make_tones(asked.seed, counts, planted)  # type: ignore[arg-type]
        for net in NETS:
            model, seconds = trained(net, data, asked)
            right = model.info["metrics"]["test"]["accuracy"]
            yield Line(f"tones, {planted}: {net} is right", "", [right])
            yield Line(f"tones, {planted}: seconds of a core to train {net}", "", [seconds])
            for how, method in (("mean", "shap"), ("silence", "shap"), ("mean", "gradcam")):
                if (method, net) != ("gradcam", "logmel_gru"):
                    told = how == "mean" and method == "shap"
                    name = f"tones, {planted}: {net}, {method}, {how}"
                    yield from _tones(model, data, asked, method, how, name, bar if told else "")


def _tones(
    model: Any, data: Dataset, asked: Asked, method: str, how: str, name: str, bar: str
) -> Iterator[Line]:
    """Of sounds with the tone of 1.5 kHz: whether a patch of it is first, and shares of the positive evidence."""
    every = [s for s in data.test if s.meta["cause"]][: asked.n(40 if bar else 20, 3)]
    known = [_shares(e, s) for e, s in _explained(model, every, method, how, asked)]
    yield Line(f"{name}: the tone is first", bar, [first for first, _, _ in known])
    yield Line(f"{name}: positive evidence on the tone", "", [on for _, on, _ in known])
    decoys = [d for (_, _, d), s in zip(known, every, strict=True) if s.meta["decoy"]]
    yield Line(f"{name}: positive evidence on the decoy", "<= .06" if bar else "", decoys)


def _explained(
    model: Any, samples: Sequence[Sample], method: str, how: str, asked: Asked
) -> Iterator[tuple[Explanation, Sample]]:
    for s in samples:
        (e,) = xaikit.explain(model, s, method, target="predicted", masker=how, seed=asked.seed)
        yield e, s


def _shares(e: Explanation, s: Sample) -> tuple[float, float, float]:
    gains = e.values.clip(min=0)
    gains = gains / max(float(gains.sum()), 1e-12)
    cause, decoy = (
        e.segmentation.pool(heard(pitch, s.meta.get(at, -9.0)).astype(float)) > 0
        for pitch, at in ((CAUSE, "cause_at"), (DECOY, "decoy_at"))
    )
    return (
        float(cause[e.values.argmax()]),
        float(gains[cause].sum()),
        float(gains[decoy & ~cause].sum()),
    )


def _digits(folder: Path, asked: Asked) -> Iterator[Line]:
    """FSDD, four speakers: each left out in turn, then recordings 0 to 4 of every speaker held out."""
    data = xaikit.load_data(folder / "fsdd_wav.zip", names="{label}_{speaker}_{take}")
    every = (*data.train, *data.val, *data.test)
    if asked.quick:
        every = every[::8]
    speakers = sorted({s.meta["speaker"] for s in every})
    found: dict[str, list[float]] = {}
    for who in speakers:
        held = _split(data, every, [s.meta["speaker"] == who for s in every], asked.seed)
        for name, right in _right(held, asked, NETS[:1]).items():
            found.setdefault(name, []).append(right)
    for name, right in found.items():
        yield Line(
            f"FSDD, a speaker never learned from: {name}, mean of {len(speakers)}",
            "",
            [float(np.mean(right))],
        )
        worst = int(np.argmin(right))
        yield Line(f"FSDD, a speaker never learned from: {name}, worst", "", [right[worst]])
    mixed = _split(data, every, [int(s.meta["take"]) < 5 for s in every], asked.seed)
    for name, right in _right(mixed, asked, NETS).items():
        yield Line(
            f"FSDD, the same speakers: {name}", ">= .97" if name == "logmel_cnn" else "", [right]
        )


def _split(data: Dataset, every: Sequence[Sample], held: Sequence[bool], seed: int) -> Dataset:
    """Those held out as the test, one in eight of the others to stop by."""
    rest = [s for s, out in zip(every, held, strict=True) if not out]
    order = np.random.default_rng(seed).permutation(len(rest))
    val, train = order[: len(rest) // 8], order[len(rest) // 8 :]
    test = tuple(s for s, out in zip(every, held, strict=True) if out)
    return replace(
        data, train=tuple(rest[i] for i in train), val=tuple(rest[i] for i in val), test=test
    )


def _right(data: Dataset, asked: Asked, nets: Sequence[str]) -> dict[str, float]:
    """Share of the test that each model is right on."""
    models = {net: trained(net, data, asked)[0] for net in nets}
    models |= {
        called: xaikit.train(name, data, seed=asked.seed, progress=False)
        for name, called in BESIDE.items()
    }
    return {name: model.info["metrics"]["test"]["accuracy"] for name, model in models.items()}
