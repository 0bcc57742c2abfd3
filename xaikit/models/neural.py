"""A torch net as a model: scores, masks applied on the device, derivatives, weights drawn anew."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xaikit.core.abilities import BoundScores, Leaf
from xaikit.core.batching import LARGEST, keep_pages
from xaikit.core.display import Saved
from xaikit.core.errors import InvalidInput, NotApplicable
from xaikit.core.types import MODALITIES, Bools, Floats, Ints, PerSample, Sample, Space
from xaikit.core.words import Text
from xaikit.models.composing import Composed
from xaikit.models.grids import PixelEncoder
from xaikit.models.inputs import Batch, ColumnEncoder, Inputs, padding
from xaikit.models.modes import Parts, alone, differentiating, evaluating
from xaikit.models.outputs import Outputs, Part, decoded, tensor_in
from xaikit.models.probe import Event, has_strided_point, watch
from xaikit.models.shortcuts import shorten
from xaikit.models.text import TokenEncoder
from xaikit.tasks import Task

__all__ = ["NeuralModel", "Reads", "SealedModel", "is_sealed", "scales_by_batch"]

Array = NDArray[Any]
_CACHE = 2**20  # numbers: 4 MB of float32
SECONDS_PER_PRODUCT = 2e-11  # measured 1.3e-11 to 2.6e-11 on one AVX-512 core
Reads = Literal["first", "last", "mean"]


@dataclass(eq=False)
class NeuralModel(Saved):
    """A net together with how it reads samples: `Maskable`, `Differentiable` and `Resettable`.

    net : gives (B, K) `outputs`, or standardised numbers for a regressor
    inputs : the preprocessing, and the way back to the sample's grid
    centre, scale : a regressor's value is centre + scale * net; or one of each value
    reads : the token whose state the head reads, for transformers
    probe : one input to find layers with; made up when None
    modality : of its samples; "" takes the one whose inputs these are
    outputs : what the net gives; scores are logits, log-probabilities or values
    task : what the scores mean; one of the classes, or one value, when None
    single : the net is given one input a pass
    part : of what the net gives that holds the scores; None for all of it, or `logits`
    found : what the scores are read at (`Task.found`); None reads each input at its own
    """

    id: str
    net: nn.Module
    inputs: Inputs
    classes: tuple[str, ...] = ()
    space: Space = "logit"
    background: Array | None = None
    info: Mapping[str, Any] = field(default_factory=dict)
    centre: float | Floats = 0.0
    scale: float | Floats = 1.0
    reads: Reads = "first"
    probe: Array | None = None
    outputs: Outputs = "logits"
    task: Task | None = None
    single: bool = False
    modality: str = ""
    part: Part = None
    found: Any = None

    def __post_init__(self) -> None:
        self.modality = self.modality or self._read
        keep_pages()

    @property
    def _read(self) -> str:
        """The modality whose samples are read, where it was not said: the first of such inputs."""
        kinds = map(MODALITIES.get, MODALITIES)
        return next(kind.name for kind in kinds if kind.inputs == self.inputs.kind)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        weights = self.parts.weights
        return weights[0].device if weights else torch.device("cpu")

    @cached_property
    def parts(self) -> Parts:
        """The modules and weights of the net, as they were when first asked for."""
        return Parts.of(self.net)

    @cached_property
    def batch_rows(self) -> int:
        """Rows of a pass: as many as leave the largest map within a processor's cache, more of a
        table, which has small maps."""
        if self.single:
            return 1
        largest = max((math.prod(e.shape) for e in self.events), default=1)
        if isinstance(self.inputs, ColumnEncoder):
            return int(np.clip(2 ** int(math.log2(4 * _CACHE / largest)), 1024, LARGEST))
        return int(np.clip(2 ** int(math.log2(max(1, _CACHE / largest))), 8, 64))

    def row_bytes(self, x: Array) -> int:
        """About how many bytes a pass takes for each input like x: itself and every layer's output."""
        with differentiating(self.net), torch.no_grad():
            batch = self.read([x])
            made = watch(self.net, lambda: self.forward(batch.at, batch))
        outputs = sum(math.prod(e.shape) for e in made if not any(e.module.children()))
        return int(batch.at.element_size() * (3 * batch.at.numel() + outputs))

    def row_seconds(self, x: Array) -> float:
        """Nominal seconds of one input like x on one CPU core: from multiplications, not a clock."""
        with differentiating(self.net), torch.no_grad():
            batch = self.read([x])
            made = watch(self.net, lambda: self.forward(batch.at, batch))
        return 5e-8 + SECONDS_PER_PRODUCT * sum(map(_products, made))

    def lowered(self, precision: str) -> NeuralModel:
        """The same model computing in "bfloat16", on a copy of the weights."""
        types = {"bfloat16": torch.bfloat16}
        if precision not in types:
            raise InvalidInput(f"precision is '{precision}'; use float32 or bfloat16.")
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.init}
        return _Lowered(**own, lower=types[precision])

    def scores(self, xs: Sequence[Array] | Array) -> Floats:
        """B inputs in data space -> (B, K) float64."""
        parts = (xs[i : i + self.batch_rows] for i in range(0, len(xs), self.batch_rows))
        with evaluating(self.parts), torch.inference_mode():
            found = [self.forward(batch.at, batch) for batch in map(self.encode, parts)]
        return torch.cat(found).double().cpu().numpy()

    def read(self, xs: Sequence[Array] | Array) -> Batch:
        """B inputs in data space, encoded on the device, ready to be differentiated."""
        batch = self.encode(xs)
        return replace(batch, at=batch.at.contiguous()) if self._risky else batch

    @cached_property
    def _risky(self) -> bool:
        """Whether channels must not lie together: the backward pass of a strided 1 x 1 convolution
        then writes out of bounds on few channels and kills the process (oneDNN in torch 2.13)."""
        if not isinstance(self.inputs, PixelEncoder):
            return False
        with differentiating(self.net), torch.no_grad():
            batch = self.encode([self.example()])
            return has_strided_point(lambda: self.forward(batch.at, batch))

    def encode(self, xs: Sequence[Array] | Array) -> Batch:
        """B inputs in data space as the net reads them, in float32, or float64 if the net is."""
        batch = self.inputs.read(self.net, xs, self.device)
        return replace(batch, at=batch.at.to(_open(self.parts.dtype)), said=self.said(len(xs)))

    def said(self, n: int) -> Tensor | None:
        """(n, steps) the tokens that the net is told it has said, for n inputs; None of one that says its own."""
        told = None if self.found is None or self.task is None else self.task.told(self.found)
        return None if told is None else torch.tensor(told, device=self.device).expand(n, -1)

    def tokens(self, x: Array) -> list[tuple[int, int]]:
        """Where the tokens of a text stand in it; see `Tokenising`."""
        if not isinstance(self.inputs, TokenEncoder):
            raise NotApplicable(
                f"'{self.id}' reads whole words and cuts them into no sub-words; use the features 'words' "
                "or 'sentences'."
            )
        return self.inputs.tokens(Text(x))

    def pointed(self, sample: Sample, target: Any) -> tuple[Sample, Any]:
        """See `abilities.Pointed`."""
        head = self.inputs.head if isinstance(self.inputs, TokenEncoder) else None
        if head is None:
            return sample, target
        text = Text(sample.x)
        asked, target = head.named(target, text)
        if text.asked and not asked:
            return sample, target
        with evaluating(self.parts), torch.no_grad():
            batch = self.encode([Text(text, asked=asked)])
        assert batch.asked is not None
        assert batch.words is not None
        places = batch.words[0][batch.asked[0]].tolist()
        return replace(sample, meta={**sample.meta, "asked": places}), target

    def beside(self, x: Array, references: Array) -> tuple[Batch, Tensor]:
        """An input, encoded, and its references (k, ...) as that input is encoded."""
        if isinstance(self.inputs, TokenEncoder):
            batch = self.encode([x])
            return batch, self.inputs.beside(
                self.net, batch, [x], references, [0] * len(references)
            )
        every = self.encode(np.concatenate([x[None], references]))
        one = every.take(torch.zeros(1, dtype=torch.long))
        return replace(one, at=every.at[:1]), every.at[1:]

    def forward(self, at: Tensor, batch: Batch) -> Tensor:
        """(B, ...) encoded inputs -> (B, K) scores, in float32 or float64."""
        if self.single and len(at) > 1:
            rows = [torch.tensor([i]) for i in range(len(at))]
            return torch.cat([self.forward(at[row], batch.take(row)) for row in rows])
        return self.in_units(self.run(self.net, at, batch), at)

    def run(
        self, net: nn.Module, at: Tensor, batch: Batch, dtype: torch.dtype | None = None
    ) -> Tensor:
        """What the net gives when it computes in the type, that of its own weights by default."""
        dtype = dtype or self.parts.dtype
        given = self.inputs.run(net, at if at.dtype == dtype else at.to(dtype), batch)
        found = tensor_in(given, self.part)
        return found.to(_open(found.dtype))

    def in_units(self, raw: Tensor, at: Tensor) -> Tensor:
        """What the net gives for encoded inputs -> scores (B, K): a regressor's in units of its target."""
        if self.task is not None and self.task.reads:
            given = self.inputs.run(nn.Identity(), at, Batch(at)) if self.task.again else at
            return self.task.scores(self._scaled(raw), given, self.found)  # type: ignore[no-any-return]
        scores = decoded(raw, self.outputs, len(self.classes))
        return scores if self.classes else self._scaled(scores)

    def _scaled(self, raw: Tensor) -> Tensor:
        if isinstance(self.scale, np.ndarray):
            return raw.new_tensor(self.centre) + raw.new_tensor(self.scale) * raw
        return raw if self.scale == 1 and self.centre == 0 else self.centre + self.scale * raw  # type: ignore[return-value] # both are numbers

    def about(self, x: Array, where: Any = None) -> NeuralModel:
        """The same model, its scores read at what it finds on x (see `Anchored`)."""
        if self.task is None or not (self.task.finds or where is not None):
            return self
        with evaluating(self.parts), torch.no_grad():
            batch = self.encode([x])
            raw = self._scaled(self.run(self.net, batch.at, batch))
        anchored = copy.copy(self)
        task, at = self.task, batch.at
        anchored.found = task.found(raw, at) if where is None else task.placed(where, raw, at)
        return anchored

    def bind(self, x: Array, references: Array, ids: Ints, drops: bool) -> BoundScores:
        """Masked inputs are composed on the device from x and references encoded once."""
        if not self.inputs.composes(references, drops):
            return _in_data_space(self, x, references, ids, drops)
        return _leave_out(self, x, ids) if drops else Composed(self, x, references, ids)

    def shortened(self, whole: BoundScores, ids: Ints) -> BoundScores:
        """By a shortcut where one pays; see `xaikit.models.shortcuts`."""
        if self.single or not isinstance(whole, Composed):
            return whole
        return shorten(self, whole, ids)

    def example(self) -> Array:
        """One input to try things on."""
        return self.inputs.example() if self.probe is None else self.probe

    @cached_property
    def events(self) -> list[Event]:
        """The modules of the net in the order in which they finish."""
        with differentiating(self.net), torch.no_grad():
            batch = self.read([self.example()])
            return watch(self.net, lambda: self.forward(batch.at, batch))

    def placed(self, batch: Batch) -> Tensor:
        """The encoded inputs (B, ...) whose places a layer may keep."""
        return batch.at

    def leaf(self, xs: Sequence[Array]) -> Leaf:
        """Derivatives are taken at the encoded input: scaled pixels, columns or steps, word vectors."""
        with evaluating(self.parts), torch.no_grad():
            batch = self.read(xs)

        def forward(at: Tensor, rows: Tensor) -> Tensor:
            with differentiating(self.parts):
                return self.forward(at, batch.take(rows))

        def fold(values: Tensor, rows: Tensor) -> PerSample:
            return self.inputs.fold(values, batch.take(rows))

        if not isinstance(self.inputs, TokenEncoder):
            return Leaf(batch.at.detach(), forward, fold)
        encoder = self.inputs

        def references(rows: Sequence[Array] | Array, owners: Ints) -> Tensor:
            with evaluating(self.parts), torch.no_grad():
                return encoder.beside(self.net, batch, xs, rows, owners.tolist())

        return Leaf(batch.at.detach(), forward, fold, references)

    def layers(self) -> tuple[str, ...]:
        """Modules that own weights, the last made (nearest the output) first."""
        own = [n for n, m in self.net.named_modules() if list(m.parameters(recurse=False))]
        return tuple(reversed(own))

    def randomised(self, layers: Sequence[str], rng: np.random.Generator) -> NeuralModel:
        """A copy in which every weight of those layers is drawn from a normal law of the weight's
        own mean and spread, so that signals keep their size and lose their meaning."""
        with alone:  # no hook or flag of another thread is copied
            net = copy.deepcopy(self.net)
        for name in layers:
            if name not in self.layers():
                raise InvalidInput(
                    f"'{self.id}' has no layer '{name}'; it has {', '.join(self.layers())}."
                )
            for weight in net.get_submodule(name).parameters(recurse=False):
                _redraw(weight, rng)
            if isinstance(net.get_submodule(name), (nn.Embedding, nn.EmbeddingBag)):
                _blank_padding(net.get_submodule(name))
        return replace(self, net=net)


