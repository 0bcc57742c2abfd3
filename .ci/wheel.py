"""The package as others get it: the wheel alone, in a fresh environment, away from the checkout.

Run: .venv/bin/python .ci/wheel.py (`make wheel`). The dependencies are those of the environment that runs this,
xaikit itself comes from the wheel.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKED = ("xaikit", "pyproject.toml", "README.md", "LICENSE")
USE = """
import pathlib, sys, xaikit
home = pathlib.Path(xaikit.__file__).resolve()
assert home.is_relative_to(pathlib.Path(sys.prefix).resolve()), f"xaikit comes from {home}"
data = xaikit.load_data("wine")
model = xaikit.train("logistic", data, progress=False)
print(xaikit.explain(model, data.test[0], methods=["shap"])[0].top(2))
run = xaikit.study(model, data.test[:2], "shap,occlusion,random,magnitude", data=data)
for language in ("en", "ko"):
    page = xaikit.write_report(run, f"{language}.html", language=language)
    assert f'lang="{language}"' in page.read_text("utf-8")
"""


def built(place: Path) -> Path:
    """The wheel, of a copy of the sources: nothing is left in the checkout, nothing old gets in."""
    source = place / "source"
    source.mkdir()
    for name in PACKED:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copy(ROOT / name, source)
    pip("wheel", "--no-deps", "--wheel-dir", str(place), str(source))
    (wheel,) = place.glob("xaikit-*.whl")
    return wheel


def require_whole(wheel: Path, source: Path) -> None:
    """Templates, styles and words are inside, and every extra can be asked for."""
    with zipfile.ZipFile(wheel) as file:
        inside = set(file.namelist())
        (about,) = (file.read(name).decode() for name in inside if name.endswith("/METADATA"))
    told = set(re.findall(r"^Provides-Extra: (.+)$", about, flags=re.M))
    project = tomllib.loads((source / "pyproject.toml").read_text("utf-8"))["project"]
    if lost := sorted(set(project["optional-dependencies"]) - told):
        sys.exit(f"the wheel does not know the extras {', '.join(lost)}; see pyproject.toml.")
    wanted = {
        p.relative_to(source).as_posix() for p in (source / "xaikit").rglob("*") if p.is_file()
    }
    if missing := sorted(wanted - inside):
        sys.exit(f"the wheel lacks {', '.join(missing)}; see package-data in pyproject.toml.")


def fresh(place: Path, wheel: Path) -> Path:
    """The folder of programs of an environment that holds the wheel, and borrows what it needs."""
    home = place / "env"
    venv.create(home, with_pip=False, symlinks=True)
    programs = home / "bin"
    pip("--python", str(programs / "python"), "install", "--no-deps", str(wheel))
    (packages,) = home.glob("lib/python*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return programs


def pip(*arguments: str) -> None:
    call = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    subprocess.run(call, check=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        wheel = built(place)
        require_whole(wheel, place / "source")
        programs = fresh(place, wheel)
        work = place / "work"
        work.mkdir()
        plain = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        for call in ([programs / "xaikit", "list", "methods"], [programs / "python", "-c", USE]):
            subprocess.run(call, check=True, cwd=work, env=plain)


if __name__ == "__main__":
    main()
