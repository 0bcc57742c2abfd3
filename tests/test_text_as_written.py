"""The model reads the text as it was written, and a masked text is that text less its removed words."""

from __future__ import annotations

import copy
import itertools
import pickle

import numpy as np
import pytest
import torch
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from torch import nn

from xaikit.core.errors import InvalidInput, ModelError
from xaikit.core.types import Explanation, Sample
from xaikit.core.words import Text
from xaikit.data.load import load_data
from xaikit.methods.base import ask, make_method
from xaikit.modalities.text import words
from xaikit.models.wrapping import wrap
from xaikit.study.plan import Plan, explain, make_question
from xaikit.study.run import Run
from xaikit.study.study import study

GOOD = ["I can't stop smiling, it's great!", "Wow... so well-made!", "Loved it (twice)."]
BAD = ["I can't believe it's so bad.", "Well... dull, dull, dull!", "Hated it (really)."]
TEXT = "\tIt's great, isn't it ?!  (No: well-made...) 3.5/5\n"
READERS = {
    "words": TfidfVectorizer(),
    "letters": TfidfVectorizer(analyzer="char", ngram_range=(1, 3), lowercase=False),
    "letters of words": TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4)),
    "own": CountVectorizer(tokenizer=str.split, token_pattern=None),
}


def sample(text: str, **facts: object) -> Sample:
    return Sample("t", np.array(words(text)[0]), "text", meta={"text": text}, **facts)


def pipeline(reader: str):
    return make_pipeline(READERS[reader], LogisticRegression()).fit(
        [*GOOD, *BAD], [1] * 3 + [0] * 3
    )


def log_odds(fitted, text: str) -> float:
    p = fitted.predict_proba([text])[0]
    return float(np.log(p[1]) - np.log(p[0]))


def shapley(value, n: int) -> np.ndarray:
    """By all orders of n words."""
    masks = itertools.product((False, True), repeat=n)
    known = {mask: value(np.array(mask)) for mask in masks}
    found, orders = np.zeros(n), list(itertools.permutations(range(n)))
    for order in orders:
        mask = np.zeros(n, dtype=bool)
        for i in order:
            before = known[tuple(mask.tolist())]
            mask[i] = True
            found[i] += known[tuple(mask.tolist())] - before
    return found / len(orders)


@pytest.mark.parametrize("reader", READERS)
def test_scores_are_the_pipelines_answer_to_the_very_text(reader: str) -> None:
    fitted = pipeline(reader)
    model = wrap(fitted, modality="text")
    found = model.scores([sample(TEXT).x])[0]
    np.testing.assert_allclose(np.exp(found), fitted.predict_proba([TEXT])[0], atol=1e-12)
    run = study(model, [sample(TEXT)], methods=["occlusion", "lime"], metrics="none")
    np.testing.assert_allclose(run.predictions[0], fitted.predict_proba([TEXT])[0], atol=1e-12)
    for e in run.explanations:
        assert e.output == pytest.approx(log_odds(fitted, TEXT), abs=1e-9)


def test_what_is_removed_is_the_words_and_nothing_else() -> None:
    """Each masked text is written out by hand."""
    text = sample("Well, 3.5/5  -- no?\n").x
    assert text.tolist() == ["Well", ",", "3.5", "/", "5", "--", "no", "?"]
    expected = {
        "11111111": "Well, 3.5/5  -- no?\n",
        "01111111": ", 3.5/5  -- no?\n",
        "10111111": "Well 3.5/5  -- no?\n",
        "11101111": "Well, 3.5 5  -- no?\n",  # not 3.55, a number that nobody wrote
        "11111011": "Well, 3.5/5 no?\n",  # of two gaps one blank
        "11110111": "Well, 3.5/  -- no?\n",  # a gap on one side is as it was written
        "11000011": "Well, no?\n",
        "00111111": "3.5/5  -- no?\n",
        "11111100": "Well, 3.5/5  --\n",
        "00100000": "3.5\n",
        "00000000": "",
    }
    for mask, right in expected.items():
        assert text.less(np.array(list(mask)) == "1").written == right
    assert sample("这部电影").x.less(np.array([True, False, True])).written == "这电影"
    signs = Text.cut("a,b", ["a", "b"])  # the comma is no word of this sample, so it stays
    assert signs.less(np.array([True, False])).written == "a,"
    letters = Text.cut("abc", ["a", "b", "c"])  # written as one word
    assert letters.less(np.array([True, False, True])).written == "ac"


