"""Which numbers of its code make a generator draw a digit bright, slanted or wide?

Run: python examples/draw_digits.py
"""

from pathlib import Path

import numpy as np

import xaikit
from xaikit.tasks import PROPERTIES


@PROPERTIES.register("ink in the middle")
def middle(pictures):
    """Any function of pictures (B, C, H, W), tensors here, that gives a number each."""
    rows, columns = pictures.shape[2:]
    third = pictures[..., rows // 3 : 2 * rows // 3, columns // 3 : 2 * columns // 3]
    return third.mean((1, 2, 3))


def main(epochs: int | None = None, n: int = 12, out: str = "reports") -> Path:
    data = xaikit.load_data("handwriting")  # random codes; the pictures to learn are data.real
    model = xaikit.train("dcgan", data, epochs=epochs, width=8 if epochs else 32, seed=0)
    measures = model.info["metrics"]["test"]
    print(
        f"Frechet distance {measures['frechet']:.1f}, real pictures {measures['frechet_real']:.1f}"
    )
    print(f"the rarest class is {measures['rarest']:.1%} of what is made")

    samples = data.test[:n]
    for name in data.outputs:
        (e,) = xaikit.explain(model, samples[0], "shap", target=name)
        two = np.argsort(-np.abs(e.values))[:2]
        print(f"{name} {e.output:.3f}, by {' and '.join(e.names[i] for i in two)}")

    own = xaikit.wrap(
        model.net, modality="table", task="generation", names=["ink in the middle"],
        background=model.background,
    )  # fmt: skip
    print(xaikit.explain(own, samples[0], "shap")[0].top(2))

    picture = data.real.test[0]
    critic = xaikit.wrap(
        model.net.critic, modality="image", classes=["made", "real"], outputs="logits",
        sample=picture.x,
    )  # fmt: skip
    (e,) = xaikit.explain(critic, picture, "shap", target="real", features="patches:7")
    print(f"the critic takes a real digit for real with {e.output:+.2f}, by {e.top(1)}")

    run = xaikit.study(model, samples, "shap,occlusion,random", data=data, overview=n)
    return xaikit.write_report(run, Path(out) / "digits-made.html")


if __name__ == "__main__":
    print("open", main())
