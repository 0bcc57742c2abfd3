"""Sounds: spectra there and back, log-mel levels, patches, removal, gradients, own nets, groups, the page."""

from __future__ import annotations

import base64
import io
import json
import re
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.io import wavfile
from torch import nn

import xaikit
from xaikit.core.errors import DataError, InvalidInput, NotApplicable
from xaikit.core.sound import FLOOR, bands, mel_bank, mel_levels, spectrum, wave_of
from xaikit.data import load_data
from xaikit.data.dataset import Dataset
from xaikit.data.rows import split_rows
from xaikit.data.tones import CAUSE, make_tones
from xaikit.modalities import AUDIO, masker, segment
from xaikit.models.audio import MelEncoder, _wave
from xaikit.models.features import MelMeans
from xaikit.report.answers_sounds import strong_part, wav_uri

RATE = 8000
RNG = np.random.default_rng(0)
NOISE = [RNG.normal(0, 0.1, 2048) for _ in range(6)]


def sounds(n: int = 6) -> list[xaikit.Sample]:
    return [xaikit.sound(w, RATE, i % 2, f"s{i}") for i, w in enumerate(NOISE[:n])]


def tone(pitch: float, n: int = 2048) -> np.ndarray:
    return np.sin(2 * np.pi * pitch * np.arange(n) / RATE)


def test_a_sound_comes_back_from_its_spectrum() -> None:
    for rate, n in ((8000, 129), (16000, 257), (44100, 513), (1000, 33)):
        x = spectrum(NOISE[0], rate)
        assert x.shape[0] == n
        np.testing.assert_allclose(wave_of(x)[: len(NOISE[0])], NOISE[0], atol=1e-5)
    both = np.stack([s.x for s in sounds(2)])
    np.testing.assert_allclose(wave_of(both)[1], NOISE[1], atol=1e-5)
    torch_made = _wave(torch.from_numpy(both).movedim(-1, 1).double())
    np.testing.assert_allclose(torch_made.numpy(), wave_of(both), atol=1e-9)


def test_a_full_sine_has_no_decibels_at_its_own_frequency() -> None:
    x = spectrum(tone(1500.0), RATE)
    middle = x[:, x.shape[1] // 2, 0]
    assert middle.argmax() == 128 - 48  # 1500 Hz of 31.25 Hz each, high ones first
    assert middle.max() == pytest.approx(0, abs=0.01)
    assert (spectrum(np.zeros(500), RATE)[..., 0] == FLOOR).all()


def test_mel_levels_as_they_are_written() -> None:
    x, bank = sounds(1)[0].x, mel_bank(129, RATE)
    top = 2595 * np.log10(1 + 4000 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, 42) / 2595) - 1)
    for m in (0, 13, 39):  # counted from the highest
        low, middle, high = (2595 * np.log10(1 + edges[39 - m + k] / 700) for k in range(3))
        power = 0.0
        for f in range(129):
            pitch = 2595 * np.log10(1 + (128 - f) * 31.25 / 700)
            weight = min((pitch - low) / (middle - low), (high - pitch) / (high - middle))
            assert bank[m, f] == pytest.approx(max(weight, 0), abs=1e-9)
            power += max(weight, 0) * 10 ** (x[f, 3, 0] / 10)
        assert mel_levels(x, RATE)[m, 3] == pytest.approx(10 * np.log10(power + 1e-8))


def test_patches_are_called_by_frequency_and_time() -> None:
    sample = sounds(1)[0]  # 17 frames of 16 ms
    cut = segment(sample, "patches:2")
    middle = 700 * (10 ** (np.log10(1 + 4000 / 700) / 2) - 1)  # half of the mel scale
    low = (np.arange(128, -1, -1) * 31.25) < middle
    assert (cut.ids[:, 0] == np.where(low, 2, 0)).all()
    assert cut.ids[0].tolist() == [0] * 9 + [1] * 8
    assert cut.names == (
        "1.1-4.0 kHz · 0.00-0.14 s",
        "1.1-4.0 kHz · 0.14-0.26 s",
        "0.0-1.1 kHz · 0.00-0.14 s",
        "0.0-1.1 kHz · 0.14-0.26 s",
    )
    assert segment(sample).n_features == 64
    assert segment(sample, "bands:5").n_features == segment(sample, "times:5").n_features == 5
    assert len(np.unique(bands(129, RATE, 60))) == bands(129, RATE, 60).max() + 1
    with pytest.raises(InvalidInput, match="does not say its samples a second; make it by xaikit"):
        segment(xaikit.Sample("x", sample.x, "audio"))


