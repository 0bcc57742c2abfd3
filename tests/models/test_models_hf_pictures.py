"""Pictures of any size are brought to a net's as transformers' own processor brings them."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
import toy_folders as toy
from PIL import Image

import xaikit
from xaikit.app.brought import fitting
from xaikit.core.errors import InvalidInput, ModelError

SIDES = ((50, 70), (20, 31), (32, 32))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("pictures")


@pytest.fixture(scope="module")
def load(place):
    known = {}

    def loaded(name):
        if name not in known:
            folder = toy.image_folder(name, place / name)
            net = getattr(toy.tf, toy.IMAGE[name][0]).from_pretrained(folder).eval()
            known[name] = xaikit.load(f"hf:{folder}", device="cpu"), net, folder
        return known[name]

    return loaded


def pictures():
    rng = np.random.default_rng(1)
    return [Image.fromarray(rng.integers(0, 256, (*s, 3), dtype=np.uint8)) for s in SIDES]


def changed(source, place, **facts):
    shutil.copytree(source, place)
    path = place / "preprocessor_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **facts}))
    return place


@pytest.mark.parametrize("name", toy.IMAGE)
def test_pictures_of_any_size_are_scored_as_transformers_scores_them(name, load):
    model, net, folder = load(name)
    processor = toy.tf.AutoImageProcessor.from_pretrained(folder)
    pipe = toy.tf.pipeline(
        "image-classification", model=net, image_processor=processor, device="cpu"
    )
    for picture in pictures():
        said = pipe(picture, top_k=None, function_to_apply="none")
        right = {one["label"]: one["score"] for one in said}
        (found,) = xaikit.explain(model, [picture], ["saliency"], target=1, features="patches:8")
        x = model.inputs.resized(np.asarray(picture) / np.float32(255))
        pixels = model.inputs.read(net, [x], torch.device("cpu")).at
        known = processor(picture, return_tensors="pt")["pixel_values"]
        np.testing.assert_allclose(pixels, known, atol=1e-5)
        logits = [right[label] for label in net.config.id2label.values()]
        np.testing.assert_allclose(model.scores([x])[0], logits, rtol=1e-4, atol=1e-4)
        others = np.delete(logits, 1)
        odds = logits[1] - np.log(np.exp(others - others.max()).sum()) - others.max()
        assert found.output == pytest.approx(odds, abs=1e-3)


def test_arrays_of_the_size_of_the_net_are_taken_as_they_are(load):
    model, _, _ = load("convnext")  # whose processor cuts the rim off every picture
    x = toy.picture()
    (found,) = xaikit.explain(model, x, ["saliency"], target=1, features="patches:8")
    right = model.scores([x])[0]
    assert found.output == pytest.approx(right[1] - np.log(np.exp(right[[0, 2]]).sum()), abs=1e-3)


def test_a_folder_of_pictures_is_read_as_the_model_reads_it(load, tmp_path):
    model, _, _ = load("deit")
    for i, picture in enumerate(pictures() * 6):
        folder = tmp_path / "set" / f"LABEL_{i % 3}"
        folder.mkdir(parents=True, exist_ok=True)
        picture.save(folder / f"{i}.png")
    data = xaikit.load_data(tmp_path / "set", **fitting(model, str(tmp_path / "set"), {}))
    first = next(s for s in data.train if s.id.endswith("/0.png"))
    right = model.inputs.resized(np.asarray(pictures()[0]) / np.float32(255))
    np.testing.assert_array_equal(first.x, right)


def test_order_and_scale_of_channels_are_those_of_the_folder(load, tmp_path):
    _, net, folder = load("vit")
    picture = pictures()[0]
    for name, facts in (
        ("turned", {"image_processor_type": "MobileViTImageProcessor", "size": {"shortest_edge": 36}, "crop_size": toy.SQUARE}),
        ("raw", {"do_rescale": False, "image_mean": [127.5] * 3, "image_std": [60.0, 61.0, 62.0]}),
        ("plain", {"do_normalize": False, "rescale_factor": 1 / 127.5}),
    ):  # fmt: skip
        path = changed(folder, tmp_path / name, **facts)
        model = xaikit.load(f"hf:{path}", device="cpu")
        processor = toy.tf.AutoImageProcessor.from_pretrained(path)
        with torch.no_grad():
            right = net(processor(picture, return_tensors="pt")["pixel_values"]).logits[0]
        x = model.inputs.resized(np.asarray(picture) / np.float32(255))
        np.testing.assert_allclose(model.scores([x])[0], right, rtol=1e-4, atol=1e-4)
        again = xaikit.load(f"hf:{model.save(tmp_path / f'{name}-saved')}", device="cpu")
        np.testing.assert_allclose(again.scores([x]), model.scores([x]), atol=1e-6)


def test_what_is_done_to_pictures_and_not_known_is_refused(load, tmp_path):
    _, _, folder = load("vit")
    for name, facts, match in (
        ("huge", {"size": {"height": 10**6, "width": 10**6}}, "size is .*whole numbers of pixels from 1 to 8192"),
        ("none", {"size": {"height": 0, "width": 32}}, "size is .*whole numbers of pixels"),
        ("own", {"image_processor_type": "Evil", "auto_map": {"AutoImageProcessor": "evil.Evil"}}, "by 'Evil', which transformers does not have"),
        ("loose", {"image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 32}, "do_center_crop": False}, r"sizes that depend on their shape, \(38, 32\) and"),
        ("more", {"image_processor_type": "EfficientNetImageProcessor", "rescale_offset": True}, "EfficientNetImageProcessor.* does more to pictures"),
    ):  # fmt: skip
        path = changed(folder, tmp_path / name, **facts)
        (path / "evil.py").write_text("raise SystemExit('code was run')")
        with pytest.raises(ModelError, match=match):
            xaikit.load(f"hf:{path}", device="cpu")
    model, _, _ = load("vit")
    with pytest.raises(InvalidInput, match=r"shape \(9, 9, 2\) and the model reads 3 channels"):
        xaikit.explain(model, np.zeros((9, 9, 2), np.float32), ["saliency"])
