"""Values of many samples by one method, in parts: memory grows by little more than the values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from xaikit.core.abilities import Model
from xaikit.core.errors import NotApplicable
from xaikit.core.explanations import Explanations
from xaikit.core.progress import Progress
from xaikit.core.types import Sample
from xaikit.methods.base import Method, ask
from xaikit.study.own import is_called, target_of_each
from xaikit.study.plan import Plan, choose_methods, make_block

__all__ = ["explain_many"]

PART = 256  # samples at once: passes are full, and what is not kept stays small


def explain_many(
    model: Model,
    samples: Sequence[Sample],
    method: str | Method,
    *,
    plan: Plan | None = None,
    seed: int = 0,
    progress: bool = False,
) -> Explanations:
    """The explanations of any number of samples, as `Explanations.gathered` keeps them.

    The numbers are those of `explain`, of all features as samples are cut by default, however many. `NotApplicable` where the method does not apply.
    """
    chosen, refused = choose_methods(model, method)
    if refused or len(chosen) != 1:
        raise NotApplicable(refused[0].reason if refused else "name one method.")
    (asked,) = chosen

    plan = plan or Plan()
    if is_called(plan.features, "auto") and samples:  # all columns, as a table of values needs them
        plan = replace(plan, features=samples[0].kind.segmenters[0])
    each = target_of_each(plan.target, len(samples))

    def parts(bar: Progress) -> Iterator[Explanations]:
        for start in range(0, len(samples), PART):
            some = samples[start : start + PART]
            own = plan if each is None else replace(plan, target=each[start : start + PART])
            yield ask(asked, make_block(model, some, own), seed=seed)
            bar.tick(len(some))

    with Progress(len(samples), asked.name, show=progress, rate=True) as bar:
        return Explanations.gathered(parts(bar), len(samples))
