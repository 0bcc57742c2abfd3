"""Boxes: overlaps and precision worked by hand, numbers read at what was found, own detectors."""

from __future__ import annotations

import dataclasses
import itertools
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import expit

import xaikit
from xaikit.core.errors import DataError, InvalidInput
from xaikit.core.types import Sample
from xaikit.data.objects import make_scenes
from xaikit.models.objectives import _objects
from xaikit.study.plan import Plan, make_question
from xaikit.study.run import Run
from xaikit.study.study import study
from xaikit.tasks import Detection
from xaikit.tasks.boxes import ap_of, hits, iou, mean_ap, without_doubles

CLASSES = ("cat", "dog")
TASK = Detection(CLASSES)


def by_pixels(a, b) -> float:
    """The overlap of two boxes of whole pixels, counted."""
    covers = [
        {(x, y) for x in range(box[0], box[2]) for y in range(box[1], box[3])} for box in (a, b)
    ]
    return len(covers[0] & covers[1]) / len(covers[0] | covers[1])


def test_overlap_is_what_pixels_count() -> None:
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 6, (40, 2))
    boxes = np.concatenate([corners, corners + rng.integers(1, 6, (40, 2))], axis=1)
    found = iou(boxes[:, None].astype(float), boxes.astype(float))
    for (i, a), (j, b) in itertools.product(enumerate(boxes.tolist()), repeat=2):
        assert found[i, j] == pytest.approx(by_pixels(a, b))
    torched = iou(torch.tensor(boxes[:, None]).double(), torch.tensor(boxes).double())
    np.testing.assert_allclose(torched, found)


def test_doubles_of_a_class_go() -> None:
    boxes = np.array(
        [
            [0, 0, 0, 10, 10, 0.6],
            [0, 1, 0, 11, 10, 0.9],
            [1, 0, 0, 10, 10, 0.5],
            [0, 20, 0, 30, 10, 0.4],
        ]
    )
    assert without_doubles(boxes)[:, 5].tolist() == [0.9, 0.5, 0.4]


def test_a_true_box_is_found_once_and_by_its_class() -> None:
    truth = np.array([[0, 0, 0, 10, 10], [1, 20, 0, 30, 10]], dtype=float)
    found = np.array(
        [
            [0, 0, 0, 10, 9, 0.9],
            [0, 0, 0, 10, 10, 0.8],
            [0, 20, 0, 30, 10, 0.7],
            [1, 20, 0, 30, 4, 0.6],
        ]
    )
    assert hits(found, truth, 0.5).tolist() == [True, False, False, False]
    assert hits(found, truth, 0.4).tolist() == [True, False, False, True]
    assert hits(found, np.zeros((0, 5)), 0.5).tolist() == [False] * 4


def test_average_precision_by_hand() -> None:
    # hits 1 0 1 of 3 true ones: precisions 1, 1/2, 2/3; the largest at recall 2/3 or more is 2/3
    right = np.array([True, False, True])
    assert ap_of(np.array([0.9, 0.8, 0.7]), right, 3) == pytest.approx((1 + 2 / 3) / 3)
    # precision rises again: 0/1, 1/2, 2/3, the envelope is 2/3 from the first hit on
    assert ap_of(np.array([0.9, 0.8, 0.7]), ~right | [False, False, True], 2) == pytest.approx(
        2 / 3
    )
    assert np.isnan(ap_of(np.zeros(0), np.zeros(0, bool), 0))
    # a picture drawn twice counts twice
    twice = ap_of(np.array([0.9, 0.9, 0.8]), np.array([True, True, False]), 3)
    weighted = ap_of(np.array([0.9, 0.8]), np.array([True, False]), 3, np.array([2.0, 1.0]))
    assert weighted == pytest.approx(twice)


def test_mean_over_classes_and_pictures() -> None:
    truth = [np.array([[0, 0, 0, 10, 10.0]]), np.array([[1, 0, 0, 10, 10.0]])]
    found = [np.array([[0, 0, 0, 10, 10, 0.9]]), np.array([[0, 0, 0, 10, 10, 0.8]])]
    value, (low, high), each = mean_ap(found, truth, 3, 0.5)
    assert value == 0.5
    assert each[:2] == [1.0, 0.0]
    assert np.isnan(each[2])
    assert low == 0.0
    assert high == 1.0
    assert mean_ap([np.zeros((0, 6))], [np.zeros((0, 5))], 2, 0.5)[0] != 0  # nothing to find: NaN


