"""What the command line makes of its words: each option reaches what it is for, in its unit."""

from __future__ import annotations

import importlib
import importlib.metadata
import json
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from report import sample_runs
from typer.testing import CliRunner

from xaikit.app.cli import app
from xaikit.app.options import wanted_of
from xaikit.core.errors import XaikitError
from xaikit.core.types import Sample
from xaikit.data.dataset import Dataset
from xaikit.study.run import Failure

RUN = sample_runs.table_run(3)
EXPLAINING = importlib.import_module("xaikit.app.explaining")
COMPARE = importlib.import_module("xaikit.study.compare")


@dataclass
class Asked:
    """What reached the parts behind the command line."""

    load: tuple = ()
    train: tuple = ()
    study: tuple = ()
    compare: tuple = ()
    saved: list[tuple[str, Path]] = None
    pages: list[tuple[Path, str]] = None


@pytest.fixture
def asked(monkeypatch, tmp_path) -> Asked:
    """The parts behind the command line, which note what they are asked and do nothing."""
    monkeypatch.chdir(tmp_path)
    found = Asked(saved=[], pages=[])
    rows = tuple(Sample(f"s{i}", [float(i)], "table", i % 2) for i in range(40))
    data = Dataset("made", "table", "classification", ("no", "yes"), *(rows,) * 3)
    model = SimpleNamespace(
        id="made-mlp",
        classes=("a", "b"),
        info={"metrics": {"test": {"accuracy": 0.875, "n": 40}}, "data_hash": "0"},
    )

    def noted(name: str, answer: Any):
        def call(*words: Any, **options: Any) -> Any:
            setattr(found, name, (words, options))
            return answer

        return call

    def page(run: Any, out: Path, language: str = "en", **_: Any) -> Path:
        found.pages.append((Path(out), language))
        return Path(out)

    monkeypatch.setattr("xaikit.data.load_data", noted("load", data))
    monkeypatch.setattr("xaikit.models.train", noted("train", model))
    monkeypatch.setattr("xaikit.models.load_model", lambda *w, **o: model)
    monkeypatch.setattr(
        "xaikit.models.save_model",
        lambda m, place, **_: found.saved.append((m.id, Path(place))) or place,
    )
    monkeypatch.setattr(EXPLAINING, "study", noted("study", RUN))
    monkeypatch.setattr(COMPARE, "compare", noted("compare", {"title": "t", "models": []}))
    monkeypatch.setattr("xaikit.report.write_report", page)
    monkeypatch.setattr(EXPLAINING, "write_report", page)
    monkeypatch.setattr("xaikit.report.write_comparison", page)
    return found


def say(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, list(words))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output
    return done.output


def refused(*words: str) -> str:
    with pytest.raises(XaikitError) as told:
        say(*words)
    return str(told.value)


def test_every_option_of_explain_reaches_the_study(asked) -> None:
    say(
        "explain", "mlp", "-d", "made.csv", "-m", "shap,lime", "-n", "5", "-t", "label",
        "--features", "patches:4", "--masker", "blur", "--metrics", "fast", "--budget", "300",
        "--tolerance", "0.1", "--memory", "2MB", "--precision", "bfloat16", "--seed", "7",
        "--label-column", "y", "--text-column", "t", "--test", "other.csv", "--task", "regression",
        "--size", "32",
    )  # fmt: skip
    (model, samples), options = asked.study
    assert model.id == "made-mlp"
    assert [s.id for s in samples] == ["s0", "s1", "s2", "s3", "s4"]
    wanted = {
        "methods": "shap,lime", "metrics": "fast", "target": "label", "features": "patches:4",
        "masker": "blur", "seed": 7, "budget": 300, "tolerance": 0.1, "memory": 2 * 1024**2,
        "precision": "bfloat16", "progress": True,
    }  # fmt: skip
    assert {k: options[k] for k in wanted} == wanted
    assert options["data"].name == "made"
    assert asked.load == (
        ("made.csv",),
        {
            "seed": 7, "label_column": "y", "text_column": "t", "test": Path("other.csv"),
            "task": "regression", "size": 32,
        },
    )  # fmt: skip


