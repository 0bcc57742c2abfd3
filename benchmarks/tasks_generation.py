"""Generators: whether the latents that are named decide the picture; see `benchmarks.tasks`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
import torch

import xaikit
from benchmarks.tasks_lines import Asked, Line, part, trained
from xaikit.core.types import Explanation, Floats, Sample
from xaikit.data.dataset import Dataset
from xaikit.tasks.reconstruction import auroc

__all__ = ["generation"]

DRAWS = 32  # fresh codes that stand in for the latents that are drawn anew
SHAP: dict[str, Any] = {"methods": "shap", "n_background": 8}
NOISE = 8  # px a side of the patch of noise


@part
def generation(asked: Asked) -> Iterator[Line]:
    """Digits that a generator makes: how real they are, and whether the two strongest latents change what is
    measured of them more than two random ones."""
    data = _data(asked)
    model, seconds = trained("dcgan", data, asked)
    test = model.info["metrics"]["test"]
    yield Line("digits: Frechet distance", "", [test["frechet"]])
    for name in ("real", "pca", "noise"):
        yield Line(f"digits: the same of {name}", "", [test[f"frechet_{name}"]])
    beside = test["frechet"] / test["frechet_pca"]
    yield Line("digits: beside draws along principal components", "<= 1", [beside])
    yield Line("digits: share of the rarest class", ">= .02", [test["rarest"]])
    yield Line("digits: seconds of a core to train", "", [seconds])
    codes = data.test[: asked.n(24, 2)]
    for name in ("brightness", "slant", "width", "height"):
        yield from _moved(model, name, name, codes, asked)
    judge, _ = trained("lenet", data.real, asked, steps=300)  # type: ignore[arg-type] # it has pictures
    yield Line("class: accuracy of the classifier", "", [judge.info["metrics"]["test"]["accuracy"]])
    yield from _moved(_classified(model, judge, data), "class", "predicted", codes, asked)
    yield from _critic(model, data, asked)


def _moved(model: Any, name: str, target: str, codes: Any, asked: Asked) -> Iterator[Line]:
    """Of each code, whether the latents that SHAP names first move the number."""
    found = xaikit.explain(model, codes, target=target, seed=asked.seed, **SHAP)
    rows = [_redrawn(model, s, e, asked) for s, e in zip(codes, found, strict=True)]
    moved, lowered = np.array(rows).T
    told = f"{name}: the two strongest latents change it more than two random ones"
    yield Line(told, ">= .95", moved.tolist())
    told = f"{name}: the two that raise it most lower it more than two random ones"
    yield Line(told, ">= .95", lowered.tolist())


def _data(asked: Asked) -> Dataset:
    """Handwriting, or the pictures of --files mnist=..., few when quick."""
    if "mnist" in asked.files:
        return xaikit.load_data(asked.files["mnist"], task="generation", seed=asked.seed)
    return xaikit.load_data("handwriting", seed=asked.seed)


def _classified(model: Any, judge: Any, data: Dataset) -> Any:
    """From a code to what a classifier says of its picture."""

    def scores(codes: Floats) -> Floats:
        with torch.no_grad():
            made = model.net(model.encode(codes).at).movedim(1, 3).numpy()
        return judge.scores(made)  # type: ignore[no-any-return]

    return xaikit.wrap(
        scores, modality="table", classes=data.real.classes, outputs="logits",  # type: ignore[union-attr]
        background=model.background, id="classified",
    )  # fmt: skip


def _redrawn(model: Any, sample: Sample, e: Explanation, asked: Asked) -> tuple[float, float]:
    """1 where the mean absolute change of the number is larger for the two strongest than for a pair on average;
    and where the number falls by more for the two that raise it most."""
    fresh = np.random.default_rng([asked.seed, 11]).normal(size=(DRAWS, len(sample.x)))
    pairs = list(combinations(range(len(sample.x)), 2))
    codes = np.tile(sample.x, (len(pairs), DRAWS, 1))
    for row, pair in zip(codes, pairs, strict=True):
        row[:, pair] = fresh[:, pair]
    values = e.target(model.scores(codes.reshape(-1, len(sample.x)))).reshape(len(pairs), DRAWS)
    change, fall = np.abs(values - e.output).mean(axis=1), e.output - values.mean(axis=1)
    strong, raising = (
        pairs.index(tuple(sorted(np.argsort(-x, kind="stable")[:2].tolist())))
        for x in (np.abs(e.values), e.values)
    )
    return float(change[strong] > change.mean()), float(fall[raising] > fall.mean())


def _critic(model: Any, data: Dataset, asked: Asked) -> Iterator[Line]:
    """Real against made pictures, and a patch of noise in real ones."""
    real = data.real.test[: asked.n(200, 8)]  # type: ignore[union-attr]
    critic = xaikit.wrap(model.net.critic, modality="image", classes=["made", "real"], outputs="logits",
                         sample=real[0].x)  # fmt: skip
    made = model.net(
        torch.randn(
            len(real), len(data.columns), generator=torch.Generator().manual_seed(asked.seed)
        )
    )
    both = [s.x for s in real], made.detach().movedim(1, 3).numpy()
    logits = [_logit(critic, xs) for xs in both]
    area = auroc(np.concatenate(logits), np.repeat([True, False], len(real)))
    yield Line("critic: AUROC of real against made pictures", "", [area[0]], tuple(area[1]))
    rng, falls, hits = np.random.default_rng(asked.seed), [], []
    for sample in real[: asked.n(10, 2)]:
        side = sample.x.shape[0] // 4 * 4
        top, left = 4 * rng.integers(0, (side - NOISE) // 4 + 1, 2)
        spoiled = sample.x.copy()
        spoiled[top : top + NOISE, left : left + NOISE] = rng.uniform(size=(NOISE, NOISE, 1))
        falls.append(float(_logit(critic, [sample.x])[0] - _logit(critic, [spoiled])[0]))
        (e,) = xaikit.explain(
            critic, Sample(sample.id, spoiled, "image"), "shap", features="patches:7", target="real"
        )
        mask = np.zeros(sample.x.shape[:2], dtype=bool)
        mask[top : top + NOISE, left : left + NOISE] = True
        touched = e.segmentation.pool(mask.astype(float), "mean") > 0.5
        hits.append(auroc(-e.values, touched)[0])
    yield Line("critic: a patch of noise lowers its logit by", "", falls)
    yield Line("critic: AUROC of the cells of that patch", "", hits)


def _logit(critic: Any, xs: Any) -> Floats:
    scores = critic.scores(xs)
    found: Floats = scores[:, 1] - scores[:, 0]
    return found
