"""Batch normalisation folded into the convolution before it: the same function with less work.

In evaluation mode a batch normalisation multiplies each channel by one number and adds another, which
the weights and the bias of the convolution before it can do as well. `Folded` runs a net in a mode of
torch that calls such a convolution with folded weights and lets the normalisation give back what it
gets. The net, its weights and its hooks are not touched, and a pass that reads what lies between the
two is made as the net makes it.

Source: Jacob et al. 2018, arXiv 1712.05877, section 3.2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple
from weakref import ref

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from xaikit.models.windows import FACTS, tensors

__all__ = ["Folded", "Norm", "Pairs", "pairs_of"]

_CONVOLUTIONS = frozenset([torch.conv1d, torch.conv2d, torch.conv3d])
_ALIKE = 1e-5  # of the scores: more is no rounding


class Norm(NamedTuple):
    """A batch normalisation, and the weights of the convolution that it follows."""

    kernel: Tensor
    mean: Tensor
    var: Tensor
    weight: Tensor | None
    bias: Tensor | None
    eps: float

    @torch.no_grad()
    def fold(self, bias: Tensor | None) -> tuple[Tensor, Tensor]:
        """Weights and bias of a convolution that does the work of both."""
        scale = (self.var + self.eps).rsqrt()
        scale = scale if self.weight is None else scale * self.weight
        shift = -self.mean if bias is None else bias - self.mean
        shift = shift * scale if self.bias is None else torch.addcmul(self.bias, shift, scale)
        return self.kernel * scale.view(-1, *[1] * (self.kernel.ndim - 1)), shift

    def same(self, other: Norm | None) -> bool:
        """Whether it is the same call, with the same tensors."""
        if other is None or other.eps != self.eps:
            return False
        return all(a is b for a, b in zip(self[:5], other[:5], strict=True))


Pairs = Mapping[int, Norm]
"""By the id of the convolution's weights, which the norm holds."""


class Folded:
    """A net run with its pairs folded; for one question, in which weights do not change.

    run : the pass of the net itself, made anew as it is when a folded one goes another way than
        the pass that the pairs were found in
    """

    def __init__(self, run: Callable[..., Tensor], pairs: Pairs) -> None:
        self._run, self._pairs = run, pairs
        self._weights: dict[int, tuple[Tensor, Tensor]] = {}

    def __call__(self, *args: Any) -> Tensor:
        if self._pairs:
            try:
                with _Folding(self._pairs, self._weights):
                    return self._run(*args)
            except _ReadBetween:
                self._pairs = {}
        return self._run(*args)


def pairs_of(run: Callable[[], Tensor]) -> Pairs:
    """The pairs of a pass in which folding changes no score beyond rounding."""
    with _Search() as search:
        plain = run()
    try:
        with _Folding(search.pairs, {}, always=True):
            folded = run()
    except _ReadBetween:
        return {}
    alike = bool((folded - plain).abs().max() <= _ALIKE * (1 + plain.abs().max()))
    return search.pairs if alike else {}


class _ReadBetween(Exception):  # it is caught here, and tells of no error
    """What a folded convolution gave was read by something else than its normalisation."""


class _Search(TorchFunctionMode):
    """Finds convolutions whose next reader is a batch normalisation in evaluation mode.

    Whether it is the only reader is seen by the folded pass.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pairs: dict[int, Norm] = {}
        self._last: tuple[Tensor, Tensor] | None = None  # what a convolution gave, its weights

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        if func is F.batch_norm and self._last and args and args[0] is self._last[0]:
            found = _norm(self._last[1], *args[1:], **kwargs)
            if found:
                self.pairs[id(found.kernel)] = found
        if func in _CONVOLUTIONS and len(args) > 1:
            self._last = out, args[1]
        return out


class _Folding(TorchFunctionMode):
    """Calls the convolutions of the pairs with folded weights.

    weights : the folded ones, kept for the next pass
    always : also where a pass is so small that folding costs more than it saves
    """

    def __init__(
        self, pairs: Pairs, weights: dict[int, tuple[Tensor, Tensor]], *, always: bool = False
    ) -> None:
        super().__init__()
        self._pairs, self._weights, self._always = pairs, weights, always
        self._open: tuple[Tensor, Norm] | None = None  # waits for its normalisation
        self._done: dict[int, ref[Tensor]] = {}  # live ones that nobody may read any more

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in FACTS:
            return func(*args, **kwargs)
        if self._open is not None:
            return self._close(func, args, kwargs)
        if self._done and any(id(read) in self._done for read in tensors((args, kwargs))):
            raise _ReadBetween
        if func in _CONVOLUTIONS and len(args) > 1:
            norm = self._pairs.get(id(args[1]))
            if norm and (self._always or args[0].numel() >= args[1].numel()):
                return self._convolve(norm, func, args, kwargs)
        return func(*args, **kwargs)

    def _convolve(
        self, norm: Norm, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Tensor:
        bias = args[2] if len(args) > 2 else kwargs.pop("bias", None)
        if id(norm.kernel) not in self._weights:
            self._weights[id(norm.kernel)] = norm.fold(bias)
        out: Tensor = func(args[0], *self._weights[id(norm.kernel)], *args[3:], **kwargs)
        self._open = out, norm
        return out

    def _close(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
        """What the normalisation gives: the map of the folded convolution."""
        assert self._open is not None
        out, norm = self._open
        self._open = None
        if func is not F.batch_norm or args[0] is not out:
            raise _ReadBetween
        if not norm.same(_norm(norm.kernel, *args[1:], **kwargs)):
            raise _ReadBetween
        self._done[id(out)] = ref(out, partial(self._forget, id(out)))
        given: Tensor = out.view(out.shape)
        return given

    def _forget(self, key: int, _: ref[Tensor]) -> None:
        del self._done[key]


def _norm(
    kernel: Tensor,
    mean: Tensor | None,
    var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Norm | None:
    """The arguments of `F.batch_norm` behind its input; None when it takes the batch's own mean."""
    del momentum
    if training or mean is None or var is None:
        return None
    return Norm(kernel, mean, var, weight, bias, eps)
