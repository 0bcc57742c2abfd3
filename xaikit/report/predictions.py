"""What the model said of one sample, in words and as bars, for each kind of task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xaikit.core.types import Explanation, Floats, Ints, Label
from xaikit.core.words import about
from xaikit.report.findings import Findings
from xaikit.report.formats import amount, count, percent

__all__ = [
    "answer",
    "answer_of",
    "asked_answer",
    "bars",
    "explained",
    "is_right",
    "likely",
    "said",
    "texts",
    "true_answer",
    "verb_of",
]

MANY_CLASSES = 20
MOST_VALUES = 5


def said(findings: Findings, i: int) -> str:
    """What was predicted, and what is true where that is known."""
    found = texts(findings, i)
    if found is None:
        return _SAID[findings.task.words](findings, i)
    key = "wrong" if findings.is_wrong(i) else "right" if found[1] is not None else "read"
    return findings.words(f"sample.{key}", read=found[0], label=found[1] or "")


def texts(findings: Findings, i: int) -> tuple[str, str | None] | None:
    """What was said and what is true, where an answer is a text."""
    return findings.task.texts(findings.run.predictions[i], findings.run.samples[i].label)


def verb_of(findings: Findings) -> str:
    """Whether a model reads what a sample is, or says something of it."""
    return (
        "reads"
        if findings.kind.is_read and (findings.classes or not findings.task.decides)
        else "says"
    )


def answer(findings: Findings, i: int) -> str:
    """What the model gave as its answer, and nothing else; "Seoul: LOC" where it is about a word."""
    found = answer_of(findings, findings.run.predictions[i])
    return about(findings.run.samples[i].x, (found,))[0]


def answer_of(findings: Findings, prediction: Floats) -> str:
    """What a prediction (K,) says."""
    if text := findings.task.texts(prediction, None):
        return text[0]
    if findings.classes:
        return _names(findings, findings.task.chosen(prediction[None])[0])
    return findings.words.listed([amount(float(v)) for v in prediction[:MOST_VALUES]])


def asked_answer(findings: Findings, i: int, e: Explanation | None) -> tuple[str, str | None]:
    """What was said and what is true in few words: of several values the one that is explained."""
    if texts(findings, i) or findings.task.words != "values" or e is None:
        return answer(findings, i), true_answer(findings, i)
    at, label = e.target.index, findings.run.samples[i].label
    said = f"{findings.task.outputs[at]} {amount(float(findings.run.predictions[i, at]))}"
    true = None if label is None else float(findings.task.truth(label)[at])
    if true is None or np.isnan(true):
        return said, None
    return said, findings.words.known(f"truth.{findings.task.name}.{true:g}", amount(true))


def true_answer(findings: Findings, i: int) -> str | None:
    """What is true of a sample, None where nobody knows."""
    label = findings.run.samples[i].label
    if label is None:
        return None
    if found := texts(findings, i):
        return found[1]
    if findings.classes:
        return _true_names(findings, label)
    return findings.words.listed([amount(v) for v in findings.task.truth(label).tolist()])


def likely(p: float) -> str:
    """A probability as per cent that is never all or nothing."""
    if p > 0.999:
        return f">{percent(0.999, 1)}"
    if p < 0.001:
        return f"<{percent(0.001, 1)}"
    return percent(p, 1 if p > 0.99 or p < 0.01 else 0)


def is_right(findings: Findings, i: int, prediction: Floats) -> bool:
    """Whether another prediction (K,) would have been right."""
    label = findings.run.samples[i].label
    return label is not None and bool(findings.task.right(prediction, label))


def explained(findings: Findings, i: int, e: Explanation | None) -> str:
    """The explained output, where it is not simply the one that was predicted."""
    if e is None or findings.task.words == "value":
        return ""
    (only, *more) = np.flatnonzero(findings.chosen[i]).tolist() or [-1]
    if not more and e.target.against is None and e.target.index == only:
        return ""
    return findings.words("sample.explained", target=findings.task.describe(e.target))


def bars(findings: Findings, i: int, most: int = 0) -> list[dict[str, Any]]:
    """The most probable outputs, always the true ones, then one line for the rest.

    most : for a small drawing: at most so many, and no line for the rest
    """
    if not findings.classes:
        return []
    p, label = findings.run.predictions[i], findings.run.samples[i].label
    true = np.zeros(len(p)) if label is None else findings.task.truth(label)
    shown = _shown(findings, i, true > 0)
    found: list[dict[str, Any]] = [
        {
            "name": _marked(findings, i, c, bool(true[c])),
            "width": f"{100 * float(p[c]):.1f}",
            "text": percent(float(p[c])),
            "first": bool(findings.chosen[i, c]),
        }
        for c in shown
    ]
    if most:
        return _few(findings, i, found, true, most)
    rest = np.delete(p, shown)
    if len(rest):
        others = findings.words("sample.others", n=count(len(rest)))
        found.append({"name": others, "text": _of_rest(findings, rest)})
    return found


def _few(
    findings: Findings, i: int, found: list[dict[str, Any]], true: Any, most: int
) -> list[dict[str, Any]]:
    """The answer, what is true where that is another, and else the next."""
    p, shown = findings.run.predictions[i], _shown(findings, i, true > 0)
    kept = [k for k, c in enumerate(shown) if findings.chosen[i, c] or true[c]]
    kept += [k for k in range(len(shown)) if k not in kept][: max(0, 2 - len(kept))]
    return [{**found[k], "text": likely(float(p[shown[k]]))} for k in sorted(kept)[:most]]


def _shown(findings: Findings, i: int, true: Any) -> Ints:
    p = findings.run.predictions[i]
    k = 5 if len(p) > MANY_CLASSES else 3
    order = np.argsort(-p, kind="stable")
    first = np.arange(len(p)) < k
    answers = findings.chosen[i, order] & findings.task.many
    kept: Ints = order[first | true[order] | answers]
    return kept


def _marked(findings: Findings, i: int, c: int, true: bool) -> str:
    """The name of an output, with a mark where it is true and the prediction is wrong."""
    name = findings.class_name(c)
    return findings.words("sample.true", name=name) if true and findings.is_wrong(i) else name


def _of_rest(findings: Findings, rest: Any) -> str:
    """What is left of the probability for other classes; of labels the largest of their own."""
    if findings.task.many:
        return findings.words("sample.at_most", p=percent(float(rest.max())))
    return percent(max(0.0, float(rest.sum())))


def _class(findings: Findings, i: int) -> str:
    words, label = findings.words, findings.run.samples[i].label
    read = _names(findings, findings.chosen[i])
    if label is None:
        return words("sample.read", read=read)
    if findings.is_wrong(i):
        return words("sample.wrong", read=read, label=_true_names(findings, label))
    return words("sample.right", read=read)


def _labels(findings: Findings, i: int) -> str:
    words, label = findings.words, findings.run.samples[i].label
    read = _names(findings, findings.chosen[i])
    if label is None:
        return words("sample.labels", read=read)
    if findings.is_wrong(i):
        return words("sample.labels_wrong", read=read, label=_true_names(findings, label))
    return words("sample.labels_right", read=read)


def _value(findings: Findings, i: int) -> str:
    words, label = findings.words, findings.run.samples[i].label
    read = amount(float(findings.run.predictions[i, 0]))
    if label is None:
        return words("sample.value_only", read=read)
    (true,) = findings.task.truth(label).tolist()
    return words("sample.value", read=read, label=amount(true))


def _values(findings: Findings, i: int) -> str:
    """The first few values by name."""
    words, label, names = findings.words, findings.run.samples[i].label, findings.task.outputs
    p = findings.run.predictions[i]
    parts = [f"{name} {amount(float(v))}" for name, v in zip(names, p, strict=True)]
    if label is not None:
        true = findings.task.truth(label).tolist()
        parts = [
            part if np.isnan(v) else f"{part} ({words('sample.true_value', value=amount(v))})"
            for part, v in zip(parts, true, strict=True)
        ]
    rest = len(parts) - MOST_VALUES
    more = [words("sample.others", n=count(rest))] if rest > 0 else []
    return words("sample.value_only", read=words.listed([*parts[:MOST_VALUES], *more]))


def _names(findings: Findings, held: Any) -> str:
    names = [findings.class_name(int(c)) for c in np.flatnonzero(held)]
    return findings.words.listed(names) or findings.words("sample.no_label")


def _true_names(findings: Findings, label: Label) -> str:
    return _names(findings, findings.task.truth(label) > 0)


_SAID: dict[str, Callable[[Findings, int], str]] = {
    "class": _class,
    "labels": _labels,
    "value": _value,
    "values": _values,
}
