"""The command line as a person meets it: in a process of its own, with files on disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("cli")  # one process, so that its model is trained once


def xaikit(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    code = "import sys; from xaikit.app.cli import main; main()"
    env = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "160", "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *words],
        capture_output=True, text=True, cwd=cwd, env=env, timeout=300, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with a trained model and a run, made by the commands themselves."""
    folder = tmp_path_factory.mktemp("cli")
    trained = xaikit("train", "mlp", "-d", "wine", "--epochs", "30", "--json", cwd=folder)
    assert trained.returncode == 0, trained.stderr
    told = json.loads(trained.stdout)
    assert told["folder"] == "runs/wine-mlp"
    assert told["test"]["accuracy"] > 0.8
    return folder


@pytest.fixture(scope="module")
def explained(place) -> dict:
    words = ("explain", "runs/wine-mlp", "-d", "wine", "-n", "3", "--run", "runs/wine", "--json")
    methods = ("-m", "shap,integrated_gradients,random,magnitude", "--metrics", "fast")
    done = xaikit(*words, *methods, cwd=place)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_explain_writes_a_run_and_a_page(place, explained) -> None:
    assert (place / explained["run"] / "manifest.json").exists()
    page = (place / explained["report"]).read_text(encoding="utf-8")
    assert "<h1" in page
    assert "wine-mlp" in page
    assert len(explained["explanations"]) == 12
    shap = [e for e in explained["explanations"] if e["method"] == "shap"]
    assert all(abs(e["residual"]) < 1e-3 for e in shap)


def test_the_page_can_be_written_again_without_torch(place, explained) -> None:
    code = """
import sys
class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "shap", "lime", "captum"):
            raise ImportError(name + " is not there")
sys.meta_path.insert(0, NoTorch())
sys.argv = ["xaikit", "report", "runs/wine", "-o", "again.html"]
from xaikit.app.cli import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=place, check=False
    )
    assert done.returncode == 0, done.stderr
    first = (place / explained["report"]).read_bytes()
    assert (place / "again.html").read_bytes() == first


def test_the_support_table_gives_a_reason_for_every_no(place) -> None:
    done = xaikit("list", "methods", "--model", "runs/wine-mlp", "--json", cwd=place)
    rows = {row["method"]: row for row in json.loads(done.stdout)}
    assert rows["shap"]["applies"] == "yes"
    assert rows["gradcam"]["applies"] == "no"
    assert "spatial layer" in rows["gradcam"]["why not"]
    assert all(row["why not"] for row in rows.values() if row["applies"] == "no")


@pytest.mark.parametrize("what", ["methods", "models", "datasets", "metrics"])
def test_everything_can_be_listed(what, tmp_path) -> None:
    done = xaikit("list", what, "--json", cwd=tmp_path)
    rows = json.loads(done.stdout)
    assert len(rows) > 4
    assert all(all(row.values()) or what == "methods" for row in rows)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("train", "lenett", "-d", "wine"), "lenet"),
        (("train", "mlp", "-d", "no-such.csv"), "no-such.csv"),
        (("train", "mlp", "-d", "wine", "--set", "dropout"), "--set dropout is not key=value"),
        (("train", "mlp", "-d", "wine", "--set", "dropuot=1"), "dropuot"),
        (("explain", "runs/nothing", "-d", "wine"), "no model folder 'runs/nothing'"),
        (("report", "runs/nothing"), "no run folder"),
        (("list", "colours"), "cannot be listed"),
        (("compare", "-d", "wine", "--models", "mlp"), "name two different models"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(words, told, tmp_path) -> None:
    done = xaikit(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == [], "nothing half-written remains"


def test_naming_a_method_that_does_not_apply_is_recorded_not_hidden(place) -> None:
    words = ("explain", "runs/wine-mlp", "-d", "wine", "-n", "1", "-m", "gradcam,occlusion")
    done = xaikit(
        *words, "--metrics", "none", "--run", "runs/b", "-o", "b.html", "--json", cwd=place
    )
    assert done.returncode == 0, done.stderr
    (failure,) = json.loads(done.stdout)["failures"]
    assert (failure["method"], failure["kind"]) == ("gradcam", "not_applicable")
    assert "spatial layer" in (place / "b.html").read_text(encoding="utf-8")


def test_help_shows_examples(tmp_path) -> None:
    for command in ("train", "explain", "compare", "report", "list", "demo", "doctor"):
        done = xaikit(command, "--help", cwd=tmp_path)
        assert done.returncode == 0
        assert "Example" in done.stdout, command
        assert f"xaikit {command}" in done.stdout


def test_version(tmp_path) -> None:
    done = xaikit("--version", cwd=tmp_path)
    assert done.stdout.strip() == "xaikit 0.1.0"
