"""Your own CNN: where does it look when it reads a digit in a cluttered scene?

You see Grad-CAM in a layer that you name, integrated gradients with noise around them, SHAP and a control side by
side, and how much of each map lies inside the box where the digit is, which this data set knows.

Run: python examples/own_cnn.py
"""

from pathlib import Path

import numpy as np
import torch
from torch import nn

import xaikit
from xaikit.data.dataset import Dataset
from xaikit.methods.cam import GradCam
from xaikit.methods.noisy import Noisy


def trained(data: Dataset, epochs: int, n: int) -> nn.Module:
    torch.manual_seed(0)
    net = nn.Sequential(
        *(nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(4)),
        *(nn.Flatten(), nn.Linear(32 * 4 * 4, 10)),
    )
    pictures = torch.tensor(np.stack(data.inputs("train")[:n])).permute(0, 3, 1, 2)
    labels = torch.tensor(data.labels("train")[:n])
    optimiser = torch.optim.Adam(net.parameters(), 3e-3)
    for _ in range(epochs):
        for batch in torch.randperm(len(labels)).split(64):
            optimiser.zero_grad()
            nn.functional.cross_entropy(net(pictures[batch]), labels[batch]).backward()
            optimiser.step()
    return net.eval()


def main(epochs: int = 6, n: int = 16, out: str = "reports") -> Path:
    data = xaikit.load_data("digits")
    net = trained(data, epochs, 400 * n)
    first, names = data.test[0].x, data.classes
    model = xaikit.wrap(net, modality="image", classes=names, id="own-cnn", sample=first)
    around = Noisy(of="integrated_gradients", n_samples=4)
    methods = [GradCam(layer="3"), around, "shap", "random", "magnitude"]
    how = {"budget": 300, "checked": n, "overview": 6 * n}
    run = xaikit.study(model, data.test[:n], methods, data=data, **how)
    for method in run.methods:
        found = [
            (e.values.clip(0), e.segmentation.pool(sample.rationale, "mean") > 0.5)
            for e, sample in zip(run.of(method), run.samples, strict=True)
        ]
        share = sum(v[box].sum() for v, box in found) / max(1e-12, sum(v.sum() for v, _ in found))
        print(f"{method}: {share:.0%} of the evidence lies in the digit's box")
    print(run.findings()[0])
    return xaikit.write_report(run, Path(out) / "own-cnn.html")


if __name__ == "__main__":
    print("page:", main())
