"""Models in .onnx files: the very scores of the graph, in the layout that it reads, or a sentence."""

from __future__ import annotations

import json
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto as T
from onnx import helper, numpy_helper
from typer.testing import CliRunner

import xaikit
from xaikit.core.errors import InvalidInput, ModelError, NotApplicable
from xaikit.models.onnx import Graph

W = np.array([[1.0, -1.0], [-2.0, 2.0], [3.0, 0.5]], dtype=np.float32)
ROWS = np.random.default_rng(0).normal(size=(40, 3))


def saved(path, nodes, inputs, outputs, **constants):
    """A graph of those nodes; inputs and outputs by name: (type, shape)."""
    values = [
        [helper.make_tensor_value_info(n, *v) for n, v in d.items()] for d in (inputs, outputs)
    ]
    held = [numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items()]
    graph = helper.make_graph(nodes, "g", *values, held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)
    return path


def table(path, rows="B", kind=T.FLOAT):
    """(rows, 3) @ W"""
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    w = W.astype(helper.tensor_dtype_to_np_dtype(kind))
    return saved(path, nodes, {"x": (kind, [rows, 3])}, {"y": (kind, [rows, 2])}, w=w)


def picture(path, shape):
    """The sum over each half of the rows, of pictures in that layout."""
    nodes = [
        helper.make_node("Mul", ["x", "w"], ["p"]),
        helper.make_node("ReduceSum", ["p", "axes"], ["y"], keepdims=0),
        helper.make_node("Unsqueeze", ["y", "last"], ["z"]),
    ]
    w = np.zeros(shape[1:], dtype=np.float32)
    w[(slice(None), slice(0, 2)) if shape[1] == 3 else slice(0, 2)] = 1.0
    return saved(
        path, nodes, {"x": (T.FLOAT, shape)}, {"z": (T.FLOAT, ["B", 1])},
        w=w, axes=np.array([1, 2, 3]), last=np.array([1]),
    )  # fmt: skip


def load(path, **facts):
    return xaikit.load_model(path, modality="table", background=ROWS[:10], **facts)


@pytest.mark.parametrize("kind", [T.FLOAT, T.DOUBLE, T.FLOAT16])
def test_scores_are_those_of_the_graph(tmp_path, kind) -> None:
    model = load(table(tmp_path / "m.onnx", kind=kind), classes=["a", "b"], outputs="logits")
    atol = 1e-2 if kind == T.FLOAT16 else 1e-5
    np.testing.assert_allclose(model.scores(ROWS), ROWS @ W, atol=atol)
    assert (model.id, model.info["family"], model.info["output"]) == ("m", "onnx", "y")


def test_methods_that_remove_apply_and_the_others_refuse(tmp_path) -> None:
    model = load(table(tmp_path / "m.onnx"), names=["first", "second"], outputs="values")
    found = xaikit.explain(model, ROWS[20], "shap", target="first")
    np.testing.assert_allclose(found.values[0], W[:, 0] * (ROWS[20] - ROWS[:10].mean(0)), atol=1e-5)
    with pytest.raises(NotApplicable, match="saliency needs gradients and 'm' has none; try shap"):
        xaikit.explain(model, ROWS[20], "saliency")
    middle = float(model.scores(ROWS[:10])[:, 0].mean())
    row = xaikit.Sample("s", ROWS[20], "table")
    assert xaikit.counterfactual(model, row, wanted=middle, output="first").verified


@pytest.mark.parametrize("rows", [1, 4])
def test_a_fixed_number_of_rows_is_filled_up(tmp_path, rows) -> None:
    model = load(table(tmp_path / "m.onnx", rows=rows), names=["a", "b"], outputs="values")
    np.testing.assert_allclose(model.scores(ROWS[:7]), ROWS[:7] @ W, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        (["B", 3, 4, 5], None),
        (["B", 4, 5, 3], None),
        (["B", 3, 4, 5], "BCHW"),
        (["B", 4, 5, 3], "BHWC"),
    ],
)
def test_pictures_are_read_in_the_layout_of_the_graph(tmp_path, shape, layout) -> None:
    x = np.random.default_rng(1).random((6, 4, 5, 3)).astype(np.float32)
    path = picture(tmp_path / "p.onnx", shape)
    model = xaikit.load_model(
        path, modality="image", background=x[:2], layout=layout, mean=[0.5] * 3, std=[0.5] * 3
    )
    wanted = ((x[:, :2] - 0.5) / 0.5).sum((1, 2, 3))
    np.testing.assert_allclose(model.scores(x)[:, 0], wanted, rtol=1e-5)


