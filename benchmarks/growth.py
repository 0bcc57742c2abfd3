"""What more features, samples and background rows cost: time and evaluations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from benchmarks.harness import Options, Row, clock, spread, turns
from benchmarks.nets import cases, image_model, table_question
from xaikit.core.question import Cache, Meter, Question
from xaikit.core.types import Sample
from xaikit.methods.base import ask, make_method
from xaikit.study.plan import Plan, make_question


def rows(options: Options) -> Iterator[Row]:
    """Three small tables in one."""
    yield from _features(options)
    yield from _samples(options)
    for k in (1, 100) if options.quick else (1, 10, 100, 1000):
        question = table_question(k)
        yield _row(
            "leverage_shap", 256, [question], f"{k} background rows, 256 evaluations", options
        )


def _features(options: Options) -> Iterator[Row]:
    model = image_model("vgg_small", 32, width=16)
    sample = Sample("picture", model.example(), "image")
    for side in (4, 8) if options.quick else (4, 8, 16, 32):
        question = make_question(model, sample, Plan(features=f"patches:{side}"))
        what = f"image of {side * side} features"
        yield _row("occlusion", None, [question], what, options)
        yield _row("lime", 512 if options.quick else 4096, [question], what, options)
        if side <= 16 and not options.quick:
            yield _row("shap", None, [question], what, options)


def _samples(options: Options) -> Iterator[Row]:
    case = cases(replace(options, device="cpu"))[0]
    model = case.make()
    for n in (1, 4) if options.quick else (1, 4, 16, 64):
        questions = [case.question(model, sample) for sample in case.samples(n)]
        yield _row("saliency", None, questions, f"{n} samples", options)
        yield _row("occlusion", None, questions, f"{n} samples", options)


def _row(
    name: str, budget: int | None, questions: list[Question], what: str, options: Options
) -> Row:
    method = make_method(name) if budget is None else make_method(name, budget=budget)

    def run() -> list:
        return ask(method, [replace(q, cache=Cache(), meter=Meter()) for q in questions])

    found = run()
    asked = sum(e.cost.asked for e in found)
    forward = sum(e.cost.forward for e in found)
    seconds = spread(1e3 * s for s in turns({"ours": run}, options.repeats, clock("cpu"))["ours"])
    return Row(
        "growth", f"{name}: {what}", "", seconds, {}, "CPU milliseconds", None,
        f"{asked} evaluations, {forward} rows",
    )  # fmt: skip