def test_what_is_removed_has_the_mean_spectrum_and_its_own_phase() -> None:
    sample, rows = sounds(1)[0], np.stack([s.x for s in sounds()])
    cut = segment(sample)
    usual = masker(sample, cut, rows)
    assert usual.name == "mean spectrum of training sounds"
    for f in (0, 40, 128):
        level = np.mean([rows[b, f, t, 0] for b in range(6) for t in range(17)])
        np.testing.assert_allclose(usual.references[0, f, :, 0], level, rtol=1e-5)
    np.testing.assert_array_equal(usual.references[0, ..., 1], sample.x[..., 1])
    quiet = masker(sample, cut, rows, "silence").references[0]
    assert np.abs(wave_of(quiet)).max() < 5e-4
    own = masker(sample, cut, None)
    np.testing.assert_allclose(own.references[0, 5, :, 0], sample.x[5, :, 0].mean(), rtol=1e-5)
    assert AUDIO.within(sample.x - 500)[..., 0].min() == FLOOR
    spread = AUDIO.spread(sample.x, rows, {})
    np.testing.assert_allclose(spread[..., 0], rows[..., 0].std(0), rtol=1e-4)
    assert (spread[..., 1] == 0).all()


class Band(nn.Module):
    """Two scores of a log-mel picture: the mean of two mel bands."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.scale * x[:, 0, [16, 7]].mean(dim=2)


def mel_model(net: nn.Module | None = None) -> Any:
    from xaikit.models.wrapping import adapted

    rows = np.stack([s.x for s in sounds()])
    return adapted(
        net or Band(),
        MelEncoder.fit(rows, RATE),
        id="bands",
        modality="audio",
        classes=("a", "b"),
        outputs="logits",
        x=rows[0],
        background=rows,
    )


def slopes(
    model: Any, x: np.ndarray, places: list[tuple[int, int]]
) -> tuple[list[float], list[float]]:
    """At those places the derivative of the first score by the level, and by a small step."""
    leaf = model.leaf([x])
    at = leaf.at.clone().requires_grad_()
    score = leaf.forward(at, torch.tensor([0]))[0, 0]
    (slope,) = torch.autograd.grad(score, at)
    found, steps = [], []
    for f, t in places:
        moved = [leaf.at.clone() for _ in range(2)]
        for sign, other in zip((1, -1), moved, strict=True):
            other[0, 0, f, t] += sign * 0.05
        ends = [float(leaf.forward(m, torch.tensor([0]))[0, 0]) for m in moved]
        found.append(float(slope[0, 0, f, t]))
        steps.append((ends[0] - ends[1]) / 0.1)
    return found, steps


def test_gradients_reach_the_levels_through_the_log_mel_front_end() -> None:
    model, x = mel_model(Band().double()), sounds(1)[0].x
    strong = np.flatnonzero(mel_bank(129, RATE)[16] > 0.3)
    places = [(int(strong[0]), 4), (int(strong[-1]), 9), (3, 3)]
    found, steps = slopes(model, x, places)
    np.testing.assert_allclose(found, steps, rtol=1e-4, atol=1e-12)
    assert found[0] > 0
    assert found[2] == 0
    (e,) = xaikit.explain(model, sounds(1), "integrated_gradients", target=0)
    assert abs(e.residual) < 0.02 * abs(e.output - e.empty)


def test_bands_that_are_not_read_get_exactly_nothing() -> None:
    model, sample = mel_model(), sounds(1)[0]
    (e,) = xaikit.explain(model, [sample], "occlusion", target=0, features="bands:8")
    heard = (mel_bank(129, RATE)[[16, 7]] > 0).any(axis=0)  # of both classes, one against the other
    assert set(np.flatnonzero(e.values)) == set(e.segmentation.ids[heard, 0].tolist())
    assert len(np.flatnonzero(e.values)) < 5


def test_masked_sounds_are_those_of_the_data_space() -> None:
    model, sample = mel_model(), sounds(1)[0]
    cut = segment(sample, "patches:4")
    gone = masker(sample, cut, model.background)
    masks = np.random.default_rng(1).random((5, cut.n_features)) < 0.5
    bound = model.bind(sample.x, gone.references, cut.ids, False)(masks, slice(None))[:, 0]
    kept = cut.expand(masks)[..., None]
    np.testing.assert_allclose(
        bound, model.scores(np.where(kept, sample.x, gone.references[0])), rtol=1e-4, atol=1e-4
    )


def test_cells_of_a_layer_come_back_to_frequencies() -> None:
    inputs = MelEncoder.fit([s.x for s in sounds()], RATE)
    cells = torch.zeros(1, 10, 4)
    cells[0, 2, 1] = 1.0  # mel bands 8 to 11 of 40
    whole = np.asarray(inputs.spread(cells, None)[0])  # type: ignore[arg-type]
    assert whole.sum() == pytest.approx(1)
    heard = (mel_bank(129, RATE)[8:12] > 0).any(axis=0)
    assert (whole[~heard] == 0).all()
    assert (whole[:, :3] == 0).all()
    smooth = np.asarray(inputs.upsample(cells, None)[0])  # type: ignore[arg-type]
    assert np.unravel_index(smooth.argmax(), smooth.shape)[0] in np.flatnonzero(heard)
    flat = np.asarray(inputs.upsample(torch.ones(1, 10, 4), None)[0])  # type: ignore[arg-type]
    np.testing.assert_allclose(flat[1:-1], 1, atol=1e-9)


class Loud(nn.Module):
    """The power of a wave near 1.5 kHz, and the whole power."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(
            torch.from_numpy(np.stack([tone(1500.0), tone(0) + 0.01])).float()
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x @ self.weight.T) ** 2


