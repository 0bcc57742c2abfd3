"""A model's own sub-words as features of a text."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import toy_folders as toy

import xaikit
from xaikit.core.errors import NotApplicable
from xaikit.core.types import Sample
from xaikit.core.words import Text
from xaikit.modalities.text import words
from xaikit.study.own import in_tokens
from xaikit.study.plan import Plan, make_question

SENTENCE = "unbelievably tiny acting spoils it"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    place = tmp_path_factory.mktemp("folders") / "bert"
    toy.text_folder("bert", place)
    with torch.random.fork_rng():
        return xaikit.load(f"hf:{place}", device="cpu")


def sample_of(sentence: str, **more) -> Sample:
    x = Text.cut(sentence, words(sentence)[0])
    return Sample("s", x, "text", meta={"text": sentence}, **more)


def test_features_are_the_tokens_that_the_tokeniser_makes(model) -> None:
    found = make_question(model, sample_of(SENTENCE), Plan(features="tokens"))
    pieces = model.inputs.encode.tokenizer.tokenize(SENTENCE)
    assert list(found.segmentation.names) == [piece.removeprefix("##") for piece in pieces]
    assert len(pieces) > len(words(SENTENCE)[0])
    assert Text(found.sample.x).written == SENTENCE
    assert found.output == make_question(model, sample_of(SENTENCE)).output


def test_occlusion_of_a_token_is_the_answer_with_its_mask_token(model) -> None:
    e = xaikit.explain(model, [sample_of(SENTENCE)], "occlusion", features="tokens")[0]
    tokenizer = model.inputs.encode.tokenizer
    ids = torch.tensor([tokenizer(SENTENCE)["input_ids"]])
    with torch.inference_mode():
        whole = model.net(ids).logits[0]
        for place in range(len(e.values)):
            less = ids.clone()
            less[0, 1 + place] = tokenizer.mask_token_id
            fall = (whole - model.net(less).logits[0])[e.target.index]
            margin = whole - model.net(less).logits[0]
            if e.target.against is not None:
                fall = fall - margin[e.target.against]
            if e.target.space == "logit" and e.target.against is None:
                continue
            assert e.values[place] == pytest.approx(float(fall), abs=1e-5)


def test_marked_words_mark_their_tokens(model) -> None:
    marked = np.array([True, False, False, False, True])
    found = in_tokens(model, sample_of(SENTENCE, rationale=marked))
    written = [t for t, m in zip(found.x.tolist(), found.rationale, strict=True) if m]
    assert "".join(written) == "unbelievablyit"
    again = in_tokens(model, found)
    assert again.x.tolist() == found.x.tolist()


def test_models_without_sub_words_are_refused_by_reason() -> None:
    plain = xaikit.wrap(lambda xs: np.ones((len(xs), 1)), modality="text")
    with pytest.raises(NotApplicable, match="a tokeniser of its own.*use words or sentences"):
        make_question(plain, sample_of(SENTENCE), Plan(features="tokens"))
    row = Sample("r", np.ones(3), "table")
    table = xaikit.wrap(
        lambda xs: np.ones((len(xs), 1)), modality="table", background=np.ones((2, 3))
    )
    with pytest.raises(NotApplicable, match="use columns"):
        make_question(table, row, Plan(features="tokens"))
