"""The benchmark counts and writes what it says; how long anything takes is not tested."""

from __future__ import annotations

import copy
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent.parent))  # the benchmarks are no part of the package

from benchmarks import command, harness, page, tasks
from benchmarks.harness import Options, Row
from benchmarks.tasks_lines import PARTS, Line, over_seeds

HOME = Path(harness.__file__).parent
QUICK = Options(quick=True)
ROWS = [
    Row("overhead", "lime | 32 px", "<= 1.05", (1.0, 1.25, 1.5), {"lime": (2.0, 3.0, 4.0)}, "times", False),
    Row("tabular", "shap", "<= 1", (0.5, 0.5, 0.5), {}, "us", True, "2048 evaluations"),
    Row("growth", "16 samples", "", (1e-7, 2e-7, 3e-7), {}, "seconds"),
]  # fmt: skip


def measured() -> page.Measured:
    machine = {"CPU": "an abacus", "threads": "1", "torch": "2", "date": "2026-01-02"}
    return page.Measured("python -m benchmarks", machine, ROWS, {"study": "no data."})


@pytest.mark.filterwarnings("ignore")  # of the other packages
@pytest.mark.parametrize("part", command.PARTS)
def test_every_part_gives_rows(part) -> None:
    if part == "evaluations":
        pytest.importorskip("shapiq", reason="shapiq comes with the extra 'bench'")
    assert callable(import_module(f"benchmarks.{part}").rows)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", ["overhead", "growth"])
def test_the_first_row_of_a_part_is_whole(part, monkeypatch) -> None:
    monkeypatch.setattr("benchmarks.passes.BATCHES", (32,))
    row = next(iter(import_module(f"benchmarks.{part}").rows(QUICK)))
    assert row.part == part
    assert row.unit
    for low, middle, high in (row.ours, *row.peers.values()):
        assert 0 < low <= middle <= high
    if part == "overhead":
        assert row.holds is (row.ours[1] <= 1.05)
        assert {"lime", "captum.Lime, 1 at once", "captum.Lime, 64 at once"} == set(row.peers)


def test_the_peak_of_a_child_is_its_own() -> None:
    """A child of a process larger than itself must not begin with the size of its parent."""
    from benchmarks.memory import _child

    held = np.ones(60_000_000)  # 480 MB
    assert _child("background", 10) > 0
    assert held.all()


@pytest.mark.filterwarnings("ignore")
def test_the_passes_that_are_timed_are_as_many_as_those_that_were_made() -> None:
    """Rows counted from the meters, rows that a hook on the net sees, and rows sent purely."""
    from benchmarks.nets import table_question
    from benchmarks.overhead import counted, fresh
    from benchmarks.passes import Passes
    from benchmarks.study import Counts
    from xaikit.methods.base import ask, make_method

    question = table_question(3, n=6)
    net = question.model.net
    lime = make_method("lime", budget=40)
    seen, sent, back = Counts(), Counts(), Counts()
    _ = question.per_pass  # the net is looked at once, in a pass that answers nothing
    with seen.watching(net):
        ask(lime, [fresh(question)])
    needed, masks = counted(question, lambda asked: ask(lime, [asked]))
    assert needed == seen.rows
    passes = Passes.of(question, masks)
    passes.best(), passes.best(slopes=True)
    with sent.watching(net):
        passes.forward(needed)()
    assert (sent.forward, sent.backward) == (needed, 0)
    with back.watching(net):
        passes.backward(77)()
    assert (back.forward, back.backward) == (0, 77)


def test_masked_inputs_are_those_of_the_question() -> None:
    from benchmarks.nets import table_question
    from benchmarks.passes import masked, random_masks

    question = table_question(3, n=6)
    masks = random_masks(6, 5)
    at, batch = masked(question, masks)
    with torch.no_grad():
        scores = question.model.forward(at, batch)
    means = question.target(scores.double().numpy()).reshape(5, 3).mean(axis=1)
    np.testing.assert_allclose(means, question.value(masks), rtol=1e-5)


def test_a_net_s_copies_are_counted_and_nothing_stays_behind() -> None:
    from benchmarks.study import Counts

    net, x = torch.nn.Linear(2, 2), torch.ones(3, 2)
    counts = Counts()
    with counts.watching(net):
        other = copy.deepcopy(net)
        net(x)
        with torch.no_grad():
            other(x[:2])
    net(x)
    assert (counts.backward, counts.forward) == (3, 2)
    assert counts.inputs.shape == (5, 2)
    assert not net._forward_hooks


