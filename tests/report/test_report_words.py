"""The sentences of the pages: both languages hold the same keys, and every key is asked for."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

import xaikit
from xaikit.core.errors import UnknownName
from xaikit.core.finding import Finding
from xaikit.judge.causes import Kind
from xaikit.judge.checks import CHECKS
from xaikit.methods import METHODS
from xaikit.metrics import MEASURES
from xaikit.report.words import LANGUAGES, Words, catalogue, told

ROOT = Path(xaikit.__file__).parent
FOLDER = ROOT / "report" / "words"
EN, KO = (catalogue(language) for language in LANGUAGES)
ALIKE = {"place.auprc_unit", "differ.pair", "listed.and"}


def fields(sentence: str) -> set[tuple[str, str]]:
    """Names of the fields, and how each is written."""
    return {(f, spec or "") for _, f, spec, _ in string.Formatter().parse(sentence) if f}


def lines(language: str) -> list[str]:
    """Line by line: the key, or "" for a comment."""
    text = (FOLDER / f"{language}.toml").read_text(encoding="utf-8")
    return [found[1] if (found := re.match(r'"(.+?)" = ', x)) else "" for x in text.splitlines()]


def test_both_languages_hold_the_same_keys_line_by_line() -> None:
    assert lines("en") == lines("ko")
    assert list(EN) == list(KO) == [key for key in lines("en") if key]


def test_both_languages_say_the_same() -> None:
    assert [key for key in EN if fields(EN[key]) != fields(KO[key])] == []
    bare = {key: [re.sub(r"{.*?}", "", x[key]) for x in (EN, KO)] for key in EN}
    told = {k for k, (english, _) in bare.items() if re.search("[a-zA-Z]{3}", english)}
    left = {k for k in told if not re.search("[가-힣]", bare[k][1])}
    assert left == ALIKE


def asked() -> Iterator[str]:
    """Every text of the code and the templates that may be a key, as a pattern."""
    for file in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield re.escape(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = [p.value if isinstance(p, ast.Constant) else None for p in node.values]
                if any(p and re.fullmatch(r"[a-z_.]*[a-z_]\.|\.[a-z_.]+", p) for p in parts):
                    yield "".join(".*" if p is None else re.escape(p) for p in parts)
    for file in (ROOT / "report" / "templates").glob("*.j2"):
        text = file.read_text(encoding="utf-8")
        yield from map(re.escape, re.findall(r"""["']([\w.]+)["']""", text))
        yield from (re.escape(x) + ".*" for x in re.findall(r"""["']([\w.]+\.)["'] ~""", text))


def test_every_key_is_asked_for() -> None:
    some = re.compile("|".join(set(asked())))
    assert [key for key in EN if not some.fullmatch(key.removesuffix(".one"))] == []


def calls() -> Iterator[str]:
    """The keys, or patterns of keys, that words and findings are asked by."""
    names = {"words", "Finding", "_told", "t"}
    for file in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args:
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                first = node.args[0]
                if name in names and isinstance(first, ast.Constant):
                    yield re.escape(str(first.value))
                elif name in names and isinstance(first, ast.JoinedStr):
                    parts = (p.value if isinstance(p, ast.Constant) else None for p in first.values)
                    yield "".join(".*" if p is None else re.escape(str(p)) for p in parts)
    for file in (ROOT / "report" / "templates").glob("*.j2"):
        text = file.read_text(encoding="utf-8")
        yield from map(re.escape, re.findall(r"""\bt\(["']([\w.]+)["'](?! ~)""", text))


def test_every_key_that_is_asked_for_is_there() -> None:
    patterns = set(calls())
    assert len(patterns) > 300
    assert [p for p in patterns if not any(re.fullmatch(p, key) for key in EN)] == []


def test_every_measure_method_and_cause_has_its_words() -> None:
    for measure in map(MEASURES.get, MEASURES):
        said = measure.korean is not None and re.search("[가-힣]", measure.korean.means)
        assert said or not measure.in_table, measure.name
        assert measure.family == "agreement" or f"family.{measure.family}" in EN
    for name in METHODS:
        korean = METHODS.get(name).facts()["ko"]
        assert re.search("[가-힣]", korean["asks"])
        assert re.search("[가-힣]", korean["misleads"])
    for check in CHECKS:
        keys = (f"check.{check}", f"asks.{check}", f"because.{check}.open", f"because.{check}.fail")
        assert set(keys) <= set(EN)
    kinds = {kind.replace(" ", "_") for kind in get_args(Kind)} - {"other_value_function"}
    assert {f"cause.{x}" for x in kinds | {"targets", "maskers", "units"}} <= set(EN)


def test_fields_are_written_as_people_read_them() -> None:
    ways = Finding("ways", {"n": 2})
    given = {"value": -0.126, "low": -0.5, "high": 0.25}
    names = Finding("rival.control", {"names": ("a", "b", "c")})
    found = Finding("found.beats.open", {**given, "rival": names, "ways": ways})
    assert (
        str(found)
        == told(found)
        == (
            "No clear gain over 'a, b or c' alone: −0.13, 90 % interval −0.50 to +0.25 "
            "(weakest of 2 ways of removing)."
        )
    )
    assert Words("ko").told(found).startswith("‘a, b 또는 c’ 단독 대비")
    share = Finding("found.open.share", {"low": 0.01, "high": 0.2})
    assert str(share) == "Not settled: the 90 % interval is 1.0\xa0% to 20.0\xa0%."


def test_titles_and_units_are_told_in_the_language_of_the_page() -> None:
    found = Finding("cause.units", {"a": "Saliency", "b": "SHAP", "unit": "log-odds"})
    assert "Saliency gives an order" in str(found)
    korean = Words("ko", {"Saliency": "돌출"}).told(found)
    assert korean.startswith("돌출:")
    assert "로그 오즈" in korean
    other = Finding("cause.units", {"a": "a", "b": "b", "unit": "euro"})
    assert "shares of the euro" in str(other)


def test_a_finding_from_a_file_is_told_and_words_of_a_person_stay() -> None:
    words = Words("en")
    assert (
        words.told({"key": "cmp.bar.rows", "numbers": {"name": "x", "n": 1234}}) == "x, from 1,234"
    )
    assert words.told("{n} as it stands") == "{n} as it stands"
    assert words("which.lead", n=1).startswith("Judged on this model and one sample")
    assert words.listed(["A", "B", "C"]) == "A, B and C"
    assert words.listed(["A"]) == "A"
    assert Words("ko").listed(["A", "B", "C"]) == "A, B, C"
    with pytest.raises(UnknownName, match="a report has no language 'fr'; use one of en, ko"):
        Words("fr")