def test_what_is_not_said_is_left_to_the_study(asked) -> None:
    say("explain", "mlp", "-d", "made.csv", "--json")
    (_, samples), options = asked.study
    assert len(samples) == 16
    wanted = {
        "methods": "auto", "metrics": "auto", "target": "predicted", "features": "auto",
        "masker": "auto", "seed": 0, "budget": "auto", "tolerance": 0.05, "memory": None,
        "precision": "float32", "progress": False,
    }  # fmt: skip
    assert {k: options[k] for k in wanted} == wanted
    assert asked.load == (("made.csv",), {"seed": 0})


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("4096", 4096), ("1KB", 1024), ("512MB", 512 * 1024**2), ("2GB", 2 * 1024**3),
        ("1.5GiB", int(1.5 * 1024**3)), ("64m", 64 * 1024**2), (" 3 k ", 3 * 1024),
    ],
)  # fmt: skip
def test_memory_is_read_in_powers_of_1024(asked, text, n) -> None:
    say("explain", "mlp", "-d", "x.csv", "--memory", text)
    assert asked.study[1]["memory"] == n


@pytest.mark.parametrize("text", ["0", "0MB", "-1", "MB", "2TB", "1e9", "2 GB more"])
def test_what_is_no_memory_is_refused(asked, text) -> None:
    told = refused("explain", "mlp", "-d", "x.csv", f"--memory={text}")
    assert told == f"--memory is {text}; write for example 512MB or 2GB."
    assert asked.study == ()


@pytest.mark.parametrize(("text", "n"), [("4", 4), ("auto", "auto"), ("2048", 2048)])
def test_a_budget_is_auto_or_a_whole_number_from_4(asked, text, n) -> None:
    say("explain", "mlp", "-d", "x.csv", "--budget", text)
    assert asked.study[1]["budget"] == n
    for wrong in ("3", "0", "-8", "many", "4.5"):
        told = refused("explain", "mlp", "-d", "x.csv", f"--budget={wrong}")
        assert told == f"--budget is {wrong}; give auto or a whole number of 4 or more."


def test_a_model_is_trained_with_the_seed_and_kept_or_read_from_its_folder(asked, tmp_path) -> None:
    say("explain", "mlp", "-d", "x.csv", "--seed", "9", "--device", "cpu")
    (name, _), options = asked.train
    assert (name, options["seed"], options["device"]) == ("mlp", 9, "cpu")
    assert asked.saved == [("made-mlp", Path("runs/made-mlp"))]
    asked.train = ()
    (tmp_path / "own").mkdir()
    say("explain", "own", "-d", "x.csv")
    assert asked.train == ()
    assert refused("explain", "runs/gone", "-d", "x.csv") == (
        "no model folder 'runs/gone'; train one with `xaikit train`."
    )


def test_pages_and_numbers_go_where_they_are_told_or_under_the_models_name(asked) -> None:
    say("explain", "mlp", "-d", "x.csv", "--language", "ko")
    assert asked.pages == [(Path("reports/made-mlp.html"), "ko")]
    assert Path("runs/explain-made-mlp/manifest.json").exists()
    told = say("explain", "mlp", "-d", "x.csv", "-o", "a/b.html", "--run", "c/d", "--json")
    assert asked.pages[-1] == (Path("a/b.html"), "en")
    assert Path("c/d/manifest.json").exists()
    found = json.loads(told)
    assert (found["run"], found["report"]) == ("c/d", "a/b.html")


def test_json_tells_verdicts_strongest_features_and_failures(asked) -> None:
    found = json.loads(say("explain", "mlp", "-d", "x.csv", "--json"))
    assert [(v["method"], v["status"], v["reason"]) for v in found["verdicts"]] == [
        (v.method, v.status, v.reason) for v in RUN.verdicts()
    ]
    for told, v in zip(found["verdicts"], RUN.verdicts(), strict=True):
        assert (told["than"], told["share"], told["needed"]) == (v.than, v.share, v.needed)
        assert [(c["name"], c["passed"], c["applies"], c["sentence"]) for c in told["checks"]] == [
            (c.name, c.passed, c.applies, c.sentence) for c in v.checks
        ]
    chosen = RUN.choice()
    assert found["choice"]["shown"] == chosen.shown
    assert found["choice"]["use"] == list(chosen.use)
    assert len(found["explanations"]) == len(RUN.explanations)
    for told, e in zip(found["explanations"], RUN.explanations, strict=True):
        assert (told["sample"], told["method"]) == (e.sample_id, e.method)
        assert told["residual"] == pytest.approx(e.residual)
        strongest = sorted(zip(e.names, e.values, strict=True), key=lambda x: -abs(x[1]))[:5]
        assert [name for name, _ in told["top"]] == [name for name, _ in strongest]


