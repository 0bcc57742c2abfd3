"""Exact Shapley values of a block of rows: closed forms of linear models and of trees.

Arrays in, arrays out; whatever holds no closed form is refused by its reason.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary

import numpy as np

from xaikit.core.abilities import Linear, LinearSum, Model, Ordered, Trees
from xaikit.core.errors import NotApplicable
from xaikit.core.target import Target, Targets
from xaikit.core.types import Bools, Floats, Ints, Space
from xaikit.methods.tree_terms import tree_terms
from xaikit.methods.trees import leaf_sums, tree_rows
from xaikit.shapley.interactions import Terms

__all__ = ["Exact", "has_closed_form", "shapley_rows", "terms_of"]

TOLERANCE = 1e-6  # of the sizes that are added: scores made of float32 sums stay below
SURE = 0.01  # of the range of a few answers: a wrong map differs by more, rounding by less
N_MASKS = 8  # drawn, beside one for each column
MOST_COLUMNS = 64  # of which each is shown alone


@dataclass(frozen=True, eq=False)
class Exact:
    """values : (N, n) float64; reasons : why those of a row are not to be believed, by its place"""

    values: Floats
    estimator: str
    reasons: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Form:
    """A closed form for one target.

    values : rows (N, D) -> (N, n)
    terms : row (D,) -> the same game as a sum of terms
    answers : kept (m, D), b rows and as many references -> (b, m) the target, but for a constant
    pairs : of a row and a reference that it is tried on; trees may not tell some columns of two apart
    tolerance : of the sizes that are added, within which sums must agree
    """

    estimator: str
    values: Callable[[Floats], Floats]
    terms: Callable[[Floats], Terms]
    answers: Callable[[Bools, Floats, Floats], Floats]
    pairs: int
    tolerance: float = TOLERANCE


def has_closed_form(model: Model) -> bool:
    """Whether `shapley_rows` may answer for it."""
    return isinstance(model, Linear | Trees)


def shapley_rows(
    model: Model,
    rows: Floats,
    references: Floats,
    targets: Target | Sequence[Target],
    ids: Ints | None = None,
    outputs: Floats | None = None,
    empties: Floats | None = None,
) -> Exact:
    """Shapley values of N rows (N, D) against the mean over references (k, D).

    targets : one for all rows, or one each; rows of one target are answered together
    ids : (D,) the feature of each column, -1 for columns that are never removed; one each when None
    outputs, empties : (N,) the target with everything kept and with everything removed, asked of the
        model when None
    `NotApplicable` gives the reason when the model has no closed form for a target. Values that do
    not sum to output - empty are named in `reasons`. A model, a target and references that were never
    seen together are first tried on a few masks that the model answers itself.
    """
    ids = np.arange(rows.shape[1]) if ids is None else ids
    each = targets if isinstance(targets, Target) else Targets.of(targets)
    if isinstance(each, Target) or len(each.distinct) == 1:
        one = each if isinstance(each, Target) else each.distinct[0]
        return _of_target(model, rows, references, one, ids, outputs, empties)
    values = np.zeros((len(rows), int(ids.max()) + 1))
    names: set[str] = set()
    reasons: dict[int, str] = {}
    for which, target in enumerate(each.distinct):
        places = np.flatnonzero(each.which == which)
        if len(places) == 0:
            continue
        o, e = (None if ends is None else ends[places] for ends in (outputs, empties))
        found = _of_target(model, rows[places], references, target, ids, o, e)
        values[places] = found.values
        names.add(found.estimator)
        reasons |= {int(places[i]): why for i, why in found.reasons.items()}
    return Exact(values, " and ".join(sorted(names)), reasons)


def terms_of(
    model: Model, row: Floats, references: Floats, target: Target, ids: Ints, gain: float
) -> tuple[Terms, str]:
    """The game of one row (D,) as a sum of terms, and by which closed form.

    gain : output - empty, which the terms must add up to
    `NotApplicable` gives the reason where there is none; tried as in `shapley_rows`.
    """
    refusals = [f"'{model.id}' has no closed form"]
    for make in _makers(model):
        try:
            form = make(references, target, ids)
            _require_answers(model, form, row[None], references, target, ids)
            terms = form.terms(row)
        except NotApplicable as refusal:
            refusals.append(str(refusal))
            continue
        ends = np.array([gain]), np.zeros(1)
        reasons = _inefficient(form, np.array([[terms.change]]), *ends)
        if not reasons:
            return terms, form.estimator
        refusals += reasons.values()
    raise NotApplicable("; ".join(refusals[1:] or refusals))


def _of_target(
    model: Model,
    rows: Floats,
    references: Floats,
    target: Target,
    ids: Ints,
    outputs: Floats | None,
    empties: Floats | None,
) -> Exact:
    refusals = [f"'{model.id}' has no closed form"]
    for make in _makers(model):
        try:
            form = make(references, target, ids)
            _require_answers(model, form, rows, references, target, ids)
            values = form.values(rows)
        except NotApplicable as refusal:
            refusals.append(str(refusal))
            continue
        if outputs is None:
            outputs = target(model.scores(rows))
        if empties is None:
            empties = _empties(model, rows, references, target, ids)
        reasons = _inefficient(form, values, outputs, empties)
        return Exact(values, form.estimator, reasons)
    raise NotApplicable("; ".join(refusals[1:] or refusals))


def _makers(model: Model) -> Iterator[Callable[[Floats, Target, Ints], _Form]]:
    if isinstance(model, Linear):
        total = model.linear_sum()
        yield lambda references, target, ids: _linear(total, references, target, ids)
    if isinstance(model, Trees):
        yield lambda references, target, ids: _trees(model, references, target, ids)


def _linear(total: LinearSum, references: Floats, target: Target, ids: Ints) -> _Form:
    """phi_i = weights_i (read_i(x) - mean over the references of read_i), summed over a feature.

    Exact for a target that is linear in the scores, because the game is additive.
    """
    n_scores = total.weights.shape[1]
    difference = target.difference(n_scores)
    if difference is None:
        raise NotApplicable(
            f"linear shap was not used: the {target.unit} of one among {n_scores} scores is not "
            "linear in them"
        )
    index, against = difference
    weights = total.weights[:, index]
    if against is not None:
        weights = weights - total.weights[:, against]
    players, n = ids[total.owners], int(ids.max()) + 1
    centre = total.read(references).mean(axis=0)

    def values(rows: Floats) -> Floats:
        read = total.read(rows)
        parts = np.subtract(read, centre, out=None if np.may_share_memory(read, rows) else read)
        parts *= weights
        if len(players) == n and (players == np.arange(n)).all():
            return np.asarray(parts)
        return np.asarray(parts @ (players[:, None] == np.arange(n)).astype(np.float64))

    def terms(row: Floats) -> Terms:
        alone = np.eye(n, dtype=bool)
        return Terms(alone, np.zeros_like(alone), values(row[None].copy())[0])

    def answers(kept: Bools, x: Floats, others: Floats) -> Floats:
        return np.asarray(
            _shown(kept[:, total.owners], total.read(x), total.read(others)) @ weights
        )

    return _Form("linear", values, terms, answers, pairs=2)


def _trees(model: Trees, references: Floats, target: Target, ids: Ints) -> _Form:
    """Interventional TreeSHAP, for a target in the space where the trees add up."""
    try:
        trees = model.tree_sum()
    except NotApplicable as refusal:
        raise NotApplicable(f"TreeSHAP was not used: {refusal}") from refusal
    mix = _mix(_own_target(model, target), trees.space, trees.values.shape[1])
    read = trees.read(references)

    def values(rows: Floats) -> Floats:
        return tree_rows(trees, trees.read(rows), read, ids, mix, int(ids.max()) + 1)

    def terms(row: Floats) -> Terms:
        return tree_terms(trees, trees.read(row[None])[0], read, ids, mix, int(ids.max()) + 1)

    def answers(kept: Bools, x: Floats, others: Floats) -> Floats:
        shown = _shown(kept[:, trees.owners], trees.read(x), trees.read(others))
        return np.asarray(leaf_sums(trees, shown.reshape(-1, shown.shape[2])) @ mix).reshape(
            shown.shape[:2]
        )

    return _Form("tree", values, terms, answers, 8, max(TOLERANCE, trees.rounding))


def _shown(kept: Bools, x: Floats, others: Floats) -> Floats:
    """(b, m, F): each of b rows under each mask (m, F), its own reference elsewhere."""
    return np.where(kept, x[:, None], others[:, None])


def _own_target(model: Trees, target: Target) -> Target:
    """The target by the places of the ensemble's own outputs."""
    if not isinstance(model, Ordered):
        return target
    against = None if target.against is None else model.places[target.against]
    return replace(target, index=model.places[target.index], against=against)


