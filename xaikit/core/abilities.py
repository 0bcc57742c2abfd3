"""What a model can do, as small protocols; which method runs on which model is computed from these.

Every model is a `Model`. All preprocessing is the adapter's own, so every model of a modality takes
the same samples in data space. The other protocols are optional. Tensors appear in annotations only:
this module imports no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from xaikit.core.types import Bools, Floats, Ints, PerSample, Sample, Space, Target

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "Activations",
    "Anchored",
    "Attention",
    "Attentive",
    "Coded",
    "CrossAttentive",
    "Differentiable",
    "Framed",
    "Inputs",
    "Leaf",
    "Linear",
    "LinearSum",
    "Lowerable",
    "Maskable",
    "Model",
    "Ordered",
    "Pointed",
    "Recodable",
    "Resettable",
    "Shortened",
    "Single",
    "Spatial",
    "Task",
    "Tasked",
    "Tokenising",
    "TreeSum",
    "Trees",
    "abilities_of",
    "output_names",
]

Array = NDArray[Any]
Inputs = Sequence[Array] | Array  # B inputs in data space, stacked or not
BoundScores = Callable[[Bools, slice], Floats]


@runtime_checkable
class Model(Protocol):
    """Gives scores (B, K) for samples in data space.

    id : short name, for example "digits-lenet"
    classes : K names, or () for a regressor
    space : the target space that fits its scores by default: "logit" when scores are logits (or
        log-probabilities), "prob" when the model only has coarse probabilities (forests), "value"
        for regressors
    background : (b, *x.shape) typical training inputs in data space, or None (always None for text);
        what "missing" is replaced by is computed from it
    info : facts for people: family, architecture, n_parameters, metrics, data, hashes
    """

    id: str
    modality: str
    classes: tuple[str, ...]
    space: Space
    background: Array | None
    info: Mapping[str, Any]

    def scores(self, xs: Inputs) -> Floats:
        """B inputs in data space -> (B, K) float64: logits, log-probabilities or values.

        The scores of an input do not depend on what else is in B.
        """
        ...


class Task(Protocol):
    """What the scores of a model mean; `xaikit.tasks` holds them."""

    @property
    def outputs(self) -> tuple[str, ...]: ...

    def require(self, target: Target) -> None:
        """`InvalidInput` when the target has no meaning for such scores."""
        ...


@runtime_checkable
class Tasked(Protocol):
    """Says what its scores mean: several labels at once, or several numbers.

    task : None for one of its classes, or one value when it has none
    """

    @property
    def task(self) -> Task | None: ...


@runtime_checkable
class Anchored(Protocol):
    """Its scores may be read at what it found on one sample: a box, the region of a class, a word.

    found : that, or None
    """

    found: Any

    def about(self, x: Array, where: Any = None) -> Model:
        """The model whose scores (B, K) of masked inputs are read at what it finds on x; itself where its
        scores do not depend on that.

        where : what else they are to be read at, as its task reads it
        """
        ...


def output_names(model: Model) -> tuple[str, ...]:
    """What the model's outputs are called; () for a model of one number."""
    task = model.task if isinstance(model, Tasked) else None
    return model.classes if task is None else task.outputs


@runtime_checkable
class Tokenising(Protocol):
    """Says into which sub-words it cuts a text."""

    def tokens(self, x: Array) -> list[tuple[int, int]]:
        """For each sub-word of the words x (T,) its first character in the text as written, and the one
        after its last. `NotApplicable` where there is no tokeniser that says so."""
        ...


@runtime_checkable
class Pointed(Protocol):
    """May be asked about some words of a sample: its scores are a word's labels, or an answer's."""

    def pointed(self, sample: Sample, target: Any) -> tuple[Sample, Any]:
        """The sample with the words that its scores are about, chosen where nobody said, so that they
        stay the same when other words are removed; and the target without the words that it named."""
        ...


@runtime_checkable
class Single(Protocol):
    """Says whether its net must be given one input a pass, as its scores depend on the batch."""

    single: bool


class Coded(Protocol):
    """Turns a frame of people into rows of numbers; `columns` tells their names and codes now."""

    @property
    def columns(self) -> list[dict[str, Any]]: ...

    def coded(self, frame: Any) -> Floats: ...


