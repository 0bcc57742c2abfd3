"""Pairs of texts: both are features, and the net is told which is which."""

from __future__ import annotations

import json
from itertools import product

import numpy as np
import pytest
import torch
import toy_folders as toy

import xaikit
from xaikit.core.errors import DataError, InvalidInput
from xaikit.core.words import PART, Text
from xaikit.models.huggingface import CutText

FIRST, SECOND = "the film was tiny", "bad acting"
PAIR = (FIRST, SECOND)
NAMES = ("bert", "roberta", "gpt2", "deberta-v2")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("pairs")


@pytest.fixture(scope="module")
def load(place):
    known = {}

    def loaded(name):
        if name not in known:
            folder = toy.text_folder(name, place / name)
            kind = getattr(toy.tf, toy.TEXT[name][0])
            net = kind.from_pretrained(folder, attn_implementation="eager").eval()
            cut = toy.tf.AutoTokenizer.from_pretrained(folder)
            known[name] = xaikit.load(f"hf:{folder}", device="cpu"), net, cut
        return known[name]

    return loaded


def logits(net, cut, mask):
    """By the class itself, the tokens of removed words masked by hand; both texts are as they were."""
    found = cut(FIRST, SECOND, return_offsets_mapping=True, return_tensors="pt")
    offsets = found.pop("offset_mapping")[0].tolist()
    stand_in = cut.mask_token_id or cut.unk_token_id
    starts = [[0, 4, 9, 13], [0, 4]]  # of the words
    for i, part in enumerate(found.sequence_ids()):
        letters = [] if part is None else [c for c in range(*offsets[i]) if PAIR[part][c] != " "]
        if letters:
            word = sum(s <= letters[0] for s in starts[part]) - 1 + 4 * part
            if not mask[word]:
                found["input_ids"][0, i] = stand_in
    with torch.no_grad():
        return net(**found).logits[0].double().numpy()


