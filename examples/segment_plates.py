"""What makes a net call these pixels a defect: the region, or something far from it?

Run: python examples/segment_plates.py
"""

from pathlib import Path

import numpy as np

import xaikit


def main(epochs: int | None = None, n: int = 6, out: str = "reports") -> Path:
    data = xaikit.load_data("plates")
    model = xaikit.train("unet", data, epochs=epochs, width=4 if epochs else 8, seed=0)
    print(model.info["metrics"]["test"])

    samples = [s for s in data.test if s.label.any()][:n]
    run = xaikit.study(model, samples, "shap,gradcam,occlusion,random", data=data, overview=n)
    for sample in samples:
        (e,) = xaikit.explain(model, sample, "shap")
        region = model.about(sample.x).found.at[e.target.index]
        near = e.segmentation.pool(region.astype(float), "sum") > 0
        share = e.values.clip(0)[near].sum() / max(e.values.clip(0).sum(), 1e-12)
        print(f"{sample.id}: {e.target_names[0]}, {share:.0%} of the evidence touches its region")

    drawn = np.zeros((64, 64), dtype=bool)  # a region of one's own: how sure is it there?
    drawn[24:40, 24:40] = True
    (e,) = xaikit.explain(model, samples[0], "shap", at=drawn, target="hole")
    print(f"log-odds of a hole in the middle: {e.output:.2f}")
    return xaikit.write_report(run, Path(out) / "plates.html")


if __name__ == "__main__":
    print("open", main())
