"""Numbers about explanations: importing this registers every metric and measure."""

from xaikit.metrics.agreement import (
    agreement_scores,
    consensus,
    disagreement_test,
    disagreements,
    pairwise_agreement,
)
from xaikit.metrics.base import MEASURES, METRICS, Measure, Metric, over_samples
from xaikit.metrics.faithfulness import CompletenessGap, Removal, RemovalTest, removal_tests
from xaikit.metrics.plausibility import Plausibility
from xaikit.metrics.sanity import Randomisation, RandomLogit
from xaikit.metrics.stability import Stability, neighbours

__all__ = [
    "MEASURES",
    "METRICS",
    "CompletenessGap",
    "Measure",
    "Metric",
    "Plausibility",
    "RandomLogit",
    "Randomisation",
    "Removal",
    "RemovalTest",
    "Stability",
    "agreement_scores",
    "consensus",
    "disagreement_test",
    "disagreements",
    "neighbours",
    "over_samples",
    "pairwise_agreement",
    "removal_tests",
]
