"""Contexts in which a net is run, and after which it is as it was, whatever other threads ask of it.

Flags and hooks belong to a net and switches of kernels to the process, so one thread at a time runs nets:
`alone` is the lock, and the other contexts hold it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import NamedTuple

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

__all__ = ["Parts", "alone", "differentiating", "evaluating"]

alone = threading.RLock()
"""Held while a net is run, copied or changed."""


class Parts(NamedTuple):
    """The modules and weights of a net, listed once where they are needed often."""

    modules: tuple[nn.Module, ...]
    weights: tuple[nn.Parameter, ...]

    @classmethod
    def of(cls, net: nn.Module) -> Parts:
        return cls(tuple(net.modules()), tuple(net.parameters()))

    @property
    def dtype(self) -> torch.dtype:
        """The type that the net computes in: of its first weights."""
        return next((w.dtype for w in self.weights if w.is_floating_point()), torch.float32)


@contextmanager
def evaluating(net: nn.Module | Parts) -> Iterator[None]:
    """Inside, the net is in evaluation mode and its weights collect no gradient; both are restored."""
    parts = net if isinstance(net, Parts) else Parts.of(net)
    with alone:
        training = [m for m in parts.modules if m.training]
        learning = [p for p in parts.weights if p.requires_grad]
        try:
            for module in training:
                _set_training(module, False)
            for weight in learning:
                weight.requires_grad_(False)
            yield
        finally:
            for module in training:
                _set_training(module, True)
            for weight in learning:
                weight.requires_grad_(True)


@contextmanager
def differentiating(net: nn.Module | Parts) -> Iterator[None]:
    """`evaluating`, on kernels that can be differentiated.

    cuDNN refuses the backward pass of an RNN in evaluation mode, and the fused encoder of torch
    hides its attention. Of a single input the backward pass of batch and instance normalisation reads a slope
    whose channels lie together (behind it: permute, softmax) in the wrong order, without a word (torch 2.13).
    """
    parts = net if isinstance(net, Parts) else Parts.of(net)
    recurrent = any(isinstance(m, nn.RNNBase) for m in parts.modules)
    norms = [m for m in parts.modules if isinstance(m, _NormBase)]
    with alone:
        fast = torch.backends.mha.get_fastpath_enabled()
        cudnn = torch.backends.cudnn.flags(enabled=False) if recurrent else nullcontext()
        with evaluating(parts), cudnn:
            torch.backends.mha.set_fastpath_enabled(False)
            hooks = [m.register_forward_hook(_in_order) for m in norms]
            try:
                yield
            finally:
                torch.backends.mha.set_fastpath_enabled(fast)
                for hook in hooks:
                    hook.remove()


def _in_order(_module: nn.Module, _args: object, output: torch.Tensor) -> None:
    """The slope of a single output is given on in the order of its axes."""
    if len(output) == 1 and output.requires_grad:
        output.register_hook(torch.Tensor.contiguous)  # type: ignore[no-untyped-call] # of torch


def _set_training(module: nn.Module, flag: bool) -> None:
    if isinstance(module, torch.jit.ScriptModule):
        module.training = flag  # it keeps the flag outside of Python
    else:
        object.__setattr__(module, "training", flag)  # nn.Module's own way is slow