def test_each_word_stands_at_its_span() -> None:
    text = sample("Well, 3.5/5  -- no?\n").x
    assert [text.written[a:b] for a, b in text.spans] == text.tolist()


def test_mask_words_stand_where_the_words_stood() -> None:
    seen: list[str] = []

    def model(texts):
        seen.extend(x.written for x in texts)
        return np.stack([[len(x.written), 0.0] for x in texts])

    asked = sample("It's great, isn't it ?!")
    wrapped = wrap(model, modality="text", classes=("a", "b"))
    for how, right in (("mask", "It's [MASK], isn't it ?!"), ("delete", "It's , isn't it ?!")):
        question = make_question(wrapped, asked, Plan(masker=how, target="a"))
        seen.clear()
        question.value(np.arange(question.n_features)[None] != 1)
        assert seen == [right]


@pytest.mark.parametrize("how", ["mask", "delete"])
@pytest.mark.parametrize("reader", ["letters", "own"])
def test_shapley_values_of_words_equal_all_orders_on_the_text(reader: str, how: str) -> None:
    """Against a reference that cuts the removed spans out of the text itself."""
    fitted, text = pipeline(reader), "Wow, it's\tso   bad!"
    asked = sample(text)
    spans = [(0, 3), (3, 4), (5, 9), (10, 12), (15, 18), (18, 19)]
    assert [text[a:b] for a, b in spans] == asked.x.tolist()

    def value(mask: np.ndarray) -> float:
        parts, end = [], 0
        for (start, stop), kept in zip(spans, mask, strict=True):
            parts += [text[end:start], text[start:stop] if kept else "[MASK]"]
            end = stop
        if how == "mask":
            return log_odds(fitted, "".join(parts))
        shown = [w for p, w in zip(parts[::2], parts[1::2], strict=True) for w in (p, w)]
        return log_odds(fitted, _without(shown, mask))

    found = explain(wrap(fitted, modality="text"), asked, methods=["shap"], masker=how, target="1")
    np.testing.assert_allclose(found[0].values, shapley(value, 6), atol=1e-9)


def _without(parts: list[str], mask: np.ndarray) -> str:
    """White space and words in turn; of the white space around removed words one blank stays."""
    found, white, begun = "", [], False
    for gap, word, kept in zip(parts[::2], parts[1::2], mask, strict=True):
        white += [gap] if gap else []
        if kept:
            stays = "".join(white) if len(white) < 2 else " "
            found += (stays if begun else "") + word
            white, begun = [], True
    return found


def test_a_sample_without_a_text_is_its_words_joined_by_blanks() -> None:
    plain = Sample("t", np.array(["so", "bad", "!"]), "text")
    assert plain.x.written == "so bad !"
    fitted = pipeline("letters")
    found = np.exp(wrap(fitted, modality="text").scores([plain.x, np.array(["so", "bad", "!"])]))
    np.testing.assert_allclose(found, fitted.predict_proba(["so bad !"] * 2), atol=1e-12)


def test_a_text_that_does_not_hold_the_words_is_refused() -> None:
    with pytest.raises(
        InvalidInput, match=r"sample 't' has the word 'It' and its text goes on with 'it is'"
    ):
        Sample("t", np.array(["It", "is"]), "text", meta={"text": "it is"})
    with pytest.raises(
        InvalidInput, match=r"has the word 'bad' and its text goes on with ' very bad'"
    ):
        Sample("t", np.array(["so", "bad"]), "text", meta={"text": "so very bad"})
    with pytest.raises(InvalidInput, match=r"2 gaps were given for 2 words"):
        Text(["a", "b"], ["", " "])


def test_a_text_survives_copies_pickles_and_a_run(tmp_path) -> None:
    x = sample(TEXT).x
    sent = pickle.loads(pickle.dumps(x))  # noqa: S301 # our own
    for other in (copy.deepcopy(x), sent, x.copy(), Text(x)):
        assert other.written == TEXT
    assert type(x == "great") is np.ndarray
    model = wrap(pipeline("letters"), modality="text")
    run = study(model, [sample(TEXT)], methods=["occlusion"], metrics="none")
    run.save(tmp_path / "run")
    assert Run.load(tmp_path / "run").samples[0].x.written == TEXT