def test_a_table_of_probabilities_by_label_is_read(tmp_path) -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["s"]),
        helper.make_node("Softmax", ["s"], ["p"], axis=1),
        helper.make_node("ArgMax", ["p"], ["label"], axis=1, keepdims=0),
    ]
    out = {"label": (T.INT64, ["B"]), "p": (T.FLOAT, ["B", 2])}
    path = saved(tmp_path / "c.onnx", nodes, {"x": (T.FLOAT, ["B", 3])}, out, w=W)
    model = load(path, classes=["no", "yes"])
    assert model.info["output"] == "p"
    odds = (ROWS @ W)[:, 1] - (ROWS @ W)[:, 0]
    scores = model.scores(ROWS)
    np.testing.assert_allclose(scores[:, 1] - scores[:, 0], odds, atol=1e-4)


def test_what_cannot_be_read_is_one_sentence(tmp_path, monkeypatch) -> None:
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"\x08\x07not a graph" * 50)
    with pytest.raises(ModelError, match="is no graph that onnxruntime reads"):
        load(bad)
    with pytest.raises(
        ModelError, match="there is no file '.*no.onnx'; give the path of an .onnx file."
    ):
        load(tmp_path / "no.onnx")
    path = table(tmp_path / "m.onnx")
    with pytest.raises(
        InvalidInput, match="does not say what it reads; give modality=, one of image"
    ):
        xaikit.load_model(path)
    with pytest.raises(
        InvalidInput, match="reads numbers and text is words; wrap a function of texts"
    ):
        xaikit.load_model(path, modality="text")
    with pytest.raises(InvalidInput, match="layout is 'BCHW'; leave it out."):
        load(path, layout="BCHW")
    with pytest.raises(
        ModelError, match=r"has the outputs 'y' tensor\(float\) and 'z' is none that holds"
    ):
        load(path, output="z")
    with pytest.raises(
        ModelError, match=r"fails on inputs of shape \(1, 4\) .*it reads \['B', 3\]"
    ):
        Graph(path, "table")(np.zeros((1, 4)))
    nodes = [helper.make_node("Add", ["a", "b"], ["y"])]
    two = {"a": (T.FLOAT, ["B", 3]), "b": (T.FLOAT, ["B", 3])}
    path = saved(tmp_path / "two.onnx", nodes, two, {"y": (T.FLOAT, ["B", 3])})
    with pytest.raises(
        ModelError, match=r"has the inputs 'a' tensor\(float\), 'b' tensor\(float\) and one"
    ):
        load(path)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ModelError, match=r"which is not installed; pip install 'xaikit\[onnx\]'"):
        load(table(tmp_path / "m.onnx"))


def test_data_outside_the_folder_is_not_read(tmp_path) -> None:
    (tmp_path / "secret").write_bytes(np.zeros(6, dtype=np.float32).tobytes())
    inner = tmp_path / "model"
    inner.mkdir()
    path = table(inner / "m.onnx")
    model = onnx.load(path)
    (w,) = model.graph.initializer
    w.ClearField("raw_data")
    w.data_location = T.EXTERNAL
    w.external_data.add(key="location", value="../secret")
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match="is no graph that onnxruntime reads"):
        load(path)


def test_facts_of_a_folder_are_its_own(tmp_path) -> None:
    with pytest.raises(InvalidInput, match="modality is told of .onnx files and '.*' is a folder"):
        xaikit.load_model(tmp_path, modality="table")


def test_the_command_line_explains_a_graph(tmp_path, monkeypatch) -> None:
    from xaikit.app.cli import app

    monkeypatch.chdir(tmp_path)
    w = np.random.default_rng(0).normal(size=(13, 3)).astype(np.float32)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["s"]),
        helper.make_node("Softmax", ["s"], ["p"], axis=1),
    ]
    saved(
        tmp_path / "net.onnx",
        nodes,
        {"x": (T.FLOAT, ["B", 13])},
        {"p": (T.FLOAT, ["B", 3])},
        w=w / 100,
    )
    words = [
        "explain",
        "net.onnx",
        "-d",
        "wine",
        "-n",
        "2",
        "-m",
        "shap,random",
        "--metrics",
        "fast",
        "--json",
    ]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert {e["method"] for e in json.loads(done.stdout)["explanations"]} == {"shap", "random"}


def test_a_series_of_one_channel_goes_into_a_graph_of_rows(tmp_path) -> None:
    """As of sounds and of bytes: samples (L, 1), a graph that reads (B, L)."""
    path = table(tmp_path / "bytes.onnx")
    x = np.array([[3.0], [1.0], [2.0]])
    model = xaikit.load(path, modality="series", sample=x, id="bytes", outputs="values")
    np.testing.assert_allclose(model.scores([x]), x.T @ W)
    found = xaikit.explain(model, x, "shap", masker=np.zeros((3, 1)), target=1)[0]
    np.testing.assert_allclose(found.values, [-3.0, 2.0, 1.0], atol=1e-6)
