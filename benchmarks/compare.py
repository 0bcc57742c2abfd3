"""What the comparison of models is held to: the tables of docs/results.md.

    python -m benchmarks.compare rule           the rule on planted truths, refitted in every fold
    python -m benchmarks.compare data [NAME]    real data, one page each in build/compare (--minutes M for each)
    python -m benchmarks.compare tuning         breast_cancer with equal trials, then with equal seconds
    python -m benchmarks.compare tables         the tables of what `data` has made so far

`rule`, `tuning` and `tables` write between their markers in docs/results.md and docs/ml-vs-dl.md. The rule takes a minute on one core, each of the
data a few minutes to an hour; what is there already in build/compare is kept. Data are read from $XAIKIT_SHARED/data, or from the folder
`shared` beside the repository.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import norm, ttest_1samp

from xaikit.core.errors import OutOfBudget
from xaikit.core.types import Floats
from xaikit.judge.rule import LOOKS, Judged, judge_folds, judge_looks

PAGE = Path(__file__).parent.parent / "docs" / "results.md"
REPEATS, FOLDS, COLUMNS = 400, 5, 10
RATIO = 1 / (FOLDS - 1)


@dataclass(frozen=True)
class Planted:
    """Two sides with known errors that answer a known share of the rows differently."""

    n: int
    differ: float
    errors: tuple[float, float] = (0.15, 0.15)

    def draw(self, rng: np.random.Generator) -> tuple[list[Floats], Floats]:
        """Columns of each side (n, 10) and labels (n,) of -1 and 1.

        The score of each side and that behind the label are normal; two signs of correlation r
        differ in arccos(r) / pi of the rows. A side sees its score turned into ten columns.
        """
        a, b, r = (np.cos(np.pi * share) for share in (*self.errors, self.differ))
        law = np.array([[1, r, a], [r, 1, b], [a, b, 1]])
        scores = rng.multivariate_normal(np.zeros(3), law, self.n, method="cholesky")
        sides = []
        for score in scores.T[:2]:
            turn = np.linalg.qr(rng.normal(size=(COLUMNS, COLUMNS)))[0]
            sides.append(np.column_stack([score, rng.normal(size=(self.n, COLUMNS - 1))]) @ turn)
        return sides, np.sign(scores[:, 2])

    def folds(self, seed: int) -> tuple[Floats, float]:
        """(50,) differences in accuracy of least squares refitted in every fold, and the share of
        held-out rows of the first repeat on which the two answer differently."""
        rng = np.random.default_rng(seed)
        sides, y = self.draw(rng)
        found, apart = [], []
        for repeat in range(LOOKS[1]):
            for held in np.array_split(rng.permutation(self.n), FOLDS):
                told = [_told(x, y, held) for x in sides]
                found.append(np.mean(told[1] == y[held]) - np.mean(told[0] == y[held]))
                if not repeat:
                    apart.append(np.mean(told[0] != told[1]))
        return np.array(found), float(np.mean(apart))


def _told(x: Floats, y: Floats, held: Floats) -> Floats:
    """Signs on the held-out rows of a fit on all others."""
    gram = x.T @ x - x[held].T @ x[held]
    return np.sign(x[held] @ np.linalg.solve(gram, x.T @ y - x[held].T @ y[held]))


ROWS = (
    *(Planted(2000, differ) for differ in (0.05, 0.17, 0.25)),
    *(Planted(2000, differ, (0.15, 0.12)) for differ in (0.05, 0.17, 0.23, 0.25)),
    *(Planted(5000, differ) for differ in (0.04, 0.05)),
)


def rule() -> str:
    """A row a planted truth: how often each word is said, and how often the interval holds it."""
    lines = [
        "| planted | rows | differ | better | worse | equal | cannot tell | interval holds | folds | naive t | at most |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for planted in ROWS:
        drawn = [planted.folds(seed) for seed in range(REPEATS)]
        differences = [d for d, _ in drawn]
        lines.append(_line(planted, differences, float(np.mean([apart for _, apart in drawn]))))
        print(lines[-1], flush=True)
    return "\n".join(lines)


def _line(planted: Planted, differences: Sequence[Floats], apart: float) -> str:
    gain = planted.errors[0] - planted.errors[1]
    truth = 0.0 if not gain else float(np.mean(differences))
    judged = [judge_looks(d, planted.n, folds=FOLDS, ratio=RATIO) for d in differences]
    words = [j.word.removeprefix("clearly_") for j in judged]
    whole = [judge_folds(d, planted.n, ratio=RATIO) for d in differences]
    said = [
        f"{100 * words.count(w) / len(words):.1f} %"
        for w in ("better", "worse", "equal", "cannot_tell")
    ]
    naive = np.mean([ttest_1samp(d, 0.0).pvalue < 0.05 for d in differences])
    cells = [
        f"+{100 * gain:.0f} points" if gain else "equal",
        f"{planted.n:,}",
        f"{100 * apart:.0f} %",
        *said,
        f"{100 * min(_held(judged, truth), _held(whole, truth)):.1f} %",
        f"{np.mean([j.n_folds for j in judged]):.0f}",
        f"{100 * naive:.0f} %",
        f"{100 * findable(planted):.0f} %" if gain else "",
    ]
    return "| " + " | ".join(cells) + " |"


def findable(planted: Planted, level: float = 0.05) -> float:
    """How often a two-sided z test of that level finds the gain, told the true spread of right against wrong
    on `n` rows of their own: what no test of the same answers passes."""
    gain = planted.errors[0] - planted.errors[1]
    error = np.sqrt((planted.differ - gain**2) / planted.n)
    return float(norm.sf(norm.isf(level / 2) - gain / error))


def _held(judged: Sequence[Judged], truth: float) -> float:
    return float(np.mean([j.interval[0] <= truth <= j.interval[1] for j in judged]))


@dataclass(frozen=True)
class Study:
    """One data set: where it lies, how many rows of it are drawn, and which models."""

    file: str
    rows: int | None = None
    models: str = "auto"
    read: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)


CURVES = {"n": 12, "learning": True}
SST = {"text_column": "text", "label_column": "label"}
STUDIES = {
    "breast_cancer": Study("breast_cancer", more={"n": 40}),
    "german_credit": Study("tabular_german_credit/german.csv.gz"),
    "gunpoint": Study("tsc_gunpoint/GunPoint.npz", models="minirocket,fcn,summary,dtw,catch22"),
    "italy_power": Study(
        "tsc_italypowerdemand/ItalyPowerDemand.npz",
        models="minirocket,fcn,inception,summary,dtw,catch22",
        more={"learning": True},
    ),
    "adult_4000": Study(
        "tabular_adult/train.csv.gz", 4000, read={"label_column": "income"}, more={"n": 12}
    ),
    "california_4000": Study(
        "tabular_california_housing/california_housing.csv.gz", 4000, more={"n": 12}
    ),
    "sst2_3000": Study(
        "text_en_sst2/train.csv.gz", 3000, "tfidf,lstm,embedding,counts", SST, CURVES
    ),
    "fashion_3000": Study("image_fashion_mnist/fashion_mnist.npz", 3000, more={"n": 12}),
    "nsmc_3000": Study(
        "text_ko_nsmc/train.csv.gz", 3000, "tfidf,lstm,embedding,words", SST, CURVES
    ),
    "fashion_7000": Study(
        "image_fashion_mnist/fashion_mnist.npz", 7000, "hog,cnn,linear", more={"n": 12}
    ),
    "sst2_all": Study("text_en_sst2/train.csv.gz", None, "tfidf,lstm,embedding", SST, {"n": 12}),
    "adult_all": Study(
        "tabular_adult/train.csv.gz",
        models="boosting,mlp,logistic",
        read={"label_column": "income"},
        more={"learning": False, "n": 12},
    ),
}
MADE = Path("build") / "compare"


def data(names: Sequence[str], minutes: float | None = None) -> None:
    """Compare on each data set and keep what was found, and its page."""
    from xaikit.report import write_comparison
    from xaikit.study.compare import compare

    for name in names or STUDIES:
        if (MADE / f"{name}.json").exists():
            continue
        study, start = STUDIES[name], time.perf_counter()
        kept = {"store": MADE / f"{name}.fits", "minutes": minutes, **study.more}
        try:
            found = compare(_rows(study), models=study.models, **kept)
        except OutOfBudget as error:
            print(f"{name}: {error}", flush=True)
            continue
        found["seconds"] = time.perf_counter() - start
        (MADE / f"{name}.json").write_text(json.dumps(found), "utf-8")
        for language in ("en", "ko"):
            write_comparison(found, MADE / f"{name}-{language}.html", language, force=True)
        print(row(name, found), flush=True)


def _rows(study: Study) -> Any:
    """The data set, of large ones so many rows drawn by seed 0, every class in its share."""
    from xaikit.data import load_data

    home = Path(os.environ.get("XAIKIT_SHARED", Path(__file__).parents[2] / "shared")) / "data"
    whole = load_data(home / study.file if "/" in study.file else study.file, **study.read)
    if study.rows is None:
        return whole
    rows = (*whole.train, *whole.val, *whole.test)
    order = np.random.default_rng(0).permutation(len(rows))[: study.rows]
    drawn = [rows[i] for i in np.sort(order)]
    cut = [drawn[: study.rows // 2], drawn[study.rows // 2 : -10], drawn[-10:]]  # all are pooled
    return replace(whole, train=tuple(cut[0]), val=tuple(cut[1]), test=tuple(cut[2]))


def row(name: str, found: Mapping[str, Any]) -> str:
    """One line of the table of real data."""
    pair = next(p for p in found["pairs"] if p["asked"])
    right = {m["id"]: 100 * m["accuracy"] for m in found["models"]}
    low, high = (100 * b for b in pair["interval"])
    said = pair["word"].replace("_", " ")
    said += f", about {pair['needed']:,} rows" if pair.get("needed") else ""
    order = sorted((m for m in right if m not in ("majority", "mean")), key=lambda m: -right[m])
    cells = [
        name,
        f"{found['data']['n']:,}",
        f"{pair['b']} against {pair['a']}",
        f"{100 * pair['difference']:+.1f} [{low:.1f}, {high:.1f}]",
        said,
        str(pair["n_folds"]),
        ", ".join(f"{m} {right[m]:.1f}" for m in order),
        found["recommended"]["id"],
        f"{found.get('seconds', 0):.0f}",
    ]
    return "| " + " | ".join(cells) + " |"


def tuning() -> str:
    """A row a model and a budget: untuned, tuned, and the trials and seconds that were counted."""
    from xaikit.data import load_data
    from xaikit.study.compare import compare

    lines = [
        "| each fold | model | untuned | tuned | trials | processor seconds | the pair, tuned |",
        "|---|---|---|---|---|---|---|",
    ]
    asked = {"models": "boosting,mlp,logistic", "n": 0, "learning": False, "full": False}
    kept = {"store": MADE / "breast_cancer.fits"}
    for title, budget in (("5 trials", {"trials": 5}), ("3 s", {"tune_seconds": 3.0})):
        found = compare(load_data("breast_cancer"), **asked, **kept, **budget)["tuning"]
        low, high = (100 * b for b in found["interval"])
        said = f"{100 * found['difference']:+.1f} [{low:.1f}, {high:.1f}], {found['word'].replace('_', ' ')}"
        lines += [
            f"| {title} | {m['id']} | {100 * m['untuned']:.1f} | {100 * m['tuned']:.1f} | {m['trials']} "
            f"| {m['seconds']:.1f} | {said if m['id'] == 'mlp' else ''} |"
            for m in found["models"]
        ]
    return "\n".join(lines)


def tables() -> None:
    """What all data sets say: their table, and the textbook's, claim by claim."""
    known = {
        n: json.loads((MADE / f"{n}.json").read_text("utf-8"))
        for n in STUDIES
        if (MADE / f"{n}.json").exists()
    }
    head = [
        "| data | rows | asked | points, interval | said | folds | right (of 100; R2) | to use | seconds |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    write("data", "\n".join([*head, *(row(n, f) for n, f in known.items())]))
    for language, verdicts in WORDS.items():
        claimed = {n: {c["id"]: c["verdict"] for c in f["claims"]} for n, f in known.items()}
        kinds = ("held", "part", "no", "open", "missing")
        lines = [
            "| " + " | ".join(verdicts[k] for k in ("claim", *kinds)) + " |",
            "|---" * (len(kinds) + 1) + "|",
        ]
        for c in ("features", "appetite", "compute", "fit", "other", "read"):
            named = {k: [n for n in claimed if claimed[n].get(c, "missing") == k] for k in kinds}
            cells = [", ".join(named[k]) or "–" for k in kinds]
            lines.append("| " + " | ".join((verdicts[c], *cells)) + " |")
        write(f"claims {language}", "\n".join(lines), TEXTBOOK)


TEXTBOOK = PAGE.with_name("ml-vs-dl.md")
WORDS = {
    "en": {
        "claim": "claim",
        "features": "nets learn features that classical models need made by hand",
        "appetite": "nets need much data, classical models little",
        "compute": "nets are dear to train and to ask",
        "fit": "tables are for classical models; pictures, language and series for nets",
        "other": "nets learn small data by heart",
        "read": "classical models can be read, nets are black boxes",
        "held": "held",
        "part": "in part",
        "no": "did not hold",
        "open": "cannot tell",
        "missing": "not measured",
    },
    "ko": {
        "claim": "주장",
        "features": "고전 모델에 손으로 만들어 주어야 할 특징을 신경망은 배운다",
        "appetite": "신경망은 많은 데이터가, 고전 모델은 적은 데이터가 필요하다",
        "compute": "신경망은 학습도 답변도 비싸다",
        "fit": "표는 고전 모델에, 그림·언어·시계열은 신경망에 맞는다",
        "other": "신경망은 작은 데이터를 외운다",
        "read": "고전 모델은 읽을 수 있고 신경망은 블랙박스다",
        "held": "맞음",
        "part": "일부",
        "no": "맞지 않음",
        "open": "알 수 없음",
        "missing": "측정 안 함",
    },
}


def write(name: str, table: str, page: Path = PAGE) -> None:
    """Puts a table between its markers."""
    start, end = f"<!-- compare {name} -->", f"<!-- end of compare {name} -->"
    text = page.read_text("utf-8")
    head, rest = text.split(start)
    page.write_text(f"{head}{start}\n{table}\n{end}{rest.split(end)[1]}", "utf-8")


def main(words: Sequence[str]) -> None:
    if list(words) == ["rule"]:
        return write("rule", rule())
    if list(words) == ["tuning"]:
        return write("tuning", tuning())
    if words[:1] == ["data"]:
        *names, minutes = words[1:] if "--minutes" in words else (*words[1:], None)
        return data([n for n in names if n != "--minutes"], minutes and float(minutes))
    if list(words) == ["tables"]:
        return tables()
    return sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
