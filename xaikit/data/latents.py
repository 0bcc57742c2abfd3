"""Codes for a generator that learns the pictures of a data set; and `handwriting`, digits to learn from."""

from __future__ import annotations

import numpy as np
import scipy

from xaikit.core.errors import InvalidInput
from xaikit.core.sample import MODALITIES
from xaikit.core.types import Floats, Sample
from xaikit.data.dataset import Column, Dataset
from xaikit.data.rows import Options, Rows, assemble
from xaikit.data.scenes import enlarged

__all__ = ["latents_of", "make_handwriting"]

SIZES = {"train": 1000, "val": 100, "test": 100}
SIDE = 28
TALL = (20, 24)  # px of a digit, smallest and largest
LEAN = 0.3  # px aside a px upwards, at most
VIEWS = 3  # pictures of each handwritten digit


def latents_of(data: Dataset, n: int = 8, seed: int = 0) -> Dataset:
    """Random codes of n latents, each from a normal law of mean 0 and deviation 1; the pictures stay in `real`."""
    if MODALITIES.get(data.modality).inputs != "pixels" or data.task != "classification":
        raise InvalidInput(
            f"a generator learns pictures of classes and '{data.name}' is a {data.task} of {data.modality}; give "
            "a folder of pictures, handwriting or digits."
        )
    rows = np.random.default_rng([seed, 8]).normal(size=(sum(SIZES.values()), n))
    codes = iter(Sample(f"code-{i + 1}", row, "table") for i, row in enumerate(rows))
    parts = {part: tuple(next(codes) for _ in range(many)) for part, many in SIZES.items()}
    return Dataset(
        name=data.name,
        modality="table",
        task="generation",
        classes=(),
        outputs=("brightness", "slant", "width", "height"),
        columns=tuple(Column(f"latent {i + 1}") for i in range(n)),
        source=f"Random codes of {n} latents. The pictures to learn from: {data.source}",
        language=data.language,
        facts={"rows": len(rows), "split": "drawn at random", "form": data.facts.get("form", ())},
        real=data,
        train=parts["train"],
        val=parts["val"],
        test=parts["test"],
    )


def make_handwriting(seed: int) -> Dataset:
    """Codes for digits of 28 x 28 px; each handwritten digit is shown in three sizes and slants, in one split."""
    from sklearn.datasets import load_digits

    rng, raw = np.random.default_rng([seed, 9]), load_digits()
    order = rng.permutation(len(raw.target))
    n_test = len(order) // 5
    parts = np.repeat(
        ["test", "val", "train"], [n_test, n_test // 2, len(order) - n_test - n_test // 2]
    )
    which = np.repeat(order, VIEWS)
    rows = Rows(
        modality="image",
        ids=[f"digit-{i}-{k % VIEWS}" for k, i in enumerate(which)],
        xs=[_shown(raw.images[i] / 16.0, rng) for i in which],
        labels=raw.target[which],
        parts=np.repeat(parts, VIEWS).tolist(),
    )
    source = "Real handwritten digits (UCI, as shipped with scikit-learn), enlarged and slanted at random."
    real = assemble(rows, Options(seed=seed), name="handwriting", source=source, language="en")
    return latents_of(real, seed=seed)


def _shown(digit: Floats, rng: np.random.Generator) -> Floats:
    """(28, 28, 1), the digit in the middle."""
    drawn = enlarged(digit, int(rng.integers(TALL[0], TALL[1] + 1)))[:SIDE, :SIDE]
    room = [SIDE - n for n in drawn.shape]
    whole = np.pad(drawn, [(n // 2, n - n // 2) for n in room])
    lean = rng.uniform(-LEAN, LEAN)
    turn = [[1, 0], [lean, 1]]
    moved = scipy.ndimage.affine_transform(whole, turn, offset=(0, -lean * (SIDE - 1) / 2), order=1)
    return np.asarray(moved.clip(0, 1)[..., None], dtype=np.float32)