def _mix(target: Target, space: Space, n_outputs: int) -> Floats:
    """(outputs,) weights that make the target out of what the trees add up to."""
    weights = np.zeros(n_outputs)
    if space == "logit" and n_outputs == 1 and target.space == "logit":
        weights[0] = 1.0 if target.index == 1 else -1.0  # one margin: class 1 against class 0
    elif space == target.space == "prob" or (space == target.space == "value"):
        weights[target.index] = 1.0
        if target.against is not None:
            weights[target.against] = -1.0
    elif space == "logit" and target.against is not None:
        weights[[target.index, target.against]] = 1.0, -1.0
    elif space == target.space:
        raise NotApplicable(
            f"TreeSHAP was not used: the log-odds of one among {n_outputs} classes is no sum of trees"
        )
    else:
        raise NotApplicable(
            f"TreeSHAP was not used: these trees add up in {Target(0, space=space).unit} and the "
            f"target is a {target.unit}"
        )
    return weights


def _empties(model: Model, rows: Floats, references: Floats, target: Target, ids: Ints) -> Floats:
    """(N,) the target with every feature removed; columns that never are stand as in the row."""
    if (ids >= 0).all():
        return np.full(len(rows), target(model.scores(references)).mean())
    shown = [np.where(ids >= 0, references, x) for x in rows]
    return np.array([target(model.scores(each)).mean() for each in shown])


