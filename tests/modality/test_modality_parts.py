"""Samples of several parts: nets and functions of several inputs, what their features are worth, pages."""

from __future__ import annotations

import subprocess
import sys
from itertools import combinations
from math import factorial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import xaikit
from xaikit.core.errors import InvalidInput, NotApplicable, UnknownName
from xaikit.core.sample import MODALITIES
from xaikit.methods.cam import GradCam
from xaikit.methods.gradient import IntegratedGradients

RNG = np.random.default_rng(0)
SCANS = RNG.random((12, 6, 8, 2)).astype(np.float32)
ROWS = RNG.normal(50, 10, (12, 2))
AB = ("a", "b")
ABOUT = {
    "inputs": {"scan": "image", "vitals": ["age", "pulse"]},
    "background": {"scan": SCANS, "vitals": ROWS},
    "mean": {"scan": (0.5, 0.4), "vitals": (50, 60)},
    "std": {"scan": (0.2, 0.3), "vitals": (10, 20)},
}
BOTH = xaikit.Target(1, space="logit", against=0)


class Net(nn.Module):
    """A picture and two columns that act on each other."""

    def __init__(self):
        super().__init__()
        self.maps = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.Tanh())
        self.late = nn.Sequential(nn.Conv2d(4, 5, 3, padding=1), nn.ReLU())
        self.row = nn.Linear(2, 5)
        self.head = nn.Linear(5, 2)

    def forward(self, scan, vitals):
        return self.head(self.late(self.maps(scan)).mean((2, 3)) * torch.tanh(self.row(vitals)))


class Apart(Net):
    """The same, called with one mapping."""

    def forward(self, batch):
        return super().forward(batch["scan"], batch["vitals"])


class InTurn(Net):
    """The same, under other names."""

    def forward(self, x, y, *, scale=1.0):
        return scale * super().forward(x, y)


def net_of(kind=Net):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return kind()


@pytest.fixture(scope="module")
def model():
    return xaikit.wrap(net_of(), classes=AB, outputs="logits", **ABOUT)


def sample_of(model, i=0):
    return xaikit.Sample(f"p{i}", {"scan": SCANS[i], "vitals": ROWS[i]}, model.modality)


def tensors(scans=SCANS[:1], rows=ROWS[:1]):
    scan = (torch.tensor(scans) - torch.tensor([0.5, 0.4])) / torch.tensor([0.2, 0.3])
    row = (torch.tensor(rows) - torch.tensor([50.0, 60])) / torch.tensor([10.0, 20])
    return scan.permute(0, 3, 1, 2).float(), row.float()


def grid_of(e, at=96):
    """The picture's part of a map, summed over its channels."""
    return e.elements[:at].reshape(6, 8, 2).sum(2)


@pytest.mark.parametrize("kind", [Net, Apart, InTurn])
def test_a_net_is_called_as_it_asks(kind) -> None:
    net = net_of(kind)
    model = xaikit.wrap(net, classes=AB, outputs="logits", **ABOUT)
    scan, row = tensors(SCANS[:3], ROWS[:3])
    given = np.stack([sample_of(model, i).x for i in range(3)])
    with torch.no_grad():
        due = net_of()(scan, row)
    np.testing.assert_allclose(model.scores(given), due, atol=1e-5)
    assert model.modality == "parts(scan:image:6x8x2,vitals:table=age|pulse)"
    assert net.training


@pytest.mark.parametrize("how", ["names", "places", "mapping"])
def test_functions_of_several_inputs(how) -> None:
    functions = {
        "names": lambda vitals, scan: scan.sum((1, 2, 3)) + vitals[:, 0],
        "places": lambda x, y: x.sum((1, 2, 3)) + y[:, 0],
        "mapping": lambda both: both["scan"].sum((1, 2, 3)) + both["vitals"][:, 0],
    }
    about = {key: ABOUT[key] for key in ("inputs", "background")}
    model = xaikit.wrap(functions[how], outputs="values", **about)
    (e,) = xaikit.explain(model, sample_of(model), ["shap"], features="patches:2")
    colour = SCANS.mean(axis=(0, 1, 2), dtype=np.float64)
    change = (SCANS[0] - colour).sum(axis=2)
    due = [change[i : i + 4, j : j + 4].sum() for i in (0, 4) for j in (0, 4)]
    assert e.names == (
        "scan, row 1, col 1", "scan, row 1, col 2", "scan, row 2, col 1", "scan, row 2, col 2",
        "age", "pulse",
    )  # fmt: skip
    np.testing.assert_allclose(e.values, [*due, ROWS[0, 0] - ROWS[:, 0].mean(), 0], atol=1e-4)
    assert "mean colour" in e.masker
    assert "12 training rows" in e.masker


