"""Models that others trained, as they come in packages: the code of docs/own-models.md, and what is known of each answer.

Each is skipped where its package is not installed; a small graph of the same kind stands in `test_models_onnx.py`.
"""

from __future__ import annotations

import re
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
RECORDINGS = ROOT.parent / "shared" / "data" / "audio_fsdd" / "fsdd_wav.zip"


def values(known: dict[str, Any], method: str = "shap") -> np.ndarray:
    """(samples, features)"""
    return np.stack([e.values for e in known["run"].of(method)])


def pitch(known: dict[str, Any]) -> None:
    heard = [float(e.target_names[0].split()[0]) for e in known["run"].of("shap")]
    assert np.abs(np.array(heard) / known["tones"] - 1).max() < 0.03
    shares = np.abs(values(known))
    assert shares[:, 9:].sum(axis=1).max() < 0.05 * shares.sum(axis=1).min()  # the silence


def voice(known: dict[str, Any]) -> None:
    theo, jackson, mixed, _ = np.split(np.array([e.output for e in known["run"].of("shap")]), 4)
    assert theo.min() > jackson.max()
    assert theo.mean() > mixed.mean() > jackson.mean()
    found = values(known)
    assert np.abs(found[12:, 10:]).max() < 0.01  # the silent half
    assert found[:12, :].sum(axis=1).min() > 0.1  # beside silence any voice is like a voice


def face(known: dict[str, Any]) -> None:
    says = known["run"].predictions[:, 1]
    assert says[:12].min() > 0.9
    assert says[12:].max() < 0.1
    top = values(known)[:12].argmax(axis=1)
    within = (np.isin(top // 8, range(2, 7))) & np.isin(top % 8, range(2, 6))
    assert within.sum() >= 9  # eyes, nose and mouth


def speech(known: dict[str, Any]) -> None:
    outputs = np.array([e.output for e in known["run"].of("shap")])
    assert outputs[:10].min() > 0.2
    assert outputs[10:].max() < 0.1  # noise and a tone are no speech
    found = values(known)
    loud = np.abs(known["sounds"][..., 0]).reshape(12, 16, -1).max(axis=2) > 0
    assert np.abs(found[:10][~loud[:10]]).max() < 0.02
    assert (found[:10].argmax(axis=1) >= 4).all()


def direction(known: dict[str, Any]) -> None:
    assert (known["run"].predictions.argmax(axis=1) == np.tile([0, 1], 6)).all()
    blank = [
        e.segmentation.pool((s.x < 0.999).any(axis=2).astype(float), "sum") == 0
        for e, s in zip(known["run"].of("occlusion"), known["run"].samples, strict=True)
    ]
    for explanation, paper in zip(known["run"].of("occlusion"), blank, strict=True):
        assert np.abs(explanation.values[paper]).max() < 1e-6
        assert np.abs(explanation.values).max() > 1e-3


def kind(known: dict[str, Any]) -> None:
    said = [e.target_names[0] for e in known["run"].of("shap")]
    assert said == ["png", "python", "html", "npz"]
    picture = np.abs(values(known)[0])
    assert {int(i) for i in picture.argsort()[-2:]} & {0, 22}  # its first bytes, or its last


@dataclass(frozen=True)
class Published:
    """A part of the document: the package that it needs, and what is known about its answer."""

    package: str
    known: Callable[[dict[str, Any]], None]
    hears: bool = False


ALL = (
    Published("torchcrepe", pitch),
    Published("resemblyzer", voice, hears=True),
    Published("facenet_pytorch", face),
    Published("silero_vad", speech, hears=True),
    Published("rapidocr_onnxruntime", direction),
    Published("magika", kind),
)


def parts() -> list[str]:
    page = (ROOT / "docs" / "own-models.md").read_text(encoding="utf-8")
    return re.findall(r"```py\n(.*?)```", page, flags=re.S)


def stand_in(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Modules that the nets never use, where they are missing or do not fit this torch."""
    for name in names:
        module = ModuleType(name)
        monkeypatch.setitem(sys.modules, name, module)
        parent, _, own = name.rpartition(".")
        if parent:
            monkeypatch.setattr(import_module(parent), own, module, raising=False)


def test_each_part_of_the_document_is_tried() -> None:
    assert [re.search(r"reports/([\w-]+)\.html", code)[1] for code in parts()] == [
        "torchcrepe", "resemblyzer", "facenet", "silero-vad", "rapidocr-direction", "magika",
    ]  # fmt: skip
    for code in parts():
        compile(code, "own-models.md", "exec")


@pytest.mark.filterwarnings("ignore")  # of the packages
@pytest.mark.parametrize(("i", "case"), list(enumerate(ALL)), ids=[c.known.__name__ for c in ALL])
def test_a_model_that_others_trained(i, case, tmp_path, monkeypatch) -> None:
    if find_spec(case.package) is None or (case.hears and not RECORDINGS.exists()):
        pytest.skip(f"{case.package} is not installed, or the recordings are not there")
    monkeypatch.chdir(tmp_path)
    if case.hears:
        zipfile.ZipFile(RECORDINGS).extractall(tmp_path / "recordings")
    boxes = ("torchvision.ops", "torchvision.ops.boxes")
    moves = ("torchvision.transforms", "torchvision.transforms.functional")
    stand_in(monkeypatch, "torchaudio", "torchvision", *moves, *boxes, "scipy.ndimage.morphology")
    sys.modules["torchvision.ops.boxes"].batched_nms = None
    sys.modules["scipy.ndimage.morphology"].binary_dilation = None
    known: dict[str, Any] = {}
    exec(compile(parts()[i], "own-models.md", "exec"), known)  # noqa: S102 - the document's own code
    assert not [f for f in known["run"].failures if f.kind == "error"]
    (page,) = (tmp_path / "reports").glob("*.html")
    assert "<h1" in page.read_text(encoding="utf-8")
    case.known(known)