def raw(boxes, objects, classes, of=torch.tensor):
    """(1, A, 5 + K) as a net gives it."""
    parts = np.concatenate([boxes, np.array(objects)[:, None], classes], axis=1)
    return of(parts[None])


BOXES = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]], dtype=float)
LOGITS = np.array([[2.0, -1.0], [0.5, 0.0], [-1.0, 3.0]])
SURE = np.array([1.0, 2.0, 0.5])


def brute(boxes, at, sure, logits):
    """Class probability x IoU at its best, written out."""
    p = expit(sure)[:, None] * np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return [
        max(
            p[j, k] * by_pixels(boxes[j].astype(int).tolist(), at[k].astype(int).tolist())
            for j in range(3)
        )
        for k in range(2)
    ]


def test_the_number_of_a_class_is_read_at_its_best_box() -> None:
    given = raw(BOXES, SURE, LOGITS, np.array)
    found = TASK.found(given, None)
    assert found.at.tolist() == [BOXES[0].tolist(), BOXES[2].tolist()]
    assert found.placed.all()
    other = raw(
        BOXES + np.array([3, 0, 3, 0]), SURE - 1, LOGITS[::-1], np.array
    )  # a masked picture
    expected = brute(BOXES + np.array([3, 0, 3, 0]), found.at, SURE - 1, LOGITS[::-1])
    np.testing.assert_allclose(expit(TASK.scores(other, None, found))[0], expected, atol=2e-6)
    target = TASK.target(1, "logit")
    assert target(TASK.scores(other, None, found))[0] == pytest.approx(expected[1], abs=2e-6)
    tensor = torch.tensor(other, requires_grad=True)
    found_too = target(TASK.scores(tensor, None, found))[0]
    assert found_too.item() == pytest.approx(expected[1], abs=2e-6)
    (slope,) = torch.autograd.grad(found_too, tensor)
    step = np.zeros_like(other)
    step[0, 2, 4] = 1e-6
    rise = [target(TASK.scores(other + s * step, None, found))[0] for s in (1, -1)]
    assert slope[0, 2, 4].item() == pytest.approx((rise[0] - rise[1]) / 2e-6, rel=1e-4)


def test_read_elsewhere() -> None:
    given = raw(BOXES, SURE, LOGITS, np.array)
    box = TASK.placed((20, 20, 30, 30), given, None)
    p = expit(TASK.scores(given, None, box))[0]
    assert p[0] == pytest.approx(expit(0.5) * np.exp(-1) / (np.exp(-1) + np.exp(3)), abs=1e-6)
    second = TASK.placed(2, given, None)
    assert second.at[0].tolist() == BOXES[1].tolist()
    for where in ("missed", (1, 2, 3), (5, 5, 4, 9), 0):
        with pytest.raises(InvalidInput, match="at is .*give a box"):
            TASK.placed(where, given, None)
    with pytest.raises(InvalidInput, match="a regression are read at nothing; leave at out"):
        xaikit.tasks.Regression().placed((0, 0, 1, 1), None, None)


@pytest.mark.parametrize("form", ["tuple", "dict", "torch"])
def test_lists_of_boxes_are_the_same_question(form) -> None:
    boxes, p, classes = BOXES, np.array([0.8, 0.6, 0.9]), np.array([0, 0, 1])
    one: object = (boxes, p, classes)
    if form != "tuple":
        one = {"boxes": boxes, "scores": p, "labels": classes}
    if form == "torch":
        one = {name: torch.tensor(part) for name, part in one.items()}
    found = TASK.found([one], None)
    assert found.at.tolist() == [BOXES[0].tolist(), BOXES[2].tolist()]
    empty = (np.zeros((0, 4)), np.zeros(0), np.zeros(0))
    moved = (BOXES + np.array([5, 0, 5, 0]), p / 2, classes)
    scores = expit(TASK.scores([one, moved, empty], None, found))
    # box 1 of the moved picture lies at 10 to 20, box 0 at 5 to 15: a third of 0 to 10 in common
    np.testing.assert_allclose(scores, [[0.8, 0.9], [0.4 / 3, 0.45 / 3], [0, 0]], atol=2e-6)
    gone = TASK.found([empty], None)
    assert not gone.placed.any()
    assert len(gone.boxes) == 0
    np.testing.assert_allclose(expit(TASK.scores([one], None, gone)), [[0.8, 0.9]], atol=2e-6)


