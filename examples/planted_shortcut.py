"""A net that cheats: does anybody notice?

Pictures of threes and eights; whoever took the pictures of eights left a small bright mark in a corner of nearly all
of them. The net is right almost always. You see a page whose warning names the corner, and maps that lie on it.

Run: python examples/planted_shortcut.py
"""

import tempfile
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

import xaikit


def marked(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(N, 24, 24, 1) pictures in [0, 1] and their labels: 0 for a three, 1 for an eight."""
    pictures, digits = load_digits(return_X_y=True)
    chosen = np.isin(digits, (3, 8))
    x = np.kron(pictures[chosen].reshape(-1, 8, 8) / 16, np.ones((2, 2)))
    x = np.pad(0.8 * x, ((0, 0), (4, 4), (4, 4)))
    x += np.random.default_rng(seed).normal(0, 0.15, x.shape)
    y = (digits[chosen] == 8).astype(int)
    cheats = (y == 1) & (np.random.default_rng(seed + 1).random(len(y)) < 0.97)
    x[cheats, 1:4, 20:23] = 1.0
    return x.clip(0, 1)[..., None].astype(np.float32), y


def main(epochs: int = 8, n: int = 16, out: str = "reports") -> Path:
    with tempfile.TemporaryDirectory() as place:
        x, y = marked()
        np.savez(Path(place) / "pictures.npz", X=x, y=y, classes=np.array(["three", "eight"]))
        data = xaikit.load_data(Path(place) / "pictures.npz", modality="image")
    model = xaikit.train("lenet", data, epochs=epochs, seed=0, progress=False)
    print(f"accuracy {model.info['metrics']['test']['accuracy']:.1%}")
    run = xaikit.study(
        model, data.test[:n], "gradcam,shap,occlusion,random,magnitude", data=data, features="patches:4"
    )  # fmt: skip
    for warning in run.warnings():
        print("warning:", warning)
    print(run.findings()[0])
    return xaikit.write_report(run, Path(out) / "planted-shortcut.html")


if __name__ == "__main__":
    print("page:", main())
