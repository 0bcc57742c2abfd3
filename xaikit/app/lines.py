"""Single lines that the command line prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import wrap

from xaikit.core.interactions import Interactions
from xaikit.core.types import Sample
from xaikit.data.dataset import Dataset
from xaikit.report.findings import Findings
from xaikit.report.formats import decimals, signed
from xaikit.report.single import Z
from xaikit.report.told import finding, standing, warning
from xaikit.report.words import Words
from xaikit.study.run import Failure, Run

__all__ = [
    "check_rows",
    "ending",
    "flip_lines",
    "interaction_rows",
    "names_of",
    "one_class",
    "quality_line",
    "what_failed",
]


WIDTH, LABEL = 80, 20


def one_class(dataset: Dataset, samples: Sequence[Sample]) -> str:
    """Said where the first rows of a sorted file are all of one class, otherwise ""."""
    if dataset.task != "classification":
        return ""
    labels = {s.label for s in samples}
    sorted_by_class = len(samples) > 1 == len(labels) < len({s.label for s in dataset.test})
    label = next(iter(labels))
    if not (dataset.classes and sorted_by_class) or not isinstance(label, (int, float)):
        return ""
    return (
        f"all {len(samples)} samples are '{dataset.classes[int(label)]}', because the test rows stand "
        "in this order; --draw takes them at random."
    )


def flip_lines(run: Run) -> Iterator[str]:
    """What would have changed each answer, a line a sample, further ways below it."""
    words = Words()
    for flip in run.context.get("flips") or ():
        said = words.told(*flip["told"]) if flip["told"] else flip["refused"]
        yield f"{flip['sample']}: {said}"
        yield from (f"  or: {words.told(other['told'][0])}" for other in flip.get("others", ()))


def what_failed(failure: Failure) -> str:
    """What failed, and on which sample."""
    where = f" on {failure.sample_id}" if failure.sample_id else ""
    return f"{failure.method or 'every method'}{where}"


def quality_line(run: Run) -> str:
    """How good the model is on the test rows, "" when nobody measured it."""
    quality = run.context["model"]["quality"]
    if not quality:
        return ""
    digits = "{:.1%}" if quality["metric"] == "accuracy" else "{:.3f}"
    value, *ends = (
        digits.format(x).replace("%", " %")
        for x in (quality["value"], *(quality["interval"] or ()))
    )
    between = f" ({' to '.join(ends)})" if ends else ""
    return f"{quality['metric']} {value}{between} on {quality['n']} test rows"


def interaction_rows(found: Interactions, most: int = 10) -> list[list[str]]:
    """The strongest sets of features, what they add, and half of the 95 % interval."""
    digits = decimals(max(abs(value) for _, value, _ in found.top(1)))
    return [
        [" × ".join(names), signed(value, digits), f"{Z * std:.{digits}f}" if std else ""]
        for names, value, std in found.top(most)
    ]


def ending(run: Run) -> Iterator[str]:
    """The finding, the warning, how good the model is, and which explanation to use, in 80 columns."""
    findings = Findings(run, Words())
    if note := run.context["model"]["info"].get("outputs_note"):
        yield from wrap(f"{run.context['model']['id']}: {note}", WIDTH)
    yield from wrap(finding(findings), WIDTH)
    yield from wrap(warning(findings), WIDTH, initial_indent="! ", subsequent_indent="  ")
    yield from wrap(quality_line(run), WIDTH)
    yield ""
    for status, names in standing(findings):
        label = f"{status.lower():{LABEL}s}"
        yield from wrap(names, WIDTH, initial_indent=label, subsequent_indent=" " * LABEL)


def check_rows(run: Run) -> list[list[str]]:
    """A row a method: its name, its verdict and why."""
    findings = Findings(run, Words())
    shown = [findings.verdicts[m] for m in findings.order]
    return [[findings.name(v.method), v.status.replace("_", " "), v.reason] for v in shown]


def names_of(a: Run, b: Run, *folders: Path) -> tuple[str, str]:
    """What two runs are called: by their models, or by their folders where those are the same."""
    first, second = (str(run.context["model"]["id"]) for run in (a, b))
    if first != second:
        return first, second
    return folders[0].resolve().name, folders[1].resolve().name
