"""What `xaikit explain` does between its options and its last line."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xaikit.app.lines import ending, flip_lines, what_failed
from xaikit.app.terminal import complain, print_json, say, show_page
from xaikit.core.errors import InvalidInput, NotApplicable
from xaikit.core.folders import check_free, check_page, file_name
from xaikit.report import write_letters, write_report
from xaikit.study.bulk import explain_many
from xaikit.study.flip.api import flips
from xaikit.study.overview import worst_errors
from xaikit.study.plan import Plan, choose_methods
from xaikit.study.run import RUNS, Run
from xaikit.study.study import study

__all__ = ["changes", "check_places", "places_of", "studied", "to_file", "with_errors", "written"]


def check_places(values: Path | None, numbers: Path | None, html: Path | None, force: bool) -> None:
    """Before the work: what would be overwritten is refused."""
    if values is not None:
        check_free(values, force)
    if numbers is not None:
        RUNS.check_free(numbers)
    if html is not None:
        check_page(html, force)


def places_of(
    model: Any, numbers: Path | None, html: Path | None, force: bool
) -> tuple[Path, Path]:
    """Where the numbers and the page go; named after the model when nobody says."""
    numbers = numbers or Path("runs") / file_name(f"explain-{model.id}")
    html = html or Path("reports") / file_name(model.id, ".html")
    check_places(None, numbers, html, force)
    return numbers, html


def with_errors(model: Any, samples: Any, dataset: Any, n: int) -> list[Any]:
    """The samples and the errors that the page shows beside them."""
    return [*samples, *worst_errors(model, dataset, n, samples)]


def changes(
    model: Any, samples: Any, dataset: Any, question: Mapping[str, Any], **options: Any
) -> list[dict[str, Any]]:
    """What would have changed each answer."""
    plan = Plan(**{name: question[name] for name in ("features", "masker", "n_background")})
    return flips(model, samples, dataset, plan=plan, **options)


def studied(model: Any, samples: Any, **asked: Any) -> Run:
    """The study; refused where none of the methods that were named applies."""
    chosen, refused = choose_methods(model, asked["methods"])
    if not chosen:
        raise NotApplicable(refused[0].reason)
    return study(model, samples, command="xaikit " + shlex.join(sys.argv[1:]), **asked)


def to_file(
    model: Any,
    samples: Any,
    method: str,
    question: Mapping[str, Any],
    limits: Mapping[str, Any],
    seed: int,
    place: Path,
    *,
    force: bool,
    as_json: bool,
) -> None:
    """Values only, into one file."""
    name = "shap" if method == "auto" else method
    kept = {k: limits[k] for k in ("memory", "precision")}
    chosen, refused = choose_methods(
        model, name, budget=limits["budget"], tolerance=limits["tolerance"]
    )
    if refused or len(chosen) != 1:
        raise InvalidInput(
            refused[0].reason
            if refused
            else f"--values takes one method and --methods is {method}."
        )
    plan = Plan(**question, **kept)
    found = explain_many(model, samples, chosen[0], plan=plan, seed=seed, progress=not as_json)
    found.save(place, force)
    if as_json:
        print_json({"values": str(place), "method": name, "n": len(found)})
        return
    estimator = f" ({found[0].note})" if found[0].note else ""
    n = f"{len(found)} samples x {found.values.shape[1]} features"
    say(f"values: {place} · {n} by {name}{estimator}")


def written(
    run: Run,
    numbers: Path,
    html: Path,
    language: str,
    *,
    flip: bool,
    person: bool,
    show: bool,
    force: bool,
    as_json: bool,
) -> bool:
    """The run and its page, and what the terminal says of them; whether something broke."""
    place = run.save(numbers)
    write = write_letters if person else write_report
    page = write(run, html, language=language, force=force)
    broken = [f for f in run.failures if f.kind == "error"]
    if as_json:
        print_json(_summary(run, place, page))
    else:
        for line in flip_lines(run) if flip else ():
            say(line)
        for failure in broken:
            complain(f"{what_failed(failure)}: {failure.reason}", "red")
        for line in ending(run):
            say(line)
        say(f"\nnumbers: {place}\npage:    {page}")
    if show:
        show_page(page)
    return bool(broken)


def _summary(run: Run, place: Path, page: Path) -> dict[str, Any]:
    return {
        "run": str(place),
        "report": str(page),
        "choice": vars(run.choice()),
        "verdicts": [v.facts() for v in run.verdicts()],
        "explanations": [
            {"sample": e.sample_id, "method": e.method, "top": e.top(5), "residual": e.residual}
            for e in run.explanations
        ],
        "quality": run.context["model"]["quality"],
        "flips": run.context.get("flips"),
        "added": run.context.get("added") or [],
        "failures": [vars(f) for f in run.failures],
    }
