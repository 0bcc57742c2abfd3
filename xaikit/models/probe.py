"""One pass of a net, watched: which modules finish, and what every attention weighs.

Fused attention gives no weights. Inside `Recorder` each call is computed openly instead, as
softmax(q k' / sqrt(d) + mask) v, and attention that is written out by its softmax is seen, whoever makes it: a zoo net, `nn.MultiheadAttention`,
`nn.TransformerEncoderLayer`, or any module that calls `scaled_dot_product_attention`. Nothing is
left changed behind it, also after an error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

__all__ = ["Event", "Recorder", "has_strided_point", "hooked", "watch"]

_FUSED = F.scaled_dot_product_attention
_MULTI_HEAD = F.multi_head_attention_forward
_SOFTMAX = (F.softmax, torch.softmax, Tensor.softmax)


class Recorder(TorchFunctionMode):
    """A context in which attention is computed openly.

    weights : per call (B, H, T, S), rows sum to 1; with gradients enabled they are part of the
        graph of what the net gives
    """

    def __init__(self) -> None:
        super().__init__()
        self.weights: list[Tensor] = []

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is _FUSED:
            return self.attend(*args, **kwargs)
        if func is _MULTI_HEAD:
            return self._multi_head(args, kwargs)
        found = func(*args, **kwargs)
        return self._keep(found) if func in _SOFTMAX and _attends(found, args, kwargs) else found

    def attend(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> Tensor:
        """What fused attention gives, by its definition; dropout is off outside training."""
        del dropout_p
        if enable_gqa:
            key = key.repeat_interleave(query.shape[-3] // key.shape[-3], dim=-3)
            value = value.repeat_interleave(query.shape[-3] // value.shape[-3], dim=-3)
        logits = query @ key.transpose(-2, -1)
        logits = logits * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
        if is_causal:
            attn_mask = torch.ones(logits.shape[-2:], dtype=torch.bool, device=query.device).tril()
        if attn_mask is not None:
            logits = _masked(logits, attn_mask)
        weights = logits.softmax(-1)
        if attn_mask is not None:  # who may look nowhere fetches nothing
            weights = weights.masked_fill(logits.isneginf().all(-1, True), 0.0)
        return self._keep(weights).reshape(logits.shape) @ value

    def _keep(self, weights: Tensor) -> Tensor:
        """Stored as (B, H, T, S), on the way to the output."""
        weights = weights[:, None] if weights.ndim == 3 else weights
        if torch.is_grad_enabled() and not weights.requires_grad:
            weights.requires_grad_()
        self.weights.append(weights)
        return weights

    def _multi_head(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Tensor, Any]:
        wanted, averaged = (
            kwargs.get("need_weights", True),
            kwargs.get("average_attn_weights", True),
        )
        with mock.patch.object(F, "scaled_dot_product_attention", self.attend):
            output, _ = _MULTI_HEAD(*args, **{**kwargs, "need_weights": False})
        if not wanted:
            return output, None
        return output, self.weights[-1].mean(1) if averaged else self.weights[-1]


def _attends(found: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a softmax gives the weights (B, H, T, T) of an attention that is written out."""
    dim = args[1] if len(args) > 1 else kwargs.get("dim")
    return found.ndim == 4 and found.shape[2] == found.shape[3] > 1 and dim in (-1, 3)


def _masked(logits: Tensor, mask: Tensor) -> Tensor:
    if mask.dtype == torch.bool:
        return logits.masked_fill(~mask, -torch.inf)
    return logits + mask


@dataclass(frozen=True, eq=False)
class Event:
    """One module that finished.

    shape : of its first output
    n_attentions : attentions computed before it finished
    """

    name: str
    module: nn.Module
    shape: tuple[int, ...]
    n_attentions: int


def watch(net: nn.Module, run: Callable[[], Any]) -> list[Event]:
    """The modules of the net that finish while `run` runs, in that order."""
    events: list[Event] = []
    recorder = Recorder()

    def hook_for(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, _args: Any, output: Any) -> None:
            first = output[0] if isinstance(output, tuple) and output else output
            if isinstance(first, Tensor):
                events.append(Event(name, module, tuple(first.shape), len(recorder.weights)))

        return hook

    named = [(module, hook_for(name)) for name, module in net.named_modules()]
    with hooked(named), recorder, torch.no_grad():
        run()
    return events


class _StridedPoint(TorchFunctionMode):
    """Looks for a convolution with a kernel of one place and a stride of more."""

    seen: bool = False

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func is torch.conv2d and tuple(args[1].shape[2:]) == (1, 1):
            stride = args[3] if len(args) > 3 else (kwargs or {}).get("stride", 1)
            self.seen = self.seen or stride not in (1, (1, 1), [1, 1])
        return func(*args, **(kwargs or {}))


def has_strided_point(run: Callable[[], Any]) -> bool:
    """Whether a strided 1 x 1 convolution is made while `run` runs, by a module or not."""
    with _StridedPoint() as mode:
        run()
    return bool(mode.seen)


@contextmanager
def hooked(hooks: Iterable[tuple[nn.Module, Callable[..., Any]]]) -> Iterator[None]:
    """Inside, each module calls its hook with (module, arguments, output)."""
    handles = [module.register_forward_hook(hook) for module, hook in hooks]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
