"""The command line as a person meets it: in a process of its own, with files on disk."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from xaikit import __version__

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
    assert len(explained["explanations"]) == 4 * (3 + len(explained["added"]))
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


FACTORY = """
import torch


def make():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(13, 3))
"""


def test_a_factory_of_your_own_is_a_model_with_the_weights_of_a_file(tmp_path) -> None:
    from safetensors.torch import save_file

    (tmp_path / "nets.py").write_text(FACTORY)
    weights = {"0.weight": torch.zeros(3, 13), "0.bias": torch.tensor([0.0, 0.0, 5.0])}
    save_file(weights, tmp_path / "own.safetensors")
    words = ("explain", "--model", "nets:make", "--weights", "own.safetensors", *QUICK)
    done = xaikit(*words, "-d", "wine", "--run", "r", "-o", "p.html", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "r" / "manifest.json").read_text())
    assert "make" in json.dumps(told)
    for given, match in (
        (("nets:make", "--weights", "nets.py"), "'nets.py' is not read"),
        (("nets:nothing",), "'nets' has no function 'nothing'"),
        (("nowhere:make",), "importing 'nowhere' raised ModuleNotFoundError"),
        (("hf:nowhere",), "there is no folder 'nowhere'"),
        (("nets:make", "--model", "nets:make"), "name one model"),
        (("tree", "--weights", "own.safetensors"), "belongs to a factory"),
    ):
        wrong = xaikit("explain", *given, "-d", "wine", *QUICK, cwd=tmp_path)
        assert wrong.returncode == 2
        assert match in wrong.stderr
        assert len(wrong.stderr.strip().splitlines()) == 1


def test_a_folder_of_hugging_face_and_a_file_become_a_page_by_one_command(tmp_path) -> None:
    toy = pytest.importorskip("toy_folders")
    toy.text_folder("bert", tmp_path / "my-bert")
    rows = [
        f"{'positive' if i % 2 else 'negative'},a film of {i} terrible scenes" for i in range(30)
    ]
    (tmp_path / "reviews.csv").write_text("\n".join(["sentiment,text", *rows]))
    words = ("explain", "hf:my-bert", "-d", "reviews.csv", "-m", "occlusion,integrated_gradients")
    done = xaikit(*words, "-n", "1", "--metrics", "none", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "reports" / "my-bert.html").read_text(encoding="utf-8")
    assert "terrible" in page
    assert "negative" in page


def test_naming_a_method_that_does_not_apply_is_recorded_not_hidden(place) -> None:
    words = ("explain", "runs/wine-mlp", "-d", "wine", "-n", "1", "-m", "gradcam,occlusion")
    done = xaikit(
        *words, "--metrics", "none", "--run", "runs/b", "-o", "b.html", "--json", cwd=place
    )
    assert done.returncode == 0, done.stderr
    (failure,) = json.loads(done.stdout)["failures"]
    assert (failure["method"], failure["kind"]) == ("gradcam", "not_applicable")
    assert "spatial layer" in (place / "b.html").read_text(encoding="utf-8")


def lay(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


OWN = {
    "own/manifest.json": b'{"name": "my web app"}',
    "own/config.json": b'{"mine": true}',
    "own/thesis.txt": b"three years of work",
    "runs/wine-logistic/config.json": b"[]",
    "runs/waves-fcn_1d/notes.txt": b"mine",
    "reports/compare-wine.html": b"<p>my page",
    "page.html": b"<p>my page",
}
QUICK = ("-m", "occlusion", "--metrics", "none", "-n", "1", "--json")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("train", "logistic", "-d", "wine", "--out", "own"), "'own' is not empty and holds no model"),
        (("train", "logistic", "-d", "wine"), "'runs/wine-logistic' is not empty and holds no model"),
        (("explain", "logistic", "-d", "wine", *QUICK), "'runs/wine-logistic' is not empty"),
        (("explain", "tree", "-d", "wine", "--run", "own", *QUICK), "'own' is not empty and holds no run"),
        (("explain", "tree", "-d", "wine", "-o", "page.html", *QUICK), "'page.html' is there already"),
        (("compare", "-d", "wine"), "'reports/compare-wine.html' is there already"),
        (("demo",), "'runs/waves-fcn_1d' is not empty and holds no model"),
    ],
)  # fmt: skip
def test_what_is_a_persons_own_stops_a_command_before_its_work(words, told, tmp_path) -> None:
    lay(tmp_path, OWN)
    done = xaikit(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert told in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert files(tmp_path) == OWN


def test_a_name_in_a_model_folder_decides_no_path(place, tmp_path) -> None:
    """The folder may come from anybody; nothing is written but in runs/ and reports/."""
    lay(tmp_path, {"site/index.html": b"my home page", "site/explain-x/manifest.json": b"{}"})
    shutil.copytree(place / "runs" / "wine-mlp", tmp_path / "work" / "given")
    config = tmp_path / "work" / "given" / "config.json"
    for id in ("../../site/index", str(tmp_path / "site" / "index"), "x\n/../../../site/explain-x"):
        config.write_text(json.dumps({**json.loads(config.read_text()), "id": id}))
        before = files(tmp_path)
        done = xaikit("explain", "given", "-d", "wine", *QUICK, cwd=tmp_path / "work")
        assert done.returncode == 0, done.stderr
        new = {name: c for name, c in files(tmp_path).items() if before.get(name) != c}
        assert {name.split("/")[1] for name in new} == {"runs", "reports"}
        assert all(name.count("/") in (2, 3) and "~" in name for name in new)


def test_a_page_is_overwritten_by_force_only_and_notes_stay(place, explained, tmp_path) -> None:
    shutil.copytree(place / "runs" / "wine", tmp_path / "run")
    lay(tmp_path, {"run/notes.txt": b"mine", "page.html": b"<p>my page"})
    words = ("report", "run", "-o", "page.html")
    done = xaikit(*words, cwd=tmp_path)
    assert (done.returncode, "xaikit did not write it" in done.stderr) == (2, True)
    assert (tmp_path / "page.html").read_bytes() == b"<p>my page"
    for more in (("--force",), ()):  # the second time the page is xaikit's own
        assert xaikit(*words, *more, cwd=tmp_path).returncode == 0
        assert b"<h1" in (tmp_path / "page.html").read_bytes()
    assert (tmp_path / "run" / "notes.txt").read_bytes() == b"mine"


def test_help_shows_examples(tmp_path) -> None:
    for command in ("train", "explain", "compare", "report", "list", "demo", "doctor"):
        done = xaikit(command, "--help", cwd=tmp_path)
        assert done.returncode == 0
        assert "Example" in done.stdout, command
        assert f"xaikit {command}" in done.stdout


def test_version(tmp_path) -> None:
    done = xaikit("--version", cwd=tmp_path)
    assert done.stdout.strip() == f"xaikit {__version__}"
