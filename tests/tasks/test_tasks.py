"""What scores mean: predictions, targets, rivals and quality of each task, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.metrics import f1_score, r2_score
from toys import FunctionModel, ask_table

from xaikit.core.errors import InvalidInput
from xaikit.core.types import Sample, Target
from xaikit.data.dataset import Dataset
from xaikit.methods.base import ask, make_method
from xaikit.metrics.sanity import RandomLogit
from xaikit.study.plan import Plan, make_question
from xaikit.study.run import Run
from xaikit.study.study import study
from xaikit.tasks import Classification, MultiLabel, Regression, restored_task, task_of

LABELS = ("cat", "dog", "owl")
SCORES = np.array([[2.0, 1.0, -3.0], [-1.0, -2.0, -0.5], [0.1, 4.0, 0.2]])


def test_labels_have_probabilities_of_their_own() -> None:
    task = MultiLabel(LABELS)
    p = task.predictions(SCORES)
    np.testing.assert_allclose(p, 1 / (1 + np.exp(-SCORES)))
    assert task.chosen(p).tolist() == [[True, True, False], [False] * 3, [True] * 3]
    for k in range(3):
        target = task.target(k, "logit")
        np.testing.assert_array_equal(target(SCORES), SCORES[:, k])  # log-odds are the logit itself
        np.testing.assert_allclose(task.target(k, "prob")(SCORES), p[:, k])
        np.testing.assert_allclose(logit(p[:, k]), target(SCORES))


def test_one_of_the_classes_holds() -> None:
    task = Classification(LABELS)
    p = task.predictions(SCORES)
    np.testing.assert_allclose(p, np.exp(SCORES) / np.exp(SCORES).sum(1, keepdims=True))
    assert task.chosen(p).sum(axis=1).tolist() == [1, 1, 1]
    np.testing.assert_allclose(task.target(1, "logit")(SCORES), logit(p[:, 1]))


def test_rivals() -> None:
    scores = SCORES[0]
    assert MultiLabel(LABELS).runner_up(scores, Target(0, independent=True)) == Target(
        1, independent=True
    )
    two = MultiLabel(("a", "b"))  # of two labels each is a question of its own
    assert two.runner_up(np.array([1.0, 2.0]), Target(1, independent=True)) == Target(
        0, independent=True
    )
    assert Classification(("a", "b")).runner_up(scores[:2], Target(0)) is None
    assert Regression(("a", "b", "c")).runner_up(scores, Target(0, space="value")) is None
    rivals = [t.rivals for t in (MultiLabel(LABELS), Classification(LABELS), Regression(LABELS))]
    assert rivals == [True, True, False]


@pytest.mark.parametrize(
    ("task", "label", "row"),
    [
        (Classification(LABELS), 2, [0, 0, 1]),
        (Classification(LABELS), 1.0, [0, 1, 0]),
        (MultiLabel(LABELS), frozenset({0, 2}), [1, 0, 1]),
        (MultiLabel(LABELS), frozenset(), [0, 0, 0]),
        (MultiLabel(LABELS), set(np.array([1])), [0, 1, 0]),
        (Classification(LABELS), np.array(1), [0, 1, 0]),
        (Regression(), 3.5, [3.5]),
        (Regression(("a", "b")), (3.5, 2), [3.5, 2]),
    ],
)
def test_the_truth_as_a_row(task, label, row) -> None:
    assert task.truth(Sample("s", np.zeros(2), "table", label=label).label).tolist() == row


@pytest.mark.parametrize(
    ("task", "label", "text"),
    [
        (Classification(LABELS), 3, r"the label 3 is no class of cat, dog, owl"),
        (Classification(LABELS), {1}, r"the label \{1\} is no class"),
        (Classification(LABELS), 0.5, r"the label 0.5 is no class"),
        (Classification(LABELS), "cat", r"the label 'cat' is no class"),
        (MultiLabel(LABELS), 1, r"the label 1 does not say which of several labels hold"),
        (MultiLabel(LABELS), (1, 0, 1), r"the label \(1, 0, 1\) does not say which"),
        (MultiLabel(LABELS), {"cat"}, r"the label \{'cat'\} does not say which"),
        (Regression(("a", "b")), ("x", 1), r"gives no value for each of a, b"),
        (MultiLabel(LABELS), {3}, r"the label \{3\} does not say which"),
        (Regression(), {1}, r"gives no value for each of value; give 1 number"),
        (Regression(("a", "b")), 1.0, r"the label 1.0 gives no value for each of a, b; give 2"),
    ],
)
def test_labels_that_mean_nothing_are_refused_by_sample(task, label, text) -> None:
    sample = Sample("s7", np.zeros(2), "table", label=label)
    with pytest.raises(InvalidInput, match=f"sample 's7': .*{text}"):
        task.require_labels([sample])


def test_quality_of_labels() -> None:
    task, labels = MultiLabel(LABELS), [frozenset({0, 1}), frozenset({2}), frozenset({0, 2})]
    found = task.measures(SCORES, labels)
    truth = np.array([[1, 1, 0], [0, 0, 1], [1, 0, 1]])
    assert (found["exact_match"], found["correct"], found["n"]) == (1 / 3, 1, 3)
    assert found["f1"] == pytest.approx(f1_score(truth, SCORES > 0, average="micro"))
    assert found["accuracies"] == pytest.approx([1.0, 2 / 3, 2 / 3])
    quality = task.quality(found)
    assert (quality["metric"], quality["value"], quality["n"]) == ("exact_match", 1 / 3, 3)
    low, high = quality["interval"]
    assert 0 < low < 1 / 3 < high < 1


def test_quality_of_several_values() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(40, 2)) * [1, 10]
    found = truth + rng.normal(size=(40, 2))
    measured = Regression(("a", "b")).measures(found, [tuple(row) for row in truth])
    assert measured["r2"] == pytest.approx(r2_score(truth, found))
    each = r2_score(truth, found, multioutput="raw_values")
    np.testing.assert_allclose(measured["r2_each"], each)
    assert measured["mae"] == pytest.approx(np.abs(truth - found).mean())
    low, high = measured["interval"]
    assert low < measured["r2"] < high
    assert Regression(("a", "b")).quality(measured)["interval"] == [low, high]


def test_quality_of_one_class() -> None:
    task = Classification(LABELS)
    assert task.measures(SCORES, [0, 2, 0]) == {"accuracy": 2 / 3, "n": 3, "correct": 2}


W = np.random.default_rng(2).normal(size=(4, 3))


def labels_model() -> FunctionModel:
    model = FunctionModel(lambda x: x @ W, classes=LABELS, space="logit")
    model.task = MultiLabel(LABELS)
    return model


def test_a_target_means_what_the_model_gives() -> None:
    sample = Sample("s", np.ones(4), "table")
    for asked in ("dog", 1, "1", Target(1), Target(1, independent=True)):
        question = make_question(
            labels_model(), sample, Plan(target=asked, background=np.zeros((2, 4)))
        )
        assert question.target == Target(1, independent=True)
        assert question.output == pytest.approx(W[:, 1].sum())
    predicted = make_question(labels_model(), sample, Plan(background=np.zeros((2, 4)))).target
    assert predicted.index == int(W.sum(axis=0).argmax())
    with pytest.raises(InvalidInput, match="reads the scores as classes of which one holds"):
        ask_table(labels_model(), np.ones(4), target=Target(1))
    plain = FunctionModel(lambda x: x @ W, classes=LABELS, space="logit")
    with pytest.raises(InvalidInput, match="independent labels and the model gives one"):
        ask_table(plain, np.ones(4), target=Target(1, independent=True))
    with pytest.raises(InvalidInput, match="no contrast to the other; ask about each label alone"):
        Target(0, against=1, independent=True)
    with pytest.raises(InvalidInput, match="no contrast to the other"):
        make_question(
            labels_model(), sample, Plan(target=Target(0, against=1), background=np.zeros((2, 4)))
        )


@pytest.mark.parametrize(
    ("label", "text"),
    [
        (None, "has no label"),
        ({0, 2}, r"has 2 labels \(cat, owl\), so target 'label' could mean any"),
        (set(), r"has 0 labels \(none\)"),
    ],
)
def test_the_target_label_of_several_labels(label, text) -> None:
    sample = Sample("s", np.ones(4), "table", label=label)
    with pytest.raises(InvalidInput, match=text):
        make_question(labels_model(), sample, Plan(target="label", background=np.zeros((2, 4))))
    one = Sample("s", np.ones(4), "table", label={2})
    plan = Plan(target="label", background=np.zeros((2, 4)))
    assert make_question(labels_model(), one, plan).target.index == 2


def test_values_are_asked_by_name() -> None:
    model = FunctionModel(lambda x: x @ W, classes=(), space="value")
    model.task = Regression(("price", "area", "rooms"))
    sample = Sample("s", np.ones(4), "table", label=(1, 2, 3))
    for asked in ("area", 1, Target(1, space="value")):
        plan = Plan(target=asked, background=np.zeros((2, 4)))
        assert make_question(model, sample, plan).target == Target(1, space="value")
    for asked, text in (
        ("height", "target 'height' is no output of the model; use .* price, area, rooms"),
        ("label", "has a value for every output"),
        (Target(1), r"a value has no log-odds; use Target\(1, space='value'\)"),
        (Target(3, space="value"), "target 3 does not exist"),
    ):
        with pytest.raises(InvalidInput, match=text):
            make_question(model, sample, Plan(target=asked, background=np.zeros((2, 4))))


def test_values_are_told_by_name() -> None:
    several = Regression(("price", "area", "rooms"))
    assert several.describe(Target(1, space="value")) == "predicted value of 'area'"
    contrast = Target(1, against=2, space="value")
    assert several.describe(contrast) == "predicted value of 'area' less that of 'rooms'"
    assert Regression().describe(Target(0, space="value")) == "predicted value"


def test_a_study_of_labels_is_kept_and_read_again(tmp_path) -> None:
    model = labels_model()
    model.background = np.zeros((3, 4))
    samples = [
        Sample("a", np.ones(4), "table", label={0, 2}),
        Sample("b", -np.ones(4), "table", label=set()),
    ]
    run = study(model, samples, methods=["occlusion"], metrics="none")
    np.testing.assert_allclose(run.predictions, expit(np.stack([s.x for s in samples]) @ W))
    again = Run.load(run.save(tmp_path / "run"))
    assert [s.label for s in again.samples] == [frozenset({0, 2}), frozenset()]
    assert again.explanations[0].target.independent
    assert restored_task(again.context["model"], 3) == MultiLabel(LABELS)
    with pytest.raises(InvalidInput, match="sample 'c': the label 1 does not say which"):
        study(model, [Sample("c", np.ones(4), "table", label=1)], methods=["occlusion"])


def test_the_other_label_is_asked_without_softmax() -> None:
    question = ask_table(
        labels_model(), np.ones(4), np.zeros((1, 4)), target=Target(0, independent=True)
    )
    (found,) = ask(make_method("occlusion"), [question])
    np.testing.assert_allclose(found.values, W[:, 0])  # a term a column: the softmax has none
    (score,) = RandomLogit()(question, found, np.random.default_rng(0))
    rest = W.sum(axis=0)[1:].argmax() + 1
    assert score.note.startswith(f"against '{LABELS[rest]}'")


def test_older_runs_have_the_task_of_their_numbers() -> None:
    assert restored_task({}, 1) == Regression()
    assert restored_task({"classes": ["a", "b"]}, 2) == Classification(("a", "b"))
    assert restored_task({}, 3) == Classification(("0", "1", "2"))
    assert task_of(FunctionModel(lambda x: x, classes=())) == Regression()


def test_a_data_set_of_several_labels_is_refused() -> None:
    rows = tuple(Sample(f"s{i}", np.zeros(2), "table", label={0, 1}) for i in range(3))
    with pytest.raises(
        InvalidInput, match=r"sample 's0' of data set 'd' has the 2 labels \[0, 1\]"
    ):
        Dataset("d", "table", "classification", LABELS, rows, rows, rows)


def test_names_are_one_an_output() -> None:
    with pytest.raises(InvalidInput, match="called a, a; give each a name of its own"):
        Classification(("a", "a"))