@dataclass(eq=False)
class SealedModel(NeuralModel):
    """A net that only gives scores, scripted or quantised: no derivative, no layer, no weight to draw."""

    leaf: ClassVar[None] = None  # type: ignore[assignment] # then it is not `Differentiable`
    layers: ClassVar[None] = None  # type: ignore[assignment] # nor `Resettable`
    randomised: ClassVar[None] = None  # type: ignore[assignment]
    lowered: ClassVar[None] = None  # type: ignore[assignment] # nor `Lowerable`

    @cached_property
    def events(self) -> list[Event]:
        """None are known: such modules cannot be watched."""
        return []

    def row_bytes(self, x: Array) -> int:
        """A guess: what the layers make is not seen."""
        return 64 * x.nbytes

    def row_seconds(self, x: Array) -> None:  # type: ignore[override]
        """Not known."""
        del x

    def shortened(self, whole: BoundScores, ids: Ints) -> BoundScores:
        """As they are."""
        del ids
        return whole


def is_sealed(net: nn.Module) -> bool:
    """Whether some part of the net is scripted, traced or quantised."""
    return any(
        isinstance(m, torch.jit.ScriptModule) or "quantized" in type(m).__module__.split(".")
        for m in net.modules()
    )


def scales_by_batch(net: nn.Module) -> bool:
    """Whether some part of the net is quantised by what its whole batch holds."""
    return any("dynamic" in type(m).__module__.split(".") for m in net.modules())


