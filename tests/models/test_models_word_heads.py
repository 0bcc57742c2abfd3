"""Heads that answer about words: the label of one, and the answer to a question."""

from __future__ import annotations

from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import toy_folders as toy

import xaikit
from xaikit.core.errors import InvalidInput, NotApplicable
from xaikit.core.words import PART, Text
from xaikit.methods.base import make_method
from xaikit.models.huggingface import CutText
from xaikit.models.huggingface_heads import AnswerHead, LabelHead
from xaikit.study.given import samples_of

SENTENCE = "unbelievably tiny acting spoils it"
QUESTION, CONTEXT = "who spoils it", "the tiny film, unbelievably"
NAMES = tuple(toy.TEXT)
ALL = (True,) * 5


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("heads")


@pytest.fixture(scope="module")
def load(place):
    known = {}

    def loaded(name, head):
        if (name, head) not in known:
            folder = toy.text_folder(name, place / f"{name}-{head}", head)
            kind = getattr(toy.tf, toy.TEXT[name][0].replace("SequenceClassification", head))
            net = kind.from_pretrained(folder, attn_implementation="eager").eval()
            cut = toy.tf.AutoTokenizer.from_pretrained(folder)
            known[name, head] = xaikit.load(f"hf:{folder}", device="cpu"), net, cut
        return known[name, head]

    return loaded


def encoded(cut, texts):
    """What the tokeniser makes of the texts, and the word of each token, counted through both; -1 for none."""
    found = cut(*texts, return_offsets_mapping=True, return_tensors="pt")
    offsets = found.pop("offset_mapping")[0].tolist()
    owners, before = [], [0, len(words_of(texts[0]))]
    for i, part in enumerate(found.sequence_ids()):
        inside = [] if part is None else [c for c in range(*offsets[i]) if texts[part][c] != " "]
        spans = [] if part is None else words_of(texts[part])
        held = [w for w, (a, b) in enumerate(spans) if inside and a <= inside[0] < b]
        owners.append(held[0] + before[part] if held else -1)
    return found, np.array(owners)


def words_of(text):
    """Where the words stand, a comma by itself."""
    spans, start = [], 0
    for word in text.replace(",", " ,").split():
        start = text.index(word, start)
        spans.append((start, start + len(word)))
        start += len(word)
    return spans


def masked(found, owners, cut, mask):
    tokens = (cut.mask_token_id, cut.unk_token_id, cut.pad_token_id)
    stand_in = next(t for t in tokens if t is not None)
    ids = [
        i if o < 0 or mask[o] else stand_in
        for i, o in zip(found["input_ids"][0].tolist(), owners, strict=True)
    ]
    return {**found, "input_ids": torch.tensor([ids])}


def odds(logits, k):
    others = np.delete(logits, k)
    return float(logits[k] - np.log(np.exp(others).sum()))


@pytest.mark.parametrize("name", NAMES)
def test_the_label_of_a_word_is_explained_as_by_hand(name, load):
    model, net, cut = load(name, "TokenClassification")
    found, owners = encoded(cut, [SENTENCE])
    at = int(np.flatnonzero(owners == 2)[0])  # "acting", its first token
    known = {}
    for mask in product([False, True], repeat=5):
        with torch.no_grad():
            row = net(**masked(found, owners, cut, mask)).logits[0, at].double().numpy()
        known[mask] = odds(row, 2)
    asked = ["occlusion", "shap", "integrated_gradients"]
    occluded, shapley, path = xaikit.explain(model, [SENTENCE], asked, target="acting: B-LOC")
    left = [tuple(j != i for j in range(5)) for i in range(5)]
    assert occluded.target.index == 2
    np.testing.assert_allclose(occluded.values, [known[ALL] - known[m] for m in left], atol=2e-4)
    for one in (shapley, path):
        assert one.output == pytest.approx(known[ALL], abs=1e-4)
        assert one.empty == pytest.approx(known[(False,) * 5], abs=1e-4)
    assert abs(path.residual) < 0.02 * max(0.1, abs(path.output - path.empty))


