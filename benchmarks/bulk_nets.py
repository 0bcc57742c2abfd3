"""Many rows at once: gradient, CAM, removal and sampling methods of nets, beside the package for it.

The same samples, references, steps, windows and targets (the predicted class, whose prediction is part of
both times). captum gets the fastest of several batches; numbers are those of `xaikit.explain` with all that
an explanation holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import captum.attr
import lime.lime_tabular
import numpy as np
import shap
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import xaikit
from benchmarks.harness import Options, Row, clock, ratios, turns, within
from benchmarks.nets import text_model
from xaikit.core.abilities import Model
from xaikit.core.types import Sample
from xaikit.methods.base import Method, make_method
from xaikit.models.inputs import Batch, padding
from xaikit.models.neural import NeuralModel

STEPS = 32
DRAWS = 5000
Work = Callable[[], Any]


def rows(options: Options) -> Iterator[Row]:
    """Ratios to the packages."""
    yield from _pictures(32, 60 if options.quick else 1000, options)
    yield from _pictures(224, 4 if options.quick else 100, options)
    yield from _tables(200 if options.quick else 10_000, options)
    yield from _texts(24 if options.quick else 500, options)
    yield from _sampled(4 if options.quick else 200, options)


def _row(what: str, bar: float, work: Mapping[str, Work], peer: str, options: Options) -> Row:
    seconds = turns(work, options.repeats, clock("cpu"), warm=True)
    ratio = ratios(seconds["xaikit"], seconds[peer])
    took = " and ".join(f"{np.median(seconds[who]):.3g} s" for who in ("xaikit", peer))
    note = f"{took} of CPU"
    return Row("bulk", what, f"<= {bar:g}", ratio, {}, f"times {peer}", within(ratio, bar), note)


def _fastest(make: Callable[[int], Work], sizes: tuple[int, ...]) -> Work:
    """The work in the batch that takes least time."""
    now = clock("cpu")
    took = {}
    for size in sizes:
        work = make(size)
        work()
        start = now()
        work()
        took[size] = now() - start
    return make(min(took, key=lambda size: took[size]))


def _pictures(side: int, n: int, options: Options) -> Iterator[Row]:
    torch.manual_seed(options.seed)
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(64, 5),
    ).eval()  # fmt: skip
    x = np.random.default_rng(options.seed).random((n, side, side, 3), dtype=np.float32)
    model = xaikit.wrap(
        net, modality="image", classes=list("abcde"), sample=x[0], background=x[: min(n, 20)]
    )
    grey = (
        torch.from_numpy(model.background.mean(axis=(0, 1, 2)))
        .view(1, 3, 1, 1)
        .expand(1, 3, side, side)
    )
    window = -(-side // 8)
    cam, ig = captum.attr.LayerGradCam(net, net[7]), captum.attr.IntegratedGradients(net)
    saliency, times = captum.attr.Saliency(net), captum.attr.InputXGradient(net)
    occlusion = captum.attr.Occlusion(net)

    def raised(found: Tensor) -> Tensor:
        return F.interpolate(found, (side, side), mode="bilinear")

    def occluded(at: Tensor, target: Tensor) -> Tensor:
        return occlusion.attribute(
            at, target=target, baselines=grey, sliding_window_shapes=(3, window, window),
            strides=(3, window, window), perturbations_per_eval=4,
        )  # fmt: skip

    peers: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
        "saliency": lambda at, t: saliency.attribute(at, target=t),
        "input_x_gradient": lambda at, t: times.attribute(at - grey, target=t),
        "gradcam": lambda at, t: raised(cam.attribute(at, target=t)),
        "integrated_gradients": lambda at, t: ig.attribute(
            at, grey, target=t, n_steps=STEPS, internal_batch_size=64
        ),
        "occlusion": occluded,
    }
    sizes = (8, 32, 128, n)
    for name, attribute in peers.items():
        some = x if side < 100 or name in ("saliency", "input_x_gradient", "gradcam") else x[:6]
        theirs = _fastest(
            lambda size, attribute=attribute, some=some: _captum(net, some, attribute, size),  # type: ignore[misc]
            sizes if name not in ("integrated_gradients", "occlusion") else (1, 8, 32),
        )
        bar = 1.0 if name == "occlusion" else 1.15
        ours = _ours(model, some, name)
        ours()
        yield _row(
            f"{name}, CNN, {len(some)} pictures of {side} px", bar,
            {"xaikit": ours, "captum": theirs}, "captum", options,
        )  # fmt: skip


def _ours(model: Model, x: Any, name: str, **plan: Any) -> Work:
    params = {"n_steps": STEPS, "max_steps": STEPS} if name == "integrated_gradients" else {}
    method: Method = make_method(name, **params)
    return lambda: xaikit.explain(model, x, method, **plan)


def _captum(
    net: nn.Module, x: np.ndarray, attribute: Callable[[Tensor, Tensor], Tensor], size: int
) -> Work:
    def work() -> list[np.ndarray]:
        found = []
        for start in range(0, len(x), size):
            at = torch.from_numpy(x[start : start + size]).permute(0, 3, 1, 2).contiguous()
            with torch.no_grad():
                target = net(at).argmax(1)
            found.append(attribute(at, target).detach().numpy())
        return found

    return work


def _tables(n: int, options: Options) -> Iterator[Row]:
    torch.manual_seed(options.seed)
    net = nn.Sequential(
        nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3)
    ).eval()
    rng = np.random.default_rng(options.seed)
    x, background = rng.normal(size=(n, 10)), rng.normal(size=(50, 10))
    model = xaikit.wrap(net, modality="table", classes=list("abc"), background=background)
    median = torch.from_numpy(np.median(background, axis=0)[None]).float()
    saliency, ig = captum.attr.Saliency(net), captum.attr.IntegratedGradients(net)
    peers: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
        "saliency": lambda at, t: saliency.attribute(at, target=t),
        "integrated_gradients": lambda at, t: ig.attribute(at, median, target=t, n_steps=STEPS),
    }
    for name, attribute in peers.items():

        def made(size: int, attribute: Any = attribute) -> Work:
            def work() -> list[np.ndarray]:
                found = []
                for start in range(0, n, size):
                    at = torch.from_numpy(x[start : start + size]).float()
                    with torch.no_grad():
                        target = net(at).argmax(1)
                    found.append(attribute(at, target).detach().numpy())
                return found

            return work

        ours = _ours(model, x, name, masker="median")
        ours()
        yield _row(
            f"{name}, MLP, {n:,} rows of 10 columns", 1.3,
            {"xaikit": ours, "captum": _fastest(made, (256, 1024, 4096, n))}, "captum", options,
        )  # fmt: skip


def _texts(n: int, options: Options) -> Iterator[Row]:
    """captum's integrated gradients over padded batches of 32 in the order of the texts; for attention,
    which captum has not, the one forward and backward pass of such batches that it needs."""
    model = text_model("bert_small")
    rng = np.random.default_rng(options.seed)
    known = np.array(model.inputs.vocabulary)
    samples = [
        Sample(f"t{i}", rng.choice(known, int(rng.integers(5, 121))), "text") for i in range(n)
    ]
    mask = make_method("integrated_gradients", n_steps=STEPS, max_steps=STEPS)
    for name, method in (("integrated_gradients", mask), ("attention", make_method("attention"))):

        def ours(method: Method = method) -> Any:
            return xaikit.explain(model, samples, method)

        peer = "captum" if name == "integrated_gradients" else "one padded pass"
        theirs = _padded(model, samples, gradients=name == "integrated_gradients")
        ours(), theirs()
        yield _row(
            f"{name}, transformer, {n} texts of 5 to 120 words", 1.15,
            {"xaikit": ours, peer: theirs}, peer, options,
        )  # fmt: skip


def _padded(model: NeuralModel, samples: list[Sample], *, gradients: bool) -> Work:
    inputs, net = model.inputs, model.net

    def work() -> None:
        for start in range(0, len(samples), 32):
            xs = [s.x for s in samples[start : start + 32]]
            batch = model.read(xs)

            def run(at: Tensor, batch: Batch = batch) -> Tensor:
                times = len(at) // len(batch.lengths)
                lengths = tuple(batch.lengths) * times
                return inputs.run(net, at, Batch(at, lengths, padding(lengths, at.device)))

            with torch.no_grad():
                target = run(batch.at).argmax(1)
            if gradients:
                blank = model.read([np.full(len(x), "[MASK]") for x in xs]).at
                captum.attr.IntegratedGradients(run).attribute(
                    batch.at, blank, target=target, n_steps=STEPS
                )
            else:
                at = batch.at.clone().requires_grad_()
                score = run(at).gather(1, target[:, None]).sum()
                torch.autograd.grad(score, at)

    return work


def _sampled(n: int, options: Options) -> Iterator[Row]:
    rng = np.random.default_rng(options.seed)
    for d in (10, 30):
        torch.manual_seed(options.seed)
        net = nn.Sequential(
            nn.Linear(d, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2)
        ).eval()
        x, background = rng.normal(size=(n, d)), rng.normal(size=(50, d))
        model = xaikit.wrap(net, modality="table", classes=["a", "b"], background=background)
        method = make_method("lime", budget=DRAWS)
        yield _row(
            f"LIME of {DRAWS} draws, MLP, {n} rows of {d} columns", 1.0,
            {
                "xaikit": lambda model=model, x=x, method=method: xaikit.explain(  # type: ignore[misc]
                    model, x, method, masker="median"
                ),
                "lime": _lime(net, x, background),
            },
            "lime", options,
        )  # fmt: skip
    yield _shap(net, model, x, background, options)


def _probabilities(net: nn.Module) -> Callable[[np.ndarray], np.ndarray]:
    @torch.no_grad()
    def ask(rows: np.ndarray) -> np.ndarray:
        return net(torch.from_numpy(rows).float()).softmax(1).numpy()  # type: ignore[no-any-return]

    return ask


def _lime(net: nn.Module, x: np.ndarray, background: np.ndarray) -> Work:
    explainer = lime.lime_tabular.LimeTabularExplainer(background, random_state=0)
    ask = _probabilities(net)
    return lambda: [
        explainer.explain_instance(row, ask, num_samples=DRAWS, num_features=len(row)) for row in x
    ]


def _shap(
    net: nn.Module, model: Model, x: np.ndarray, background: np.ndarray, options: Options
) -> Row:
    """SHAP by default, against as many permutations as leave no smaller error."""

    @torch.no_grad()
    def odds(rows: np.ndarray) -> np.ndarray:
        scores = net(torch.from_numpy(rows).float())
        return (scores[:, 1] - scores[:, 0]).numpy()  # type: ignore[no-any-return]

    masker = shap.maskers.Independent(background, max_samples=len(background))
    few = x[: min(len(x), 20)]
    truth = xaikit.explain(model, few, make_method("kernel_shap", budget=40_000), target="b").values
    error = np.abs(xaikit.explain(model, few, "shap", target="b").values - truth).mean()

    def permuted(rows: np.ndarray, evaluations: int) -> np.ndarray:
        explainer = shap.PermutationExplainer(odds, masker, seed=0)
        return explainer(rows, max_evals=evaluations, silent=True).values

    step = 2 * x.shape[1] + 1
    times = next(
        (k for k in (4, 8, 16) if np.abs(permuted(few, k * step) - truth).mean() <= error), 16
    )
    off = np.abs(permuted(few, times * step) - truth).mean()
    row = _row(
        f"SHAP, MLP, {len(x)} rows of {x.shape[1]} columns, at equal error or smaller", 0.25,
        {
            "xaikit": lambda: xaikit.explain(model, x, "shap", target="b"),
            "shap.Permutation": lambda: permuted(x, times * step),
        },
        "shap.Permutation", options,
    )  # fmt: skip
    told = f"{row.note}; mean error {error:.1e} and {off:.1e} ({times} permutations)"
    return Row(**{**row.__dict__, "note": told})