def test_shapley_values_equal_brute_force_over_both_parts(model) -> None:
    sample, net = sample_of(model), net_of()
    (e,) = xaikit.explain(model, sample, ["shap"], features="patches:2", target=BOTH)
    ids = e.segmentation.ids[:96].reshape(6, 8, 2)[..., 0]
    colour = SCANS.mean(axis=(0, 1, 2))

    def value(kept):
        scan = np.where(np.isin(ids, list(kept))[..., None], SCANS[0], colour)
        row = np.where([4 in kept, 5 in kept], ROWS[0], ROWS)
        with torch.no_grad():
            out = net(*tensors(np.repeat(scan[None], 12, 0).astype(np.float32), row))
        return float((out[:, 1] - out[:, 0]).double().mean())

    n = 6
    due = np.zeros(n)
    for i in range(n):
        rest = [j for j in range(n) if j != i]
        for size in range(n):
            share = factorial(size) * factorial(n - size - 1) / factorial(n)
            for kept in combinations(rest, size):
                due[i] += share * (value({*kept, i}) - value(set(kept)))
    np.testing.assert_allclose(e.values, due, atol=1e-5)
    (gone,) = xaikit.explain(model, sample, ["occlusion"], features="patches:2", target=BOTH)
    whole = value(set(range(n)))
    one = [whole - value(set(range(n)) - {i}) for i in range(n)]
    np.testing.assert_allclose(gone.values, one, atol=1e-5)


def test_gradients_over_all_parts_equal_captum(model) -> None:
    captum = pytest.importorskip("captum.attr")
    net = net_of()

    def score(scan, row):
        out = net(scan, row)
        return out[:, 1] - out[:, 0]

    zero = {"scan": np.full((6, 8, 2), 0.25), "vitals": np.array([40.0, 70.0])}
    reference = MODALITIES.get(model.modality).read(zero)
    (e,) = xaikit.explain(
        model, sample_of(model), [IntegratedGradients(n_steps=64)], target=BOTH, masker=reference
    )
    base = tensors(zero["scan"][None].astype(np.float32), zero["vitals"][None])
    scan, row = captum.IntegratedGradients(score).attribute(tensors(), base, n_steps=64)
    np.testing.assert_allclose(
        e.elements[:96].reshape(6, 8, 2), scan[0].detach().permute(1, 2, 0), atol=1e-4
    )
    np.testing.assert_allclose(e.elements[96:], row[0].detach(), atol=1e-4)


def test_a_map_lies_on_the_part_that_its_layer_reads(model) -> None:
    sample = sample_of(model)
    assert model.cam_layer() == "late"
    for layer in ("late", "maps.1", "maps"):
        asked = GradCam(layer=layer)
        (e,) = xaikit.explain(model, sample, [asked], features="scan", target=BOTH)
        net, kept = net_of(), []
        net.get_submodule(layer).register_forward_hook(
            lambda _m, _a, out, kept=kept: kept.append(out)
        )
        out = net(*tensors())
        (slope,) = torch.autograd.grad((out[:, 1] - out[:, 0]).sum(), kept[0])
        cam = (slope.mean((2, 3), keepdim=True) * kept[0]).sum(1, keepdim=True)
        fine = F.interpolate(cam.detach(), (6, 8), mode="bilinear")[0, 0]
        np.testing.assert_allclose(grid_of(e) / 2, fine, atol=1e-6)
    with pytest.raises(NotApplicable, match="layer 'late' says nothing of 'age'"):
        xaikit.explain(model, sample, ["gradcam"])
    with pytest.raises(NotApplicable, match=r"layer 'row' .* reads 'vitals' and a map lies on one"):
        xaikit.explain(model, sample, [GradCam(layer="row")], features="scan")
    with pytest.raises(NotApplicable, match="reads 'scan' and 'vitals' and a map lies on one"):
        xaikit.explain(model, sample, [GradCam(layer="head")], features="scan")


