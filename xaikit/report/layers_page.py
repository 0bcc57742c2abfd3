"""The layers of a net from left to right: what each reacts to, and how well classes can be told there."""

from __future__ import annotations

import math
from typing import Any

from xaikit.report.formats import count, percent, percent_interval, signed
from xaikit.report.png import SMALL, photo_uri
from xaikit.report.words import Words
from xaikit.study.layers import FAR, SELECTIVE, TWINS, Channel, Layers, Patch, Told

__all__ = ["headline", "layer_rows", "layers_page", "probed"]


def layers_page(found: Layers, language: str = "en") -> dict[str, Any]:
    """Everything the page says of the layers."""
    words = Words(language)
    first = found.layers[0]
    return {
        "language": language,
        "title": words("layers.title", model=found.model),
        "nav": [],
        "sheets": ("layers.css",),
        "headline": headline(found, words),
        "said": probed(found, words),
        "meta": _meta(found, words),
        "rows": 5 + max(len(layer.channels) for layer in found.layers),
        "layers": [_layer(found, words, i) for i in range(len(found.layers))],
        "how": [
            words("layers.how.layers", names=", ".join(found.known)),
            words("layers.how.channels"),
            words("layers.how.patches", n=count(first.probe.n)),
            words("layers.how.made"),
            words(
                "layers.how.probe",
                n=count(found.n_train),
                of=count(first.probe.n),
                far=percent(FAR),
            ),
            words("layers.how.gratings", least=f"{SELECTIVE:.2f}", twins=TWINS),
        ],
    }


def headline(found: Layers, words: Words) -> str:
    """The one sentence: what has a direction, and from where on classes can be told."""
    edge = next((i for i, layer in enumerate(found.layers[:1]) if layer.directed), None)
    told = found.told_from
    if told is None:
        return words("layers.head.none" if edge is None else "layers.head.edge")
    key = "layers.head.told" if edge is None else "layers.head.both"
    return words(f"{key}.first" if told == 0 else key, told=told + 1, of=len(found.layers))


def probed(found: Layers, words: Words) -> str:
    """How the probe goes from the first layer to the last, beside what knows nothing."""
    first, last = found.layers[0], found.layers[-1]
    return words(
        "layers.probe",
        first=percent(first.probe.accuracy),
        last=percent(last.probe.accuracy),
        n=len(found.layers),
        twin=percent(max(layer.twin.accuracy for layer in found.layers)),
    )


def _meta(found: Layers, words: Words) -> str:
    n = found.layers[0].probe.n
    right = words("layers.accuracy", value=percent(found.accuracy, 1), n=count(n))
    return " · ".join((found.model, found.data, right, words("layers.seed", seed=found.seed)))


def _layer(found: Layers, words: Words, i: int) -> dict[str, Any]:
    layer = found.layers[i]
    sees = (
        words("layers.whole")
        if layer.field is None
        else words("layers.sees", down=layer.field[0], across=layer.field[1])
    )
    return {
        "number": i + 1,
        "name": layer.name,
        "facts": words("layers.channels", n=count(layer.n_channels)) + " · " + sees,
        "accuracy": percent(layer.probe.accuracy),
        "interval": percent_interval(layer.probe.interval, 0),
        "bar": f"{100 * layer.probe.accuracy:.1f}",
        "low": f"{100 * layer.probe.interval[0]:.1f}",
        "width": f"{100 * (layer.probe.interval[1] - layer.probe.interval[0]):.1f}",
        "twin": f"{100 * layer.twin.accuracy:.1f}",
        "majority": f"{100 * found.majority:.1f}",
        "notes": [
            words(
                "layers.beside", twin=percent(layer.twin.accuracy), majority=percent(found.majority)
            ),
            *_notes(layer, words),
        ],
        "channels": [_channel(found, words, layer, c) for c in layer.channels],
    }


def _notes(layer: Told, words: Words) -> list[str]:
    """What was measured of its channels."""
    told = []
    if layer.oriented is not None and layer.by_chance is not None:
        told.append(
            words(
                "layers.oriented",
                k=layer.oriented,
                of=layer.n_channels,
                chance=percent(layer.by_chance),
            )
        )
    told.append(words("layers.one_class", k=layer.of_one_class, of=len(layer.channels)))
    return told


def _channel(found: Layers, words: Words, layer: Told, channel: Channel) -> dict[str, Any]:
    last = layer is found.layers[-1] and layer.n_channels == len(found.classes)
    return {
        "name": found.classes[channel.index]
        if last
        else words("layers.channel", index=channel.index),
        "share": words("layers.share", share=percent(channel.share)),
        "line": _line(channel),
        "angle": "" if not _line(channel) else f"{channel.preferred:.0f}°",
        "made": None
        if channel.made is None
        else _patch(channel.made, words("layers.made.of", index=channel.index)),
        "times": _times(channel, words),
        "patches": [
            _patch(
                p,
                words(
                    "layers.patch",
                    sample=p.sample,
                    label=found.classes[p.label],
                    value=signed(p.activation, 1),
                ),
            )
            for p in channel.patches
        ],
    }


def _times(channel: Channel, words: Words) -> str:
    """How far the made picture goes beyond the strongest patch."""
    if channel.made is None:
        return words("layers.silent")
    best = channel.patches[0].activation if channel.patches else 0.0
    if best <= 0:
        return ""
    key = "layers.times.real" if channel.real else "layers.times"
    return words(key, times=f"{channel.made.activation / best:.1f}")


def _line(channel: Channel) -> str:
    """The preferred direction as a stroke in a box of 16; "" where there is none."""
    if channel.selectivity is None or channel.preferred is None or channel.selectivity < SELECTIVE:
        return ""
    x, y = (6 * f(math.radians(channel.preferred)) for f in (math.cos, math.sin))
    return f"M{8 - x:.1f} {8 + y:.1f}L{8 + x:.1f} {8 - y:.1f}"


def _patch(patch: Patch, label: str) -> dict[str, str | bool]:
    """The part of the window that is in the picture, at its place in the window, in per cent."""
    (top, end), (left, right) = patch.window
    down, across = end - top, right - left
    height, width = patch.x.shape[:2]
    return {
        "uri": photo_uri(patch.x),
        "label": label,
        "ratio": f"{across}/{down}",
        "place": f"left:{100 * max(-left, 0) / across:.2f}%;top:{100 * max(-top, 0) / down:.2f}%;"
        f"width:{100 * width / across:.2f}%;height:{100 * height / down:.2f}%",
        "smooth": max(height, width) > SMALL,
    }


def layer_rows(found: Layers) -> tuple[list[str], list[list[str]]]:
    """Columns and rows of a terminal's table."""
    words = Words()
    return ["layer", "channels", "sees", "probe", "untrained", "one direction"], [
        [
            layer.name,
            str(layer.n_channels),
            words("layers.all")
            if layer.field is None
            else f"{layer.field[0]} x {layer.field[1]} px",
            f"{percent(layer.probe.accuracy)} {percent_interval(layer.probe.interval, 0)}",
            percent(layer.twin.accuracy),
            "–" if layer.oriented is None else f"{layer.oriented} of {layer.n_channels}",
        ]
        for layer in found.layers
    ]