def test_texts_of_files_keep_what_stands_between_words(tmp_path) -> None:
    texts = [f"So\u00a0{w} ,  isn't it ?! " for w in ("good", "bad")] * 10
    lines = [f'"{t}",{i % 2}' for i, t in enumerate(texts)]
    (tmp_path / "a.csv").write_text("text,label\n" + "\n".join(lines), encoding="utf-8")
    data = load_data(tmp_path / "a.csv", text_column="text")
    assert {s.x.written for s in data.test} <= set(texts)


def test_texts_of_the_same_words_with_other_gaps_are_not_one_input() -> None:
    """With everything masked they have the same words, and the model reads other texts."""

    def length(texts):
        return np.array([[float(len(x.written)), 0.0] for x in texts])

    model = wrap(length, modality="text", classes=("a", "b"))
    near = Sample("near", np.array(["a", "b"]), "text", meta={"text": "a b"})
    far = Sample("far", np.array(["a", "b"]), "text", meta={"text": "a          b"})
    questions = [make_question(model, s, Plan(target="a")) for s in (near, far)]
    found: list[Explanation] = ask(make_method("occlusion"), questions)
    assert [e.empty for e in found] == [len("[MASK] [MASK]"), len("[MASK]          [MASK]")]


class Letters(nn.Module):
    """Adds up the embeddings of the characters."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(256, 2, padding_idx=0)  # padding adds nothing

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.embed(ids).sum(1)


def by_character(text: str):
    """Character codes after a special token, with offsets as tokenizers give them."""
    codes = [ord(c) % 256 for c in text]
    return [1, *codes], [(0, 0), *((i, i + 1) for i in range(len(codes)))]


def test_a_module_with_an_encode_of_text_reads_the_text_and_its_words_get_their_tokens() -> None:
    net = Letters()
    model = wrap(net, modality="text", classes=("a", "b"), encode=by_character, encodes="text")
    asked = sample("So good ,  eh?")
    ids = torch.tensor([by_character("So good ,  eh?")[0]])
    np.testing.assert_allclose(model.scores([asked.x])[0], net(ids)[0].detach(), atol=1e-5)
    leaf = model.leaf([asked.x])
    (counted,) = leaf.fold(torch.ones_like(leaf.at), torch.tensor([0]))
    assert counted.tolist() == [2.0 * len(word) for word in asked.x]  # two numbers a character
    weight = net.embed.weight.detach().double().numpy() @ [-1, 1]
    own = [sum(weight[ord(c)] for c in word) for word in asked.x]
    (shown,) = explain(model, asked, methods=["shap"], masker="delete", target="b")
    without = model.scores([asked.x.less(np.arange(5) != 1)])[0] @ [-1, 1]
    assert shown.output - without == pytest.approx(own[1] + weight[32], abs=1e-4)  # and one blank


@pytest.mark.parametrize("spans", [[(0, 0), (0, 99)], [(2, 1), (0, 1)]])
def test_offsets_beyond_the_text_are_refused(spans) -> None:
    with pytest.raises(ModelError, match=r"encode gave the characters \d+ to \d+ for a text of"):
        wrap(
            Letters(), modality="text", classes=("a", "b"),
            encode=lambda _: ([1, 2], spans), encodes="text",
        )  # fmt: skip
    with pytest.raises(
        InvalidInput, match=r"encodes is 'tokens'; encode reads 'words' or the 'text'"
    ):
        wrap(Letters(), modality="text", classes=("a", "b"), encode=by_character, encodes="tokens")


@pytest.mark.parametrize("how", ["mask", "delete"])
def test_a_text_of_one_word_is_explained_and_measured(how: str) -> None:
    """One feature: every method on the removal waist says output - empty."""
    fitted = pipeline("words")
    model = wrap(fitted, modality="text", classes=("0", "1"))
    asked = sample("great", label=1)
    step = log_odds(fitted, "great") - log_odds(fitted, "[MASK]" if how == "mask" else "")
    for e in explain(model, asked, methods=["shap", "lime", "occlusion"], masker=how, target="1"):
        np.testing.assert_allclose(e.values, [step], rtol=1e-5)
    run = study(model, [asked], masker=how)
    assert [f.reason for f in run.failures if f.kind == "error"] == []
