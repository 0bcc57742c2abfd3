"""Results draw themselves: in a notebook, as one file, and as what other programs read."""

from __future__ import annotations

import json
import re
import warnings
from dataclasses import fields, replace
from html.parser import HTMLParser

import numpy as np
import pytest
from report import sample_runs
from report.sample_runs import HOSTILE, RIGHT_TO_LEFT

from xaikit.core.errors import DataError, InvalidInput
from xaikit.core.explanations import Explanations
from xaikit.core.finding import Finding
from xaikit.core.types import Explanation, Sample, Segmentation, Target
from xaikit.report.figures import HANGUL, style
from xaikit.report.notebook import html_of
from xaikit.study.flip.result import Counterfactual

KINDS = ("image", "text", "table", "series")
ENDINGS = ("png", "svg", "html")


@pytest.fixture(params=KINDS)
def case(request, runs) -> tuple[Explanation, Sample]:
    run = runs[request.param]
    e = run.of("shap")[0]
    return e, next(s for s in run.samples if s.id == e.sample_id)


def block_of(run, method: str = "shap") -> Explanations:
    return Explanations.of(run.of(method))


def row(values=(2.0, -1.0, 0.5), names=("a", "b", "c"), output=2.5, **changes) -> Explanation:
    given = {
        "method": "shap",
        "sample_id": "row-1",
        "model_id": "toy",
        "target": Target(1),
        "target_names": ("bad", ),
        "masker": "training rows",
        "output": output,
        "empty": 1.0,
        "additive": True,
        "unit": "log-odds",
    }  # fmt: skip
    cut = Segmentation(np.arange(len(values)), names, "columns")
    return Explanation(values=np.array(values), segmentation=cut, **{**given, **changes})


class Balanced(HTMLParser):
    """Counts what is opened and not closed, and keeps what a reader sees."""

    VOID = ("img", "meta", "br")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.tags: set[str] = set()
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.seen.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.seen).split())


def no_request(html: str) -> None:
    links = re.findall(r'(?:src|href)="([^"]*)"|url\(([^)]*)\)', html)
    assert all((a or b).startswith(("data:", "#")) for a, b in links)
    assert "<script" not in html
    assert "@import" not in html


def test_a_waterfall_goes_from_nothing_to_the_output():
    axes = row().plot().axes[0]
    bars = np.array([(p.get_x(), p.get_x() + p.get_width()) for p in axes.patches])
    assert bars == pytest.approx(np.array([(1.0, 3.0), (3.0, 2.0), (2.0, 2.5)]))
    dots = [float(x.get_xdata()[0]) for x in axes.lines if x.get_marker() == "o"]
    assert dots == [1.0, 2.5]
    names = [t.get_text() for t in axes.get_yticklabels()]
    assert names == ["everything removed", "a", "b", "c", "this sample"]
    assert [p.get_hatch() for p in axes.patches] == ["", "////", ""]


def test_a_waterfall_shows_the_values_of_its_row_and_what_a_sum_leaves_out():
    sample = Sample("row-1", np.array([0.174, 742.0, 3.0]), "table")
    axes = row(output=3.0).plot(sample).axes[0]
    names = [t.get_text() for t in axes.get_yticklabels()]
    assert names[1:-1] == ["a = 0.174", "b = 742", "c = 3", "left over"]
    assert axes.patches[-1].get_width() == pytest.approx(0.5)


def test_many_columns_become_one_row_that_keeps_the_sum():
    values = np.linspace(3.0, 0.1, 30)
    e = row(values, tuple(f"x{i}" for i in range(30)), output=1.0 + values.sum())
    axes = e.plot().axes[0]
    assert [t.get_text() for t in axes.get_yticklabels()][-2] == "21 others"
    assert axes.patches[-1].get_width() == pytest.approx(values[9:].sum())


def test_values_that_do_not_add_up_start_at_zero():
    axes = row(additive=False).plot().axes[0]
    assert {p.get_x() for p in axes.patches} == {0.0}
    assert [p.get_width() for p in axes.patches] == pytest.approx([2.0, -1.0, 0.5])
    assert "this sample" not in [t.get_text() for t in axes.get_yticklabels()]


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_one_line_makes_one_file(case, tmp_path, ending, language):
    e, sample = case
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # no Korean font here
        for given in (sample, None):
            out = tmp_path / f"case-{given is None}.{ending}"
            assert e.save(out, given, language=language) == out
            start = {"png": b"\x89PNG", "svg": b"<?xml", "html": b"<!doctype html>"}[ending]
            assert out.read_bytes().startswith(start)
            if ending == "html":
                no_request(out.read_text())
                assert f'<html lang="{language}">' in out.read_text()


def test_the_same_answer_is_the_same_svg(tmp_path):
    first, second = (row().save(tmp_path / f"{i}.svg").read_bytes() for i in range(2))
    assert first == second
    assert b">this sample<" in first  # text stays text


