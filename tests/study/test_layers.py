"""What layers react to: filters set by hand have known patches, pictures and directions; a probe is scikit-learn's."""

from __future__ import annotations

import copy
import json
import math
import random
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn
from toy_zoo import fresh, line_data, toy_data
from typer.testing import CliRunner

from xaikit.app import cli
from xaikit.core.errors import InvalidInput, NotApplicable
from xaikit.core.types import Sample
from xaikit.data.dataset import Dataset
from xaikit.models.layers import layers_of, responses, untrained
from xaikit.models.modes import differentiating
from xaikit.models.visualise import ANGLES, FINEST, PHASES, WAVES, tune
from xaikit.models.wrapping import wrap
from xaikit.report.layers_page import headline, layers_page
from xaikit.report.words import Words
from xaikit.study.layers import SELECTIVE, Layers, Probe, Told, layers

SIDE, CLASSES = 14, ("standing", "lying", "<spot>", "rising")
RAMP = np.arange(5) - 2.0
SPOT = np.exp(-(RAMP[:, None] ** 2 + RAMP**2) / 2)
FILTERS = np.stack(
    [
        np.tile(RAMP, (5, 1)),  # dark left, bright right: a standing edge
        np.tile(RAMP[:, None], (1, 5)),  # a lying one
        SPOT - SPOT.mean(),
        RAMP[:, None] + RAMP,  # dark above left, bright below right: the edge rises to the right
        np.zeros((5, 5)),
    ]
)
BEST = [f > 0 for f in FILTERS]  # the picture within [0, 1] that excites a linear filter most
WEIGHT = 3.0


def hand_set() -> nn.Module:
    """Filters that are known, their mean over places, one class each."""
    conv, head = nn.Conv2d(1, 5, 5, padding=2, bias=False), nn.Linear(5, 4, bias=False)
    with torch.no_grad():
        conv.weight.copy_(torch.from_numpy(FILTERS[:, None]))
        head.weight.copy_(WEIGHT * torch.eye(4, 5))
    return nn.Sequential(conv, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)


