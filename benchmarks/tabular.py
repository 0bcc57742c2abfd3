"""Tables, where a pass costs next to nothing and the method's own work is what people wait for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import captum.attr
import numpy as np
import shap

from benchmarks.harness import Options, Row, Triple, clock, per_row, ratios, spread, turns, within
from benchmarks.nets import N_COLUMNS, table_question
from benchmarks.overhead import counted, fresh, settle
from benchmarks.passes import Passes
from benchmarks.peers import Peers
from xaikit.methods.base import ask, make_method
from xaikit.question import Question

EVALUATIONS = 2048


def rows(options: Options) -> Iterator[Row]:
    """Background 1: own microseconds an evaluation. Background 100: ratio to the passes."""
    for k in (1,) if options.quick else (1, 100):
        question = table_question(k)
        passes = Passes.of(question)
        settle(question)
        for name, settings, others in _methods(question, k, options.quick):
            yield _row(question, passes, name, settings, others, options)


def _methods(
    question: Question, k: int, quick: bool
) -> Iterator[tuple[str, dict[str, Any], dict[str, Callable[[], Any]]]]:
    others = _others(question, k)
    yield "leverage_shap", {"budget": EVALUATIONS}, {} if quick else others
    yield "shap", {}, {}
    yield "lime", {"budget": EVALUATIONS}, {}


def _others(question: Question, k: int) -> dict[str, Callable[[], Any]]:
    """captum asks one reference at a time, so it has no entry for more rows than one."""
    peers = Peers(question)
    x, references, target = question.sample.x, question.masker.references, question.target.index

    def f(xs: np.ndarray) -> np.ndarray:
        return peers.of_rows(xs)[:, target]

    def kernel() -> Any:
        return shap.KernelExplainer(f, references, silent=True).shap_values(
            x[None], nsamples=EVALUATIONS, silent=True
        )

    def permutation() -> Any:
        masker = shap.maskers.Independent(references, max_samples=k)
        explainer = shap.PermutationExplainer(f, masker, seed=0)
        return explainer(x[None], max_evals=EVALUATIONS, silent=True)

    found = {"shap.Kernel": kernel, "shap.Permutation": permutation}
    found |= _shapiq(f, x, references)
    if k == 1:
        at, off = peers.ends
        explainer = captum.attr.KernelShap(peers.net)
        found["captum.KernelShap, 256 at once"] = lambda: explainer.attribute(
            at, baselines=off, target=target, n_samples=EVALUATIONS, perturbations_per_eval=256
        )
    return found


def _shapiq(f: Callable[[np.ndarray], np.ndarray], x: np.ndarray, references: np.ndarray) -> dict:
    """KernelSHAP of shapiq on a game that masks with all the references."""
    try:
        from shapiq.approximator import KernelSHAP
    except ImportError:
        return {}
    k = len(references)

    def game(masks: np.ndarray) -> np.ndarray:
        inputs = np.where(masks[:, None, :], x, references).reshape(-1, len(x))
        return f(inputs).reshape(-1, k).mean(axis=1)

    return {
        "shapiq.KernelSHAP": lambda: KernelSHAP(
            n=N_COLUMNS, pairing_trick=True, random_state=0
        ).approximate(EVALUATIONS, game)
    }


def _row(
    question: Question,
    passes: Passes,
    name: str,
    settings: dict[str, Any],
    others: dict[str, Callable[[], Any]],
    options: Options,
) -> Row:
    def run(asked: Question) -> Any:
        return ask(make_method(name, **settings), [asked])

    k = len(question.masker.references)
    needed, masks = counted(question, run)
    pure = passes.over(masks)
    work = {"pure": pure.forward(needed), "ours": lambda: run(fresh(question))} | others
    seconds = turns(work, options.repeats, clock("cpu"))
    limit = per_row(seconds["pure"], needed)
    what = f"{name}, {settings.get('budget', 'as it comes')}"
    asked = needed / k
    if k == 1:

        def own(taken: list[float], evaluations: float) -> Triple:
            each = zip(per_row(taken, evaluations), limit, strict=True)
            return spread(1e6 * (t - p) for t, p in each)

        ours, bar, unit = own(seconds["ours"], asked), 1.0, "us of own work an evaluation"
        found = {other: own(seconds[other], EVALUATIONS) for other in others}
    else:
        ours, bar, unit = ratios(seconds["ours"], seconds["pure"]), 1.15, "times the pure passes"
        same = per_row(seconds["pure"], asked / EVALUATIONS)
        found = {other: ratios(seconds[other], same) for other in others}
    return Row(
        "tabular", f"{what}, {N_COLUMNS} columns, background {k}", f"<= {bar:g}", ours, found, unit,
        within(ours, bar),
        f"{asked:.0f} evaluations, {needed} passes of {1e6 * float(np.median(limit)):.2g} us ({pure.best()})",
    )  # fmt: skip
