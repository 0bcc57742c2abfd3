"""Contexts in which a net is run, and after which it is as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import NamedTuple

import torch
from torch import nn

__all__ = ["Parts", "differentiating", "evaluating"]


class Parts(NamedTuple):
    """The modules and weights of a net, listed once where they are needed often."""

    modules: tuple[nn.Module, ...]
    weights: tuple[nn.Parameter, ...]

    @classmethod
    def of(cls, net: nn.Module) -> Parts:
        return cls(tuple(net.modules()), tuple(net.parameters()))


@contextmanager
def evaluating(net: nn.Module | Parts) -> Iterator[None]:
    """Inside, the net is in evaluation mode and its weights collect no gradient; both are restored."""
    parts = net if isinstance(net, Parts) else Parts.of(net)
    training = [m for m in parts.modules if m.training]
    learning = [p for p in parts.weights if p.requires_grad]
    try:
        for module in training:
            object.__setattr__(module, "training", False)  # nn.Module's own way is slow
        for weight in learning:
            weight.requires_grad_(False)
        yield
    finally:
        for module in training:
            object.__setattr__(module, "training", True)
        for weight in learning:
            weight.requires_grad_(True)


@contextmanager
def differentiating(net: nn.Module | Parts) -> Iterator[None]:
    """`evaluating`, on kernels that can be differentiated.

    cuDNN refuses the backward pass of an RNN in evaluation mode, and the fused encoder of torch
    hides its attention.
    """
    fast = torch.backends.mha.get_fastpath_enabled()
    parts = net if isinstance(net, Parts) else Parts.of(net)
    recurrent = any(isinstance(m, nn.RNNBase) for m in parts.modules)
    cudnn = torch.backends.cudnn.flags(enabled=False) if recurrent else nullcontext()
    with evaluating(parts), cudnn:
        torch.backends.mha.set_fastpath_enabled(False)
        try:
            yield
        finally:
            torch.backends.mha.set_fastpath_enabled(fast)
