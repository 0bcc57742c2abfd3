"""Every reader of data and of saved folders is fed damaged and random files: an answer or an
`XaikitError` that names the file, within 30 seconds and 2 GB more than the process had."""

from __future__ import annotations

import gzip
import io
import json
import os
import resource
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy_hostile
import toy_zoo
from damage import Files, damaged
from hypothesis import HealthCheck, Phase, given, settings
from PIL import Image
from report import sample_runs
from scipy.io import wavfile

from xaikit.core.errors import InvalidInput, XaikitError
from xaikit.core.explanations import Explanations
from xaikit.data import load_data
from xaikit.models.store import load_model, save_model
from xaikit.models.training import train
from xaikit.report import write_report
from xaikit.study.run import Run

MANY = os.environ.get("XAIKIT_FUZZ")  # examples of `make fuzz`
MEMORY = 2 << 30

pytestmark = pytest.mark.filterwarnings("ignore")  # what decoders say of damage

FEW = 30  # examples of a reader that stands on one that is fed more

fuzzed = settings(
    max_examples=int(MANY or 300),
    derandomize=MANY is None,
    database=None,
    deadline=timedelta(seconds=30),
    print_blob=True,
    phases=(Phase.explicit, Phase.generate, Phase.shrink)
    if MANY
    else (Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


@contextmanager
def two_gigabytes() -> Iterator[None]:
    """The process may take so much more; beyond it a `MemoryError` comes."""
    pages = int(Path("/proc/self/statm").read_text().split()[5])  # data and stack
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (pages * resource.getpagesize() + MEMORY, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def survives(files: Files, place: Path, read: Callable[[Path], Any], *names: str) -> None:
    shutil.rmtree(place, ignore_errors=True)
    for name, content in files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if content is None else path.write_bytes(content)
    said = None
    try:
        with two_gigabytes():
            read(place)
    except XaikitError as error:
        said = str(error)
    if said is not None:
        assert any(name in said for name in (place.name, *names)), f"no file in: {said}"
        assert len(said) < 3000


def fuzz(
    files: dict[str, bytes],
    place: Path,
    read: Callable[[Path], Any],
    cover: str | None = None,
    few: int = 300,
) -> None:
    names = {Path(name).name for name in files}

    @settings(fuzzed, max_examples=int(MANY or few))
    @given(damaged(files, cover))
    def run(found: Files) -> None:
        survives(found, place, read, *names)

    run()


def table(n: int = 24) -> str:
    rows = [f"{i},{('nurse', 'cook')[i % 2]},{i / 7},{'yes' if i % 3 else 'no'}" for i in range(n)]
    return "age,job,pay,label\n" + "\n".join(rows) + "\n"


def texts(n: int = 24) -> str:
    rows = [f'"good, film number {i}: isn\'t it?",{i % 2}' for i in range(n)]
    return "text,stars\n" + "\n".join(rows) + "\n"


def lines(n: int = 24) -> str:
    rows = [
        {"text": f"a good film {i}", "label": i % 2, "rationale": [[0, 2]], "evidence_char": [2, 6]}
        for i in range(n)
    ]
    return "\n".join(
        json.dumps({k: v for k, v in r.items() if k != "evidence_char" or i % 2})
        for i, r in enumerate(rows)
    )


def arrays(**held: Any) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(out, **held)
    return out.getvalue()


def picture(kind: str, level: int, mode: str) -> bytes:
    out = io.BytesIO()
    grey = (np.arange(48).reshape(6, 8) * 4 + level).astype(np.uint8)
    Image.fromarray(grey).convert(mode).save(out, kind)
    return out.getvalue()


X, Y = np.random.default_rng(0).random((24, 8, 6)), np.arange(24) % 2
FORMS = [("a.png", "png", "L"), ("b.png", "png", "RGBA"), ("c.png", "png", "P"), ("d.jpg", "jpeg", "RGB"),
         ("e.gif", "gif", "L"), ("f.bmp", "bmp", "RGB"), ("g.tif", "tiff", "L"), ("h.webp", "webp", "RGB")]  # fmt: skip
PICTURES = {
    f"{label}/{name}": picture(kind, level, mode)
    for label, level in (("cat", 0), ("dog", 60))
    for name, kind, mode in FORMS
}


def packed(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"pets/{name}", content)
    return out.getvalue()


def korean(n: int = 24) -> str:
    return "나이,직업,답\n" + "".join(
        f"{i},{('간호사', '요리사')[i % 2]},{'예' if i % 3 else '아니오'}\n" for i in range(n)
    )


def western(n: int = 24) -> str:
    return "âge;prix;métier;payé\n" + "".join(
        f"{i};1.{i + 100},5;{('infirmière', 'cuisinier')[i % 2]};{i % 2}\n" for i in range(n)
    )


def steps(n: int = 24) -> bytes:
    rows = [f"{i},2.5,3:{i},5,7:{'ab'[i % 2]}" for i in range(n)]
    return (
        "@problemName x\n@timeStamps false\n@classLabel true a b\n@data\n" + "\n".join(rows)
    ).encode()


def relation(n: int = 24) -> bytes:
    head = "@relation x\n@attribute 'my age' real\n@attribute job {cook, 'the, nurse'}\n@attribute cls {p,q}\n@data\n"
    return (
        head
        + "\n".join(
            f"{i},{('cook', chr(39) + 'the, nurse' + chr(39))[i % 2]},{'pq'[i % 2]}"
            for i in range(n)
        )
    ).encode()


def bags(n: int = 24) -> bytes:
    head = "@relation x\n@attribute bag relational\n@attribute a numeric\n@end bag\n@attribute cls {p,q}\n@data\n"
    return (head + "\n".join(f"'{i},2,3\\n4,5,{i}',{'pq'[i % 2]}" for i in range(n))).encode()


def sound(kind: str, start: int) -> bytes:
    out = io.BytesIO()
    x = np.sin(np.arange(24) + start)
    wavfile.write(out, 8000, x.astype(np.float32) if kind == "f4" else (x * 100 + 100).astype(kind))
    return out.getvalue()


def tarred(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


SOUNDS = {f"{'ab'[i % 2]}/{i}.wav": sound(("i2", "u1", "f4", "i4")[i % 4], i) for i in range(12)}
DATA: dict[str, tuple[str, bytes, dict[str, Any]]] = {
    "csv": ("a.csv", table().encode(), {}),
    "csv of text": ("a.csv", texts().encode(), {"text_column": "text"}),
    "csv.gz": ("a.csv.gz", gzip.compress(table().encode(), mtime=0), {}),
    "jsonl": ("a.jsonl", lines().encode(), {}),
    "npz of series": ("a.npz", arrays(X=X, y=Y, columns=np.array(list("abcdef"))), {}),
    "npz of images": ("a.npz", arrays(X=(X * 255).astype(np.uint8), y=Y, classes=np.array(["n", "y"])), {}),
    "npz with a test part": ("a.npz", arrays(X_train=X[:, 0], y_train=Y, X_test=X[:9, 0], y_test=Y[:9]), {"modality": "table"}),
    "zip of images": ("a.zip", packed(PICTURES), {}),
    "csv in cp949": ("a.csv", korean().encode("cp949"), {}),
    "csv in cp1252 with commas": ("a.csv", western().encode("cp1252"), {}),
    "csv in utf-16": ("a.csv", korean().encode("utf-16"), {}),
    "jsonl of a table": ("a.jsonl", "\n".join(json.dumps({"a": i, "b": "xy"[i % 2], "label": i % 2}) for i in range(24)).encode(), {}),
    "ts": ("a.ts", steps(), {"size": 5}),
    "arff of a table": ("a.arff", relation(), {}),
    "arff of series": ("a.arff", bags(), {"size": 3}),
    "zip of recordings": ("a.zip", packed(SOUNDS), {"size": 20}),
    "tar of a csv": ("a.tar", tarred({"d/a.csv": table().encode()}), {}),
    "tar.gz of images": ("a.tar.gz", gzip.compress(tarred(PICTURES), mtime=0), {}),
}  # fmt: skip


OLD = [*DATA][:8]


@pytest.mark.parametrize("kind", DATA)
def test_a_file_of_data(kind: str, tmp_path: Path) -> None:
    name, content, options = DATA[kind]
    assert load_data(write(tmp_path / "whole", {name: content}) / name, **options).train
    fuzz(
        {name: content},
        tmp_path / "data",
        lambda folder: load_data(folder / name, **options),
        few=300 if kind in OLD else FEW,
    )


def test_a_file_of_parquet(tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    out = io.BytesIO()
    held = {"age": list(range(24)), "job": ["cook", "nurse", None, "x"] * 6, "label": [1, 0] * 12}
    pq.write_table(pa.table(held), out)
    options = {"missing": "drop"}
    files = {"a.parquet": out.getvalue()}
    assert load_data(write(tmp_path / "whole", files) / "a.parquet", **options).train
    fuzz(
        files, tmp_path / "data", lambda folder: load_data(folder / "a.parquet", **options), few=FEW
    )


def test_a_folder_of_recordings(tmp_path: Path) -> None:
    assert load_data(write(tmp_path / "whole", SOUNDS)).train
    fuzz(SOUNDS, tmp_path / "sounds", lambda folder: load_data(folder), few=FEW)


def test_a_graph_of_onnx(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    toy_hostile.graph(tmp_path, lambda made: None)
    files = {"a.onnx": (tmp_path / "a.onnx").read_bytes()}
    rows = np.ones((2, 13))

    def read(folder: Path) -> None:
        facts = {"modality": "table", "sample": rows[0], "background": rows, "id": "a.onnx"}
        load_model(folder / "a.onnx", **facts).scores(rows)

    read(tmp_path)
    fuzz(files, tmp_path / "graph", read, few=FEW)


def test_a_folder_of_hugging_face(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    files = held(toy_hostile.bert(tmp_path))
    fuzz(files, tmp_path / "face", lambda folder: load_model(f"hf:{folder}", device="cpu"), few=FEW)


@pytest.mark.parametrize("size", [None, 5])
def test_a_folder_of_images(size: int | None, tmp_path: Path) -> None:
    assert load_data(write(tmp_path / "whole", PICTURES), size=size).train
    fuzz(PICTURES, tmp_path / "pets", lambda folder: load_data(folder, size=size))


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def held(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


MODELS = [
    *(
        ("mlp", "table"),
        ("lenet", "image"),
        ("lstm", "text"),
        ("bert_small", "text"),
        ("fcn_1d", "series"),
    ),
    *(("logistic", "table"), ("forest", "table"), ("boosting", "table"), ("svm", "table")),
    *(("logistic", "text"), ("tree", "image"), ("logistic", "series")),
]
SMALL = {**toy_zoo.SMALL, "forest": {"n_estimators": 2}, "boosting": {"max_iter": 2}}


@cache
def folders(name: str, modality: Any, home: Path) -> tuple[dict[str, bytes], Any]:
    data = toy_zoo.toy_data(modality, 60)
    sets = {"epochs": 1, "batch_size": 6} if name in toy_zoo.ZOO else {}
    model = train(name, data, progress=False, device="cpu", **sets, **SMALL.get(name, {}))
    return held(save_model(model, home / f"{name}-{modality}")), data.inputs("test")[:2]


@pytest.mark.parametrize(("name", "modality"), MODELS)
def test_a_folder_of_a_model(name: str, modality: str, tmp_path: Path) -> None:
    files, inputs = folders(name, modality, tmp_path)

    def read(folder: Path) -> None:
        model = load_model(folder, device="cpu")
        with suppress(InvalidInput):  # of other inputs than it read; it tells the column
            model.scores(inputs)

    fuzz(files, tmp_path / "model", read, "config.json")


@pytest.mark.parametrize("kind", ["image", "text", "table", "series"])
def test_a_folder_of_a_run(kind: str, tmp_path: Path) -> None:
    run = sample_runs.with_overview(sample_runs.bare_run(2, kind))
    files = held(run.save(tmp_path / "whole"))
    fuzz(files, tmp_path / "run", Run.load, "manifest.json")


def test_a_file_of_explanations(tmp_path: Path) -> None:
    block = Explanations.of(sample_runs.bare_run(3, "table").explanations[:1])
    files = {"a.npz": block.save(tmp_path / "whole.npz").read_bytes()}
    fuzz(files, tmp_path / "values", lambda folder: Explanations.load(folder / "a.npz"))


@pytest.mark.parametrize("kind", ["image", "table"])
def test_the_page_of_a_run(kind: str, tmp_path: Path) -> None:
    made = {"image": sample_runs.image_run, "table": sample_runs.table_run}[kind](2)
    files = held(made.save(tmp_path / "whole"))
    page = tmp_path / "page.html"
    fuzz(files, tmp_path / "run", lambda folder: write_report(folder, page), "manifest.json")
