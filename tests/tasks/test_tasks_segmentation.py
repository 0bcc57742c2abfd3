"""Regions: log-odds worked by hand, Dice, drawn regions, own nets, the layer of Seg-Grad-CAM."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from torch import nn

import xaikit
from xaikit.core.errors import InvalidInput, ModelError, NotApplicable
from xaikit.core.types import Sample
from xaikit.data.plates import make_plates
from xaikit.models.objectives import _classes_of_pixels, turned
from xaikit.study.plan import Plan, make_question
from xaikit.study.run import Run
from xaikit.study.study import study
from xaikit.tasks import Segmentation

CLASSES = ("ground", "hole", "crack")
TASK = Segmentation(CLASSES)
RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(1, 3, 4, 5))
LOGITS[:, 2] -= 9  # no crack is found


def odds(logits, k, where):
    """Mean log-odds of class k against the others over places, written out."""
    p = np.exp(logits - logsumexp(logits, axis=0))
    return np.mean(
        [np.log(p[k, i, j] / (1 - p[k, i, j])) for i, j in zip(*np.nonzero(where), strict=True)]
    )


def test_the_number_of_a_class_is_read_in_its_region() -> None:
    found = TASK.found(LOGITS, None)
    classes = LOGITS[0].argmax(0)
    assert found.there.tolist() == [True, True, False]
    np.testing.assert_array_equal(found.at[:2], [classes == 0, classes == 1])
    behind = LOGITS[0, 2] - LOGITS[0, :2].max(0)
    np.testing.assert_array_equal(
        found.at[2], behind == behind.max()
    )  # 1 % of 20 places: the nearest
    masked = RNG.normal(size=(2, 3, 4, 5))
    scores = TASK.scores(masked, None, found)
    for b in range(2):
        np.testing.assert_allclose(scores[b], [odds(masked[b], k, found.at[k]) for k in range(3)])
    own = TASK.scores(masked, None)
    np.testing.assert_allclose(
        own[1], TASK.scores(masked[1:], None, TASK.found(masked[1:], None))[0]
    )


def test_it_is_differentiable() -> None:
    found = TASK.found(LOGITS, None)
    at = torch.tensor(LOGITS, requires_grad=True)
    score = TASK.scores(at, None, found)[0, 1]
    assert score.item() == pytest.approx(TASK.scores(LOGITS, None, found)[0, 1])
    (slope,) = torch.autograd.grad(score, at)
    for place in ((0, 1, 2, 3), (0, 0, 0, 0), (0, 2, 1, 1)):
        step = np.zeros_like(LOGITS)
        step[place] = 1e-6
        rise = [TASK.scores(LOGITS + s * step, None, found)[0, 1] for s in (1, -1)]
        assert slope[place].item() == pytest.approx((rise[0] - rise[1]) / 2e-6, abs=1e-7)


def test_two_classes_are_one_logit() -> None:
    logits = RNG.normal(size=(1, 2, 3, 3))
    task = Segmentation(("ground", "hole"))
    found = task.found(logits, None)
    difference = (logits[0, 1] - logits[0, 0])[found.at[1]]
    assert task.scores(logits, None, found)[0, 1] == pytest.approx(difference.mean())


def test_a_drawn_region() -> None:
    mask = np.zeros((8, 10), dtype=bool)  # a picture of twice the side
    mask[2:4, 4:6] = True
    found = TASK.placed(mask, LOGITS, None)
    small = np.zeros((4, 5), dtype=bool)
    small[1, 2] = True
    np.testing.assert_array_equal(found.at, np.tile(small, (3, 1, 1)))
    assert TASK.scores(LOGITS, None, found)[0, 2] == pytest.approx(odds(LOGITS[0], 2, small))
    for where in (np.zeros((8, 10), bool), (0, 0, 3, 3), np.ones((8, 10))):
        with pytest.raises(InvalidInput, match="give a region as an array"):
            TASK.placed(where, LOGITS, None)
    thin = np.zeros((80, 100), dtype=bool)
    thin[1, 1] = True
    with pytest.raises(InvalidInput, match="region of 1 px falls between"):
        TASK.placed(thin, LOGITS, None)


def test_dice_by_class() -> None:
    truth = np.array([[0, 0, 1, 1], [0, 0, 1, 1]])
    answer = np.array([[0, 1, 1, 1], [0, 0, 0, 2]])
    free = np.zeros((2, 4), dtype=int)
    found = TASK.measures_of([answer, free], [truth, free])
    assert found["dice_each"] == [pytest.approx(2 * 2 / (3 + 4)), None]
    assert found["dice"] == pytest.approx(4 / 7)
    assert found["clean"] == 1.0
    assert found["n"] == 2
    both = np.where(truth == 1, 2, 0)
    assert TASK.measures_of([answer, both], [truth, both])["dice"] == pytest.approx((4 / 7 + 1) / 2)
    assert (
        TASK.measures_of([np.array([[0, 1]])], [truth])["dice"] == 1.0
    )  # coarser answers are enlarged
    none = TASK.measures_of([free], [free])
    assert none["dice"] is None
    assert TASK.quality(none) is None
    many = TASK.measures_of([answer] * 10 + [both] * 30, [truth] * 10 + [both] * 30)
    assert many["interval"][0] < many["dice"] < many["interval"][1]


def test_baselines() -> None:
    def sample(i):
        x = np.full((4, 4, 1), 0.7, dtype=np.float32)
        label = np.zeros((4, 4), dtype=int)
        x[i % 3, 1:3], label[i % 3, 1:3] = 0.2, 1
        return Sample(f"s{i}", x, "image", label=label)

    samples = [sample(i) for i in range(6)]
    assert TASK.baseline(samples[:3], samples[3:]) == {"says": "threshold", "value": 1.0}
    turned = [Sample(s.id, 1 - s.x, "image", label=s.label) for s in samples]
    base = TASK.baseline(samples[:3], turned[3:])  # the threshold misleads
    assert base == {"says": "all_one", "value": pytest.approx(2 * 2 / (2 + 16))}


def test_labels_and_shapes_that_are_none() -> None:
    assert TASK.truth(np.array([[0, 2]])).tolist() == [1, 0, 1]
    for wrong in (1, np.zeros((2, 2)), np.array([[3]]), np.array([[-1]])):
        with pytest.raises(InvalidInput, match="is no class of each pixel"):
            TASK.truth(wrong)
    with pytest.raises(
        InvalidInput, match=r"gives \(3, H, W\) logits a picture, and this one \(2, 4, 4\)"
    ):
        Segmentation.of(CLASSES, (2, 4, 4))
    with pytest.raises(InvalidInput, match="has the one class 'hole'"):
        Segmentation(("hole",))
    assert Segmentation.of((), (3, 4, 4)).outputs == ("ground", "class 1", "class 2")


def test_the_ground_is_not_what_people_mean() -> None:
    scores = np.array([[9.0, -1.0, 2.0], [9.0, 3.0, 2.0]])
    assert TASK.default(scores).tolist() == [2, 1]
    assert TASK.runner_up(scores[0], TASK.target(2, "prob")).index == 1
    assert (
        TASK.runner_up(np.array([1.0, 2.0]), Segmentation(CLASSES[:2]).target(1, "logit")) is None
    )


class Threshold(nn.Module):
    """Bright pixels are a hole, far places count a little through a pooled path."""

    def __init__(self) -> None:
        super().__init__()
        self.blur = nn.Conv2d(1, 2, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.deep = nn.Conv2d(2, 2, 1)
        self.grow = nn.Upsample(scale_factor=2)
        self.head = nn.Conv2d(4, 2, 1)

    def forward(self, x):
        first = self.blur(x)
        return self.head(torch.cat([first, self.grow(self.deep(self.pool(first)))], dim=1))


@pytest.fixture(scope="module")
def own():
    torch.manual_seed(0)
    x = RNG.random((16, 16, 1)).astype(np.float32)
    net = Threshold()
    return xaikit.wrap(net, modality="image", task="segmentation", classes=CLASSES[:2], sample=x), x


def test_an_own_net(own, tmp_path) -> None:
    model, x = own
    samples = [
        Sample(
            f"s{i}", np.roll(x, i, 0), "image", label=(np.roll(x, i, 0)[..., 0] > 0.7).astype(int)
        )
        for i in range(3)
    ]
    question = make_question(model, samples[0], Plan(features="patches:4"))
    assert question.masker.name.startswith("blurred")
    masks = RNG.random((4, 16)) < 0.5
    logits = [
        model.net(
            torch.tensor(
                np.where(
                    question.segmentation.expand(m[None])[0][..., None],
                    x,
                    question.masker.references[0],
                )
            ).permute(2, 0, 1)[None]
        )
        for m in masks
    ]
    with torch.no_grad():
        region = (
            model.net(torch.tensor(x).permute(2, 0, 1)[None]).argmax(1) == question.target.index
        )[0]
        expected = [
            (z[0, question.target.index] - z[0, 1 - question.target.index])[region].mean()
            for z in logits
        ]
    np.testing.assert_allclose(question.value(masks), expected, atol=1e-5)
    assert model.cam_layer() == "deep"  # the coarsest map, not what is nearly the answer
    run = study(model, samples, "occlusion,gradcam,random", "fast", features="patches:4")
    assert not run.failures
    run.save(tmp_path / "run")
    again = Run.load(tmp_path / "run")
    np.testing.assert_array_equal(again.samples[1].label, samples[1].label)
    kinds, lengths = again.context["found"]["s0"]["at"]
    np.testing.assert_array_equal(np.repeat(kinds, lengths).reshape(16, 16) > 0, region)
    page = xaikit.write_report(again, tmp_path / "page.html", language="ko").read_text()
    assert "무엇으로 보았나" in page


def test_a_net_without_a_map_to_look_at_has_no_cam() -> None:
    x = np.zeros((8, 8, 1), dtype=np.float32)
    model = xaikit.wrap(
        nn.Conv2d(1, 2, 1), modality="image", task="segmentation", classes=CLASSES[:2], sample=x
    )
    with pytest.raises(NotApplicable, match="needs a spatial layer and 'yours' has none"):
        xaikit.explain(model, Sample("s", x, "image"), "gradcam")


def test_a_wrong_number_of_classes_is_told() -> None:
    x = np.zeros((8, 8, 1), dtype=np.float32)
    with pytest.raises((InvalidInput, ModelError), match="name as many classes as it has"):
        xaikit.wrap(
            nn.Conv2d(1, 4, 1), modality="image", task="segmentation", classes=CLASSES, sample=x
        )


def test_the_loss_is_least_at_the_truth() -> None:
    truth = torch.tensor(RNG.integers(0, 3, (2, 4, 4)))
    sure = 40.0 * nn.functional.one_hot(truth, 3).movedim(3, 1).float()
    assert _classes_of_pixels(sure, truth, sure, None).item() == pytest.approx(0, abs=1e-5)
    even = torch.zeros(2, 3, 4, 4)
    n = [(picture == k).sum().item() for picture in truth for k in (1, 2)]
    dice = np.mean([1 - (2 * n_k / 3 + 1) / (n_k + 16 / 3 + 1) for n_k in n])
    assert _classes_of_pixels(even, truth, even, None).item() == pytest.approx(np.log(3) + dice)


def test_plates_and_their_twin() -> None:
    marked, twin = (make_plates(0, (30, 2, 2), planted) for planted in ("mark", "twin"))
    for a, b in zip(marked.train, twin.train, strict=True):
        np.testing.assert_array_equal(a.x, b.x)
        assert b.label.any()
        assert a.label.any() == a.meta["marked"]
        assert not b.label[:8, :8].any()  # the checker's place holds no defect
        assert (np.ptp(a.x[:8, :8]) > 0.55) == a.meta["marked"]


def test_a_small_net_learns_and_is_saved(tmp_path) -> None:
    data = make_plates(0, (32, 8, 8))
    model = xaikit.train("unet", data, epochs=1, width=4, progress=False)
    assert set(model.info["metrics"]["test"]) >= {"dice", "clean", "n"}
    model.save(tmp_path / "model")
    again = xaikit.load_model(tmp_path / "model")
    assert again.task == Segmentation(data.classes)
    e, same = (xaikit.explain(m, data.test[0], "occlusion")[0] for m in (model, again))
    np.testing.assert_allclose(e.values, same.values, atol=1e-6)
    assert model.cam_layer() == "bottom"


def test_pictures_and_masks_turn_together() -> None:
    rng = np.random.default_rng(0)
    xs = [rng.random((4, 4, 1)) for _ in range(40)]
    truth = torch.tensor(np.stack([x[..., 0] > 0.5 for x in xs]).astype(int))
    seen, masks = turned(xs, truth, rng)
    for x, mask in zip(seen, masks, strict=True):
        np.testing.assert_array_equal(x[..., 0] > 0.5, mask)
    ways = {
        str(
            [
                np.array_equal(s, x),
                np.array_equal(s, x[::-1]),
                np.array_equal(s, x[:, ::-1]),
                np.array_equal(s, x.swapaxes(0, 1)),
            ]
        )
        for s, x in zip(seen, xs, strict=True)
    }
    assert len(ways) == 5  # as it was, two mirrored ways, turned, and others
    flat = [x[:2] for x in xs]
    seen, _ = turned(flat, truth[:, :2], rng)
    assert {x.shape for x in seen} == {(2, 4, 1)}
