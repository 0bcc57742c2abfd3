"""Which rows training sees, chooses with and measures on, and what it says of the result."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from toy_zoo import line_data, toy_data

from xaikit.core.types import Sample
from xaikit.data.dataset import Dataset
from xaikit.models import train
from xaikit.models.evaluation import evaluate


def noisy(n: int, seed: int, *, turned: bool = False) -> tuple[Sample, ...]:
    """Rows that a net learns in a few epochs; `turned` exchanges the two labels."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    labels = (x[:, 0] - x[:, 1] > 0) ^ turned
    return tuple(
        Sample(f"{seed}-{i}", row, "table", int(label))
        for i, (row, label) in enumerate(zip(x, labels, strict=True))
    )


def data(**splits: tuple[Sample, ...]) -> Dataset:
    known = {"train": noisy(64, 1), "val": noisy(24, 2), "test": noisy(24, 3)}
    return Dataset("rows", "table", "classification", ("no", "yes"), **known | splits)


def fitted(dataset: Dataset, **params) -> tuple[dict[str, torch.Tensor], dict]:
    model = train("mlp", dataset, progress=False, device="cpu", epochs=6, batch_size=16, **params)
    return model.net.state_dict(), dict(model.info)


def equal(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


@pytest.fixture(scope="module")
def plain() -> dict[str, torch.Tensor]:
    return fitted(data())[0]


@pytest.mark.parametrize(
    "test",
    [
        noisy(24, 3, turned=True),
        noisy(7, 4),
        tuple(replace(s, x=100 * s.x) for s in noisy(24, 3)),
    ],
    ids=["labels", "rows", "inputs"],
)
def test_the_test_rows_change_nothing_but_the_measurement(plain, test) -> None:
    weights, info = fitted(data(test=test))
    assert equal(weights, plain)
    assert info["metrics"]["test"]["n"] == len(test)


def test_the_epoch_that_is_kept_is_the_best_on_val(plain) -> None:
    """Labels that are turned on val alone make the first epoch the best of a net that learns."""
    turned = data(val=noisy(24, 2, turned=True))
    kept = train("mlp", turned, progress=False, device="cpu", epochs=6, batch_size=16)
    assert not equal(kept.net.state_dict(), plain)
    usual = train("mlp", data(), progress=False, device="cpu", epochs=6, batch_size=16)
    assert loss(kept, turned) < loss(usual, turned)
    assert loss(usual, data()) < loss(kept, data())


def loss(model, dataset: Dataset) -> float:
    """Cross-entropy on val, worked out here."""
    scores, labels = model.scores(dataset.inputs("val")), dataset.labels("val")
    log_p = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    return float(-log_p[np.arange(len(labels)), labels].mean())


def test_val_changes_only_which_epoch_is_kept(plain) -> None:
    """The last epoch is kept whenever val goes on improving, whatever its rows."""
    assert equal(fitted(data(val=noisy(40, 9)))[0], plain)
    assert not equal(fitted(data(train=noisy(64, 8)))[0], plain)


def test_every_training_row_is_seen_once_an_epoch(monkeypatch) -> None:
    from xaikit.models.neural import NeuralModel

    seen: list[float] = []
    read = NeuralModel.read

    def watched(self, xs):
        if self.net.training:
            seen.extend(float(x[0]) for x in xs)
        return read(self, xs)

    monkeypatch.setattr(NeuralModel, "read", watched)
    fitted(data())
    own = [float(s.x[0]) for s in data().train]
    epochs = [seen[i : i + 64] for i in range(0, len(seen), 64)]
    assert len(epochs) == 6
    assert all(sorted(e) == sorted(own) for e in epochs)
    assert all(e != own for e in epochs)
    assert len({tuple(e) for e in epochs}) == 6


def test_quality_is_told_for_the_split_it_was_measured_on() -> None:
    turned = data(val=noisy(24, 2, turned=True), test=noisy(24, 3))
    model = train("mlp", turned, progress=False, device="cpu", epochs=30, batch_size=16)
    right = {}
    for split in ("val", "test"):
        found = model.scores(turned.inputs(split)).argmax(axis=1) == turned.labels(split)
        right[split] = float(found.mean())
        assert model.info["metrics"][split] == {
            "accuracy": pytest.approx(found.mean()), "n": 24, "correct": int(found.sum()),
        }  # fmt: skip
        assert evaluate(model, turned, split) == model.info["metrics"][split]
    assert right["val"] != right["test"]
    assert evaluate(model, turned) == model.info["metrics"]["test"]


def test_a_regressor_is_measured_by_r2_and_the_mean_absolute_error() -> None:
    dataset = line_data()

    class Line:
        classes = ()

        def scores(self, xs):
            return 1000 + 250 * np.stack(xs)[:, :1]

    y = np.array([s.label for s in dataset.test])
    error = y - 1000 - 250 * np.stack([s.x for s in dataset.test])[:, 0]
    found = evaluate(Line(), dataset)
    assert found["mae"] == pytest.approx(np.mean(np.abs(error)))
    assert found["r2"] == pytest.approx(1 - np.sum(error**2) / np.sum((y - np.mean(y)) ** 2))
    assert found["n"] == len(y)


def test_a_regressors_scale_is_that_of_the_training_labels() -> None:
    dataset = line_data()
    model = train("mlp", dataset, progress=False, device="cpu", epochs=1, batch_size=16)
    labels = [s.label for s in dataset.train]
    assert (model.centre, model.scale) == pytest.approx((np.mean(labels), np.std(labels)))


@pytest.mark.parametrize("size", [(8, 12, 1), (12, 8, 1)])
def test_pictures_that_are_moved_keep_their_height_and_width(size) -> None:
    """Each training picture is a window of the one with its edge repeated, now and then mirrored."""
    from xaikit.models.neural import NeuralModel

    rng = np.random.default_rng(0)
    rows = tuple(
        Sample(f"p{i}", rng.random(size, dtype=np.float32), "image", i % 2) for i in range(12)
    )
    dataset = Dataset("pictures", "image", "classification", ("no", "yes"), rows, rows, rows)
    seen: list[np.ndarray] = []
    read = NeuralModel.read
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            NeuralModel,
            "read",
            lambda self, xs: (seen.extend(xs) if self.net.training else None) or read(self, xs),
        )
        train(
            "vgg_small", dataset, progress=False, device="cpu", epochs=3, batch_size=6,
            shift=2, flip=True, width=4, hidden=8,
        )  # fmt: skip
    assert {x.shape for x in seen} == {size}
    made = {w.tobytes(): kind for s in rows for kind, w in windows(s.x, 2)}
    kinds = [made.get(np.ascontiguousarray(x).tobytes()) for x in seen]
    assert None not in kinds
    assert len(set(kinds)) > 10
    assert {mirrored for _, _, mirrored in kinds} == {True, False}


