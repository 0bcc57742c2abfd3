"""Whether the error bars, the verdicts and the maps hold: the tables of docs/evidence.md.

    python -m benchmarks.evidence coverage    error bars against 500 exact answers
    python -m benchmarks.evidence trials      verdicts on explainers that are sound or broken on purpose
    python -m benchmarks.evidence verdicts    the same beside models of real data, and how often sound ones hold
    python -m benchmarks.evidence movies      maps of a text model against what people marked
    python -m benchmarks.evidence findings    warnings where nothing is planted, planted patterns and shortcuts

Each prints its table and writes it between its markers in docs/evidence.md. All but `trials` read data from
$XAIKIT_SHARED/data, or from the folder `shared` beside the repository. One thread is enough; times are CPU seconds.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np

from benchmarks.evidence_findings import findings
from benchmarks.shapley_accuracy import Table
from xaikit import load_data, train
from xaikit.core.question import Masker, Question
from xaikit.core.stats import bootstrap_interval, wilson
from xaikit.core.types import Sample, Score, Segmentation, Target
from xaikit.data.dataset import Dataset
from xaikit.methods.base import Method, make_method
from xaikit.methods.lime import Lime
from xaikit.metrics import MEASURES, over_samples
from xaikit.shapley import shapley
from xaikit.study.plan import Plan, choose_methods, make_question
from xaikit.study.run import Run
from xaikit.study.study import study

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "evidence.md"
SHARED = Path(os.environ.get("XAIKIT_SHARED", ROOT.parent / "shared")) / "data"


def main(arguments: Sequence[str] | None = None) -> int:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("section", choices=tuple(SECTIONS))
    options.add_argument("--n", type=int, help="trials, documents, or cases of each kind")
    options.add_argument("--dry", action="store_true", help="print only")
    given = options.parse_args(arguments)
    make, default = SECTIONS[given.section]
    start = time.process_time()
    text = make(given.n or default)
    seconds = time.process_time() - start
    asked = f" --n {given.n}" if given.n else ""
    command = f"python -m benchmarks.evidence {given.section}{asked}"
    text += f"\n\nMade by `{command}` in {seconds:.0f} CPU seconds."
    print(text)
    if not given.dry:
        write(given.section, text)
    return 0


def write(section: str, text: str) -> None:
    """Put the text between the section's markers, at the end of the page if it has none yet."""
    first, last = f"<!-- {section} -->", f"<!-- end of {section} -->"
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else "# Evidence\n"
    if first not in page:
        page = f"{page}\n{first}\n{last}\n"
    before, rest = page.split(first)
    PAGE.write_text(f"{before}{first}\n{text}\n{last}{rest.split(last)[1]}", encoding="utf-8")


# Coverage: intervals against answers from all coalitions.


class Game(Table):
    """The value of every coalition; `kind` says where it is from, `seed` is that of its estimates."""

    def __init__(self, values: np.ndarray, kind: str, seed: int = 0) -> None:
        super().__init__(values)
        self.kind, self.seed = kind, seed

    def masks(self) -> np.ndarray:
        return (np.arange(self.values.size)[:, None] >> np.arange(self.n)) & 1 == 1

    def lime(self, width: float = 0.25) -> np.ndarray:
        """Slopes of the least squares over all coalitions, weighted by LIME's kernel."""
        masks = self.masks()
        root = np.exp(-((1 - np.sqrt(masks.mean(axis=1))) ** 2) / (4 * width**2))
        design = np.column_stack([np.ones(len(masks)), masks]) * root[:, None]
        return np.linalg.lstsq(design, self.values * root, rcond=None)[0][1:]


@dataclasses.dataclass
class GameModel:
    """A game as a regressor of rows of 0 and 1, so that methods can be asked about it."""

    game: Game
    id: str = "game"
    modality: str = "table"
    classes: tuple[str, ...] = ()
    space: str = "value"
    background: np.ndarray | None = None
    info: dict[str, Any] = dataclasses.field(default_factory=dict)

    def scores(self, xs: Sequence[np.ndarray]) -> np.ndarray:
        return self.game(np.stack(xs) > 0.5)[:, None]


