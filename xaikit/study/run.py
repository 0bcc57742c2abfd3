"""A run: everything a study asked and measured, as a folder that anyone can read.

`manifest.json` holds words and numbers, `arrays.npz` the arrays; nothing is pickled. The report
reads a `Run` and nothing else.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from xaikit.core.errors import DataError
from xaikit.core.types import Cost, Explanation, Floats, Sample, Score, Segmentation, Target

if TYPE_CHECKING:
    from xaikit.judge.causes import Cause
    from xaikit.judge.verdict import Verdict
    from xaikit.metrics.agreement import Consensus, Disagreement

__all__ = ["Failure", "Run"]

FORMAT = 1


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
    """

    config: Mapping[str, Any]
    samples: tuple[Sample, ...]
    predictions: Floats
    explanations: tuple[Explanation, ...]
    scores: tuple[Score, ...] = ()
    failures: tuple[Failure, ...] = ()
    environment: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)

    def of(self, method: str) -> tuple[Explanation, ...]:
        """The explanations of one method, in the order of the samples."""
        return tuple(e for e in self.explanations if e.method == method)

    @property
    def methods(self) -> tuple[str, ...]:
        """Names of the methods that gave at least one explanation, in the order asked."""
        return tuple(dict.fromkeys(e.method for e in self.explanations))

    def verdicts(self) -> tuple[Verdict, ...]:
        """Which explanations can be believed: one verdict a method, in the order asked."""
        from xaikit.judge.verdict import verdicts

        return verdicts(self)

    def disagreements(self, by: str = "spearman") -> dict[tuple[str, str], Disagreement]:
        """Pairs of methods -> whether they differ by more than their own second runs do."""
        from xaikit.metrics.agreement import disagreements

        return disagreements([s for s in self.scores if np.isfinite(s.value)], by)

    def causes(self) -> tuple[Cause, ...]:
        """Where the disagreements beyond noise come from, as far as the run itself can show it."""
        from xaikit.judge.causes import causes

        return causes(self)

    def consensus(self, sample_id: str, methods: Sequence[str]) -> Consensus:
        """What these methods all say of one sample; give two or more that passed their gates."""
        from xaikit.metrics.agreement import consensus

        asked = (e for m in methods for e in self.of(m))
        return consensus([e for e in asked if e.sample_id == sample_id])

    def masker_tau(self) -> float | None:
        """Kendall's tau between the methods' order under two ways of removing; None if not known."""
        from xaikit.metrics.agreement import masker_tau

        return masker_tau(self.scores)[0]

    def save(self, folder: str | Path) -> Path:
        """Write the run; an existing run folder is replaced only once the new one is whole."""
        folder = Path(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.exists() and any(folder.iterdir()) and not (folder / "manifest.json").exists():
            raise DataError(f"'{folder}' is not empty and holds no run; choose another folder.")
        arrays: dict[str, NDArray[Any]] = {}
        manifest = {"format": FORMAT, **_flatten_run(self, arrays)}
        work = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            np.savez_compressed(work / "arrays.npz", **arrays)  # type: ignore[arg-type] # names, not flags
            text = json.dumps(manifest, ensure_ascii=False, indent=1, allow_nan=False)
            (work / "manifest.json").write_text(text, encoding="utf-8")
            os.chmod(work, 0o755)
            if folder.exists():
                shutil.rmtree(folder)
            os.replace(work, folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return folder

    @classmethod
    def load(cls, folder: str | Path) -> Run:
        """Read a saved run; `DataError` says what is wrong with the folder."""
        folder = Path(folder)
        try:
            manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
            with np.load(folder / "arrays.npz", allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
        except FileNotFoundError as error:
            raise DataError(
                f"'{folder}' is no run folder: {Path(error.filename).name} is missing."
            ) from error
        except (ValueError, OSError, KeyError) as error:
            raise DataError(f"the run in '{folder}' cannot be read: {error}.") from error
        if manifest.get("format") != FORMAT:
            raise DataError(
                f"the run in '{folder}' has format {manifest.get('format')}; this version reads {FORMAT}."
            )
        try:
            return _restore_run(manifest, arrays)
        except (KeyError, TypeError, IndexError) as error:
            raise DataError(f"the run in '{folder}' is incomplete: {error}.") from error


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
            "label": {"labels": sorted(s.label)} if isinstance(s.label, frozenset) else s.label,
            "meta": _plain(s.meta),
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
        explanations.append(_plain(plain))
    scores = []
    for i, s in enumerate(run.scores):
        plain = {f.name: getattr(s, f.name) for f in dataclasses.fields(s)}
        scores.append(_plain(plain | {"curve": keep(f"score-{i}-curve", s.curve)}))
    return {
        "config": _plain(run.config),
        "environment": _plain(run.environment),
        "context": _plain(run.context),
        "samples": samples,
        "segmentations": stored_segmentations,
        "explanations": explanations,
        "scores": scores,
        "failures": [dataclasses.asdict(f) for f in run.failures],
    }


def _restore_run(manifest: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Run:
    def find(key: str | None) -> NDArray[Any] | None:
        return None if key is None else arrays[key]

    segmentations = {
        key: Segmentation(arrays[s["ids"]], tuple(s["names"]), s["source"])
        for key, s in manifest["segmentations"].items()
    }
    return Run(
        config=manifest["config"],
        samples=tuple(
            Sample(
                **s | {k: find(s[k]) for k in ("x", "rationale")} | {"label": _label(s["label"])}
            )
            for s in manifest["samples"]
        ),
        predictions=arrays["predictions"],
        explanations=tuple(
            Explanation(
                **{
                    **e,
                    **{name: find(e[name]) for name in ("values", "elements", "std")},
                    "segmentation": segmentations[e["segmentation"]],
                    "target": Target(**e["target"]),
                    "cost": Cost(**e["cost"]),
                }
            )
            for e in manifest["explanations"]
        ),
        scores=tuple(
            Score(
                **{
                    **s,
                    "value": float("nan") if s["value"] is None else s["value"],
                    "curve": find(s["curve"]),
                    "interval": tuple(s["interval"]) if s["interval"] else None,
                }
            )
            for s in manifest["scores"]
        ),
        failures=tuple(Failure(**f) for f in manifest["failures"]),
        environment=manifest["environment"],
        context=manifest["context"],
    )


def _label(stored: Any) -> Any:
    """A label as it was: labels that hold at once are a set."""
    return frozenset(stored["labels"]) if isinstance(stored, Mapping) else stored


def _plain(value: Any) -> Any:
    """JSON-able copy; NaN becomes null, arrays become lists."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    return str(value)
