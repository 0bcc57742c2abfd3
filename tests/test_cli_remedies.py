"""The remedies from the command line: other models named by their folders, twins, ensembles, floors of a diff."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import xaikit
from xaikit.app.cli import app


def said(*words: str) -> str:
    done = CliRunner().invoke(app, [*words])
    assert done.exit_code == 0, done.output
    return done.output


def refused(*words: str) -> str:
    return str(CliRunner().invoke(app, [*words]).exception)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds of a net, trained by the command."""
    folder = tmp_path_factory.mktemp("remedies")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for seed in ("0", "1"):
            said(
                "train",
                "mlp",
                "-d",
                "wine",
                "--epochs",
                "4",
                "--seed",
                seed,
                "-o",
                f"runs/{seed}",
                "--json",
            )
    return folder


def test_models_that_are_named_reach_the_training(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    made = ("train", "mlp", "-d", "wine", "--epochs", "1", "--json")
    said(*made, "--from", "runs/0", "--freeze", "-o", "runs/frozen")
    said(*made, "--teacher", "runs/0", "--temperature", "2", "-o", "runs/taught")
    info = [xaikit.load_model(f"runs/{name}").info for name in ("frozen", "taught")]
    assert (info[0]["from"], info[0]["frozen"]) == ("wine-mlp", True)
    assert (info[1]["teacher"], info[1]["temperature"]) == ("wine-mlp", 2.0)
    assert "--freeze keeps the weights of a model; name it by --from" in refused(*made, "--freeze")
    assert "--temperature is 3.0 and belongs to --teacher" in refused(*made, "--temperature", "3")


def test_a_twin_is_saved_measured_and_named(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    told = json.loads(said("compress", "runs/0", "--int8", "--data", "wine", "--json"))
    assert told["folder"] == "runs/0-int8"
    assert told["bytes"][1] < told["bytes"][0]
    assert abs(told["after"]["accuracy"] - told["before"]["accuracy"]) < 0.2
    out = said("compress", "runs/0", "--prune", "0.5", "--data", "wine")
    assert "after · test: accuracy" in out
    assert "saved runs/0-pruned0.5 · weights" in out
    assert "nothing says how; add --int8" in refused("compress", "runs/0")


def test_folders_with_commas_between_are_one_model_and_a_diff_takes_floors(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    rest = (
        "-d",
        "wine",
        "-m",
        "shap",
        "-n",
        "2",
        "--metrics",
        "none",
        "-t",
        "label",
        "--overview",
        "0",
        "--errors",
        "0",
        "--json",
    )
    for name, models in (("0", "runs/0"), ("1", "runs/1"), ("both", "runs/0,runs/1")):
        said("explain", models, *rest, "--run", f"runs/e-{name}", "-o", f"{name}.html")
    page = (place / "both.html").read_text("utf-8")
    assert "What the 2 members say by SHAP" in page
    assert "2 x wine-mlp" in page
    told = said(
        "diff",
        "runs/e-0",
        "runs/e-both",
        "--floor",
        "runs/e-1",
        "--untrained",
        "runs/e-1",
        "-o",
        "d.html",
    )
    assert "another seed of the same recipe" in told
    assert "An untrained net moves" in told
    assert "How far is far" in (place / "d.html").read_text("utf-8")
