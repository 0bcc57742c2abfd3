"""Many samples at once: the same numbers as one by one, in shared passes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import toy_zoo
import toys
from PIL import Image
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from typer.testing import CliRunner

import xaikit
from xaikit.app import explaining
from xaikit.app.cli import app
from xaikit.core.errors import InvalidInput, NotApplicable
from xaikit.core.explanations import Explanations
from xaikit.core.many import Same
from xaikit.core.samples import Samples
from xaikit.core.types import Sample, Segmentation
from xaikit.data.load import load_data
from xaikit.methods import shap
from xaikit.methods.base import ask, make_method
from xaikit.study import bulk
from xaikit.study.given import samples_of
from xaikit.study.plan import Plan, choose_methods, make_block

NETS = {"image": "lenet", "table": "mlp", "series": "lstm", "text": "gru"}
SMALL = {"lime": {"budget": 128}, "shap": {"budget": 64}, "smoothgrad": {"n_samples": 4}}


def net(modality):
    model = toy_zoo.fresh(NETS[modality], modality)
    data = toy_zoo.toy_data(modality)
    if modality != "text":
        model.background = np.stack([s.x for s in data.train[:4]])
    return model, data.train[:5]


@pytest.mark.parametrize("modality", NETS)
def test_a_block_says_what_each_sample_says_alone(modality) -> None:
    model, samples = net(modality)
    chosen, _ = choose_methods(model)
    for kind in chosen:
        method = make_method(kind.name, **SMALL.get(kind.name, {}))
        together = xaikit.explain(model, samples, method, seed=7)
        assert isinstance(together, Explanations)
        for sample, found in zip(samples, together, strict=True):
            (alone,) = xaikit.explain(model, sample, method, seed=7)
            scale = np.abs(alone.values).max() + 1e-9
            np.testing.assert_allclose(found.values / scale, alone.values / scale, atol=2e-5)
            assert found.output == pytest.approx(alone.output, abs=1e-5)
            assert found.empty == pytest.approx(alone.empty, abs=1e-5)
            assert found.target == alone.target
            assert found.sample_id == sample.id
            assert found.names == alone.names
            assert (found.drawn, found.seed) == (alone.drawn, 7), kind.name
            assert found.cost.backward == alone.cost.backward
            assert (found.std is None) == (alone.std is None)


@pytest.mark.parametrize("name", ["input_x_gradient", "integrated_gradients", "gradient_shap"])
def test_columns_that_are_never_removed_stand_as_in_each_sample(name) -> None:
    model, samples = net("table")
    cut = Segmentation(np.array([-1, 0, 1, 2]), ("pay", "job", "home"), "3 of 4 columns")
    together = xaikit.explain(model, samples, name, features=cut)
    for sample, found in zip(samples, together, strict=True):
        (alone,) = xaikit.explain(model, sample, name, features=cut)
        np.testing.assert_allclose(found.values, alone.values, atol=1e-6)
        np.testing.assert_allclose(found.elements, alone.elements, atol=1e-6)


def test_what_is_taken_of_a_block_is_put_back_in_its_place() -> None:
    model, samples = net("table")
    block = make_block(model, samples, Plan())
    known = block.outputs.copy()
    rows = np.array([3, 0])
    part = block.take(rows)
    assert [q.sample.id for q in part] == ["s3", "s0"]
    part.outputs[:], part.counts[:, 0] = [5.0, 6.0], [7, 8]
    block.put(rows, part)
    np.testing.assert_array_equal(block.outputs, [6.0, known[1], known[2], 5.0, known[4]])
    assert block.counts[:, 0].tolist() == [8, 0, 0, 7, 0]


def test_texts_that_need_more_steps_than_others_are_followed_alone() -> None:
    model, samples = net("text")
    method = make_method("integrated_gradients", n_steps=2, tolerance=1e-4)
    together = xaikit.explain(model, samples, method)
    assert len({e.extras["steps"] for e in together}) > 1
    for sample, found in zip(samples, together, strict=True):
        (alone,) = xaikit.explain(model, sample, method)
        np.testing.assert_allclose(found.values, alone.values, atol=1e-6)


def test_a_row_whose_closed_form_fails_is_sampled_in_its_place(monkeypatch) -> None:
    pipe, frame = fitted_frame()
    model = xaikit.wrap(pipe, modality="table", background=frame.to_numpy()[:8])
    plans = [Plan(n_background=k) for k in (2, 4, 4)]
    samples = samples_of(model, frame.to_numpy()[:3])
    asked = [make_block(model, samples[i : i + 1], p)[0] for i, p in enumerate(plans)]

    def doubtful(questions):
        reasons = {1: "it is off"} if len(questions) == 2 else {}
        return replace(exact(questions), reasons=reasons)

    exact = shap._exact
    monkeypatch.setattr(shap, "_exact", doubtful)
    found = ask(make_method("shap"), asked, seed=0)
    assert ["it is off" in e.note for e in found] == [False, False, True]


def test_rows_that_are_cut_otherwise_are_read_off_apart() -> None:
    pipe, frame = fitted_frame()
    model = xaikit.wrap(pipe, modality="table", background=frame.to_numpy()[:8])
    samples = samples_of(model, frame.to_numpy()[:2])
    cuts = [Segmentation(np.array(ids), ("a", "b"), "cut") for ids in ([0, 1], [1, 0])]
    asked = [make_block(model, samples[:1], Plan(features=cut))[0] for cut in cuts]
    one, other = ask(make_method("shap"), asked, seed=0)
    assert one.values[0] != pytest.approx(one.values[1])
    np.testing.assert_allclose(one.values, other.values[::-1])


def test_several_methods_give_a_list_sample_by_sample() -> None:
    model, samples = net("table")
    found = xaikit.explain(model, samples[:2], ["saliency", "occlusion"])
    assert [(e.sample_id, e.method) for e in found] == [
        ("s0", "saliency"), ("s0", "occlusion"), ("s1", "saliency"), ("s1", "occlusion")
    ]  # fmt: skip


def test_what_samples_share_is_made_and_asked_once() -> None:
    model, _ = net("table")
    rows = np.stack([s.x for s in toy_zoo.toy_data("table").train])
    block = make_block(model, samples_of(model, rows), Plan())
    assert isinstance(block.segmentations, Same)
    assert isinstance(block.maskers, Same)
    toy = toys.linear([1.0, 2.0])
    toy.background = np.zeros((3, 2))
    found = xaikit.explain(toy, np.arange(200.0).reshape(100, 2), "occlusion")
    assert toy.rows < 100 * 3 * 3 + 100 + 20
    np.testing.assert_allclose(found.values, np.arange(200.0).reshape(100, 2) * [1, 2])


def test_questions_of_a_block_are_made_when_looked_at() -> None:
    model, samples = net("table")
    block = make_block(model, samples, Plan())
    assert block.made is None
    assert block[1].sample.id == "s1"
    assert block[1].output == block.outputs[1]
    part = block[2:]
    part.counts[0, 0] += 3
    assert block.counts[2, 0] == 3  # a view
    assert part[0].sample.id == "s2"


def test_cuts_and_maskers_of_their_own_are_made_one_by_one() -> None:
    model, samples = net("image")
    for plan in (Plan(features="slic:4"), Plan(masker="blur")):
        block = make_block(model, samples, plan)
        assert block.made is not None
        assert len(block) == len(samples)
        assert np.isfinite(block.outputs).all()  # one pass scored them all


@pytest.mark.parametrize("masker", ["mean", "blur"])
def test_the_settings_of_a_plan_reach_every_question(masker) -> None:
    model, samples = net("image")
    settings = {"batch_size": 3, "memory": 10**7, "precision": "bfloat16", "shortcuts": False}
    for question in make_block(model, samples[:2], Plan(masker=masker, **settings)):
        assert {name: getattr(question, name) for name in settings} == settings


@pytest.mark.parametrize("modality", ["image", "series"])
def test_without_a_background_each_sample_is_removed_by_its_own(modality) -> None:
    model, samples = net(modality)
    model.background = None
    for how in ("auto", "mean"):
        block = make_block(model, samples, Plan(masker=how))
        for sample, masker in zip(samples, block.maskers, strict=True):
            (alone,) = make_block(model, [sample], Plan(masker=how)).maskers
            np.testing.assert_array_equal(masker.references, alone.references)


def test_targets_of_a_block() -> None:
    model, samples = net("table")
    by_label = make_block(model, samples, Plan(target="label"))
    assert [t.index for t in by_label.targets] == [s.label for s in samples]
    assert {t.index for t in make_block(model, samples, Plan(target="green")).targets} == {1}
    scores = model.scores([s.x for s in samples])
    predicted = make_block(model, samples, Plan())
    assert [t.index for t in predicted.targets] == scores.argmax(1).tolist()
    for question, row in zip(predicted, scores, strict=True):
        assert question.output == pytest.approx(question.target(row[None])[0], abs=1e-5)


def test_a_row_that_is_no_sample_is_named() -> None:
    model, _ = net("table")
    rows = np.zeros((4, 4))
    rows[2, 1] = np.nan
    with pytest.raises(
        InvalidInput, match=r"1 of 4 samples have missing values \(x1\) and .* read"
    ):
        xaikit.explain(model, rows, "saliency")
    picture, _ = net("image")
    with pytest.raises(InvalidInput, match=r"sample 'row 0' has pixels from 0 to 2"):
        xaikit.explain(picture, np.full((1, 8, 12, 2), [0.0, 2.0]), "saliency")


def fitted_frame():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"age": rng.normal(size=60), "income": rng.normal(size=60)})
    pipe = make_pipeline(StandardScaler(), LogisticRegression())
    pipe.fit(frame.to_numpy(), frame["age"] + frame["income"] > 0)
    return pipe, frame


def test_a_frame_is_read_by_the_names_of_its_columns() -> None:
    pipe, frame = fitted_frame()
    model = xaikit.wrap(pipe, modality="table", background=frame.to_numpy())
    model.info["columns"] = [{"name": "age"}, {"name": "income"}]
    there = samples_of(model, frame)
    turned = samples_of(model, frame[["income", "age"]])
    np.testing.assert_array_equal(there.x, turned.x)
    with pytest.raises(InvalidInput, match=r"the frame has no column 'income'; model .* reads age"):
        samples_of(model, frame[["age"]])
    model.info["columns"] = [{"name": "age"}, {"name": "income", "categories": ["low", "high"]}]
    words = pd.DataFrame({"age": [1.0, 2.0], "income": ["high", "low"]})
    assert samples_of(model, words).x[:, 1].tolist() == [1.0, 0.0]
    words.loc[0, "income"] = "none"
    with pytest.raises(InvalidInput, match="column 'income' holds 'none' and the model knows low"):
        samples_of(model, words)


def test_columns_with_numbers_for_names_are_found() -> None:
    pipe, frame = fitted_frame()
    model = xaikit.wrap(pipe, modality="table", background=frame.to_numpy())
    model.info["columns"] = [{"name": 0}, {"name": 1}]
    turned = pd.DataFrame({1: [5.0], 0: [3.0]})
    assert samples_of(model, turned).x.tolist() == [[3.0, 5.0]]


def test_what_has_no_length_and_what_comes_one_by_one() -> None:
    model, samples = net("table")
    assert samples_of(model, iter(samples)) == list(samples)
    with pytest.raises(InvalidInput, match=r"a sparse csr_array was given; call .toarray\(\)"):
        samples_of(model, csr_array(np.eye(4)))
    with pytest.raises(InvalidInput, match=r"an array of shape \(\) was given"):
        samples_of(model, np.float64(3.0))
    for nothing in ([], np.zeros((0, 4)), pd.DataFrame()):
        with pytest.raises(InvalidInput, match="0 samples were given"):
            samples_of(model, nothing)


def test_texts_pictures_and_samples_are_read() -> None:
    text, _ = net("text")
    first, second = samples_of(text, ["A good film!", "bad"])
    assert first.x.tolist() == ["A", "good", "film", "!"]
    assert first.meta["text"] == "A good film!"
    assert second.id == "text 1"
    assert len(samples_of(text, "one text")) == 1
    with pytest.raises(InvalidInput, match="text 1 is a int; give strings"):
        samples_of(text, ["a", 1])
    image, _ = net("image")
    grey = Image.fromarray(np.full((8, 12), 51, np.uint8))
    assert samples_of(image, [np.dstack([grey, grey])]).x[0, 0, 0, 0] == pytest.approx(0.2)
    own = [Sample("mine", np.zeros(4), "table")]
    assert samples_of(image, own) is own
    rows = Samples(np.zeros((2, 4)), "table", ["a", "b"])
    assert samples_of(image, rows) is rows
    with pytest.raises(InvalidInput, match=r"shape \(3,\) was given; image samples need \(B, H, W"):
        samples_of(image, np.zeros(3))


def test_numbers_of_a_table_are_read_as_they_are() -> None:
    model, _ = net("table")
    rows = np.array([[30, 200, 2, 1]], dtype=np.uint8)  # bytes are no pixels here
    np.testing.assert_array_equal(samples_of(model, rows).x, rows)
    frame = pd.DataFrame(rows, columns=["age", "pay", "job", "home"])  # codes stay codes
    model.info["columns"] = [
        {"name": "age"}, {"name": "pay"},
        {"name": "job", "categories": ("none", "part", "full")},
        {"name": "home", "categories": ("rent", "own")},
    ]  # fmt: skip
    np.testing.assert_array_equal(samples_of(model, frame).x, rows)


def test_many_samples_are_explained_in_parts(monkeypatch) -> None:
    model, samples = net("table")
    whole = xaikit.explain(model, samples, "integrated_gradients", seed=3)
    monkeypatch.setattr(bulk, "PART", 2)
    parts = bulk.explain_many(model, samples, "integrated_gradients", seed=3)
    np.testing.assert_allclose(parts.values, whole.values, atol=1e-5)
    assert parts.sample_ids == whole.sample_ids
    assert parts.elements is None
    assert parts.seed == 3
    with pytest.raises(NotApplicable, match="grad-cam|gradcam"):
        bulk.explain_many(model, samples, "gradcam")
    with pytest.raises(NotApplicable, match="name one method"):
        bulk.explain_many(model, samples, "saliency,occlusion")


@pytest.mark.parametrize("modality", ["image", "text"])
def test_parts_of_samples_with_features_of_their_own_are_whole(modality, monkeypatch) -> None:
    model, samples = net(modality)
    monkeypatch.setattr(bulk, "PART", 2)  # the last part is of one sample
    plan = Plan(masker="blur" if modality == "image" else "mask")
    parts = bulk.explain_many(model, samples, "saliency", plan=plan)
    whole = xaikit.explain(model, samples, "saliency", plan=plan)
    for part, one in zip(parts, whole, strict=True):
        np.testing.assert_allclose(part.values, one.values, atol=1e-5)
        assert (part.output, part.empty) == pytest.approx((one.output, one.empty), abs=1e-5)
        assert part.names == one.names


def test_values_alone_from_the_command_line(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    many = explaining.explain_many
    rows = np.random.default_rng(0).normal(size=(60, 3))
    lines = [f"{a},{b},{c},{int(a + b > 0)}" for a, b, c in rows]
    (tmp_path / "d.csv").write_text("\n".join(["a,b,c,label", *lines]))
    out = CliRunner().invoke(app, ["train", "logistic", "--data", "d.csv", "--out", "m"])
    assert out.exit_code == 0, out.output
    words = ["explain", "m", "--data", "d.csv", "--values", "v.npz"]
    out = CliRunner().invoke(app, words)
    assert out.exit_code == 0, out.output
    found = Explanations.load("v.npz")
    assert "v.npz" in out.output
    assert found.names == ("a", "b", "c")
    np.testing.assert_allclose(found.residual, 0, atol=1e-9)
    assert len(found) == len(load_data("d.csv").test) > 8
    asked = [
        "--methods", "kernel_shap", "--target", "0", "--masker", "median", "--background", "9",
        "--seed", "7", "--budget", "8", "--tolerance", "0.2", "--memory", "8MB",
    ]  # fmt: skip
    seen: list[tuple] = []
    monkeypatch.setattr(
        explaining, "explain_many", lambda *a, **k: seen.append((a, k)) or many(*a, **k)
    )
    out = CliRunner().invoke(app, [*words, "--force", *asked])
    assert out.exit_code == 0, out.output
    (((_, _, method), given),) = seen
    assert method == make_method("kernel_shap", budget=8, tolerance=0.2)
    assert given["plan"] == Plan(target="0", masker="median", n_background=9, memory=8 * 1024**2)
    assert (given["seed"], Explanations.load("v.npz").seed) == (7, 7)
    for more, told in (
        ([], "'v.npz' is there already"),
        (["--force", "--methods", "shap,lime"], "--values takes one method"),
        (["--force", "--n", "none"], "--n is none; give a whole number of 1 or more, or all"),
    ):
        out = CliRunner().invoke(app, [*words, *more])
        assert told in str(out.exception), more
    assert not (tmp_path / "reports").exists()
