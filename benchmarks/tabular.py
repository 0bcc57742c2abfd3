"""Tables, where a pass costs next to nothing and the method's own work is what people wait for.

Everybody explains the same rows of one table, one after another or as the package likes them best.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import captum.attr
import numpy as np
import shap

from benchmarks.harness import Options, Row, Triple, clock, per_row, ratios, spread, turns, within
from benchmarks.nets import N_COLUMNS, table_questions
from benchmarks.overhead import counted, fresh
from benchmarks.passes import Passes
from benchmarks.peers import Peers
from xaikit.core.question import Question
from xaikit.methods.base import ask, make_method

EVALUATIONS = 2048
ROWS = 16


def rows(options: Options) -> Iterator[Row]:
    """Background 1: own microseconds an evaluation. Background 100: ratio to the passes."""
    for k in (1,) if options.quick else (1, 100):
        questions = table_questions(k, count=2 if options.quick else ROWS)
        passes = Passes.of(questions[0])
        for name, settings, others in _methods(questions, k, options.quick):
            yield _row(questions, passes, name, settings, others, options)


def _methods(
    questions: list[Question], k: int, quick: bool
) -> Iterator[tuple[str, dict[str, Any], dict[str, Callable[[], Any]]]]:
    others = _others(questions, k)
    yield "leverage_shap", {"budget": EVALUATIONS}, {} if quick else others
    yield "shap", {}, {}
    yield "lime", {"budget": EVALUATIONS}, {}


def _others(questions: list[Question], k: int) -> dict[str, Callable[[], Any]]:
    """captum asks one reference at a time, so it has no entry for more references than one."""
    peers = Peers(questions[0])
    xs = np.stack([question.sample.x for question in questions])
    references, target = questions[0].masker.references, questions[0].target.index

    def f(xs: np.ndarray) -> np.ndarray:
        return peers.of_rows(xs)[:, target]

    def kernel() -> Any:
        return shap.KernelExplainer(f, references, silent=True).shap_values(
            xs, nsamples=EVALUATIONS, silent=True
        )

    def permutation() -> Any:
        masker = shap.maskers.Independent(references, max_samples=k)
        explainer = shap.PermutationExplainer(f, masker, seed=0)
        return explainer(xs, max_evals=EVALUATIONS, silent=True)

    found = {"shap.Kernel": kernel, "shap.Permutation": permutation}
    found |= _shapiq(f, xs, references)
    if k == 1:
        ends = [Peers(question).ends for question in questions]
        explainer = captum.attr.KernelShap(peers.net)
        found["captum.KernelShap, 256 at once"] = lambda: [
            explainer.attribute(
                at, baselines=off, target=target, n_samples=EVALUATIONS, perturbations_per_eval=256
            )
            for at, off in ends
        ]
    return found


def _shapiq(
    f: Callable[[np.ndarray], np.ndarray], xs: np.ndarray, references: np.ndarray
) -> dict[str, Callable[[], Any]]:
    """KernelSHAP of shapiq on a game that masks with all the references."""
    try:
        from shapiq.approximator import KernelSHAP
    except ImportError:
        return {}
    k = len(references)

    def game(masks: np.ndarray, x: np.ndarray) -> np.ndarray:
        inputs = np.where(masks[:, None, :], x, references).reshape(-1, len(x))
        return f(inputs).reshape(-1, k).mean(axis=1)

    def kernel() -> list[Any]:
        makers = [KernelSHAP(n=N_COLUMNS, pairing_trick=True, random_state=0) for _ in xs]
        return [
            maker.approximate(EVALUATIONS, partial(game, x=x))
            for maker, x in zip(makers, xs, strict=True)
        ]

    return {"shapiq.KernelSHAP": kernel}


def _row(
    questions: list[Question],
    passes: Passes,
    name: str,
    settings: dict[str, Any],
    others: dict[str, Callable[[], Any]],
    options: Options,
) -> Row:
    def run(asked: list[Question]) -> Any:
        return ask(make_method(name, **settings), asked)

    k, count = len(questions[0].masker.references), len(questions)
    _, masks = counted(questions[0], lambda asked: run([asked]))
    found = run([fresh(question) for question in questions])
    needed = sum(e.cost.forward for e in found) + count + k  # and the outputs, and "empty" of all
    pure = passes.over(masks)
    work = {
        "pure": pure.forward(needed),
        "ours": lambda: run([fresh(question) for question in questions]),
    }
    seconds = turns(work | others, options.repeats, clock("cpu"))
    limit = per_row(seconds["pure"], needed)
    what = f"{name}, {settings.get('budget', 'as it comes')}"
    asked = needed / k
    if k == 1:

        def own(taken: list[float], evaluations: float) -> Triple:
            each = zip(per_row(taken, evaluations), limit, strict=True)
            return spread(1e6 * (t - p) for t, p in each)

        ours, bar, unit = own(seconds["ours"], asked), 1.0, "us of own work an evaluation"
        theirs = {other: own(seconds[other], EVALUATIONS * count) for other in others}
    else:
        ours, bar, unit = ratios(seconds["ours"], seconds["pure"]), 1.15, "times the pure passes"
        same = per_row(seconds["pure"], asked / (EVALUATIONS * count))
        theirs = {other: ratios(seconds[other], same) for other in others}
    return Row(
        "tabular", f"{what}, {count} rows of {N_COLUMNS} columns, background {k}", f"<= {bar:g}",
        ours, theirs, unit, within(ours, bar),
        f"{asked / count:.0f} evaluations a row, {needed} passes of "
        f"{1e6 * float(np.median(limit)):.2g} us ({pure.best()})",
    )  # fmt: skip
