"""What scikit-learn models read: parity with the libraries, and values worked by hand."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from skimage.feature import hog
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from xaikit.core.errors import ModelError
from xaikit.core.types import Floats
from xaikit.models.features import Columns, Gradients, Pixels, Strongest, Summary, WordGrams

TEXTS = [
    "The film is good , the cast is good",
    "a bad film",
    "good film bad cast",
    "the cast is",
    "never",
]


def words(text: str) -> Floats:
    return np.array(text.split(), dtype=str)


def test_columns_equal_scaler_and_one_hot() -> None:
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.normal(3, 2, 50), rng.integers(0, 3, 50), rng.normal(size=50)])
    ours = Columns((0, 3, 0)).fit(x)
    theirs = make_column_transformer(
        (StandardScaler(), [0, 2]), (OneHotEncoder(sparse_output=False), [1])
    )
    np.testing.assert_allclose(ours.transform(x), theirs.fit_transform(x), atol=1e-12)
    assert ours.owners.tolist() == [0, 2, 1, 1, 1]


def test_columns_take_constants_and_unknown_codes() -> None:
    made = Columns((0, 2)).fit(np.array([[5.0, 0.0], [5.0, 1.0]]))
    assert made.transform(np.array([[6.0, 7.0]])).tolist() == [[1.0, 0.0, 0.0]]


@pytest.mark.parametrize("min_texts", [1, 2])
def test_word_grams_equal_tfidf(min_texts: int) -> None:
    ours = WordGrams(min_texts).fit([words(t) for t in TEXTS])
    theirs = TfidfVectorizer(
        ngram_range=(1, 2), sublinear_tf=True, min_df=min_texts, token_pattern=r"\S+"
    ).fit(TEXTS)
    assert ours.grams_.tolist() == theirs.get_feature_names_out().tolist()
    new = [*TEXTS, "a film never seen is good good good", "", "unknown", "the", "cast is"]
    found = ours.transform([words(t) for t in new]).toarray()
    np.testing.assert_allclose(found, theirs.transform(new).toarray(), atol=1e-12)


def test_mask_words_are_left_out() -> None:
    grams = WordGrams(1).fit([words(t) for t in TEXTS])
    masked = grams.transform([words("the [MASK] cast [MASK] [MASK]")]).toarray()
    plain = grams.transform([words("the cast")]).toarray()
    assert masked.tolist() == plain.tolist()
    assert masked.any()


def test_masked_texts_are_those_that_were_made() -> None:
    grams = WordGrams(1).fit([words(t) for t in TEXTS])
    text = words("The film is bad , the [MASK] film is good")
    shown = np.random.default_rng(1).random((200, len(text))) < 0.6
    shown[0] = False
    made = grams.transform([text[row] for row in shown])
    assert abs(grams.reader(text)(shown) - made).max() < 1e-15


def test_grams_that_stand_nowhere_twice_are_refused() -> None:
    with pytest.raises(ModelError, match="no word stands in 2 training texts"):
        WordGrams().fit([words("one two"), words("three four")])


@pytest.mark.parametrize(("score", "y"), [("chi2", [0, 0, 1, 1]), ("f", [0.0, 0.1, 1.0, 1.1])])
def test_the_strongest_columns_are_kept_in_order(score: Any, y: list[float]) -> None:
    x = np.array([[1, 0, 5, 0, 1], [0, 1, 5, 0, 1], [1, 9, 5, 8, 0], [1, 9, 5, 9, 0]], dtype=float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn on the constant column
        made = Strongest(2, score).fit(csr_matrix(x), np.array(y))
    assert made.transform(csr_matrix(x)).tolist() == x[:, [1, 3]].tolist()


@pytest.mark.parametrize(("size", "channels", "cell"), [(16, 1, 4), (18, 3, 4), (17, 1, 5)])
def test_gradients_equal_skimage(size: int, channels: int, cell: int) -> None:
    images = np.random.default_rng(2).random((3, size, size + 3, channels))
    images[0, :, :, 0] = 0.5  # flat
    found = Gradients(cell).fit(images).transform(images)
    for image, ours in zip(images, found, strict=True):
        theirs = hog(
            image, 9, (cell, cell), (2, 2), block_norm="L2", channel_axis=2, feature_vector=True
        )
        np.testing.assert_allclose(ours, theirs, atol=1e-6)  # skimage adds up in float32


def test_gradients_refuse_images_without_two_cells() -> None:
    with pytest.raises(ModelError, match=r"7 x 9 px are too small .* use features='pixels'"):
        Gradients().fit(np.zeros((2, 7, 9, 1)))


def test_pixels_are_the_numbers_themselves() -> None:
    x = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    assert Pixels().fit(x).transform(x).tolist() == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]


def test_summary_of_two_windows_by_hand() -> None:
    x = np.array([0.0, 2.0, 4.0, 1.0, 1.0, 1.0]).reshape(1, 6, 1)
    found = Summary(n_windows=2, n_bands=1).fit(x).transform(x)[0]
    rising = [2.0, np.sqrt(8 / 3), 2.0, 0.0, 4.0]  # mean, deviation, slope, lowest, highest
    np.testing.assert_allclose(found[:10], [*rising, 1.0, 0.0, 0.0, 1.0, 1.0], atol=1e-12)


def test_summary_finds_the_band_of_a_wave() -> None:
    time = np.arange(64)
    x = np.stack([np.sin(2 * np.pi * cycles * time / 64) for cycles in (3, 27)])[:, :, None]
    found = Summary(n_windows=1, n_bands=8).fit(x).transform(x)[:, 5:]
    assert found.argmax(axis=1).tolist() == [0, 6]


@pytest.mark.parametrize("length", [1, 2, 5])
def test_summary_of_short_series_is_finite(length: int) -> None:
    x = np.random.default_rng(3).random((4, length, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = Summary().fit(x).transform(x)
    assert np.isfinite(found).all()
    assert found.shape[1] == 2 * (5 * length + length // 2)
