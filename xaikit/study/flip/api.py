"""What would have changed the answer: the front door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from xaikit.core.abilities import Model
from xaikit.core.errors import CheckFailed, InvalidInput, NothingFound, foreign
from xaikit.core.finding import Finding
from xaikit.core.frames import is_frame
from xaikit.core.question import Question
from xaikit.core.types import Bools, Explanation, Floats, Sample
from xaikit.data.dataset import Dataset
from xaikit.modalities import as_rows
from xaikit.study.flip.along import Along, along
from xaikit.study.flip.asked import Asked, of_masks, of_rows
from xaikit.study.flip.change import Found, Options, options_of, smallest_changes
from xaikit.study.flip.decision import Decision, Wanted, decision_of
from xaikit.study.flip.removal import smallest_removal
from xaikit.study.flip.result import Change, Counterfactual
from xaikit.study.given import rows_of, samples_of
from xaikit.study.naming import named
from xaikit.study.own import is_called
from xaikit.study.plan import Plan, make_question
from xaikit.tasks import task_of

__all__ = ["FEW", "Limits", "counterfactual", "flips"]

How = Literal["auto", "change", "remove"]
FEW = 2**9  # candidates a sample where nobody asked for more
NAMED = 6  # features that a sentence names


@dataclass(frozen=True)
class Limits:
    """What columns of a table may do.

    immutable : names of columns that stay; increasing, decreasing : that may only rise, or only fall
    """

    immutable: Sequence[str] = ()
    increasing: Sequence[str] = ()
    decreasing: Sequence[str] = ()


def counterfactual(
    model: Model,
    sample: Any,
    how: How = "auto",
    *,
    wanted: Wanted = None,
    output: str | int | None = None,
    explanation: Explanation | None = None,
    rows: Any = None,
    immutable: Sequence[str] = (),
    increasing: Sequence[str] = (),
    decreasing: Sequence[str] = (),
    n: int = 3,
    most: int = 2**14,
    plan: Plan | None = None,
    **changes: Any,
) -> Counterfactual:
    """What would have changed the model's answer for a sample, verified by the model.

    sample : a sample, or what `explain` reads of one: a row of a frame, a text, an array
    how : "change" (tables): the smallest change of one to three columns to values that occur in
        `rows`, the distance of a change being the sum over its columns in standard deviations, 1 for
        a category; a further column must save a tenth. "remove": the smallest set of features whose
        removal turns the decision; of text the words are left out, unless the answer is about a word,
        which must stay where it is. "auto" is "change" for tables
        and "remove" for the rest
    wanted : the class to reach (any other when None); of a value the number that it is to cross, or a
        range such as (10, 20) or (None, 20)
    output : which label is to flip, or which of several values is meant
    explanation : whose order is tried first when features are removed
    rows : (b, D) rows in which values occur; the model's background when None
    immutable, increasing, decreasing : names of columns that stay, may only rise or may only fall
    n : how many changes, of which none contains the columns of another
    most : candidates that may be tried in each of the search and the enumeration
    plan : and further keywords, as in `explain`

    `NothingFound` where nothing that was tried turns the decision.

    >>> found = counterfactual(model, sample)
    >>> [change.name for change in found.changes], found.verified
    (['proline'], True)
    """
    sample = _one(model, sample)
    if how not in ("auto", "change", "remove") or n < 1 or most < 1:
        raise InvalidInput(
            f"how is '{how}', n {n} and most {most}; use auto, change or remove, and 1 or more."
        )
    with foreign(f"model '{model.id}' on sample '{sample.id}'"):
        before = task_of(model).predictions(model.scores([sample.x]))[0]
    decision = decision_of(task_of(model), before, wanted, output)
    plan = replace(plan or Plan(), **changes)
    limits = Limits(immutable, increasing, decreasing)
    if how == "change" or (how == "auto" and sample.kind.tabular):
        return _changed(model, sample, decision, before, rows, limits, n, most, plan)
    if limits != Limits() or rows is not None:
        raise InvalidInput(
            "rows, immutable, increasing and decreasing are for columns that change; use how='change' "
            "of a table, or background= for what stands in for removed features."
        )
    question = make_question(model, sample, plan)
    if (
        sample.kind.words
        and is_called(plan.masker, "auto")
        and not getattr(question.sample.x, "asked", ())
    ):
        question = make_question(model, sample, replace(plan, masker="delete"))
    return _removed(question, decision, before, explanation, most)


def _one(model: Model, given: Any) -> Sample:
    """The sample in what was given."""
    if not (isinstance(given, Sample | str | np.ndarray) or is_frame(given)):
        raise InvalidInput(
            f"a {type(given).__name__} is no sample; give Sample('a name', x, '{model.modality}')."
        )
    found = samples_of(model, given)
    if len(found) != 1 or not isinstance(found[0], Sample):
        raise InvalidInput(
            f"{len(found)} samples were given and one is asked about; give one, for example rows[:1]."
        )
    return found[0]


def flips(
    model: Model, samples: Sequence[Sample], data: Dataset | None = None, **options: Any
) -> list[dict[str, Any]]:
    """For a run's context: of every sample what would have changed its answer, or why nothing was found.

    data : names the columns and classes of the model, as in a study
    """
    model, found = named(model, data), []
    for sample in samples:
        try:
            found.append(counterfactual(model, sample, **options).facts())
        except NothingFound as error:
            found.append({"sample": sample.id, "told": [], "refused": str(error)})
    return found


def _removed(
    question: Question,
    decision: Decision,
    before: Floats,
    explanation: Explanation | None,
    most: int,
) -> Counterfactual:
    n, asked = question.n_features, Asked(of_masks(question), decision)
    removed, smallest = smallest_removal(asked, n, _order(question, explanation), most)
    sample, masker = question.sample, question.masker
    if removed is None:
        raise NothingFound(
            f"no removal {'at all' if smallest else 'among those tried'} of the {n} features turns "
            f"the decision on sample '{sample.id}' ({asked.evaluations} sets of features, replaced by "
            f"{masker.name}); try other features= or another masker=."
        )
    after, turned = asked.alone(removed)
    if not turned:
        raise CheckFailed(
            f"what was found for sample '{sample.id}' turns the decision beside others and not by "
            "itself, so it lies within rounding; use other features= or another masker=."
        )
    names = tuple(question.segmentation.names[i] for i in np.flatnonzero(removed))
    return Counterfactual(
        kind="deletion" if masker.drops else "removal",
        sample_id=sample.id,
        model_id=question.model.id,
        prediction_before=before,
        prediction_after=after,
        verified=turned,
        smallest=smallest or None,
        evaluations=asked.evaluations,
        told=(
            _told_removed(names, masker.drops, decision, before, after),
            _how(smallest, asked),
            *([] if masker.drops else [_replaced(question)]),
        ),
        features=names,
        removed=removed,
        fills=_fills(question, removed),
    )


def _fills(question: Question, removed: Bools) -> Floats | None:
    """(r, C) the mean colour of what stands in for each removed feature; None where places have no colour."""
    if question.sample.kind.view != "picture" or question.masker.drops:
        return None
    ids, shown = question.segmentation.ids, question.masker.references.mean(axis=0)
    return np.stack([shown[ids == i].mean(axis=0) for i in np.flatnonzero(removed)])


def _order(question: Question, explanation: Explanation | None) -> Floats | None:
    if explanation is None:
        return None
    if (
        len(explanation.values) != question.n_features
        or explanation.sample_id != question.sample.id
    ):
        raise InvalidInput(
            f"the explanation is of {len(explanation.values)} features of sample "
            f"'{explanation.sample_id}', and {question.n_features} of '{question.sample.id}' are "
            "removed; give one of this sample and the same features=."
        )
    return explanation.values


def _told_removed(
    names: tuple[str, ...], words: bool, decision: Decision, before: Floats, after: Floats
) -> Finding:
    says = {"after": decision.says(after), "before": decision.says(before)}
    key = "flip.words" if words else "flip.removed"
    quoted = [f"“{name}”" for name in names] if words else list(names)
    if len(names) <= NAMED:
        return Finding(key, {**says, "n": len(names), "names": quoted})
    return Finding(f"{key}.many", {**says, "n": len(names), "names": quoted[:NAMED]})


def _replaced(question: Question) -> Finding:
    numbers = {"masker": question.masker.name, "n": question.n_references}
    return Finding("flip.masker", numbers)


def _how(smallest: bool, asked: Asked) -> Finding:
    return Finding("flip.smallest" if smallest else "flip.open", {"tried": asked.evaluations})


def _changed(
    model: Model,
    sample: Sample,
    decision: Decision,
    before: Floats,
    rows: Any,
    limits: Limits,
    n: int,
    most: int,
    plan: Plan,
) -> Counterfactual:
    if not sample.kind.tabular:
        raise InvalidInput(
            f"sample '{sample.id}' is {sample.modality}, which has no columns to change; use how='remove'."
        )
    columns = _columns(model, sample)
    options = _options(model, sample, _rows(model, sample, rows, plan), columns, limits)
    asked = Asked(of_rows(model, sample.x, plan.batch_size), decision)
    found = smallest_changes(asked, options, n, most)
    if not found:
        raise NothingFound(
            f"no change of up to three columns to values that occur turns the decision on sample "
            f"'{sample.id}' ({asked.evaluations} changes tried); give more rows= or fewer columns in "
            "immutable=, increasing= and decreasing=."
        )
    made = [_of_change(model, sample, columns, decision, before, one, asked) for one in found]
    line = _along(model, sample, columns, before, options, found[0], asked)
    return replace(made[0], others=tuple(made[1:]), along=line)


def _along(
    model: Model,
    sample: Sample,
    columns: Sequence[Mapping[str, Any]],
    before: Floats,
    options: Options,
    found: Found,
    asked: Asked,
) -> Along | None:
    """The answer of a classifier along the changed column of numbers that costs most."""
    coded = sample.kind.categories(model.info) or [False] * len(columns)
    numbers = [
        j
        for j in found.columns
        if not (
            coded[j] or columns[j].get("categories") or np.isnan([sample.x[j], found.row[j]]).any()
        )
    ]
    if task_of(model).words != "class" or not numbers:
        return None

    def cost(j: int) -> float:
        same = (options.columns == j) & (options.values == found.row[j])
        return float(options.costs[same].max(initial=0.0))

    j = max(numbers, key=cost)
    values = options.values[(options.columns == j) & ~np.isnan(options.values)]
    answer = int(np.argmax(before))
    return along(asked, sample.x, j, columns[j]["name"], values, answer, float(found.row[j]))


def _of_change(
    model: Model,
    sample: Sample,
    columns: Sequence[Mapping[str, Any]],
    decision: Decision,
    before: Floats,
    found: Found,
    asked: Asked,
) -> Counterfactual:
    changes = tuple(
        Change(columns[j]["name"], _said(columns[j], sample.x[j]), _said(columns[j], found.row[j]))
        for j in found.columns
    )
    says = {"after": decision.says(found.prediction), "before": decision.says(before)}
    told = Finding("flip.change", {**says, "changes": [change.found for change in changes]})
    return Counterfactual(
        kind="change",
        sample_id=sample.id,
        model_id=model.id,
        prediction_before=before,
        prediction_after=found.prediction,
        verified=True,  # by itself, in `smallest_changes`
        smallest=found.smallest or None,
        evaluations=asked.evaluations,
        told=(told, _how(found.smallest, asked)),
        changes=changes,
        x=found.row,
        distance=found.distance,
    )


def _columns(model: Model, sample: Sample) -> list[Mapping[str, Any]]:
    """Name and categories of each column, as the model was told them."""
    told = list(model.info.get("columns") or ())
    names = sample.kind.columns(len(sample.x))
    return told if len(told) == len(names) else [{"name": name} for name in names]


def _rows(model: Model, sample: Sample, given: Any, plan: Plan) -> Floats:
    rows = next((r for r in (given, plan.background, model.background) if r is not None), None)
    if rows is None:
        raise InvalidInput(
            f"model '{model.id}' has no background rows, so no value is known to occur; give rows=."
        )
    rows = as_rows(rows_of(model, rows)).astype(np.float64)
    if rows.ndim != 2 or rows.shape[1:] != sample.x.shape or np.isinf(rows).any():
        raise InvalidInput(
            f"rows has shape {rows.shape}; finite numbers of shape (b, {len(sample.x)}) are needed."
        )
    return rows


def _options(
    model: Model,
    sample: Sample,
    rows: Floats,
    columns: Sequence[Mapping[str, Any]],
    limits: Limits,
) -> Options:
    names = [column["name"] for column in columns]
    coded = np.array(sample.kind.categories(model.info) or [False] * len(names))
    fixed, up, down = (
        _named(names, getattr(limits, which), which)
        for which in ("immutable", "increasing", "decreasing")
    )
    for which, one_way in (("increasing", up), ("decreasing", down)):
        if (both := one_way & coded).any():
            name = names[int(np.flatnonzero(both)[0])]
            raise InvalidInput(
                f"{which} names '{name}', whose values are categories without an order; leave it out, "
                "or keep it in immutable=."
            )
    known = [range(len(c.get("categories") or ())) or None for c in columns]
    spread = sample.kind.spread(sample.x, rows, model.info)
    wide = np.zeros(len(names)) if spread is None else spread
    return options_of(sample.x, rows, wide, coded, known, fixed, up, down)


def _named(names: list[str], wanted: Sequence[str], which: str) -> Bools:
    """(D,) which columns are named."""
    if isinstance(wanted, str):
        raise InvalidInput(f"{which} is '{wanted}'; give a list of names, such as ['{wanted}'].")
    unknown = [name for name in wanted if name not in names]
    if unknown:
        raise InvalidInput(
            f"{which} names {', '.join(map(repr, unknown))}, which is no column; use some of "
            f"{', '.join(names)}."
        )
    return np.isin(names, list(wanted))


def _said(column: Mapping[str, Any], value: float) -> float | str:
    """A value in the data's own words."""
    words = column.get("categories") or ()
    if np.isnan(value):
        return float(value)
    at = int(value)
    return str(words[at]) if at == value and 0 <= at < len(words) else float(value)
