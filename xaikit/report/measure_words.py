"""Words of the table of measures, in English and Korean."""

from __future__ import annotations

__all__ = ["MEASURE_WORDS"]

MEASURE_WORDS: dict[str, tuple[str, str]] = {
    "measures.title": ("Every measure of every method", "모든 방법의 모든 측정값"),
    "measures.lead": (
        "Means over samples with 95 % intervals; ↑ higher is better, ↓ lower is better.",
        "표본 평균과 95 % 구간. ↑ 클수록, ↓ 작을수록 좋습니다.",
    ),
    "measures.measure": ("Measure", "측정값"),
    "measures.under": ("replaced by {masker}", "대체: {masker}"),
    "family.faithfulness": (
        "Faithfulness: does the answer hang on it?",
        "충실성: 답이 여기에 달려 있는가?",
    ),
    "family.stability": ("Stability: is it the same again?", "안정성: 다시 해도 같은가?"),
    "family.sanity": ("Sanity: does it depend on the model?", "건전성: 모델에 의존하는가?"),
    "family.plausibility": (
        "Plausibility: what people expect; counts in no verdict",
        "그럴듯함: 사람의 기대이며 판정에 쓰지 않습니다",
    ),
    "place.title": (
        "How much of the evidence lies in {region}?",
        "근거의 얼마가 다음에 있는가: {region}",
    ),
    "place.lead": (
        "This compares with what people expect. It is no test of faithfulness and counts in no verdict.",
        "사람의 기대와 비교합니다. 충실성 시험이 아니며 판정에 쓰지 않습니다.",
    ),
    "place.share": ("Share of supporting evidence inside", "안에 있는 지지 근거의 비율"),
    "place.size": ("dashed: share of the size, {share}", "점선: 크기의 비율 {share}"),
    "place.pointing": ("Strongest place inside", "최강점이 안에"),
    "place.auprc": ("Finds the marked places", "표시된 곳을 찾음"),
    "place.auprc_unit": ("AUPRC ↑", "AUPRC ↑"),
}