def _inefficient(form: _Form, values: Floats, outputs: Floats, empties: Floats) -> dict[int, str]:
    """Rows whose values do not sum to output - empty, relative to the sizes that were added."""
    gaps = np.abs(outputs - empties - values @ np.ones(values.shape[1]))
    sizes = np.abs(outputs) + np.abs(empties)
    off = np.flatnonzero(
        ~(gaps <= form.tolerance * sizes)
    )  # few, whose values are large may be right
    off = off[~(gaps[off] <= form.tolerance * (sizes[off] + np.abs(values[off]).sum(axis=1)))]
    missed = f"{form.estimator} shap was not used: its values miss output - empty by"
    return {int(i): f"{missed} {gaps[i]:.2g}" for i in off}


_TRIED: WeakKeyDictionary[Model, set[tuple[object, ...]]] = WeakKeyDictionary()
_LOCK = threading.Lock()


def _require_answers(
    model: Model, form: _Form, rows: Floats, references: Floats, target: Target, ids: Ints
) -> None:
    """Refuse a closed form whose answers to a few masked rows are not the model's own.

    A sum that is right may still be shared out wrongly, when a column is taken for another.
    """
    digest = hashlib.sha256(references.tobytes()).digest()
    key = (form.estimator, target, digest, ids.tobytes())
    with _LOCK:
        if key in _TRIED.get(model, ()):
            return
    kept, pairs = _trial_masks(ids), np.arange(form.pairs)
    x, others = rows[pairs % len(rows)], references[pairs % len(references)]
    ours = form.answers(kept, x, others)
    shown = _shown(kept, x, others)
    theirs = target(model.scores(shown.reshape(-1, shown.shape[2]))).reshape(ours.shape)
    off = np.abs((theirs - theirs[:, :1]) - (ours - ours[:, :1])).max()
    most = 2 * (np.abs(theirs) + np.abs(ours)).max()
    if not off <= min(form.tolerance * most, max(SURE * np.ptp(theirs), TOLERANCE)):
        raise NotApplicable(
            f"{form.estimator} shap was not used: its answers to masked rows differ from the model's "
            f"by {off:.2g}"
        )
    with _LOCK:
        _TRIED.setdefault(model, set()).add(key)


def _trial_masks(ids: Ints) -> Bools:
    """(m, D) everything, nothing, each column alone, and some drawn."""
    n = len(ids)
    drawn = (
        np.random.default_rng(0).random((N_MASKS if n <= MOST_COLUMNS else MOST_COLUMNS, n)) < 0.5
    )
    alone = np.eye(n if n <= MOST_COLUMNS else 0, n, dtype=bool)
    kept = np.vstack([np.ones((1, n), bool), np.zeros((1, n), bool), alone, drawn])
    kept[:, ids < 0] = True
    return kept