@pytest.fixture(scope="module")
def heard() -> Any:
    wave = 0.01 * NOISE[0]
    wave[512:1024] += 0.3 * tone(1500.0)[512:1024]
    wave[1024:1536] += 0.3 * tone(3000.0)[1024:1536]
    return xaikit.sound(wave, RATE, id="two tones")


def test_own_nets_and_functions_hear_the_wave(heard: Any) -> None:
    rows = np.stack([s.x for s in sounds()])
    net = xaikit.wrap(
        Loud(), modality="audio", names=["near", "all"], sample=heard.x, background=rows
    )
    wave = torch.from_numpy(wave_of(heard.x)).float()
    np.testing.assert_allclose(net.scores([heard.x])[0], Loud()(wave[None])[0].detach(), rtol=1e-3)
    weight = Loud().weight.detach().numpy().astype(np.float64)
    function = xaikit.wrap(
        lambda waves: (waves @ weight.T) ** 2,
        modality="audio",
        names=["near", "all"],
        sample=heard.x,
        background=rows,
    )
    np.testing.assert_allclose(function.scores([heard.x]), net.scores([heard.x]), rtol=1e-3)
    for model in (net, function):
        for how in ("mean", "silence"):
            (e,) = xaikit.explain(model, heard, "occlusion", target="near", masker=how)
            best = e.segmentation.ids == e.values.argmax()
            rows_of, times = np.nonzero(best)
            assert 128 - 48 in rows_of  # 1.5 kHz
            assert 3 <= times.mean() <= 8.5  # frames 4 to 8
    found, steps = slopes(net, heard.x, [(80, 6), (80, 5)])
    np.testing.assert_allclose(found, steps, rtol=0.02)
    with pytest.raises(
        InvalidInput, match="layout is 'BLC' and a module that hears sounds is given"
    ):
        xaikit.wrap(Loud(), modality="audio", names=["a", "b"], sample=heard.x, layout="BLC")
    with pytest.raises(NotApplicable, match="gradcam needs a spatial layer"):
        xaikit.explain(net, heard, "gradcam")


