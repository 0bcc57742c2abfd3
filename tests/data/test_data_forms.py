"""Files as people have them: what was found out about each is right, and said; what is two things is asked about."""

from __future__ import annotations

import io
import sys
import tarfile
import zipfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import wavfile

from xaikit.core.errors import DataError, InvalidInput
from xaikit.data import load_data


def put(folder: Path, name: str, content: str | bytes, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def row(data: Any, name: str) -> Any:
    return next(s for split in (data.train, data.val, data.test) for s in split if s.id == name)


HEADS = {
    "utf-8": ("나이", "간호사", "été"),
    "utf-8-sig": ("나이", "간호사", "été"),
    "utf-16": ("나이", "간호사", "été"),
    "utf-16-le": ("나이", "간호사", "été"),
    "utf-16-be": ("나이", "간호사", "été"),
    "cp949": ("나이", "간호사", "요리사"),
    "cp1252": ("âge", "infirmière", "Größe €"),
}


@pytest.mark.parametrize("encoding", HEADS)
def test_the_encoding_is_found_and_said(tmp_path: Path, encoding: str) -> None:
    head, *jobs = HEADS[encoding]
    text = f"{head},job,label\n" + "".join(f"{i},{jobs[i % 2]},{i % 2}\n" for i in range(20))
    data = load_data(put(tmp_path, "a.csv", text, encoding))
    assert data.columns[0].name == head
    assert set(data.columns[1].categories) == set(jobs)
    assert data.facts["form"] == (encoding.removesuffix("-sig"), "comma")


@pytest.mark.parametrize(("encoding", "word"), [("cp1251", "привет"), ("gb2312", "北京大学中文"), ("cp1253", "καλημέρα"), ("cp949", "10 €")])  # fmt: skip
def test_an_encoding_that_is_not_sure_is_asked_for(
    tmp_path: Path, encoding: str, word: str
) -> None:
    text = "a,b\n" + "".join(f"{word},{i % 2}\n" for i in range(20))
    path = put(tmp_path, "a.csv", text, encoding)
    with pytest.raises(DataError, match=r"'a.csv' is not UTF-8: line 2 .* encoding= \(--encoding"):
        load_data(path)
    assert load_data(path, encoding=encoding).columns[0].categories == (word,)
    with pytest.raises(DataError, match="'a.csv' is not ascii: line 2 holds the byte"):
        load_data(path, encoding="ascii")
    with pytest.raises(InvalidInput, match="encoding is 'klingon', which is none; use for"):
        load_data(path, encoding="klingon")


@pytest.mark.parametrize(("sign", "name"), [(",", "comma"), (";", "semicolon"), ("\t", "tab"), ("|", "bar")])  # fmt: skip
def test_the_delimiter_is_found_and_said(tmp_path: Path, sign: str, name: str) -> None:
    other = ";" if sign == "," else ","
    lines = [
        sign.join((f'"a{other * 5}"', "b", "label")),
        *(f"{i}{sign}{-i}{sign}{i % 2}" for i in range(20)),
    ]
    data = load_data(put(tmp_path, "a.csv", "\n".join(lines)))
    assert data.facts["form"] == ("utf-8", name)
    assert row(data, "row-4").x.tolist() == [3.0, -3.0]


def commas(cells: list[str]) -> str:
    return "a;label\n" + "".join(f"{cells[i % len(cells)]};{i % 2}\n" for i in range(24))


@pytest.mark.parametrize(
    ("cells", "decimal", "values", "comma"),
    [
        (["1,5", "2,25", "-3"], None, [1.5, 2.25, -3], True),
        (["1.234,5", "2.000", "0,125"], None, [1234.5, 2000, 0.125], True),
        (["1,234.5", "2,000", "7"], None, [1234.5, 2000, 7], False),
        (["1,234,567", "2,000"], None, [1234567, 2000], False),
        (["1,234", "2,500"], ",", [1.234, 2.5], True),
        (["1,234", "2,500"], ".", [1234, 2500], False),
        (["1.234", "2.500"], ",", [1234, 2500], False),
        (["1.234", "2.500"], None, [1.234, 2.5], False),
    ],
)
def test_a_decimal_comma_is_found_where_it_means_one_thing(
    tmp_path: Path, cells: list[str], decimal: str | None, values: list[float], comma: bool
) -> None:
    data = load_data(put(tmp_path, "a.csv", commas(cells)), decimal=decimal)
    for i, value in enumerate(values):
        assert row(data, f"row-{i + 1}").x.tolist() == [value]
    assert ("decimal comma" in data.facts["form"]) == comma


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (commas(["1,234", "2,500"]), r"holds 1,234 in column 'a', where a comma may be decimal or"),
        (commas(["1,5", "1,234.5"]), r"holds 1,5 and 1,234.5, where a comma may be decimal"),
        (commas(["1,5", "2.5"]), r"column 'a' of 'a.csv' holds 2.5 and other cells have a decimal"),
    ],
)
def test_a_comma_that_may_be_two_things_is_asked_about(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        load_data(put(tmp_path, "a.csv", text))
    with pytest.raises(InvalidInput, match="decimal is ';'; use ',' or '.'"):
        load_data(put(tmp_path, "a.csv", text), decimal=";")


def test_a_parquet_file_is_the_table_that_a_csv_of_it_is(tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    held = {
        "age": list(range(30)),
        "pay": [i / 7 for i in range(30)],
        "job": pa.array(["nurse", "cook"] * 15).dictionary_encode(),
        "label": [True, False] * 15,
    }
    pq.write_table(pa.table(held), tmp_path / "a.parquet")
    plain = {n: v.to_pylist() if n == "job" else v for n, v in held.items()}
    lines = [",".join(plain), *(",".join(map(str, r)) for r in zip(*plain.values(), strict=True))]
    data, same = (
        load_data(tmp_path / "a.parquet"),
        load_data(put(tmp_path, "a.csv", "\n".join(lines))),
    )
    assert (data.hash, data.columns, data.classes) == (same.hash, same.columns, same.classes)
    held["pay"][4] = None
    pq.write_table(pa.table(held), tmp_path / "b.parquet")
    with pytest.raises(DataError, match=r"row 5 of 'b.parquet', column 'pay' is empty \(NaN\)"):
        load_data(tmp_path / "b.parquet")
    pq.write_table(pa.table(held | {"pay": [[1.0]] * 30}), tmp_path / "c.parquet")
    with pytest.raises(DataError, match=r"'c.parquet' has the column 'pay' of list<.*no cell of a"):
        load_data(tmp_path / "c.parquet")
    pq.write_table(pa.table({"a": pa.array(np.zeros(60_000_000, np.int8))}), tmp_path / "d.parquet")
    with pytest.raises(DataError, match=r"'d.parquet' declares 60000000 rows of 1 columns, more"):
        load_data(tmp_path / "d.parquet")


TS = "# made\n@problemName x\n@timeStamps false\n@classLabel true up down\n@data\n"


def ts(lengths: list[int], n: int = 20) -> str:
    rows = [
        ",".join(str(i + 10 * j) for j in range(lengths[i % len(lengths)]))
        + ":"
        + ",".join("0.5" for _ in range(lengths[i % len(lengths)]))
        + f":{('up', 'down')[i % 2]}"
        for i in range(n)
    ]
    return TS + "\n".join(rows)


def test_ts_files_hold_channels_and_labels(tmp_path: Path) -> None:
    data = load_data(put(tmp_path, "a.ts", ts([4])))
    assert (data.modality, data.classes) == ("series", ("down", "up"))
    assert row(data, "row-3").x.tolist() == [[2, 0.5], [12, 0.5], [22, 0.5], [32, 0.5]]
    assert row(data, "row-3").label == 1
    target = ts([4], 30).replace("@classLabel true up down", "@targetLabel true")
    numbered = [
        f"{r.rpartition(':')[0]}:{i}.5" if ":" in r else r for i, r in enumerate(target.split("\n"))
    ]
    assert load_data(put(tmp_path, "b.ts", "\n".join(numbered))).task == "regression"


def test_series_of_several_lengths_are_refused_or_brought_to_one(tmp_path: Path) -> None:
    path = put(tmp_path, "a.ts", ts([3, 5]))
    with pytest.raises(DataError, match=r"'a.ts' holds series of 3 to 5 steps and models read one"):
        load_data(path)
    data = load_data(path, size=4)
    assert data.facts["form"] == ("utf-8", "ts", "4 steps", "10 cut", "10 filled")
    assert row(data, "row-1").x[:, 0].tolist() == [0, 10, 20, 20]  # its last value stays
    assert row(data, "row-2").x[:, 0].tolist() == [1, 11, 21, 31]


ARFF = "@relation x\n" + "".join(f"@attribute att{i} numeric\n" for i in range(9))


def test_arff_files_are_series_or_tables(tmp_path: Path) -> None:
    rows = [",".join(str(i + j) for j in range(8)) + f",?,{'ab'[i % 2]}" for i in range(20)]
    whole = ARFF + "@attribute target {a,b}\n@data\n% none\n" + "\n".join(rows)
    data = load_data(put(tmp_path, "a.arff", whole))
    assert data.modality == "series"
    assert row(data, "row-2").x[:, 0].tolist() == [
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
    ]  # ? at the end is the end
    bags = [f"'{i},2,3\\n4,5,{i}',{'pq'[i % 2]}" for i in range(20)]
    bag = "@attribute bag relational\n@attribute a numeric\n@end bag\n@attribute cls {p,q}\n@data\n"
    data = load_data(put(tmp_path, "b.arff", "@relation x\n" + bag + "\n".join(bags)))
    assert row(data, "row-8").x.tolist() == [[7, 4], [2, 5], [3, 7]]
    plain = "@attribute 'my age' real\n@attribute job {cook, 'the, nurse'}\n@attribute cls {p,q}\n@data\n"
    jobs = [
        f"{i},{('cook', chr(39) + 'the, nurse' + chr(39))[i % 2]},{'pq'[i % 2]}" for i in range(20)
    ]
    data = load_data(put(tmp_path, "c.arff", "@RELATION x\n" + plain + "\n".join(jobs)))
    assert [(c.name, c.categories) for c in data.columns] == [
        ("my age", ()),
        ("job", ("cook", "the, nurse")),
    ]


def wav(rate: int, x: np.ndarray) -> bytes:
    out = io.BytesIO()
    wavfile.write(out, rate, x)
    return out.getvalue()


def test_recordings_are_series_in_one_range_with_their_rate(tmp_path: Path) -> None:
    wave = np.array([0.0, 0.5, -1.0, 0.25])
    kinds = {
        "i2": (wave * 32768).astype(np.int16),
        "i4": (wave * 2**31).astype(np.int32),
        "u1": (wave * 128 + 128).astype(np.uint8),
        "f4": wave.astype(np.float32),
    }
    for i, (kind, x) in enumerate([*kinds.items()] * 3):
        folder = tmp_path / "sounds" / "ab"[i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{i}-{kind}.wav").write_bytes(wav(8000, x))
    data = load_data(tmp_path / "sounds", modality="series")
    for split in (data.train, data.val, data.test):
        for s in split:
            assert s.x[:, 0].tolist() == wave.tolist(), s.id
    assert data.facts["form"] == ("wav", "8000 Hz", "4 steps")
    (tmp_path / "sounds" / "a" / "odd.wav").write_bytes(wav(8000, kinds["i2"][:3]))
    with pytest.raises(DataError, match=r"'sounds' holds series of 3 to 4 steps .* give size="):
        load_data(tmp_path / "sounds", modality="series")
    assert row(load_data(tmp_path / "sounds", size=4, modality="series"), "a/odd.wav").x[
        :, 0
    ].tolist() == [
        0,
        0.5,
        -1,
        0,
    ]
    (tmp_path / "sounds" / "a" / "odd.wav").write_bytes(wav(16000, kinds["i2"]))
    with pytest.raises(DataError, match=r"'a/odd.wav' in 'sounds' has 16000 samples a second and"):
        load_data(tmp_path / "sounds", modality="series")


def test_a_recording_that_was_cut_off_or_never_scaled_is_refused(tmp_path: Path) -> None:
    wave = 0.5 * np.sin(np.arange(800))
    whole = wav(8000, wave.astype(np.float32))
    streamed = whole[:4] + b"\xff\xff\xff\xff" + whole[8:]  # its length was not known when it began
    for raw, said in (
        (whole[:-400], "ends early"),
        (wav(8000, (wave * 32768).astype(np.float32)), "holds numbers up to 1.638e.04 where 1 is"),
        (streamed, ""),
    ):
        place = folder_of_sounds(tmp_path, "x.wav", raw)
        with pytest.raises(DataError, match=said) if said else nullcontext():
            load_data(place)


def folder_of_sounds(place: Path, name: str, raw: bytes) -> Path:
    for i in range(6):
        folder = place / "sounds" / "ab"[i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{i}-{name}").write_bytes(raw)
    return place / "sounds"


def test_compressed_recordings_are_those_that_were_packed(tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile", exc_type=ImportError)
    wave, packed = np.linspace(-0.5, 0.5, 400), io.BytesIO()
    soundfile.write(packed, wave, 8000, format="FLAC")
    data = load_data(folder_of_sounds(tmp_path, "a.flac", packed.getvalue()), modality="series")
    assert np.abs(data.train[0].x[:, 0] - wave).max() < 2**-14
    assert data.facts["form"] == ("wav", "8000 Hz", "400 steps")
    folder_of_sounds(tmp_path, "a.flac", packed.getvalue()[:60])
    with pytest.raises(
        DataError, match=r"'a/0-a.flac' in 'sounds' (cannot be read|holds no|brings)"
    ):
        load_data(tmp_path / "sounds", modality="series")


def test_compressed_recordings_without_their_reader_are_a_sentence(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(
        DataError, match=r"'a/0-b.mp3' .* not installed \(pip install 'xaikit\[audio"
    ):
        load_data(folder_of_sounds(tmp_path, "b.mp3", b"ID3"))


def tarred(files: dict[str, bytes], mode: str = "w:gz") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(("ending", "pack"), [("zip", zipped), ("tar.gz", tarred), ("tgz", tarred), ("tar", lambda f: tarred(f, "w"))])  # fmt: skip
def test_archives_hold_what_folders_hold(tmp_path: Path, ending: str, pack: Any) -> None:
    table = "a,b,label\n" + "".join(f"{i},{i / 7},{i % 2}\n" for i in range(20))
    alone = load_data(put(tmp_path, "a.csv", table))
    inside = load_data(
        put(tmp_path, f"b.{ending}", pack({"d/a.csv": table.encode(), "d/README": b"x"}))
    )
    assert inside.hash == alone.hash
    assert (inside.name, inside.source) == ("b", f"b.{ending}")
    both = {"train.csv": table.encode(), "test.csv": b"a,b,label\n1,2,0\n3,4,1\n"}
    assert len(load_data(put(tmp_path, f"c.{ending}", pack(both))).test) == 2
    sounds = {f"{'ab'[i % 2]}/{i}.wav": wav(8000, np.arange(9, dtype=np.int16)) for i in range(12)}
    assert load_data(put(tmp_path, f"d.{ending}", pack(sounds))).modality == "audio"
    with pytest.raises(DataError, match=rf"'e.{ending}' holds a.csv, b.csv; put images or record"):
        load_data(put(tmp_path, f"e.{ending}", pack({"a.csv": b"", "b.csv": b""})))


def test_an_archive_that_leads_out_is_refused_by_that_name(tmp_path: Path) -> None:
    table = b"a,label\n1,0\n2,1\n"
    for name in ("d/../../a.csv", "/a.csv"):
        for ending, pack in (("tar", lambda f: tarred(f, "w")), ("zip", zipped)):
            with pytest.raises(DataError, match=f"'a.{ending}' .*{name}',?.* leads out of it"):
                load_data(put(tmp_path, f"a.{ending}", pack({name: table})))
