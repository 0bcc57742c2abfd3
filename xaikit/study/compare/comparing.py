"""A comparison from end to end, as the dict that `report/comparison.py` describes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from xaikit.core.errors import OutOfBudget
from xaikit.core.progress import Progress, say
from xaikit.core.sample import MODALITIES
from xaikit.data.dataset import Dataset
from xaikit.judge.rule import LOOKS, Judged
from xaikit.models.training import require_read
from xaikit.study.compare.calibration import calibrated, net_benefit
from xaikit.study.compare.claims import claims, seconds_alone
from xaikit.study.compare.families import Family, chosen
from xaikit.study.compare.fitting import WATTS, Teacher
from xaikit.study.compare.folds import Folds, in_order, pooled
from xaikit.study.compare.learning import SHARES, curves, gaps
from xaikit.study.compare.outer import BASE, Budget, Outer
from xaikit.study.compare.reasons import Reasons, reasons
from xaikit.study.compare.refusals import check
from xaikit.study.compare.shift import SHIFTS
from xaikit.study.compare.store import Store
from xaikit.study.compare.tuned import tuned
from xaikit.study.compare.verdict import (
    answer,
    judge_all,
    judge_pair,
    pairs,
    recommended,
    told,
    warning,
)
from xaikit.study.context import environment
from xaikit.study.quality import blind

__all__ = ["compare"]

SMALL = 5000  # rows of a table up to which learning curves are drawn by default
EXPLAINED = 4  # families whose reasons are compared
SLOW = ("neighbours", "dtw")  # to ask thousands of times


def compare(
    data: Dataset,
    *,
    models: str | Sequence[str] = "auto",
    n: int = 24,
    seed: int = 0,
    device: str = "auto",
    learning: bool | None = None,
    balanced: bool = False,
    draw: bool = False,
    progress: bool = False,
    rope: float = 1.0,
    minutes: float | None = None,
    full: bool | None = None,
    trials: int = 0,
    tune_seconds: float = 0.0,
    group: str | Sequence[Any] | None = None,
    in_time: bool = False,
    store: str | Path | None = None,
) -> dict[str, Any]:
    """Whether one model is better than another on this data, as the dict of `report/comparison.py`.

    All rows (train, val, test) are pooled and held out in folds, the same for every model.

    models : names from the zoo or of `study/compare/families.py`; the first two are the pair that is asked
        about, the second against the first
    n : held-out rows to explain, the first of the first fold; 0 for none
    learning : also learn from fewer rows; by default for tables of up to 5,000 rows
    balanced : every class weighs the same in training, for all models alike
    draw : explain n held-out rows drawn at random by the seed instead
    rope : points of accuracy (or hundredths of R2) that are too small to matter
    minutes : that it may take; `OutOfBudget` when they are over before the first ten folds are done.
        What comes after those is left out where it does not fit, and told in "not_run"
    full : 50 folds instead of 10 while the pair is undecided; by default for tables
    trials : of tuning, as many for every family inside every fold; 0 for none
    tune_seconds : of tuning instead, as many processor seconds for every family inside every fold, whose
        trials then differ in number; the settings found depend on how fast the machine is
    group : rows of one group are never on both sides: a column of a table, an entry of `meta`, a CSV
        file of the columns id and group, or one name a row
    in_time : rows stand in the order of time (of the file that they were read from), and each fold is held
        out after all rows before it
    store : a folder for finished fits, from which the same call goes on

    >>> found = compare(data, models="logistic,forest", n=2, learning=False, full=False)
    >>> [row["id"] for row in found["models"]]
    ['majority', 'logistic', 'forest']
    """
    check(data, rope, trials, tune_seconds, n, minutes, seed)
    families = chosen(data, models if isinstance(models, str) else list(models))
    data, rows, groups = pooled(data, group)
    for family in families:
        require_read(family.of or family.name, data)
    rows = in_order(data, rows) if in_time else rows
    folds = Folds(data, rows, seed, groups, in_time)
    tabular = MODALITIES.get(data.modality).tabular
    wants = _Wants(
        n=n,
        draw=draw,
        learning=tabular and len(rows) <= SMALL if learning is None else learning,
        full=(tabular if full is None else full) and not in_time,
        trials=trials,
        tune_seconds=tune_seconds,
        rope=rope / 100,
        progress=progress,
    )
    place = None if store is None else Path(store)
    outer = Outer(folds, families, Teacher(device, balanced), seed, Store(place), Budget(minutes))
    return _Comparison(outer, wants).result()


@dataclass(frozen=True)
class _Wants:
    """What was asked for."""

    n: int
    draw: bool
    learning: bool
    full: bool
    trials: int
    tune_seconds: float
    rope: float
    progress: bool


class _Comparison:
    """One comparison; every part is computed once, in the order of what matters most."""

    def __init__(self, outer: Outer, wants: _Wants) -> None:
        self.outer, self.wants = outer, wants
        self.names = [f.name for f in outer.families]
        self.data = outer.folds.data
        self.base = "majority" if self.data.classes else "mean"
        self.inputs = MODALITIES.get(self.data.modality).inputs
        self.not_run: list[dict[str, Any]] = []

    def result(self) -> dict[str, Any]:
        outer, wants = self.outer, self.wants
        families = outer.families
        looks = range(1 if outer.folds.in_time else LOOKS[0])
        total = len(looks) * outer.folds.count * len(families)
        with Progress(total, f"fitting {len(families)} models", show=wants.progress) as bar:
            outer.tick = bar.tick
            outer.look(looks)
        skipped = self._second_look()
        judged = judge_all(outer, wants.rope)
        learned = self._learning()
        same = self._reasons(judged)
        tuning = self._tuning()
        floors = [] if same is None else same.floors()
        told_same = None if same is None else self._same(same, floors)
        use = recommended(outer, judged, floors, self.base, self.inputs)
        asked = judged[self.names[0], self.names[1]]
        return {
            "title": answer(outer, asked, self.inputs),
            "warning": warning(outer, judged, told_same, use["id"], self.inputs, skipped),
            "asked": self.names[:2],
            "recommended": use,
            "rope": wants.rope,
            "watts": WATTS,
            "metric": "accuracy" if self.data.classes else "r2",
            "data": self._studied(),
            "protocol": self._protocol(),
            "weights": "balanced" if outer.teach.balanced else "none",
            "models": [self._baseline(), *(self._entry(f) for f in families)],
            "pairs": [p for p in pairs(outer, judged, self.base) if p["a"] != self.base],
            "against_baseline": [p for p in pairs(outer, judged, self.base) if p["a"] == self.base],
            "claims": claims(outer, judged, learned, floors, wants.rope),
            "learning": learned,
            "gaps": gaps(learned, self.names[0], self.names[1], outer, wants.rope)
            if learned
            else [],
            "same": told_same,
            "errors": self._errors(),
            "decision": self._decision(),
            "tuning": tuning,
            "not_run": self.not_run,
            "fits": {"made": sum(map(len, outer.spent.values())), "found": outer.store.found},
            "environment": environment()["versions"],
            "created": environment()["created"],
        }

    def _second_look(self) -> bool:
        """Eight more repeats while the pair is undecided; whether that was wanted and left out."""
        outer, wants = self.outer, self.wants
        if (
            judge_pair(outer, self.names[0], self.names[1], wants.rope).settled
            or outer.folds.in_time
        ):
            return False
        tabular = MODALITIES.get(self.data.modality).tabular
        families = outer.families if tabular else outer.families[:2]
        repeats = range(*LOOKS)
        seconds = outer.forecast(len(repeats) * outer.folds.count, families)
        if not wants.full or not outer.budget.fits(seconds):
            self._left_out("look", seconds)
            return True
        total = len(repeats) * outer.folds.count * len(families)
        if wants.progress:
            say(
                f"undecided after {LOOKS[0] * outer.folds.count} folds: about {max(1, round(seconds / 60))} min more"
            )
        with Progress(total, "a second look", show=wants.progress) as bar:
            outer.tick = bar.tick
            try:
                outer.look(repeats, families)
            except OutOfBudget:
                first = {p: a for p, a in outer.found.items() if p[1] < LOOKS[0]}
                outer.found = first  # what is fitted of the second look is kept for the next call
                self._left_out("look", seconds)
                return True
        return False

    def _left_out(self, what: str, seconds: float) -> None:
        self.not_run.append(told(f"cmp.left.{what}", minutes=max(1, round(seconds / 60))))

    def _learning(self) -> list[dict[str, Any]]:
        outer = self.outer
        n_fits = len(SHARES) * outer.folds.count
        seconds = outer.forecast(n_fits) / 2
        if not self.wants.learning or not outer.budget.fits(seconds):
            self._left_out("learning", seconds)
            return []
        total = n_fits * len(outer.families)
        with Progress(total, "learning from fewer rows", show=self.wants.progress) as bar:
            outer.tick = bar.tick
            return curves(outer, outer.families)

    def _reasons(self, judged: Mapping[tuple[str, str], Judged]) -> Reasons | None:
        outer = self.outer
        families = self._explained(judged)
        seconds = 4 * outer.forecast(3, families)
        if self.wants.n < 2 or not outer.budget.fits(seconds):
            self._left_out("reasons", seconds)
            return None
        with Progress(len(families), "explaining", show=self.wants.progress) as bar:
            outer.tick = bar.tick
            return reasons(outer, families, self.wants.n, self.wants.draw)

    def _explained(self, judged: Mapping[tuple[str, str], Judged]) -> list[Family]:
        """The pair, the model to use, and others that are level with the best."""
        use = recommended(self.outer, judged, [], self.base, self.inputs)["id"]
        mean = {n: self.outer.quality(n).mean() for n in self.names}
        rest = sorted(self.names[2:], key=lambda n: (n != use, -mean[n]))
        wanted = [*self.names[:2], *rest][:EXPLAINED]
        return [f for f in self.outer.families if f.name in wanted and f.name not in SLOW]

    def _same(self, same: Reasons, floors: list[dict[str, Any]]) -> dict[str, Any]:
        a, b = self.names[:2]
        known = a in same.asked and b in same.asked
        return {
            "floors": floors,
            "pairs": same.pairs(),
            "cases": same.shown(a, b) if known else [],
            "evidence": same.evidence(),
            "together": same.together(a, b, self.outer.seed) if known else [],
            "n": len(same.samples),
            "space": same.space,
            "method": "SHAP",
        }

    def _tuning(self) -> dict[str, Any] | None:
        outer, trials, allowed = self.outer, self.wants.trials, self.wants.tune_seconds
        if not trials and not allowed:
            self.not_run.append(told("cmp.left.tuning"))
            return None
        n_folds = LOOKS[0] * outer.folds.count
        seconds = outer.forecast(trials * n_folds) + allowed * n_folds * len(self.names)
        if not outer.budget.fits(seconds):
            self._left_out("tuned", seconds)
            return None
        title = f"{trials} trials each" if trials else f"{allowed:g} s of tuning each"
        with Progress(n_folds * len(self.names), title, show=self.wants.progress) as bar:
            outer.tick = bar.tick
            return tuned(outer, trials, self.wants.rope, allowed)

    def _baseline(self) -> dict[str, Any]:
        train = [self.outer.folds.rows[i] for i in self.outer.splits[0, 0].train]
        says, _ = blind(replace(self.data, train=tuple(train)))
        return {
            "id": self.base,
            "says": says,
            "family": "baseline",
            "accuracy": float(self.outer.quality(BASE).mean()),
        }

    def _entry(self, family: Family) -> dict[str, Any]:
        outer, name = self.outer, family.name
        costs = np.mean([a["cost"] for (n, _, _), a in outer.found.items() if n == name], axis=0)
        entry: dict[str, Any] = {
            "id": name,
            "title": name,
            "family": family.kind,
            "accuracy": float(outer.quality(name).mean()),
            "n_folds": len(outer.quality(name)),
            "own": float(outer.each(name, "own").mean()),
            "shift": {
                s: float(outer.each(name, f"shift.{s}").mean()) for s in SHIFTS.get(self.inputs, {})
            },
            "fit_seconds": float(costs[0]),
            "processor_seconds": float(costs[1]),
            "memory": float(costs[2]),
            "joules": WATTS * float(costs[1]),
            "predict_ms": 1000 * seconds_alone(outer, name),
            "batch_ms": 1000 * outer.mean(name, "answer"),
            "bytes": int(outer.found[name, 0, 0]["bytes"][0]),
        }
        if "learned" in outer.found[name, 0, 0]:
            entry["learned"] = float(outer.each(name, "learned").mean())
        if self.data.classes:
            entry |= calibrated(outer.held(name), outer.held_labels)
            entry["confusion"] = self._confusion(name)
        return entry

    def _confusion(self, name: str) -> list[list[int]]:
        """Rows are true classes, columns what was said."""
        k, said = len(self.data.classes), self.outer.held(name).argmax(axis=1)
        flat = np.bincount(self.outer.held_labels * k + said, minlength=k * k)
        return [[int(v) for v in row] for row in flat.reshape(k, k)]

    def _errors(self) -> dict[str, int] | None:
        """Of the pair: held-out rows that one alone gets wrong, and both."""
        if not self.data.classes:
            return None
        a, b = (self.outer.held(n).argmax(1) != self.outer.held_labels for n in self.names[:2])
        return {
            "only_a": int((a & ~b).sum()),
            "both": int((a & b).sum()),
            "only_b": int((b & ~a).sum()),
            "n": len(a),
        }

    def _decision(self) -> dict[str, Any] | None:
        """Net benefit of acting on the second class, at every threshold; for two classes."""
        if len(self.data.classes) != 2:
            return None
        thresholds, labels = np.linspace(0.02, 0.98, 49), self.outer.held_labels
        share = labels.mean()
        lines = {
            n: net_benefit(self.outer.held(n)[:, 1], labels, thresholds).tolist()
            for n in self.names[:2]
        }
        everyone = share - (1 - share) * thresholds / (1 - thresholds)
        return {
            "class": self.data.classes[1],
            "thresholds": thresholds.tolist(),
            "lines": lines,
            "everyone": everyone.tolist(),
        }

    def _studied(self) -> dict[str, Any]:
        rows = self.outer.folds.rows
        tabular = MODALITIES.get(self.data.modality).tabular
        return {
            "name": self.data.name,
            "modality": self.data.modality,
            "inputs": self.inputs,
            "source": self.data.source,
            "n": len(rows),
            "n_train": len(self.outer.splits[0, 0].train),
            "n_test": len(self.outer.splits[0, 0].test),
            "n_features": len(self.data.columns) if tabular else 0,
            "classes": list(self.data.classes),
            "columns": [c.name for c in self.data.columns] if tabular else [],
        }

    def _protocol(self) -> dict[str, Any]:
        folds = self.outer.folds
        how = "time" if folds.in_time else "group" if folds.groups is not None else "plain"
        n = {name: len(self.outer.quality(name)) for name in self.names[:2]}
        weights = "balanced" if self.outer.teach.balanced else "none"
        return told(
            f"cmp.protocol.{how}",
            n=min(n.values()),
            seed=folds.seed,
            weights=told(f"cmp.weights.{weights}"),
        )
