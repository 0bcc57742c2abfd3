"""Where does a CNN look when it reads a digit in a cluttered scene?

Run: python examples/image_digits.py
"""

from pathlib import Path

import xaikit


def main(epochs: int | None = None, n: int = 4, out: str = "reports") -> Path:
    data = xaikit.load_data("digits")
    model = xaikit.train("lenet", data, epochs=epochs, seed=0)
    print(f"test accuracy {model.info['metrics']['test']['accuracy']:.3f}")

    methods = [
        "gradcam",
        "integrated_gradients",
        "shap",
        "lime",
        "occlusion",
        "random",
        "magnitude",
    ]
    run = xaikit.study(model, data.test[:n], methods=methods, data=data, seed=0, progress=True)
    for explanation in run.of("shap"):
        print(explanation.sample_id, explanation.top(3), f"residual {explanation.residual:+.2g}")

    figure = run.of("gradcam")[0].plot()
    figure.savefig(Path(out) / "digits-gradcam.png")
    return xaikit.write_report(run, Path(out) / "digits.html")


if __name__ == "__main__":
    print("open", main())
