"""Which moments of the past make this forecast, and does a channel count that only goes along?

Run: python examples/forecast_lags.py
"""

from pathlib import Path

import numpy as np

import xaikit
from xaikit.models.baselines import baselines_of


def main(epochs: int | None = None, n: int = 8, out: str = "reports") -> Path:
    data = xaikit.load_data("lags")  # of one's own: load_data("file.csv", horizon=24, lags=96)
    model = xaikit.train("mixer_1d", data, epochs=epochs, seed=0)
    print(f"R² {model.info['metrics']['test']['r2']:.3f}")
    labels = [s.label for s in data.test]
    for name, scores in baselines_of(data).items():
        print(f"{name}: R² {model.task.measures(scores, labels)['r2']:.3f}")

    samples = data.test[:n]
    run = xaikit.study(model, samples, "shap,occlusion,random", data=data, overview=n, flips=None)
    for sample in samples:
        (e,) = xaikit.explain(model, sample, "shap", seed=0)  # of the last step
        print(
            f"{e.target_names[0]} is {e.output:.2f}, mostly by {', '.join(name for name, _ in e.top(2))}"
        )

    # the share of a mean is the mean of the shares
    steps = [xaikit.explain(model, samples[0], "shap", target=f"y +{h}")[0] for h in range(1, 7)]
    (mean,) = xaikit.explain(model, samples[0], "shap", target="y mean")
    apart = np.abs(mean.values - np.mean([e.values for e in steps], axis=0)).max()
    print(f"the mean of all steps, by its steps: {apart:.1e} apart")
    return xaikit.write_report(run, Path(out) / "lags.html")


if __name__ == "__main__":
    print("open", main())