def test_a_wrapped_net_is_saved_with_how_it_hears(heard: Any, tmp_path: Path) -> None:
    rows = np.stack([s.x for s in sounds()])
    net = xaikit.wrap(
        Loud(), modality="audio", names=["near", "all"], sample=heard.x, background=rows
    )
    found = xaikit.load_model(net.save(tmp_path / "m"), factory=Loud)
    np.testing.assert_array_equal(found.scores(rows), net.scores(rows))


def test_rates_must_be_one_and_known() -> None:
    x = [xaikit.sound(w, r, i % 2, f"s{i}") for i, (w, r) in enumerate(zip(NOISE * 2, [8000, 9000] * 6, strict=True))]  # fmt: skip
    data = Dataset(
        "d", "audio", "classification", ("a", "b"), tuple(x[:8]), tuple(x[8:10]), tuple(x[10:])
    )
    for name in ("logmel_cnn", "logistic"):
        with pytest.raises(
            InvalidInput, match="the sounds of 'd' have the rates 8000, 9000; make all"
        ):
            xaikit.train(name, data, progress=False)
    model = mel_model()
    with pytest.raises(
        InvalidInput, match="sound 's1' has 9000 samples a second and 'bands' reads 8000"
    ):
        xaikit.explain(model, x[:2], "occlusion")


def test_a_raw_wave_is_told_how_to_become_a_sample() -> None:
    with pytest.raises(
        InvalidInput, match=r"a wave of shape \(2048,\) was given; make it a sample by"
    ):
        xaikit.Sample("x", NOISE[0], "audio")
    with pytest.raises(InvalidInput, match=r"has shape \(9, 9, 3\); \(F, T, 2\) levels and phases"):
        xaikit.Sample("x", np.zeros((9, 9, 3)), "audio")
    with pytest.raises(InvalidInput, match=r"sound 'sound' has shape \(0,\) and a rate of 8000"):
        xaikit.sound(np.zeros(0), 8000)
    left = xaikit.sound(np.stack([NOISE[0], NOISE[1]], axis=1), RATE)
    np.testing.assert_allclose(wave_of(left.x), (NOISE[0] + NOISE[1]) / 2, atol=1e-5)


def test_tones_are_where_they_are_said_to_be() -> None:
    data = make_tones(0, (8, 4, 8))
    for sample in data.test:
        assert (sample.rationale is not None) == bool(sample.label) == sample.meta["cause"]
        if sample.rationale is not None:
            level = sample.x[..., 0].copy()
            level[np.abs(np.arange(128, -1, -1) * 31.25 - CAUSE) > 300] = FLOOR
            assert sample.rationale.flat[level.argmax()]
            rows, frames = np.nonzero(sample.rationale)
            assert abs((128 - rows.mean()) * 31.25 - CAUSE) < 16
            assert 7 <= np.ptp(frames) <= 9  # 100 ms and the window around it
    assert {s.meta["decoy"] for s in data.test} == {True, False}
    twin = make_tones(0, (8, 4, 8), "twin")
    assert {s.meta["cause"] for s in twin.test if s.label} == {True, False}
    assert all(s.rationale is None for s in twin.test)
    low = [s.x[128 - 10, :, 0].mean() for s in twin.test]  # the hum of 300 Hz
    assert min(v for v, s in zip(low, twin.test, strict=True) if s.label) > max(
        v for v, s in zip(low, twin.test, strict=True) if not s.label
    )


@pytest.fixture(scope="module")
def trained() -> Any:
    data = make_tones(0, (96, 16, 16))
    model = xaikit.train("logmel_cnn", data, width=8, steps=50, lr=0.01, shift=0, progress=False)
    return data, model


