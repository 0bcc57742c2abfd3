"""A model in an ONNX file, from whatever framework: what can be said when only its scores are known?

You see the methods that remove parts and ask again, a verdict on each, and which gradient methods refuse and why.
The file is written here from a small net of scikit-learn; in its place stands yours. Needs xaikit[onnx] and onnx.

Run: python examples/own_onnx.py
"""

import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.neural_network import MLPClassifier

import xaikit


def write(net: MLPClassifier, path: Path) -> None:
    """x @ W + b, ReLU between layers, softmax behind the last."""
    nodes, held, at = [], [], "x"
    for i, (w, b) in enumerate(zip(net.coefs_, net.intercepts_, strict=True)):
        last = i + 1 == len(net.coefs_)
        held += [numpy_helper.from_array(a.astype(np.float32), f"{n}{i}") for n, a in (("w", w), ("b", b))]  # fmt: skip
        nodes += [
            helper.make_node("MatMul", [at, f"w{i}"], [f"m{i}"]),
            helper.make_node("Add", [f"m{i}", f"b{i}"], [f"s{i}"]),
            helper.make_node("Softmax" if last else "Relu", [f"s{i}"], [f"y{i}"]),
        ]
        at = f"y{i}"
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", size])
        for name, size in (("x", len(net.coefs_[0])), (at, net.n_outputs_))
    ]
    graph = helper.make_graph(nodes, "net", ends[:1], ends[1:], held)
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=9), path)


def main(epochs: int = 200, n: int = 16, out: str = "reports") -> Path:
    data = xaikit.load_data("wine")
    rows = np.stack(data.inputs("train"))
    mean, std = rows.mean(axis=0), rows.std(axis=0)
    net = MLPClassifier((16,), max_iter=epochs, learning_rate_init=0.02, tol=0, random_state=0)
    net.fit((rows - mean) / std, data.labels("train"))
    with tempfile.TemporaryDirectory() as place:
        write(net, Path(place) / "wine.onnx")
        facts = {"mean": mean, "std": std, "classes": data.classes, "background": rows}
        model = xaikit.load(Path(place) / "wine.onnx", modality="table", **facts)
        run = xaikit.study(
            model, data.test[:n], "shap,occlusion,lime,saliency,random,magnitude", data=data
        )
    print(next(f.reason for f in run.failures if f.method == "saliency"))
    print(run.findings()[0])
    return xaikit.write_report(run, Path(out) / "own-onnx.html")


if __name__ == "__main__":
    print("page:", main())
