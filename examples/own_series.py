"""Your own series and net: which stretch of a signal carries its class?

The signals hide a tone, and the data set knows where. You see the shaded signals, and how much of each method's
evidence lies on the tone; windows that overlap smooth what occlusion says.

Run: python examples/own_series.py
"""

from pathlib import Path

import numpy as np
import torch
from torch import nn

import xaikit
from xaikit.data.dataset import Dataset
from xaikit.methods.removal import Occlusion


def trained(data: Dataset, epochs: int, n: int) -> nn.Module:
    torch.manual_seed(0)
    net = nn.Sequential(
        *(nn.Conv1d(1, 24, 9, padding=4), nn.ReLU(), nn.MaxPool1d(2)),
        *(nn.Conv1d(24, 32, 9, padding=4), nn.ReLU(), nn.AdaptiveAvgPool1d(8)),
        *(nn.Flatten(), nn.Linear(32 * 8, len(data.classes))),
    )
    signals = torch.tensor(np.stack(data.inputs("train")[:n])).transpose(1, 2)
    labels = torch.tensor(data.labels("train")[:n])
    optimiser = torch.optim.Adam(net.parameters(), 3e-3)
    for _ in range(epochs):
        for batch in torch.randperm(len(labels)).split(32):
            optimiser.zero_grad()
            nn.functional.cross_entropy(net(signals[batch]), labels[batch]).backward()
            optimiser.step()
    return net.eval()


def main(epochs: int = 30, n: int = 16, out: str = "reports") -> Path:
    data = xaikit.load_data("waves")
    model = xaikit.wrap(
        trained(data, epochs, 200 * n), modality="series", layout="BCL", classes=data.classes, id="own-series",
        sample=data.test[0].x, background=np.stack(data.inputs("train")[:100]),
    )  # fmt: skip
    methods = ["gradcam", "shap", Occlusion(window=8, stride=4), "random", "magnitude"]
    run = xaikit.study(model, data.test[:n], methods, data=data, budget=300, overview=6 * n)
    for method in run.methods:
        found = [
            (e.values.clip(0), e.segmentation.pool(sample.rationale, "mean") > 0.5)
            for e, sample in zip(run.of(method), run.samples, strict=True)
        ]
        share = sum(v[tone].sum() for v, tone in found) / max(1e-12, sum(v.sum() for v, _ in found))
        print(f"{method}: {share:.0%} of the evidence lies on the tone")
    print(run.findings()[0])
    return xaikit.write_report(run, Path(out) / "own-series.html")


if __name__ == "__main__":
    print("page:", main())