def test_a_trained_net_finds_the_planted_tone(trained: Any, tmp_path: Path) -> None:
    data, model = trained
    assert model.info["metrics"]["test"]["accuracy"] >= 0.9
    again = xaikit.load_model(model.save(tmp_path / "m"))
    xs = data.inputs("test")
    np.testing.assert_array_equal(again.scores(xs), model.scores(xs))
    marked = [s for s in data.test if s.label == 1 and model.scores([s.x]).argmax() == 1][:2]
    for e, s in zip(xaikit.explain(model, marked, "shap"), marked, strict=True):
        on = e.segmentation.pool(s.rationale.astype(float)) > 0
        assert on[e.values.argmax()]
        assert e.values.clip(min=0)[on].sum() > 0.5 * e.values.clip(min=0).sum()


def test_mel_means_do_not_hear_how_near_a_microphone_stood_nor_when_it_began() -> None:
    made = MelMeans(RATE, 3)
    found = made.transform(np.stack([spectrum(g * NOISE[0], RATE) for g in (1.0, 0.2)]))
    assert found.shape == (2, 120)
    np.testing.assert_allclose(found[0], found[1], atol=0.05)
    level = mel_levels(spectrum(NOISE[0], RATE), RATE)
    loud = 10 * np.log10((10 ** (level / 10)).mean())
    assert found[0, 41] == pytest.approx((level[1, 5:11] - loud).mean())  # 17 frames
    late = spectrum(np.concatenate([np.zeros(4096), NOISE[0], np.zeros(1024)]), RATE)
    np.testing.assert_allclose(made.transform(late[None])[0], found[0], atol=1e-4)
    click = spectrum(np.r_[np.zeros(2000), 0.5, np.zeros(2000)], RATE)
    assert np.isfinite(made.transform(click[None])).all()  # fewer frames than parts
    quiet = made.transform(np.full((1, 129, 17, 2), FLOOR))
    assert np.abs(quiet + 30).max() < 0.5  # silence: 80 dB against 50


def test_the_gru_reads_frames_and_refuses_a_map(trained: Any) -> None:
    data, _ = trained
    model = xaikit.train("logmel_gru", data, width=8, epochs=1, progress=False)
    (e,) = xaikit.explain(model, data.take(1), "integrated_gradients")
    assert np.abs(e.values).max() > 0
    with pytest.raises(NotApplicable, match="cannot be matched with places"):
        xaikit.explain(model, data.take(1), "gradcam")


def wav(x: np.ndarray, rate: int = RATE) -> bytes:
    out = io.BytesIO()
    wavfile.write(out, rate, (x * 32767).astype(np.int16))
    return out.getvalue()


@pytest.fixture
def spoken(tmp_path: Path) -> Path:
    """Two digits, four speakers, three takes each."""
    folder = tmp_path / "said"
    folder.mkdir()
    for i, who in enumerate(("ann", "bob", "cid", "dee")):
        for digit in range(2):
            for take in range(3):
                n = 1000 + 100 * take
                wave = 0.5 * tone(400 + 300 * digit + 20 * i, n)
                (folder / f"{digit}_{who}_{take}.wav").write_bytes(wav(wave))
    return folder


def test_speakers_of_the_test_are_never_learned_from(spoken: Path) -> None:
    how = {"names": "{label}_{speaker}_{take}", "group": "speaker"}
    seen = set()
    for seed in range(4):
        data = load_data(spoken, seed=seed, **how)
        parts = [{s.meta["speaker"] for s in getattr(data, p)} for p in ("train", "val", "test")]
        assert len(parts[2]) == 1
        assert not parts[2] & (parts[0] | parts[1])
        assert data.facts["group"] == {"name": "speaker", "test": sorted(parts[2]), "of": 4}
        seen |= parts[2]
    assert len(seen) > 1
    sample = data.train[0]
    assert data.modality == "audio"
    assert (data.classes, sample.meta["rate"]) == (("0", "1"), RATE)
    assert data.facts["form"] == ("wav", "8000 Hz", "1200 steps", "16 filled")
    digit, who, take = (sample.meta.get(k) for k in ("label", "speaker", "take"))
    assert digit is None
    assert sample.id == f"{data.classes[sample.label]}_{who}_{take}.wav"
    waves = load_data(spoken, modality="series", size=1000, **how)
    assert (waves.modality, waves.train[0].x.shape) == ("series", (1000, 1))


