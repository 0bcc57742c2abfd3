"""What is said of a run in few words, the same on every page and in the terminal."""

from __future__ import annotations

from markupsafe import Markup

from xaikit.core.finding import Finding
from xaikit.report.blocks.choice import choice_block
from xaikit.report.facts import part, worth
from xaikit.report.findings import Findings
from xaikit.report.formats import fixed, percent

__all__ = ["finding", "more", "standing", "use", "warning"]

REFUSED = ("finding.unheld", "finding.few")  # they say why nothing is said


def finding(findings: Findings) -> str:
    """What the model goes by, or why that is not known."""
    return _told(findings, findings.run.findings()[0])


def more(findings: Findings) -> list[str]:
    """What else was found over the test samples."""
    later = findings.run.findings()[1:]
    return [_told(findings, found) for found in later if found.key not in REFUSED]


def _told(findings: Findings, found: Finding) -> str:
    """The finding, with the model as it is called beside its data."""
    called = {"model": findings.model} if "model" in found.numbers else {}
    return findings.words.told(Finding(found.key, {**found.numbers, **called}))


def warning(findings: Findings) -> str:
    """What to beware of, "" where nothing was found: a shortcut, what errors have in common, or that the
    model is not shown to be better than an answer that never looks."""
    quality = part(findings.run, "model").get("quality") or {}
    found = findings.run.warnings()
    if (quality.get("baseline") or {}).get("named"):
        beaten = _blind(
            findings
        )  # a net that loses to a simple answer: nothing is worth more to know
        return beaten or (_told(findings, found[0]) if found else "")
    if found:
        return _told(findings, found[0])
    return "" if findings.run.findings()[0].key.startswith("finding.guessing") else _blind(findings)


def _blind(findings: Findings) -> str:
    quality = part(findings.run, "model").get("quality") or {}
    base = quality.get("baseline") or {}
    if not base or base["verdict"] == "b_better":
        return ""
    words, shares = findings.words, quality.get("metric") == "accuracy"
    if base.get("named"):
        value = worth(findings, {**quality, **base})["value"]
        return words(
            f"short.beaten.{base['verdict']}", name=_called(findings, base["says"]), value=value
        )
    return words(
        f"short.blind.{base['verdict']}",
        name=words(f"compare.baseline.{'majority' if shares else 'mean'}", says=base["says"]),
        value=percent(base["value"], 1) if shares else f"R² {fixed(base['value'], 3)}",
    )


def _called(findings: Findings, name: str) -> str:
    """A simple answer of the task, as people call it."""
    return findings.words.known(f"baseline.{name}", name)


def standing(findings: Findings) -> list[tuple[str, str]]:
    """Which explanations to use, which nobody can tell, which not to use: the verdict, then the sentences."""
    lines = choice_block(findings)["lines"]
    return [(line["badge"]["text"], _plain(line["text"])) for line in lines]


def use(findings: Findings) -> tuple[str, ...]:
    """Names of the methods to use, the shown one first; () where none can be named."""
    return tuple(map(findings.name, findings.choice.use))


def _plain(text: str) -> str:
    """Words for where nothing is marked."""
    return text.striptags() if isinstance(text, Markup) else text