def test_turns_go_there_and_back_and_ratios_are_taken_turn_by_turn() -> None:
    order: list[str] = []
    work = {name: (lambda name=name: order.append(name)) for name in "ab"}
    ticks = iter(range(100))
    seconds = harness.turns(work, 2, lambda: float(next(ticks)))
    assert "".join(order) == "ab" + "ab" + "ba"
    assert seconds == {"a": [1.0, 1.0], "b": [1.0, 1.0]}
    assert harness.ratios([2.0, 9.0, 4.0], [1.0, 3.0, 4.0]) == (1.0, 2.0, 3.0)
    assert harness.within((0.0, 1.05, 9.0), 1.05)
    assert not harness.within((4.0, 4.9, 6.0), 5, least=True)


def test_the_page_shows_medians_the_fastest_other_and_what_is_not_reached() -> None:
    text = page.page(page.lines(measured(), "0.2.0"))
    assert "| lime \\| 32 px | 1.25 times | 3 lime | <= 1.05 | not reached |" in text
    assert "| shap | 0.5 us |  | <= 1 |  |" in text
    assert "| 16 samples | 2e-07 seconds |  |  |  |" in text
    assert "Measured with version 0.2.0, 2026-01-02: an abacus, 1 thread, torch 2." in text
    assert max(map(len, text.splitlines())) < 400


def test_every_number_is_kept_and_parts_are_measured_anew(tmp_path) -> None:
    found = page.lines(measured(), "0.2.0")
    assert [line["peer"] for line in found] == ["", "lime", "", ""]
    assert (found[0]["low"], found[0]["high"], found[0]["holds"]) == ("1", "1.5", "no")
    (tmp_path / "a.csv").write_text(page.written(found), encoding="utf-8")
    assert page.read(tmp_path / "a.csv") == found
    assert page.read(tmp_path / "none.csv") == []
    new = [{**found[2], "median": "9"}]
    again = page.merged(found, new)
    assert [(x["part"], x["median"]) for x in again] == [
        ("overhead", "1.25"), ("overhead", "3"), ("tabular", "9"), ("growth", "2e-07")
    ]  # fmt: skip


def test_the_page_in_the_documents_is_made_of_the_numbers_beside_it() -> None:
    text = page.page(page.read(command.NUMBERS))
    assert command.DOCUMENT.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["speed"], "there is no part 'speed'; use overhead, "),
        (["study", "--device", "cuda"], "GPU"),
    ],
)
def test_what_cannot_be_run_is_refused_in_one_sentence(arguments, sentence, capsys) -> None:
    if "cuda" in arguments and torch.cuda.is_available():
        sentence = "there is no part 'study' with --device cuda"
    assert command.main(arguments) == 2
    said = capsys.readouterr().err.strip()
    assert sentence in said
    assert "\n" not in said


def test_a_part_that_is_not_there_is_said_to_be_missing(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "benchmarks.structure", None)
    missing: dict[str, str] = {}
    assert list(command._rows("structure", QUICK, missing)) == []
    assert "structure" in missing["structure"]


def test_a_figure_over_seeds_is_their_mean_with_students_interval() -> None:
    def lines(values):
        return [Line("hit", ">= .9", v) for v in values]

    (one,) = over_seeds(lines([[0.0, 1.0, 1.0, 1.0]]))
    assert (one.value, one.interval, one.holds) == (0.75, None, False)
    (found,) = over_seeds(lines([[0.8, 1.0], [1.0], [0.95]]))  # a seed counts once
    assert found.value == pytest.approx((0.9 + 1.0 + 0.95) / 3)
    half = 4.302653 * 0.05 / np.sqrt(3)  # the 97.5 % point of two degrees of freedom
    assert found.interval == pytest.approx((0.95 - half, 0.95 + half))
    assert found.holds
    assert found.told().startswith("| hit | >= .9 | 0.950 (")


def test_every_file_of_a_task_joins_the_table() -> None:
    assert tasks.main(["reconstruction", "--quick", "--seeds", "0"]) == 0
    assert {"forecasting", "reconstruction", "detection", "next_word"} <= set(PARTS)


def test_what_a_test_can_find_at_most_is_what_one_finds_that_is_told_the_spread() -> None:
    from benchmarks.compare import Planted, findable

    planted = Planted(2000, 0.25, (0.15, 0.12))
    rng = np.random.default_rng(0)
    shares = [0.14, 0.11, 0.75]  # only the second right, only the first right, alike
    counts = rng.multinomial(planted.n, shares, size=20_000)
    z = (counts[:, 0] - counts[:, 1]) / np.sqrt(planted.n * (0.25 - 0.03**2))
    assert np.mean(np.abs(z) > 1.96) == pytest.approx(findable(planted), abs=0.012)
    assert findable(Planted(2000, 0.17, (0.15, 0.12))) == pytest.approx(0.904, abs=0.001)