def coverage(n_cases: int) -> str:
    """n_cases games, three fifths of them of published networks, the rest of models trained here."""
    games = [*_published(n_cases * 3 // 5), *_small(n_cases * 2 // 5)]
    lines = [
        f"Share of nominal 95 % intervals (value ± 1.96 standard errors) that hold the exact value, on "
        f"{len(games)} cases: {n_cases * 3 // 5} of the reference games (four image and text networks, "
        f"9 to 16 features, several seeds) and {n_cases * 2 // 5} samples of three small networks "
        "(image, series, text; 9 to 12 features), all enumerated. Each case counts its share of "
        "features; in brackets the 95 % interval of the mean over cases. The bar is 92 to 98 %.",
        "",
        "| estimator | evaluations | reference games | small models | all | bar |",
        "|---|---|---|---|---|---|",
    ]
    truth = [g.shapley() for g in games]
    for method in ("auto", "leverage", "kernel", "permutation"):
        for per_feature in (5, 10, 20, 40):
            inside = [_inside(g, t, method, per_feature) for g, t in zip(games, truth, strict=True)]
            lines.append(_coverage_row(f"SHAP, {method}", f"{per_feature} n", games, inside))
    inside = [_inside(g, t, "auto", None) for g, t in zip(games, truth, strict=True)]
    lines.append(_coverage_row("SHAP, auto", "until converged", games, inside))
    slopes = [g.lime() for g in games]
    for rows in (256, 512, 1024, "auto"):
        inside = [_lime_inside(g, t, rows) for g, t in zip(games, slopes, strict=True)]
        name = "until settled" if rows == "auto" else str(rows)
        lines.append(_coverage_row("LIME, stable", name, games, inside))
    lines += [
        "",
        "SHAP: cases that the budget enumerates are exact and left out. LIME: against the least squares "
        "over all coalitions under its kernel, solved apart from the method.",
    ]
    return "\n".join(lines)


def _published(n: int) -> Iterator[Game]:
    """The games in turn, each time round with another seed."""
    games = []
    for family in ("vit9", "sentiment14", "resnet14", "vit16"):
        with np.load(SHARED / "reference_shapley_games" / f"{family}.npz") as file:
            games += list(file["values"])
    for i in range(n):
        yield Game(games[i % len(games)], "reference", seed=i // len(games))


def _small(n: int) -> Iterator[Game]:
    """Samples of three nets of the package, after little training."""
    plans = (
        ("digits", "lenet", "patches:3"),
        ("waves", "fcn_1d", "windows:11"),
        ("reviews", "lstm", ""),
    )
    for i, (name, architecture, cut) in enumerate(plans):
        data = load_data(name)
        model = train(architecture, data, epochs=2, progress=False)
        samples = [s for s in data.test if cut or 9 <= len(s.x) <= 12]
        for sample in samples[: (n + i) // len(plans)]:
            question = make_question(model, sample, Plan(features=cut or "auto"))
            masks = Game(np.empty(2**question.n_features), "").masks()
            yield Game(question.value(masks), "small")


def _inside(game: Game, truth: np.ndarray, method: str, per_feature: int | None) -> float:
    """Share of features whose interval holds the truth; NaN where everything was enumerated."""
    budget = "auto" if per_feature is None else per_feature * game.n
    if per_feature is not None and budget >= game.values.size:
        return float("nan")
    found = shapley(game, game.n, budget=budget, method=method, seed=game.seed)
    return _share(found.values, found.std, truth)


def _lime_inside(game: Game, truth: np.ndarray, rows: int | Literal["auto"]) -> float:
    names = tuple(f"f{i}" for i in range(game.n))
    question = Question(
        model=GameModel(game),
        sample=Sample("game", np.ones(game.n), "table"),
        segmentation=Segmentation(np.arange(game.n), names, "players"),
        masker=Masker("absent", np.zeros((1, game.n))),
        target=Target(0, space="value"),
    )
    found = Lime(budget=rows)(question, np.random.default_rng(game.seed))
    return _share(found.values, found.std, truth)


def _share(values: np.ndarray, std: np.ndarray | None, truth: np.ndarray) -> float:
    if std is None or not std.any():
        return float("nan")
    return float(np.mean(np.abs(values - truth) <= 1.96 * std))


def _coverage_row(name: str, budget: str, games: list[Game], inside: list[float]) -> str:
    cells = []
    for kinds in (("reference",), ("small",), ("reference", "small")):
        known = [
            x for x, g in zip(inside, games, strict=True) if g.kind in kinds and np.isfinite(x)
        ]
        cells.append(_percent(known))
    known = [x for x in inside if np.isfinite(x)]
    held = "–" if len(known) < 10 else "held" if 0.92 <= np.mean(known) <= 0.98 else "missed"
    return f"| {name} | {budget} | {' | '.join(cells)} | {held} |"


def _percent(shares: list[float]) -> str:
    interval = bootstrap_interval(shares) if shares else None
    if interval is None:
        return "–"
    return f"{100 * np.mean(shares):.1f} % ({100 * interval[0]:.1f}–{100 * interval[1]:.1f}; {len(shares)})"


# Trials: verdicts and disagreements where the right answer is known.


def trials(n: int) -> str:
    """n studies of models in closed form, on image, text, table and series in turn."""
    sys.path.insert(0, str(ROOT / "tests"))
    import toy_studies as toys

    with toys.registered():
        found = toys.trials(n)
        agreement = toys.agreement_trials(n)
    lines = [
        f"{n} studies of 16 samples, image, text, table and series in turn, each with a random model of "
        "8 features in closed form and 12 explainers. Refused means that it does not hold (neither *use* nor *weaker*).",
        "",
        "| explainer | is | image | text | table | series | refused in all | bar |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for kind in (*toys.SOUND, *toys.BROKEN):
        sound = kind in toys.SOUND
        by_kind = [found.get((kind.name, modality), {}) for modality in toys.GRIDS]
        counts = [
            (sum(c.values()) - c.get("use", 0) - c.get("weaker", 0), sum(c.values()))
            for c in by_kind
            if c
        ]
        refused, total = np.sum(counts, axis=0).tolist()
        low, high = wilson(refused, total)
        held = refused <= 0.05 * total if sound else refused >= 0.95 * total
        lines.append(
            f"| {WORDS[kind.name]} | {'sound' if sound else 'broken'} | "
            + " | ".join(f"{r} of {t}" for r, t in counts)
            + f" | {refused / total:.1%} ({low:.1%}–{high:.1%}) | "
            f"{'at most 5 %' if sound else 'at least 95 %'}: {'held' if held else 'missed'} |"
        )
    lines += ["", "| Shapley values from 30 evaluations of 256 | right | bar |", "|---|---|---|"]
    for name, right in agreement.items():
        low, high = wilson(right, n)
        held = "held" if right >= 0.95 * n else "missed"
        lines.append(
            f"| {PAIRS[name]} | {right / n:.1%} ({low:.1%}–{high:.1%}) | at least 95 %: {held} |"
        )
    return "\n".join(lines)


WORDS = {
    "sound": "exact Shapley values",
    "ig": "integrated gradients, gap under 1 %",
    "noise": "random numbers, new at each run",
    "fixed_noise": "random numbers, the same at each run",
    "edges": "the contrast of the input",
    "constant": "a constant",
    "wrong_class": "the map of the wrong class",
    "reversed": "the reversed order",
    "other_model": "exact Shapley values of a copy with random weights",
    "other_ig": "integrated gradients of a copy with random weights",
    "unstable": "exact Shapley values under heavy noise",
    "leaky": "Shapley values that lose a fifth of the output",
}
PAIRS = {
    "two seeds": "two seeds of one method: no disagreement",
    "opposite order": "opposite order of strength: a disagreement",
    "opposite signs": "opposite signs: a disagreement",
}


# Movies: a text model of the package on documents with marked evidence.

LAST = 128  # words of a review that the model reads: its conclusion
METHODS: tuple[str | Method, ...] = (
    "integrated_gradients", make_method("shap", budget=2048), "lime", "occlusion", "gradcam",
    "hirescam", "gradient_shap", "input_x_gradient", "saliency", "smoothgrad", "random",
    "magnitude",
)  # fmt: skip
PLAUSIBLE = ("auprc", "token_f1", "iou_f1", "relevance_mass", "pointing_game")
FAITHFUL = ("srg", "comprehensiveness", "sufficiency")


def movies(n: int) -> str:
    """A small recurrent net on the last words of reviews; n test reviews with marked words."""
    data, n_reviews, n_sentences = _movie_data()
    model = train("lstm", data, seed=0, progress=False, pool="mean")
    marked = [s for s in data.test if s.rationale is not None and s.rationale.any()]
    samples = [marked[i] for i in np.random.default_rng(0).permutation(len(marked))[:n]]
    methods, _ = choose_methods(model, METHODS)
    run = study(model, samples, methods, "fast", data=data)
    test = model.info["metrics"]["test"]
    low, high = wilson(test["correct"], test["n"])
    marks = np.mean([s.rationale.mean() for s in samples])
    wrong = int((run.predictions.argmax(axis=1) != [s.label for s in samples]).sum())
    lines = [
        f"`lstm` (mean of its states), trained on {len(data.train) - n_sentences} pieces of {LAST} words of "
        f"{n_reviews} reviews and on {n_sentences} sentences of SST-2; it reads the last {LAST} words of a review, its "
        f"conclusion, where a whole review has about 750. Test accuracy {test['accuracy']:.3f} "
        f"({low:.3f}–{high:.3f}, {test['n']} reviews). {len(samples)} test reviews, drawn among those "
        f"with marked words there; one feature a word; the predicted class, which is wrong for {wrong}. People marked "
        f"{marks:.1%} of the words, enough to justify the label but not all that speaks for it, so trust "
        "what looks at the top (AUPRC, pointing game) before recall. Means with 95 % intervals.",
        "",
        "How well the maps find what people marked; this says nothing of faithfulness:",
        "",
        *_movie_table(run, PLAUSIBLE, run.explanations[0].masker),
    ]
    for masker in dict.fromkeys(str(s.of["masker"]) for s in run.scores if s.metric == "srg"):
        lines += ["", f"Faithfulness, {masker}, in probability:", ""]
        lines += _movie_table(run, FAITHFUL, masker)
    slow = run.of("shap")
    share = np.mean([bool(e.converged) for e in slow])
    lines += ["", f"SHAP has 2048 evaluations a review; {share:.0%} of its answers converged."]
    return "\n".join(lines)


def _movie_data() -> tuple[Dataset, int, int]:
    """Pieces of reviews and sentences of SST-2 to train on, endings to test on; how many of each."""
    folder = SHARED / "rationales_movies"
    data = load_data(folder / "train.jsonl.gz", test=folder / "val.jsonl.gz")
    sst = load_data(
        SHARED / "text_en_sst2" / "train.csv.gz", text_column="text", label_column="label"
    )
    pieces = [_piece(s, k) for s in data.train for k in range(max(1, len(s.x) // LAST))]
    parts = {part: tuple(_piece(s, 0) for s in getattr(data, part)) for part in ("val", "test")}
    train_on = (*pieces, *sst.train)
    made = dataclasses.replace(data, train=train_on, **parts)
    return made, len(data.train), len(sst.train)


def _piece(sample: Sample, k: int) -> Sample:
    """The sample's last words, or those k pieces before."""
    end = len(sample.x) - k * LAST
    part = slice(max(0, end - LAST), end)
    rationale = None if sample.rationale is None else sample.rationale[part]
    return dataclasses.replace(
        sample, id=f"{sample.id}-{k}", x=sample.x[part], rationale=rationale, meta={}
    )


def _movie_table(run: Run, measures: Sequence[str], masker: str) -> list[str]:
    """One row a method, best of the first measure first."""
    means: dict[str, dict[str, Score]] = {}
    for score in over_samples(run.scores):
        if score.metric in measures and score.of["masker"] == masker:
            means.setdefault(str(score.of["method"]), {})[score.metric] = score
    found = sorted(means.items(), key=lambda row: -row[1][measures[0]].value)
    titles = [
        f"{MEASURES.get(m).name.replace('_', ' ')} {ARROWS[MEASURES.get(m).direction]}"
        for m in measures
    ]
    lines = [f"| method | {' | '.join(titles)} |", "|---" * (len(measures) + 1) + "|"]
    for method, scores in found:
        control = method in ("random", "magnitude")
        cells = [_with_interval(scores[m]) for m in measures]
        lines.append(f"| {method}{' (control)' if control else ''} | {' | '.join(cells)} |")
    return lines


def _with_interval(score: Score) -> str:
    value, *ends = (
        f"{v:.3f}".replace("-0.000", "0.000") for v in (score.value, *(score.interval or ()))
    )
    return f"{value} ({' to '.join(ends)})" if ends else value


ARROWS = {"higher": "↑", "lower": "↓"}


def real_verdicts(n: int) -> str:
    """n planted problems, and models of real data."""
    from benchmarks import verdicts

    return "\n".join(verdicts.section(SHARED, n))


SECTIONS: dict[str, tuple[Callable[[int], str], int]] = {
    "coverage": (coverage, 500),
    "trials": (trials, 200),
    "verdicts": (real_verdicts, 8),
    "movies": (movies, 60),
    "findings": (findings, 200),
}

if __name__ == "__main__":
    sys.exit(main())
