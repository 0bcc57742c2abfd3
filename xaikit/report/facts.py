"""What was asked of what, in eight cells, and the parts of a run's context."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from xaikit.report.findings import Findings
from xaikit.report.formats import amount, count, fixed, interval, percent, percent_interval
from xaikit.study.run import Run

__all__ = ["facts", "fingerprint", "part", "worth"]

LEAST = 0.001  # a quality below it is told to be so


def part(run: Run, name: str) -> Mapping[str, Any]:
    """One part of the run's context, {} when it has none."""
    return dict(run.context.get(name) or {})


def facts(findings: Findings, n_shown: int) -> list[dict[str, str]]:
    """The eight cells under the question."""
    run, words = findings.run, findings.words
    model, data, question = (part(run, p) for p in ("model", "data", "question"))
    n, n_wrong = len(run.samples), sum(findings.is_wrong(i) for i in range(len(run.samples)))
    second = findings.second_masker
    unit = str(question.get("unit") or next((e.target.unit for e in run.explanations), ""))
    shown_unit = words.unit(unit)
    environment = run.environment
    weights = model.get("n_parameters")
    architecture = [str(model["architecture"])] if model.get("architecture") else []
    even = words("fact.even", unit=shown_unit) if unit == "log-odds" else shown_unit
    cells = (
        (
            "model",
            model.get("id") or next((e.model_id for e in run.explanations), "–"),
            " · ".join(
                [
                    *architecture,
                    *([words("fact.weights", n=count(weights))] if weights else []),
                    *_taken(findings),
                ]
            ),
        ),
        ("data", data.get("name") or "–", " · ".join([_quality(findings), *_form(data)])),
        (
            "output",
            _target(findings, question),
            " · ".join(
                [even, *([words("fact.labels")] if findings.task.words == "labels" else [])]
            ),
        ),
        (
            "features",
            _features(findings),
            words("fact.same"),
        ),
        (
            "removal",
            words("fact.replace", masker=question.get("masker_words") or findings.masker or "–"),
            words("fact.second", masker=second) if second else words("fact.one_masker"),
        ),
        (
            "samples",
            words("fact.n_samples", n=n, shown=n_shown),
            " · ".join(
                x
                for x in (
                    _chosen(findings),
                    words("fact.wrong", wrong=n_wrong, n=n) if findings.classes else "",
                )
                if x
            ),
        ),
        (
            "seeds",
            str(run.config.get("seed", "–")),
            words("fact.intervals" if n >= 10 else "fact.no_intervals"),
        ),
        (
            "run",
            _created(run),
            " · ".join(
                x
                for x in (
                    words("fact.run_id", id=fingerprint(run)),
                    str(environment.get("device") or environment.get("platform") or ""),
                )
                if x
            ),
        ),
    )
    return [
        {"label": words(f"fact.{key}"), "value": str(value), "detail": detail}
        for key, value, detail in cells
    ]


def _features(findings: Findings) -> str:
    """What the samples were cut into; where they differ, between how many."""
    run = findings.run
    sources = {e.segmentation.source for e in run.explanations}
    if of := (run.context.get("question") or {}).get("refined"):
        counts = sorted({e.segmentation.n_features for e in run.explanations})
        n = " – ".join(map(count, [counts[0], counts[-1]][: len(counts)]))
        places = findings.words.own(findings.kind.titles.parts)
        return findings.words("fact.features.refined", n=n, of=count(of), parts=places)
    if len(sources) > 1:
        counts = [e.segmentation.n_features for e in run.explanations]
        return f"{min(counts)} – {max(counts)} {findings.parts}"
    asked = (run.context.get("question") or {}).get("features")
    return re.sub(r"(\d) x (\d)", r"\1 × \2", str(asked or next(iter(sources), "–")))


def _chosen(findings: Findings) -> str:
    """How the samples were taken from the test rows, "" where nobody knows."""
    found = part(findings.run, "chosen")
    return findings.words(f"fact.chosen.{found['how']}", **found) if found else ""


def _created(run: Run) -> str:
    created = str(run.config.get("created") or run.environment.get("created") or "–")
    return created[:16].replace("T", " ")


def _target(findings: Findings, question: Mapping[str, Any]) -> str:
    words, asked = findings.words, str(question.get("target") or "")
    if findings.task.words == "value":
        return words("target.value")
    if findings.task.words == "values":
        return words("target.values", names=words.listed(_described(findings)))
    kind = "_label" if findings.task.words == "labels" else ""
    if not asked:
        return words(f"target.mixed{kind}")
    return words.known(f"target.{asked}{kind}", asked)


def _described(findings: Findings) -> list[str]:
    """The names of the explained outputs."""
    asked = dict.fromkeys(e.target.index for e in findings.run.explanations)
    return [findings.task.outputs[i] for i in asked]


def _taken(findings: Findings) -> list[str]:
    """What the model's numbers were taken for, where nobody said what they are."""
    info = part(findings.run, "model").get("info") or {}
    return [findings.words(f"outputs.{info['outputs']}")] if info.get("outputs_note") else []


def _form(data: Mapping[str, Any]) -> list[str]:
    """How the file was read."""
    held = data.get("form")
    return [str(part) for part in held] if isinstance(held, list) else []


def _quality(findings: Findings) -> str:
    words = findings.words
    quality = part(findings.run, "model").get("quality") or {}
    if quality.get("value") is None:
        return words("fact.no_quality")
    n = count(quality.get("n")) if quality.get("n") else "–"
    return words("fact.quality", n=n, **worth(findings, quality)).strip()


def worth(findings: Findings, quality: Mapping[str, Any]) -> dict[str, str]:
    """Name, value and interval of the model's quality: shares as per cent."""
    name, value, bounds = str(quality.get("metric")), quality["value"], quality.get("interval")
    told = {"metric": findings.words.known(f"metric.{name}", findings.measured(name))}
    if name == "accuracy":
        return told | {"value": percent(value, 1), "interval": percent_interval(bounds)}
    least = name != "mae" and 0 < value < LEAST  # of something that ends at 1
    shown = findings.words("under", value=fixed(LEAST, 3)) if least else amount(float(value))
    return told | {"value": shown, "interval": interval(bounds, 3, sign=False)}


def fingerprint(run: Run) -> str:
    """Seven digits that two runs share only when they hold the same explanations."""
    digest = hashlib.sha256()
    for e in run.explanations:
        digest.update(f"{e.method}|{e.sample_id}|{e.model_id}|{e.seed}".encode())
        digest.update(np.ascontiguousarray(e.values).tobytes())
    digest.update(json.dumps(run.config, sort_keys=True, default=str).encode())
    return digest.hexdigest()[:7]
