"""The outer folds: the same for every model, honest about groups and time; and what is kept between calls."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold
from toy_zoo import line_data, toy_data

from xaikit.core.errors import DataError, InvalidInput, ModelError, OutOfBudget
from xaikit.core.types import Sample
from xaikit.data import load_data
from xaikit.data.dataset import Column, Dataset
from xaikit.models.training import require_read
from xaikit.study.compare import compare
from xaikit.study.compare.fitting import Teacher
from xaikit.study.compare.folds import Folds, in_order, pooled
from xaikit.study.compare.learning import part
from xaikit.study.compare.outer import Budget, Outer
from xaikit.study.compare.reasons import _drawn_rows
from xaikit.study.compare.shift import shifted
from xaikit.study.compare.tuning import inner


def grouped(n: int = 90) -> Dataset:
    """Rows of 15 patients; the first column says whose they are and the second decides."""
    rng = np.random.default_rng(0)
    x = np.column_stack([np.arange(n) % 15, rng.normal(size=n), rng.normal(size=n)])
    y = (x[:, 1] + 0.3 * rng.normal(size=n) > 0).astype(int)
    samples = tuple(
        Sample(f"r{i}", row, "table", int(t)) for i, (row, t) in enumerate(zip(x, y, strict=True))
    )
    columns = (Column("patient"), Column("a"), Column("b"))
    return Dataset(
        "wards",
        "table",
        "classification",
        ("no", "yes"),
        samples[:60],
        samples[60:75],
        samples[75:],
        columns,
    )


def folds_of(data: Dataset, **how) -> Folds:
    data, rows, groups = pooled(data, how.pop("group", None))
    return Folds(data, rows, 3, groups, **how)


def test_every_row_is_held_out_once_a_repeat_in_the_folds_of_scikit_learn() -> None:
    data = grouped()
    folds = folds_of(data)
    for repeat in (0, 1):
        splits = StratifiedKFold(5, shuffle=True, random_state=3 + repeat).split(
            folds.labels, folds.labels
        )
        for fold, (train, test) in zip(folds.repeat(repeat), splits, strict=True):
            assert np.array_equal(fold.train, train)
            assert np.array_equal(fold.test, test)
    assert folds.ratio == pytest.approx(0.25)
    assert [s.id for s in folds.rows] == [f"r{i}" for i in range(90)]


def test_a_net_stops_by_an_eighth_of_the_training_rows_and_never_sees_those_held_out() -> None:
    folds = folds_of(grouped())
    for fold in folds.repeat(0):
        made = folds.dataset(fold)
        parts = [{s.id for s in getattr(made, split)} for split in ("train", "val", "test")]
        assert sum(map(len, parts)) == len(set.union(*parts)) == 90
        assert parts[2] == {f"r{i}" for i in fold.test}
        assert len(parts[1]) == pytest.approx(len(fold.train) / 8, abs=1)
        assert set(made.labels("val")) == {0, 1}


@pytest.mark.parametrize("modality", ["image", "series", "text", "table"])
def test_samples_of_any_kind_are_grouped_by_a_file_or_by_what_they_carry(
    modality, tmp_path
) -> None:
    data = toy_data(modality, 60)
    ids = [s.id for s in (*data.train, *data.val, *data.test)]
    whose = {name: f"g{i % 7}" for i, name in enumerate(ids)}
    path = tmp_path / "whose.csv"
    path.write_text("id,group\n" + "".join(f"{k},{v}\n" for k, v in whose.items()), "utf-8")
    carried = {p: tuple(replace(s, meta={"by": whose[s.id]}) for s in getattr(data, p)) for p in ("train", "val", "test")}  # fmt: skip
    for folds in (folds_of(data, group=str(path)), folds_of(replace(data, **carried), group="by")):
        assert folds.data.columns == data.columns
        for fold in folds.repeat(0):
            sides = [{whose[ids[i]] for i in side} for side in (fold.train, fold.test)]
            assert not sides[0] & sides[1]
            assert set.union(*sides) == set(whose.values())
    path.write_text("id,group\n" + "".join(f"{k},g\n" for k in ids[1:]), "utf-8")
    with pytest.raises(InvalidInput, match=f"names no group for 1 of 60 rows, such as '{ids[0]}'"):
        folds_of(data, group=str(path))
    path.write_text("name,group\na,b\n", "utf-8")
    with pytest.raises(InvalidInput, match="it must be a CSV file of the columns id and group"):
        folds_of(data, group=str(path))


def test_rows_of_a_group_are_on_one_side_and_the_column_is_no_input() -> None:
    folds = folds_of(grouped(), group="patient")
    assert [c.name for c in folds.data.columns] == ["a", "b"]
    assert all(s.x.shape == (2,) for s in folds.rows)
    for fold in folds.repeat(0):
        whose = folds.groups
        assert not set(whose[fold.train]) & set(whose[fold.test])
        made = folds.dataset(fold)
        learned, chosen = ({int(s.id[1:]) % 15 for s in rows} for rows in (made.train, made.val))
        assert not learned & chosen
        kept = part(folds, fold, 0.3)
        assert len(kept) == round(0.3 * len(fold.train))


def test_rows_in_time_are_held_out_after_all_that_is_learned_from() -> None:
    folds = folds_of(grouped(), in_time=True)
    for fold in folds.repeat(0):
        assert fold.train.max() < fold.test.min()
        made = folds.dataset(fold)
        assert max(int(s.id[1:]) for s in made.train) < min(int(s.id[1:]) for s in made.val)
        assert np.array_equal(
            part(folds, fold, 0.5), np.arange(len(fold.train))[-len(part(folds, fold, 0.5)) :]
        )


def test_a_larger_part_of_the_rows_holds_the_smaller_and_every_class() -> None:
    folds = folds_of(grouped())
    fold = next(iter(folds.repeat(0)))
    few, more = set(part(folds, fold, 0.05)), set(part(folds, fold, 0.5))
    assert few < more
    assert np.bincount(folds.labels[fold.train[list(few)]]).min() >= 4


def test_settings_are_chosen_on_rows_held_out_as_the_folds_are() -> None:
    plain = folds_of(grouped())
    for fold in plain.repeat(0):  # as `xaikit train --tune` holds rows out
        made, same = plain.inner(fold), inner(plain.dataset(fold), plain.seed)
        assert [[s.id for s in getattr(made, p)] for p in ("train", "val", "test")] == [
            [s.id for s in getattr(same, p)] for p in ("train", "val", "test")
        ]
    by, time = folds_of(grouped(), group="patient"), folds_of(grouped(), in_time=True)
    for fold in by.repeat(0):
        made = by.inner(fold)
        sides = [{int(s.id[1:]) % 15 for s in rows} for rows in (made.train, made.val, made.test)]
        assert sum(map(len, sides)) == len(set.union(*sides)) == len(set(by.groups[fold.train]))
    for fold in time.repeat(0):
        made = time.inner(fold)
        ends = [[int(s.id[1:]) for s in rows] for rows in (made.train, made.test, made.val)]
        assert max(ends[0]) < min(ends[1])
        assert max(ends[1]) < min(ends[2])


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"group": "ward"}, "has no column 'ward' to group by; it has patient, a, b"),
        ({"group": ["x"]}, r"\(1,\) groups were given for 90 rows"),
        ({"group": ["x", "y"] * 45}, "there are 2 groups and 5 folds"),
        ({"group": "patient", "in_time": True}, "leave one out"),
        ({"seed": -1}, "seed is -1; give a whole number from 0"),
        ({"minutes": -1}, "minutes is -1; give more than 0"),
        ({"trials": -1}, "-1 trials and 0 seconds of tuning were asked for; give 0 or more"),
        ({"rope": 0}, "rope is 0; the points that are too small to matter are above 0"),
        ({"models": "tree"}, "'tree' is no comparison; name two different models or more"),
        ({"models": "tree,tree"}, "name two different models"),
        ({"models": "tree,nothing"}, "no model is called 'nothing'; known: boosting, mlp"),
    ],
)
def test_what_cannot_be_compared_is_refused(how, told) -> None:
    with pytest.raises((InvalidInput, KeyError), match=told):
        compare(
            grouped(),
            **{"models": "tree,logistic", "n": 0, "full": False, "learning": False, **how},
        )


@pytest.fixture
def fits(monkeypatch) -> list[str]:
    """The names of models that were really fitted."""
    made: list[str] = []
    fit = Teacher.__call__

    def watched(self, family, *more, **params):
        made.append(family.name)
        return fit(self, family, *more, **params)

    monkeypatch.setattr(Teacher, "__call__", watched)
    return made


ASKED = {"models": "tree,logistic", "n": 0, "full": False, "learning": False}


def test_a_comparison_that_was_interrupted_goes_on_where_it_was(
    fits, tmp_path, monkeypatch
) -> None:
    whole = compare(grouped(), **ASKED)
    fits.clear()
    wanted = 7

    def stop(self, *more, **params):
        if len(fits) == wanted:
            raise KeyboardInterrupt
        return fit(self, *more, **params)

    fit = Teacher.__call__
    with monkeypatch.context() as patch:
        patch.setattr(Teacher, "__call__", stop)
        with pytest.raises(KeyboardInterrupt):
            compare(grouped(), **ASKED, store=tmp_path / "fits")
    assert len(list((tmp_path / "fits").iterdir())) == wanted
    found = compare(grouped(), **ASKED, store=tmp_path / "fits")
    assert len(fits) == 20
    assert found["pairs"] == whole["pairs"]
    assert (found["fits"], whole["fits"]["found"]) == ({"made": 20, "found": wanted}, 0)


def test_a_damaged_fit_is_made_again_and_other_data_are_other_fits(fits, tmp_path) -> None:
    place = tmp_path / "fits"
    compare(grouped(), **ASKED, store=place)
    (first, *_) = sorted(place.iterdir())
    first.write_bytes(first.read_bytes()[:100])
    fits.clear()
    compare(grouped(), **ASKED, store=place)
    assert len(fits) == 1
    compare(grouped(120), **ASKED, store=place)
    assert len(fits) == 21
    compare(grouped(), **ASKED, balanced=True, store=place)
    assert len(fits) == 41


def test_minutes_that_are_over_say_how_to_go_on(tmp_path) -> None:
    with pytest.raises(
        OutOfBudget, match="1e-09 minutes are over after .* run the same command again to go on"
    ):
        compare(grouped(), **ASKED, minutes=1e-9, store=tmp_path)


def test_a_second_look_that_does_not_fit_after_all_leaves_the_first(tmp_path, monkeypatch) -> None:
    first = compare(grouped(), **ASKED)
    looked = iter(range(1000))
    monkeypatch.setattr(Budget, "left", property(lambda self: np.inf if next(looked) < 30 else -1))
    found = compare(grouped(), **{**ASKED, "full": True}, minutes=5, store=tmp_path)
    assert [p["n_folds"] for p in found["pairs"]] == [10]
    assert found["pairs"] == first["pairs"]
    assert found["not_run"][0]["key"] == "cmp.left.look"
    assert len(list(tmp_path.iterdir())) > 20
    # what a fit found took when it was made is what another will take
    outer = SimpleNamespace(store=lambda key, make: {"cost": np.array([7.0, 7.0, 0.0])}, seed=0, spent={}, key=lambda *_: {})  # fmt: skip
    family = SimpleNamespace(name="slow")
    Outer.fit(outer, family, SimpleNamespace(repeat=0, number=0), data=grouped())
    assert outer.spent == {"slow": [7.0]}


def test_every_modality_has_its_families(fits) -> None:
    found = compare(toy_data("series", 60), models="summary,neighbours", n=0)
    assert [m["id"] for m in found["models"]] == ["majority", "summary", "neighbours"]
    found = compare(toy_data("text", 60), models="tfidf,counts", n=2)
    assert found["asked"] == ["tfidf", "counts"]
    assert found["same"]["cases"][0]["inputs"] == "words"
    found = compare(line_data(), models="ridge,tree", n=4, full=False, learning=False)
    assert (found["metric"], found["errors"]) == ("r2", None)


def sheet(rows: list[tuple], path, head: str = "whose,a,b,label"):
    path.write_text("\n".join([head, *(",".join(map(str, row)) for row in rows)]), "utf-8")
    return path


def test_rows_of_a_file_are_held_out_in_the_order_of_the_file_whatever_splits_were_drawn(tmp_path):
    rng = np.random.default_rng(0)
    rows = [(f"p{i % 7}", i, rng.normal(), "ny"[i % 2]) for i in range(60)]
    data = load_data(sheet(rows, tmp_path / "days.csv"), drop=["whose"])
    found = in_order(data, pooled(data, None)[1])
    assert [s.id for s in found] == [f"row-{i + 1}" for i in range(60)]
    assert [s.id for s in pooled(data, None)[1]] != [s.id for s in found]
    seen: list[tuple[int, int]] = []
    fit = Teacher.__call__

    def watched(self, family, part, *more, **params):
        learned = [int(s.x[0]) for s in (*part.train, *part.val)]
        seen.append((max(learned), min(int(s.x[0]) for s in part.test)))
        return fit(self, family, part, *more, **params)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Teacher, "__call__", watched)
        compare(data, **ASKED, in_time=True)
    assert len(seen) == 20
    assert all(last < first for last, first in seen)
    less = replace(data, train=data.train[1:])
    with pytest.raises(InvalidInput, match="had 60 rows when it was read and has 59"):
        compare(less, **ASKED, in_time=True)


def test_few_large_groups_are_compared_with_curves_and_classes_of_their_own(fits, tmp_path) -> None:
    rng = np.random.default_rng(0)
    rows = [(i // 12, *rng.normal(size=2), "ny"[i % 2]) for i in range(60)]
    data = load_data(sheet(rows, tmp_path / "wards.csv"))
    found = compare(data, **{**ASKED, "learning": True}, group="whose")
    assert [p["n"] for p in found["learning"][0]["points"]] == [8, 8, 12, 24, 48]
    own = [(("n", "y")[i % 2] + str(i % 14), *rng.normal(size=2), "ny"[i % 2]) for i in range(70)]
    data = load_data(sheet(own, tmp_path / "own.csv"))
    assert compare(data, **{**ASKED, "learning": True}, group="whose")["learning"]
    one = [("one" if i % 2 else i % 9, *rng.normal(size=2), "ny"[i % 2]) for i in range(60)]
    data = load_data(sheet(one, tmp_path / "one.csv"))
    with pytest.raises(
        InvalidInput, match="rows that are all 'n'; where rows are held out by group"
    ):
        compare(data, **ASKED, group="whose")


@pytest.mark.parametrize("labels", ["nnnnnnnnny" * 2 + "n" * 25, "n" * 42 + "ynny"])
def test_a_class_of_two_rows_is_never_held_out_nor_stopped_by_whole(labels, tmp_path) -> None:
    rng = np.random.default_rng(0)
    rows = [("p", *rng.normal(size=2), label) for label in labels]
    for seed in range(8):
        data = load_data(sheet(rows, tmp_path / "rare.csv"), drop=["whose"], seed=1)
        _, all_, _ = pooled(data, None)
        folds = Folds(data, all_, seed)
        for fold in folds.repeat(0):
            made = folds.dataset(fold)
            assert set(made.labels("train")) == {0, 1}
            assert set(inner(made, seed).labels("train")) == {0, 1}
            drawn = _drawn_rows(
                np.random.default_rng(seed).permutation(len(fold.train)), folds, fold
            )
            assert set(folds.labels[fold.train[drawn]]) == {0, 1}


def test_folds_that_teach_or_measure_nothing_are_refused_by_what_they_hold(tmp_path) -> None:
    rng = np.random.default_rng(0)
    late = [("p", *rng.normal(size=2), "y" if i > 40 else "n") for i in range(60)]
    data = load_data(sheet(late, tmp_path / "late.csv"), drop=["whose"])
    with pytest.raises(
        InvalidInput, match="fold 1 of 10 would learn from 10 rows that are all 'n'"
    ):
        compare(data, **ASKED, in_time=True)
    few = replace(
        data, train=data.train[:2] + data.train[-2:], val=data.val[:2], test=data.test[:2], order=()
    )
    with pytest.raises(InvalidInput, match="has 8 rows and 10 folds; 20 rows or more are needed"):
        compare(few, **ASKED, in_time=True)
    flat = [("p", *rng.normal(size=2), 0.5 if i == 30 else 0) for i in range(60)]
    data = load_data(sheet(flat, tmp_path / "flat.csv"), drop=["whose"], task="regression")
    with pytest.raises(InvalidInput, match="hold out 12 rows whose value is 0 in all"):
        compare(data, **{**ASKED, "models": "ridge,tree"})


def test_a_column_of_many_names_is_a_group_and_no_input(tmp_path) -> None:
    rng = np.random.default_rng(0)
    rows = [(f"p{i // 2}", *rng.normal(size=2), "ny"[i % 3 % 2]) for i in range(300)]
    path = sheet([(*row[1:], row[0]) for row in rows], tmp_path / "p.csv", "a,b,label,whose")
    data = load_data(path, noted="whose")
    assert [c.name for c in data.columns] == ["a", "b"]
    whose = folds_of(data, group="whose").groups
    assert len(set(whose)) == 150
    numbered = {s.id: s.meta["whose"] for s in (*data.train, *data.val, *data.test)}
    assert numbered == {f"row-{i + 1}": row[0] for i, row in enumerate(rows)}
    held = load_data(path, group="whose", label_column="label", columns=["b"])
    sides = [{s.meta["whose"] for s in part} for part in (held.train, held.test)]
    assert [c.name for c in held.columns] == ["b"]
    assert not sides[0] & sides[1]
    with pytest.raises(DataError, match="give it as the group"):
        load_data(path, label_column="label")
    ids = tmp_path / "ids.csv"
    ids.write_text("id,group\nrow-1,a\nrow-1,b\n", "utf-8")
    with pytest.raises(InvalidInput, match="puts 'row-1' into two groups"):
        folds_of(data, group=str(ids))
    path = sheet([("", 1, 2, "n"), *rows], tmp_path / "gap.csv")
    with pytest.raises(DataError, match="line 2 of 'gap.csv' has nothing in column 'whose'"):
        load_data(path, noted="whose")
    texts = [("a b c d", f"p{i % 7}", "ny"[i % 2]) for i in range(40)]
    data = load_data(
        sheet(texts, tmp_path / "t.csv", "text,whose,label"), text_column="text", noted="whose"
    )
    assert len(set(folds_of(data, group="whose").groups)) == 7


def test_fits_on_numbers_and_on_codes_are_told_apart(fits, tmp_path) -> None:
    data = grouped()
    compare(data, **ASKED, store=tmp_path)
    coded = (Column("patient", tuple("abcdefghijklmno")), *data.columns[1:])
    found = compare(replace(data, columns=coded), **ASKED, store=tmp_path)
    assert found["fits"]["found"] == 0


def test_missing_values_are_refused_by_who_does_not_read_them_and_kept_by_noise(tmp_path) -> None:
    rng = np.random.default_rng(0)
    rows = [("" if i == 7 else i, *rng.normal(size=2), "ny"[i % 2]) for i in range(60)]
    data = load_data(sheet(rows, tmp_path / "gap.csv"), missing="keep")
    with pytest.raises(DataError, match="1 of 60 rows have missing values .* 'logistic' does not"):
        compare(data, **ASKED)
    require_read("tree", data)
    noisy = np.array(shifted(replace(data, train=(*data.train, *data.val)), "noise", 0))
    assert np.isnan(noisy).sum() == np.isnan(data.inputs("test")).sum()


def test_what_cannot_be_weighed_or_has_several_labels_is_refused_by_name() -> None:
    data = toy_data("series", 60)
    with pytest.raises(ModelError, match="'neighbours' cannot weigh classes; leave it out"):
        compare(data, models="neighbours,summary", n=0, balanced=True)
    table = grouped()
    several = {p: tuple(replace(s, label=frozenset({s.label})) for s in getattr(table, p)) for p in ("train", "val", "test")}  # fmt: skip
    with pytest.raises(
        InvalidInput, match="'wards' has the task multilabel; models are compared on data with one"
    ):
        compare(replace(table, task="multilabel", **several), **ASKED)
    val = (replace(table.val[0], label=None), *table.val[1:])
    with pytest.raises(InvalidInput, match="some rows of 'wards' have no label"):
        compare(replace(table, val=val), **ASKED)


def test_the_last_rows_in_time_hold_two_classes_or_more(tmp_path) -> None:
    rng = np.random.default_rng(0)
    rows = [("p", *rng.normal(size=2), "ny"[i // 5 % 2 if i < 30 else 1]) for i in range(80)]
    data = load_data(sheet(rows, tmp_path / "late.csv"), drop=["whose"])
    folds = Folds(data, in_order(data, pooled(data, None)[1]), 0, None, True)
    for fold in folds.repeat(0):
        kept = part(folds, fold, 0.05)
        assert kept[-1] == len(fold.train) - 1
        assert set(folds.labels[fold.train[kept]]) == {0, 1}
        assert set(folds.dataset(fold, kept).labels("train")) == {0, 1}