def test_six_groups_are_enough_for_val_too() -> None:
    groups = np.repeat([f"g{i}" for i in range(7)], 4)
    for seed in range(5):
        found = split_rows(np.arange(28) % 2, [""] * 28, seed, groups)
        held = {part: set(groups[rows]) for part, rows in found.items()}
        assert sum(map(len, held.values())) == 7
        assert len(held["val"]) == len(held["test"]) == 1


def test_an_index_says_the_class_and_the_speaker(spoken: Path) -> None:
    files = sorted(p.name for p in spoken.iterdir())
    rows = [{"file": f, "label": f"digit {f[0]}", "who": f.split("_")[1]} for f in files[:-3]]
    (spoken / "index.json").write_text(json.dumps(rows))
    data = load_data(spoken, group="who")
    assert data.classes == ("digit 0", "digit 1")
    assert len(data.train) + len(data.val) + len(data.test) == 21
    assert {s.meta["who"] for s in data.test}.isdisjoint(s.meta["who"] for s in data.train)
    (spoken / "index.json").unlink()
    lines = ["file,label,who", *(",".join(r.values()) for r in rows)]
    (spoken / "index.csv").write_text("\n".join(lines))
    assert load_data(spoken, group="who").hash == data.hash
    for extra, said in (
        (lines[1], "more than once"),
        (f"{files[-1]},,x", "says no 'label', only who"),
    ):
        (spoken / "index.csv").write_text("\n".join([*lines, extra]))
        with pytest.raises(DataError, match=said):
            load_data(spoken)
    (spoken / "index.csv").write_text("name,label\na,b\n")
    with pytest.raises(
        DataError, match=r"'index.csv' in 'said' is no list of recordings with a 'file'"
    ):
        load_data(spoken)


def test_what_names_and_groups_cannot_be(spoken: Path, tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match="'said' has no column 'room' to group by; it has speaker, take"
    ):
        load_data(spoken, names="{label}_{speaker}_{take}", group="room")
    with pytest.raises(InvalidInput, match="names is 'label'; write what a file's name says"):
        load_data(spoken, names="label")
    with pytest.raises(
        DataError, match=r"'0_ann_0.wav' in 'said' is not named like '{label}-{take}'"
    ):
        load_data(spoken, names="{label}-{take}")
    with pytest.raises(DataError, match="says no 'label', only digit, rest; name the class"):
        load_data(spoken, names="{digit}_{rest}")
    with pytest.raises(InvalidInput, match="write what a file's name says"):
        load_data(spoken, names="{1}_{2}")
    table = tmp_path / "t.csv"
    table.write_text(
        "age,clinic,label\n" + "".join(f"{i},{i % 5},{i // 5 % 2}\n" for i in range(60))
    )
    data = load_data(table, group="clinic")
    assert [c.name for c in data.columns] == ["age"]
    assert {s.x[0] % 5 for s in data.test}.isdisjoint(s.x[0] % 5 for s in data.train)
    assert data.facts["group"]["of"] == 5
    with pytest.raises(InvalidInput, match="names is for folders and archives of recordings"):
        load_data(table, names="{label}")
    for how in ({"horizon": 2}, {"task": "recommendation"}):
        with pytest.raises(
            InvalidInput, match=r"group does not go with a (forecast|recommendation)"
        ):
            load_data(table, group="clinic", **how)
    one = tmp_path / "one.csv"
    one.write_text("age,clinic,label\n" + "".join(f"{i},1,{i % 2}\n" for i in range(60)))
    with pytest.raises(DataError, match="all rows are of one group, '1'; two or more are needed"):
        load_data(one, group="clinic")
    with pytest.raises(DataError, match="says which rows are measured; leave group out"):
        load_data(table, test=one, group="clinic")


