"""The documents say what the code does: their code runs, their tables are made from the registries."""

from __future__ import annotations

import importlib
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

import xaikit

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.S)


@pytest.mark.filterwarnings("ignore")  # of the packages that the figure is drawn with
def test_the_code_of_the_readme_runs(tmp_path, monkeypatch) -> None:
    """As it stands, with one epoch instead of many and one sample in the study."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    real, study = xaikit.train, xaikit.study
    monkeypatch.setattr(xaikit, "train", lambda *a: real(*a, epochs=1, progress=False))
    monkeypatch.setattr(xaikit, "study", lambda m, s, **k: study(m, s[:1], metrics="none", **k))
    (code,) = blocks(ROOT / "README.md", "python")
    exec(code, {})  # noqa: S102 - the document's own code
    assert "<h1" in (tmp_path / "reports" / "digits.html").read_text(encoding="utf-8")


def test_the_code_on_counterfactuals_runs(capsys) -> None:
    code = re.search(
        r"```python[^\n]*\n(.*?)```",
        (ROOT / "docs" / "counterfactuals.md").read_text("utf-8"),
        flags=re.S,
    )
    exec(code[1], {})  # noqa: S102 - the document's own code
    assert "it says “cultivar 2”" in capsys.readouterr().out


def test_the_code_on_interactions_runs(capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "interactions.md").read_text("utf-8")
    code = re.search(r"```python[^\n]*\n(.*?)```", text, flags=re.S)
    exec(code[1], {})  # noqa: S102 - the document's own code
    assert capsys.readouterr().out.endswith(" tree\n")
    assert (tmp_path / "pairs.html").exists()


def test_the_code_on_remedies_runs(capsys) -> None:
    text = (ROOT / "docs" / "remedies.md").read_text("utf-8")
    exec(re.search(r"```python[^\n]*\n(.*?)```", text, flags=re.S)[1], {})  # noqa: S102 - the document's own code
    assert capsys.readouterr().out == "logits\n"


def script(name: str) -> ModuleType:
    """A program of the documents."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_methods_md_is_what_the_registries_say() -> None:
    said = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
    assert said == script("make_methods").text(), "run `make docs`"


def test_the_drawing_of_the_house_has_the_rooms_and_arrows_of_the_code(monkeypatch) -> None:
    house = script("make_house")
    monkeypatch.setattr("sys.argv", ["make_house.py", "--check"])
    house.main()
    known = house.arrows()
    assert min(known.values()) > 0
    assert ("study", "methods") in known
    monkeypatch.setattr(house, "arrows", lambda: {**known, ("core", "report"): 1})
    with pytest.raises(SystemExit, match=r"another house \(core -> report\); run `make docs`"):
        house.main()


def test_the_reference_holds_every_public_name() -> None:
    text = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    addresses = re.findall(r"^::: (\S+)\.(\w+)$", text, flags=re.M)
    assert {name for _, name in addresses} >= set(xaikit.__all__) - {"__version__"}
    for module, name in addresses:
        assert hasattr(importlib.import_module(module), name), f"{module}.{name}"


def test_the_site_leads_to_every_document() -> None:
    site = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert f": {page.name}" in site, page.name


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_link_inside_the_repository_leads_somewhere(page) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name} links {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_command_in_the_documents_exists(page) -> None:
    from typer.main import get_command

    from xaikit.app.cli import app

    commands = get_command(app).commands
    for block in [*blocks(page, ""), *blocks(page, "sh")]:
        for line in block.splitlines():
            words = line.split("#")[0].split()
            if len(words) < 2 or words[0] != "xaikit" or words[1].startswith("-"):
                continue
            assert words[1] in commands, line
            known = {o for p in commands[words[1]].params for o in p.opts}
            given = {w.split("=")[0] for w in words if w.startswith("-")}
            assert given <= known, f"{line}: {given - known}"