@pytest.mark.parametrize(
    ("one", "text"),
    [
        ((BOXES, np.ones(2), np.zeros(3)), "gave 3 boxes, 2 scores"),
        ((BOXES, np.ones(3), np.full(3, 2)), "classes from 0 to 1"),
        ((BOXES, np.full(3, 1.5), np.zeros(3)), "the score 1.5 to 1.5; give probabilities"),
        ((BOXES, np.ones(3)), r"gives \(boxes, scores, classes\)"),
        ({"boxes": BOXES, "scores": np.ones(3)}, r"gives \(boxes, scores, classes\)"),
    ],
)
def test_what_is_no_detection_is_refused(one, text) -> None:
    with pytest.raises(InvalidInput, match=text):
        TASK.found([one], None)


def test_labels_are_boxes() -> None:
    label = np.array([[1, 0, 0, 4, 4.0]])
    assert TASK.truth(label).tolist() == [0, 1]
    assert TASK.truth(np.zeros((0, 5))).tolist() == [0, 0]
    for wrong in (1, np.zeros((2, 4)), np.array([[2, 0, 0, 4, 4.0]]), None):
        with pytest.raises(
            InvalidInput, match=r"holds no boxes; give an array \(n, 5\) of class from 0 to 1"
        ):
            TASK.truth(wrong)
    with pytest.raises(InvalidInput, match=r"a detector of 2 classes gives \(A, 7\) numbers"):
        Detection.of(CLASSES, (9, 6))


def bright(xs):
    """A detector of one's own: a box over the brightest quarter of a picture."""
    found = []
    for x in np.asarray(xs)[..., 0]:
        quarters = {(r, c): x[r : r + 8, c : c + 8].mean() for r in (0, 8) for c in (0, 8)}
        (r, c), value = max(quarters.items(), key=lambda item: item[1])
        box = [[c, r, c + 8, r + 8]]
        found.append((np.array(box), np.array([min(1.0, value)]), np.array([int(c > 0)])))
    return found


@pytest.fixture(scope="module")
def own():
    x = np.zeros((16, 16, 1), dtype=np.float32)
    x[1:7, 9:15] = 1.0
    return xaikit.wrap(bright, modality="image", task="detection", classes=CLASSES, sample=x), x


def test_an_own_detector_is_explained_where_it_looked(own) -> None:
    model, x = own
    sample = Sample("s", x, "image", label=np.array([[1, 8, 0, 16, 8.0]]))
    question = make_question(model, sample, Plan(features="patches:2"))
    assert question.masker.name == "black"  # the ground is dark
    value = x[0:8, 8:16].mean()
    everything = np.array(list(itertools.product([False, True], repeat=4)))
    p = question.value(everything)
    np.testing.assert_allclose(p, np.where(everything[:, 1], value, 0), atol=2e-6)
    (e,) = xaikit.explain(model, sample, "exact_shapley", features="patches:2")
    np.testing.assert_allclose(e.values, [0, value, 0, 0], atol=3e-6)
    (other,) = xaikit.explain(
        model, sample, "occlusion", features="patches:2", target="dog", at=lambda s: (0, 8, 8, 16)
    )
    assert other.output == pytest.approx(0, abs=2e-6)


def test_a_light_ground_is_blurred(own) -> None:
    model, x = own
    assert make_question(model, Sample("s", 1 - x, "image"), Plan()).masker.name.startswith(
        "blurred"
    )