@pytest.mark.parametrize("words", [(), ("--json",)])
@pytest.mark.parametrize(("kind", "code"), [("error", 1), ("not_applicable", 0)])
def test_a_method_that_broke_ends_in_code_1_and_one_that_does_not_apply_in_0(
    asked, monkeypatch, kind, code, words
) -> None:
    failure = Failure("lime", "made-mlp", "why it broke", kind, "row 3", "do this")
    monkeypatch.setattr(EXPLAINING, "study", lambda *a, **k: replace(RUN, failures=(failure,)))
    told = say("explain", "mlp", "-d", "x.csv", *words, code=code)
    if words:
        (only,) = json.loads(told)["failures"]
        assert only == {
            "method": "lime", "model_id": "made-mlp", "reason": "why it broke", "kind": kind,
            "sample_id": "row 3", "remedy": "do this",
        }  # fmt: skip
    else:
        assert ("lime on row 3: why it broke" in told) == bool(code)


def test_training_passes_settings_as_numbers_words_and_switches(asked) -> None:
    told = say(
        "train", "mlp", "-d", "x.csv", "--epochs", "3", "--seed", "4", "--set", "width=16",
        "--set", "dropout=0.25", "--set", "flip=true", "--set", "pool=max", "--set", "note=a=b",
    )  # fmt: skip
    (name, data), options = asked.train
    assert (name, data.name) == ("mlp", "made")
    wanted = {
        "epochs": 3, "seed": 4, "width": 16, "dropout": 0.25, "flip": True, "pool": "max", "note": "a=b",
    }  # fmt: skip
    assert {k: options[k] for k in wanted} == wanted
    assert type(options["width"]) is int
    assert asked.saved == [("made-mlp", Path("runs/made-mlp"))]
    assert "test: accuracy 0.875, n 40" in told
    for wrong in ("width", "=3"):
        assert refused("train", "mlp", "-d", "x.csv", "--set", wrong) == (
            f"--set {wrong} is not key=value; write for example --set dropout=0.2."
        )


def test_compare_passes_its_words_and_names_its_page(asked) -> None:
    say("compare", "-d", "x.csv", "--models", "boosting,mlp", "-n", "12", "--seed", "2")
    (data,), options = asked.compare
    assert data.name == "made"
    wanted = {"models": "boosting,mlp", "n": 12, "seed": 2, "device": "auto"}
    assert {k: options[k] for k in wanted} == wanted
    assert asked.pages == [(Path("reports/compare-made.html"), "en")]
    found = json.loads(say("compare", "-d", "x.csv", "-o", "p.html", "--json"))
    assert (found["page"], found["title"]) == ("p.html", "t")
    assert asked.compare[1]["n"] == 24
    say("compare", "-d", "x.csv", "-n", "1", code=2)


def test_report_reads_the_run_and_takes_its_name(asked) -> None:
    RUN.save("runs/one")
    say("report", "runs/one", "--language", "ko")
    assert asked.pages == [(Path("reports/one.html"), "ko")]


def test_a_cell_of_a_table_is_printed_as_it_stands(monkeypatch) -> None:
    monkeypatch.setattr(
        "xaikit.app.listing.listing", lambda what, model: (["name"], [["[bold]a[/bold]"]])
    )
    assert "[bold]a[/bold]" in say("list", "methods")


def test_a_quick_doctor_says_versions_and_checks_nothing() -> None:
    told = json.loads(say("doctor", "--quick", "--json"))
    assert told["checks"] == []
    assert told["facts"]["torch"] == importlib.metadata.version("torch")
    assert {"numpy", "python"} < set(told["facts"])
    assert "gpu" not in told["facts"]
    assert f"python: {told['facts']['python']}" in say("doctor", "--quick")
    assert refused("doctor", "--quick", "--truth") == (
        "--quick checks nothing; leave out --truth and --model."
    )