def windows(x: np.ndarray, shift: int):
    """Every move of a picture by up to `shift` pixels, the edge repeated, and its mirror image."""
    h, w = x.shape[:2]
    for down in range(-shift, shift + 1):
        for right in range(-shift, shift + 1):
            rows = np.clip(np.arange(h) + down, 0, h - 1)
            columns = np.clip(np.arange(w) + right, 0, w - 1)
            moved = x[rows][:, columns]
            yield (down, right, False), np.ascontiguousarray(moved)
            yield (down, right, True), np.ascontiguousarray(moved[:, ::-1])


def test_words_are_masked_as_often_as_asked() -> None:
    from xaikit.models.neural import NeuralModel

    dataset = toy_data("text")
    seen: list[np.ndarray] = []
    read = NeuralModel.read
    for share in (0.0, 0.5):
        seen.clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                NeuralModel,
                "read",
                lambda self, xs: (seen.extend(xs) if self.net.training else None) or read(self, xs),
            )
            train(
                "lstm", dataset, progress=False, device="cpu", epochs=8, batch_size=6,
                mask_words=share, width=8,
            )  # fmt: skip
        masked = np.concatenate([np.asarray(x) == "[MASK]" for x in seen])
        # three standard errors of a share of one half
        assert abs(masked.mean() - share) <= 3 * 0.5 / np.sqrt(len(masked)) * (share > 0)