class Two(nn.Module):
    """A picture and a series, each with layers of its own."""

    def __init__(self):
        super().__init__()
        self.wave = nn.Conv1d(3, 4, 3, padding=1)
        self.scan = nn.Conv2d(2, 4, 3, padding=1)
        self.head = nn.Linear(8, 2)

    def forward(self, wave, scan):
        return self.head(torch.cat([self.wave(wave).amax(2), self.scan(scan).amax((2, 3))], 1))


def test_a_series_beside_a_picture_and_blocks_of_a_video() -> None:
    waves = RNG.normal(size=(5, 12, 3))
    with torch.random.fork_rng():
        model = xaikit.wrap(
            Two(), classes=AB, outputs="logits", inputs={"wave": "series", "scan": "image"},
            background={"wave": waves, "scan": SCANS[:5]}, layout={"wave": "BCL"},
        )  # fmt: skip
    sample = xaikit.Sample("s", {"wave": waves[0], "scan": SCANS[0]}, model.modality)
    for part, layer in (("wave", "wave"), ("scan", "scan")):
        (e,) = xaikit.explain(model, sample, [GradCam(layer=layer)], features=part)
        outside = e.elements[36:] if part == "wave" else e.elements[:36]
        assert np.abs(e.elements).max() > 0
        assert not outside.any()
    (ig,) = xaikit.explain(model, sample, [IntegratedGradients(n_steps=256)])
    assert abs(ig.residual) < 0.02 * np.abs(ig.values).sum()
    assert {name.split(",")[0] for name in ig.names} == {"wave", "scan"}


def test_what_is_given_and_how_it_is_cut(model) -> None:
    one = {"scan": (255 * SCANS[0]).astype(np.uint8), "vitals": ROWS[0]}
    many = {"scan": SCANS[:3], "vitals": ROWS[:3]}
    kind = MODALITIES.get(model.modality)
    np.testing.assert_allclose(kind.read(one)[:96], SCANS[0].ravel(), atol=1 / 255)
    assert kind.read(many).shape == (3, 98)
    assert len(xaikit.explain(model, many, ["occlusion"], features="patches:2")) == 3
    assert len(xaikit.explain(model, [one, one], ["occlusion"], features="patches:2")) == 2
    (e,) = xaikit.explain(model, one, ["occlusion"], features="vitals")
    assert e.names == ("age", "pulse")
    assert (e.segmentation.ids[:96] == -1).all()
    (blur,) = xaikit.explain(model, one, ["occlusion"], features="vitals", masker="blur")
    assert "blurred image" in blur.masker
    near = kind.within(sample_of(model).x + 5)
    assert near[:96].max() == 1.0
    assert near[96:] == pytest.approx(ROWS[0] + 5)


def test_a_name_says_all_of_its_parts() -> None:
    name = "parts(a:image:2x2x1,b:table=x%2Cy|%5Bz,c:table:3)"
    kind = MODALITIES.get(name)
    assert [slot.shape for slot in kind.slots] == [(2, 2, 1), (2,), (3,)]
    assert kind.slots[1].columns == ("x,y", "[z")
    assert kind.name == name
    assert MODALITIES.get(name) is kind
    assert name not in tuple(MODALITIES)
    for odd in (
        "parts()", "parts(a)", "parts(a:image:2x2)", "parts(a:smell:2)", "parts(a:text:3)", "parts(a:table:0)",
        "parts(a:table:2,a:table:2)", "parts(a:table:99999999)", "parts(a:parts(b:table:2):2)",
        "parts(columns:table:2)", "parts(a b:table:2)", "parts(a:table:2:3)", "parts(a:table=<b>)", "parts(a:table=é)", "parts(a:image=b)", "parts(a:table=)", "parts(a:table=b|)",
    ):  # fmt: skip
        assert odd not in MODALITIES, odd
    with pytest.raises(UnknownName):
        MODALITIES.get("parts(a)")


