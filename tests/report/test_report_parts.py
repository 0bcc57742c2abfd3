"""The small parts of the report, worked by hand."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from markupsafe import Markup
from PIL import Image
from report import sample_runs

from xaikit.core.errors import InvalidInput
from xaikit.core.types import Sample, Segmentation
from xaikit.report.charts import curve_panel, dot_whisker, position, tag
from xaikit.report.colour import PALETTE, bin_of, level, step_of
from xaikit.report.figures import plot_explanation
from xaikit.report.formats import (
    amount,
    decimals,
    duration,
    fixed,
    interval,
    p_value,
    percent,
    signed,
    size,
)
from xaikit.report.image_case import cells, heat_map
from xaikit.report.png import heat_uri, photo_uri, sketch_uri
from xaikit.report.strips import Clock, common_span
from xaikit.report.text_case import marked_words


def opened(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1])))


def luminance(rgb: np.ndarray) -> float:
    c = np.asarray(rgb) / 255
    c = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return float(c @ [0.2126, 0.7152, 0.0722])


def test_numbers_read_as_people_write_them():
    assert signed(0.384) == "+0.38"
    assert signed(-0.384) == "\u22120.38"
    assert signed(-0.001) == "0.00"
    assert fixed(20618, 0) == "20,618"
    assert fixed(None) == fixed(float("nan")) == "–"
    assert interval((-0.07, 0.08)) == "[\u22120.07, +0.08]"
    assert percent(0.932, 1) == "93.2\u00a0%"
    assert [amount(x) for x in (0.0853, 18.3, 99.64, 1144.2, 0.25, 3.0, 0)] == [
        "0.0853",
        "18.3",
        "99.6",
        "1,144",
        "0.250",
        "3",
        "0",
    ]
    assert amount(-2.5e-7) == "\u22122.50 × 10^\u22127"
    assert [decimals(x) for x in (5.98, 0.3, 60, 0)] == [2, 3, 1, 2]
    assert [duration(x) for x in (0.0221, 1.25, 300, 4e-6)] == [
        "22\u00a0ms",
        "1.2\u00a0s",
        "5.0\u00a0min",
        "4.0\u00a0µs",
    ]
    assert size(180_400) == "180\u00a0kB"


def test_the_map_is_white_at_zero_and_darker_for_than_against():
    assert PALETTE.shape == (65, 3)
    assert PALETTE[32].tolist() == [255, 255, 255]
    assert PALETTE[64].tolist() == [0x6B, 0x25, 0x00]
    assert PALETTE[0].tolist() == [0x3B, 0x86, 0xC4]
    ratio = (luminance(PALETTE[0]) + 0.05) / (luminance(PALETTE[64]) + 0.05)
    assert ratio == pytest.approx(2.85, abs=0.1)
    brightness = [luminance(c) for c in PALETTE]
    assert np.all(np.diff(brightness[:33]) > 0)
    assert np.all(np.diff(brightness[32:]) < 0)
    assert level(np.array([-2, -1, 0, 0.5, 1])).tolist() == [0, 0, 32, 48, 64]


def test_bins_and_steps():
    assert [bin_of(x) for x in (0.05, 0.1, 0.3, 0.6, -0.1, -0.9)] == [0, 1, 2, 3, -1, -3]
    assert [step_of(x) for x in (-0.3, 0.08, 0.27, 0.64, 1.0)] == [0, 0, 1, 3, 4]


def test_pictures_survive_the_way_to_png():
    shares = np.array([[1.0, 0.0], [-1.0, 0.5]])
    picture = opened(heat_uri(shares))
    assert picture.mode == "P"
    assert np.asarray(picture.convert("RGB")).tolist() == PALETTE[level(shares)].tolist()
    x = np.random.default_rng(0).random((6, 5, 3)).astype(np.float32)
    assert np.asarray(opened(photo_uri(x))).tolist() == np.rint(255 * x).astype(int).tolist()
    assert (
        np.asarray(opened(photo_uri(x[..., :1]))).tolist()
        == np.rint(255 * x[..., 0]).astype(int).tolist()
    )
    large = opened(photo_uri(np.random.default_rng(0).random((300, 600, 3)).astype(np.float32)))
    assert (large.format, large.size) == ("JPEG", (224, 112))
    alpha = np.asarray(opened(sketch_uri(x[..., :1])).convert("RGBA"))[..., 3]
    assert alpha.max() <= round(0.38 * 255)
    flat = np.asarray(opened(sketch_uri(np.full((8, 8, 1), 0.7, dtype=np.float32))).convert("RGBA"))
    assert flat[..., 3].max() == 0


def test_a_map_has_one_cell_a_patch_hatching_against_and_three_outlines():
    ids = np.kron(np.arange(4).reshape(2, 2), np.ones((3, 3), dtype=int))
    seg = Segmentation(ids, ("a", "b", "c", "d"), "4 patches")
    assert cells(ids).tolist() == [[0, 1], [2, 3]]
    drawn = heat_map(np.array([1.0, -0.5, -0.1, 0.0]), seg, 96)
    assert drawn["hatch"] == "M48 0h48v48h-48z"
    assert drawn["outline"].count("M") == 12  # three features of four edges; the zero has none
    odd = np.array([[0, 0, 1], [0, 0, 1]])
    assert cells(odd).tolist() == odd.tolist()  # unequal patches keep the picture's own grid


def test_a_dot_stands_where_its_value_is():
    assert position(0.0, (-2, 2)) == 50
    assert position(9.0, (-2, 2)) == 100
    chart = dot_whisker(1.0, (-2, 2), interval=(0.5, 1.5), tone="for", faint=True)
    assert 'cx="75.0%"' in chart
    assert 'x1="62.5%" y1="8" x2="87.5%"' in chart
    assert 'class="dw for faint"' in chart
    assert chart.count("whisker") == 3
    assert dot_whisker(1.0, (0, 2), cases=(0.5, 1.5)).count('class="case"') == 2


def test_tags_escape_text_and_attributes():
    assert tag("text", "<b>", title='"x"') == Markup('<text title="&#34;x&#34;">&lt;b&gt;</text>')
    assert tag("g", Markup("<i/>"), class_="a", x=None) == Markup('<g class="a"><i/></g>')


def test_words_are_glued_numbered_and_binned():
    run = sample_runs.text_run(n=1, evidence=False)
    e = next(x for x in run.explanations if x.method == "integrated_gradients")
    shares = e.values / np.abs(e.values).max()
    words = marked_words(run.samples[0], e, e.values, shares, 2)
    assert [w["text"] for w in words] == run.samples[0].x.tolist()
    assert [w["text"] for w in words if not w["before"]] == ["The", ",", "."]
    assert sum(bool(w["value"]) for w in words) == 3
    top = next(w for w in words if w["text"] == "barely")
    assert top["value"] == signed(e.values[e.names.index("barely")], 2)


def test_words_of_a_text_stand_as_they_were_written():
    run = sample_runs.text_run(n=1, evidence=False)
    text = "\t(" + run.samples[0].x.written.replace(" and", "\n -- and") + " )"
    sample = Sample("own", run.samples[0].x, "text", meta={"text": text})
    e = run.explanations[0]
    words = marked_words(sample, e, e.values, e.values, 2)
    assert "".join(w["before"] + w["text"] for w in words) == text.removesuffix(" )")


def test_time_has_units_and_shared_spans():
    assert Clock(0.025, "s").span(110, 130) == "2.75–3.25\u00a0s"
    assert Clock().span(10, 20) == "10–19"
    ticks = Clock(0.025, "s").ticks(240)
    assert [words for _, words in ticks] == [f"{i}\u00a0s" for i in (0, 2, 4, 6)]
    run = sample_runs.series_run(n=1, evidence=False)
    mine = [e for e in run.explanations if e.method in ("integrated_gradients", "occlusion")]
    best = int(np.argmax(mine[0].values))
    start, end = common_span(mine)
    assert start <= 10 * best < end
    assert common_span([]) is None


@pytest.mark.parametrize("kind", ["image", "text", "table", "series"])
def test_figures_draw_the_values_they_are_given(kind):
    made = {
        "image": sample_runs.image_run,
        "text": sample_runs.text_run,
        "table": sample_runs.table_run,
        "series": sample_runs.series_run,
    }
    run = made[kind](n=1, evidence=False)
    e = next(x for x in run.explanations if x.method == "lime")
    figure = plot_explanation(e, run.samples[0] if kind != "text" else None)
    axes = figure.axes[1 if kind == "image" else 0]  # a picture's input stands before its map
    if kind != "text":
        assert figure._suptitle.get_text().startswith("log-odds of ")
    if kind == "table":
        strongest = e.values[np.argsort(-np.abs(e.values))]
        widths = [p.get_width() for p in axes.patches]
        assert widths == pytest.approx(strongest[: len(widths)].tolist())
    elif kind == "text":
        drawn = [t.get_text() for t in axes.texts]
        assert [word for word in drawn if word in e.names] == list(e.names)
    else:
        shown = np.asarray(axes.images[0].get_array())
        assert sorted(set(shown.ravel().tolist())) == pytest.approx(sorted(set(e.values.tolist())))
        end = np.abs(e.values).max()
        assert axes.images[0].get_clim() == pytest.approx((-end, end))
    figure.canvas.draw()


def test_a_grid_of_four_dimensions_is_refused():
    run = sample_runs.table_run(n=1, evidence=False)
    e = run.explanations[0]
    seg = Segmentation(np.arange(12).reshape(2, 2, 3, 1), e.names, "cubes")
    from dataclasses import replace

    with pytest.raises(InvalidInput, match="cannot be drawn; 1 to 3 dimensions can"):
        plot_explanation(replace(e, segmentation=seg))


def test_names_on_curves_stay_inside_their_plot():
    x = np.linspace(0, 1, 5)
    name = "Integrated gradients and more"
    rising = curve_panel(
        x, x, 0 * x, axis=(0, 1), ticks=[(0, "0")], names=(name, "random"), label="l"
    )
    (at,) = re.findall(r'<text x="([\d.]+)%"[^>]*class="name end">Integrated gradients …<', rising)
    assert float(at) >= 3 * 22  # the words run to the left and have room there
    assert rising.count("<path") == 3


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.0004, "p < 0.001"), (0.012, "p = 0.012"), (0.34, "p = 0.34"), (1.0, "p = 1.00")],
)
def test_p_values_keep_what_matters(p, text):
    assert p_value(p) == text