def pictures(n: int, seed: int, name: str) -> tuple[Sample, ...]:
    """Faint patterns of the classes on grey noise; the first of each class has it in full at a place of its own."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(n):
        label = i % 4
        x = 0.4 + 0.1 * rng.random((SIDE, SIDE))
        row, column = (5 + label, 8 - label) if i < 4 else rng.integers(2, SIDE - 2, 2)
        strength = 1.0 if i < 4 else 0.3
        part = x[row - 2 : row + 3, column - 2 : column + 3]
        part += strength * (BEST[label] - part)
        found.append(Sample(f"{name}-{i}", x[..., None].astype(np.float32), "image", label))
    return tuple(found)


@pytest.fixture(scope="module")
def data() -> Dataset:
    parts = (pictures(80, 1, "train"), pictures(8, 2, "val"), pictures(40, 3, "test"))
    return Dataset("hand", "image", "classification", CLASSES, *parts)


@pytest.fixture(scope="module")
def model(data):
    rows = np.stack(data.inputs("train"))
    return wrap(hand_set(), modality="image", classes=CLASSES, background=rows, id="hand-net")


@pytest.fixture(scope="module")
def found(model, data) -> Layers:
    return layers(model, data, n_channels=4)


def test_the_strongest_patches_are_cut_by_the_receptive_field(found) -> None:
    assert [layer.field for layer in found.layers] == [(5, 5), None]
    for channel in found.layers[0].channels:
        c, best = channel.index, channel.patches[0]
        assert (best.sample, best.label) == (f"test-{c}", c)
        assert best.window == ((5 + c - 2, 5 + c + 3), (8 - c - 2, 8 - c + 3))
        np.testing.assert_allclose(best.x[..., 0], BEST[c])
        assert best.activation == pytest.approx(np.maximum(FILTERS[c], 0).sum(), rel=1e-5)
        assert len({p.sample for p in channel.patches}) == 6
        assert [p.activation for p in channel.patches] == sorted(
            (p.activation for p in channel.patches), reverse=True
        )


def test_a_made_picture_is_the_one_that_excites_a_known_filter_most(found) -> None:
    for channel in found.layers[0].channels:
        weights, x = FILTERS[channel.index], channel.made.x[..., 0]
        assert x.shape == (5, 5)
        assert (x[weights > 0.1] > 0.5).all()
        assert (x[weights < -0.1] < 0.5).all()
        reached = channel.made.activation
        assert reached == pytest.approx((weights * x).sum(), rel=1e-4)
        assert 0.95 * weights[weights > 0].sum() < reached <= weights[weights > 0].sum() + 1e-5


def test_filters_prefer_their_own_direction_and_a_spot_none(model) -> None:
    tuned = tune(model, layers_of(model)[0])
    for c, angle in ((0, 90), (1, 0), (3, 45)):
        assert tuned.selectivity[c] > SELECTIVE
        away = abs((tuned.preferred[c] - angle + 90) % 180 - 90)
        assert away < 1e-3
    assert tuned.selectivity[2] < 0.1
    assert tuned.selectivity[4] == 0  # silent


def test_the_answer_to_gratings_is_that_of_the_filter(model) -> None:
    """Gratings written out by their definition: lines of one brightness run at the angle, from x to the right."""
    down, across = RAMP[:, None], RAMP[None]
    by_hand = np.zeros((5, WAVES, ANGLES))
    for w, frequency in enumerate(np.geomspace(1 / 10, FINEST, WAVES)):
        for a in range(ANGLES):
            turn = math.pi * a / ANGLES
            along = across * math.sin(turn) + down * math.cos(turn)
            for p in range(PHASES):
                shown = 0.5 + 0.5 * np.sin(2 * math.pi * (frequency * along + p / PHASES))
                gain = np.maximum((FILTERS * shown).sum((1, 2)), 0) - np.maximum(
                    (FILTERS * 0.5).sum((1, 2)), 0
                )
                by_hand[:, w, a] = np.maximum(by_hand[:, w, a], gain)
    power = (by_hand**2).sum(1)
    np.testing.assert_allclose(tune(model, layers_of(model)[0]).curve, power, rtol=1e-4, atol=1e-5)


def test_a_probe_is_scikit_learns_own_score(found, data) -> None:
    conv = torch.from_numpy(FILTERS[:, None])

    def means(split: str) -> np.ndarray:
        x = torch.from_numpy(np.stack(data.inputs(split))).double().movedim(3, 1)
        return torch.conv2d(x, conv, padding=2).relu().mean((2, 3)).numpy()

    line = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
    line.fit(means("train"), data.labels("train"))
    probe = found.layers[0].probe
    assert probe.n == 40
    assert probe.accuracy == pytest.approx(line.score(means("test"), data.labels("test")))
    assert probe.seen == pytest.approx(line.score(means("train"), data.labels("train")))
    assert found.majority == 0.25
    assert found.accuracy == pytest.approx(
        np.mean(means("test")[:, :4].argmax(1) == data.labels("test"))
    )


def test_channels_weigh_what_they_add_to_the_predicted_answer(model, data) -> None:
    """Score k is WEIGHT x the mean of channel k, so the effect of k is that, and 0 of all others."""
    (answer,) = responses(model, data.inputs("test"), layers_of(model)[:1], weigh=True)
    scores = model.scores(data.inputs("test"))
    wanted = np.zeros((40, 5))
    rows = np.arange(40)
    wanted[rows, scores.argmax(1)] = scores.max(1)
    np.testing.assert_allclose(answer.effect, wanted, atol=1e-4)
    assert answer.weightiest[-1] == 4


@pytest.mark.parametrize("name", ["lenet", "resnet_small"])
def test_the_window_of_a_cell_is_all_that_moves_it(name) -> None:
    model = fresh(name, "image")
    rng = np.random.default_rng(0)
    xs = [rng.random((8, 12, 2)).astype(np.float32) for _ in range(6)]
    for layer in layers_of(model):
        if layer.sides is None:
            continue
        moved = np.zeros((8, 12), dtype=bool)
        cell = tuple(n // 2 for n in layer.shape)
        (before,) = responses_at(model, xs, layer, cell)
        for i, j in np.ndindex(8, 12):
            other = [x.copy() for x in xs]
            for x in other:
                x[i, j] = 5.0
            (after,) = responses_at(model, other, layer, cell)
            moved[i, j] = not np.allclose(before, after, atol=1e-6)
        (top, end), (left, right) = layer.window(cell, (8, 12))
        wanted = np.zeros_like(moved)
        wanted[max(top, 0) : max(end, 0), max(left, 0) : max(right, 0)] = True
        np.testing.assert_array_equal(moved, wanted, layer.name)


def responses_at(model, xs, layer, cell):
    """The activations of one cell, read by a hook of its own."""
    model.scores(xs)  # what is looked up once is looked up now
    held = []
    handle = model.net.get_submodule(layer.name).register_forward_hook(
        lambda _m, _a, out: held.append(out[(..., *cell)].detach().clone().numpy())
    )
    model.scores(xs)
    handle.remove()
    return [np.concatenate(held)]


def test_blocks_are_read_at_their_sum_and_tokens_at_their_blocks() -> None:
    assert [layer.name for layer in layers_of(fresh("resnet_small", "image"))] == [
        "stem.2",
        "stages.0",
        "stages.1",
        "stages.2",
        "head.2",
    ]
    tokens = layers_of(fresh("vit_small", "image"))
    assert [layer.name for layer in tokens] == ["patches", "blocks.0", "blocks.1", "head"]
    assert tokens[1].shape == (2, 3)
    assert tokens[1].cells.prefix == 1  # the class token is no place
    assert tokens[1].window((0, 0), (8, 12)) == ((0, 8), (0, 12))
    assert tokens[0].window((1, 2), (8, 12)) == ((4, 8), (8, 12))


def test_tokens_are_looked_at_too() -> None:
    found = layers(fresh("vit_small", "image"), toy_data("image"), n_channels=1, n_patches=2)
    assert [layer.field for layer in found.layers] == [(4, 4), None, None, None]
    assert found.layers[1].channels[0].patches[0].x.shape == (8, 12, 2)


def test_everything_is_left_as_it_was_and_the_same_seed_gives_the_same(model, data) -> None:
    model.net.train()
    before = copy.deepcopy(model.net.state_dict())
    flags = [p.requires_grad for p in model.net.parameters()]
    random_state, numpy_state = random.getstate(), np.random.get_state()[1].tolist()
    torch_state = torch.get_rng_state().tolist()
    one, two = (layers(model, data, n_channels=1, seed=4) for _ in range(2))
    assert random.getstate() == random_state
    assert np.random.get_state()[1].tolist() == numpy_state
    assert torch.get_rng_state().tolist() == torch_state
    assert all(m.training for m in model.net.modules())
    model.net.eval()
    assert [p.requires_grad for p in model.net.parameters()] == flags
    assert all(p.grad is None for p in model.net.parameters())
    assert not any(m._forward_hooks for m in model.net.modules())
    assert all(torch.equal(v, before[k]) for k, v in model.net.state_dict().items())
    assert one.to_json() == two.to_json()
    np.testing.assert_array_equal(
        one.layers[0].channels[0].made.x, two.layers[0].channels[0].made.x
    )


def test_the_untrained_twin_starts_as_its_modules_do() -> None:
    model = fresh("resnet_small", "image")
    twin = untrained(model, np.random.default_rng(0))
    norm = twin.net.stem[1]
    assert (norm.running_mean == 0).all()
    assert (norm.weight == 1).all()
    bound = 1 / math.sqrt(twin.net.stem[0].weight[0].numel())
    assert twin.net.stem[0].weight.abs().max() <= bound
    assert not torch.equal(twin.net.stem[0].weight, model.net.stem[0].weight)
    again = untrained(model, np.random.default_rng(0))
    assert torch.equal(twin.net.head[2].weight, again.net.head[2].weight)


def told(right: int, twin: int, **changes) -> Told:
    """A layer whose probe is right in so many of 100."""
    return Told(
        "l", 16, (4, 4), (5, 5), (), Probe(right, 100, 1.0), Probe(twin, 100, 1.0), **changes
    )


def result(*found: Told) -> Layers:
    return Layers("m", "d", ("a", "b"), found, ("l",), 0.1, 0.97, 500, 0)


@pytest.mark.parametrize(
    ("rights", "twins", "layer"),
    [
        ((45, 80, 97, 96), (30, 30, 30, 30), 2),
        ((45, 97, 60, 96), (30, 30, 30, 30), 3),  # it must stay so
        ((95, 96, 97, 96), (30, 30, 30, 30), 0),
        ((45, 80, 97, 96), (90, 92, 95, 93), None),  # an untrained net does as well
        ((10, 12, 14, 11), (2, 2, 2, 2), None),  # no better than the most frequent class
        ((45, 97, 96, 20), (30, 30, 30, 30), None),
    ],
)
def test_classes_can_be_told_from_a_layer_on(rights, twins, layer) -> None:
    assert result(*map(told, rights, twins)).told_from == layer


def test_edges_are_said_only_where_most_channels_have_a_direction_beyond_chance() -> None:
    assert told(45, 30, oriented=12, by_chance=0.4).directed
    assert not told(45, 30, oriented=12, by_chance=0.6).directed  # P(12 or more of 16) is .17
    assert not told(45, 30, oriented=8, by_chance=0.1).directed
    assert not told(45, 30).directed
    edge, plain = told(45, 30, oriented=12, by_chance=0.4), told(45, 30)
    last = told(97, 30)
    words = Words()
    assert headline(result(edge, last), words) == (
        "Layer 1 reacts to edges; the classes can be told from layer 2 of 2 on"
    )
    assert "edges" not in headline(result(plain, last), words)
    assert headline(result(plain, told(45, 45)), words).startswith("No layer tells")
    assert "edges, and no layer" in headline(result(edge, told(45, 45)), words)


def test_the_page_shows_the_layers_in_order_and_escapes_names(found, tmp_path) -> None:
    page = found.save(tmp_path / "page.html").read_text(encoding="utf-8")
    assert re.findall(r'class="number">(\d)<', page) == ["1", "2"]
    assert page.count('class="field made"') == 8 + 1  # four channels of two layers, and the legend
    assert "&lt;spot&gt;" in page
    assert "<spot>" not in page
    assert "Content-Security-Policy" in page
    assert "http" not in page.replace("http-equiv", "")
    overhanging = replace(found.layers[0].channels[0].patches[0], window=((-1, 4), (3, 8)))
    overhanging = replace(overhanging, x=overhanging.x[1:])
    channel = replace(found.layers[0].channels[0], patches=(overhanging,), made=None)
    drawn = layers_page(
        replace(found, layers=(replace(found.layers[0], channels=(channel,)),)), "ko"
    )
    (patch,) = drawn["layers"][0]["channels"][0]["patches"]
    assert patch["place"] == "left:0.00%;top:20.00%;width:100.00%;height:80.00%"
    assert drawn["layers"][0]["channels"][0]["times"] == "경사 상승으로 찾지 못함"


def test_the_command_writes_the_page_and_says_the_answer(
    model, data, tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "_load", lambda *a, **k: data)
    monkeypatch.setattr(cli, "_model", lambda *a, **k: model)
    words = ["layers", "hand", "--data", "hand", "--layers", "1", "--channels", "1", "--json"]
    done = CliRunner().invoke(cli.app, words, catch_exceptions=False)
    record = json.loads(done.stdout)
    assert record["page"] == "reports/layers-hand.html"
    assert [layer["name"] for layer in record["layers"]] == ["1"]
    assert record["layers"][0]["probe"]["correct"] <= 40
    assert "x" not in record["layers"][0]["channels"][0]["patches"][0]


def test_what_has_no_layers_is_refused(model, data) -> None:
    function = wrap(
        lambda x: x.mean(3).reshape(len(x), -1)[:, :4],
        modality="image",
        classes=CLASSES,
        background=np.stack(data.inputs("train")),
        outputs="logits",
    )
    with pytest.raises(NotApplicable, match="no torch net whose modules can be watched"):
        layers(function, data)
    with pytest.raises(NotApplicable, match="reads texts, and layers are looked at for images"):
        layers(fresh("gru", "text"), toy_data("text"))
    with pytest.raises(NotApplicable, match="'line' is a regression, and a probe tells classes"):
        layers(model, line_data())
    with pytest.raises(InvalidInput, match="'hand-net' has no layer 'conv'; it has 1, 4"):
        layers(model, data, names=["conv"])


def test_a_net_that_changes_its_pictures_first_gets_no_made_ones(model) -> None:
    class Squared:
        """Encodes each pixel as its square."""

        def __getattr__(self, name):
            return getattr(model.inputs, name)

        def read(self, net, xs, device):
            batch = model.inputs.read(net, xs, device)
            return replace(batch, at=batch.at**2)

    with differentiating(model.parts), pytest.raises(NotApplicable, match="changes its pictures"):
        tune(replace(model, inputs=Squared()), layers_of(model)[0])