def test_misfits_are_named(model) -> None:
    cases = [
        ({"inputs": {"scan": "image"}}, "name the same"),
        ({"inputs": {"scan": "smell", "vitals": "table"}}, "says that 'scan' is 'smell'"),
        ({"inputs": {"scan": "series", "vitals": "table"}}, r"'scan' has the shape \(6, 8, 2\)"),
        ({"inputs": {"scan": "image", "vitals": ["age"]}}, "names 1 columns of 'vitals'"),
        ({"mean": (0.1, 0.2)}, "there are several inputs; give one by name"),
        ({"modality": "image"}, "inputs says it of each part"),
        ({"background": SCANS}, "give each by name"),
        ({"background": None}, "give sample= or background= by name"),
        (
            {"inputs": None, "modality": "image"},
            "background is a mapping of parts; say what each is",
        ),
    ]
    for more, match in cases:
        with pytest.raises(InvalidInput, match=match):
            xaikit.wrap(net_of(), classes=AB, **{**ABOUT, **more})
    about = {key: ABOUT[key] for key in ("inputs", "background")}
    with pytest.raises(InvalidInput, match=r"takes \(scan, other\) and inputs names scan, vitals"):
        xaikit.wrap(lambda scan, other: scan.sum() + other, outputs="values", **about)
    with pytest.raises(InvalidInput, match=r"the parts have the shapes .* give scan \(6, 8, 2\)"):
        xaikit.Sample("s", {"scan": SCANS[0, :5], "vitals": ROWS[0]}, model.modality)
    with pytest.raises(InvalidInput, match=r"has the parts scan; scan, vitals are needed"):
        xaikit.Sample("s", {"scan": SCANS[0]}, model.modality)
    with pytest.raises(InvalidInput, match=r"'s \(scan\)' has pixels from"):
        xaikit.Sample("s", {"scan": SCANS[0] + 1, "vitals": ROWS[0]}, model.modality)
    with pytest.raises(InvalidInput, match="part 'note' holds words"):
        xaikit.wrap(lambda note, row: row[:, 0], inputs={"note": "text", "row": "table"},
                    sample={"note": ["a"], "row": [1.0]})  # fmt: skip


def test_a_study_is_judged_saved_and_drawn_in_another_process(model, tmp_path) -> None:
    samples = [sample_of(model, i) for i in range(3)]
    run = xaikit.study(
        model, samples, "occlusion,integrated_gradients,gradcam,random", "fast", features="patches:2"
    )  # fmt: skip
    assert {f.method for f in run.failures} == {"gradcam"}
    assert {v.method for v in run.verdicts()} >= {"occlusion", "integrated_gradients"}
    run.save(tmp_path / "run")
    code = (
        "import sys, xaikit; [xaikit.write_report(sys.argv[1], sys.argv[1] + f'-{c}.html', c) "
        "for c in ('en', 'ko')]; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "run")], check=True)
    page = (tmp_path / "run-en.html").read_text()
    for told in (">scan<", "<b>age</b>", "the picture in scan", "Everything removed"):
        assert told in page or told.replace("<b>", "") in page, told
    assert "이 표본" in (tmp_path / "run-ko.html").read_text()
    e = xaikit.explain(model, samples[0], ["occlusion"], features="patches:2")[0]
    assert e.save(tmp_path / "a.png", samples[0]).stat().st_size > 5000
    assert "age = " in e.save(tmp_path / "a.html", samples[0]).read_text()


def test_a_model_of_parts_says_why_it_is_not_saved(model, tmp_path) -> None:
    with pytest.raises(InvalidInput, match="of several inputs is not saved; keep the module"):
        model.save(tmp_path / "m")
    assert not (tmp_path / "m").exists()
