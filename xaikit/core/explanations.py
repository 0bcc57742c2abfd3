"""The answers of one method to many questions, whose numbers lie in arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from itertools import product
from pathlib import Path
from types import MappingProxyType
from typing import Any, overload

import numpy as np

from xaikit.core.display import display
from xaikit.core.errors import CheckFailed, InvalidInput
from xaikit.core.explanations_file import from_plain, load_explanations, save_explanations, to_plain
from xaikit.core.many import Same, joined, stacked, taken
from xaikit.core.target import Targets
from xaikit.core.types import Cost, Explanation, Floats, PerSample, Segmentation

__all__ = ["Explanations"]

# what all answers have in common; the other fields of an explanation have one value a question
_SHARED = ("method", "model_id", "params", "additive", "unit", "seed", "versions")


@dataclass(frozen=True, eq=False)
class Explanations(Sequence[Explanation]):
    """How much each feature speaks for (+) or against (-) the target, for N samples.

    A sequence of `Explanation`, each made when someone looks at it; the fields are those of an
    explanation, with one row or one element a sample.

    rows : N rows of values (n,): one array (N, n) where the samples have as many features
    elements : N maps (*grid) before pooling, or None
    std : N rows (n,), standard errors of the estimates, or None when nothing was sampled
    output, empty : (N,) the targets with everything kept and with everything removed

    >>> found = xaikit.explain(model, data.test[:5], "shap")
    >>> found.values.shape, found.top(1)[0][0]
    ((5, 13), 'proline')
    """

    rows: PerSample
    method: str
    model_id: str
    sample_ids: Sequence[str]
    targets: Targets
    segmentations: Sequence[Segmentation]
    maskers: Sequence[str]
    output: Floats
    empty: Floats
    additive: bool
    unit: str
    elements: PerSample | None = None
    std: PerSample | None = None
    converged: Sequence[bool | None] = ()
    notes: Sequence[str] = ()
    extras: Sequence[Mapping[str, Any]] = ()
    costs: Sequence[Cost] = ()
    drawn: Sequence[bool] = ()
    target_names: Sequence[tuple[str, ...]] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    versions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.sample_ids)
        for name, usual in _USUAL.items():
            if len(getattr(self, name)) == 0:
                object.__setattr__(self, name, Same(usual, n))
        for f in fields(self):
            held = getattr(self, f.name)
            if f.name not in _SHARED and held is not None and len(held) != n:
                raise InvalidInput(
                    f"{self.method} gave {len(held)} {f.name} for {n} samples; give one each."
                )
        for name in ("rows", "std", "elements"):
            self._check(name)

    def _check(self, name: str) -> None:
        """Finite, of the right shape, and not to be written to."""
        given = getattr(self, name)
        if given is None:
            return
        for i, part in [(0, given)] if isinstance(given, np.ndarray) else enumerate(given):
            what = "values" if name == "rows" else name
            finite = np.isfinite(part)
            if not finite.all():
                row = i if part is not given else int(np.argwhere(~finite)[0][0])
                raise CheckFailed(
                    f"{self.method} on sample '{self.sample_ids[row]}' gave NaN or infinity in "
                    f"{what}; the model's output may overflow there."
                )
            wanted = self._shape(name, i)
            if part.shape != (wanted if part is not given else (len(self), *wanted)):
                raise InvalidInput(
                    f"{self.method} gave {what} of shape {part.shape}; {wanted} a sample is needed."
                )
            part.setflags(write=False)

    def _shape(self, name: str, i: int) -> tuple[int, ...]:
        cut = self.segmentations[i]
        return cut.ids.shape if name == "elements" else (cut.n_features,)

    @classmethod
    def of(cls, explanations: Sequence[Explanation]) -> Explanations:
        """From explanations by one method of one model."""
        if isinstance(explanations, Explanations):
            return explanations
        first = explanations[0]
        for e in explanations:
            kind = (e.method, e.model_id, e.unit, e.additive)
            if kind != (first.method, first.model_id, first.unit, first.additive):
                raise InvalidInput(
                    f"'{first.method}' on '{first.model_id}' in {first.unit} and '{e.method}' on "
                    f"'{e.model_id}' in {e.unit} are no block; keep the explanations of each method, "
                    "model and unit apart."
                )

        def every(name: str) -> list[Any]:
            return [getattr(e, name) for e in explanations]

        return cls(
            rows=stacked(every("values")),
            elements=stacked(every("elements")),
            std=stacked(every("std")),
            sample_ids=every("sample_id"),
            targets=Targets.of(every("target")),
            segmentations=every("segmentation"),
            maskers=every("masker"),
            output=np.array(every("output"), dtype=np.float64),
            empty=np.array(every("empty"), dtype=np.float64),
            converged=every("converged"),
            notes=every("note"),
            extras=every("extras"),
            costs=every("cost"),
            drawn=every("drawn"),
            target_names=every("target_names"),
            **{name: getattr(first, name) for name in _SHARED},
        )

    def __len__(self) -> int:
        return len(self.sample_ids)

    @overload
    def __getitem__(self, i: int) -> Explanation: ...
    @overload
    def __getitem__(self, i: slice) -> Explanations: ...
    def __getitem__(self, i: int | slice) -> Explanation | Explanations:
        """One explanation, or the block of several."""
        if isinstance(i, slice):
            return self.take(np.arange(len(self))[i])
        if not -len(self) <= i < len(self):
            raise IndexError(f"explanation {i} of {len(self)}")
        found: Explanation = object.__new__(Explanation)  # its arrays were checked with the block
        found.__dict__.update(
            {name: getattr(self, name) for name in _SHARED},
            values=self.rows[i],
            elements=None if self.elements is None else self.elements[i],
            std=None if self.std is None else self.std[i],
            sample_id=self.sample_ids[i],
            target=self.targets[i],
            segmentation=self.segmentations[i],
            masker=self.maskers[i],
            output=float(self.output[i]),
            empty=float(self.empty[i]),
            converged=self.converged[i],
            note=self.notes[i],
            extras=self.extras[i],
            cost=self.costs[i],
            drawn=self.drawn[i],
            target_names=self.target_names[i],
        )
        return found

    def __iter__(self) -> Iterator[Explanation]:
        return (self[i] for i in range(len(self)))

    def __add__(self, other: Explanations) -> Explanations:
        """Both, one after the other; of one method, with the same parameters, and one model."""
        return Explanations.joined([self, other])

    @classmethod
    def joined(cls, parts: Sequence[Explanations]) -> Explanations:
        """Blocks of one method with the same parameters and one model, one after the other."""
        first, *others = parts
        if not others:
            return first
        for other, name in product(others, _SHARED):
            if getattr(first, name) != getattr(other, name):
                raise InvalidInput(
                    f"blocks of {name} {getattr(first, name)!r} and {getattr(other, name)!r} cannot "
                    "be joined; keep them apart."
                )
        return first._with(
            lambda name: joined([getattr(part, name) for part in parts]),
            Targets.joined([part.targets for part in parts]),
        )

    @classmethod
    def gathered(cls, parts: Iterable[Explanations], n: int) -> Explanations:
        """Blocks of n samples in all, one after the other as they come, so that numbers are held once.

        Kept are values, standard errors, ends, targets, features and what converged; of notes only those
        that many samples share.
        """
        held: list[Explanations] = []
        whole: dict[str, Floats] = {}
        alike = dict.fromkeys(("rows", "std", "output", "empty"), True)
        start = 0
        for part in parts:
            light = part.completed(
                elements=None,
                extras=Same(_USUAL["extras"], len(part)),
                costs=Same(_USUAL["costs"], len(part)),
                notes=_few(part.notes),
            )
            for name in alike:
                given = getattr(part, name)
                fits = isinstance(given, np.ndarray) and given.shape[1:] == (
                    whole[name].shape[1:] if name in whole else given.shape[1:]
                )
                alike[name] &= fits
                if fits:
                    whole.setdefault(name, np.empty((n, *given.shape[1:])))
                    here = whole[name][start : start + len(part)]
                    here[:] = given
                    light.__dict__[name] = here  # not held twice
            held.append(light)
            start += len(part)
        return held[0]._with(
            lambda name: (
                whole[name] if alike.get(name) else joined([getattr(part, name) for part in held])
            ),
            Targets.joined([part.targets for part in held]),
        )

    def take(self, rows: Any) -> Explanations:
        """The block of those samples: indices (M,) or a boolean mask (N,)."""
        rows = np.asarray(rows)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.int64)
        return self._with(lambda name: taken(getattr(self, name), rows), self.targets[rows])

    def _with(self, of: Callable[[str], Any], targets: Targets) -> Explanations:
        each = (f.name for f in fields(self) if f.name not in (*_SHARED, "targets"))
        return replace(self, targets=targets, **{name: of(name) for name in each})

    @property
    def values(self) -> Floats:
        """(N, n) values; where samples have unlike numbers of features, NaN after each one's last."""
        return _padded(self.rows)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """(n,) names of the features, where all samples have the same; `InvalidInput` otherwise."""
        names = self.segmentations[0].names if len(self) else ()
        shared = isinstance(self.segmentations, Same)
        if not shared and any(cut.names != names for cut in self.segmentations):
            raise InvalidInput(
                f"the samples of these {len(self)} explanations have features of their own; look at "
                "them one by one, or use to_frame()."
            )
        return names

    @property
    def residual(self) -> Floats:
        """(N,) output - empty - sum of the values: what an additive method leaves unexplained."""
        return np.asarray(self.output - self.empty - np.nansum(self.values, axis=1))

    def mean_abs(self) -> Floats:
        """(n,) mean over the samples of the absolute values, where all have the same features."""
        _ = self.names
        return np.asarray(np.abs(self.values).mean(axis=0))

    def top(self, k: int = 5) -> list[tuple[str, float]]:
        """The k features of largest mean absolute value, strongest first."""
        means = self.mean_abs()
        order = np.argsort(-means, kind="stable")[:k]
        return [(self.names[i], float(means[i])) for i in order]

    def to_frame(self) -> Any:
        """A pandas frame: a row a sample and a column a feature; where samples have features of
        their own, a row for each feature of each sample with its value and standard error."""
        import pandas as pd

        try:
            names = self.names
        except InvalidInput:
            return pd.concat([self._long(i) for i in range(len(self))], ignore_index=True)
        return pd.DataFrame(self.values, columns=list(names), index=list(self.sample_ids))

    def _long(self, i: int) -> Any:
        import pandas as pd

        one = self[i]
        columns: dict[str, Any] = {
            "sample": one.sample_id,
            "feature": list(one.names),
            "value": one.values,
        }
        return pd.DataFrame(columns if one.std is None else {**columns, "std": one.std})

    def to_shap(self, data: Any = None) -> Any:
        """A `shap.Explanation` that shap's own plots draw.

        data : (N, n) what stands in the features, for the colours of a beeswarm
        """
        import shap

        return shap.Explanation(
            values=np.array(self.values),
            base_values=np.array(self.empty),
            data=None if data is None else np.asarray(data),
            feature_names=list(self.names),
        )

    def plot(self, language: str = "en") -> Any:
        """A matplotlib Figure: each sample a dot at its value, a row a feature, strongest first."""
        return display("figure", self, None, language)

    def _repr_html_(self) -> str:
        return display("html", self)  # type: ignore[no-any-return]

    def to_json(self) -> dict[str, Any]:
        """A plain dict that `json.dumps` takes and `from_json` reads, with what `save` keeps."""
        return to_plain(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Explanations:
        """What `to_json` gave; `DataError` says what is wrong."""
        return cls(**from_plain(record))

    def save(self, path: str | Path, force: bool = False, *, language: str = "en") -> Path:
        """Write one file: the numbers as .npz or .parquet (see `xaikit.core.explanations_file`), or
        the picture of all samples as .png, .svg or .html, with sentences in that language."""
        if Path(path).suffix in (".png", ".svg", ".html"):
            return display("file", self, path, None, language, force)  # type: ignore[no-any-return]
        return save_explanations(self, path, force)

    @classmethod
    def load(cls, path: str | Path) -> Explanations:
        """Read an .npz that `save` wrote."""
        return cls(**load_explanations(path))

    def completed(self, **known: Any) -> Explanations:
        """With costs, seed and what was drawn; everything else was checked when it was made."""
        found: Explanations = object.__new__(Explanations)
        found.__dict__.update(self.__dict__, **known)
        return found

    def __repr__(self) -> str:
        return f"<{len(self)} explanations by {self.method} of '{self.model_id}'>"


_FEW = 16


def _few(notes: Sequence[str]) -> Sequence[str]:
    """The notes where only a few differ, each held once; otherwise none."""
    distinct = {note: note for note in notes}
    if len(distinct) > _FEW:
        return Same("", len(notes))
    return notes if isinstance(notes, Same) else [distinct[note] for note in notes]


_USUAL: dict[str, Any] = {
    "converged": None,
    "notes": "",
    "extras": MappingProxyType({}),
    "costs": Cost(),
    "drawn": True,
    "target_names": (),
}


def _padded(rows: PerSample) -> Floats:
    if isinstance(rows, np.ndarray):
        return rows
    wide = np.full((len(rows), max(map(len, rows), default=0)), np.nan)
    for row, values in zip(wide, rows, strict=True):
        row[: len(values)] = values
    return wide
