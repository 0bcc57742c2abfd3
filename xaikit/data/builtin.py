"""The built-in data sets: offline, and the same numbers for the same seed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from xaikit.core.registry import Registry
from xaikit.data.dataset import Column, Dataset
from xaikit.data.factors import make_factors
from xaikit.data.lags import make_lags
from xaikit.data.latents import make_handwriting
from xaikit.data.lookup import make_lookup
from xaikit.data.objects import make_scenes
from xaikit.data.pairs import make_dates
from xaikit.data.plates import make_plates
from xaikit.data.pulses import make_pulses
from xaikit.data.reviews import make_reviews
from xaikit.data.rows import Options, Rows, assemble
from xaikit.data.scenes import make_digits
from xaikit.data.sessions import make_sessions
from xaikit.data.tones import make_tones
from xaikit.data.waves import make_waves

__all__ = ["DATASETS"]

DATASETS: Registry[Callable[[int], Dataset]] = Registry("dataset")


@DATASETS.register("digits")
def digits(seed: int = 0) -> Dataset:
    """Handwritten digits at random spots among distractor strokes; the digit's box is known."""
    return make_digits(seed)


@DATASETS.register("breast_cancer")
def breast_cancer(seed: int = 0) -> Dataset:
    """569 tumours by 30 measures of their cell nuclei: malignant or benign."""
    from sklearn.datasets import load_breast_cancer

    raw = load_breast_cancer()
    rows = _rows(raw.data, raw.target, [Column(str(n)) for n in raw.feature_names])
    source = (
        "Breast Cancer Wisconsin (Diagnostic), as shipped with scikit-learn; real measurements."
    )
    # the file's code 0 is malignant
    return assemble(
        rows,
        Options(classes=("malignant", "benign"), seed=seed),
        name="breast_cancer",
        source=source,
        language="en",
    )


@DATASETS.register("wine")
def wine(seed: int = 0) -> Dataset:
    """178 Italian wines by 13 chemical measures: which of three growers' varieties."""
    from sklearn.datasets import load_wine

    raw = load_wine()
    names = [str(n).replace("_", " ") for n in raw.feature_names]
    names[11] = "OD280/OD315 of diluted wines"
    return assemble(
        _rows(raw.data, raw.target, [Column(n) for n in names]),
        Options(classes=("cultivar 1", "cultivar 2", "cultivar 3"), seed=seed),
        name="wine",
        source="Wine recognition data (UCI), as shipped with scikit-learn; real measurements.",
        language="en",
    )


@DATASETS.register("diabetes")
def diabetes(seed: int = 0) -> Dataset:
    """442 patients by 10 measures: how far the disease went in a year (a number)."""
    from sklearn.datasets import load_diabetes

    raw = load_diabetes(scaled=False)
    columns = [
        Column("age", unit="years"),
        Column("sex", ("code 1", "code 2")),  # the source does not say which is which
        Column("body mass index", unit="kg/m²"),
        Column("mean blood pressure", unit="mmHg"),
        Column("total cholesterol (s1)", unit="mg/dl"),
        Column("LDL cholesterol (s2)", unit="mg/dl"),
        Column("HDL cholesterol (s3)", unit="mg/dl"),
        Column("total / HDL cholesterol (s4)"),
        Column("log of triglycerides (s5)"),
        Column("blood sugar (s6)", unit="mg/dl"),
    ]
    x = raw.data.copy()
    x[:, 1] -= 1  # codes count from 0
    return assemble(
        _rows(x, raw.target, columns),
        Options(task="regression", seed=seed),
        name="diabetes",
        source="Diabetes data of Efron et al. (2004), unscaled, as shipped with scikit-learn; real measurements.",
        language="en",
    )


@DATASETS.register("reviews")
def reviews(seed: int = 0) -> Dataset:
    """English and Korean review sentences, composed: negation, contrast and filler."""
    return make_reviews(("en", "ko"), "reviews", seed)


@DATASETS.register("reviews_en")
def reviews_en(seed: int = 0) -> Dataset:
    """The English half of `reviews`."""
    return make_reviews(("en",), "reviews_en", seed)


@DATASETS.register("reviews_ko")
def reviews_ko(seed: int = 0) -> Dataset:
    """The Korean half of `reviews`."""
    return make_reviews(("ko",), "reviews_ko", seed)


@DATASETS.register("waves")
def waves(seed: int = 0) -> Dataset:
    """Noisy series that hide a tone of rising, falling or steady pitch; its place is known."""
    return make_waves(seed)


@DATASETS.register("pulses")
def pulses(seed: int = 0) -> Dataset:
    """Noisy series with a hump, whose height times width is a number to find, and a block that means nothing."""
    return make_pulses(seed)


@DATASETS.register("lags")
def lags(seed: int = 0) -> Dataset:
    """A forecast whose causes are known: two moments of the past, 12 and 30 steps back."""
    return make_lags(seed)


@DATASETS.register("factors")
def factors(seed: int = 0) -> Dataset:
    """Twelve sensors that follow three hidden factors, and anomalies in which one of them does not."""
    return make_factors(seed)


@DATASETS.register("scenes")
def scenes(seed: int = 0) -> Dataset:
    """Pictures of one to four handwritten digits among strokes, to find; each has its box."""
    return make_scenes(seed)


@DATASETS.register("plates")
def plates(seed: int = 0) -> Dataset:
    """Grey plates with holes and scratches, to be marked pixel by pixel."""
    return make_plates(seed)


@DATASETS.register("handwriting")
def handwriting(seed: int = 0) -> Dataset:
    """Random codes for a generator that learns handwritten digits of 28 x 28 px."""
    return make_handwriting(seed)


@DATASETS.register("sessions")
def sessions(seed: int = 0) -> Dataset:
    """What was chosen one after the other; the order of two items decides what comes next."""
    return make_sessions(seed)


@DATASETS.register("lookup")
def lookup(seed: int = 0) -> Dataset:
    """Lines of eight keys with their values, and a key that is asked for: its value follows."""
    return make_lookup(seed)


@DATASETS.register("tones")
def tones(seed: int = 0) -> Dataset:
    """Sounds of noise in which a tone of 1.5 kHz says the class; one of 2.8 kHz means nothing."""
    return make_tones(seed)


@DATASETS.register("dates")
def dates(seed: int = 0) -> Dataset:
    """Dates in eight written forms, to be said as 2021-03-07; none of the test dates was learned."""
    return make_dates(seed)


def _rows(x: np.ndarray, y: np.ndarray, columns: list[Column]) -> Rows:
    return Rows(
        modality="table",
        ids=[f"row-{i + 1}" for i in range(len(x))],
        xs=list(x),
        labels=y,
        parts=[""] * len(x),
        columns=tuple(columns),
    )
