"""What comes next: hits and bits by hand, what simple answers must know, and causes that are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import xaikit
from xaikit.core.errors import DataError, InvalidInput
from xaikit.data import load_data
from xaikit.data.sessions import DECOYS, SOUGHT, TRIGGERS, make_sessions
from xaikit.modalities.text import MASK_WORD
from xaikit.models.baselines import baselines_of
from xaikit.report import write_report
from xaikit.study.study import study
from xaikit.tasks import NextWord, Recommendation

SMALL = (2000, 40, 200)


@pytest.fixture(scope="module")
def sessions():
    return make_sessions(0, SMALL)


def ruled(x) -> int:
    """The place in SOUGHT that two triggers in their order decide, -1 without two."""
    seen = [TRIGGERS.index(item) for item in map(str, x) if item in TRIGGERS]
    if len(set(seen)) != 2 or len(seen) != 2:
        return -1
    pairs = [(a, b) for a in range(4) for b in range(4) if a != b]
    return pairs.index((seen[0], seen[1]))


def rule(items):
    """A model that knows the rule and nothing else."""

    def answer(xs):
        scores = np.zeros((len(xs), len(items)))
        for row, x in zip(scores, xs, strict=True):
            if ruled(x) >= 0:
                row[items.index(SOUGHT[ruled(x)])] = 6.0
        return scores

    return xaikit.wrap(
        answer, modality="text", task="recommendation", classes=items, outputs="logits",
        sample=np.array(["tent", "rope", "map"]),
    )  # fmt: skip


def test_hits_are_those_counted_by_hand() -> None:
    task = Recommendation(tuple(f"i{k}" for k in range(12)))
    scores = np.tile(np.arange(12.0)[::-1], (4, 1))
    found = task.measures(scores, [0, 9, 10, 0])
    assert (found["hit_1"], found["hit_10"], found["n"]) == (0.5, 0.75, 4)
    assert found["interval_10"][0] < 0.75 < found["interval_10"][1]
    assert task.quality(found)["metric"] == "hit_1"
    assert task.quality(found)["value"] == 0.5
    alike = task.measures(np.zeros((4, 12)), [0, 1, 2, 3])
    assert (alike["hit_1"], alike["hit_10"]) == (0, 0)  # no order is no hit


def test_bits_are_the_surprise_at_the_word_that_came() -> None:
    task = NextWord(("a", "b", "c", "d"))
    scores = np.log([[0.5, 0.25, 0.125, 0.125], [0.25, 0.25, 0.25, 0.25]]) + 3
    found = task.measures(scores, [0, 1])
    assert found["bits"] == pytest.approx((1 + 2) / 2)
    assert found["accuracy"] == 0.5


def test_the_order_decides_what_comes_next(sessions) -> None:
    followed = []
    for sample in (*sessions.train, *sessions.test):
        wanted = sessions.classes.index(SOUGHT[ruled(sample.x)])
        assert wanted == sample.meta["wanted"]
        assert sorted(sample.x[sample.rationale]) == sorted(set(sample.x) & set(TRIGGERS))
        assert len(set(sample.x) & set(DECOYS)) == 2
        followed.append(sample.label == wanted)
    assert 0.85 < np.mean(followed) < 0.95


def test_co_occurrence_knows_the_pair_and_not_its_order(sessions) -> None:
    task, labels = Recommendation(sessions.outputs), [s.label for s in sessions.test]
    answers = baselines_of(sessions)
    hits = {name: task.measures(scores, labels)["hit_1"] for name, scores in answers.items()}
    assert hits["the most popular item"] < 0.15
    assert 0.3 < hits["co-occurrence"] < 0.6
    chosen = answers["co-occurrence"].argmax(axis=1)
    pairs = [{ruled(s.x), ruled(s.x[::-1])} for s in sessions.test]
    near = [
        sessions.classes[c] in {SOUGHT[i] for i in p} for c, p in zip(chosen, pairs, strict=True)
    ]
    assert np.mean(near) > 0.85
    often = np.bincount(sessions.labels("train"), minlength=len(sessions.classes))
    assert np.all(answers["the most popular item"].argmax(axis=1) == often.argmax())


def test_both_items_and_no_decoy_are_named_of_a_known_rule(sessions, tmp_path) -> None:
    model = rule(sessions.classes)
    assert model.task == Recommendation(sessions.classes)
    samples = sessions.test[:12]
    for e, sample in zip(xaikit.explain(model, samples, "shap"), samples, strict=True):
        assert e.masker == f"mask word {MASK_WORD}"
        strongest = np.argsort(-e.values)[:2]
        assert set(strongest) == set(np.flatnonzero(sample.rationale))
        assert e.values[strongest].sum() == pytest.approx(e.values.sum(), rel=0.02)
        assert e.values[strongest[0]] == pytest.approx(e.values[strongest[1]], rel=0.02)
    run = study(model, samples[:3], ["shap", "occlusion"], data=sessions, metrics="fast")
    assert not run.failures
    page = write_report(run, tmp_path / "page.html").read_text("utf-8")
    chosen = ", ".join(samples[0].x[samples[0].rationale])
    assert f"because you chose: {chosen}" in page
    assert "co-occurrence" in page


@pytest.mark.parametrize("architecture", ["gru", "gpt_small"])
def test_a_recommender_is_trained_saved_and_explained(sessions, architecture, tmp_path) -> None:
    model = xaikit.train(architecture, sessions, epochs=1, width=8, embedding=8, progress=False)
    assert model.task.name == "recommendation"
    assert {"hit_1", "hit_10"} <= set(model.info["metrics"]["test"])
    again = xaikit.load_model(xaikit.save_model(model, tmp_path / "model"))
    assert again.task == model.task
    xs = sessions.inputs("test")[:5]
    assert np.array_equal(again.scores(xs), model.scores(xs))
    found = xaikit.explain(model, sessions.test[0], "shap,integrated_gradients,occlusion")
    assert [len(e.values) for e in found] == [len(sessions.test[0].x)] * 3


def test_the_question_its_key_and_the_value_are_named_of_a_known_look_up() -> None:
    data = load_data("lookup")

    def answer(xs):
        scores = np.zeros((len(xs), len(data.classes)))
        for row, x in zip(scores, xs, strict=True):
            words = [str(w) for w in x]
            for key, value in zip(words[:-2:2], words[1:-2:2], strict=False):
                if key == words[-1] != MASK_WORD and value in data.classes:
                    row[data.classes.index(value)] = 6.0
        return scores

    model = xaikit.wrap(
        answer, modality="text", task="next_word", classes=data.classes, outputs="logits",
        sample=data.test[0].x,
    )  # fmt: skip
    assert model.task.measured(model, data.test[:200])["accuracy"] == 1
    own = data.labels("test")[0]
    rival = (own + 1) % len(data.classes)
    against = xaikit.Target(int(own), against=int(rival))
    for target in ("predicted", against):
        (e,) = xaikit.explain(model, data.test[0], "shap", target=target)
        assert set(np.argsort(-e.values)[:3]) == set(np.flatnonzero(data.test[0].rationale))
        assert e.values[data.test[0].rationale] == pytest.approx(e.values.sum() / 3, rel=0.05)
    grams = baselines_of(data)["the last two words"]
    hit = NextWord(data.outputs).measures(grams, data.labels("test"))["accuracy"]
    assert hit < 0.2


def test_a_decoder_is_trained_on_the_word_that_follows() -> None:
    data = load_data("lookup")
    short = xaikit.data.Dataset(**{**vars(data), "train": data.train[:300], "test": data.test[:40]})
    model = xaikit.train("gpt_small", short, epochs=1, width=8, embedding=8, progress=False)
    test = model.info["metrics"]["test"]
    scores = torch.tensor(model.scores(short.inputs("test")))
    loss = torch.nn.functional.cross_entropy(scores, torch.tensor(short.labels("test")))
    assert test["bits"] == pytest.approx(loss.item() / np.log(2), rel=1e-5)


def file(tmp_path, text):
    path = tmp_path / "shop.csv"
    path.write_text(text)
    return path


ROWS = "session,item,time\n" + "".join(
    f"s{i},{item},{10 * (9 - i) + t}\n"
    for i in range(10)
    for t, item in enumerate(("a b", "NA", "c"))
)


def test_sessions_of_a_file_go_forward_in_time(tmp_path) -> None:
    data = load_data(file(tmp_path, ROWS), task="recommendation")
    assert [len(data.train), len(data.val), len(data.test)] == [12, 2, 2]
    assert [s.id for s in data.test] == ["s1, choice 3", "s0, choice 3"]  # which end last
    assert {s.id.split(",")[0] for s in data.train} == {f"s{i}" for i in range(4, 10)}
    (sample,) = (s for s in data.train if s.id == "s9, choice 3")
    assert sample.x.tolist() == ["a b", "NA"]
    assert data.classes[sample.label] == "c"
    model = xaikit.train("gru", data, epochs=1, width=8, embedding=8, progress=False)
    (e,) = xaikit.explain(model, data.test[0], "occlusion")
    assert e.names == ("a b", "NA")


def test_a_session_that_goes_on_longest_is_measured_though_it_began_first(tmp_path) -> None:
    rows = [(f"s{i}", item, 2 * i + t) for i in range(1, 10) for t, item in enumerate("ab")]
    rows = [("s0", "a", 0), *rows, ("s0", "b", 100)]
    text = "session,item,time\n" + "\n".join(",".join(map(str, row)) for row in rows) + "\n"
    data = load_data(file(tmp_path, text), task="recommendation")
    assert [s.id for s in data.test][-1] == "s0, choice 2"


def test_rows_are_put_in_the_order_of_their_time(tmp_path) -> None:
    head, *rows = ROWS.splitlines()
    mixed = "\n".join([head, *reversed(rows)])
    dated = "\n".join(
        [
            head,
            *(
                f"{a},{b},2020-01-{1 + int(t) // 24:02d} {int(t) % 24:02d}:00"
                for a, b, t in (r.split(",") for r in reversed(rows))
            ),
        ]
    )
    first = load_data(file(tmp_path, ROWS), task="recommendation")
    for text in (mixed, dated):
        again = load_data(file(tmp_path, text), task="recommendation")
        assert [(s.id, *s.x) for s in again.train] == [(s.id, *s.x) for s in first.train]


def test_days_may_stand_before_months(tmp_path) -> None:
    def chosen(form):
        rows = [
            (f"s{i}", item, form.format(d=1 + 2 * i + t, m=1 + i))
            for i in range(9)
            for t, item in enumerate("ab")
        ]
        text = "session,item,time\n" + "\n".join(",".join(row) for row in reversed(rows)) + "\n"
        data = load_data(file(tmp_path, text), task="recommendation")
        return [s.id for s in (*data.train, *data.val, *data.test)]

    expected = [f"s{i}, choice 2" for i in range(9)]
    for form in ("2020-{m:02d}-{d:02d}", "{d:02d}.{m:02d}.2020", "{d:02d}/{m:02d}/2020"):
        assert chosen(form) == expected  # the last days are no months
    rows = (
        f"s{i},{x},0{4 * k + 1 + i % 3}/0{4 * k + 3 - i % 3}/2020"
        for i in range(9)
        for k, x in enumerate("ab")
    )
    text = "\n".join(["session,item,time", *rows])
    with pytest.raises(DataError, match="whose day or month may stand in front, in another order"):
        load_data(file(tmp_path, text), task="recommendation")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("session,item\na,b\n", "has no column 'time'"),
        ("session,item,time\na,,1\n", "has no item in row 2"),
        ("session,item,time\na,b,soon\n", "has 'soon' as time in row 2"),
        (ROWS.replace("NA", "A b"), "has the items 'a b' and 'A b'"),
        (ROWS.replace("NA", MASK_WORD), "stands for a removed one"),
        ("session,item,time\na,b,1\na,c,2\n", "has 1 sessions of two or more items"),
    ],
)
def test_a_file_that_holds_no_sessions_is_refused(tmp_path, text, said) -> None:
    with pytest.raises(DataError, match=said):
        load_data(file(tmp_path, text), task="recommendation")


def test_nets_that_do_not_recommend_say_so(sessions, tmp_path) -> None:
    with pytest.raises(InvalidInput, match="'lstm' does no recommendation"):
        xaikit.train("lstm", sessions, progress=False)
    with pytest.raises(InvalidInput, match="'logistic' does no recommendation"):
        xaikit.train("logistic", sessions, progress=False)
    with pytest.raises(InvalidInput, match="leave the other options of files out"):
        load_data(file(tmp_path, ROWS), task="recommendation", drop=["time"])
    with pytest.raises(InvalidInput, match="leave test out"):
        load_data(file(tmp_path, ROWS), task="recommendation", test=tmp_path / "other.csv")
