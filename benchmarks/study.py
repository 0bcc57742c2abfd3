"""A whole study, beside the passes it needs, its methods one by one, and the same work by hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import captum.attr
import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.harness import Options, Row, clock, per_row, ratios, spread, turns, within
from benchmarks.passes import Passes
from benchmarks.peers import Peers
from xaikit import load_data, study, train, wrap
from xaikit.core.types import Floats, Sample
from xaikit.models.neural import NeuralModel
from xaikit.study.plan import make_question

METHODS = (
    "integrated_gradients", "shap", "lime", "occlusion", "gradcam", "gradient_shap",
    "input_x_gradient", "saliency",
)  # fmt: skip
QUICK = ("integrated_gradients", "lime", "occlusion")
SENT = 2048  # rows of the pure passes that are timed; more are counted at the same price


def rows(options: Options) -> Iterator[Row]:
    """Time and passes of a study of digits."""
    data = load_data("digits", seed=0)
    model = train("lenet", data, seed=0, epochs=1, progress=False, device="cpu")
    samples = list(data.test[: 2 if options.quick else 16])
    methods = QUICK if options.quick else METHODS

    def whole(metrics: Any = "auto", names: Sequence[str] = methods) -> Any:
        return study(model, samples, names, metrics, data=data, seed=options.seed)

    counts = Counts()
    with counts.watching(model.net):
        whole()
    yield from _against_passes(
        whole, counts, model, options, f"{len(samples)} digits x {len(methods)} methods"
    )
    alone = Counts()
    with alone.watching(model.net):
        for name in methods:
            whole(names=[name])
    share = counts.rows / alone.rows
    yield Row(
        "study", "passes, over those of each method in a study of its own", "<= 0.5",
        (share,) * 3, {}, "times as many", share <= 0.5, f"{counts.rows} and {alone.rows} rows",
    )  # fmt: skip
    if not options.quick:
        yield from _against_hand(whole, model, samples, options)
    yield _outside_passes(8 if options.quick else 256, options)


MANY = "shap,lime,occlusion,saliency,input_x_gradient,integrated_gradients"


def _outside_passes(n: int, options: Options) -> Row:
    """What a study of many easy samples does beside its passes."""
    torch.manual_seed(options.seed)
    net = nn.Sequential(
        nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3)
    ).eval()
    rng = np.random.default_rng(options.seed)
    x, background = rng.normal(size=(n, 12)), rng.normal(size=(50, 12))
    model = wrap(net, modality="table", classes=list("abc"), background=background)
    samples = [Sample(f"row {i}", row, "table") for i, row in enumerate(x)]
    study(model, samples[:2], MANY, seed=options.seed)
    shares, found = [], []
    for _ in range(options.repeats):
        with _inside(net) as inside:
            start = time.process_time()
            run = study(model, samples, MANY, seed=options.seed)
            found.append(time.process_time() - start)
        shares.append(1 - sum(inside) / found[-1])
    share = spread(shares)
    return Row(
        "study", f"outside of model passes, {n} table rows x 6 methods x all metrics", "<= 0.25",
        share, {}, "of the time", within(share, 0.25),
        f"{spread(found)[1]:.3g} s of CPU; {len(run.scores)} scores",
    )  # fmt: skip


@contextmanager
def _inside(net: nn.Module) -> Iterator[list[float]]:
    """CPU seconds of each pass of the net and its copies, and of each gradient."""
    spent: list[float] = []
    starts: list[float] = []
    grad = torch.autograd.grad

    def timed(*args: Any, **how: Any) -> Any:
        start = time.process_time()
        found = grad(*args, **how)
        spent.append(time.process_time() - start)
        return found

    handles = (
        net.register_forward_pre_hook(lambda *_: starts.append(time.process_time())),
        net.register_forward_hook(lambda *_: spent.append(time.process_time() - starts.pop())),
    )
    torch.autograd.grad = timed
    try:
        yield spent
    finally:
        torch.autograd.grad = grad
        for handle in handles:
            handle.remove()


class Counts:
    """Rows that went through a net and its copies, and some of them kept.

    forward : rows of passes without a graph; backward : rows of passes that were differentiated
    """

    def __init__(self) -> None:
        self.forward = self.backward = self._calls = 0
        self._kept: list[Tensor] = []
        self._every = 1

    @property
    def rows(self) -> int:
        return self.forward + self.backward

    @property
    def inputs(self) -> Tensor:
        """Up to about 4096 rows of all that were seen, in the order of their passes."""
        return torch.cat(self._kept)

    @contextmanager
    def watching(self, net: nn.Module) -> Iterator[None]:
        # a function, not a method: copies of the net keep calling this very counter
        handle = net.register_forward_hook(lambda _net, args, out: self._count(args[0], out))
        try:
            yield
        finally:
            handle.remove()

    def _count(self, at: Tensor, out: Tensor) -> None:
        if out.requires_grad:
            self.backward += len(at)
        else:
            self.forward += len(at)
        if self._calls % self._every == 0:
            self._kept.append(at[:: max(1, len(at) // 16)][:16].detach().clone())
        self._calls += 1
        if len(self._kept) > 256:
            self._kept, self._every = self._kept[::2], 2 * self._every


def _against_passes(
    whole: Callable[..., Any], counts: Counts, model: NeuralModel, options: Options, what: str
) -> Iterator[Row]:
    with torch.no_grad():
        passes = Passes(model, counts.inputs.contiguous())
    work = {
        "pure": passes.forward(SENT),
        "pure backward": passes.backward(SENT // 4),
        "study": whole,
        "explanations": lambda: whole("none"),
    }
    work["pure"](), work["pure backward"]()
    seconds = turns(work, min(3, options.repeats), clock("cpu"), warm=True)
    forward = per_row(seconds["pure"], SENT)
    backward = per_row(seconds["pure backward"], SENT // 4)
    needed = [
        counts.forward * f + counts.backward * b for f, b in zip(forward, backward, strict=True)
    ]
    ours = ratios(seconds["study"], needed)
    yield Row(
        "study", f"time of {what} x all metrics", "<= 1.15", ours, {}, "times the pure passes",
        within(ours, 1.15),
        f"{spread(seconds['study'])[1]:.3g} s; {counts.forward} rows forward, {counts.backward} "
        f"forward and backward; {1e3 * spread(forward)[1]:.3g} and {1e3 * spread(backward)[1]:.3g} ms a row",
    )  # fmt: skip
    pairs = zip(seconds["study"], seconds["explanations"], strict=True)
    metrics = spread((total - found) / found for total, found in pairs)
    yield Row(
        "study", "time of the metrics", "<= 3", metrics, {}, "times that of the explanations",
        within(metrics, 3), f"explanations {spread(seconds['explanations'])[1]:.3g} s",
    )  # fmt: skip


def _against_hand(
    whole: Callable[..., Any], model: NeuralModel, samples: list[Sample], options: Options
) -> Iterator[Row]:
    """The packages as they come: LIME 1,000, KernelSHAP 2 n + 2,048, one pass an occlusion."""
    hands = [Hand(model, sample) for sample in samples]

    def explained() -> list[dict[str, Floats]]:
        return [hand.explanations() for hand in hands]

    found = explained()
    by_hand = sum(hand.peers.rows for hand in hands)

    def curves() -> None:
        for hand, values in zip(hands, found, strict=True):
            for one in values.values():
                hand.deletion(one)

    counts = Counts()
    with counts.watching(model.net):
        whole("none")
    work = {
        "ours": lambda: whole("none"),
        "hand": explained,
        "ours, removal": lambda: whole(["removal"]),
        "curves": curves,
    }
    seconds = turns(work, min(3, options.repeats), clock("cpu"), warm=True)
    hand = seconds["hand"]
    both = [a + b for a, b in zip(hand, seconds["curves"], strict=True)]
    for ours, theirs, what in (
        ("ours", hand, "explanations alone"),
        ("ours, removal", both, "explanations and removal curves"),
    ):
        yield Row(
            "study", what, "", spread(seconds[ours]),
            {"captum, lime, shap by hand": spread(theirs)}, "CPU seconds", None,
            f"explanations: {counts.rows} rows, by hand {by_hand}; by hand one deletion curve each",
        )  # fmt: skip


class Hand:
    """The eight explanations of one sample as the packages' documents show them."""

    def __init__(self, model: NeuralModel, sample: Sample) -> None:
        self.question = make_question(model, sample)
        self.peers = Peers(self.question)

    def explanations(self) -> dict[str, Floats]:
        """Values (n,) of each method."""
        peers, n = self.peers, self.question.n_features
        at, off = peers.ends
        x, target, net = at.clone().requires_grad_(), self.question.target.index, peers.net
        layer = peers.model.net.get_submodule(peers.model.cam_layer())
        attr = captum.attr
        maps = {
            "integrated_gradients": attr.IntegratedGradients(net).attribute(x, off, target),
            "gradient_shap": attr.GradientShap(net).attribute(x, off, n_samples=64, target=target),
            "input_x_gradient": attr.InputXGradient(net).attribute(x, target),
            "saliency": attr.Saliency(net).attribute(x, target),
            "gradcam": attr.LayerAttribution.interpolate(
                attr.LayerGradCam(net, layer).attribute(x, target), tuple(at.shape[2:])
            ),
            "occlusion": attr.FeatureAblation(net).attribute(
                at, off, target, feature_mask=peers.ids
            ),
        }
        pool = self.question.segmentation.pool
        found = {name: pool(m.detach()[0].sum(0).double().numpy()) for name, m in maps.items()}
        lime = peers.lime(1000)["lime"]().local_exp[target]
        found["lime"] = np.array([weight for _, weight in sorted(lime)])
        found["shap"] = np.ravel(peers.shap(2 * n + 2048)["shap.Kernel"]())
        return found

    def deletion(self, values: Floats) -> Floats:
        """(n + 1,) scores while the features go, the largest first."""
        n = len(values)
        rank = np.empty(n, dtype=np.int64)
        rank[np.argsort(-values)] = np.arange(n)
        return self.peers.of_masks((rank >= np.arange(n + 1)[:, None]).astype(float))
