"""What makes a net recommend this item: one thing that was chosen, or two in their order?

Run: python examples/recommend_items.py
"""

from pathlib import Path

import numpy as np

import xaikit
from xaikit.models.baselines import baselines_of


def main(epochs: int | None = None, n: int = 12, out: str = "reports") -> Path:
    data = xaikit.load_data("sessions")
    model = xaikit.train("gru", data, epochs=epochs, width=8 if epochs else 64, seed=0)
    measures = model.info["metrics"]["test"]
    print(f"hit@1 {measures['hit_1']:.3f}, hit@10 {measures['hit_10']:.3f}")
    labels = [s.label for s in data.test]
    for name, scores in baselines_of(data).items():
        print(f"{name}: hit@1 {model.task.measures(scores, labels)['hit_1']:.3f}")

    samples = data.test[:n]
    run = xaikit.study(model, samples, "shap,occlusion,random", data=data, overview=n)
    for sample in samples:
        (e,) = xaikit.explain(model, sample, "shap")
        two = sorted(np.argsort(-e.values)[:2])
        print(f"{e.target_names[0]}, because of {' and '.join(e.names[i] for i in two)}")

    turned = xaikit.Sample(
        "turned", samples[0].x[::-1], "text"
    )  # the same items the other way round
    before, after = model.scores([samples[0].x, turned.x]).argmax(axis=1)
    print(f"{data.classes[before]}; the other way round {data.classes[after]}")
    return xaikit.write_report(run, Path(out) / "sessions.html")


if __name__ == "__main__":
    print("open", main())
