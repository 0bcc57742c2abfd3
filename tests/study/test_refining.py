"""Many features, found coarse to fine: planted causes stand alone, and values stay what they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import xaikit
from xaikit.core.errors import InvalidInput
from xaikit.core.question import Question
from xaikit.core.types import Sample, Segmentation
from xaikit.study.plan import Plan, make_block, make_question
from xaikit.study.refining import N_REFERENCES, Refining, _effects, _opened, in_common, refining_of

D = 2000
CAUSES = ("x17", "x600", "x601", "x1000", "x1999")
ROWS = np.random.default_rng(0).normal(size=(20, D))
ROW = Sample("row", ROWS[0] + 1.0, "table")


def sums(xs):
    """Of five columns: two multiply, and two neighbours cancel each other in this row."""
    x = np.asarray(xs)
    found = 3 * x[:, 17] + 2 * x[:, 600] - 2 * x[:, 601] + x[:, 1000] * x[:, 1999]
    return found[:, None]


def model_of(function, background=ROWS[1:], modality="table"):
    return xaikit.wrap(function, modality=modality, background=background)


def test_columns_that_matter_stand_alone_and_values_add_up() -> None:
    question = make_question(model_of(sums), ROW)
    cut = question.segmentation
    alone = {n for n, size in zip(cut.names, cut.sizes, strict=True) if size == 1}
    assert set(CAUSES) <= alone
    assert cut.n_features <= 100
    assert "found coarse to fine among 2,000 columns" in cut.source
    found = xaikit.explain(model_of(sums), [ROW], ["shap", "occlusion"])
    assert found[0].segmentation.names == found[1].segmentation.names == cut.names
    assert {name for name, _ in found[0].top(5)} == set(CAUSES)
    assert abs(found[0].residual) < 1e-9
    # closed form: a linear column moves the mean over the rows by its weight times its distance
    rows = question.masker.references
    exact = 3 * (ROW.x[17] - rows[:, 17].mean())
    assert dict(found[0].top(5))["x17"] == pytest.approx(exact, abs=1e-6)


def test_effects_that_cancel_within_a_block_are_seen() -> None:
    def cancel(xs):
        return (np.asarray(xs)[:, :4] @ [1.0, -1.0, 1.0, -1.0])[:, None]

    x = np.ones(8)
    question = replace(
        make_question(model_of(cancel, np.zeros((1, 8))), Sample("r", x, "table")), cache=None
    )
    boxes = [((0, 4),), ((4, 8),)]
    effects = _effects(question, boxes, [], np.random.default_rng(0))
    assert effects[0] > 0.1
    assert effects[1] == 0


def test_the_effect_of_columns_that_add_is_their_weight_squared() -> None:
    def weights(xs):
        return (np.asarray(xs) @ [3.0, -2.0, 0.0])[:, None]

    question = make_question(model_of(weights, np.zeros((1, 3))), Sample("r", np.ones(3), "table"))
    boxes = [((0, 1),), ((1, 2),), ((2, 3),)]
    effects = _effects(question, boxes, [], np.random.default_rng(0))
    assert effects.tolist() == [
        9,
        4,
        0,
    ]  # every step of every walk changes the target by the weight
    some = _effects(question, boxes[:1], boxes[1:], np.random.default_rng(0))
    assert some.tolist() == [9]


def test_the_strongest_are_opened_first_and_single_places_never() -> None:
    a, b, c, d = ((0, 9),), ((9, 10),), ((10, 20),), ((20, 30),)
    effects = {a: 5.0, b: 100.0, c: 80.0, d: 3.0}
    assert _opened(effects, 99, 1) == [c]  # nine tenths of what can be opened
    assert _opened({**effects, c: 6.0}, 99, 1) == [c, a, d]
    assert _opened({**effects, c: 6.0}, 1, 1) == [c]
    assert _opened(effects, 0, 1) == []
    assert _opened({**effects, a: 0.0, c: 0.0, d: 0.0}, 99, 1) == []


def test_the_search_asks_few_references_and_no_more_than_it_says() -> None:
    rows = []

    def counted(xs):
        rows.append(len(xs))
        return sums(xs)

    search = Refining(40, ROW)
    model = model_of(counted)
    rows.clear()  # what wrapping tried
    first = make_question(model, ROW, Plan(features="refined:40"))
    asked = int(first.segmentation.source.split("(")[1].split()[0].replace(",", ""))
    assert asked <= search.most()
    assert sum(rows) <= asked * N_REFERENCES + 1
    assert first.segmentation.n_features == 40


def test_a_sample_is_cut_alike_alone_and_among_others() -> None:
    other = Sample("other", ROWS[3], "table")
    both = make_block(model_of(sums), [ROW, other], Plan())
    alone = make_question(model_of(sums), ROW)
    assert both[0].segmentation.names == alone.segmentation.names
    assert both[0].masker.name == alone.masker.name == "19 training rows"


def test_all_columns_are_kept_where_that_was_asked_and_where_they_are_few() -> None:
    assert make_question(model_of(sums), ROW, Plan(features="columns")).n_features == D
    assert refining_of("auto", Sample("r", np.ones(500), "table")) is None
    assert refining_of("auto", Sample("r", np.ones(501), "table")) is not None
    assert refining_of("auto", Sample("p", np.ones((64, 64, 1)), "image")) is None
    with pytest.raises(InvalidInput, match="'refined:1'; give a number of 2 or more"):
        refining_of("refined:1", ROW)


def test_words_that_matter_stand_alone_and_blocks_follow_sentences() -> None:
    words = ["So", "it", "goes", "on", "and", "on", "."] * 100
    words[251], words[600] = "superb", "awful"
    sample = Sample("long", np.array(words), "text")

    def count(xs):
        each = [2.0 * list(x).count("superb") - 3.0 * list(x).count("awful") for x in xs]
        return np.array(each)[:, None]

    cut = make_question(model_of(count, None, "text"), sample).segmentation
    assert {"superb", "awful"} <= set(cut.names)
    blocks = [np.flatnonzero(cut.ids == i) for i in range(cut.n_features) if cut.sizes[i] > 20]
    assert blocks
    assert all(at[0] % 7 == 0 for at in blocks)  # sentences are of seven words
    assert all(
        cut.names[cut.ids[at[0]]].startswith(f"words {at[0] + 1} to {at[-1] + 1}: So it goes")
        for at in blocks
    )


def test_a_mark_in_a_picture_is_found_within_its_cells() -> None:
    x = np.zeros((64, 64, 1), dtype=np.float32)
    x[40:44, 8:12] = 1

    def mark(xs):
        return np.asarray(xs)[:, 40:44, 8:12].mean(axis=(1, 2, 3))[:, None]

    model = model_of(mark, np.zeros((2, 64, 64, 1), np.float32), "image")
    cut = make_question(model, Sample("p", x, "image"), Plan(features="refined")).segmentation
    inside = np.unique(cut.ids[40:44, 8:12])
    assert cut.sizes[inside].sum() == 16  # the features of the mark hold nothing else


def test_a_series_is_parted_by_channel_first() -> None:
    x = np.zeros((600, 2), dtype=np.float32)
    x[100:104, 1] = 5

    def bump(xs):
        return np.asarray(xs)[:, 100:104, 1].mean(axis=1)[:, None]

    model = model_of(bump, np.zeros((2, 600, 2), np.float32), "series")
    found = xaikit.explain(model, [Sample("s", x, "series")], "shap", features="refined")[0]
    name, value = found.top(1)[0]
    assert name.startswith("ch 2, step")
    assert value > 0


def test_blocks_are_called_by_their_range() -> None:
    table, series = Sample("t", np.ones(9), "table"), Sample("s", np.ones((9, 3)), "series")
    assert table.kind.called(((2, 5),), table, None) == "columns x2 to x4"
    assert table.kind.called(((2, 3),), table, list("abcdefghi")) == "c"
    assert series.kind.called(((2, 5), (0, 2)), series, None) == "ch 1 to ch 2, steps 2-4"
    picture = Sample("p", np.ones((9, 9, 1)), "image")
    assert picture.kind.called(((0, 3), (8, 9)), picture, None) == "rows 1 to 3, cols 9 px"


def test_first_blocks_cover_the_grid_once() -> None:
    first = Refining(100, Sample("p", np.ones((50, 70, 3)), "image")).first()
    assert isinstance(first, Segmentation)
    assert first.n_features == 32
    assert first.sizes.sum() == 50 * 70
    assert first.sizes.max() <= 2.5 * first.sizes.min()
    assert isinstance(make_question(model_of(sums), ROW), Question)


def test_all_rows_of_a_table_share_the_finest_of_their_features() -> None:
    cuts = [
        Segmentation(np.array(ids), tuple(map(str, range(max(ids) + 1))), "by hand")
        for ids in ([0, 0, 0, 1, 1, 1], [0, 1, 1, 1, 1, 2])
    ]
    found = in_common(cuts, Sample("r", np.ones(6), "table"), list("abcdef"))
    assert found.ids.tolist() == [0, 1, 1, 2, 2, 3]
    assert found.names == ("a", "columns b to c", "columns d to e", "f")
