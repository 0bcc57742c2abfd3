"""The built-in data sets: what they hold, that they repeat, and that their rationales are true."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

from xaikit.data import DATASETS, Dataset, load_data
from xaikit.modalities.text import join

TASKS = {
    "diabetes": "regression",
    "pulses": "regression",
    "handwriting": "generation",
    "lags": "forecasting",
    "factors": "reconstruction",
    "scenes": "detection",
    "plates": "segmentation",
    "sessions": "recommendation",
    "lookup": "next_word",
    "dates": "sequence_to_sequence",
}


@pytest.fixture(scope="module")
def sets() -> dict[str, Dataset]:
    return {name: load_data(name) for name in DATASETS}


def samples(data: Dataset) -> list:
    return [*data.train, *data.val, *data.test]


def test_the_names_are_those_of_the_documentation() -> None:
    assert DATASETS.names() == (
        "digits", "breast_cancer", "wine", "diabetes", "reviews", "reviews_en", "reviews_ko", "waves",
        "pulses", "lags", "factors", "scenes", "plates", "handwriting", "sessions", "lookup", "tones", "dates",
    )  # fmt: skip


def test_every_set_says_what_it_is(sets: dict[str, Dataset]) -> None:
    for name, data in sets.items():
        assert data.name == name
        assert data.source.endswith(".")
        assert DATASETS.get(name).__doc__
        ids = [s.id for s in samples(data)]
        assert len(set(ids)) == len(ids)
        assert data.task == TASKS.get(name, "classification")
    for name in ("reviews", "waves"):
        assert sets[name].source.startswith("Composed")


@pytest.mark.parametrize("name", ["digits", "reviews", "waves", "wine"])
def test_a_seed_gives_the_same_data_and_another_seed_others(
    name: str, sets: dict[str, Dataset]
) -> None:
    before = np.random.get_state()[1].copy()
    assert load_data(name, seed=0).hash == sets[name].hash
    assert load_data(name, seed=1).hash != sets[name].hash
    assert np.array_equal(before, np.random.get_state()[1])


def test_digits_stand_alone_in_their_boxes(sets: dict[str, Dataset]) -> None:
    data = sets["digits"]
    for s in data.test[:100]:
        rows, columns = np.flatnonzero(s.rationale.any(1)), np.flatnonzero(s.rationale.any(0))
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert s.rationale.sum() == height * width  # a box without holes
        assert height <= 20
        assert width <= 20
        box = s.x[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1, 0]
        assert all(edge.max() > 0.15 for edge in (box[0], box[-1], box[:, 0], box[:, -1]))
        around = np.zeros((34, 34))
        around[1:-1, 1:-1] = s.x[..., 0]
        ring = around[rows[0] : rows[-1] + 3, columns[0] : columns[-1] + 3].copy()
        ring[1:-1, 1:-1] = 0
        assert ring.max() < 0.2  # the gap to any stroke: noise alone
    outside = [s.x[..., 0][~s.rationale].max() for s in data.test]
    assert np.mean(np.array(outside) > 0.5) > 0.95  # nearly every scene has bright distractors


def test_no_handwritten_digit_is_in_two_splits(sets: dict[str, Dataset]) -> None:
    data = sets["digits"]
    splits = [{s.id.split("-")[1] for s in split} for split in (data.train, data.val, data.test)]
    assert [len(s) for s in splits] == [1259, 179, 359]
    assert len(set.union(*splits)) == 1797
    assert len(data.train) == 4 * 1259


def test_malignant_is_class_zero_and_the_small_one(sets: dict[str, Dataset]) -> None:
    data = sets["breast_cancer"]
    assert data.classes == ("malignant", "benign")
    labels = np.concatenate([data.labels(p) for p in ("train", "val", "test")])
    assert np.bincount(labels).tolist() == [212, 357]
    assert data.columns[0].name == "mean radius"
    radius = np.array([s.x[0] for s in samples(data)])
    assert radius[labels == 0].mean() > radius[labels == 1].mean()  # tumours of cancer are larger


def test_diabetes_keeps_its_own_units(sets: dict[str, Dataset]) -> None:
    data = sets["diabetes"]
    raw = load_diabetes(scaled=False)
    sample = data.test[0]
    row = int(sample.id.split("-")[1]) - 1
    assert sample.label == raw.target[row]
    assert sample.x[[0, 2]].tolist() == raw.data[row, [0, 2]].tolist()
    assert {s.x[1] for s in samples(data)} == {0.0, 1.0}
    assert data.columns[1].categories == ("code 1", "code 2")
    assert data.columns[2].unit == "kg/m²"


def test_reviews_come_back_as_text_and_are_all_different(sets: dict[str, Dataset]) -> None:
    every = samples(sets["reviews"])
    assert len({s.meta["text"] for s in every}) == len(every) == 8000
    for s in every:
        assert join([str(w) for w in s.x], s.meta["spaces"]) == s.meta["text"]
        assert "*" not in s.meta["text"]
        assert "@" not in s.meta["text"]
        assert "{" not in s.meta["text"]
        assert 0 < s.rationale.sum() <= 7
    counts = np.unique([(s.meta["language"], s.label) for s in every], axis=0, return_counts=True)[
        1
    ]
    assert counts.tolist() == [2000] * 4
    assert sets["reviews"].language == "mul"
    assert (sets["reviews_en"].language, sets["reviews_ko"].language) == ("en", "ko")


NEGATORS = {
    "not",
    "never",
    "hardly",
    "no",
    "않았다",
    "않았어요",
    "않았습니다",
    "않았고",
    "않았지만",
}
CONTRAST = {"but", "although", "비록", "하지만", "그래도", "물론"}


def opinions(words: list[str], language: str) -> list[int]:
    """What each opinion word says, 0 or 1, turned round by its negation."""
    from xaikit.data import reviews_english, reviews_korean

    korean = [[form for both in side for form in both] for side in reviews_korean.OPINIONS]
    known = korean if language == "ko" else reviews_english.OPINIONS
    found, turned = [], False
    for word in reversed(words) if language == "ko" else words:  # 훌륭하지 않았다, not brilliant
        starts = [(len(f), label) for label in (0, 1) for f in known[label] if word.startswith(f)]
        if word in NEGATORS:
            turned = True
        elif starts:
            found.append(max(starts)[1] ^ turned)
            turned = False
    return found


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_marked_words_decide_and_the_others_say_the_opposite(
    language: str, sets: dict[str, Dataset]
) -> None:
    from xaikit.data import reviews_english, reviews_korean

    people = reviews_korean.PEOPLE if language == "ko" else reviews_english.PEOPLE
    conceded = 0
    for s in samples(sets[f"reviews_{language}"]):
        words = [str(w).lower() for w in s.x]
        marked = [w for w, kept in zip(words, s.rationale, strict=True) if kept]
        others = [w for w, kept in zip(words, s.rationale, strict=True) if not kept]
        assert set(opinions(marked, language)) == {s.label}, s.meta["text"]
        if not s.meta["text"].startswith(people):  # nobody else's opinion is told
            assert set(opinions(others, language)) <= {1 - s.label}, s.meta["text"]
            conceded += bool(opinions(others, language))
        assert set(words) & CONTRAST == set(marked) & CONTRAST, s.meta["text"]
        if set(marked) & CONTRAST:
            assert opinions(others, language), s.meta["text"]
    assert conceded > 1000


def test_word_order_matters_in_reviews(sets: dict[str, Dataset]) -> None:
    """Bags of words do well and not perfectly: there is something left for a net to learn."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    data = sets["reviews"]
    read = TfidfVectorizer(token_pattern=r"\S+", sublinear_tf=True, ngram_range=(1, 2))
    model = LogisticRegression(C=10).fit(
        read.fit_transform(" ".join(s.x) for s in data.train), data.labels("train")
    )
    accuracy = model.score(read.transform(" ".join(s.x) for s in data.test), data.labels("test"))
    assert 0.75 < accuracy < 0.92


