"""A person's own features, references and targets at the front door, each against the hand-made question."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import xaikit
from xaikit.core.errors import InvalidInput, XaikitError
from xaikit.core.types import Masker, Sample, Segmentation, Target
from xaikit.methods.base import make_method
from xaikit.study.bulk import explain_many
from xaikit.study.plan import Plan, explain

WEIGHTS = np.array([1.0, -2.0, 3.0, 0.5])
ROWS = np.random.default_rng(0).normal(size=(30, 4))
NAMES = ("age", "income", "debt", "job")


def table(k: int = 1):
    """Scores are weighted sums of columns that have names."""
    slopes = WEIGHTS[:, None] * np.arange(1.0, k + 1)
    model = xaikit.wrap(
        lambda x: x @ slopes,
        modality="table",
        background=ROWS[:10],
        names=[f"y{i}" for i in range(k)] if k > 1 else (),
    )
    model.info = {**model.info, "columns": [{"name": n} for n in NAMES]}
    return model


def picture():
    return xaikit.wrap(
        lambda x: x.sum(axis=(1, 2, 3)), modality="image", background=np.zeros((2, 4, 4, 1))
    )


def test_groups_of_columns_are_features_and_the_others_stay_alone() -> None:
    found = explain(table(), ROWS[20:], "shap", features={"money": ["income", 2]})
    assert found.names == ("money", "age", "job")
    apart = explain(table(), ROWS[20:], "shap").values
    np.testing.assert_allclose(
        found.values, np.stack([apart[:, 1] + apart[:, 2], apart[:, 0], apart[:, 3]], 1), atol=1e-9
    )


def test_labels_on_a_grid_are_features_and_negative_ones_are_never_removed() -> None:
    labels = np.full((4, 4), -1)
    labels[0, :2], labels[3] = 7, 40
    (found,) = explain(
        picture(), np.ones((1, 4, 4, 1)), ["occlusion"], features=labels, masker="black"
    )
    assert found.names == ("region 7", "region 40")
    assert found.values.tolist() == [2.0, 4.0]
    assert found.empty == 10.0
    named = explain(table(), ROWS[20], "shap", features=np.array([3, 3, -1, 5]))
    assert named.names == ("age + income", "job")


def test_words_of_one_label_are_one_feature() -> None:
    model = xaikit.wrap(
        lambda texts: np.array([float(len(t)) for t in texts]),
        modality="text",
        sample=np.array(["a", "b"]),
    )
    found = explain(
        model, ["not so bad"], "occlusion", features=np.array([0, 0, 1]), masker="delete"
    )
    assert found.names == ("not so", "bad")
    assert found.values.tolist() == [[2.0, 1.0]]


def test_a_function_gives_each_sample_its_own_features_and_references() -> None:
    def bright(sample: Sample) -> np.ndarray:
        return (sample.x[..., 0] > 0.5).astype(int)

    xs = np.zeros((2, 4, 4, 1), dtype=np.float32)
    xs[0, 0], xs[1, :2] = 1.0, 1.0
    found = explain(
        picture(), xs, "occlusion", features=bright, masker=lambda s: np.full_like(s.x, s.x.mean())
    )
    assert [e.values.tolist() for e in found] == [[-3.0, 3.0], [-4.0, 4.0]]
    assert found[0].masker == "1 reference of your own"


def test_a_function_of_references_is_asked_of_each_sample() -> None:
    xs = np.stack([np.full((4, 4, 1), 0.25), np.full((4, 4, 1), 0.5)])
    found = explain(picture(), xs, "occlusion", features="patches:1", masker=lambda s: s.x / 2)
    assert found.values.tolist() == [[2.0], [4.0]]


def test_own_references_are_those_of_a_masker() -> None:
    own = np.stack([np.zeros(4), np.ones(4)])
    found = explain(table(), ROWS[20:], "occlusion", masker=own)
    made = explain(table(), ROWS[20:], "occlusion", masker=Masker("made", own))
    assert np.array_equal(found.values, made.values)
    np.testing.assert_allclose(found.values, WEIGHTS * (ROWS[20:] - 0.5), atol=1e-9)
    assert found[0].masker == "2 references of your own"
    assert explain(table(), ROWS[20], "occlusion", masker=np.zeros(4))[0].empty == 0.0


@pytest.mark.parametrize("method", ["shap", "occlusion", "lime"])
def test_each_row_has_its_own_target(method) -> None:
    each = [0, "y2", Target(1, space="value")]
    found = explain(table(3), ROWS[20:23], method, target=each)
    assert [t.index for t in found.targets] == [0, 2, 1]
    for i, target in enumerate(each):
        alone = explain(table(3), ROWS[20:23], method, target=target)[i]
        np.testing.assert_allclose(found[i].values, alone.values, atol=1e-9)
    several = explain(table(3), ROWS[20:23], ["occlusion", "random"], target=each)
    assert [e.target.index for e in several] == [0, 0, 2, 2, 1, 1]


def test_targets_of_many_rows_stay_with_their_rows() -> None:
    rows = np.random.default_rng(1).normal(size=(600, 4))
    each = np.arange(600) % 3
    from xaikit.study.given import samples_of

    model = table(3)
    samples = samples_of(model, rows)
    found = explain_many(model, samples, "shap", plan=xaikit.Plan(target=each.tolist()))
    np.testing.assert_allclose(
        found.values, WEIGHTS * (rows - ROWS[:10].mean(0)) * (each + 1)[:, None], atol=1e-8
    )


def test_a_study_takes_them_and_says_so() -> None:
    samples = [Sample(f"s{i}", ROWS[20 + i], "table") for i in range(2)]
    run = xaikit.study(
        table(3), samples, "shap,random", "fast", features={"money": ["income", "debt"]},
        masker=np.zeros(4), target=[2, "y0"],
    )  # fmt: skip
    assert run.failures == ()
    assert (run.config["target"], run.config["masker"]) == (
        "one of each sample",
        "1 reference of your own",
    )
    assert [e.target.index for e in run.of("shap")] == [2, 0]
    assert run.of("shap")[0].names == ("money", "age", "job")


REFUSED = [
    ({"features": np.arange(3)}, r"features is a ndarray of int64 and shape \(3,\); give a name"),
    ({"features": np.zeros(4)}, r"features is a ndarray of float64 and shape \(4,\)"),
    (
        {"features": {"a": ["wage"]}},
        "names the column 'wage' and there are age, income, debt, job; name",
    ),
    (
        {"features": {"a": [0], "b": ["age"]}},
        "column 'age' stands in the group 'b' and in another; name it",
    ),
    ({"features": {"a": [9]}}, "names the column 9 and there are"),
    ({"features": lambda s: 1 / 0}, r"your features= on sample 'row 0' raised ZeroDivisionError"),
    ({"features": lambda s: None}, "features is a NoneType of object and shape"),
    (
        {"masker": np.zeros(3)},
        r"masker is a ndarray of float64 and shape \(3,\); give a name such as 'auto'",
    ),
    ({"masker": np.full(4, np.nan)}, "or finite inputs like the sample's"),
    ({"masker": np.array(["a"] * 4)}, "masker is a ndarray of <U1"),
    ({"masker": lambda s: s.nothing}, "your masker= on sample 'row 0' raised AttributeError"),
    (
        {"target": [0, 1]},
        "target is a list of 2 and there are 3 samples; give one name, number or Target",
    ),
    ({"target": 1.5}, "target is a float of 0 and there are 3 samples"),
    ({"target": [0, 1, 7]}, "target '7' is no"),
]


@pytest.mark.parametrize(("own", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_does_not_fit_is_refused_in_one_sentence(own, said) -> None:
    with pytest.raises(XaikitError, match=said):
        explain(table(3), ROWS[20:23], "occlusion", **own)


def test_groups_of_columns_need_columns() -> None:
    with pytest.raises(
        InvalidInput, match="groups of columns and a image sample has no columns; give"
    ):
        explain(picture(), np.ones((1, 4, 4, 1)), "occlusion", features={"a": [0]})


def test_gradients_take_own_features_and_references() -> None:
    net = nn.Linear(4, 1, bias=False)
    with torch.no_grad():
        net.weight.copy_(torch.tensor(WEIGHTS)[None])
    model = xaikit.wrap(net, modality="table", background=ROWS[:5])
    found = explain(
        model, ROWS[20:22], "integrated_gradients", features={"ab": [0, 1]}, masker=np.ones(4)
    )
    parts = WEIGHTS * (ROWS[20:22] - 1)
    np.testing.assert_allclose(
        found.values, np.stack([parts[:, 0] + parts[:, 1], parts[:, 2], parts[:, 3]], 1), atol=1e-5
    )
    cut = Segmentation([0, 0, 1, 2], ("ab", "c", "d"), "by hand")
    same = explain(model, ROWS[20:22], "integrated_gradients", features=cut, masker=np.ones((1, 4)))
    np.testing.assert_allclose(found.values, same.values, atol=1e-6)


def test_what_is_no_model_is_told_how_to_become_one() -> None:
    for ask in (xaikit.explain, xaikit.study):
        with pytest.raises(InvalidInput, match=r"a list is no model of xaikit; wrap it first"):
            ask([1.0], ROWS[:2], "shap")
    run = xaikit.study(table(), ROWS[20:22], "shap,random", "none")
    assert [sample.id for sample in run.samples] == ["row 0", "row 1"]


def test_a_method_named_with_settings_is_the_configured_one() -> None:
    from xaikit.methods.removal import Occlusion
    from xaikit.study.plan import choose_methods

    named = "occlusion:window=4:stride=2,noisy:of=occlusion:n_samples=6:noise=0.2,random"
    chosen, refused = choose_methods(table(), named)
    assert not refused
    assert chosen[0] == Occlusion(window=4, stride=2)
    assert (chosen[1].of, chosen[1].n_samples, chosen[1].noise) == ("occlusion", 6, 0.2)
    assert chosen[2].name == "random"
    with pytest.raises(InvalidInput, match=r"'occlusion:wide=4' sets nothing of occlusion; write"):
        choose_methods(table(), "occlusion:wide=4")
    with pytest.raises(InvalidInput, match="'shap:budget' sets nothing of shap; write name=value"):
        choose_methods(table(), "shap:budget")


def test_groups_and_labels_are_read_from_the_words_of_the_command_line(tmp_path) -> None:
    from xaikit.app.options import features_of

    assert features_of("patches:4", None) == "patches:4"
    groups = features_of("auto", "money = income, debt; who=0;")
    assert groups == {"money": ("income", "debt"), "who": (0,)}
    (found,) = explain(table(), ROWS[:1], ["shap"], features=groups)
    assert found.names == ("money", "who", "job")
    assert found.values[0] == pytest.approx(((ROWS[0] - ROWS[:10].mean(0)) * WEIGHTS)[1:3].sum())
    np.save(tmp_path / "cut.npy", np.array([0, 0, 1, -1]))
    np.testing.assert_array_equal(features_of(str(tmp_path / "cut.npy"), None), [0, 0, 1, -1])
    np.save(tmp_path / "code.npy", np.array([{}], dtype=object))
    for features, text, said in (
        ("words", "a=b", "--features words and --groups say two things; keep one"),
        ("auto", "money", "--groups holds 'money'; write name=column,column"),
        (str(tmp_path / "none.npy"), None, r"none.npy' cannot be read \(No such file or directory"),
        (str(tmp_path / "code.npy"), None, "code.npy'.*save whole numbers with numpy.save"),
    ):
        with pytest.raises(InvalidInput, match=said):
            features_of(features, text)


def test_a_study_keeps_what_features_are_worth_together_and_the_page_shows_it(tmp_path) -> None:
    model = xaikit.wrap(lambda x: 2 * x[:, 0] * x[:, 1] + x[:, 3], modality="table", background=np.zeros((1, 4)))  # fmt: skip
    run = xaikit.study(model, ROWS[:3], "shap,random", "none", interactions=2)
    run = xaikit.Run.load(run.save(tmp_path / "run"))
    kept = [xaikit.Interactions.from_json(one) for one in run.context["interactions"]]
    assert [one.sample_id for one in kept] == ["row 0", "row 1"]
    assert kept[1].matrix()[0, 1] == pytest.approx(2 * ROWS[1, 0] * ROWS[1, 1])
    page = xaikit.write_report(run, tmp_path / "page.html").read_text("utf-8")
    assert page.count('<div class="together">') == 2
    assert "What features are worth together" in page
    plain = xaikit.study(model, ROWS[:3], "shap,random", "none")
    assert "interactions" not in plain.context


def test_arrays_as_features_and_references_of_series_are_taken_by_every_front_door() -> None:
    """An array is never compared with a name."""
    model = xaikit.wrap(
        lambda x: x.sum(axis=(1, 2)), modality="series", background=np.zeros((2, 4, 1))
    )
    x, cut = np.arange(4.0)[:, None], np.array([0, 0, 1, 1])[:, None]
    own = {"features": cut, "masker": np.zeros((4, 1))}
    assert explain(model, x, "shap", **own)[0].values.tolist() == [1, 5]
    assert explain_many(
        model, [Sample("a", x, "series")], make_method("shap"), plan=Plan(**own)
    ).values.tolist() == [[1, 5]]
    assert xaikit.study(model, x, "shap,random", "none", **own).of("shap")[0].values.tolist() == [
        1,
        5,
    ]
