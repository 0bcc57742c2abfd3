"""Files as an ill-wisher makes them, in code: each is laid into a folder and named to a command.

`CORPUS` maps what a file is to a function (place, canary) -> words of the command line. Code that any of them
holds would make the folder `canary`; names in them lead to `place.parent`.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import shutil
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import skops.io
import torch
import toy_zoo
from report import sample_runs
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from xaikit.models.store import save_model
from xaikit.models.training import train

Words = tuple[str, ...]
CORPUS: dict[str, Callable[[Path, Path], Words]] = {}
TABLE = "a,b,label\n" + "".join(f"{i},{i / 7},{i % 2}\n" for i in range(20))
HUGE = 1 << 62


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.canary),)


def hostile(name: str) -> Callable[[Any], Any]:
    def put(make: Callable[[Path, Path], Words]) -> Callable[[Path, Path], Words]:
        assert name not in CORPUS
        CORPUS[name] = make
        return make

    return put


def trap(canary: Path) -> bytes:
    return pickle.dumps(Trap(canary))


# doors: how a person would name such a file


def data(path: Path) -> Words:
    return "train", "tree", "-d", str(path)


def model(path: Path) -> Words:
    return "explain", str(path), "-d", "wine", "-m", "random"


def weights(path: Path, *more: str) -> Words:
    return "explain", "--model", "toy_hostile:linear", "--weights", str(path), "-d", "wine", *more


def run(path: Path) -> Words:
    return "report", str(path)


def linear() -> torch.nn.Module:
    """The module that weights are put into."""
    return torch.nn.Linear(13, 3)


def written(path: Path, content: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def zipped(files: dict[str, bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, how, 1)
    return out.getvalue()


def tarred(*entries: tuple[str, bytes | Any], mode: str = "w:gz") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in entries:
            entry = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
            else:
                content(entry)
                archive.addfile(entry)
    return out.getvalue()


def npy(descr: str, shape: str, content: bytes = b"") -> bytes:
    head = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + content


def bomb(megabytes: int) -> bytes:
    """So many megabytes of zeros, deflated to a thousandth."""
    return bytes(megabytes << 20)


# pickles in every wrapper


for _ending in ("pkl", "pickle", "joblib", "pt"):

    @hostile(f"a pickle as .{_ending} data")
    def _(place: Path, canary: Path, ending: str = _ending) -> Words:
        path = place / f"a.{ending}"
        if ending == "joblib":
            joblib.dump(Trap(canary), path)
            return data(path)
        return data(written(path, trap(canary)))


for _ending in ("csv", "jsonl", "parquet", "npz", "zip", "tar", "ts", "arff", "csv.gz"):

    @hostile(f"a pickle named .{_ending}")
    def _(place: Path, canary: Path, ending: str = _ending) -> Words:
        return data(written(place / f"a.{ending}", trap(canary)))


@hostile("an .npy of objects")
def _(place: Path, canary: Path) -> Words:
    np.save(place / "a.npy", np.array([Trap(canary)], dtype=object), allow_pickle=True)
    return data(place / "a.npy")


@hostile("an .npz with an array of objects")
def _(place: Path, canary: Path) -> Words:
    np.savez(place / "a.npz", X=np.array([Trap(canary)] * 9, dtype=object), y=np.arange(9) % 2)
    return data(place / "a.npz")


@hostile("an .npz with a pickle beside its arrays")
def _(place: Path, canary: Path) -> Words:
    return data(written(place / "a.npz", zipped({"X.npy": npy("<f8", ""), "y.pkl": trap(canary)})))


@hostile("a pickle in a .zip")
def _(place: Path, canary: Path) -> Words:
    return data(written(place / "a.zip", zipped({"d/data.pkl": trap(canary)})))


@hostile("a pickle in a .tar.gz")
def _(place: Path, canary: Path) -> Words:
    return data(written(place / "a.tar.gz", tarred(("data.pkl", trap(canary)))))


@hostile("a pickle named .safetensors")
def _(place: Path, canary: Path) -> Words:
    return weights(written(place / "w.safetensors", trap(canary)))


@hostile("a torch file with code")
def _(place: Path, canary: Path) -> Words:
    torch.save({"weight": Trap(canary)}, place / "w.pt")
    return weights(place / "w.pt")


@hostile("a torch file with code, read by torch")
def _(place: Path, canary: Path) -> Words:
    torch.save({"weight": Trap(canary)}, place / "w.pt")
    return weights(place / "w.pt", "--torch-load")


@hostile("a bare pickle, read by torch")
def _(place: Path, canary: Path) -> Words:
    return weights(written(place / "w.pth", trap(canary)), "--torch-load")


@hostile("a whole module, read by torch")
def _(place: Path, canary: Path) -> Words:
    torch.save(linear(), place / "w.pt")
    return weights(place / "w.pt", "--torch-load")


@hostile("a torch file that is a bomb")
def _(place: Path, canary: Path) -> Words:
    held = {"w/data.pkl": trap(canary), "w/data/0": bomb(300)}
    return weights(written(place / "w.pt", zipped(held, zipfile.ZIP_DEFLATED)), "--torch-load")


# folders of models


@cache
def _saved(kind: str) -> dict[str, bytes]:
    import tempfile

    name = {"net": "mlp", "tree": "tree"}[kind]
    settings = {"epochs": 1, "device": "cpu"} if kind == "net" else {}
    fitted = train(name, toy_zoo.toy_data("table", 60), progress=False, **settings)
    with tempfile.TemporaryDirectory() as place:
        folder = save_model(fitted, Path(place) / "model")
        return {p.name: p.read_bytes() for p in folder.iterdir()}


def folder_of(kind: str, place: Path, **changes: bytes) -> Path:
    """A model folder with some files exchanged; `a__b` names a.b."""
    held = _saved(kind) | {name.replace("__", "."): content for name, content in changes.items()}
    for name, content in held.items():
        written(place / "model" / name, content)
    return place / "model"


def config(kind: str, **changes: Any) -> bytes:
    return json.dumps(json.loads(_saved(kind)["config.json"]) | changes).encode()


@hostile("a model folder whose weights are a pickle")
def _(place: Path, canary: Path) -> Words:
    return model(folder_of("net", place, model__safetensors=trap(canary)))


@hostile("a model folder whose background is a pickle")
def _(place: Path, canary: Path) -> Words:
    out = io.BytesIO()
    np.savez(out, background=np.array([Trap(canary)], dtype=object))
    return model(folder_of("net", place, background__npz=out.getvalue()))


@hostile("a .skops of unknown types")
def _(place: Path, canary: Path) -> Words:
    x, y = np.arange(8.0).reshape(4, 2), [0, 1, 0, 1]
    pipeline = make_pipeline(StandardScaler(), DecisionTreeClassifier()).fit(x, y)
    pipeline.steps.append(("harm", Trap(canary)))
    return model(folder_of("tree", place, model__skops=skops.io.dumps(pipeline)))


@hostile("a .skops that is a bomb")
def _(place: Path, canary: Path) -> Words:
    held = zipped({"schema.json": b"{}", "x.npy": bomb(300)}, zipfile.ZIP_DEFLATED)
    return model(folder_of("tree", place, model__skops=held))


@hostile("a config nested without end")
def _(place: Path, canary: Path) -> Words:
    return model(folder_of("net", place, config__json=b'{"a":' * 50_000 + b"1" + b"}" * 50_000))


@hostile("a config of absurd numbers")
def _(place: Path, canary: Path) -> Words:
    wide = json.loads(_saved("net")["config.json"])["parameters"]
    sizes = {name: 10**12 if isinstance(value, int) else value for name, value in wide.items()}
    return model(
        folder_of("net", place, config__json=config("net", parameters=sizes or {"width": 10**12}))
    )


@hostile("a config with NaN")
def _(place: Path, canary: Path) -> Words:
    return model(folder_of("net", place, config__json=config("net", scale=float("nan"))))


@hostile("a config of another file's bytes")
def _(place: Path, canary: Path) -> Words:
    return model(folder_of("net", place, config__json=b"\xff\xfe\0\0" * 99))


@hostile("a model folder whose config is a link to a device")
def _(place: Path, canary: Path) -> Words:
    folder = folder_of("net", place)
    (folder / "config.json").unlink()
    (folder / "config.json").symlink_to("/dev/zero")
    return model(folder)


@hostile("safetensors with a header of 4 exabytes")
def _(place: Path, canary: Path) -> Words:
    return weights(written(place / "w.safetensors", struct.pack("<Q", HUGE) + b"{}"))


@hostile("safetensors with offsets outside of the file")
def _(place: Path, canary: Path) -> Words:
    told = {"weight": {"dtype": "F32", "shape": [13, 1 << 40], "data_offsets": [0, 13 << 42]}}
    head = json.dumps(told).encode()
    return weights(written(place / "w.safetensors", struct.pack("<Q", len(head)) + head))


@hostile("safetensors whose names are long and marked up")
def _(place: Path, canary: Path) -> Words:
    told = {"<script>\u202e\x1b[31m" * 9000: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
    head = json.dumps(told).encode()
    return weights(written(place / "w.safetensors", struct.pack("<Q", len(head)) + head + bytes(4)))


# folders of Hugging Face


def bert(place: Path, **changes: Any) -> Path:
    import toy_folders

    folder = toy_folders.text_folder("bert", place / "bert")
    facts = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(facts | changes))
    return folder


def huggingface(folder: Path) -> Words:
    return "explain", f"hf:{folder}", "-d", "reviews_en", "-m", "random"


@hostile("a Hugging Face folder of pickled weights")
def _(place: Path, canary: Path) -> Words:
    folder = bert(place)
    (folder / "model.safetensors").unlink()
    torch.save(Trap(canary), folder / "pytorch_model.bin")
    return huggingface(folder)


@hostile("a Hugging Face folder with code of its own")
def _(place: Path, canary: Path) -> Words:
    code = f"import os\nos.mkdir({str(canary)!r})\n"
    folder = bert(
        place, architectures=["Evil"], auto_map={"AutoModelForSequenceClassification": "evil.Evil"}
    )
    written(folder / "evil.py", code)
    return huggingface(folder)


@hostile("a Hugging Face folder with a link that leads out")
def _(place: Path, canary: Path) -> Words:
    folder = bert(place)
    shutil.move(folder / "model.safetensors", place / "outside.safetensors")
    (folder / "model.safetensors").symlink_to(place / "outside.safetensors")
    return huggingface(folder)


@hostile("a Hugging Face folder whose index leads out")
def _(place: Path, canary: Path) -> Words:
    folder = bert(place)
    index = {"metadata": {}, "weight_map": {"bert": "../../outside.safetensors"}}
    written(folder / "model.safetensors.index.json", json.dumps(index))
    return huggingface(folder)


@hostile("a Hugging Face config of absurd numbers")
def _(place: Path, canary: Path) -> Words:
    return huggingface(bert(place, num_hidden_layers=10**9))


@hostile("a Hugging Face config nested without end")
def _(place: Path, canary: Path) -> Words:
    folder = bert(place)
    written(folder / "config.json", "[" * 100_000)
    return huggingface(folder)


# ONNX


def graph(place: Path, change: Callable[[Any], None]) -> Words:
    import onnx
    from onnx import TensorProto, helper

    tensor = helper.make_tensor("w", TensorProto.FLOAT, [13, 3], np.zeros(39, np.float32))
    ends = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, ["B", k])
        for n, k in (("x", 13), ("y", 3))
    ]
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    made = helper.make_model(
        helper.make_graph(nodes, "g", ends[:1], ends[1:], [tensor]),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=9,
    )
    change(made)
    onnx.save(made, place / "a.onnx")
    return "explain", str(place / "a.onnx"), "-d", "wine", "-m", "random"


@hostile("a graph whose weights lie outside of its folder")
def _(place: Path, canary: Path) -> Words:
    (place / "inner").mkdir()
    written(place / "outside.bin", bytes(156))

    def change(made: Any) -> None:
        w = made.graph.initializer[0]
        w.ClearField("float_data")
        w.data_location = 1
        for key, value in (("location", "../outside.bin"), ("offset", "0"), ("length", "156")):
            entry = w.external_data.add()
            entry.key, entry.value = key, value

    return graph(place / "inner", change)


@hostile("a graph that declares a tensor of terabytes")
def _(place: Path, canary: Path) -> Words:
    return graph(place, lambda made: made.graph.initializer[0].dims.__setitem__(0, 1 << 42))


@hostile("a graph with an operator of nobody")
def _(place: Path, canary: Path) -> Words:
    return graph(
        place, lambda made: setattr(made.graph.node[0], "op_type", "<script>alert(1)</script>")
    )


@hostile("a graph whose inputs are markup and turn the line")
def _(place: Path, canary: Path) -> Words:
    def change(made: Any) -> None:
        more = made.graph.input.add()
        more.CopyFrom(made.graph.input[0])
        more.name = "<script>alert(1)</script>\u202e\x1b]0;x\x07" * 40

    return graph(place, change)


@hostile("a pickle named .onnx")
def _(place: Path, canary: Path) -> Words:
    return "explain", str(written(place / "a.onnx", trap(canary))), "-d", "wine"


# headers that say more than there is


@hostile("an array of a terabyte in a hundred bytes")
def _(place: Path, canary: Path) -> Words:
    held = {"X.npy": npy("<f8", f"{1 << 40},"), "y.npy": npy("<i8", "3,", bytes(24))}
    return data(written(place / "a.npz", zipped(held)))


def png(width: int, height: int, content: bytes = b"", *more: tuple[bytes, bytes]) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", head), *more, (b"IDAT", zlib.compress(content)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks
    )


@hostile("a picture of ten billion pixels")
def _(place: Path, canary: Path) -> Words:
    for name in ("a/1.png", "b/2.png"):
        written(place / "pets" / name, png(100_000, 100_000))
    return data(place / "pets")


@hostile("a picture with a comment of gigabytes")
def _(place: Path, canary: Path) -> Words:
    text = b"k\0\0" + zlib.compress(bomb(300), 1)
    for name in ("a/1.png", "b/2.png"):
        written(place / "pets" / name, png(4, 4, bytes(20), (b"zTXt", text)))
    return data(place / "pets")


def wav(size: int, channels: int, rate: int, bits: int, content: bytes) -> bytes:
    form = struct.pack(
        "<HHIIHH",
        1,
        channels,
        rate,
        rate * channels * bits // 8 % 2**32,
        channels * bits // 8 % 65536,
        bits,
    )
    return (
        b"RIFF"
        + struct.pack("<I", size)
        + b"WAVEfmt "
        + struct.pack("<I", 16)
        + form
        + b"data"
        + struct.pack("<I", size)
        + content
    )


@hostile("a recording of four gigabytes in sixty bytes")
def _(place: Path, canary: Path) -> Words:
    for name in ("a/1.wav", "b/2.wav"):
        written(place / "sounds" / name, wav(0xFFFFFFF0, 1, 8000, 16, bytes(16)))
    return data(place / "sounds")


@hostile("a recording of no channel and no rate")
def _(place: Path, canary: Path) -> Words:
    for name in ("a/1.wav", "b/2.wav"):
        written(place / "sounds" / name, wav(16, 0, 0, 0, bytes(16)))
    return data(place / "sounds")


@hostile("a parquet of a billion rows in a few bytes")
def _(place: Path, canary: Path) -> Words:
    import pyarrow as pa
    import pyarrow.parquet as pq

    column = pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(60_000_000, np.int8)), pa.array(["x"])
    )
    pq.write_table(pa.table({"a": column}), place / "a.parquet", compression="zstd")
    return data(place / "a.parquet")


# archives


@hostile("a .zip whose names lead out")
def _(place: Path, canary: Path) -> Words:
    return data(written(place / "a.zip", zipped({"../../out.csv": TABLE.encode()})))


@hostile("a .zip of absolute names")
def _(place: Path, canary: Path) -> Words:
    return data(written(place / "a.zip", zipped({str(canary / "a.csv"): TABLE.encode()})))


@hostile("an .npz whose names lead out")
def _(place: Path, canary: Path) -> Words:
    return data(written(place / "a.npz", zipped({"../X.npy": npy("<f8", "3,", bytes(24))})))


@hostile("a .tar whose names lead out")
def _(place: Path, canary: Path) -> Words:
    return data(written(place / "a.tar", tarred(("../../out.csv", TABLE.encode()), mode="w")))


@hostile("a .tar.gz of absolute names")
def _(place: Path, canary: Path) -> Words:
    return data(written(place / "a.tar.gz", tarred((str(canary / "a.csv"), TABLE.encode()))))


def _linked(entry: tarfile.TarInfo) -> None:
    entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"


def _device(entry: tarfile.TarInfo) -> None:
    entry.type, entry.devmajor, entry.devminor = tarfile.CHRTYPE, 1, 5


def _endless(entry: tarfile.TarInfo) -> None:
    entry.size = 1 << 40


@hostile("a .tar with a link")
def _(place: Path, canary: Path) -> Words:
    return data(written(place / "a.tgz", tarred(("a.csv", _linked))))


@hostile("a .tar with a device")
def _(place: Path, canary: Path) -> Words:
    return data(written(place / "a.tgz", tarred(("a.csv", _device))))


@hostile("a .tar with a file that has no end")
def _(place: Path, canary: Path) -> Words:
    entry = tarfile.TarInfo("a.csv")
    _endless(entry)
    return data(written(place / "a.tar", entry.tobuf() + bytes(2048)))


@hostile("a .zip that is a bomb")
def _(place: Path, canary: Path) -> Words:
    return data(written(place / "a.zip", zipped({"a.csv": bomb(300)}, zipfile.ZIP_DEFLATED)))


@hostile("a .zip whose members are one another's bytes")
def _(place: Path, canary: Path) -> Words:
    """A thousand entries of the central list that name the same megabyte."""
    one = zipped({"000.csv": bomb(1)}, zipfile.ZIP_DEFLATED)
    at = one.index(b"PK\x01\x02")
    end = one.index(b"PK\x05\x06")
    entry = one[at:end]
    listed = b"".join(entry.replace(b"000.csv", f"{i:03d}.csv".encode()) for i in range(1000))
    tail = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1000, 1000, len(listed), at, 0)
    return data(written(place / "a.zip", one[:at] + listed + tail))


@hostile("a .csv.gz that is a bomb")
def _(place: Path, canary: Path) -> Words:
    return data(written(place / "a.csv.gz", gzip.compress(bomb(40), 1)))


@hostile("a .tar.gz that is a bomb")
def _(place: Path, canary: Path) -> Words:
    return data(written(place / "a.tar.gz", gzip.compress(bomb(300), 1)))


@hostile("a .zip in a .zip in a .zip")
def _(place: Path, canary: Path) -> Words:
    whole = zipped({"a.csv": TABLE.encode()})
    for _ in range(3):
        whole = zipped({"a.zip": whole})
    return data(written(place / "a.zip", whole))


# text


@hostile("JSON nested without end")
def _(place: Path, canary: Path) -> Words:
    return data(written(place / "a.jsonl", '{"text": ' + "[" * 100_000))


@hostile("a number of a million digits")
def _(place: Path, canary: Path) -> Words:
    return data(written(place / "a.jsonl", '{"text": "a", "label": ' + "9" * 10**6 + "}"))


@hostile("a label that is no number")
def _(place: Path, canary: Path) -> Words:
    return data(written(place / "a.jsonl", '{"text": "a b c", "label": NaN}\n' * 20))


@hostile("a .csv with NUL bytes")
def _(place: Path, canary: Path) -> Words:
    return data(written(place / "a.csv", TABLE.replace("7", "\0")))


@hostile("a .csv with one cell of a million letters")
def _(place: Path, canary: Path) -> Words:
    return data(written(place / "a.csv", TABLE + '"' + "x" * 10**6 + '",1,0\n'))


@hostile("a .csv of infinite numbers")
def _(place: Path, canary: Path) -> Words:
    return data(written(place / "a.csv", TABLE.replace("1,", "1e9999,")))


@hostile("a .ts of infinite numbers")
def _(place: Path, canary: Path) -> Words:
    return data(written(place / "a.ts", "@data\n" + "1e9999,2:a\n1,2:b\n" * 9))


@hostile("an .arff whose names are markup and turn the line")
def _(place: Path, canary: Path) -> Words:
    name = "<script>alert(1)</script>\u202e\x1b]0;x\x07" * 400
    return data(written(place / "a.arff", f"@relation x\n@attribute '{name}' klingon\n@data\n1\n"))


@hostile("a .csv whose names are markup and turn the line")
def _(place: Path, canary: Path) -> Words:
    name = "<script>alert(1)</script>\u202e\x1b[2J" * 400
    return data(written(place / "a.csv", f"{name},{name}\n1,2\n"))


# what is no file


@hostile("a device")
def _(place: Path, canary: Path) -> Words:
    return data(Path("/dev/zero"))


@hostile("a link to a device")
def _(place: Path, canary: Path) -> Words:
    (place / "a.csv").symlink_to("/dev/zero")
    return data(place / "a.csv")


@hostile("a pipe that nobody writes to")
def _(place: Path, canary: Path) -> Words:
    os.mkfifo(place / "a.csv")
    return data(place / "a.csv")


@hostile("pipes and links in place of pictures")
def _(place: Path, canary: Path) -> Words:
    for name in ("a", "b"):
        (place / "pets" / name).mkdir(parents=True)
        os.mkfifo(place / "pets" / name / "1.png")
        (place / "pets" / name / "2.png").symlink_to(place / "pets" / name / "2.png")
        (place / "pets" / name / "round").symlink_to(place / "pets")
    return data(place / "pets")


@hostile("a link that leads to itself")
def _(place: Path, canary: Path) -> Words:
    (place / "a.csv").symlink_to(place / "a.csv")
    return data(place / "a.csv")


# runs


def run_folder(place: Path, **changes: bytes) -> Path:
    folder = sample_runs.bare_run(2, "table").save(place / "run")
    for name, content in changes.items():
        written(folder / name.replace("__", "."), content)
    return folder


def manifest(folder: Path, change: Callable[[Any], None]) -> Path:
    facts = json.loads((folder / "manifest.json").read_text())
    change(facts)
    (folder / "manifest.json").write_text(json.dumps(facts))
    return folder


@hostile("a run whose manifest is nested without end")
def _(place: Path, canary: Path) -> Words:
    return run(run_folder(place, manifest__json=b"[" * 100_000))


@hostile("a run whose files lead out")
def _(place: Path, canary: Path) -> Words:
    def change(facts: Any) -> None:
        facts["written"]["sha256"] = {"../../out": "0" * 64, **facts["written"]["sha256"]}
        facts["samples"] = "../../out.npz"

    return run(manifest(run_folder(place), change))


@hostile("a run of infinite numbers")
def _(place: Path, canary: Path) -> Words:
    return run(
        manifest(
            run_folder(place), lambda facts: facts.update(config=float("inf"), samples=float("nan"))
        )
    )


@hostile("a run whose arrays are a bomb")
def _(place: Path, canary: Path) -> Words:
    folder = run_folder(place)
    name = next(p.stem for p in folder.iterdir() if p.suffix == ".npz")
    held = zipped({"x.npy": bomb(300)}, zipfile.ZIP_DEFLATED)
    return run(run_folder_at(folder, name, held))


def run_folder_at(folder: Path, name: str, content: bytes) -> Path:
    written(folder / f"{name}.npz", content)
    return folder


@hostile("a run whose arrays are a pickle")
def _(place: Path, canary: Path) -> Words:
    folder = run_folder(place)
    name = next(p.stem for p in folder.iterdir() if p.suffix == ".npz")
    out = io.BytesIO()
    np.savez(out, x=np.array([Trap(canary)], dtype=object))
    return run(run_folder_at(folder, name, out.getvalue()))