@runtime_checkable
class Framed(Protocol):
    """Says how the frames that it reads are coded; None where it reads numbers."""

    @property
    def frames(self) -> Coded | None: ...


@runtime_checkable
class Recodable(Protocol):
    """Can read rows that hold the codes of other people for the same words."""

    def recoded(self, columns: Sequence[Sequence[str]]) -> Model: ...


@runtime_checkable
class Maskable(Protocol):
    """Masks in its own input space, so that a sample is encoded once."""

    def bind(self, x: Array, references: Array, ids: Ints, drops: bool) -> BoundScores:
        """A function (masks (m, n) bool, rows) -> scores (m, k', K) float64.

        The masked input of mask i and reference j keeps x where the feature is kept (and where
        ids is -1) and shows references[j] elsewhere; `rows` selects the references to use. With
        `drops` (text) removed words are left out instead. The caller bounds m * k'.
        """
        ...


@runtime_checkable
class Shortened(Protocol):
    """Can evaluate masks with less work than whole passes."""

    def shortened(self, whole: BoundScores, ids: Ints) -> BoundScores:
        """The scores that `bind` gave, by a shortcut where one pays, or as they are."""
        ...


@runtime_checkable
class Lowerable(Protocol):
    """Can run in a lower precision."""

    def lowered(self, precision: str) -> Model:
        """The same model, computing in "bfloat16"; its weights are a copy."""
        ...


@dataclass(frozen=True, eq=False)
class Leaf:
    """Where derivatives are taken, for B samples.

    at : (B, ...) the leaf tensor, detached: scaled pixels, embeddings, scaled columns
    forward : (at (R, ...), rows (R,) long) -> (R, K) scores, differentiable; rows[r] says which
        sample row r belongs to (its length, its padding)
    fold : (R, ...), rows -> R arrays (*grid) float64: sums over what belongs to one place
    references : (J references in data space, owners (J,)) -> (J, ...) their leaf values, shaped as the
        samples that own them; None where `leaf` of the references themselves has that shape
    """

    at: Tensor
    forward: Callable[[Tensor, Tensor], Tensor]
    fold: Callable[[Tensor, Tensor], PerSample]
    references: Callable[[Inputs, Ints], Tensor] | None = None


@runtime_checkable
class Differentiable(Protocol):
    """Gives the leaf of samples; x and its references give leaves of equal shape, row by row."""

    def leaf(self, xs: Inputs) -> Leaf: ...


@dataclass(frozen=True, eq=False)
class Activations:
    """One forward pass cut at a spatial layer.

    at : (B, C, *s) activations, a graph leaf with requires_grad
    scores : (B, K), a function of `at`
    fold : (B, *s) -> B arrays (*grid) float64: linear upsampling onto the sample's grid
    layer : name of the layer
    cell : how many places of the grid one cell covers, for people
    n_cells : of each sample; None where its grid and `cell` tell it
    forward : (at (R, C, *s), rows (R,) long) -> (R, K) scores, differentiable: those of the samples of the
        rows with these activations in the layer; None where it is not told
    """

    at: Tensor
    scores: Tensor
    fold: Callable[[Tensor], PerSample]
    layer: str
    cell: tuple[float, ...]
    forward: Callable[[Tensor, Tensor], Tensor] | None = None
    n_cells: int | None = None


@runtime_checkable
class Spatial(Protocol):
    """Has a layer whose cells keep their place in the input.

    `activations` raises `NotApplicable` with the reason when the class score cannot depend on
    places of that layer (an RNN whose head reads the last state, a layer without extent).
    """

    def cam_layer(self, layer: str | None = None) -> str:
        """The layer that is proposed, or the one that was named, after a look at it."""
        ...

    def activations(self, xs: Inputs, layer: str | None = None) -> Activations: ...


