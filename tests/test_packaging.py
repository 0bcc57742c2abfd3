"""What is installed: every package that is needed, and the versions that were tested."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import xaikit

ROOT = Path(xaikit.__file__).parents[1]


def test_constraints_name_a_version_of_every_package_that_is_needed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [
        *project["dependencies"],
        *(w for name in extras if name != "all" for w in extras[name]),
    ]
    names = {re.split(r"[<>=\[ ]", line)[0].lower() for line in wanted}
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pinned = dict(line.lower().split("==") for line in lines if not line.startswith("#"))
    assert names <= pinned.keys()
    assert all(re.fullmatch(r"\d+(\.\d+)+", version) for version in pinned.values())
    assert not [line for line in wanted if "<" in line], "a newer version may be tried"


def test_all_is_every_extra_that_explains_and_the_documents_say_what_each_is_for() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
        "optional-dependencies"
    ]
    (whole,) = extras["all"]
    used = set(re.fullmatch(r"xaikit\[(.+)\]", whole)[1].split(","))
    assert used == set(extras) - {"all", "test", "bench", "docs"}
    table = (ROOT / "docs" / "install.md").read_text("utf-8")
    assert set(re.findall(r"^\| `\[(\w+)\]` \|", table, flags=re.M)) == {*used, "all"}


def test_make_installs_the_versions_that_were_tested() -> None:
    text = (ROOT / "Makefile").read_text("utf-8")
    installs = [line for line in text.splitlines() if re.search(r"pip install|\$\(PIP\)", line)]
    assert len(installs) >= 4
    assert all("$(PIP)" in line or "$(CONSTRAINTS)" in line for line in installs)


def test_every_file_of_the_package_that_is_no_code_is_installed() -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    room = ROOT / "xaikit"
    given = {p for glob in tools["setuptools"]["package-data"]["xaikit"] for p in room.glob(glob)}
    files = (p for p in room.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    assert {p for p in files if p.suffix != ".py"} == given
    assert {p.name for p in given} >= {"en.toml", "ko.toml", "report.html.j2", "style.css"}
