"""Why did my detector see that object there? Any function that gives boxes, scores and classes.

Run: python examples/detect_own.py
"""

from pathlib import Path

import numpy as np
from scipy.ndimage import find_objects, label, zoom
from sklearn.linear_model import LogisticRegression

import xaikit


def boxes_of(x):
    """Left, top, right and bottom of the bright spots that are large enough for a digit."""
    spots = find_objects(label(x[..., 0] > 0.25, np.ones((3, 3)))[0])
    found = [[c.start, r.start, c.stop, r.stop] for r, c in spots]
    return np.array([b for b in found if b[3] - b[1] > 10], dtype=float).reshape(-1, 4)


def crop(x, box):
    """(64,) the inside of a box as 8 x 8 px."""
    x0, y0, x1, y1 = np.round(box).astype(int)
    return zoom(x[y0:y1, x0:x1, 0], (8 / (y1 - y0), 8 / (x1 - x0)), order=1).ravel()


def main(epochs: int | None = None, n: int = 6, out: str = "reports") -> Path:
    del epochs  # nothing is trained in epochs
    data = xaikit.load_data("scenes")
    known = [(crop(s.x, b[1:]), b[0]) for s in data.train[:500] for b in s.label]
    names = LogisticRegression(max_iter=300).fit(*map(np.array, zip(*known, strict=True)))

    def detect(pictures):
        found = []
        for x in pictures:
            boxes = boxes_of(x)
            if not len(boxes):
                found.append((boxes, np.zeros(0), np.zeros(0)))
                continue
            p = names.predict_proba([crop(x, box) for box in boxes])
            found.append((boxes, p.max(axis=1), p.argmax(axis=1)))
        return found

    model = xaikit.wrap(
        detect, modality="image", task="detection", classes=data.classes, sample=data.test[0].x
    )
    run = xaikit.study(model, data.test[:n], "occlusion,lime,random", data=data, overview=n, seed=0)
    print(run.context["model"]["quality"])
    best = model.about(data.test[0].x).found.boxes[0]  # class, box, probability
    (e,) = xaikit.explain(model, data.test[0], "occlusion", target=int(best[0]))
    print(f"'{data.classes[int(best[0])]}' at {best[1:5]}: {e.output:.2f}, most by {e.top(1)}")
    return xaikit.write_report(run, Path(out) / "detected.html")


if __name__ == "__main__":
    print("open", main())