def decoded(uri: str) -> tuple[int, np.ndarray]:
    """Rate and samples of a mu-law .wav, by the table of G.711."""
    raw = base64.b64decode(uri.removeprefix("data:audio/wav;base64,"))
    kind, channels, rate = struct.unpack("<HHI", raw[20:28])
    assert (raw[:4], raw[8:12], kind, channels) == (b"RIFF", b"WAVE", 7, 1)
    codes = ~np.frombuffer(raw[46:], dtype=np.uint8)
    size = (((codes & 15).astype(int) << 3) + 132 << ((codes >> 4) & 7).astype(int)) - 132
    return rate, np.where(codes & 128, -size, size) / 32124


def test_a_sound_inside_the_page_is_the_sound() -> None:
    wave = 0.25 * tone(700.0)
    rate, found = decoded(wav_uri(wave, RATE, 0.25))
    assert rate == RATE
    assert np.abs(found - 4 * wave).max() < 0.04
    assert np.abs(decoded(wav_uri(wave, RATE, 0.5))[1]).max() == pytest.approx(0.5, abs=0.02)
    assert strong_part(np.array([1.0, -5.0, 6.0, 3.0])) == [2, 3]
    assert strong_part(np.array([-1.0, 0.0])) == []


@pytest.fixture(scope="module")
def run(trained: Any) -> Any:
    data, model = trained
    return xaikit.study(
        model,
        [s for s in data.test if s.label][:2],
        data=data,
        methods="occlusion,random",
        metrics="none",
    )


def test_a_net_is_held_against_mel_means_and_against_guessing(run: Any) -> None:
    quality = run.context["model"]["quality"]
    assert quality["baseline"]["named"]
    assert set(quality["beside"]) == {"logistic regression on mel means", "forest on mel means"}
    assert quality["blind"]["verdict"] == "b_better"
    assert quality["baseline"]["value"] == max(quality["beside"].values())
    assert not run.findings()[0].key.startswith("finding.guessing")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_page_plays_what_speaks_for_the_answer(run: Any, language: str, tmp_path: Path) -> None:
    page = xaikit.write_report(run, tmp_path / "p.html", language).read_text()
    uris = [part.split('"')[0] for part in page.split('<audio controls preload="none" src="')[1:]]
    assert len(uris) == 3 * len(run.samples)
    assert "media-src data:;" in page
    assert "preload" in page
    e = next(e for e in run.explanations if e.method == "occlusion")
    best = e.segmentation.names[int(e.values.argmax())]
    assert best in page
    whole, kept, gone = (decoded(uri)[1] for uri in uris[:3])
    np.testing.assert_allclose(kept + gone, whole, atol=0.08)
    loud = [np.abs(np.fft.rfft(w))[1400:1600].sum() for w in (kept, gone)]
    assert loud[0] > loud[1]  # bins of about 1 Hz: the planted tone is kept
    told = "logistic regression on mel means" if language == "en" else "멜 평균의 로지스틱 회귀"
    assert told in page or ("forest on mel means" if language == "en" else "랜덤 포레스트") in page


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "on speaker ann, bob, never learned from: right on"),
        ("ko", "학습에 쓰지 않은 speaker ann, bob: 시험"),
    ],
)
def test_the_page_says_first_whom_the_model_never_heard(
    run: Any, language: str, told: str, tmp_path: Path
) -> None:
    group = {"name": "speaker", "test": ["ann", "bob"], "of": 4}
    kept = replace(run, context={**run.context, "data": {**run.context["data"], "group": group}})
    page = xaikit.write_report(kept, tmp_path / "p.html", language).read_text()
    meta = re.sub("<.*?>", "", page.split('<p class="meta">')[1].split("</p>")[0])
    assert meta.startswith(told)
