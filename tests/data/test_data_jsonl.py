"""JSON lines: text, labels and human rationales."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from xaikit.core.errors import DataError
from xaikit.data import load_data

ROW = {"text": "not really good.", "label": "bad"}


def write(path: Path, rows: list[object], name: str = "said.jsonl") -> Path:
    path = path / name
    path.write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in rows), encoding="utf-8")
    return path


def many(**changes: object) -> list[object]:
    return [{**ROW, **changes, "label": ("bad", "good")[i % 2]} for i in range(20)]


def test_token_spans_become_words(tmp_path: Path) -> None:
    # white-space tokens: not | really | good. ; words: not | really | good | .
    for key in ("rationale", "evidence"):
        data = load_data(write(tmp_path, many(**{key: [[0, 1], [2, 3]]})))
        assert data.test[0].x.tolist() == ["not", "really", "good", "."]
        assert data.test[0].rationale.tolist() == [True, False, True, True]


def test_character_spans_become_words(tmp_path: Path) -> None:
    data = load_data(write(tmp_path, many(evidence_char=[11, 15])))
    assert data.test[0].rationale.tolist() == [False, False, True, False]


def test_rationales_are_none_where_no_line_has_one(tmp_path: Path) -> None:
    data = load_data(write(tmp_path, many()))
    assert data.test[0].rationale is None
    assert data.classes == ("bad", "good")
    some = many()
    some[3]["evidence"] = [[0, 1]]
    data = load_data(write(tmp_path, some))
    found = {s.id: s.rationale for s in (*data.train, *data.val, *data.test)}
    assert found.pop("row-4").tolist() == [True, False, False, False]
    assert set(found.values()) == {None}


def test_other_keys_and_a_test_file(tmp_path: Path) -> None:
    rows = [{"said": f"line {i}", "mood": i % 2} for i in range(20)]
    test = write(tmp_path, rows[:3], "test.jsonl")
    data = load_data(write(tmp_path, rows), test=test, text_column="said", label_column="mood")
    assert sorted(s.id for s in data.test) == ["test-1", "test-2", "test-3"]
    assert data.classes == ("0", "1")


ERRORS = [
    ('{"text": "a", "label": 0}\n{text', "line 2 of 'bad.jsonl' is no JSON: Expecting property name"),
    ("[1, 2]", "line 1 of 'bad.jsonl' is no JSON object"),
    ('{"text": "a", "label": 0}\n{"txt": "a", "label": 0}', "line 2 of 'bad.jsonl' has no 'text'; it has txt, label"),
    ('{"text": "a"}', "line 1 of 'bad.jsonl' has no 'label'; it has text"),
    ('{"text": 3, "label": 0}', "line 1 of 'bad.jsonl' has 3 as 'text'"),
    ('{"text": "a", "label": null}', "line 1 of 'bad.jsonl' has None as 'label'"),
    ('{"text": " ", "label": 1}', "line 1 of 'bad.jsonl' has an empty text"),
    ('{"text": "a b", "label": 1, "evidence": [[1, 3]]}', r"the rationale \[1, 3\) and its text ends at 2"),
    ('{"text": "a b", "label": 1, "evidence": [[1, 1]]}', r"the rationale \[1, 1\)"),
    ('{"text": "a b", "label": 1, "evidence": "b"}', r"a rationale that is no list of \[start, end\)"),
    ('{"text": "a", "label": 1}\n{"text": "a", "label": 1}', "'bad.jsonl' has one class only, '1'"),
    ('{"text": "a", "label": NaN}\n{"text": "a", "label": 1}', "'row-1' of 'bad.jsonl' has a label that is NaN"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), ERRORS)
def test_what_is_wrong_is_named_by_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        load_data(path)


def test_objects_without_a_text_are_the_rows_of_a_table(tmp_path: Path) -> None:
    rows = [{"age": i, "job": ("cook", "nurse")[i % 2], "label": i % 2 == 0} for i in range(20)]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    data = load_data(path)
    assert [(c.name, c.categories) for c in data.columns] == [
        ("age", ()),
        ("job", ("cook", "nurse")),
    ]
    assert {s.x[0] for s in data.test if s.label == data.classes.index("True")} <= {
        *range(0, 20, 2)
    }
    del rows[4]["age"]
    path.write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(DataError, match="line 5 of 'a.jsonl', column 'age' is empty"):
        load_data(path)
