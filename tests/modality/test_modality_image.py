"""Patches, superpixels and what stands for a missing one, on images worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from xaikit.core.errors import InvalidInput
from xaikit.core.types import Sample
from xaikit.modalities import masker, segment


def image(x: np.ndarray) -> Sample:
    return Sample("i", x, "image")


def test_patches_are_square_and_at_most_eight_a_side() -> None:
    found = segment(image(np.zeros((32, 32, 1))))
    assert found.source == "64 patches of 4 x 4 px"
    assert (found.names[0], found.names[20]) == ("row 1, col 1", "row 3, col 5")
    assert found.ids[11, 19] == 2 * 8 + 4
    assert set(found.sizes) == {16.0}


def test_patches_at_the_border_are_smaller_when_the_side_does_not_divide() -> None:
    found = segment(image(np.zeros((5, 7, 3))), "patches:3")  # side ceil(7 / 3) = 3
    assert found.ids.tolist() == [[0, 0, 0, 1, 1, 1, 2]] * 3 + [[3, 3, 3, 4, 4, 4, 5]] * 2
    assert found.sizes.tolist() == [9, 9, 3, 6, 6, 2]


def test_pixels_are_patches_of_one() -> None:
    found = segment(image(np.zeros((2, 3, 1))), "pixels")
    assert found.ids.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found.source == "6 pixels"


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("how", ["slic:4", "quickshift"])
def test_superpixels_keep_to_the_edge_of_two_halves(how: str, channels: int) -> None:
    x = np.zeros((16, 16, channels))
    x[:, 8:] = 1.0
    found = segment(image(x), how)
    left, right = set(found.ids[:, :7].ravel()), set(found.ids[:, 9:].ravel())
    assert not left & right
    assert found.n_features >= 2
    assert found.names[0] == "region 1"
    again = segment(image(x), how)
    assert np.array_equal(found.ids, again.ids)


def test_a_single_superpixel_is_refused() -> None:
    with pytest.raises(
        InvalidInput, match=r"slic finds one region only in sample 'i'.*use 'patches'"
    ):
        segment(image(np.full((16, 16, 3), 0.5)), "slic:1")


def test_mean_colour_is_of_the_background_or_else_of_the_image() -> None:
    s = image(np.array([[[0.0, 1.0, 0.0]], [[1.0, 1.0, 0.5]]]))
    rows = np.zeros((3, 2, 1, 3))
    rows[0] = 0.6
    cut = segment(s, "pixels")
    assert np.allclose(masker(s, cut, rows).references, 0.2)
    assert np.allclose(masker(s, cut).references, [[[[0.5, 1.0, 0.25]]] * 2])
    assert masker(s, cut).name == "mean colour of this image"
    assert masker(s, cut, rows).name == "mean colour of training images"


def test_black_and_the_features_own_colours() -> None:
    s = image(np.array([[[0.2], [0.4], [1.0]]]))
    cut = segment(s, "patches:2")  # columns 0-1 and column 2
    assert masker(s, cut, how="black").references.tolist() == [[[[0.0], [0.0], [0.0]]]]
    assert np.allclose(masker(s, cut, how="segment_mean").references[0, 0, :, 0], [0.3, 0.3, 1.0])


def test_blur_spreads_a_dot_evenly_and_keeps_channels_apart() -> None:
    x = np.zeros((21, 21, 2))
    x[10, 10, 0] = 1.0
    s = image(x)
    blurred = masker(s, segment(s), how="blur").references[0]
    assert blurred[..., 1].max() == 0.0
    assert blurred[..., 0].sum() == pytest.approx(1.0, abs=1e-4)
    # a Gaussian with sigma 2.1: 1 / (2 pi sigma^2) in the middle
    assert blurred[10, 10, 0] == pytest.approx(1 / (2 * np.pi * 2.1**2), rel=0.02)
    assert np.allclose(blurred, blurred[::-1, ::-1])
