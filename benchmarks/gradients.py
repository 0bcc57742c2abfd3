"""Methods that differentiate, over 32 samples at once, against one forward and backward of each row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import captum.attr
import torch

from benchmarks.harness import MOST, Options, Row, clock, per_row, ratios, spread, turns, within
from benchmarks.nets import cases
from benchmarks.passes import Passes
from benchmarks.peers import Peers
from xaikit.core.question import Cache, Meter, Question
from xaikit.methods import METHODS
from xaikit.methods.base import ask, compute_output_and_empty, make_method, reason_against
from xaikit.methods.passes import Batched
from xaikit.models.neural import NeuralModel

B = 32
BARS = {"gradcam": 0.65}
UNIT = "times the pure forward and backward passes"


def rows(options: Options) -> Iterator[Row]:
    """Every gradient, CAM and attention method on every net that it applies to."""
    every = cases(options)
    for case in every if options.device == "cuda" else every[:1] if options.quick else every[::3]:
        model = case.make()
        questions = [case.question(model, sample) for sample in case.samples(B)]
        compute_output_and_empty(questions)
        with torch.no_grad():
            at = model.inputs.read(model.net, [q.sample.x for q in questions], model.device).at
        passes = Passes(model, at.repeat(8, *[1] * (at.ndim - 1)))
        for name in _methods(model, options.quick):
            yield _row(case.name, name, questions, passes, options)


def _methods(model: NeuralModel, quick: bool) -> list[str]:
    names = [name for name in METHODS if issubclass(METHODS.get(name), Batched)]
    fit = [name for name in names if reason_against(make_method(name), model) is None]
    return [name for name in fit if name in ("saliency", "gradcam")] if quick else fit


def known(question: Question) -> Question:
    """The same question, of which only output and empty are known, as in a study."""
    fresh = replace(question, cache=Cache(), meter=Meter())
    for name in ("output", "empty"):
        fresh.__dict__[name] = question.__dict__[name]
    return fresh


def _row(case: str, name: str, questions: list[Question], passes: Passes, options: Options) -> Row:
    method = make_method(name)
    fresh = iter([[known(q) for q in questions] for _ in range(MOST + 1)])  # asked once each
    found = ask(method, [known(q) for q in questions])
    forward = sum(e.cost.forward for e in found)
    backward = sum(e.cost.backward for e in found)
    peers = Peers(questions[0])
    others = _peers(peers, name, passes.at[:B].contiguous(), questions)
    needed = {}
    for other, run in others.items():
        peers.rows = 0
        run()
        needed[other] = peers.rows
    sent = min(max(backward, B), 1024)
    work: dict[str, Callable[[], Any]] = {
        "pure": passes.backward(sent),
        "pure forward": passes.forward(sent),
        "ours": lambda: ask(method, next(fresh)),
    }
    seconds = turns(work | others, options.repeats, clock(options.device))
    limit, ahead = per_row(seconds["pure"], sent), per_row(seconds["pure forward"], sent)
    whole = [
        backward * both + (forward - backward) * one for both, one in zip(limit, ahead, strict=True)
    ]
    ours, bar = ratios(seconds["ours"], whole), BARS.get(name, 1.05)
    return Row(
        "gradients", f"{case}: {name} of {B} samples", f"<= {bar}", ours,
        {other: ratios(per_row(seconds[other], n), limit) for other, n in needed.items()},
        UNIT, within(ours, bar),
        f"{forward} rows forward, {backward} backward; "
        f"{1e3 * spread(limit)[1]:.3g} ms a row ({passes.best(slopes=True)})",
    )  # fmt: skip


def _peers(
    peers: Peers, name: str, at: torch.Tensor, questions: list[Question]
) -> dict[str, Callable[[], Any]]:
    """captum's method of that name on all samples at once."""
    targets = torch.tensor([q.target.index for q in questions], device=at.device)
    model, off, net = peers.model, peers.ends[1], peers.net
    x = at.clone().requires_grad_()
    attr = captum.attr
    if name == "saliency":
        return {"captum.Saliency": lambda: attr.Saliency(net).attribute(x, targets)}
    if name == "input_x_gradient":
        return {"captum.InputXGradient": lambda: attr.InputXGradient(net).attribute(x, targets)}
    if name == "integrated_gradients":
        return {
            "captum.IntegratedGradients, 32 steps": lambda: attr.IntegratedGradients(net).attribute(
                x, off, targets, n_steps=32, internal_batch_size=128
            )
        }
    if name == "smoothgrad":
        return {
            "captum.NoiseTunnel, 32 draws": lambda: attr.NoiseTunnel(attr.Saliency(net)).attribute(
                x, nt_samples=32, nt_samples_batch_size=4, target=targets, stdevs=0.1
            )
        }
    if name == "gradient_shap":
        return {
            "captum.GradientShap, 64 draws": lambda: attr.GradientShap(net).attribute(
                x, off, n_samples=64, target=targets
            )
        }
    if name == "gradcam" and model.modality == "image":
        layer = model.net.get_submodule(model.cam_layer())
        return {"captum.LayerGradCam": lambda: attr.LayerGradCam(net, layer).attribute(x, targets)}
    return {}
