"""Pictures one pixel wide or high: the page and the figure show every feature."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image
from toys import FunctionModel

from xaikit.core.types import Sample
from xaikit.report import write_report
from xaikit.report.image_case import cells
from xaikit.study.plan import explain
from xaikit.study.study import study

SHAPES = [(60, 1, 3), (1, 60, 3), (2, 130, 1), (130, 2, 1), (1, 1, 3), (9, 7, 3)]


def weighed(shape: tuple[int, ...]) -> tuple[FunctionModel, Sample]:
    rng = np.random.default_rng(0)
    weights = rng.normal(size=shape)
    model = FunctionModel(lambda x: (x * weights).sum(axis=(1, 2, 3))[:, None], modality="image")
    return model, Sample("thin", rng.random(shape).astype(np.float32), "image")


@pytest.mark.parametrize("shape", SHAPES)
def test_the_page_draws_every_patch_and_keeps_the_picture_in_sight(tmp_path, shape):
    model, sample = weighed(shape)
    run = study(model, [sample], methods=["occlusion"], metrics="none")
    page = write_report(run, tmp_path / "p.html").read_text()
    (found,) = run.explanations
    drawn = cells(found.segmentation.ids)
    assert set(drawn.ravel().tolist()) == set(range(len(found.values)))
    maps = re.findall(r'<image href="data:image/png;base64,([^"]+)" width="96"', page)
    sizes = [Image.open(io.BytesIO(base64.b64decode(m))).size for m in maps]
    assert drawn.shape[::-1] in sizes
    (ratio,) = set(re.findall(r'viewBox="0 0 96 ([\d.]+)"', page))
    assert 96 / 8 <= float(ratio) <= 96 * 8


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("features", ["patches", "pixels"])
def test_the_figure_is_a_map_of_the_picture_and_no_strip_of_time(shape, features):
    model, sample = weighed(shape)
    (found,) = explain(model, sample, ["occlusion"], features=features)
    axes = found.plot().axes[0]
    image, *_ = axes.images  # the hatching of what speaks against may lie on it
    assert np.asarray(image.get_array()) == pytest.approx(found.segmentation.scatter(found.values))
    assert axes.get_xlabel() == ""
