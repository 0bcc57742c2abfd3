"""Imports follow the arrows of the design, and `import xaikit` stays light."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import pytest

import xaikit
from xaikit.core.later import later
from xaikit.core.moved import MOVED, new_address

ROOT = Path(xaikit.__file__).parent
FLOORS = (  # a room imports from its own floor and from those below
    {"core"},
    {"shapley", "modalities", "tasks", "models", "data"},
    {"methods"}, {"metrics"}, {"judge"}, {"study"}, {"report"}, {"app"},
)  # fmt: skip
HEAVY = {"torch", "shap", "lime", "captum", "matplotlib", "sklearn", "skimage"}


def imported(text: str, known: Collection[str] = ()) -> set[str]:
    """The modules that a source imports, inside functions too.

    known : modules, of which `from room import module` imports the one that is named
    """
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            whole = {f"{node.module}.{a.name}": node.module for a in node.names}
            found |= {name if name in known else room for name, room in whole.items()}
    return found


def sources() -> dict[str, str]:
    files = {
        p: ".".join(p.relative_to(ROOT.parent).with_suffix("").parts) for p in ROOT.rglob("*.py")
    }
    return {n.removesuffix(".__init__"): p.read_text(encoding="utf-8") for p, n in files.items()}


def arrows(modules: Mapping[str, str]) -> dict[str, set[str]]:
    return {name: imported(text, modules) & set(modules) - {name} for name, text in modules.items()}


def floor(module: str) -> int:
    room = module.split(".")[1] if "." in module else ""
    return next((i for i, rooms in enumerate(FLOORS) if room in rooms), -1)


def against(modules: Mapping[str, str]) -> list[str]:
    """Imports of a room on a higher floor."""
    pairs = [(a, b) for a, found in arrows(modules).items() for b in found if floor(a) >= 0]
    return [f"{a} -> {b}" for a, b in pairs if floor(b) > floor(a)]


def circles(graph: Mapping[str, Iterable[str]]) -> set[str]:
    """Modules that import each other in the end: what is left when nothing can be taken away."""
    left = {a: set(found) for a, found in graph.items()}
    while free := {a for a, found in left.items() if not found & left.keys()}:
        left = {a: found for a, found in left.items() if a not in free}
    return set(left)


def test_nothing_runs_against_the_arrows_or_in_a_circle() -> None:
    modules = {name: text for name, text in sources().items() if name != "xaikit"}
    assert against(modules) == []
    assert circles(arrows(modules)) == set()


def test_the_process_is_used_through_its_front_only() -> None:
    rooms = {name: found for name, found in arrows(sources()).items() if ".process" not in name}
    inner = {
        m for found in rooms.values() for m in found if m.startswith("xaikit.shapley.process.")
    }
    assert inner == set()


@pytest.mark.parametrize("lazily", ["", "def late():\n    "])
def test_a_planted_arrow_back_and_a_planted_circle_are_seen(lazily: str) -> None:
    modules = {name: text for name, text in sources().items() if name != "xaikit"}
    modules["xaikit.methods.cam"] += f"\n{lazily}import xaikit.report.page\n"
    assert against(modules) == ["xaikit.methods.cam -> xaikit.report.page"]
    modules = {name: text for name, text in sources().items() if name != "xaikit"}
    modules["xaikit.core.errors"] += f"\n{lazily}from xaikit.core import types\n"
    assert {"xaikit.core.errors", "xaikit.core.types"} <= circles(arrows(modules))


def test_the_root_holds_no_module() -> None:
    assert {p.name for p in ROOT.glob("*.py")} == {"__init__.py", "__main__.py"}


def test_the_report_needs_no_torch_and_no_method() -> None:
    for file in (ROOT / "report").rglob("*.py"):
        found = {m.split(".")[0] for m in imported(file.read_text(encoding="utf-8"))}
        assert not found & {"torch", "shap", "lime", "captum"}


def test_importing_xaikit_loads_nothing_heavy() -> None:
    code = "import sys, xaikit, xaikit.app.cli; print(*{m.split('.')[0] for m in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())


@pytest.mark.parametrize(
    "words",
    [
        "list methods",
        "list models",
        "list metrics",
        "list datasets",
        "list tasks",
        "doctor --quick",
    ],
)
def test_what_only_names_things_loads_nothing_heavy(words: str) -> None:
    code = (
        "import sys\n"
        "from xaikit.app.cli import app\n"
        f"app({words.split()}, standalone_mode=False)\n"
        "print('loaded:', *{m.split('.')[0] for m in sys.modules}, *sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    told, loaded = done.stdout.split("loaded:")
    assert len(told.splitlines()) >= 5
    assert not (HEAVY | {"pandas", "scipy.stats", "scipy.optimize"}) & set(loaded.split())


def test_a_module_for_later_is_imported_once_at_the_first_look(monkeypatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    colours = later("colorsys")
    assert "colorsys" not in sys.modules
    assert colours.rgb_to_hsv(1, 1, 1) == (0.0, 0.0, 1)
    assert colours.__dict__["rgb_to_hsv"] is sys.modules["colorsys"].rgb_to_hsv
    with pytest.raises(AttributeError, match="has no attribute 'rgb_to_cmyk'"):
        colours.rgb_to_cmyk  # noqa: B018 - the access is what is tested
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        later("no_such_package").anything  # noqa: B018


@pytest.mark.parametrize("name", xaikit.__all__)
def test_every_public_name_can_be_had(name) -> None:
    assert getattr(xaikit, name) is not None


def test_functions_that_bear_a_folders_name_stay_functions() -> None:
    importlib.import_module("xaikit.study.plan")
    importlib.import_module("xaikit.shapley.api")
    assert callable(xaikit.study)
    assert callable(xaikit.shapley)


@pytest.mark.parametrize("old", [*sorted(MOVED), "xaikit.modality.text", "xaikit.estimators.game"])
def test_addresses_of_version_0_1_go_on_working_and_say_the_new_one(old: str) -> None:
    code = (
        "import importlib, sys, warnings\n"
        "with warnings.catch_warnings(record=True) as told:\n"
        "    warnings.simplefilter('always')\n"
        f"    found = importlib.import_module('{old}')\n"
        "print(found.__name__, '|', *(str(w.message) for w in told))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    name, words = done.stdout.split("|")
    assert name.strip() == new_address(old)
    assert f"{old} is now {new_address(old)}." in words


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'xaikit' has no attribute 'gradcam'"):
        xaikit.gradcam  # noqa: B018 - the access is what is tested
