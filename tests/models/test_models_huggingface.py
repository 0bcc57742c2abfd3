"""Folders of Hugging Face: what their own classes compute, and every method on top of it.

Known: the logits of the class itself on the text alone; brute force over texts whose tokens are masked by
hand; finite differences in float64; the attentions that the class gives when asked for them.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import shutil
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
import toy_folders as toy

import xaikit
from xaikit.core.abilities import Attentive, Spatial
from xaikit.core.errors import InvalidInput, ModelError, NotApplicable
from xaikit.core.words import Text
from xaikit.modalities.text import words
from xaikit.models.huggingface import CutText

transformers = toy.tf
SENTENCE = "unbelievably tiny acting spoils it"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("folders")


@pytest.fixture(scope="module")
def folder(place):
    """Folder of an architecture, made once."""

    def made(name):
        path = place / name
        if not path.exists():
            (toy.text_folder if name in toy.TEXT else toy.image_folder)(name, path)
        return path

    return made


@pytest.fixture(scope="module")
def load(folder):
    known = {}

    def loaded(name):
        if name not in known:
            with torch.random.fork_rng():
                known[name] = xaikit.load(f"hf:{folder(name)}", device="cpu")
        return known[name]

    return loaded


def net_of(name, folder):
    kind = (toy.TEXT if name in toy.TEXT else toy.IMAGE)[name][0]
    return (
        getattr(transformers, kind)
        .from_pretrained(folder(name), attn_implementation="eager")
        .eval()
    )


def text(sentence):
    return Text.cut(sentence, words(sentence)[0])


def tokens(name, folder):
    """Token ids of the sentence, and the word of each."""
    cut = transformers.AutoTokenizer.from_pretrained(folder(name))
    found = cut(SENTENCE, return_offsets_mapping=True)
    starts = [m for m, c in enumerate(SENTENCE) if m == 0 or SENTENCE[m - 1] == " "]
    owners = []
    for start, end in found["offset_mapping"]:
        inside = [i for i in range(start, end) if SENTENCE[i] != " "]
        owners.append(sum(s <= inside[0] for s in starts) - 1 if inside else -1)
    return found["input_ids"], np.array(owners), cut


def margins(name, folder, masks):
    """Logit of the second class less the first, with each token of removed words masked by hand."""
    ids, owners, cut = tokens(name, folder)
    stand_in = next(
        t for t in (cut.mask_token_id, cut.unk_token_id, cut.pad_token_id) if t is not None
    )
    net, found = net_of(name, folder), []
    for mask in masks:
        row = [i if o < 0 or mask[o] else stand_in for i, o in zip(ids, owners, strict=True)]
        with torch.no_grad():
            found.append(net(torch.tensor([row])).logits[0].double())
    return np.array([float(s[1] - s[0]) for s in found])


@pytest.mark.parametrize("name", toy.TEXT)
def test_a_text_is_scored_as_its_own_class_scores_it(name, load, folder):
    cut = transformers.AutoTokenizer.from_pretrained(folder(name))
    others = [SENTENCE, "a film", "The music was, frankly, unforgettable!"]
    right = []
    for sentence in others:
        with torch.no_grad():
            right.append(net_of(name, folder)(torch.tensor([cut(sentence)["input_ids"]])).logits[0])
    found = load(name).scores([text(s) for s in others])  # of several lengths in one batch
    np.testing.assert_allclose(found, np.stack(right), atol=1e-4)
    assert load(name).classes == ("negative", "positive")


@pytest.mark.parametrize("name", toy.TEXT)
def test_removing_words_equals_masking_their_tokens_by_hand(name, load, folder):
    n = len(SENTENCE.split())
    masks = np.array(list(product([False, True], repeat=n)))
    values = dict(zip(map(tuple, masks.tolist()), margins(name, folder, masks), strict=True))
    whole = (True,) * n
    left = [tuple(j != i for j in range(n)) for i in range(n)]
    occluded, shapley = xaikit.explain(load(name), [SENTENCE], ["occlusion", "shap"], target=1)
    np.testing.assert_allclose(occluded.output, values[whole], atol=1e-4)
    np.testing.assert_allclose(
        occluded.values, [values[whole] - values[m] for m in left], atol=2e-4
    )
    assert shapley.empty == pytest.approx(values[(False,) * n], abs=1e-4)
    assert abs(shapley.residual) < 1e-4


@pytest.mark.parametrize("name", toy.TEXT)
def test_gradients_add_up_and_equal_finite_differences(name, load):
    model = load(name)
    (found,) = xaikit.explain(model, [SENTENCE], ["integrated_gradients"], target=1)
    (occluded,) = xaikit.explain(model, [SENTENCE], ["occlusion"], target=1)
    assert found.output == pytest.approx(occluded.output, abs=1e-4)
    assert found.empty == pytest.approx(occluded.empty, abs=1e-4)  # one question for both kinds
    assert abs(found.residual) < 0.02 * max(0.1, abs(found.output - found.empty))
    fine = dataclasses.replace(model, net=copy.deepcopy(model.net).double())
    with torch.enable_grad():
        leaf = fine.leaf([text(SENTENCE)])
        at = leaf.at.clone().requires_grad_()
        score = leaf.forward(at, torch.tensor([0]))[0, 1]
        (slope,) = torch.autograd.grad(score, at)
    way = torch.randn(at.shape, generator=torch.Generator().manual_seed(0)).to(at)
    step = 1e-4  # some norms compute in float32 whatever the net does
    with torch.no_grad():
        ends = [leaf.forward(at + s * step * way, torch.tensor([0]))[0, 1] for s in (1, -1)]
    known = float((ends[0] - ends[1]) / (2 * step))
    assert float((slope * way).sum()) == pytest.approx(known, rel=0.01, abs=0.01)


@pytest.mark.parametrize("name", [n for n in toy.TEXT if n != "t5"])
def test_attention_is_what_the_class_itself_gives(name, load, folder):
    ids, _, _ = tokens(name, folder)
    with torch.no_grad():
        right = net_of(name, folder)(torch.tensor([ids]), output_attentions=True).attentions
    seen = load(name).attention([text(SENTENCE)])
    assert len(seen.weights) == len(right)
    for ours, theirs in zip(seen.weights, right, strict=True):
        np.testing.assert_allclose(ours.detach(), theirs, atol=1e-4)


def test_attention_of_an_encoder_with_a_decoder_is_refused(load):
    with pytest.raises(
        NotApplicable, match="'t5' has an encoder and a decoder.*try 'integrated_gradients'"
    ):
        load("t5").attention([text(SENTENCE)])


@pytest.mark.parametrize("name", toy.IMAGE)
def test_a_picture_is_scored_as_its_own_class_scores_it(name, load, folder):
    x = toy.picture()
    scaled = torch.from_numpy((x - 0.5) / 0.25).permute(2, 0, 1)[None]
    with torch.no_grad():
        right = net_of(name, folder)(scaled).logits[0]
    np.testing.assert_allclose(load(name).scores([x])[0], right, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", toy.IMAGE)
def test_gradients_of_pictures_add_up_and_occlusion_is_brute_force(name, load):
    model, x = load(name), toy.picture()
    sample = xaikit.Sample("a", x, "image")
    asked = {"target": xaikit.Target(1, space="value"), "features": "patches:2"}
    found, occluded = xaikit.explain(
        model, [sample], ["integrated_gradients", "occlusion"], **asked
    )
    assert abs(found.residual) < 0.02 * max(0.1, abs(found.output - found.empty))
    question = xaikit.make_question(model, sample, xaikit.Plan(**asked))
    reference = question.masker.references[0]
    for i, value in enumerate(occluded.values):
        masked = np.where((question.segmentation.ids == i)[..., None], reference, x)
        known = model.scores([x])[0, 1] - model.scores([masked.astype(np.float32)])[0, 1]
        assert value == pytest.approx(known, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize(("name", "prefix"), [("vit", 1), ("deit", 2), ("dinov2-registers", 4)])
def test_every_token_that_is_no_patch_is_told_apart(name, prefix, load):
    seen = load(name).attention([toy.picture()])
    assert seen.special[0].tolist() == [True] * prefix + [False] * 16
    cam = load(name).activations([toy.picture()])
    assert cam.at.shape[2:] == (4, 4)


def test_merged_patches_are_the_cells_of_a_swin(load):
    cam = load("swin").activations([toy.picture()])
    assert cam.at.shape[2:] == (8, 8)
    assert cam.cell == (4, 4)
    with pytest.raises(NotApplicable, match="'swin' attends to windows"):
        load("swin").attention([toy.picture()])


def test_convolutions_have_a_last_map(load):
    for name in ("convnext", "resnet"):
        assert isinstance(load(name), Spatial)
        assert not isinstance(load(name), Attentive)


def test_a_text_too_long_is_cut_and_said_so(load):
    model = load("bert")
    long = " ".join(["wonderful"] * 60)
    with pytest.warns(
        CutText, match="'bert' reads 64 tokens and a text has .*the rest of it is not read"
    ):
        (found,) = xaikit.explain(model, [long], ["input_x_gradient"])
    assert found.values.shape == (60,)
    assert found.values[:5].any()
    assert not found.values[40:].any()


def test_an_empty_text_is_one_token(load):
    for name in ("gpt2", "bert"):
        (found,) = xaikit.explain(load(name), [SENTENCE], ["occlusion"], masker="delete")
        assert np.isfinite(found.empty)


def test_mask_words_in_a_text_are_one_mask_token(load, folder):
    """Roberta calls its mask <mask>, which is shorter than the mask word."""
    ids, spans, _ = load("roberta").inputs.encode("[MASK] good [MASK] film")
    cut = transformers.AutoTokenizer.from_pretrained(folder("roberta"))
    assert [s for i, s in zip(ids, spans, strict=True) if i == cut.mask_token_id] == [
        (0, 6),
        (12, 18),
    ] or [s for i, s in zip(ids, spans, strict=True) if i == cut.mask_token_id] == [
        (0, 6),
        (11, 18),
    ]
    assert spans[-2] == (20, 23) or spans[-2][1] == 23


def changed(source, place, **facts):
    """A copy of the folder with other facts in its config."""
    shutil.copytree(source, place)
    config = json.loads((place / "config.json").read_text())
    config.update(facts)
    (place / "config.json").write_text(json.dumps(config))
    return place


def test_nothing_but_safetensors_and_no_code_is_read(folder, tmp_path):
    bert = folder("bert")
    pickled = changed(bert, tmp_path / "pickled")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    (tmp_path / "evil.txt").write_text("x")
    led = changed(bert, tmp_path / "led")
    (led / "vocab.txt").symlink_to(tmp_path / "evil.txt")
    adapter = changed(bert, tmp_path / "adapter")
    (adapter / "adapter_config.json").write_text("{}")
    sharded = changed(bert, tmp_path / "sharded")
    (sharded / "model.safetensors.index.json").write_text(
        '{"weight_map": {"a": "../evil.safetensors"}}'
    )
    bare, slow = changed(bert, tmp_path / "bare"), changed(bert, tmp_path / "slow")
    for place in (bare, slow):
        (place / "tokenizer.json").unlink()
        (place / "tokenizer_config.json").unlink()
    (slow / "tokenizer_config.json").write_text('{"tokenizer_class": "CanineTokenizer"}')
    torn = changed(bert, tmp_path / "torn")
    (torn / "model.safetensors").write_bytes(b"\xff" * 100)
    for path, match in (
        (pickled, "no weights in safetensors but 'pytorch_model.bin'.*save_pretrained"),
        (led, "'.*vocab.txt' leads out of its folder"),
        (adapter, "holds an adapter.*merge_and_unload"),
        (sharded, "names the part '../evil.safetensors', which is not in the folder"),
        (
            changed(bert, tmp_path / "own", architectures=["MyNet"]),
            "'MyNet'.*no code in a folder is run",
        ),
        (changed(bert, tmp_path / "none", architectures=None), "holds a None"),
        (changed(bert, tmp_path / "four", quantization_config={"bits": 4}), "quantised weights"),
        (
            changed(bert, tmp_path / "deep", num_hidden_layers=10**9),
            "num_hidden_layers is 1000000000 and",
        ),
        (tmp_path / "nowhere", "there is no folder"),
        (
            changed(bert, tmp_path / "type", model_type="roberta"),
            "model_type is 'roberta' and a Bert",
        ),
        (
            changed(bert, tmp_path / "wide", vocab_size=10**12),
            "net of 16,000,0.* numbers and holds",
        ),
        (
            changed(bert, tmp_path / "less", vocab_size=70),
            r"shape \(77, 16\) and .* asks for \(70, 16\)",
        ),
        (
            changed(bert, tmp_path / "gap", id2label={"0": "a", "7": "b"}),
            "id2label is .*each class from '0'",
        ),
        (
            changed(bert, tmp_path / "many", num_labels=10**9),
            "num_labels is 1000000000; give a whole",
        ),
        (bare, "has no tokeniser; save the one that the model was trained with"),
        (slow, "does not say where its tokens stand"),
        (changed(bert, tmp_path / "twice", id2label={"0": "a", "1": "a"}), "two classes the same"),
    ):
        with pytest.raises(ModelError, match=match):
            xaikit.load(f"hf:{path}")
    endless = changed(bert, tmp_path / "endless")
    told = json.loads((endless / "tokenizer_config.json").read_text())
    (endless / "tokenizer_config.json").write_text(json.dumps({**told, "model_max_length": "x"}))
    assert xaikit.load(f"hf:{endless}").info["most_tokens"] == 64
    grey = shutil.copytree(folder("vit"), tmp_path / "grey")
    scaled = {"image_mean": [0.5] * 3, "image_std": [0.2, 0.2, -1], "size": 32}
    (grey / "preprocessor_config.json").write_text(json.dumps(scaled))
    with pytest.raises(ModelError, match="image_std is .* what is divided by is above 0"):
        xaikit.load(f"hf:{grey}")
    with pytest.raises(xaikit.XaikitError, match="safetensors, reading '.*torn"):
        xaikit.load(f"hf:{torn}")
    remote = changed(
        bert, tmp_path / "remote", auto_map={"AutoModel": "evil.Evil"}, attn_implementation="x/evil"
    )
    (remote / "evil.py").write_text("raise SystemExit('code was run')")
    assert xaikit.load(f"hf:{remote}").classes == ("negative", "positive")


def test_folders_as_people_have_them(folder, tmp_path):
    """Parts, files of a training run beside them, hostile names, a tokeniser that learned more than the net."""
    bert = folder("bert")
    net = transformers.AutoModelForSequenceClassification.from_pretrained(bert)
    parts = changed(bert, tmp_path / "parts", id2label={"0": "<b>a</b>", "1": "b\u202e"})
    (parts / "model.safetensors").unlink()
    told = (parts / "config.json").read_text()
    net.save_pretrained(parts, max_shard_size="9KB")
    (parts / "config.json").write_text(told)
    (parts / "training_args.bin").write_bytes(b"no pickle is opened")
    (parts / "runs").mkdir()
    assert (parts / "model.safetensors.index.json").is_file()
    model, whole = xaikit.load(f"hf:{parts}", device="cpu"), xaikit.load(f"hf:{bert}", device="cpu")
    np.testing.assert_allclose(
        model.scores([text(SENTENCE)]), whole.scores([text(SENTENCE)]), atol=1e-6
    )
    assert model.classes == ("<b>a</b>", "b\u202e")
    more = shutil.copytree(bert, tmp_path / "more")
    cut = transformers.AutoTokenizer.from_pretrained(more)
    cut.add_tokens(["acting"])
    cut.save_pretrained(more)
    with pytest.raises(
        InvalidInput, match="knows the token 'acting' and the net does not; it embeds 77"
    ):
        xaikit.explain(xaikit.load(f"hf:{more}", device="cpu"), ["tiny acting"], ["occlusion"])


def test_a_head_that_is_not_in_the_folder_is_not_drawn_at_random(folder, tmp_path):
    base = transformers.AutoModel.from_pretrained(folder("bert"))
    shutil.copytree(folder("bert"), tmp_path / "base")
    base.save_pretrained(tmp_path / "base")
    facts = json.loads((tmp_path / "base" / "config.json").read_text())
    facts["architectures"] = ["BertForSequenceClassification"]
    (tmp_path / "base" / "config.json").write_text(json.dumps(facts))
    with pytest.raises(
        ModelError, match="no weights for classifier.bias, classifier.weight.*at random"
    ):
        xaikit.load(f"hf:{tmp_path / 'base'}")


def test_the_kind_of_head_follows_from_the_config(tmp_path):
    one = toy.text_folder(
        "bert", tmp_path / "one", num_labels=1, id2label={0: "LABEL_0"}, label2id={"LABEL_0": 0}
    )
    assert xaikit.load(f"hf:{one}").classes == ()
    multi = toy.text_folder("bert", tmp_path / "multi", problem_type="multi_label_classification")
    assert xaikit.load(f"hf:{multi}").outputs == "multilabel_logits"


def test_the_generators_of_others_are_left_alone(folder):
    state = torch.get_rng_state()
    xaikit.load(f"hf:{folder('bert')}")
    assert torch.equal(state, torch.get_rng_state())


def test_pictures_of_another_size_are_refused(load):
    with pytest.raises(InvalidInput, match="has shape .*resize it"):
        load("vit").scores([np.zeros((16, 16, 3), np.float32)])


def test_the_table_of_the_documents_tells_every_architecture_a_checked_number_or_a_reason():
    """Made by docs/make_models.py; drawn values are in standard errors, the others are shares."""
    text = (Path(xaikit.__file__).parents[1] / "docs" / "models.md").read_text(encoding="utf-8")
    also = ("bert", "roberta", "deberta-v2", "gpt2", "llama")
    names = [*toy.TEXT, *toy.IMAGE]
    names += [f"{name}, {what}" for what in ("pair", "word", "answer") for name in also]
    head, *rows = [
        [cell.strip(" `") for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith(("| architecture", *(f"| {name} |" for name in names)))
    ]
    assert [row[0] for row in rows] == names
    drawn = {"gradient_shap": 8, "smoothgrad": 8, "lime": 0.2, "integrated_gradients": 0.01}
    for row in rows:
        assert len(row) == len(head) == 12
        for method, cell in zip(head[1:], row[1:], strict=True):
            if cell.startswith("["):
                assert f"* {cell} " in text
            else:
                assert float(cell) <= drawn.get(method, 1e-3), (row[0], method)