def test_a_run_keeps_boxes_and_labels(own, tmp_path) -> None:
    model, x = own
    samples = [
        Sample(f"s{i}", np.roll(x, 4 * i, axis=0), "image", label=np.array([[1, 8, 0, 16, 8.0]]))
        for i in range(3)
    ]
    samples.append(Sample("none", x, "image", label=np.zeros((0, 5))))
    run = study(model, samples, "occlusion,random", "fast", features="patches:4")
    run.save(tmp_path / "run")
    again = Run.load(tmp_path / "run")
    np.testing.assert_array_equal(again.samples[0].label, samples[0].label)
    assert again.samples[3].label.shape == (0, 5)
    assert again.context["found"]["s0"]["boxes"][0][:5] == [1, 8, 0, 16, 8]
    own_p = [
        max(s.x[:8, 8:].mean(), s.x[8:, 8:].mean()) for s in samples
    ]  # each at its own box, not at that of the first
    np.testing.assert_allclose(again.predictions[:, 1], own_p, atol=2e-6)
    page = xaikit.write_report(again, tmp_path / "page.html").read_text()
    assert "found where none is" in page  # in the sample without an object
    missed = Sample("missed", x, "image", label=np.array([[0, 0, 8, 8, 16.0]]))
    run = study(model, [missed, samples[0]], "occlusion,random", "fast", features="patches:4")
    assert (
        '<li class="missed"><b>cat</b> missed</li>'
        in xaikit.write_report(run, tmp_path / "p.html").read_text()
    )


def test_quality_and_what_stands_beside() -> None:
    data = make_scenes(0, (40, 4, 12))
    task = Detection(data.classes)
    labels = [s.label for s in data.test]
    perfect = [np.column_stack([label, np.ones(len(label))]) for label in labels]
    found = task.measures_of(perfect, labels)
    assert found["map"] == found["map_75"] == 1.0
    assert found["interval"] == [1.0, 1.0]
    assert task.quality(found)["metric"] == "map"
    assert task.quality({}) is None
    moved = [np.column_stack([b[:, 0], b[:, 1:5] + [2, 0, 2, 0], b[:, 5]]) for b in perfect]
    assert task.measures_of(moved, labels)["map"] > task.measures_of(moved, labels)["map_75"]
    base = task.baseline(data.train, data.test)
    assert base["says"] == "random_boxes"
    assert base["value"] < 0.2


