"""Which stretch of a signal carries its class, and do the methods find the planted motif?

Run: python examples/series_waves.py
"""

from pathlib import Path

import numpy as np

import xaikit


def main(epochs: int | None = None, n: int = 4, out: str = "reports") -> Path:
    data = xaikit.load_data("waves")
    model = xaikit.train("fcn_1d", data, epochs=epochs, seed=0)

    run = xaikit.study(model, data.test[:n], data=data, seed=0, progress=True)
    for method in run.methods:
        inside = [
            explanation.values.clip(0)[
                explanation.segmentation.pool(sample.rationale, "mean") > 0.5
            ]
            for explanation, sample in zip(run.of(method), run.samples, strict=True)
        ]
        total = sum(e.values.clip(0).sum() for e in run.of(method))
        share = sum(np.sum(part) for part in inside) / max(total, 1e-12)
        print(f"{method}: {share:.0%} of the evidence lies on the motif")
    return xaikit.write_report(run, Path(out) / "waves.html")


if __name__ == "__main__":
    print("open", main())
