"""Which sensor is broken? The one that is not given again best need not be the one.

Run: python examples/anomaly_column.py
"""

from pathlib import Path

import numpy as np

import xaikit


def main(epochs: int | None = None, n: int = 16, out: str = "reports") -> Path:
    data = xaikit.load_data("factors")  # normal rows to learn from; labels 1 for anomalies
    model = xaikit.train("autoencoder", data, epochs=epochs, middle=3, seed=0)
    print(f"AUROC of the score {model.info['metrics']['test']['auroc']:.3f}")

    odd = [s for s in data.test if s.label][: 10 * n]
    broken = np.array([np.flatnonzero(s.rationale)[0] for s in odd])
    shares = xaikit.explain(model, odd, "shap").values  # of the score, against the nearest rows
    median = xaikit.explain(model, odd, "shap", masker="median").values
    errors = model.scores([s.x for s in odd])[:, 1:]
    told = {
        "the nearest normal rows": shares,
        "the median row": median,
        "its own error": errors,
    }
    for name, values in told.items():
        print(f"the broken sensor comes first by {name}: {(values.argmax(1) == broken).mean():.0%}")

    (e,) = xaikit.explain(model, odd[0], "shap", target="error of sensor A")
    print(
        f"{e.target_names[0]} is {e.output:.2f}, mostly by {', '.join(name for name, _ in e.top(2))}"
    )
    run = xaikit.study(
        model, odd[:n], "shap,occlusion,random", data=data, overview=n, errors=0, flips=None
    )
    return xaikit.write_report(run, Path(out) / "factors.html")


if __name__ == "__main__":
    print("open", main())
