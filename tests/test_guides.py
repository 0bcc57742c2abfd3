"""The guides are true: what they add from outside the package is listed, studied and on the page."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
ONE_THREAD = "import torch\ntorch.set_num_threads(1)\n"


@dataclass(frozen=True)
class Guide:
    """A guide that adds one thing.

    words : what the page says of it, in English and in Korean
    seen : a condition that holds after the guide's own code has run
    """

    page: str
    kind: str
    name: str
    words: tuple[str, str]
    seen: str

    def blocks(self, language: str) -> list[str]:
        text = (DOCS / self.page).read_text(encoding="utf-8")
        return re.findall(rf"```{language}[^\n]*\n(.*?)```", text, flags=re.S)

    def install(self, folder: Path) -> None:
        """The guide's package, as an installer would leave it."""
        (project,) = map(tomllib.loads, self.blocks("toml"))
        about, points = project["project"], project["project"]["entry-points"]
        ((group, named),) = points.items()
        ((name, address),) = named.items()
        assert (group, name) == (f"xaikit.{self.kind}", self.name)
        info = folder / f"{about['name'].replace('-', '_')}-{about['version']}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Name: {about['name']}\nVersion: {about['version']}\n")
        (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {address}\n")
        module = self.blocks("python")[0]
        (folder / f"{address.split(':')[0]}.py").write_text(module, encoding="utf-8")


GUIDES = (
    Guide(
        "add-a-method.md",
        "methods",
        "rise",
        ("RISE", "다른 특징을 무작위로 가린 채 이 특징을 보여 줄 때"),
        "'rise' in [m.name for m in choose_methods(model)[0]]",
    ),
    Guide(
        "add-a-metric.md",
        "metrics",
        "max_sensitivity",
        ("Max-sensitivity ↓", "최대 민감도 ↓"),
        "{s.of['method'] for s in run.scores if s.metric == 'max_sensitivity'} == {'occlusion', 'shap', 'random'}",
    ),
    Guide(
        "add-a-modality.md",
        "modalities",
        "dial",
        ("all other arcs", "나머지 호"),
        "{e.segmentation.names[1] for e in run.explanations} == {'45° to 90°'}",
    ),
    Guide(
        "add-a-task.md",
        "tasks",
        "ordinal",
        ("steps off", "빗나간 단계"),
        "run.context['model']['quality']['metric'] == 'steps_off' and [e.target.index for e in run.of('shap')]"
        " == [2 if p[:2].sum() < 0.5 else int(p[0] < 0.5) for p in run.predictions]",
    ),
)


def ran(code: str, folder: Path, *places: Path) -> str:
    """What a fresh process prints that finds packages in these places."""
    paths = [*map(str, places), *filter(None, sys.path)]
    start = f"import sys\nsys.path[:0] = {paths!r}\n"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", start + ONE_THREAD + code],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("guide", GUIDES, ids=lambda g: g.page)
def test_what_a_guide_adds_is_listed_studied_and_on_the_page_in_both_languages(
    guide: Guide, tmp_path: Path
) -> None:
    place = tmp_path / "site"
    place.mkdir()
    guide.install(place)
    see = (
        "\nfrom xaikit.app.cli import app\nfrom xaikit.study.plan import choose_methods\n"
        f"assert {guide.seen}\n"
        f"app(['list', '{guide.kind}', '--json'])"
    )
    told = ran("\n".join(guide.blocks("python")[1:]) + see, tmp_path, place)
    assert f'"name": "{guide.name}"' in told
    for page, words in zip(("page.html", "page-ko.html"), guide.words, strict=True):
        assert words in (tmp_path / page).read_text(encoding="utf-8")


def test_the_guide_to_models_runs_from_top_to_bottom(tmp_path: Path) -> None:
    code = "\n".join(Guide("add-a-model.md", "models", "", ("", ""), "").blocks("python"))
    ran(code, tmp_path)


def test_the_example_method_stays_as_short_as_it_is_said_to_be() -> None:
    lines = GUIDES[0].blocks("python")[0].splitlines()
    assert 50 <= len(lines) <= 65


def test_a_package_that_is_broken_is_one_line_and_the_others_are_listed(tmp_path: Path) -> None:
    place = tmp_path / "site"
    place.mkdir()
    GUIDES[0].install(place)
    (place / "xaikit_rise.py").write_text("import not_there\n")
    done = subprocess.run(
        [sys.executable, "-c", "from xaikit.app.cli import main\nmain()", "list", "methods"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{place}:{DOCS.parent}"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [
        "xaikit: the method 'rise' of package 'xaikit-rise' is left out: its entry point 'rise = "
        "xaikit_rise:Rise' raised ModuleNotFoundError (No module named 'not_there'); mend it there or "
        "leave it out."
    ]
    assert "occlusion" in done.stdout