@dataclass(eq=False)
class _Lowered(NeuralModel):
    """A net that reads and answers in float32 and computes in another type."""

    lower: torch.dtype = torch.bfloat16
    fast: nn.Module = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        with alone:
            self.fast = copy.deepcopy(self.net)
        self.fast.to(self.lower).eval().requires_grad_(False)

    def forward(self, at: Tensor, batch: Batch) -> Tensor:
        return self.in_units(self.run(self.fast, at, batch, self.lower), at)

    def shortened(self, whole: BoundScores, ids: Ints) -> BoundScores:
        """As they are: shortcuts read the weights of the net itself."""
        del ids
        return whole


def _open(dtype: torch.dtype) -> torch.dtype:
    """The type that inputs and scores have outside of a net of that type."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def _leave_out(model: NeuralModel, x: Array, ids: Ints) -> BoundScores:
    parts = model.parts
    with evaluating(parts), torch.inference_mode():
        vectors = model.read([x]).at[0]  # (T, E)
    n = int(ids.max()) + 1
    places = torch.from_numpy(np.where(ids < 0, n, ids)).to(vectors.device)

    def bound(masks: Bools, rows: slice) -> Floats:
        del rows
        kept = torch.ones(len(masks), n + 1, dtype=torch.bool)
        kept[:, :n] = torch.from_numpy(masks)
        kept = kept.to(vectors.device)[:, places]  # (m, T)
        lengths = tuple(kept.sum(1).tolist())
        order = (~kept).to(torch.uint8).argsort(dim=1, stable=True)[:, : max(1, *lengths)]
        there = torch.arange(order.shape[1], device=order.device) < kept.sum(1, keepdim=True)
        with evaluating(parts), torch.inference_mode():
            at = vectors[order] * there[:, :, None]  # padding is the zero vector
            valid = padding(lengths, vectors.device)
            batch = Batch(at, lengths, valid, said=model.said(len(at)))
            return model.forward(at, batch).double().cpu().numpy()[:, None, :]

    return bound


def _in_data_space(
    model: NeuralModel, x: Array, references: Array, ids: Ints, drops: bool
) -> BoundScores:
    n = int(ids.max()) + 1

    def bound(masks: Bools, rows: slice) -> Floats:
        part = [x] if drops else list(references[rows])
        kept = np.concatenate([masks, np.ones((len(masks), 1), dtype=bool)], axis=1)
        shown = kept[:, np.where(ids < 0, n, ids)]  # (m, T)
        text = Text(x)
        xs = [
            text.less(row) if drops else text.saying(np.where(row, x, other))
            for row in shown
            for other in part
        ]
        return model.scores(xs).reshape(len(masks), len(part), -1)

    return bound


def _products(event: Event) -> int:
    """Multiplications that a module with weights makes for an output of that shape."""
    weights = [p.numel() for p in event.module.parameters(recurse=False) if p.ndim > 1]
    if isinstance(event.module, (nn.Embedding, nn.EmbeddingBag)) or not weights:
        return 0
    if isinstance(event.module, nn.RNNBase):
        return event.shape[-2] * sum(weights)
    channels = getattr(event.module, "out_channels", event.shape[-1])
    return math.prod(event.shape) // channels * sum(weights)


@torch.no_grad()
def _redraw(weight: Tensor, rng: np.random.Generator) -> None:
    mean, spread = float(weight.mean()), float(weight.std(correction=0))
    fresh = rng.normal(mean, spread or abs(mean) or 1.0, tuple(weight.shape))
    weight.copy_(torch.from_numpy(fresh))


@torch.no_grad()
def _blank_padding(embedding: Any) -> None:
    if embedding.padding_idx is not None:
        embedding.weight[embedding.padding_idx] = 0
