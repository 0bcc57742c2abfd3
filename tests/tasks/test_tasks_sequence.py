"""Sequence to sequence: log-probabilities by hand, told tokens, causes that are known, refusals."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import torch
from scipy.special import log_softmax

import xaikit
from xaikit.core.errors import DataError, InvalidInput, ModelError, NotApplicable
from xaikit.data import load_data
from xaikit.data.pairs import causes_in, make_dates
from xaikit.models.baselines import baselines_of
from xaikit.models.objectives import OBJECTIVES
from xaikit.study.plan import Plan
from xaikit.tasks import SequenceToSequence
from xaikit.tasks.sequence import END, Told, numbers

GERMAN = {"das": "the", "haus": "house", "ist": "is", "alt": "old"}
TOKENS = (END, *GERMAN.values(), "not")
SENTENCE = "das haus ist nicht alt"


def word_by_word(sources, said):
    """Logits of the next token of a rule: "nicht" stands before the last word, whatever is unknown says nothing."""
    logits = np.full((len(sources), len(TOKENS)), -2.0)
    for row, source, so_far in zip(logits, sources, said, strict=True):
        wanted = [GERMAN.get(w) for w in map(str, source) if w != "nicht"]
        if "nicht" in source:
            wanted.insert(len(wanted) - 1, "not")
        token = wanted[len(so_far)] if len(so_far) < len(wanted) else END
        if token is not None:
            row[TOKENS.index(token)] = 2.0
    return logits


def wrapped(function=word_by_word, classes=TOKENS, **facts):
    given = {
        "modality": "text",
        "task": "sequence_to_sequence",
        "sample": np.array(SENTENCE.split()),
    }
    return xaikit.wrap(function, classes=classes, **{**given, **facts})


@pytest.fixture(scope="module")
def rule():
    return wrapped()


@pytest.fixture
def sentence():
    return xaikit.Sample("sentence", np.array(SENTENCE.split()), "text")


@pytest.fixture(scope="module")
def dates():
    return make_dates(0, (40, 8, 12))


@pytest.fixture(scope="module", params=["gru_attention", "encoder_decoder"])
def net(request, dates):
    return xaikit.train(request.param, dates, epochs=1, width=16, embedding=8, progress=False)


def test_the_numbers_are_log_probabilities_by_hand() -> None:
    task = SequenceToSequence(numbers(4, (END, "a", "b")))
    raw = np.array([[[0.0, 2.0, 1.0], [0.5, 0.0, 3.0], [2.0, 1.0, 0.0], [0.0, 9.0, 0.0]]])
    logs = log_softmax(raw[0], axis=1)
    own = task.scores(raw, None)[0]
    each = [logs[0, 1], logs[1, 2], logs[2, 0]]  # a, b and the end; what comes after it is nothing
    by_hand = [
        sum(each),
        *each,
        0,
        logs[0, 2],
        logs[1, 0],
        logs[2, 1],
        0,
        1,
        2,
        0,
        -1,
        *logs[:3].max(axis=0),
    ]
    np.testing.assert_allclose(own, by_hand, atol=1e-12)
    assert task.said(own) == (1, 2, 0)
    found = task.found(raw, None)
    assert (found.tokens.tolist(), found.rivals.tolist()) == ([1, 2, 0], [2, 0, 1])
    told = task.scores(raw[:, :2], None, Told(np.array([2, 0]), np.array([0, 1])))[0]
    np.testing.assert_allclose(
        told[:3], [logs[0, 2] + logs[1, 0], logs[0, 2], logs[1, 0]], atol=1e-12
    )
    leaf = torch.tensor(raw, requires_grad=True)
    scores = task.scores(leaf, None, found)
    np.testing.assert_allclose(scores[0].detach().numpy(), own, atol=1e-12)
    scores[0, 1].backward()
    slope = -np.exp(logs[0])
    slope[1] += 1
    np.testing.assert_allclose(leaf.grad[0, 0].numpy(), slope, atol=1e-12)


def test_an_output_is_right_token_by_token() -> None:
    task = SequenceToSequence(numbers(3, (END, "a", "b")))
    scores = task.saying([(1, 2, 0), (1, 0), (2, 0)])
    labels = [(1, 2, 0), (1, 2, 0), (-1, 0)]
    found = task.measures(scores, labels)
    assert (found["exact_output"], found["correct"], found["n"]) == (1 / 3, 1, 3)
    assert found["right_tokens"] == pytest.approx(
        5 / 8
    )  # of "b" and an unknown the end stands in its place
    assert task.texts(scores[0], (1, 2, 0)) == ("ab", "ab")
    scores[1, 0] = np.log(0.75)
    assert [task.miss(s, y) for s, y in zip(scores[:2], labels[:2], strict=True)] == [
        0,
        pytest.approx(0.75),
    ]
    assert task.read("a b") == (1, 2)
    assert SequenceToSequence(numbers(3, (END, "ab", "a", " "))).read("aba ") == (1, 2, 3)


def test_masked_samples_are_read_at_what_the_whole_one_was_told(rule, sentence) -> None:
    """Exact Shapley values by all orders of five words, from the rule itself."""
    told = ["the", "house", "is", "not", "old", END]
    words = sentence.x.tolist()

    def value(kept, t):
        source = [w if k else "?" for w, k in zip(words, kept, strict=True)]
        return log_softmax(word_by_word([source], [told[:t]])[0])[TOKENS.index(told[t])]

    for t in (0, 3, 5):
        by_hand = np.zeros(5)
        for order in permutations(range(5)):
            kept = [False] * 5
            for i in order:
                before = value(kept, t)
                kept[i] = True
                by_hand[i] += (value(kept, t) - before) / 120
        (e,) = xaikit.explain(rule, sentence, "shap", target=f"token {t + 1}")
        np.testing.assert_allclose(e.values, by_hand, atol=1e-9)
    assert by_hand.max() < 1e-9  # the end follows from what was said


def test_each_token_comes_from_its_word(rule, sentence) -> None:
    cause = ["das", "haus", "ist", "nicht", "alt"]
    for t, word in enumerate(cause):
        (e,) = xaikit.explain(rule, sentence, "shap", target=f"token {t + 1}")
        assert e.top(1)[0][0] == word
        assert e.values.clip(min=0).max() > 0.99 * e.values.clip(min=0).sum()
    (whole,) = xaikit.explain(rule, sentence, "shap")
    parts = sum(
        xaikit.explain(rule, sentence, "shap", target=f"token {t}")[0].values for t in range(1, 7)
    )
    np.testing.assert_allclose(whole.values, parts, atol=1e-9)


def test_another_output_can_be_asked_about(rule, sentence) -> None:
    (e,) = xaikit.explain(rule, sentence, "occlusion", target="token 4", at="the house is old")
    assert e.top(1)[0][0] == "nicht"
    logits = np.array(
        [2.0, -2.0, -2.0, -2.0, -2.0, -2.0]
    )  # "not" is likeliest; without it, nothing is
    assert e.values.min() == pytest.approx(log_softmax(logits)[1] - np.log(1 / 6))
    task = rule.task
    against = xaikit.Target(task.outputs.index("token 4"), task.outputs.index("rival 4"), "value")
    (e,) = xaikit.explain(rule, sentence, "occlusion", target=against)
    assert e.output == pytest.approx(4.0)
    (e,) = xaikit.explain(rule, sentence, "occlusion", target="not anywhere")
    assert e.top(1)[0][0] == "nicht"


def step_by_step(model, x, said):
    """(n, V) log-probabilities, each step told the tokens before it and nothing else."""
    body, rows = model.net["body"], []
    with torch.no_grad():
        batch = model.encode([x])
        for t in range(len(said)):
            told = torch.tensor(
                [[*said[:t], 5]]
            )  # what stands in the place of the step itself is not seen
            rows.append(body(batch.at, batch.valid, told)[0, t].log_softmax(0).double().numpy())
    return np.stack(rows)


def test_a_net_says_the_likeliest_token_and_is_told_those_before(net, dates) -> None:
    x = dates.test[0].x
    anchored = net.about(x)
    said = anchored.found.tokens.tolist()
    logs = step_by_step(net, x, said)
    assert logs.argmax(axis=1).tolist() == said
    by_hand = logs[np.arange(len(said)), said]
    for scores in (anchored.scores([x])[0], net.scores([x])[0]):
        np.testing.assert_allclose(scores[1 : 1 + len(said)], by_hand, atol=1e-5)
        assert scores[0] == pytest.approx(by_hand.sum(), abs=1e-4)
    other = dates.test[1].x
    own = net.about(other).found.tokens.tolist()
    if own != said:
        logs = step_by_step(net, other, said)  # of another input, at what the first one was told
        told = anchored.scores([other, x])[0][1 : 1 + len(said)]
        np.testing.assert_allclose(told, logs[np.arange(len(said)), said], atol=1e-5)
    together = net.scores(dates.inputs("test"))
    np.testing.assert_allclose(together[0], net.scores([x])[0], atol=1e-5)


def test_words_left_out_are_read_at_what_was_told_too(net, dates) -> None:
    sample = dates.test[0]
    said = net.about(sample.x).found.tokens.tolist()
    (e,) = xaikit.explain(net, sample, "occlusion", masker="delete", target="whole output")
    for i in (0, len(sample.x) - 1):
        logs = step_by_step(net, np.delete(sample.x, i), said)
        by_hand = e.output - logs[np.arange(len(said)), said].sum()
        assert e.values[i] == pytest.approx(by_hand, abs=1e-4)


def test_gradients_add_up_and_shortcuts_change_nothing(net, dates) -> None:
    sample = dates.test[2]
    (e,) = xaikit.explain(net, sample, "integrated_gradients", target="token 2")
    assert e.values.sum() == pytest.approx(
        e.output - e.empty, abs=0.02 * max(1, abs(e.output - e.empty))
    )
    whole, short = (
        xaikit.explain(net, sample, "occlusion", plan=Plan(shortcuts=given))[0].values
        for given in (False, True)
    )
    np.testing.assert_allclose(whole, short, atol=1e-5)


def test_cross_attention_is_that_of_the_step_that_says_the_token(net, dates) -> None:
    sample = dates.test[0]
    anchored = net.about(sample.x)
    cross = [m for m in net.net.modules() if type(m).__name__ == "CrossAttention"]
    seen = []
    hooks = [m.register_forward_hook(lambda m, args, _: seen.append((m, args))) for m in cross]
    with torch.no_grad():
        batch = anchored.encode([sample.x])
        anchored.forward(batch.at, batch)
        by_hand = []
        for m, (x, memory, _) in seen:
            q, kv = m.query(x)[0], m.pair(memory)[0]
            k, size = kv[:, : kv.shape[1] // 2], q.shape[1] // m.heads
            for h in range(m.heads):
                part = slice(h * size, (h + 1) * size)
                by_hand.append((q[:, part] @ k[:, part].T / size**0.5).softmax(1).numpy())
    for hook in hooks:
        hook.remove()
    rows = np.mean(by_hand, axis=0)
    for target, row in (
        ("token 1", rows[0]),
        ("token 2", rows[1]),
        ("whole output", rows.mean(axis=0)),
    ):
        (e,) = xaikit.explain(net, sample, "cross_attention", target=target)
        np.testing.assert_allclose(e.values, row, atol=1e-6)
    assert not any(m._forward_hooks for m in net.net.modules())


def test_what_does_not_apply_is_refused_by_reason(net, rule, sentence, dates) -> None:
    with pytest.raises(NotApplicable, match="gradcam needs a spatial layer"):
        xaikit.explain(net, dates.test[0], "gradcam")
    with pytest.raises(
        NotApplicable, match="cross_attention needs attention from an output to an input"
    ):
        xaikit.explain(rule, sentence, "cross_attention")
    with pytest.raises(NotApplicable, match="attention needs attention weights"):
        xaikit.explain(net, dates.test[0], "attention")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"target": "token 7"}, "'token 7' does not exist, as 'the house is not old' has 6 tokens"),
        (
            {"target": "said 1"},
            "says which token was said and is no number to explain; use 'token 1'",
        ),
        ({"target": "label"}, "is no number of an output"),
        ({"at": "the hut"}, "'h' is none of the 6 tokens"),
        ({"at": ["the"] * 60}, "of 61 tokens with the end"),
    ],
)
def test_numbers_that_do_not_exist_are_refused(rule, sentence, asked, said) -> None:
    with pytest.raises(InvalidInput, match=said):
        xaikit.explain(rule, sentence, "occlusion", **asked)


def test_models_and_labels_that_say_no_text_are_refused(dates) -> None:
    with pytest.raises(InvalidInput, match="begin the classes with '</s>'"):
        wrapped(classes=TOKENS[::-1])
    with pytest.raises(ModelError, match=r"gave shape \(1, 2\) for 1 source"):
        wrapped(lambda sources, said: np.zeros((len(sources), 2)))
    with pytest.raises(InvalidInput, match="brought as a function"):
        wrapped(torch.nn.Linear(2, 2), encode=lambda words: ([1], [0]))
    task = SequenceToSequence(dates.outputs)
    for label in (3, (1, 2), (0, 1, 0), (99, 0), (1.5, 0)):
        with pytest.raises(InvalidInput, match="is no output"):
            task.truth(label)
    with pytest.raises(InvalidInput, match="'lstm' does no sequence_to_sequence"):
        xaikit.train("lstm", dates, progress=False)


def test_probabilities_are_taken_as_such(rule, sentence) -> None:
    model = wrapped(
        lambda s, p: np.exp(log_softmax(word_by_word(s, p), axis=1)), outputs="probabilities"
    )
    np.testing.assert_allclose(model.scores([sentence.x]), rule.scores([sentence.x]), atol=1e-6)
    assert model.task.text(model.about(sentence.x).found.tokens) == "the house is not old"


def test_dates_are_said_right_and_no_test_date_was_learned() -> None:
    data = make_dates(1, (300, 40, 60))
    task = SequenceToSequence(data.outputs)
    said = {
        split: {s.meta["target"] for s in getattr(data, split)}
        for split in ("train", "val", "test")
    }
    assert not said["train"] & said["test"]
    assert not said["train"] & said["val"]
    for s in data.test:
        year, month, day = s.meta["target"].split("-")
        assert task.text(s.label) == s.meta["target"]
        where = causes_in(s.meta["form"])
        assert s.x[where["year"]] == year
        assert s.x[where["day"]] == str(int(day))
        assert s.x[where["month"]][:3] in (
            str(int(month)), ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][int(month) - 1]
        )  # fmt: skip
        assert set(np.flatnonzero(s.rationale)) == set(where.values())
    clocks = np.mean([" at " in s.meta["text"] for s in data.train])
    assert 0.4 < clocks < 0.6
    names = baselines_of(data)
    assert set(names) == {"copy", "the most frequent output"}
    measured = [
        task.measures(scores, [s.label for s in data.test])["exact_output"]
        for scores in names.values()
    ]
    assert measured == [0, 0]


def file(tmp_path, text):
    path = tmp_path / "pairs.csv"
    path.write_text(text)
    return path


PAIRS = "source,target\n" + "".join(
    f"ein {w},{w[::-1]}\n"
    for w in ["abc", "abd", "acd", "bcd", "abe", "abf", "acf", "bcf", "abg", "acg"]
)


def test_pairs_of_a_file_are_cut_into_words_or_letters(tmp_path) -> None:
    data = load_data(file(tmp_path, PAIRS), task="sequence_to_sequence")
    task = SequenceToSequence(data.outputs)
    every = (*data.train, *data.val, *data.test)
    assert len(every) == 10
    for s in every:
        assert s.x.tolist() == s.meta["text"].split()
        assert len(s.label) == 4  # three letters and the end
        if -1 not in s.label:
            assert task.text(s.label) == s.meta["target"]
    assert set(task.tokens) == {END, *(letter for s in data.train for letter in s.meta["target"])}
    spoken = PAIRS.replace("source,target", "de,en").replace("ein ", "")
    given = {"task": "sequence_to_sequence", "text_column": "en", "label_column": "de"}
    data = load_data(file(tmp_path, spoken), **given)
    assert all(len(s.x) == 3 for s in data.train)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\nx,y\n", "has no column 'source'; it has a, b"),
        (PAIRS + "ein x,\n", "line 12 of .* has no target"),
        ("source,target\nx,y\n", "has 1 pairs; give ten or more"),
        (PAIRS.replace("cba", "a " * 60), "targets of up to 60 tokens"),
    ],
)
def test_a_file_that_holds_no_pairs_is_refused(tmp_path, text, said) -> None:
    with pytest.raises(DataError, match=said):
        load_data(file(tmp_path, text), task="sequence_to_sequence")


def test_a_net_learns_what_it_is_told_and_is_the_same_when_loaded(net, dates, tmp_path) -> None:
    objective = OBJECTIVES["sequence_to_sequence"]
    truth = objective.truth(net, dates, "test")
    raw = torch.randn(len(truth), truth.shape[1], net.task.width)
    by_hand = -np.mean(
        [
            log_softmax(raw[i, t].double().numpy())[token]
            for i, s in enumerate(dates.test)
            for t, token in enumerate(s.label)
        ]
    )
    assert objective.loss(raw, truth, raw, None).item() == pytest.approx(by_hand, rel=1e-5)
    again = xaikit.load(xaikit.save_model(net, tmp_path / "net"), device="cpu")
    np.testing.assert_array_equal(
        again.scores(dates.inputs("test")), net.scores(dates.inputs("test"))
    )
    assert again.task == net.task
    assert net.info["metrics"]["test"]["n"] == len(dates.test)


def test_the_page_says_what_was_said_and_where_each_token_comes_from(rule, tmp_path) -> None:
    label = (*(TOKENS.index(word) for word in ["the", "house", "is", "not", "old"]), 0)
    wrong = (*(TOKENS.index(word) for word in ["the", "house", "is", "old"]), 0)
    samples = [
        xaikit.Sample(name, np.array(SENTENCE.split()), "text", label=y)
        for name, y in (("a", label), ("b", wrong))
    ]
    run = xaikit.study(rule, samples, "shap,random", "none")
    found = run.context["found"]["a"]
    assert found["tokens"] == ["the", "house", "is", "not", "old", END]
    assert np.argmax(found["values"], axis=1)[:5].tolist() == [0, 1, 2, 3, 4]
    page = xaikit.write_report(run, tmp_path / "page.html").read_text()
    assert "Right: the house is not old" in page
    assert "Wrong: says the house is not old, is the house is old" in page
    table = page[page.index("What speaks for each token") :]
    nicht = table[table.index('<th scope="row">nicht') :][: table.index("</tr>")]
    assert nicht.count("100") == 1
    assert nicht[: nicht.index("100")].count("<td") == 4  # the fourth token, "not"
    assert "An empty column follows from the tokens before it" in table
    korean = xaikit.write_report(run, tmp_path / "ko.html", language="ko").read_text()
    assert "출력 토큰마다" in korean


def test_a_folder_that_says_texts_is_refused_with_the_way_out(tmp_path) -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.T5Config(
        d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2, vocab_size=20
    )
    transformers.T5ForConditionalGeneration(config).save_pretrained(tmp_path / "t5")
    with pytest.raises(
        ModelError, match=r"says a text for a text and is not read; .*sequence_to_sequence"
    ):
        xaikit.load(f"hf:{tmp_path / 't5'}")
