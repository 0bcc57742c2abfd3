"""CSV files as tables and as text: codes, splits, and errors that name the place."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from xaikit.core.errors import DataError, InvalidInput
from xaikit.data import Column, load_data
from xaikit.models import train


def table(n: int = 40, extra: str = "") -> str:
    """age, job and a label that alternates; row i has age i."""
    jobs = ("nurse", "cook", "?")
    rows = [f"{i},{jobs[i % 3]},{'yes' if i % 2 else 'no'}" for i in range(n)]
    return "age,job,paid\n" + "\n".join(rows) + "\n" + extra


@pytest.fixture
def write(tmp_path: Path):
    def put(text: str | bytes, name: str = "people.csv") -> Path:
        path = tmp_path / name
        data = text.encode() if isinstance(text, str) else text
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return put


def test_numbers_stay_and_categories_become_codes(write) -> None:
    data = load_data(write(table()))
    assert data.columns == (Column("age"), Column("job", ("?", "cook", "nurse")))
    assert data.classes == ("no", "yes")
    assert (data.name, data.source, data.facts["label"]) == ("people", "people.csv", "paid")
    by_id = {s.id: s for split in (data.train, data.val, data.test) for s in split}
    assert len(by_id) == 40
    assert by_id["row-4"].x.tolist() == [3.0, 2.0]  # the fourth row: age 3, nurse
    assert by_id["row-4"].label == 1


def test_splits_are_70_15_15_by_class_and_by_seed(write) -> None:
    path = write(table(200))
    data = load_data(path)
    assert [len(s) for s in (data.train, data.val, data.test)] == [140, 30, 30]
    assert data.labels("test").sum() == 15
    assert load_data(path).hash == data.hash
    assert load_data(path, seed=1).hash != data.hash
    assert len(set(data.labels("test")[:8])) == 2  # the order is mixed


def test_a_test_file_is_kept_apart_and_shares_the_codes(write) -> None:
    test = write("age,job,paid\n7,nurse,yes\n8,nurse,no\n", "other.csv")
    data = load_data(write(table()), test=test)
    assert sorted(s.id for s in data.test) == ["test-1", "test-2"]
    assert {s.x[1] for s in data.test} == {2.0}
    assert len(data.train) + len(data.val) == 40


def test_gzip_semicolons_tabs_quotes_and_bom_are_read(write) -> None:
    same = load_data(write(table())).hash
    assert load_data(write(table(), "people.csv.gz")).hash == same
    assert load_data(write(table().replace(",", ";"))).hash == same
    assert load_data(write(table().replace(",", "\t"), "people.tsv")).hash == same
    assert load_data(write("\ufeff" + table().replace("\n", "\r\n"))).hash == same
    assert load_data(write(table().replace("cook", '"cook"'))).hash == same


def test_many_numbers_are_a_regression_and_few_are_classes(write) -> None:
    rows = "\n".join(f"{i},{i % 5},{i / 7}" for i in range(50))
    path = write("a,few,many\n" + rows + "\n")
    found = load_data(path)
    assert (found.task, found.classes) == ("regression", ())
    assert found.train[0].label == pytest.approx((int(found.train[0].id.split("-")[1]) - 1) / 7)
    few = load_data(path, label_column="few")
    assert (few.task, few.classes) == ("classification", ("0", "1", "2", "3", "4"))
    assert load_data(path, label_column="few", task="regression").task == "regression"


def test_classes_name_the_sorted_labels_or_give_their_order(write) -> None:
    path = write("a,b\n" + "\n".join(f"{i},{i % 2}" for i in range(40)))
    named = load_data(path, classes=("bad", "good"))
    assert named.classes == ("bad", "good")
    assert all(s.label == (int(s.id.split("-")[1]) - 1) % 2 for s in named.train)
    turned = load_data(path, classes=("1", "0"))
    assert turned.classes == ("1", "0")
    assert all(s.label == int(s.id.split("-")[1]) % 2 for s in turned.train)
    with pytest.raises(DataError, match=r"classes names 3 classes and .* holds the 2 labels 0, 1"):
        load_data(path, classes=("a", "b", "c"))


def test_text_keeps_words_that_look_like_nothing(write) -> None:
    texts = ["null", "NA", '"so, so"', "a\u2028b"] * 10
    path = write("text,label\n" + "\n".join(f"{t},{i % 2}" for i, t in enumerate(texts)))
    data = load_data(path, text_column="text")
    every = {s.meta["text"] for s in (*data.train, *data.val, *data.test)}
    assert every == {"null", "NA", "so, so", "a\u2028b"}
    assert data.modality == "text"
    assert data.language == "en"


def test_the_label_column_is_called_label_or_else_the_last(write) -> None:
    text = "text,label,stars\n" + "\n".join(f"word {i},{i % 2},5" for i in range(40))
    data = load_data(write(text), text_column="text")
    assert data.classes == ("0", "1")
    korean = "text,별점\n" + "\n".join(f"참 좋은 영화,{i % 3}" for i in range(40))
    data = load_data(write(korean), text_column="text")
    assert (data.classes, data.language) == (("0", "1", "2"), "ko")


ERRORS = [
    ("", "'people.csv' is empty"),
    ("\n\n", "'people.csv' is empty"),
    ("a,b\n", "'people.csv' has a header and no rows"),
    ("a,a\n1,2\n", "'people.csv' has 2 columns called 'a'"),
    ("a,,c\n1,2,3\n", "column 2 of 'people.csv' has no name"),
    ("a,b\n1,2\n1,2,3\n", "line 3 of 'people.csv' has 3 cells and the header 2"),
    ('a,b\n1,"2\n', "'people.csv': unexpected end of data"),
    (b"a,b\n1,x\n\x81\xff,y\n", "'people.csv' is not UTF-8: line 3 holds the byte 0x81"),
    ("b\nyes\nno\n", "'people.csv' has no column beside the label 'b'"),
    (table(extra=",cook,yes\n"), "line 42 of 'people.csv', column 'age' is empty"),
    (table(extra="NaN,cook,yes\n"), r"line 42 of 'people.csv', column 'age' holds NaN \(NaN or inf"),
    (table(extra="1e999,cook,yes\n"), "line 42 .* column 'age' holds 1e999"),
    (table(extra="?,cook,yes\n"), r"line 42 .* column 'age' holds '\?' where other rows hold numbers"),
    (table(extra="12l,cook,yes\n"), "column 'age' holds '12l' where other rows hold numbers"),
    (table(extra="3,,yes\n"), "line 42 of 'people.csv', column 'job' is empty"),
    (table(extra="3,cook,\n"), "line 42 of 'people.csv' has no label in column 'paid'"),
    (table().replace("yes", "no"), "'people.csv' has one class only, 'no'"),
    (
        "a,b\n" + "\n".join(f"{i},id{i}" for i in range(40)),
        "has 40 different labels in 40 rows, for example 'id0'; is another column the label",
    ),
    (
        "id,b\n" + "\n".join(f"name {i},{i % 2}" for i in range(400)),
        "column 'id' of 'people.csv' has 400 different texts in 400 rows; .* text_column='id'",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), ERRORS)
def test_what_is_wrong_is_named_by_file_line_and_column(
    write, text: str | bytes, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        load_data(write(text))


def test_columns_that_are_asked_for_must_exist(write) -> None:
    path = write(table())
    with pytest.raises(DataError, match="has no column 'pay'; it has age, job, paid"):
        load_data(path, label_column="pay")
    with pytest.raises(DataError, match="has no column 'text'; it has age, job, paid"):
        load_data(path, text_column="text")
    with pytest.raises(DataError, match=r"'other.csv' has no column 'job'"):
        load_data(path, test=write("age,paid\n1,yes\n", "other.csv"))
    with pytest.raises(DataError, match=r"'one.csv' has no column beside 'text'"):
        load_data(write("text\nhello\n", "one.csv"), text_column="text")


def test_an_empty_text_is_named_by_its_line(write) -> None:
    with pytest.raises(DataError, match=r"line 3 of 'people.csv' has an empty text"):
        load_data(write("text,label\nhello,1\n  ,0\n"), text_column="text")


def test_words_are_no_numbers_to_regress(write) -> None:
    with pytest.raises(DataError, match="labels that are no numbers, for example 'no'"):
        load_data(write(table()), task="regression")


def test_a_class_of_the_test_file_alone_is_refused(write) -> None:
    test = write("age,job,paid\n7,nurse,maybe\n", "other.csv")
    with pytest.raises(
        DataError, match="the class 'maybe' in its test rows and never in its train"
    ):
        load_data(write(table()), test=test)


def test_too_few_rows_to_split_are_refused(write) -> None:
    with pytest.raises(DataError, match="has no val samples; give it more rows"):
        load_data(write("a,b\n1,x\n2,x\n3,y\n4,y\n"))


def test_a_damaged_gzip_is_named(tmp_path: Path) -> None:
    whole = gzip.compress(table().encode())
    (tmp_path / "cut.csv.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "plain.csv.gz").write_text(table())
    with pytest.raises(DataError, match=r"'cut.csv.gz' cannot be read: Compressed file ended"):
        load_data(tmp_path / "cut.csv.gz")
    with pytest.raises(DataError, match=r"'plain.csv.gz' cannot be read: Not a gzipped file"):
        load_data(tmp_path / "plain.csv.gz")


def test_nothing_is_written_beside_the_file(write) -> None:
    path = write(table())
    load_data(path)
    assert [p.name for p in path.parent.iterdir()] == ["people.csv"]
    assert np.isfinite(load_data(path).train[0].x).all()


def sentences(n: int = 30, head: str = "sentiment,text") -> str:
    rows = [
        f'{"pos" if i % 2 else "neg"},"the film number {i} was long, and good"' for i in range(n)
    ]
    return head + "\n" + "\n".join(rows) + "\n"


def test_a_column_of_sentences_beside_the_label_is_the_text(write) -> None:
    data = load_data(write(sentences()))
    assert (data.modality, data.classes) == ("text", ("neg", "pos"))
    assert data.train[0].meta["text"].startswith("the film number")


def test_texts_among_other_columns_are_read_where_they_are_asked_for(write) -> None:
    rows = sentences().replace("\n", ",7\n").replace("sentiment,text,7", "label,text,votes")
    assert load_data(write(rows), modality="text").modality == "text"
    data = load_data(write(rows))  # a table, as before: few different texts are categories
    assert [column.name for column in data.columns] == ["text", "votes"]


def test_words_and_numbers_are_no_sentences(write) -> None:
    assert load_data(write(table())).modality == "table"
    with pytest.raises(
        DataError, match=r"has no columns of texts among age, job; name one with text"
    ):
        load_data(write(table()), modality="text")


def test_columns_are_chosen_and_left_out(write) -> None:
    rows = table().replace("age,job,paid", "age,job,paid").splitlines()
    wide = "\n".join([f"id,{rows[0]}", *(f"x{i},{row}" for i, row in enumerate(rows[1:]))]) + "\n"
    path = write(wide)
    for chosen in ({"drop": ["id"]}, {"columns": ["age", "job"]}):
        data = load_data(path, label_column="paid", **chosen)
        assert [column.name for column in data.columns] == ["age", "job"]
    with pytest.raises(DataError, match="has no column 'size'; it has id, age, job, paid"):
        load_data(path, drop=["size"])


def gappy() -> str:
    """Rows 3 and 5 have a gap, in a number and in the label."""
    lines = table().splitlines()
    lines[3] = lines[3].replace("2,", "NA,")
    lines[5] = lines[5].rpartition(",")[0] + ","
    return "\n".join(lines) + "\n"


def test_rows_with_gaps_are_counted_and_left_out_where_that_is_said(write) -> None:
    path = write(gappy())
    data = load_data(path, missing="drop")
    ids = {s.id for split in (data.train, data.val, data.test) for s in split}
    assert ids == {f"row-{i}" for i in range(1, 41)} - {"row-3", "row-5"}
    assert data.facts["rows with gaps"] == 2
    assert data.columns[0] == Column("age")
    only = write(gappy().replace(",\n", ",yes\n"), "only.csv")
    with pytest.raises(
        DataError, match=r"line 4 .* 'age' holds 'NA'.*\(1 of 40 have such cells; missing='drop'"
    ):
        load_data(only)
    with pytest.raises(InvalidInput, match="missing is 'fill'; use refuse, drop, keep"):
        load_data(path, missing="fill")


def test_gaps_that_are_kept_are_values_of_their_own(write) -> None:
    lines = gappy().replace(",\n", ",yes\n").splitlines()
    lines[10] = lines[10].replace("nurse", "")  # "?" is a job of this table
    data = load_data(write("\n".join(lines) + "\n"), missing="keep")
    rows = {s.id: s.x for split in (data.train, data.val, data.test) for s in split}
    at = [column.name for column in data.columns].index("age")
    assert [id for id, x in rows.items() if np.isnan(x[at])] == ["row-3"]
    assert data.facts["rows with gaps, kept"] == sum(np.isnan(x).any() for x in rows.values())
    assert data.columns[1].categories == ("?", "cook", "nurse")
    assert np.isnan(rows["row-10"][1])
    with pytest.raises(
        DataError, match=r"of 40 rows have missing values \(age.*'logistic' does not"
    ):
        train("logistic", data)
    assert train("tree", data).background is not None


def test_columns_are_for_files_that_have_some(tmp_path) -> None:
    (tmp_path / "a.ts").write_text("@data\n1,2:a\n")
    with pytest.raises(
        InvalidInput, match="drop is for .csv, .tsv, .jsonl, .parquet and .arff files"
    ):
        load_data(tmp_path / "a.ts", drop=["id"])
