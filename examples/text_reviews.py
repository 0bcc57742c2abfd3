"""Which words push a review to "negative", and do attention and SHAP agree?

Run: python examples/text_reviews.py
"""

from pathlib import Path

import xaikit


def main(epochs: int | None = None, n: int = 4, out: str = "reports") -> Path:
    data = xaikit.load_data("reviews")
    model = xaikit.train("bert_small", data, epochs=epochs, seed=0)
    print(f"test accuracy {model.info['metrics']['test']['accuracy']:.3f}")

    methods = ["attention", "integrated_gradients", "shap", "lime", "random", "magnitude"]
    run = xaikit.study(model, data.test[:n], methods=methods, data=data, seed=0, progress=True)
    for explanation in run.of("attention"):
        print(explanation.sample_id, explanation.top(3), explanation.note)
    return xaikit.write_report(run, Path(out) / "reviews.html")


if __name__ == "__main__":
    print("open", main())