def test_a_file_that_is_there_stays(tmp_path):
    out = tmp_path / "case.html"
    out.write_text("mine")
    with pytest.raises(InvalidInput, match="is there already; choose another name, or overwrite"):
        row().save(out)
    assert out.read_text() == "mine"
    row().save(out, force=True)
    assert "row-1" in out.read_text()
    with pytest.raises(InvalidInput, match=r"ends with '.gif'; name it .png, .svg or .html"):
        row().save(tmp_path / "case.gif")


def test_another_sample_is_refused():
    with pytest.raises(InvalidInput, match="give the sample that was explained"):
        row().plot(Sample("row-2", np.zeros(3), "table"))
    with pytest.raises(InvalidInput, match=r"with a grid of \(3,\), and 'row-1' with \(4,\)"):
        row().plot(Sample("row-1", np.zeros(4), "table"))


def test_a_card_says_what_was_asked_and_what_counts_most(case):
    e, sample = case
    for given in (None, sample):
        for language in ("en", "ko"):
            html = html_of(e, given, language)
            no_request(html)
            text = Balanced(html).text
            assert e.sample_id in text
            assert e.method in text
            name, _ = e.top(1)[0]
            assert name in text
    assert len(e._repr_html_()) < 60_000


def test_a_card_of_a_row_holds_every_number():
    text = Balanced(row()._repr_html_()).text
    assert "log-odds of bad: +2.50" in text
    assert "+1.00 with everything removed" in text
    for value in ("+2.00", "−1.00", "+0.50"):
        assert value in text
    bars = re.findall(r"--left:([\d.]+)%;--width:([\d.]+)%", row()._repr_html_())
    assert [(float(a), float(b)) for a, b in bars] == [(33.3, 66.7), (0.0, 33.3), (33.3, 16.7)]
    against = row(target=Target(1, against=0), target_names=("bad", "good"))
    assert "log-odds of bad against good" in against._repr_html_()
    assert "log-odds of output 1" in row(target_names=())._repr_html_()


@pytest.mark.parametrize(
    "name", [HOSTILE, RIGHT_TO_LEFT, "$x^2$ \\frac", "a\0b\ud800", "이름" * 40]
)
def test_hostile_names_are_escaped_and_drawn(tmp_path, name):
    e = row(
        names=(name, "b", "c"), sample_id=name, model_id=name, masker=name, target_names=(name,)
    )
    for shown in (e, Explanations.of([e, e])):
        html = shown._repr_html_()
        no_request(html)
        assert not Balanced(html).tags & {"script", "iframe"}
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing from font")
            for ending in ENDINGS:
                shown.save(tmp_path / f"{type(shown).__name__}.{ending}", force=True)
    words = replace(e, segmentation=Segmentation(np.arange(3), e.names, "words"))
    Balanced(words._repr_html_())


def test_figures_ask_for_a_font_with_hangul_where_there_is_one(monkeypatch):
    from matplotlib import font_manager, rcParams

    have = [f for f in font_manager.fontManager.ttflist if f.name not in HANGUL]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", have)
    with style():
        assert rcParams["font.family"] == ["DejaVu Sans"]
    korean = font_manager.FontEntry(name="Malgun Gothic")
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [*have, korean])
    with style():
        assert rcParams["font.family"] == ["DejaVu Sans", "Malgun Gothic"]


def test_a_notebook_shows_a_figure_without_pyplot():
    assert row().plot()._repr_png_().startswith(b"\x89PNG")


def test_words_flow_into_lines_and_none_leaves_the_page():
    names = tuple(f"word{i}" for i in range(80))
    e = row(np.linspace(-1, 1, 80), names, additive=False)
    e = replace(e, segmentation=Segmentation(np.arange(80), names, "80 words"))
    figure = e.plot()
    figure.canvas.draw()
    inside = figure.bbox
    boxes = [t.get_window_extent() for t in figure.axes[0].texts]
    assert all(inside.x0 <= b.x0 and b.x1 <= inside.x1 and b.y0 >= 0 for b in boxes)
    marks = [t.get_text() for t in figure.axes[0].texts]
    assert "word79" in marks
    assert "+1.00" in marks


def test_a_text_of_sentences_is_told_by_its_features():
    e = row(names=("First one.", "Second.", "Third."))
    cut = Segmentation(np.array([0, 0, -1, 1, 2, 2]), e.names, "3 sentences")
    text = Balanced(replace(e, segmentation=cut)._repr_html_()).text
    assert text.count("First one.") == 2  # once in the text and once in the numbers
    assert "…" in text


def test_an_explanation_is_a_frame(case):
    e, _ = case
    frame = e.to_frame()
    assert list(frame.columns) == ["feature", "value", "std"]
    assert frame["feature"].tolist() == list(e.names)
    assert frame["value"].tolist() == e.values.tolist()
    assert list(replace(e, std=None).to_frame().columns) == ["feature", "value"]