def test_doctor_ends_in_code_1_when_an_answer_is_wrong(monkeypatch) -> None:
    heads = ["method", "answer", "on", "largest error"]
    for answer, code in (("right", 0), ("untried", 0), ("wrong", 1)):
        monkeypatch.setattr(
            "xaikit.app.doctor.check_methods", lambda a=answer: (heads, [["shap", a, "x", "1e-9"]])
        )
        monkeypatch.setattr("xaikit.app.machine.facts", lambda quick: {"python": "3"})
        told = json.loads(say("doctor", "--json", code=code))
        assert told["checks"] == [dict(zip(heads, ["shap", answer, "x", "1e-9"], strict=True))]


def test_flip_reaches_the_search_and_its_lines_are_printed(asked, monkeypatch) -> None:
    told = {"key": "flip.value", "numbers": {"value": 2.5}}
    held = [{"sample": "s0", "told": [told], "others": [{"told": [told]}]}]
    held.append({"sample": "s1", "told": [], "refused": "nothing turns it."})
    noted: list[Any] = []
    monkeypatch.setattr(EXPLAINING, "flips", lambda *w, **o: noted.append((w, o)) or held[:1])
    monkeypatch.setattr(EXPLAINING, "worst_errors", lambda *_: [])
    run = replace(RUN, context={**RUN.context, "flips": held})
    monkeypatch.setattr(EXPLAINING, "study", lambda *_, **o: noted.append(o["flips"]) or run)
    said = say(
        "explain", "mlp", "-d", "made.csv", "--flip", "--immutable", "age, sex", "--increasing", "a",
        "--wanted", ":10", "--masker", "median",
    )  # fmt: skip
    (words, options), flips = noted
    assert flips == held[:1]
    assert words[2].name == "made"
    assert (options["immutable"], options["increasing"], options["decreasing"]) == (
        ("age", "sex"), ("a",), (),
    )  # fmt: skip
    assert options["wanted"] == (None, 10)
    assert options["plan"].masker == "median"
    assert "s0: 2.5\n  or: 2.5\ns1: nothing turns it.\n" in said


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("good", "good"), ("25", 25.0), ("10:20", (10, 20)), ("-1.5:", (-1.5, None)), ("1:2:3", "1:2:3")],
)  # fmt: skip
def test_what_is_wanted_is_a_class_a_number_or_a_range(text, wanted) -> None:
    assert wanted_of(text) == wanted


def test_what_belongs_to_flip_is_refused_without_it(asked) -> None:
    said = refused("explain", "mlp", "-d", "x.csv", "--immutable", "age")
    assert said == "--immutable is age and belongs to --flip; add --flip."
    said = refused("explain", "mlp", "-d", "x.csv", "--flip", "--values", "v.npz")
    assert said == "--values v.npz writes numbers only; leave out --flip, or --values."


def test_explain_ends_with_the_finding_three_lines_and_the_page_in_80_columns(asked) -> None:
    told = say("explain", "mlp", "-d", "x.csv")
    end = told.splitlines()
    at = next(i for i, line in enumerate(end) if line.startswith("accuracy"))
    end = end[at - 1 :]
    assert end[0] == "3 samples are too few to say what digits-cnn goes by; it takes 10"
    assert all(len(line) <= 80 for line in end), end
    assert end[1] == "accuracy 93.2 % (90.6 % to 95.1 %) on 497 test rows"
    labels = {line[:20].strip() for line in end[3:-3]} - {""}
    assert labels == {"none to name", "not enough to tell"}
    assert end[-2:] == ["numbers: runs/explain-made-mlp", "page:    reports/made-mlp.html"]
    assert "verdict" not in told


def test_every_check_is_told_by_a_command_of_its_own(asked) -> None:
    RUN.save("runs/one")
    told = json.loads(say("verdict", "runs/one", "--json"))
    assert {(row["verdict"], row["why"]) for row in told} == {
        (v.status.replace("_", " "), v.reason) for v in RUN.verdicts()
    }
    assert "integrated" in say("verdict", "runs/one").lower()


@pytest.mark.parametrize("command", ["explain", "report"])
def test_open_shows_the_page(asked, monkeypatch, command) -> None:
    shown: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: shown.append(url) or len(shown) < 2)
    RUN.save("runs/one")
    words = {"explain": ("mlp", "-d", "x.csv"), "report": ("runs/one",)}[command]
    say(command, *words)
    assert shown == []
    said = say(command, *words, "--open")
    assert shown[0].startswith("file:///")
    assert shown[0].endswith(".html")
    assert "no browser" not in said
    assert "no browser was found; open reports/" in say(command, *words, "--open")