@pytest.mark.parametrize("name", ["bert", "roberta", "xlm-roberta", "llama"])
def test_the_word_that_is_meant_is_the_most_certain_that_is_something(name, load):
    model, net, cut = load(name, "TokenClassification")
    pipe = toy.tf.pipeline("token-classification", model=net, tokenizer=cut, device="cpu", ignore_labels=[])  # fmt: skip
    question = xaikit.make_question(model, xaikit.Sample("a", np.array(SENTENCE.split()), "text"))
    found, owners = encoded(cut, [SENTENCE])
    with torch.no_grad():
        p = net(**found).logits[0].softmax(-1).double().numpy()
    firsts = [int(np.flatnonzero(owners == w)[0]) for w in range(5)]
    certain = [p[t].max() - (p[t].argmax() == 0) for t in firsts]
    word = int(np.argmax(certain if max(certain) > 0 else [-p[t, 0] for t in firsts]))
    assert question.sample.meta["asked"] == [word]
    assert question.target.index == p[firsts[word]].argmax()
    said = {one["index"]: one for one in pipe(SENTENCE)}[firsts[word]]
    (scores,) = model.scores([question.sample.x])
    right = np.exp(scores - scores.max())
    assert said["score"] == pytest.approx(right.max() / right.sum(), abs=1e-4)
    assert said["entity"] == toy.TAGS[question.target.index]


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_is_explained_as_by_hand(name, load):
    model, net, cut = load(name, "QuestionAnswering")
    found, owners = encoded(cut, [QUESTION, CONTEXT])
    n = 8
    assert set(owners) == {-1, *range(n)}

    def logs(mask):
        with torch.no_grad():
            seen = net(**masked(found, owners, cut, mask))
        return [each[0].double().log_softmax(0).numpy() for each in (seen.start_logits, seen.end_logits)]  # fmt: skip

    starts, ends = logs((True,) * n)
    spans = [
        (i, j, np.flatnonzero(owners == i)[0], np.flatnonzero(owners == j)[-1])
        for i in range(3, n)
        for j in range(i, n)
    ]
    i, j, start, end = max(spans, key=lambda s: starts[s[2]] + ends[s[3]])
    masks = [(True,) * n, (False,) * n, *(tuple(k != w for k in range(n)) for w in range(n))]
    known = [sum(each[at] for each, at in zip(logs(m), (start, end), strict=True)) for m in masks]
    asked = ["occlusion", "integrated_gradients"]
    occluded, path = xaikit.explain(model, [(QUESTION, CONTEXT)], asked)
    np.testing.assert_allclose(occluded.values, np.array(known[0]) - known[2:], atol=2e-4)
    assert path.output == pytest.approx(known[0], abs=1e-4)
    assert path.empty == pytest.approx(known[1], abs=1e-4)
    assert abs(path.residual) < 0.02 * max(0.1, abs(path.output - path.empty))
    text = Text.cut(PART.join((QUESTION, CONTEXT)), [*QUESTION.split(), "the", "tiny", "film", ",", "unbelievably"])  # fmt: skip
    sample = xaikit.Sample("a", text, "text", meta={"text": text.written})
    assert xaikit.make_question(model, sample).sample.meta["asked"] == [i, j]


def test_words_and_answers_by_numbers_that_can_be_read():
    """Three words of two, one and two tokens between two that belong to none."""
    text, owners = Text(["Kim", "met", "Lee"]), [-1, 0, 0, 1, 2, 2, -1]
    head = LabelHead(toy.TAGS)
    logits = torch.tensor(
        [[0, 0, 0], [0, 2, 0], [0, 9, 0], [9, 0, 0], [0, 0, 3], [0, 9, 0], [0, 9, 0]]
    )
    seen = SimpleNamespace(logits=logits[None].float())
    assert head.chosen(seen, 0, owners, text) == (2,)  # "met" is surer to be nothing
    assert head.tokens((2,), owners, text) == (4,)
    seen.logits[0, :, 0] += 20
    assert head.chosen(seen, 0, owners, text) == (
        0,
    )  # all are; of their first tokens the least sure
    answers = SimpleNamespace(
        start_logits=torch.tensor([[9, 1, 5, 0, 2, 9, 9.0]]),
        end_logits=torch.tensor([[9, 5, 1, 2, 9, 1, 9.0]]),
    )
    assert AnswerHead().chosen(answers, 0, owners, text) == (0, 1)
    assert AnswerHead().tokens((0, 2), owners, text) == (1, 5)


def test_a_padded_batch_scores_each_as_alone(load):
    for head in ("TokenClassification", "QuestionAnswering"):
        model, _, _ = load("bert", head)
        texts = [Text(s.split()) for s in (SENTENCE, "a film", "tiny")]
        alone = np.concatenate([model.scores([t]) for t in texts])
        np.testing.assert_allclose(model.scores(texts), alone, atol=1e-5)


