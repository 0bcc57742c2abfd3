"""Numbers about explanations: importing this registers every metric and measure."""

from xaikit.core.agreement import (
    agreement_scores,
    agreements,
    consensus,
    disagreement_test,
    disagreements,
    masker_tau,
    pairwise_agreement,
)
from xaikit.metrics.base import MEASURES, METRICS, Measure, Metric, over_samples
from xaikit.metrics.faithfulness import CompletenessGap, Removal, RemovalTest
from xaikit.metrics.fine_tuned import FFidelity
from xaikit.metrics.plausibility import Plausibility
from xaikit.metrics.sanity import OwnSample, Randomisation, RandomLogit
from xaikit.metrics.segmentation import SegmentationStability
from xaikit.metrics.stability import Stability, neighbours

__all__ = [
    "MEASURES",
    "METRICS",
    "CompletenessGap",
    "FFidelity",
    "Measure",
    "Metric",
    "OwnSample",
    "Plausibility",
    "RandomLogit",
    "Randomisation",
    "Removal",
    "RemovalTest",
    "SegmentationStability",
    "Stability",
    "agreement_scores",
    "agreements",
    "consensus",
    "disagreement_test",
    "disagreements",
    "masker_tau",
    "neighbours",
    "over_samples",
    "pairwise_agreement",
]
