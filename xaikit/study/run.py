"""A run: everything a study asked and measured, as a folder that anyone can read.

`manifest.json` holds words and numbers, `arrays.npz` the arrays, `overview.npz` what one method says
of the whole test split; nothing is pickled. The report reads a `Run` and nothing else.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from xaikit.core.display import display
from xaikit.core.errors import DataError
from xaikit.core.explanations import Explanations
from xaikit.core.files import read_arrays, read_json, short, write_arrays
from xaikit.core.finding import Finding
from xaikit.core.folders import Folder
from xaikit.core.measures import MEASURES
from xaikit.core.sample import restored_label, stored_label
from xaikit.core.typed import build, fits, plain
from xaikit.core.types import Cost, Explanation, Floats, Sample, Score, Segmentation, Target
from xaikit.judge.overview import Overview
from xaikit.study.facts import Facts
from xaikit.study.overview_file import pack_overview, unpack_overview
from xaikit.tasks import restored_task

if TYPE_CHECKING:
    from xaikit.core.agreement import Consensus, Disagreement
    from xaikit.judge.causes import Cause
    from xaikit.judge.verdict import Choice, Verdict

__all__ = ["RUNS", "Failure", "Run"]

FORMAT = 1
RUNS = Folder("run", "manifest.json", DataError)
_ARRAYS = "arrays.npz"
_OVERVIEW = "overview.npz"

T = TypeVar("T")


@dataclass(frozen=True)
class Failure:
    """What was not run, and why. sample_id is "" when it holds for every sample."""

    method: str
    model_id: str
    reason: str
    kind: Literal["not_applicable", "error"]
    sample_id: str = ""
    remedy: str = ""


@dataclass(frozen=True, eq=False)
class Run:
    """One study of one model.

    config : what was asked for, enough to ask again (command, seed, methods, target, ...)
    predictions : (N, K) probabilities of classes or of each label, or values of a regressor
    context : JSON-able facts for the page: model, data, question, methods (see pipeline.py)
    overview : what one method says of the whole test split, or None

    >>> run = xaikit.study(model, [sample], "shap", "none")
    >>> Run.load(run.save("runs/wine")).methods
    ('shap',)
    """

    config: Mapping[str, Any]
    samples: tuple[Sample, ...]
    predictions: Floats
    explanations: tuple[Explanation, ...]
    scores: tuple[Score, ...] = ()
    failures: tuple[Failure, ...] = ()
    environment: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    overview: Overview | None = None

    def of(self, method: str) -> tuple[Explanation, ...]:
        """The explanations of one method, in the order of the samples."""
        return tuple(e for e in self.explanations if e.method == method)

    @property
    def methods(self) -> tuple[str, ...]:
        """Names of the methods that gave at least one explanation, in the order asked."""
        return tuple(dict.fromkeys(e.method for e in self.explanations))

    @cached_property
    def measured(self) -> Run:
        """The run without the samples that were added to be shown, which count in no judgement."""
        added = set(self.context.get("added") or ())
        kept = [i for i, sample in enumerate(self.samples) if sample.id not in added]
        if len(kept) == len(self.samples):
            return self
        return dataclasses.replace(
            self,
            samples=tuple(self.samples[i] for i in kept),
            predictions=self.predictions[kept],
            explanations=tuple(e for e in self.explanations if e.sample_id not in added),
        )

    def measures(self) -> Mapping[str, Mapping[str, Any]]:
        """Name of each number -> its words and how it is read; of older runs as this version has it."""
        known: Mapping[str, Mapping[str, Any]] | None = self.context.get("measures")
        if known is None and self.scores:
            with suppress(ImportError):  # a page can be written where no torch is
                import xaikit.metrics  # noqa: F401 - registers them
            return {name: MEASURES.get(name).facts() for name in MEASURES}
        return known or {}

    def verdicts(self) -> tuple[Verdict, ...]:
        """Which explanations hold and which is best: one verdict a method, in the order asked."""
        from xaikit.judge.verdict import verdicts

        return verdicts(self.measured)

    def choice(self) -> Choice:
        """Which explanation to use, and which to show where none can be named."""
        from xaikit.judge.verdict import choice

        return choice(self.measured)

    def findings(self) -> tuple[Finding, ...]:
        """What the model goes by over the test samples, the headline first, or why that is not known."""
        return self._findings

    def warnings(self) -> tuple[Finding, ...]:
        """What to beware of, the clearest first: a shortcut, or what the errors have in common."""
        return self._warnings

    @cached_property
    def _findings(self) -> tuple[Finding, ...]:
        from xaikit.judge.findings import findings

        seen = self._seen
        if seen is None:
            return (Finding("finding.nothing", {"model": _model_id(self)}),)
        status = {v.method: v.status for v in self.verdicts()}
        holds = status.get(seen.method) in ("use", "weaker")
        region = str(self.context.get("rationale") or "")
        known = region if region.startswith("rationale.") else "rationale.marked"
        quality = (self.context.get("model") or {}).get("quality") or {}
        blind = quality.get("blind") or quality.get("baseline") or {}
        beats = blind.get("verdict") == "b_better"
        return findings(seen, holds, known, beats_guessing=beats)

    @cached_property
    def _warnings(self) -> tuple[Finding, ...]:
        from xaikit.judge.findings import warnings

        return () if self._seen is None else warnings(self._seen)

    @cached_property
    def _seen(self) -> Overview | None:
        """The overview, or what the shown method says of the run's own samples; None without any."""
        run, shown = self.measured, self.choice().shown
        told = () if self.overview or shown is None else run.of(shown)
        if not told:
            return self.overview
        rows = {sample.id: i for i, sample in enumerate(run.samples)}
        which = [rows[e.sample_id] for e in told]
        samples = [run.samples[i] for i in which]
        predictions = run.predictions[which]
        task = restored_task(run.context.get("model") or {}, predictions.shape[1])
        return Overview(
            ids=tuple(s.id for s in samples),
            predictions=predictions,
            labels=tuple(s.label for s in samples),
            explanations=Explanations.of(told),
            inputs=tuple(s.x for s in samples),
            rationales=tuple(s.rationale for s in samples),
            modality=samples[0].modality,
            classes=() if task.name == "regression" and not task.many else task.outputs,
            task=task.name,
            of=len(run.samples),
            columns=tuple(c["name"] for c in (run.context.get("data") or {}).get("columns") or ()),
        )

    def disagreements(self, by: str = "spearman") -> dict[tuple[str, str], Disagreement]:
        """Pairs of methods -> whether they differ by more than their own second runs do."""
        from xaikit.core.agreement import disagreements

        return disagreements([s for s in self.scores if np.isfinite(s.value)], by)

    def causes(self) -> tuple[Cause, ...]:
        """Where the disagreements beyond noise come from, as far as the run itself can show it."""
        from xaikit.judge.causes import causes

        return causes(self.measured)

    def consensus(self, sample_id: str, methods: Sequence[str]) -> Consensus:
        """What these methods all say of one sample; give two or more that hold."""
        from xaikit.core.agreement import consensus

        asked = (e for m in methods for e in self.of(m))
        return consensus([e for e in asked if e.sample_id == sample_id])

    def masker_tau(self) -> float | None:
        """Kendall's tau between the methods' order under two ways of removing; None if not known."""
        from xaikit.core.agreement import masker_tau

        return masker_tau(self.scores)[0]

    def _repr_html_(self) -> str:
        return display("html", self)  # type: ignore[no-any-return]

    def save(self, folder: str | Path) -> Path:
        """Write the run as a folder, all of it or nothing; what lies beside its files stays.

        `DataError` when the folder holds something that xaikit did not write.
        """
        arrays: dict[str, NDArray[Any]] = {}
        manifest = plain({"format": FORMAT, **_flatten_run(self, arrays)})
        files = {_ARRAYS: lambda path: write_arrays(path, arrays)}
        if self.overview is not None:
            whole = pack_overview(self.overview)
            files[_OVERVIEW] = lambda path: write_arrays(path, whole)
        return RUNS.write(folder, manifest, files)

    @classmethod
    def load(cls, folder: str | Path) -> Run:
        """Read a saved run; `DataError` says what is wrong with the folder."""
        folder = Path(folder)
        cover, numbers = (RUNS.file(folder, name) for name in (RUNS.cover, _ARRAYS))
        manifest = read_json(cover, RUNS.origin(cover))
        if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
            held = manifest.get("format") if isinstance(manifest, dict) else None
            raise DataError(
                f"the run in '{folder}' has format {short(held)}; this version reads {FORMAT}."
            )
        arrays = read_arrays(numbers, RUNS.origin(numbers))
        overview = _read_overview(folder) if manifest.get("overview") else None
        try:
            run = _restore_run(manifest, arrays)
        except KeyError as error:
            raise DataError(f"the run in '{folder}' is incomplete: no {short(error)}.") from error
        except (TypeError, ValueError) as error:
            raise DataError(
                f"the run in '{folder}' is damaged: {short(error, 300)}; save it again."
            ) from error
        RUNS.check_whole(folder, manifest)
        return dataclasses.replace(run, overview=overview)


