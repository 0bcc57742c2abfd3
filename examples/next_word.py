"""Why this word next, and why not that one? A small decoder that looks something up.

Run: python examples/next_word.py
"""

from pathlib import Path

import numpy as np

import xaikit


def main(epochs: int | None = None, n: int = 8, out: str = "reports") -> Path:
    data = xaikit.load_data("lookup")  # "k3 v7 k9 v1 ... ; k9", and v1 follows
    model = xaikit.train("gpt_small", data, epochs=epochs, width=8 if epochs else 64, seed=0)
    print(f"foreseen {model.info['metrics']['test']['accuracy']:.3f}")

    samples = data.test[:n]
    run = xaikit.study(model, samples, "shap,occlusion,random", data=data, overview=n)
    for sample in samples:
        (e,) = xaikit.explain(model, sample, "shap")
        three = sorted(np.argsort(-e.values)[:3])
        print(f"{e.target_names[0]} because of {' '.join(e.names[i] for i in three)}")

    # a rival: the word against another value that stands in the line
    line = samples[0]
    mine = int(model.scores([line.x]).argmax())
    shown = [data.classes.index(w) for w in line.x if w in data.classes]
    other = next(k for k in shown if k != mine)
    (e,) = xaikit.explain(model, line, "shap", target=xaikit.Target(mine, against=other))
    print(
        f"{data.classes[mine]}, not {data.classes[other]}: {e.output:.1f}, by {[name for name, _ in e.top(3)]}"
    )
    return xaikit.write_report(run, Path(out) / "lookup.html")


if __name__ == "__main__":
    print("open", main())