def test_waves_stand_out_where_the_rationale_says(sets: dict[str, Dataset]) -> None:
    data = sets["waves"]
    inside, outside = [], []
    for s in samples(data):
        change = np.abs(np.diff(s.x[:, 0]))
        mask = s.rationale[1:, 0]
        assert 32 <= s.rationale.sum() <= 44
        assert np.abs(np.diff(s.rationale[:, 0].astype(int))).sum() <= 2  # one stretch
        inside.append(change[mask].mean())
        outside.append(change[~mask].mean())
    assert np.mean(np.array(inside) > np.array(outside)) > 0.98
    assert data.classes == ("falling", "rising", "steady")


def test_the_pitch_of_waves_moves_as_their_class_says(sets: dict[str, Dataset]) -> None:
    """Time between zero crossings, early and late in the tone."""
    ratio: dict[int, list[float]] = {0: [], 1: [], 2: []}
    for s in samples(sets["waves"]):
        tone = s.x[s.rationale[:, 0], 0]
        tone = tone - tone.mean()
        early, late = np.array_split(tone[4:-4], 2)
        crossings = [1 + (np.diff(np.sign(part)) != 0).sum() for part in (early, late)]
        ratio[s.label].append(crossings[1] / crossings[0])
    falling, rising, steady = (np.mean(ratio[label]) for label in (0, 1, 2))
    assert falling < 0.9 < steady < 1.12 < rising