def test_another_word_and_another_answer_can_be_asked_about(load):
    model, net, cut = load("bert", "QuestionAnswering")
    found, owners = encoded(cut, [QUESTION, CONTEXT])
    (one,) = xaikit.explain(model, [(QUESTION, CONTEXT)], ["occlusion"], target="tiny film")
    with torch.no_grad():
        seen = net(**found)
    start, end = np.flatnonzero(owners == 4)[0], np.flatnonzero(owners == 5)[-1]
    right = seen.start_logits[0].log_softmax(0)[start] + seen.end_logits[0].log_softmax(0)[end]
    assert one.output == pytest.approx(float(right), abs=1e-4)
    model, _, _ = load("bert", "TokenClassification")
    (by_word,) = xaikit.explain(model, ["tiny film tiny"], ["occlusion"], target="film: B-PER")
    (by_place,) = xaikit.explain(model, ["tiny film tiny"], ["occlusion"], target="1: B-PER")
    assert by_word.output == by_place.output
    (guess,) = xaikit.explain(model, ["tiny film tiny"], ["occlusion"], target="film:")
    assert guess.output >= by_word.output
    assert by_word.target_names == ("film: B-PER",)


def test_what_cannot_be_asked_is_said(load):
    words, _, _ = load("bert", "TokenClassification")
    answers, _, _ = load("bert", "QuestionAnswering")
    for target, match in (
        ("tiny: B-LOC", "'tiny' stands at the places 0, 2 of the text; name one by its place"),
        ("films: B-LOC", "'films' is no word of the text"),
        ("film: CITY", "ends in no label; name a word and one of O, B-PER, B-LOC"),
        ("CITY", "target 'CITY' is no class"),
    ):
        with pytest.raises(InvalidInput, match=match):
            xaikit.explain(words, ["tiny film tiny"], ["occlusion"], target=target)
    with pytest.raises(InvalidInput, match=r"give both: a tuple \(question, text\), or two"):
        xaikit.explain(answers, ["who spoils it"], ["occlusion"])
    with pytest.raises(InvalidInput, match="'spoils' stands 0 times in the text"):
        xaikit.explain(answers, [(QUESTION, CONTEXT)], ["occlusion"], target="spoils")
    with pytest.raises(NotApplicable, match="about the word 'tiny' where it stands.*masker 'mask'"):
        xaikit.explain(words, ["tiny film"], ["occlusion"], target="tiny: O", masker="delete")
    for asked, match in (([9], r"words \[9\] of 2"), ([0, 1], "a label is that of one word")):
        sample = xaikit.Sample("a", np.array(["tiny", "film"]), "text")
        with pytest.raises(InvalidInput, match=match):
            xaikit.explain(words, [xaikit.Sample("a", sample.x, "text", meta={"asked": asked})], ["occlusion"])  # fmt: skip
    cut = xaikit.Sample("a", np.array(["wonderful"] * 60), "text", meta={"asked": [59]})
    with (
        pytest.warns(CutText),
        pytest.raises(InvalidInput, match="does not read the word 'wonderful'.*ask about one"),
    ):
        xaikit.explain(words, [cut], ["occlusion"])


def test_the_word_stays_the_one_that_was_chosen(load):
    """A net with other weights, and a text with masked words, are asked about the same word."""
    model, _, _ = load("bert", "TokenClassification")
    sample = xaikit.make_question(
        model, xaikit.Sample("a", np.array(SENTENCE.split()), "text")
    ).sample
    twin = model.randomised(model.layers(), np.random.default_rng(0))
    for other in (model, twin):
        at = other.encode([sample.x.saying(["[MASK]"] * 5)])
        assert at.words[0][at.asked[0]].tolist() == sample.meta["asked"]


def test_what_a_decoder_reads_later_counts_for_nothing(load):
    model, _, _ = load("gpt2", "TokenClassification")
    (found,) = xaikit.explain(model, [SENTENCE], ["integrated_gradients"], target="tiny: B-PER")
    assert found.values[:2].all()
    assert not found.values[2:].any()


def test_attention_looks_from_the_words_that_are_asked_about(load):
    for head, given in (
        ("TokenClassification", SENTENCE),
        ("QuestionAnswering", (QUESTION, CONTEXT)),
    ):
        model, net, cut = load("bert", head)
        found, owners = encoded(cut, [given] if isinstance(given, str) else given)
        with torch.no_grad():
            right = net(**found, output_attentions=True).attentions
        (sample,) = samples_of(model, given)
        sample = xaikit.make_question(model, sample).sample
        seen = model.attention([sample.x])
        for ours, theirs in zip(seen.weights, right, strict=True):
            np.testing.assert_allclose(ours.detach(), theirs, atol=1e-5)
        assert owners[seen.read[0].tolist()].tolist() == sample.meta["asked"]
        (rolled,) = xaikit.explain(model, [sample], [make_method("attention", mode="rollout")])
        assert rolled.values.sum() > 0