def _read_overview(folder: Path) -> Overview:
    path = RUNS.file(folder, _OVERVIEW)
    return unpack_overview(read_arrays(path, RUNS.origin(path)), RUNS.origin(path))


def _model_id(run: Run) -> str:
    return str((run.context.get("model") or {}).get("id") or "–")


def _flatten_run(run: Run, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    def keep(key: str, value: NDArray[Any] | None) -> str | None:
        if value is None:
            return None
        arrays[key] = value
        return key

    segmentations: dict[int, str] = {}
    stored_segmentations = {}

    def segmentation(item: Segmentation) -> str:
        if id(item) not in segmentations:
            key = f"segmentation-{len(segmentations)}"
            segmentations[id(item)] = key
            stored_segmentations[key] = {
                "ids": keep(f"{key}-ids", item.ids),
                "names": list(item.names),
                "source": item.source,
            }
        return segmentations[id(item)]

    keep("predictions", run.predictions)
    samples = [
        {
            "id": s.id,
            "modality": s.modality,
            "label": {"array": keep(f"sample-{i}-label", s.label)}
            if isinstance(s.label, np.ndarray)
            else stored_label(s.label),
            "meta": s.meta,
            "x": keep(f"sample-{i}-x", s.x),
            "rationale": keep(f"sample-{i}-rationale", s.rationale),
        }
        for i, s in enumerate(run.samples)
    ]
    explanations = []
    for i, e in enumerate(run.explanations):
        plain = {f.name: getattr(e, f.name) for f in dataclasses.fields(e)}
        for name in ("values", "elements", "std"):
            plain[name] = keep(f"explanation-{i}-{name}", plain[name])
        plain |= {
            "segmentation": segmentation(e.segmentation),
            "target": dataclasses.asdict(e.target),
            "cost": dataclasses.asdict(e.cost),
        }
        explanations.append(plain)
    scores = []
    for i, s in enumerate(run.scores):
        plain = {f.name: getattr(s, f.name) for f in dataclasses.fields(s)}
        scores.append(plain | {"curve": keep(f"score-{i}-curve", s.curve)})
    return {
        "config": run.config,
        "environment": run.environment,
        "context": run.context,
        "samples": samples,
        "segmentations": stored_segmentations,
        "explanations": explanations,
        "scores": scores,
        "failures": [dataclasses.asdict(f) for f in run.failures],
        "overview": run.overview is not None,
    }


def _restore_run(manifest: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Run:
    """`KeyError`, `TypeError` or `ValueError` where something is missing, of another type or odd."""

    def part(name: str, kind: type = list) -> Any:
        if not isinstance(manifest[name], kind):
            raise TypeError(f"'{name}' is no {'list' if kind is list else 'object'}")
        return manifest[name]

    def filled(kind: type[T], stored: Any, *names: str, **made: Any) -> T:
        """An instance whose arrays are stored under the names that `stored` gives."""
        held = {n: None if stored[n] is None else arrays[stored[n]] for n in names}
        return build(kind, {**stored, **held, **made})

    cuts = {
        key: filled(Segmentation, stored, "ids")
        for key, stored in part("segmentations", dict).items()
    }
    return _checked(
        Run(
            config=part("config", dict),
            samples=tuple(
                filled(Sample, {**s, "label": _label(s["label"], arrays)}, "x", "rationale")
                for s in part("samples")
            ),
            predictions=arrays["predictions"],
            explanations=tuple(
                filled(
                    Explanation,
                    e,
                    *("values", "elements", "std"),
                    segmentation=cuts[e["segmentation"]],
                    target=build(Target, e["target"]),
                    cost=build(Cost, e["cost"]),
                )
                for e in part("explanations")
            ),
            scores=tuple(filled(Score, s, "curve") for s in part("scores")),
            failures=tuple(build(Failure, f) for f in part("failures")),
            environment=part("environment", dict),
            context=part("context", dict),
        )
    )


def _label(stored: Any, arrays: Mapping[str, NDArray[Any]]) -> Any:
    """A label as it was; arrays lie beside."""
    if isinstance(stored, Mapping) and set(stored) == {"array"}:
        return arrays[stored["array"]]
    return restored_label(stored)


def _checked(run: Run) -> Run:
    """The run, whose parts belong together."""
    rows, ids = run.predictions, [sample.id for sample in run.samples]
    if not fits(run.context, Facts) or not fits(
        run.environment.get("versions", {}), dict[str, Any]
    ):
        raise ValueError("its context is not what a page can tell")
    if rows.dtype.kind not in "biuf" or rows.ndim != 2 or len(rows) != len(ids):
        raise ValueError(f"predictions of shape {rows.shape} for {len(ids)} samples")
    if not all(fits(score.of, Mapping[str, str | float | None]) for score in run.scores):
        raise ValueError("a score does not say in words what it is of")
    grids = {sample.id: sample.grid for sample in run.samples}
    for e in run.explanations:
        if e.segmentation.ids.shape != grids.get(e.sample_id):
            raise ValueError(f"an explanation by {short(e.method)} is of none of the samples")
        if not all(0 <= i < rows.shape[1] for i in (e.target.index, e.target.against or 0)):
            raise ValueError(f"an explanation by {short(e.method)} is of output {e.target.index}")
    classes = (run.context.get("model") or {}).get("classes")
    if classes and len(classes) < rows.shape[1]:
        raise ValueError(f"{len(classes)} classes are named and {rows.shape[1]} predicted")
    return run
