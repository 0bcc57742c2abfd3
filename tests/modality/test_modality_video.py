"""Videos and volumes: their features, what stands in for them, nets of three axes, files, pages."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import xaikit
from xaikit.core.errors import DataError, InvalidInput, NotApplicable
from xaikit.modalities import masker, segment
from xaikit.report.sheet import sheet, sheet_of_pixels
from xaikit.study.sample_facts import frames_shown, shrunk

RNG = np.random.default_rng(0)
T, H, W = 6, 8, 8
CLIPS = RNG.random((10, T, H, W, 2)).astype(np.float32)
AB = ("a", "b")


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def conv3d(channels: int = 2) -> nn.Module:
    return nn.Sequential(
        nn.Conv3d(channels, 4, 3, padding=1), nn.ReLU(), nn.Conv3d(4, 6, 3, stride=(2, 2, 2)),
        nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(6, 2),
    )  # fmt: skip


def wrapped(net: nn.Module, **more):
    given = {"classes": AB, "mean": (0.1, 0.2), "std": (0.5, 2.0), "background": CLIPS} | more
    return xaikit.wrap(net, modality="video", **given)


def clip(x=CLIPS[0], modality="video"):
    return xaikit.Sample("clip", x, modality)


def test_blocks_frames_and_patches_are_cut_by_hand() -> None:
    sample = clip(np.zeros((5, 4, 2, 1)))
    blocks = segment(sample, "blocks:2")
    assert blocks.n_features == 8
    assert blocks.names[:3] == (
        "frames 0-2, row 1, col 1", "frames 0-2, row 1, col 2", "frames 0-2, row 2, col 1"
    )  # fmt: skip
    assert blocks.ids[0].tolist() == [[0, 1], [0, 1], [2, 3], [2, 3]]
    assert blocks.ids[:, 0, 0].tolist() == [0, 0, 0, 4, 4]
    frames = segment(sample, "frames")
    assert frames.names == tuple(f"frame {t}" for t in range(5))
    assert (frames.ids == np.arange(5)[:, None, None]).all()
    patches = segment(sample, "patches:2")
    assert patches.names[3] == "row 2, col 2"
    assert (patches.ids == patches.ids[0]).all()
    assert segment(clip(np.zeros((5, 4, 2, 1)), "volume"), "frames").names[0] == "slice 0"
    assert segment(clip()).n_features == 64


def test_what_stands_in_for_a_block() -> None:
    sample = clip()
    cut = segment(sample, "blocks:2")
    mean = masker(sample, cut, CLIPS).references[0]
    np.testing.assert_allclose(mean[3, 2, 1], CLIPS.mean(axis=(0, 1, 2, 3)), rtol=1e-5)
    own = masker(sample, cut, None, "segment_mean").references[0]
    np.testing.assert_allclose(own[0, 0, 0], sample.x[:3, :4, :4].mean(axis=(0, 1, 2)), rtol=1e-5)
    dot = np.zeros((3, H, W, 1))
    dot[1, 4, 4] = 1.0
    blurred = masker(clip(dot), segment(clip(dot), "frames"), None, "blur").references[0]
    assert blurred[[0, 2]].max() == 0  # no frame runs into another
    assert 0 < blurred[1, 4, 5, 0] < blurred[1, 4, 4, 0] < 1


def test_a_linear_net_gives_the_credit_that_is_worked_by_hand() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(2 * T * H * W, 1))
    model = wrapped(net, classes=(), outputs="values")
    weights = net[1].weight.detach().double().numpy().reshape(2, T, H, W)
    reference = CLIPS.astype(np.float64).mean(axis=(0, 1, 2, 3))
    change = (CLIPS[0] - reference) / np.array([0.5, 2.0])  # (T, H, W, C)
    due = (weights.transpose(1, 2, 3, 0) * change).sum(axis=3)
    plan = {"features": "blocks:2", "methods": ["occlusion", "integrated_gradients", "shap"]}
    for e in xaikit.explain(model, clip(), **plan):
        np.testing.assert_allclose(e.values, e.segmentation.pool(due), atol=1e-4)
    (slid,) = xaikit.explain(model, clip(), [xaikit.methods.removal.Occlusion(window=(3, 4, 4))])
    parts = due.reshape(2, 3, 2, 4, 2, 4).sum(axis=(1, 3, 5))
    np.testing.assert_allclose(slid.elements[::3, ::4, ::4], parts, atol=1e-4)


def test_maps_and_gradients_equal_captum() -> None:
    captum = pytest.importorskip("captum.attr")
    net = conv3d()
    model, sample = wrapped(net), clip()
    x = (torch.tensor(CLIPS[0]) - torch.tensor([0.1, 0.2])) / torch.tensor([0.5, 2.0])
    x = x.movedim(-1, 0)[None]
    grey = (CLIPS.mean(axis=(0, 1, 2, 3)) - [0.1, 0.2]) / [0.5, 2.0]
    base = torch.tensor(grey, dtype=torch.float32).reshape(1, 2, 1, 1, 1).expand_as(x)

    def score(at):
        both = net(at)
        return both[:, 1] - both[:, 0]

    target = xaikit.Target(1, space="logit", against=0)
    about = {"target": target, "features": "blocks:2", "masker": "mean"}
    for layer in ("3", "1"):
        (cam,) = xaikit.explain(model, sample, [xaikit.methods.cam.GradCam(layer=layer)], **about)
        raw = captum.LayerGradCam(score, net[int(layer)]).attribute(x)
        fine = F.interpolate(raw.detach(), (T, H, W), mode="trilinear")[0, 0]
        np.testing.assert_allclose(cam.elements, fine, atol=1e-5)
    assert model.cam_layer() == "3"
    gradients = xaikit.methods.gradient.IntegratedGradients(n_steps=64)
    (found,) = xaikit.explain(model, sample, [gradients], **about)
    raw = captum.IntegratedGradients(score).attribute(x, base, n_steps=64)
    np.testing.assert_allclose(found.elements, raw.detach().sum(1)[0], atol=2e-4)
    (gone,) = xaikit.explain(model, sample, ["occlusion"], **about)
    ids = torch.tensor(gone.segmentation.ids)[None, None]
    raw = captum.FeatureAblation(score).attribute(x, base, feature_mask=ids.expand_as(x))
    per = gone.segmentation.pool(raw[0, 0].detach().double().numpy(), "mean")
    np.testing.assert_allclose(gone.values, per, atol=1e-4)


class Bright(nn.Module):
    """Adds up what is brighter than 0.8 in the last frames: a moving square, and nothing else."""

    def forward(self, x):
        bright = F.relu(x - 0.8).sum(dim=(1, 3, 4))  # (B, T)
        return torch.stack([0 * bright[:, 0], bright[:, 3:].sum(1)], dim=1)


def moving() -> tuple[np.ndarray, np.ndarray]:
    """(T, H, W, 1) a square that goes to the right, and (T, H, W) where it is late."""
    x = np.full((T, H, W, 1), 0.3)
    for t in range(T):
        x[t, 2:4, t : t + 2] = 1.0
    late = (x[..., 0] == 1.0) & (np.arange(T) >= 3)[:, None, None]
    return x, late


def test_a_planted_moving_square_is_found_where_and_when_it_counts() -> None:
    x, late = moving()
    model = xaikit.wrap(
        Bright(), modality="video", classes=AB, sample=x, outputs="logits",
        background=np.full((2, T, H, W, 1), 0.3),
    )  # fmt: skip
    sample = xaikit.Sample("s", x, "video", label=1, rationale=late)
    plan = {"features": "blocks", "target": xaikit.Target(1, against=0, space="logit")}
    for e in xaikit.explain(model, sample, ["occlusion", "shap"], **plan):
        due = e.segmentation.pool(late.astype(float)) * 0.2
        np.testing.assert_allclose(e.values, due, atol=1e-4)


def test_pages_and_pictures_draw_frames(tmp_path) -> None:
    x, late = moving()
    model = xaikit.wrap(
        Bright(), modality="video", classes=AB, sample=x, outputs="logits",
        background=np.full((2, T, H, W, 1), 0.3),
    )  # fmt: skip
    samples = [xaikit.Sample(f"s{i}", x, "video", 1, late) for i in range(2)]
    run = xaikit.study(model, samples, "occlusion,integrated_gradients,random", "fast")
    assert run.failures == ()
    page = xaikit.write_report(run, tmp_path / "a.html").read_text()
    assert "left of frames 3–3" not in page
    assert "of frame 3" in page or "of frames 3–" in page
    assert "below in reading order: 0, 1, 2, 3, 4, 5" in page
    assert "프레임" in xaikit.write_report(run, tmp_path / "b.html", "ko").read_text()
    e = xaikit.explain(model, samples[0], ["occlusion"])[0]
    for name in ("a.png", "a.svg"):
        assert e.save(tmp_path / name, samples[0]).stat().st_size > 5000
    assert 'class="outline"' in e.save(tmp_path / "c.html", samples[0]).read_text()
    matplotlib.pyplot.close("all")


def test_a_sheet_shows_frames_in_reading_order() -> None:
    grid = np.arange(6)[:, None, None] * np.ones((1, 2, 3))
    made = sheet(grid, -1)
    assert made.shape == (4, 12)
    assert made[::2, ::3].tolist() == [[0, 1, 2, 3], [4, 5, -1, -1]]
    assert frames_shown(6) == list(range(6))
    assert frames_shown(16) == [1, 3, 5, 7, 9, 11, 13, 15]
    assert sheet_of_pixels(np.zeros((6, 2, 3, 3))).shape == (4, 12, 3)
    assert sheet(grid[0]).shape == (2, 3)
    assert shrunk(np.zeros((20, 64, 64, 1))).shape == (8, 32, 32, 1)


def test_files_of_videos_are_read(tmp_path) -> None:
    whole = RNG.integers(0, 256, (12, 3, 4, 5, 3), dtype=np.uint8)
    np.savez(tmp_path / "v.npz", X=whole, y=np.arange(12) % 2)
    data = xaikit.load_data(tmp_path / "v.npz")
    assert data.modality == "video"
    assert data.test[0].x.shape == (3, 4, 5, 3)
    np.testing.assert_allclose(max(s.x.max() for s in data.train), whole.max() / 255, atol=0.02)
    np.savez(tmp_path / "odd.npz", X=whole[..., :2], y=np.arange(12) % 2)
    with pytest.raises(DataError, match="1 or 3 channels are needed"):
        xaikit.load_data(tmp_path / "odd.npz")
    np.savez(tmp_path / "scan.npz", X=whole[..., 0], y=np.arange(12) % 2)
    scan = xaikit.load_data(tmp_path / "scan.npz", modality="volume")
    assert scan.test[0].x.shape == (3, 4, 5, 1)
    with pytest.raises(InvalidInput, match="use forest, or wrap a net of your own"):
        xaikit.train("lenet", data, epochs=1, progress=False)
    forest = xaikit.train("forest", data, progress=False)
    assert xaikit.explain(forest, data.test[0], ["occlusion"])[0].values.shape == (3 * 4 * 4,)


def test_what_does_not_apply_is_refused() -> None:
    flat = wrapped(nn.Sequential(nn.Flatten(), nn.Linear(2 * T * H * W, 2)))
    with pytest.raises(NotApplicable, match="no layer whose cells|needs a spatial layer"):
        xaikit.explain(flat, clip(), ["gradcam"])
    with pytest.raises(InvalidInput, match=r"has pixels from 0 to 2; scale them to \[0, 1\]"):
        clip(np.array([0.0, 2.0]).reshape(2, 1, 1, 1))
    with pytest.raises(InvalidInput, match="cannot be cut by 'slic'"):
        segment(clip(), "slic")


def test_a_saved_net_of_videos_is_the_same_again(tmp_path) -> None:
    model = wrapped(conv3d())
    model.save(tmp_path / "m")
    again = xaikit.load_model(tmp_path / "m", factory=conv3d)
    assert again.modality == "video"
    assert np.array_equal(again.scores(CLIPS), model.scores(CLIPS))