def test_an_explanation_comes_back_from_json(case):
    e, _ = case
    back = Explanation.from_json(json.loads(json.dumps(e.to_json(), allow_nan=False)))
    for f in fields(e):
        mine, other = getattr(e, f.name), getattr(back, f.name)
        if f.name == "segmentation":
            assert (mine.names, mine.source) == (other.names, other.source)
            assert np.array_equal(mine.ids, other.ids)
        elif isinstance(mine, np.ndarray):
            assert np.array_equal(mine, other)
        else:
            assert mine == other
    with pytest.raises(DataError, match="this is no explanation .*; give what to_json"):
        Explanation.from_json({"values": [1.0]})
    with pytest.raises(DataError, match="this is no explanation .*unit"):
        Explanation.from_json({**e.to_json(), "unit": 3})


@pytest.mark.parametrize("kind", KINDS)
def test_a_block_comes_back_from_json(runs, kind):
    block = block_of(runs[kind])
    back = Explanations.from_json(json.loads(json.dumps(block.to_json(), allow_nan=False)))
    assert back.target_names == block.target_names
    for mine, other in zip(block, back, strict=True):
        assert mine.sample_id == other.sample_id
        assert mine.target == other.target
        assert mine.values.tolist() == other.values.tolist()
        assert mine.std.tolist() == other.std.tolist()
    with pytest.raises(DataError, match="this dict holds no explanations"):
        Explanations.from_json({"about": {"format": 1}})


@pytest.mark.parametrize("kind", KINDS)
def test_a_block_shows_what_counts(runs, kind, tmp_path):
    block = block_of(runs[kind])
    html = block._repr_html_()
    no_request(html)
    text = Balanced(html).text
    assert f"What counts over {len(block)} samples" in text
    if kind == "text":  # every text has words of its own
        assert block[0].sample_id in text
        with pytest.raises(InvalidInput, match="look at them one by one"):
            block.plot()
        return
    assert block.top(1)[0][0] in text
    axes = block.plot().axes[0]
    offsets = axes.collections[0].get_offsets()
    strongest = block.names.index(block.top(1)[0][0])
    assert np.asarray(offsets)[:, 0] == pytest.approx(block.values[:, strongest])
    for ending in ENDINGS:
        assert block.save(tmp_path / f"block.{ending}").exists()


def test_shap_draws_what_it_is_given(runs, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # shap's own
        import matplotlib.pyplot as plt
        import shap

        plt.switch_backend("Agg")
        run = runs["table"]
        block, x = block_of(run), np.stack([s.x for s in run.samples])
        one = block[0].to_shap(x[0])
        assert isinstance(one, shap.Explanation)
        axes = shap.plots.waterfall(one, show=False)
        labels = [t.get_text() for t in axes.figure.axes[0].get_yticklabels()]
        assert any(block[0].top(1)[0][0] in label for label in labels)
        plt.close("all")
        shap.plots.beeswarm(block.to_shap(x), show=False)
        shown = [t.get_text() for t in plt.gca().get_yticklabels()]
        assert block.top(1)[0][0] in shown
        plt.close("all")
        shap.plots.bar(runs["image"].of("shap")[0].to_shap(), show=False)
        plt.close("all")
    assert one.values.tolist() == block[0].values.tolist()
    assert float(one.base_values) == block[0].empty
    assert one.data.tolist() == x[0].tolist()


def test_a_run_and_a_verdict_say_which_method_holds_and_why(runs):
    run = runs["image"]
    html = run._repr_html_()
    no_request(html)
    text = Balanced(html).text
    assert "Study of digits-cnn: 16 samples, 7 methods" in text
    assert "cnn goes mainly by the marked places" in text
    for verdict in run.verdicts():
        reason = " ".join(verdict.reason.split())
        assert reason in text
        own = Balanced(verdict._repr_html_()).text
        assert verdict.method in own
        assert reason in own
    assert "Use it" in text
    hostile = replace(run.verdicts()[0], method=HOSTILE)
    assert "<script" not in hostile._repr_html_()


def test_what_turns_an_answer_has_a_card(tmp_path):
    told = (Finding("flip.removed", {"names": [HOSTILE], "after": "a", "before": "b", "n": 1}),)
    made = Counterfactual("removal", "row", "net", np.zeros(2), np.ones(2), True, True, 8, told)
    html = made._repr_html_()
    no_request(html)
    assert "<script" not in html
    text = Balanced(html).text
    assert "What would have changed the answer" in text
    assert "it says a instead of b." in text


def test_a_run_without_samples_has_a_card():
    run = sample_runs.table_run(n=1, evidence=False)
    empty = replace(run, samples=(), explanations=(), predictions=run.predictions[:0])
    assert "0 samples" in Balanced(empty._repr_html_()).text


def test_the_output_has_its_name_through_a_block_and_a_run(tmp_path):
    import xaikit
    from xaikit.study.run import Run

    data = xaikit.load_data("wine")
    model = xaikit.train("logistic", data, progress=False)
    run = xaikit.study(model, data.test[:2], "shap", "none")
    e = run.explanations[0]
    assert e.target_names == (model.classes[e.target.index],)
    back = Run.load(run.save(tmp_path / "run")).explanations[0]
    assert back.target_names == e.target_names
    block = Explanations.of(run.of("shap"))
    block.save(tmp_path / "block.npz")
    assert list(Explanations.load(tmp_path / "block.npz").target_names) == list(block.target_names)
