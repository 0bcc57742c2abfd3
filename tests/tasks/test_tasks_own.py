"""Models that people bring for each task: what is read is what they give, or it is refused by name."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import xaikit
from xaikit.app.brought import made
from xaikit.core.errors import InvalidInput
from xaikit.data.dataset import Dataset
from xaikit.tasks import Segmentation
from xaikit.tasks.forecasting import steps
from xaikit.tasks.sequence import numbers

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(10, 8, 2)).astype(np.float32)
PICTURE = np.zeros((16, 16, 1), dtype=np.float32)
PICTURE[4:8, 8:12] = 1
WAVE = RNG.normal(0, 0.1, 600)


class Gives(nn.Module):
    """Whatever `how` makes of its inputs."""

    def __init__(self, how) -> None:
        super().__init__()
        self.how, self.weight = how, nn.Parameter(torch.ones(1))

    def forward(self, x):
        return self.how(self.weight * x)


def again(how, rows, modality="series", **told):
    return xaikit.wrap(
        Gives(how), modality=modality, task="reconstruction", background=rows, **told
    )


@pytest.mark.parametrize("layout", ["BLC", "BCL"])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("several", [False, True])
def test_a_series_that_is_made_again_is_held_against_what_the_net_was_given(
    layout, channels, several
):
    rows = ROWS[..., :channels]
    model = again(lambda x: (x.mean(2), x / 2) if several else x / 2, rows, layout=layout)
    np.testing.assert_allclose(model.scores(rows)[:, 0], (rows**2).mean((1, 2)) / 4, rtol=1e-5)
    given, removed = xaikit.Sample("a", rows[0], "series"), np.zeros_like(rows[0])
    for e in xaikit.explain(model, given, "occlusion,integrated_gradients", masker=removed):
        np.testing.assert_allclose(
            e.values, e.segmentation.pool(rows[0] ** 2 / (4 * rows[0].size)), atol=1e-6
        )


def test_a_wave_that_is_made_again():
    heard = xaikit.sound(WAVE, 8000)
    model = xaikit.wrap(
        Gives(lambda x: x / 2), modality="audio", task="reconstruction", sample=heard.x
    )
    assert model.task.outputs == ("anomaly score",)
    assert model.scores([heard.x])[0, 0] == pytest.approx((WAVE**2).sum() / 4 / 640, rel=1e-4)


@pytest.mark.parametrize(
    "how",
    [
        lambda x: x.transpose(1, 2),
        lambda x: x.flatten(1),
        lambda x: x[:, :1],
        lambda x: x.mean((1, 2), keepdim=True),
    ],
)
def test_what_is_not_the_inputs_again_is_refused(how):
    with pytest.raises(InvalidInput, match="the model made .* of inputs"):
        again(how, ROWS, layout="BLC")


def test_what_a_reconstruction_is_not_of_is_refused():
    with pytest.raises(InvalidInput, match="text is no one array of numbers"):
        xaikit.wrap(lambda xs: xs, modality="text", task="reconstruction")
    with pytest.raises(InvalidInput, match="gives 2 numbers again and names has 1"):
        again(lambda x: x, ROWS[:, 0].astype(float), modality="table", names=["one"])


def test_an_estimator_makes_rows_again():
    from sklearn.linear_model import LinearRegression

    rows = ROWS.reshape(-1, 2).astype(float)
    fitted = LinearRegression().fit(rows, rows * [0.5, 1])
    model = xaikit.wrap(
        fitted, modality="table", task="reconstruction", background=rows, names=["a", "b"]
    )
    assert model.task.outputs == ("anomaly score", "error of a", "error of b")
    np.testing.assert_allclose(model.scores(rows)[:, 1], rows[:, 0] ** 2 / 4, atol=1e-9)


def test_channels_of_one_step_are_channels():
    model = xaikit.wrap(
        Gives(lambda x: x.mean(1)[..., None]), modality="series", layout="BLC", task="forecasting",
        background=ROWS,
    )  # fmt: skip
    assert model.task.outputs[:2] == ("channel 1 +1", "channel 2 +1")
    np.testing.assert_allclose(model.scores(ROWS)[:, :2], ROWS.mean(1), atol=1e-6)


@pytest.mark.parametrize(
    "kind", [np.ndarray.tolist, lambda found: torch.tensor(found).requires_grad_()]
)
def test_functions_may_give_lists_and_tensors_with_derivatives(kind):
    model = xaikit.wrap(
        lambda xs: kind(xs[:, -1]), modality="series", task="forecasting", names=["a", "b"],
        background=ROWS,
    )  # fmt: skip
    np.testing.assert_allclose(model.scores(ROWS)[:, :2], ROWS[:, -1], atol=1e-6)
    with pytest.raises(xaikit.XaikitError, match="is no array of numbers"):
        xaikit.wrap(lambda xs: [[1.0], []], modality="series", task="forecasting", background=ROWS)


def regions(how, **told):
    return xaikit.wrap(
        Gives(how), modality="image", task="segmentation", classes=["ground", "spot"], sample=PICTURE,
        **told,
    )  # fmt: skip


def logit(x):
    return 8 * (x - 0.5)


def test_one_logit_a_pixel_is_that_of_the_second_class():
    one, two = regions(logit), regions(lambda x: torch.cat([0 * x, logit(x)], 1))
    np.testing.assert_allclose(one.scores([0.9 * PICTURE]), [[4, 3.2]], rtol=1e-6)
    np.testing.assert_allclose(two.scores([0.9 * PICTURE]), [[4, 3.2]], rtol=1e-6)


@pytest.mark.parametrize("told", [{}, {"outputs": "probabilities"}])
@pytest.mark.parametrize(
    "how",
    [
        lambda x: torch.cat([0 * x, logit(x)], 1).softmax(1),
        lambda x: logit(x).sigmoid(),
    ],
)
def test_probabilities_of_pixels_are_no_logits(how, told):
    with pytest.raises(InvalidInput, match="where logits are read, which look like probabilities"):
        regions(how, **told)
    assert regions(how, outputs="logits").task.name == "segmentation"  # who says so is believed


def test_a_region_is_drawn_on_the_picture():
    task = Segmentation(("ground", "spot"))
    raw, mask = np.zeros((1, 2, 4, 4)), np.ones((8, 8), dtype=bool)
    for given in ((1, 8, 8, 3), (1, 3, 8, 8)):
        assert task.placed(mask, raw, np.zeros(given)).at.all()
    with pytest.raises(
        InvalidInput, match=r"a region of \(8, 8\) and the picture has \(16, 16, 1\)"
    ):
        task.placed(mask, raw, np.zeros((1, 16, 16, 1)))


def boxes(one):
    return xaikit.wrap(
        lambda xs: [one for _ in xs], modality="image", task="detection", classes=["a", "b"],
        sample=PICTURE,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (([[8, 4, 4, 4]], [0.9], [0]), "give left, top, right and bottom in px"),
        (([[8, 4, np.nan, 8]], [0.9], [0]), "give left, top, right and bottom in px"),
        (([[8, 4, 12, 8]], [0.9], [0.5]), "with classes from 0 to 1"),
        (([[8, 4, 12, 8]], [0.9], ["a"]), "gave what is no number"),
        (np.ones((3, 6)), "gave 6 boxes, 6 scores"),
    ],
)
def test_boxes_that_are_none_are_refused(one, text):
    with pytest.raises(InvalidInput, match=text):
        boxes(one)


def test_a_detector_answers_for_each_picture_and_by_logits():
    with pytest.raises(InvalidInput, match="one dict for several pictures"):
        xaikit.wrap(
            lambda xs: {"boxes": [], "scores": [], "labels": []}, modality="image", task="detection",
            classes=["a", "b"], sample=PICTURE,
        )  # fmt: skip
    with pytest.raises(InvalidInput, match="which look like probabilities"):
        xaikit.wrap(
            Gives(lambda x: x.flatten(1)[:, :7, None].transpose(1, 2)), modality="image", task="detection",
            classes=["a", "b"], sample=PICTURE,
        )  # fmt: skip
    with pytest.raises(InvalidInput, match="holds no boxes"):
        boxes(([], [], [])).task.truth(np.array([[0, 12.0, 8, 8, 4]]))


def test_pictures_are_made_with_channels_in_front():
    with pytest.raises(InvalidInput, match=r"\(8, 8, 3\), channels last"):
        xaikit.wrap(
            lambda z: np.ones((len(z), 8, 8, 3)), modality="table", task="generation",
            background=np.ones((3, 2)),
        )  # fmt: skip


def test_waves_that_are_none_are_refused():
    for wave, rate, text in (
        (WAVE[None].repeat(2, 0), 8000, "more channels than steps"),
        ((WAVE * 9999).astype(np.int16), 8000, "holds int16"),
        (WAVE, "8k", "a rate of '8k'"),
    ):
        with pytest.raises(InvalidInput, match=text):
            xaikit.sound(wave, rate)


def test_a_detector_of_one_class_and_what_a_factory_gives_by_the_task_of_its_data(
    tmp_path, monkeypatch
):
    (tmp_path / "made_here.py").write_text(
        "import numpy as np\n"
        "def boxes(): return lambda xs: [([[8, 4, 12, 8]], [float(x.max())], [0]) for x in xs]\n"
        "def last(): return lambda xs: np.repeat(xs[:, -1, :, None], 3, axis=2)\n"
        "def said(): return lambda xs, told: np.array([[5.0 * bool(t), 5.0 * (not t)] for t in told])\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    x = xaikit.Sample("a", PICTURE, "image", np.array([[0, 8, 4, 12, 8.0]]))
    found = made("made_here:boxes", None, data("detection", "image", [x], ("cat",)), "cpu")
    assert (found.task.name, found.scores([PICTURE]).shape) == ("detection", (1, 1))
    series = [xaikit.Sample(f"{i}", row, "series") for i, row in enumerate(ROWS)]
    names = steps(("load", "heat"), 3)
    found = made(
        "made_here:last", None, data("forecasting", "series", series, outputs=names), "cpu"
    )
    assert found.task.outputs == names
    np.testing.assert_allclose(found.scores(ROWS)[:, -1], ROWS[:, -1, 1])
    words = [xaikit.Sample("a", np.array(["a", "b"]), "text")]
    told = data("sequence_to_sequence", "text", words, outputs=numbers(3, ("</s>", "yes")))
    found = made("made_here:said", None, told, "cpu")
    assert found.task.text(found.task.said(found.scores([words[0].x])[0])) == "yes"


def test_pages_of_tasks_with_one_number(tmp_path):
    codes = RNG.normal(size=(20, 3))
    made_of = xaikit.wrap(
        Gives(lambda z: z[:, :1, None, None].expand(-1, 1, 8, 8)), modality="table", task="generation",
        names=["brightness"], background=codes,
    )  # fmt: skip
    for name, model, sample in (
        ("brightness", made_of, xaikit.Sample("a", codes[0], "table")),
        (
            "anomaly score",
            again(lambda x: x / 2, ROWS, layout="BLC"),
            xaikit.Sample("a", ROWS[0], "series"),
        ),
    ):
        run = xaikit.study(model, [sample], "occlusion,random", "none")
        assert run._seen.meaning.outputs == (name,)
        assert xaikit.write_report(run, tmp_path / f"{name}.html").exists()


def data(task, modality, samples, classes=(), outputs=()):
    return Dataset(
        name="own", modality=modality, task=task, classes=classes, outputs=outputs or classes,
        train=tuple(samples), val=tuple(samples), test=tuple(samples), source="here",
    )  # fmt: skip
