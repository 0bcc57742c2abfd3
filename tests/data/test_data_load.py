"""How a name or a path finds its data set."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from xaikit.core.errors import DataError, InvalidInput, UnknownName
from xaikit.data import load_data

ROWS = "a,b\n" + "\n".join(f"{i},{i % 2}" for i in range(20))


def test_an_unknown_name_says_what_is_near() -> None:
    with pytest.raises(UnknownName, match="no dataset is called 'digts'; did you mean 'digits'"):
        load_data("digts")
    with pytest.raises(UnknownName, match="known: digits, breast_cancer, wine"):
        load_data("zzz")


def test_an_unknown_path_says_what_is_near(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(ROWS)
    with pytest.raises(
        DataError, match=r"no file or folder '.*peple.csv'; did you mean 'people.csv'"
    ):
        load_data(tmp_path / "peple.csv")
    with pytest.raises(DataError, match=r"no file or folder '.*none.npz'; check the path"):
        load_data(tmp_path / "no" / "none.npz")
    with pytest.raises(DataError, match=r"no file or folder 'missing.csv'"):
        load_data("missing.csv")


def test_an_unknown_kind_of_file_is_refused(tmp_path: Path) -> None:
    for name in ("notes.txt", "a.npz.gz", "a.parquet.gz"):
        (tmp_path / name).write_text("x")
        with pytest.raises(DataError, match=f"'{name}' is no kind of file that is read; use .csv"):
            load_data(tmp_path / name)
    (tmp_path / "empty.npz").write_bytes(b"")
    with pytest.raises(DataError, match=r"'empty.npz' is empty"):
        load_data(tmp_path / "empty.npz")


def test_the_test_file_must_exist_and_have_the_same_form(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(ROWS)
    (tmp_path / "more.jsonl").write_text("{}")
    with pytest.raises(
        DataError, match=r"the test data 'more.jsonl' must have the form of 'people.csv'"
    ):
        load_data(path, test=tmp_path / "more.jsonl")
    with pytest.raises(DataError, match=r"no file or folder '.*lost.csv'"):
        load_data(path, test=tmp_path / "lost.csv")


def test_options_of_files_are_refused_for_built_in_sets() -> None:
    with pytest.raises(InvalidInput, match="built-in data set 'wine' takes a seed only"):
        load_data("wine", label_column="class")
    with pytest.raises(InvalidInput, match="built-in data set 'wine' takes a seed only"):
        load_data("wine", test="wine.csv")


def test_a_file_called_train_is_named_after_its_folder(tmp_path: Path) -> None:
    (tmp_path / "tumours").mkdir()
    (tmp_path / "tumours" / "train.csv").write_text(ROWS)
    (tmp_path / "own.data.csv").write_text(ROWS)
    assert load_data(tmp_path / "tumours" / "train.csv").name == "tumours"
    assert load_data(tmp_path / "own.data.csv").name == "own"


def test_loading_data_needs_no_torch_and_no_pandas() -> None:
    code = (
        "import sys; from xaikit.data import load_data; load_data('wine'); "
        "print([m for m in ('torch', 'skimage', 'matplotlib', 'shap', 'lime', 'captum') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
