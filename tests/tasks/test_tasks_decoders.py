"""Decoders of Hugging Face: the token that follows a text, by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import xaikit
from xaikit.core.errors import ModelError

pytest.importorskip("transformers")

import toy_folders as toy

SENTENCE = "unbelievably tiny acting spoils it"


def folder(place, kind, config, settings):
    words = toy.tokenizer("gpt")
    torch.manual_seed(0)
    net = getattr(toy.tf, kind)(getattr(toy.tf, config)(vocab_size=len(words), **settings)).eval()
    net.save_pretrained(place)
    words.save_pretrained(place)
    return net, words


@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_the_token_that_follows_is_explained_as_by_hand(name, tmp_path) -> None:
    kind, config, settings, _ = toy.TEXT[name]
    kind = "GPT2LMHeadModel" if name == "gpt2" else "LlamaForCausalLM"
    net, cut = folder(tmp_path / name, kind, config, settings)
    model = xaikit.load(f"hf:{tmp_path / name}", device="cpu")
    assert model.task.name == "next_word"
    assert len(model.classes) == len(cut)
    found = cut(SENTENCE, return_offsets_mapping=True)
    ids, spans = found["input_ids"], found["offset_mapping"]
    starts = [SENTENCE.index(word) for word in SENTENCE.split()]
    owners = [
        sum(s <= b - 1 for s in starts) - 1 if SENTENCE[a:b].strip() else -1 for a, b in spans
    ]  # a blank alone belongs to no word
    mask = next(t for t in (cut.mask_token_id, cut.unk_token_id, cut.pad_token_id) if t is not None)

    def odds(hidden, index, rival):
        row = [mask if o == hidden else i for i, o in zip(ids, owners, strict=True)]
        with torch.no_grad():
            logits = net(torch.tensor([row])).logits[0, -1].double()
        return float(logits[index] - logits[rival])

    (e,) = xaikit.explain(model, [SENTENCE], "occlusion", target=xaikit.Target(3, against=5))
    assert e.output == pytest.approx(odds(None, 3, 5), abs=1e-4)
    whole = odds(None, 3, 5)
    by_hand = [whole - odds(word, 3, 5) for word in range(5)]
    np.testing.assert_allclose(e.values, by_hand, atol=2e-4)
    shapley, path = xaikit.explain(model, [SENTENCE], "shap,integrated_gradients")
    for one in (shapley, path):
        assert abs(one.values.sum() - (one.output - one.empty)) < 0.05 * max(
            0.1, abs(one.output - one.empty)
        )


def test_an_encoder_that_sees_what_follows_is_refused(tmp_path) -> None:
    words = toy.tokenizer("wordpiece")
    config = toy.tf.BertConfig(
        vocab_size=len(words), hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8,
        is_decoder=False,
    )  # fmt: skip
    toy.tf.BertLMHeadModel(config).save_pretrained(tmp_path)
    words.save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="BertLMHeadModel"):
        xaikit.load(f"hf:{tmp_path}")
