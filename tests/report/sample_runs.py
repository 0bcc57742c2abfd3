"""Synthetic but lifelike runs of all four modalities, made with NumPy only."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from xaikit.core.explanations import Explanations
from xaikit.core.types import Cost, Explanation, Sample, Score, Segmentation, Target
from xaikit.judge.overview import Overview
from xaikit.study.run import Failure, Run

MASKERS = ("mean colour of training images", "blurred image (sigma 3.2 px)")
HOSTILE = '<script>alert("x")</script>'
RIGHT_TO_LEFT = "\u202e\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627"


@dataclass(frozen=True)
class Kind:
    """How a made-up method behaves: noise on the truth, its own repeatability, its gain."""

    name: str
    title: str
    noise: float
    repeats: float
    gain: float
    unit: str = "log-odds"
    additive: bool = True
    std: float | None = None
    depends: float = 0.05
    control: bool = False
    calls: int = 64
    converged: bool | None = None


KINDS = (
    Kind("integrated_gradients", "Integrated gradients", 0.05, 1.0, 0.38),
    Kind("occlusion", "Occlusion", 0.15, 1.0, 0.35, additive=False, calls=65),
    Kind("shap", "SHAP", 0.2, 0.89, 0.39, std=0.12, calls=520, converged=False),
    Kind("gradcam", "Grad-CAM", 1.2, 1.0, 0.0, unit="relative", additive=False, calls=1),
    Kind("lime", "LIME", 0.8, 0.26, 0.36, std=0.4, additive=False, calls=100),
    Kind(
        "magnitude",
        "Brightness",
        0.6,
        1.0,
        0.25,
        "relative",
        False,
        depends=1.0,
        control=True,
        calls=0,
    ),
    Kind("random", "Random", 9.0, 0.0, 0.0, "relative", False, depends=1.0, control=True, calls=0),
)


def make_run(
    samples: Sequence[Sample],
    segment: Callable[[Sample], Segmentation],
    truth: Callable[[Sample, Segmentation], np.ndarray],
    classes: Sequence[str],
    *,
    kinds: Sequence[Kind] = KINDS,
    evidence: bool = True,
    seed: int = 0,
    context: dict[str, Any] | None = None,
) -> Run:
    """A run in which each method sees the truth through its own noise."""
    rng = np.random.default_rng(seed)
    explanations, scores = [], []
    for s in samples:
        seg = segment(s)
        true = truth(s, seg)
        for kind in kinds:
            explanations.append(_explain(kind, s, seg, true, bool(classes), rng))
    predictions = _predict(samples, classes, rng)
    run = Run(
        config={
            "seed": 0,
            "methods": [k.name for k in kinds],
            "n": len(samples),
            "created": "2026-11-20T14:02:00",
        },
        samples=tuple(samples),
        predictions=predictions,
        explanations=tuple(explanations),
        environment={
            "python": "3.11.9",
            "platform": "Linux x86_64",
            "device": "CPU",
            "versions": {"xaikit": "0.1.0", "torch": "2.13.0", "numpy": "2.4.1"},
        },
        context=_context(samples, classes, kinds) | (context or {}),
    )
    if evidence:
        for kind in kinds:
            scores += _scores(kind, run, rng)
        scores += _agreements(kinds, run)
    return replace(run, scores=tuple(scores))


def _explain(kind, s, seg, true, classified, rng) -> Explanation:
    end = np.abs(true).max()
    values = true + kind.noise * end * 0.5 * rng.normal(size=len(true))
    if kind.name == "random":
        values = rng.normal(size=len(true))
    if kind.unit == "relative":
        values = np.abs(values) if kind.name != "random" else values
    if kind.name == "occlusion" and s.modality == "image":
        values = np.where(np.abs(values) < 0.1 * end, 0, values)
    empty = -1.06
    output = empty + float(values.sum()) if kind.additive else empty + float(true.sum())
    return Explanation(
        values=values,
        method=kind.name,
        sample_id=s.id,
        model_id="digits-cnn",
        target=Target(int(s.meta.get("read", 0))) if classified else Target(0, space="value"),
        segmentation=seg,
        masker=MASKERS[0],
        output=output,
        empty=empty,
        additive=kind.additive,
        unit=kind.unit if classified or kind.unit == "relative" else "score",
        std=None if kind.std is None else np.full(len(true), kind.std * end * 0.3),
        converged=kind.converged if s.meta.get("index", 0) % 3 == 0 else None,
        note="paired kernel regression" if kind.name == "shap" else "",
        extras={"r2": 0.12 if s.meta.get("index") == 0 else 0.71} if kind.name == "lime" else {},
        cost=Cost(kind.calls, kind.calls, 0, 0.0004 * kind.calls),
    )


def _predict(samples, classes, rng) -> np.ndarray:
    if not classes:
        return np.array([[float(s.meta.get("read", 0.0))] for s in samples])
    p = rng.dirichlet(np.full(len(classes), 0.3), len(samples)) * 0.4
    for row, s in zip(p, samples, strict=True):
        row[int(s.meta.get("read", 0))] += 0.6
    return p


def _context(samples, classes, kinds) -> dict[str, Any]:
    modality = samples[0].modality
    return {
        "title": "Which parts of the image decide the digit this model reads, and which explanations of it can be believed?",
        "command": "xaikit explain digits-cnn \\\n  --data digits --n 48 \\\n  --methods integrated_gradients,occlusion,shap,gradcam,lime \\\n  --seed 0 --out reports/digits.html",
        "model": {
            "id": "digits-cnn",
            "family": "neural",
            "architecture": "lenet",
            "n_parameters": 20618,
            "classes": list(classes),
            "quality": {
                "metric": "accuracy",
                "value": 0.932,
                "interval": [0.906, 0.951],
                "n": 497,
                "split": "test",
            },
            "info": {"hash": "9c417be203fda8d6" * 4},
        },
        "data": {
            "name": "digits",
            "modality": modality,
            "source": "Handwritten digits of scikit-learn placed in scenes with distractor strokes.",
            "language": "en",
            "columns": [],
            "n_test": 497,
            "hash": "51ae90c7f4126b0e" * 4,
        },
        "question": {
            "target": "predicted",
            "unit": "log-odds",
            "features": "64 patches of 4 x 4 px",
            "masker": MASKERS[0],
            "masker_words": "training mean colour",
            "second_masker": "blur",
        },
        "methods": {
            k.name: {
                "title": k.title,
                "asks": "How much does the score fall when this feature alone is removed?",
                "misleads": "Two features that say the same cover for each other.",
                "paper": "A. Author et al. 2017",
                "control": k.control,
                "additive": k.additive,
            }
            for k in kinds
        },
        "rationale": "the true digit's box" if samples[0].rationale is not None else None,
    }


def _scores(kind: Kind, run: Run, rng) -> list[Score]:
    x = np.linspace(0, 1, 17)
    found = []
    for s, masker in itertools.product(run.samples, MASKERS):
        of = {"method": kind.name, "sample": s.id, "masker": masker}
        strength = kind.gain + 0.06 * rng.normal()
        down = 0.9 * np.exp(-(1.3 + 14 * max(strength, 0)) * x) + 0.05 * rng.random()
        up = 0.9 * (1 - np.exp(-(1.3 + 10 * max(strength, 0)) * x)) + 0.05 * rng.random()
        for metric, y, direction in (("deletion", down, "lower"), ("insertion", up, "higher")):
            area = float(np.trapezoid(y, x))
            found.append(
                Score(metric, area, direction, "faithfulness", curve=np.stack([x, y], 1), of=of)
            )
        found.append(Score("srg", float(strength), "higher", "faithfulness", of=of))
        if not kind.control:
            found.append(Score("own_sample", 0.3 * strength, "higher", "sanity", of=of))
        if kind.name == "random" and s.modality != "text":
            far = 0.9 + 1.4 * MASKERS.index(masker) + 0.05 * rng.random()
            found.append(Score("shift", far, "lower", "faithfulness", of=of))
        if kind.additive:
            found.append(Score("completeness_gap", 0.004, "lower", "faithfulness", of=of))
    for s in run.samples:
        of = {"method": kind.name, "sample": s.id}
        if s.rationale is not None:
            inside = float(np.clip(0.3 + kind.gain + 0.05 * rng.normal(), 0, 1))
            for metric, value in (
                ("pointing_game", float(inside > 0.4)),
                ("relevance_mass", inside),
                ("auprc", inside * 0.9),
            ):
                found.append(Score(metric, value, "higher", "plausibility", of=of))
        if not kind.control:
            for metric, value, family in (
                ("randomisation", kind.depends + 0.02 * rng.random(), "sanity"),
                ("random_logit", 0.3 + 0.1 * rng.random(), "sanity"),
                (
                    "variance_share",
                    min(1.0, kind.repeats + 0.06 * rng.normal() * (kind.repeats < 1)),
                    "stability",
                ),
            ):
                found.append(Score(metric, float(value), "lower", family, of=of))
    return found


def _agreements(kinds: Sequence[Kind], run: Run) -> list[Score]:
    found = []
    for s in run.samples:
        mine = {e.method: e for e in run.explanations if e.sample_id == s.id}
        ranks = {m: np.argsort(np.argsort(np.abs(e.values))) for m, e in mine.items()}
        tops = {m: set(np.argsort(-np.abs(e.values))[:5].tolist()) for m, e in mine.items()}
        for a, b in itertools.combinations_with_replacement(kinds, 2):
            if "random" in (a.name, b.name):
                continue
            of = {"a": a.name, "b": b.name, "sample": s.id}
            rank = a.repeats if a is b else float(np.corrcoef(ranks[a.name], ranks[b.name])[0, 1])
            top = a.repeats if a is b else len(tops[a.name] & tops[b.name]) / 5
            found.append(Score("spearman", rank, "higher", "agreement", of=of))
            found.append(Score("feature_agreement", top, "higher", "agreement", of=of))
    return found


DIGITS = (
    "011110 110011 110011 110011 110011 011110",
    "001100 011100 001100 001100 001100 011110",
    "011110 000011 000110 001100 011000 111111",
    "111110 000011 001110 000011 000011 111110",
    "000110 001110 011010 110010 111111 000010",
    "111111 110000 111110 000011 000011 111110",
    "001110 011000 111110 110011 110011 011110",
    "111111 000011 000110 001100 001100 001100",
)


def digit_samples(n: int, side: int = 32, rationale: bool = True) -> list[Sample]:
    rng = np.random.default_rng(7)
    found = []
    for i in range(n):
        label = i % len(DIGITS)
        glyph = np.array([[int(c) for c in row] for row in DIGITS[label].split()], dtype=float)
        glyph = np.kron(glyph, np.ones((2, 2)))
        x = 0.15 + 0.05 * rng.random((side, side, 1))
        r, c = rng.integers(2, side - 16, 2)
        x[r : r + 12, c : c + 12, 0] = np.maximum(x[r : r + 12, c : c + 12, 0], 0.95 * glyph)
        start = rng.integers(2, side - 8)
        x[start, 1:8, 0] = 0.6
        box = np.zeros((side, side), dtype=bool)
        box[r : r + 12, c : c + 12] = True
        read = label if i % 4 else (label + 3) % 8
        found.append(
            Sample(
                f"{i}",
                x.astype(np.float32),
                "image",
                label=label,
                rationale=box if rationale else None,
                meta={"read": read, "index": i},
            )
        )
    return found


def patches(s: Sample, size: int = 4) -> Segmentation:
    h, w = s.grid
    rows, columns = np.arange(h) // size, np.arange(w) // size
    n = int(columns[-1]) + 1
    ids = rows[:, None] * n + columns[None]
    names = tuple(f"row {i // n + 1}, col {i % n + 1}" for i in range(int(ids.max()) + 1))
    return Segmentation(ids, names, f"{len(names)} patches of {size} x {size} px")


def stroke_truth(s: Sample, seg: Segmentation) -> np.ndarray:
    rng = np.random.default_rng(len(s.id) + int(s.x.sum() * 10) % 1000)
    mass = seg.pool(
        (s.x[..., 0] > 0.5).astype(float) * (s.rationale if s.rationale is not None else 1), "mean"
    )
    return 5 * mass**2 * rng.choice([1, 1, 1, -0.5], size=len(mass)) * rng.random(len(mass))


def image_run(n: int = 16, **changes: Any) -> Run:
    run = make_run(digit_samples(n), patches, stroke_truth, [str(i) for i in range(10)], **changes)
    gone = run.explanations[2]
    failures = (
        Failure(
            "attention",
            "digits-cnn",
            "attention needs attention layers and 'digits-cnn' has none.",
            "not_applicable",
            remedy="A transformer classifier.",
        ),
        Failure(
            "shap",
            "digits-cnn",
            "time limit of 60 s reached",
            "error",
            gone.sample_id,
            "--time-limit 120",
        ),
    )
    return replace(run, explanations=run.explanations[:2] + run.explanations[3:], failures=failures)


REVIEWS = {
    "en": "The screen is sharp and the keyboard feels solid , but after two weeks the battery lasts barely three hours and support never answered .",
    "ko": "배송은 빨랐고 포장도 꼼꼼했지만 화면에 줄이 가 있고 고객센터는 일주일째 답이 없어서 결국 환불했습니다 .",
}
WEIGHTS = {
    "sharp": -1.04,
    "solid": -0.4,
    "but": 0.5,
    "barely": 2.06,
    "never": 1.74,
    "battery": 0.3,
    "answered": 0.25,
    "빨랐고": -1.07,
    "줄이": 1.46,
    "없어서": 0.7,
    "환불했습니다": 1.98,
    "꼼꼼했지만": -0.3,
    "결국": 0.5,
}


def text_run(language: str = "en", n: int = 12, long: bool = False, **changes: Any) -> Run:
    rng = np.random.default_rng(3)
    base = REVIEWS[language].split()
    filler = [
        "it",
        "was",
        "on",
        "the",
        "table",
        "of",
        "the",
        "house",
        "near",
        "the",
        "town",
        "and",
        "we",
        "went",
        "there",
    ]
    samples = []
    for i in range(n):
        words = list(base if i == 0 else [*rng.permutation(base[:-1]), base[-1]])
        if long:
            words = words[:10] + list(rng.choice(filler, 220)) + words[10:]
        x = np.array(words)
        samples.append(
            Sample(
                f"review {1042 + i}",
                x,
                "text",
                label=0 if i % 5 else 2,
                rationale=np.isin(x, ["barely", "never", "줄이", "환불했습니다"]),
                meta={"read": 0, "index": i},
            )
        )
    classes = ["negative", "neutral", "positive"] if language == "en" else ["부정", "중립", "긍정"]
    run = make_run(samples, word_features, word_truth, classes, **changes)
    data = {**run.context["data"], "name": "reviews", "language": language}
    question = {**run.context["question"], "features": "words", "masker_words": "left out"}
    return replace(
        run,
        context={
            **run.context,
            "data": data,
            "question": question,
            "rationale": "the words that decide the label",
        },
    )


def word_features(s: Sample) -> Segmentation:
    return Segmentation(np.arange(len(s.x)), tuple(str(w) for w in s.x), f"{len(s.x)} words")


def word_truth(s: Sample, _: Segmentation) -> np.ndarray:
    return np.array([WEIGHTS.get(str(w), 0.0) for w in s.x])


COLUMNS = (
    "Mean concave points",
    "Worst texture",
    "Mean perimeter",
    "Mean smoothness",
    "Concave points error",
    "Mean radius",
    "Mean texture",
    "Mean compactness",
    "Worst area",
    "Worst symmetry",
    "Area error",
    "Country",
)


def table_run(n: int = 20, task: str = "classification", **changes: Any) -> Run:
    rng = np.random.default_rng(5)
    scale = np.array([0.05, 18, 92, 0.1, 0.01, 14, 19, 0.1, 880, 0.29, 40, 1])
    x = scale * rng.lognormal(0, 0.35, (100 + n, len(COLUMNS)))
    x[:, -1] = rng.integers(0, 3, 100 + n)
    low, median, high = np.percentile(x[n:], [5, 50, 95], axis=0)
    columns = [
        {
            "name": name,
            "unit": "mm" if "radius" in name else "",
            "low": low[i],
            "median": median[i],
            "high": high[i],
            "categories": ["Korea", "Peru", "Chad"] if name == "Country" else [],
        }
        for i, name in enumerate(COLUMNS)
    ]
    classes = ["benign", "malignant"] if task == "classification" else []
    samples = [
        Sample(
            f"patient row {200 + i}",
            x[i],
            "table",
            label=(i % 2 if classes else 150.0 + i),
            meta={"read": (1 if classes else 140.0 + 2 * i), "index": i},
        )
        for i in range(n)
    ]
    weight = rng.normal(0, 0.6, len(COLUMNS))

    def truth(s: Sample, _: Segmentation) -> np.ndarray:
        return weight * (s.x - median) / (high - low) * 3

    run = make_run(
        samples,
        lambda s: Segmentation(np.arange(len(s.x)), COLUMNS, "12 columns"),
        truth,
        classes,
        **changes,
    )
    model = dict(run.context["model"]) | (
        {}
        if classes
        else {"quality": {"metric": "r2", "value": 0.47, "interval": [0.35, 0.56], "n": 89}}
    )
    question = {
        **run.context["question"],
        "features": "12 columns",
        "masker_words": "50 training rows",
    }
    return replace(
        run,
        context={
            **run.context,
            "data": {**run.context["data"], "name": "breast cancer", "columns": columns},
            "model": model,
            "question": question,
        },
    )


def series_run(n: int = 12, channels: int = 1, step: bool = True, **changes: Any) -> Run:
    rng = np.random.default_rng(11)
    t = np.arange(240)
    samples, at = [], {}
    for i in range(n):
        x = 0.03 * rng.normal(size=(240, channels))
        for beat in range(20, 240, 40):
            x[:, 0] += np.exp(-(((t - beat) / 2.5) ** 2)) - 0.3 * np.exp(
                -(((t - beat - 6) / 3) ** 2)
            )
        spike = int(rng.integers(60, 200))
        x[:, 0] += 1.3 * np.exp(-(((t - spike) / 6) ** 2))
        at[f"recording {50 + i}"] = spike
        samples.append(
            Sample(
                f"recording {50 + i}",
                x.astype(np.float32),
                "series",
                label=1,
                meta={"read": 1 if i % 4 else 0, "index": i},
            )
        )

    def windows(s: Sample) -> Segmentation:
        window = np.arange(240) // 10
        ids = window[:, None] + 24 * np.arange(channels)[None]
        names = tuple(
            f"ch {c + 1}, steps {10 * w}-{10 * w + 9}" for c in range(channels) for w in range(24)
        )
        return Segmentation(ids, names, "24 windows of 10 steps")

    def truth(s: Sample, seg: Segmentation) -> np.ndarray:
        centre = np.tile(np.arange(24) * 10 + 5, channels)
        near = np.exp(-(((centre - at[s.id]) / 9) ** 2)) * np.repeat(np.eye(1, channels)[0], 24)
        return 3 * near - 0.4 * np.roll(near, 3)

    run = make_run(samples, windows, truth, ["normal beat", "ventricular beat"], **changes)
    data = {
        **run.context["data"],
        "name": "waves",
        "columns": [
            {"name": f"lead {c + 1}", "unit": "mV", "categories": []} for c in range(channels)
        ],
    }
    if step:
        data["step"] = {"size": 0.025, "unit": "s"}
    question = {
        **run.context["question"],
        "features": "24 windows of 10 steps",
        "masker_words": "training mean",
    }
    return replace(
        run,
        context={
            **run.context,
            "data": data,
            "question": question,
        },
    )


def bare_run(n: int = 1, modality: str = "image") -> Run:
    """Explanations and nothing else: no score, no context, no configuration."""
    made = {"image": image_run, "text": text_run, "table": table_run, "series": series_run}[
        modality
    ](n=n, evidence=False)
    return replace(made, config={}, context={}, environment={}, failures=())


def with_overview(run: Run, method: str = "integrated_gradients", **changes: Any) -> Run:
    """The run, whose samples are the whole test split."""
    ids = tuple(s.id for s in run.samples)
    task = run.context.get("model", {}).get("task") or {}
    classes = tuple(run.context.get("model", {}).get("classes") or ())
    usual = "classification" if classes or run.predictions.shape[1] > 1 else "regression"
    block = Explanations.of(run.of(method))
    facts = {
        "ids": ids,
        "predictions": run.predictions,
        "labels": tuple(s.label for s in run.samples),
        "explanations": block.completed(elements=None),
        "inputs": tuple(s.x for s in run.samples),
        "rationales": tuple(s.rationale for s in run.samples),
        "modality": run.samples[0].modality,
        "classes": classes,
        "task": task.get("name", usual),
        "of": len(ids),
        "facts": {"size": np.arange(len(ids), dtype=np.float64)},
        "groups": {"side": tuple("ab"[i % 2] for i in range(len(ids)))},
        "columns": block[0].names if run.samples[0].kind.tabular else (),
    }
    return replace(run, overview=Overview(**{**facts, **changes}))


def failed_run() -> Run:
    """Every method failed."""
    run = image_run(n=3)
    failures = tuple(
        Failure(
            k.name,
            "digits-cnn",
            f"{k.title} needs a gradient and 'digits-cnn' has none.",
            "not_applicable",
            remedy="try 'lime'.",
        )
        for k in KINDS
    )
    return replace(run, explanations=(), scores=(), failures=failures)


def hostile_run(modality: str = "text", n: int = 6) -> Run:
    """Markup, quotes, right-to-left text and long names wherever a name may stand."""
    evil = [
        HOSTILE,
        '" onmouseover="alert(1)',
        "'><img src=x onerror=alert(1)>",
        RIGHT_TO_LEFT,
        "{{ 7 * 7 }}",
        "x" * 200,
    ]
    classes = [f"{e} {i}" for i, e in enumerate(evil * 17)][:100]
    if modality == "text":
        samples = [
            Sample(
                f"{e} {i}",
                np.array([*evil, "fine", "words"]),
                "text",
                label=i,
                meta={"read": i + 1, "index": i},
            )
            for i, e in enumerate((evil * n)[:n])
        ]
        run = make_run(
            samples, word_features, lambda s, g: np.linspace(-2, 2, g.n_features), classes
        )
    else:
        samples = [
            Sample(f"{e} {i}", np.arange(6.0), "table", label=i, meta={"read": i + 1, "index": i})
            for i, e in enumerate((evil * n)[:n])
        ]
        run = make_run(
            samples,
            lambda s: Segmentation(np.arange(6), tuple(evil), HOSTILE),
            lambda s, g: np.linspace(-2, 2, 6),
            classes,
        )
    methods = {
        k: {**v, "title": f"{HOSTILE} {v['title']}"} for k, v in run.context["methods"].items()
    }
    data = {
        **run.context["data"],
        "name": HOSTILE,
        "source": HOSTILE,
        "language": '"><b>',
        "columns": [{"name": e, "unit": HOSTILE, "categories": []} for e in evil],
    }
    failures = (Failure(HOSTILE, HOSTILE, HOSTILE, "error", HOSTILE, HOSTILE),)
    return replace(
        run,
        failures=failures,
        context={
            **run.context,
            "command": HOSTILE,
            "methods": methods,
            "data": data,
            "rationale": HOSTILE,
        },
    )


def comparison(n_models: int = 3) -> dict[str, Any]:
    """Boosted trees, a net that is asked about against them, and logistic regression over 50 folds."""
    rng = np.random.default_rng(2)
    stated = np.array([0.55, 0.7, 0.85, 0.97])
    made = (
        ("boosting", "ml", "Boosted trees", 0.970, 0.12, 0.66, 180_000, 0.016),
        ("mlp", "dl", "Neural network", 0.972, 0.49, 0.26, 9_000, 0.015),
        ("logistic", "ml", "Logistic regression", 0.978, 0.004, 0.25, 2_000, 0.016),
    )[:n_models]
    models: list[dict[str, Any]] = [
        {"id": "majority", "family": "baseline", "says": "benign", "accuracy": 0.627}
    ]
    for name, family, title, right, fit, ms, size, off in made:
        bins = [
            {"p": float(x), "observed": float(np.clip(x + 0.03 * rng.normal(), 0, 1)), "lo": x - 0.1, "hi": min(1, x + 0.1), "n": 71}
            for x in stated
        ]  # fmt: skip
        models.append(
            {
                "id": name, "family": family, "title": title, "accuracy": right, "own": right + 0.02,
                "n_folds": 50, "shift": {"noise": right - 0.03, "missing": right - 0.02},
                "fit_seconds": fit, "processor_seconds": fit, "memory": 1e6, "joules": 10 * fit,
                "predict_ms": ms, "batch_ms": ms / 100, "bytes": size, "calibration": bins,
                "ece": off, "ece_after": off - 0.001, "brier": 0.05, "brier_after": 0.049,
                "confusion": [[200, 12], [4, 353]],
            }
        )  # fmt: skip
    ids = [name for name, *_ in made]
    right = {str(m["id"]): float(m["accuracy"]) for m in models}
    pairs = [
        _compared(a, b, right[b] - right[a], "better" if a == "majority" else "cannot_tell")
        for i, a in enumerate(["majority", *ids])
        for b in ["majority", *ids][i + 1 :]
    ]
    sizes = (24, 57, 114, 227, 455)
    curves = [
        {"model": m, "points": [{"n": n, "value": v - 0.01 * j, "low": v - 0.05, "high": v, "folds": [v] * 5} for n, v in zip(sizes, (0.8, 0.92, 0.95, 0.965, 0.975), strict=True)]}
        for j, m in enumerate(ids)
    ]  # fmt: skip
    names = ("Worst area", "Worst texture", "Mean radius")
    sides = [
        {"model": "boosting", "says": "malignant", "sure": 0.97, "right": True},
        {"model": "mlp", "says": "benign", "sure": 0.55, "right": False},
    ]
    case = {
        "id": "row-7", "label": "malignant", "target": "benign", "differ": True, "sides": sides, "n_rest": 27,
        "rows": [{"feature": f, "value": 0.5, "shares": {"boosting": -0.3 + 0.2 * i, "mlp": 0.1}} for i, f in enumerate(names)],
        "rest": {"boosting": 0.05, "mlp": 0.3},
    }  # fmt: skip
    agreed = [
        {"a": a, "b": a, "kind": kind, "value": v, "interval": (v - 0.05, min(1.0, v + 0.05)), "each": [v] * 12, "fixed": v == 1.0}
        for a, of_rows, of_seed in (("boosting", 0.66, 1.0), ("mlp", 0.85, 0.95))
        for kind, v in (("rows", of_rows), ("seed", of_seed))
    ]  # fmt: skip
    both = {"a": "boosting", "b": "mlp", "kind": "pair", "value": 0.56, "interval": (0.52, 0.6)}
    unit = {"key": "cmp.unit.columns", "numbers": {}}
    bars = [
        {"label": {"key": "cmp.bar.training", "numbers": {"name": name}}, "model": name, "value": v, "shown": "ratio"}
        for name, v in (("mlp", 4.1), ("boosting", 1.0))
    ]  # fmt: skip
    return {
        "title": {"key": "cmp.h1.cannot_tell", "numbers": {"a": "boosting", "b": "mlp", "n": 569, "rows": 5000, "unit": unit}},
        "warning": {"key": "cmp.watch.unsteady", "numbers": {"name": "boosting", "unit": unit}},
        "asked": ["boosting", "mlp"],
        "recommended": {"id": ids[-1], "why": [{"key": "cmp.use.none_better", "numbers": {"name": ids[-1]}}, "It is cheap."]},
        "rope": 0.01, "watts": 10.0, "metric": "accuracy",
        "data": {"name": "Breast cell nuclei", "modality": "table", "inputs": "columns", "source": "Wisconsin", "n": 569, "n_train": 455, "n_test": 114, "n_features": 30, "classes": ["malignant", "benign"], "columns": list(names)},
        "protocol": "2 × 5-fold, same folds", "weights": "none", "models": models,
        "pairs": [p for p in pairs if p["a"] != "majority"],
        "against_baseline": [p for p in pairs if p["a"] == "majority"],
        "claims": [{"id": "compute", "verdict": "part", "bars": bars, "say": {"key": "cmp.claim.compute.part.training", "numbers": {"dl": "mlp", "ml": "boosting"}}}],
        "learning": curves,
        "gaps": [{"n": n, "difference": d, "interval": (d - 0.03, d + 0.03), "word": "cannot_tell"} for n, d in zip(sizes, (0.3, 0.02, 0.01, 0.0, 0.002), strict=True)],
        "same": {"floors": agreed, "pairs": [both], "cases": [case], "evidence": {}, "n": 40, "space": "logit", "method": "SHAP"},
        "errors": {"only_a": 13, "both": 5, "only_b": 9, "n": 569},
        "decision": {"class": "benign", "thresholds": [0.25, 0.5, 0.75], "lines": {"boosting": [0.6, 0.6, 0.55], "mlp": [0.6, 0.61, 0.56]}, "everyone": [0.5, 0.25, -0.49]},
        "tuning": {"trials": 8, "word": "cannot_tell", "difference": 0.004, "interval": (-0.01, 0.018), "models": [{"id": name, "untuned": right[name], "tuned": right[name] + 0.001, "trials": 80, "seconds": 31.0} for name in ids]},
        "not_run": [{"key": "cmp.left.look", "numbers": {"minutes": 3}}],
        "command": "xaikit compare --data breast_cancer --models boosting,mlp",
    }  # fmt: skip


def _compared(a: str, b: str, difference: float, word: str) -> dict[str, Any]:
    entry = {
        "a": a, "b": b, "difference": difference, "interval": (difference - 0.018, difference + 0.019),
        "rope": 0.01, "word": word, "verdict": "b_better" if word == "better" else "not_settled",
        "chances": (0.12, 0.69, 0.19), "p": 0.5, "n_folds": 50, "differ": 0.034,
        "asked": (a, b) == ("boosting", "mlp"),
    }  # fmt: skip
    return entry if word == "better" else entry | {"needed": 5000}