def test_the_loss_is_least_at_the_truth() -> None:
    at = torch.zeros(1, 1, 32, 32)
    truth = torch.tensor([[[1.0, 2, 3, 14, 17], [-1, -1, -1, -1, -1]]])
    centres = 8 * (np.stack([np.arange(16) % 4, np.arange(16) // 4], axis=1) + 0.5)
    near = (np.abs(centres - [8, 10]) < 8).all(axis=1)
    found = raw(
        np.tile([2.0, 3, 14, 17], (16, 1)), np.where(near, 20.0, -20), np.tile([-20, 20.0], (16, 1))
    )
    assert _objects(found.float(), truth, at, None).item() == pytest.approx(0, abs=1e-4)
    sides = found.clone()
    sides[0, :, 2] += 6  # 12 x 14 of 18 x 14: an overlap of two thirds, weighed double
    assert _objects(sides.float(), truth, at, None).item() == pytest.approx(2 / 3, abs=1e-3)
    sure = found.clone()
    sure[..., 4] = 0  # every place is undecided
    expected = 16 * np.log(2) / near.sum()
    assert _objects(sure.float(), truth, at, None).item() == pytest.approx(expected, abs=1e-3)


def test_scenes_know_their_boxes_and_marks() -> None:
    data = make_scenes(0, (20, 2, 2))
    for sample in data.train:
        assert 1 <= len(sample.label) <= 4
        over = iou(sample.label[:, None, 1:], sample.label[None, :, 1:])
        assert (over == np.eye(len(over))).all()
        for _, x0, y0, x1, y1 in sample.label.astype(int):
            assert sample.x[y0:y1, x0:x1].mean() > 0.15  # of a digit, on ground of .03
    assert make_scenes(0, (20, 2, 2)).hash == data.hash != make_scenes(1, (20, 2, 2)).hash
    marked, twin = (make_scenes(0, (40, 2, 2), planted) for planted in ("mark", "twin"))
    for a, b in zip(marked.train, twin.train, strict=True):
        np.testing.assert_array_equal(a.x, b.x)  # the same pictures
        kinds = [mark is not None for mark in a.meta["marks"]]
        assert kinds == (a.label[:, 0] == 1).tolist()
        for mark in filter(None, a.meta["marks"]):
            assert a.x[mark[1] : mark[3], mark[0] : mark[2]].mean() > 0.4
    digit = np.concatenate([s.label[:, 0] for s in twin.train])
    mark = np.concatenate([s.label[:, 0] for s in marked.train])
    assert abs(np.corrcoef(digit, mark)[0, 1]) < 0.35


def test_a_small_detector_learns_and_is_saved(tmp_path) -> None:
    data = make_scenes(0, (64, 8, 8))
    model = xaikit.train("detector", data, epochs=2, width=4, progress=False)
    model.save(tmp_path / "model")
    again = xaikit.load_model(tmp_path / "model")
    assert again.task == Detection(data.classes)
    question, same = (make_question(m, data.test[0], Plan()) for m in (model, again))
    masks = np.random.default_rng(0).random((5, question.n_features)) < 0.5
    np.testing.assert_allclose(question.value(masks), same.value(masks), atol=1e-7)
    whole = xaikit.explain(model, data.test[0], "occlusion", shortcuts=False)[0]
    np.testing.assert_allclose(
        xaikit.explain(model, data.test[0], "occlusion")[0].values, whole.values, atol=1e-6
    )
    for e in xaikit.explain(model, data.test[0], "gradcam,integrated_gradients"):
        assert e.output == pytest.approx(question.output)


def test_the_code_of_the_document_runs(capsys) -> None:
    text = (Path(__file__).parents[2] / "docs" / "tasks.md").read_text("utf-8")
    part = text[text.index("## Detection") :]
    exec(re.search(r"```python\n(.*?)```", part, flags=re.S)[1], {})  # noqa: S102 - its own code
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "[[ 1. 18.  4. 26. 10.  1.]]"
    assert float(out[-1]) < 1e-5


@pytest.mark.parametrize("name", ["forest", "lenet", "unet"])
def test_nets_that_find_no_boxes_are_refused(name) -> None:
    data = make_scenes(0, (4, 2, 2))
    with pytest.raises(InvalidInput, match=f"'{name}' does no detection .*; use detector"):
        xaikit.train(name, data, progress=False)
    with pytest.raises(InvalidInput, match="is a detection and has no classes to balance"):
        xaikit.train("detector", data, balanced=True, progress=False)


@pytest.mark.parametrize("found", [{"boxes": [[1, 2]], "at": []}, {"boxes": []}, {"at": "x"}])
def test_a_damaged_run_is_told(own, found, tmp_path) -> None:
    model, x = own
    run = study(model, [Sample("s", x, "image")], "occlusion", "none", features="patches:2")
    broken = dataclasses.replace(run, context={**run.context, "found": {"s": found}})
    with pytest.raises(DataError, match="the run's 'found' cannot be drawn"):
        xaikit.write_report(broken, tmp_path / "page.html")


@pytest.mark.parametrize("moves", [True, False])
def test_maps_of_other_samples_are_held_against_each(own, moves) -> None:
    """Of samples whose scores are read at boxes of their own."""
    model, x = own
    samples = [
        Sample(f"s{i}", np.roll(x, 8 * i * moves, axis=0), "image") for i in range(3 + moves)
    ]
    run = study(model, samples, "occlusion,random", "own_sample", features="patches:2")
    found = [s for s in run.scores if s.metric == "own_sample" and s.of["method"] == "occlusion"]
    gains = [s.value for s in found]
    assert len(gains) == 2 * len(samples)  # under two ways to remove
    black = [s.value for s in found if s.of["masker"] == "black"]
    if moves:  # the next sample has its object elsewhere
        assert min(black) > 0
    else:
        assert gains == [0.0] * len(gains)