@pytest.mark.parametrize("name", NAMES)
def test_a_pair_is_scored_as_transformers_scores_it(name, load):
    model, net, cut = load(name)
    pipe = toy.tf.pipeline("text-classification", model=net, tokenizer=cut, device="cpu")
    said = pipe({"text": FIRST, "text_pair": SECOND}, top_k=None, function_to_apply="none")
    right = {one["label"]: one["score"] for one in said}
    (found,) = model.scores([Text.cut(PART.join(PAIR), (*FIRST.split(), *SECOND.split()))])
    np.testing.assert_allclose(found, [right[c] for c in model.classes], atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_words_of_both_texts_are_removed_as_by_hand(name, load):
    model, net, cut = load(name)
    masks = np.array(list(product([False, True], repeat=6)))
    values = [float(np.diff(logits(net, cut, mask))[0]) for mask in masks]
    known = dict(zip(map(tuple, masks.tolist()), values, strict=True))
    asked = ["occlusion", "shap", "integrated_gradients"]
    occluded, shapley, path = xaikit.explain(model, [PAIR], asked, target=1)
    whole = (True,) * 6
    left = [tuple(j != i for j in range(6)) for i in range(6)]
    assert occluded.names == ("the", "film", "was", "tiny", "bad", "acting")
    np.testing.assert_allclose(occluded.values, [known[whole] - known[m] for m in left], atol=2e-4)
    for found in (shapley, path):
        assert found.output == pytest.approx(known[whole], abs=1e-4)
        assert found.empty == pytest.approx(known[(False,) * 6], abs=1e-4)
    assert abs(path.residual) < 0.02 * max(0.1, abs(path.output - path.empty))


def test_words_left_out_leave_two_texts(load):
    model, net, cut = load("bert")
    text = Text.cut(PART.join(PAIR), (*FIRST.split(), *SECOND.split()))
    kept = np.array([True, False, True, False, False, True])
    assert text.less(kept).written == f"the was{PART}acting"
    assert text.less(~kept).written.split(PART) == ["film tiny", "bad"]
    assert text.less(np.arange(6) > 3).written == f"{PART}bad acting"
    (found,) = xaikit.explain(model, [PAIR], ["occlusion"], target=1, masker="delete")
    with torch.no_grad():
        rows = [net(**cut(a, b, return_tensors="pt")).logits[0] for a, b in (PAIR, ("film was tiny", SECOND))]  # fmt: skip
    right = [float(r[1] - r[0]) for r in rows]
    assert found.values[0] == pytest.approx(right[0] - right[1], abs=1e-4)


def test_texts_of_one_length_that_part_elsewhere_share_no_pass(load):
    model, _, _ = load("bert")
    turned = ("the film", "was tiny bad acting")
    together = xaikit.explain(model, [PAIR, turned], ["shap"], target=1)
    for pair, found in zip((PAIR, turned), together, strict=True):
        (alone,) = xaikit.explain(model, [pair], ["shap"], target=1)
        np.testing.assert_allclose(found.values, alone.values, atol=1e-5)


def test_a_pair_too_long_is_cut_and_three_texts_are_refused(load):
    model, net, cut = load("bert")
    long = ("wonderful " * 20, "terrible " * 20)
    with torch.no_grad():
        right = net(**cut(*long, truncation=True, max_length=64, return_tensors="pt")).logits[0]
    text = Text.cut(PART.join(long), ["wonderful"] * 20 + ["terrible"] * 20)
    with pytest.warns(CutText, match="'bert' reads 64 tokens"):
        np.testing.assert_allclose(model.scores([text])[0], right, atol=1e-4)
    with pytest.raises(InvalidInput, match="one text or a pair and was given 3"):
        model.scores([Text.cut(f"a{PART}b{PART}c", "abc")])


def test_two_columns_of_a_file_are_pairs(tmp_path):
    rows = [f'"the film {i}, indeed","bad acting {i}",{"ab"[i % 2]}' for i in range(12)]
    (tmp_path / "p.csv").write_text("\n".join(["premise,hypothesis,label", *rows]))
    data = xaikit.load_data(tmp_path / "p.csv", text_column="premise,hypothesis")
    sample = data.train[0]
    assert sample.x.written == f"the film 0, indeed{PART}bad acting 0"
    assert sample.meta["parts"] == ["premise", "hypothesis"]
    assert data.classes == ("a", "b")
    row = {"q": "who acts", "c": "the film acts"}
    lines = [json.dumps({**row, "label": i % 2}) for i in range(12)]
    (tmp_path / "p.jsonl").write_text("\n".join(lines))
    data = xaikit.load_data(tmp_path / "p.jsonl", text_column="q,c")
    assert data.train[0].x.written == f"who acts{PART}the film acts"
    (tmp_path / "e.csv").write_text("\n".join(["premise,hypothesis,label", *rows, "a film, ,a"]))
    for named, match in (
        ("premise,hypothesis", "line 14 of 'e.csv' has an empty text in its pair"),
        ("premise,nothing", "no column 'nothing'; it has premise"),
        ("premise,premise", "name one column of texts, or two of a pair as 'first,second'"),
    ):
        with pytest.raises(DataError, match=match):
            xaikit.load_data(tmp_path / "e.csv", text_column=named)


def test_sentences_end_where_a_text_ends(load):
    model, _, _ = load("bert")
    (found,) = xaikit.explain(model, [PAIR], ["occlusion"], target=1, features="sentences")
    assert found.names == PAIR


def test_the_page_shows_both_texts_with_their_names(load, tmp_path):
    model, _, _ = load("bert")
    words = np.array([*FIRST.split(), *SECOND.split()])
    meta = {"text": PART.join(PAIR), "parts": ["premise", "<b>second"]}
    sample = xaikit.Sample("a", words, "text", meta=meta)
    run = xaikit.study(model, [sample], "occlusion,random", "none")
    run = xaikit.Run.load(run.save(tmp_path / "run"))
    page = xaikit.write_report(run, tmp_path / "a.html").read_text(encoding="utf-8")
    assert PART not in page
    assert '<span class="part">premise</span>' in page
    assert '<span class="part">&lt;b&gt;second</span>' in page
    unnamed = xaikit.study(model, [PAIR], "occlusion,random", "none")
    page = xaikit.write_report(unnamed, tmp_path / "b.html").read_text(encoding="utf-8")
    assert '<span class="part">text 2</span>' in page
    figure = run.explanations[0].plot(run.samples[0])
    assert "premise" in [t.get_text() for t in figure.findobj(lambda o: hasattr(o, "get_text"))]