@dataclass(frozen=True, eq=False)
class Attention:
    """True attention weights of one forward pass, with their graph.

    weights : per layer (B, H, T, T), rows sum to 1, row = the position that looks
    scores : (B, K), a function of every weight
    read : (B,) long, the position that the head reads, -1 where it averages all; (B, A) of one that reads
        several, all of them alike
    special : (B, T) bool, tokens that stand for no place of the sample (CLS, SEP, registers)
    valid : (B, T) bool, False on padding
    fold : (B, T) -> B arrays (*grid) float64, special and padded tokens left out; sums over the
        tokens of one word, spreads a patch evenly over its pixels (the sum is kept)
    """

    weights: tuple[Tensor, ...]
    scores: Tensor
    read: Tensor
    special: Tensor
    valid: Tensor
    fold: Callable[[Tensor], PerSample]


@runtime_checkable
class Attentive(Protocol):
    """Lets its attention weights be seen."""

    def attention(self, xs: Inputs) -> Attention: ...


@runtime_checkable
class CrossAttentive(Protocol):
    """Lets its attention from what it says to what it reads be seen."""

    def cross_attention(self, x: Array, indices: Sequence[int]) -> Floats:
        """(len(indices), *grid) for each output the weights of the steps that it is about; rows sum to 1."""
        ...


@dataclass(frozen=True, eq=False)
class TreeSum:
    """Trees whose leaves add up: the M nodes of all T trees, one after another.

    roots : (T,) the first node of each tree
    left, right : (M,) the nodes below, -1 of a leaf
    column : (M,) which of the read columns a node asks about
    threshold : (M,) float64, a value up to it goes left
    missing_left : (M,) bool, where NaN goes
    codes : (M,) int64, row of `code_left` that says where a category goes, -1 of a number
    code_left : (c, codes + 1) int8, 1 left, 0 right, -1 as NaN; the last for all other codes
    values : (M, outputs) float64, those of leaves are added up
    read : B rows in data space -> (B, F) float64, what the trees compare
    owners : (F,) the one column of the sample that each read column is made of
    space : in which the outputs add up: "prob" for forests, "logit" for boosted classifiers (one
        column for two classes), "value" for regressors
    rounding : by how much the model's own sums may be off, of the sizes that are added
    """

    roots: Ints
    left: Ints
    right: Ints
    column: Ints
    threshold: Floats
    missing_left: Bools
    codes: Ints
    code_left: NDArray[np.int8]
    values: Floats
    read: Callable[[Inputs], Floats]
    owners: Ints
    space: Space
    rounding: float = 0.0

    @cached_property
    def depth(self) -> int:
        """Most splits on the way to a leaf."""
        at, depth = self.roots, 0
        while (at := at[self.left[at] >= 0]).size:
            at, depth = np.concatenate([self.left[at], self.right[at]]), depth + 1
        return depth


@dataclass(frozen=True, eq=False)
class LinearSum:
    """scores = intercept + read(xs) @ weights

    read : B inputs in data space -> (B, F) float64
    owners : (F,) the one column of the sample that each is made of
    weights : (F, K); intercept : (K,)
    """

    read: Callable[[Inputs], Floats]
    owners: Ints
    weights: Floats
    intercept: Floats


@runtime_checkable
class Trees(Protocol):
    """A sum of trees; `NotApplicable` with the reason where the fitted trees cannot be read."""

    def tree_sum(self) -> TreeSum: ...


@runtime_checkable
class Ordered(Protocol):
    """A tree ensemble whose own outputs may stand in another order than the classes.

    places : for each class or value the place of the ensemble's output; -1 for none
    """

    @property
    def places(self) -> Sequence[int]: ...


@runtime_checkable
class Linear(Protocol):
    """Scores are a weighted sum of what is read of the columns, one by one."""

    def linear_sum(self) -> LinearSum: ...


@runtime_checkable
class Resettable(Protocol):
    """Gives a random twin of itself, for sanity checks: weights drawn anew, or fitted again on permuted
    answers. `NotApplicable` with the reason where that cannot be had."""

    def layers(self) -> tuple[str, ...]:
        """Names of what can be randomised, from the output down to the input."""
        ...

    def randomised(self, layers: Sequence[str], rng: np.random.Generator) -> Model: ...


def abilities_of(model: Model) -> tuple[str, ...]:
    """Names of the optional protocols that a model fulfils."""
    every = (
        Maskable,
        Differentiable,
        Spatial,
        Attentive,
        CrossAttentive,
        Trees,
        Linear,
        Resettable,
    )
    return tuple(p.__name__ for p in every if isinstance(model, p))
