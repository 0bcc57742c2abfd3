"""Names and one-line meanings of every measure, in English and Korean."""

from __future__ import annotations

__all__ = ["MEASURE_WORDS"]

NAMES = {
    "srg": ("Gain over the reverse order", "역순 대비 이득"),
    "deletion": ("Deletion", "제거 곡선"),
    "insertion": ("Insertion", "복원 곡선"),
    "comprehensiveness": ("Comprehensiveness", "포괄성"),
    "sufficiency": ("Sufficiency", "충분성"),
    "infidelity": ("Infidelity", "불충실도"),
    "faithfulness_correlation": ("Faithfulness correlation", "충실성 상관"),
    "completeness_gap": ("Completeness gap (median)", "합의 오차(중앙값)"),
    "f_fidelity": ("F-Fidelity", "F-Fidelity"),
    "f_fidelity_plus": ("F-Fidelity, removed", "F-Fidelity, 제거"),
    "f_fidelity_minus": ("F-Fidelity, kept", "F-Fidelity, 유지"),
    "seed_agreement": ("Second run", "두 번째 실행"),
    "input_stability": ("Small input noise", "입력의 작은 잡음"),
    "segmentation_stability": ("Other segmentation", "다른 분할"),
    "randomisation": ("Weights drawn anew", "가중치 다시 뽑기"),
    "randomisation_strength": ("Weights drawn anew, strength", "가중치 다시 뽑기, 세기"),
    "random_logit": ("Another class", "다른 분류"),
    "pointing_game": ("Pointing game", "최강점 위치"),
    "relevance_mass": ("Relevance mass", "근거의 비율"),
    "relevance_rank": ("Relevance rank", "근거의 순위"),
    "auprc": ("AUPRC", "AUPRC"),
    "token_f1": ("Token F1", "토큰 F1"),
    "iou_f1": ("IoU F1", "IoU F1"),
}
MEANINGS = {
    "srg": (
        "area between removing the least and the most important first; a random order gives 0",
        "덜 중요한 것부터와 중요한 것부터 제거한 곡선 사이의 면적. 무작위는 0",
    ),
    "deletion": (
        "mean answer while the strongest are removed first",
        "강한 것부터 제거할 때의 평균 답",
    ),
    "insertion": (
        "mean answer while the strongest are put back first",
        "강한 것부터 복원할 때의 평균 답",
    ),
    "comprehensiveness": (
        "fall of the answer without the top features",
        "상위 특징을 뺄 때 답의 하락",
    ),
    "sufficiency": (
        "fall of the answer with the top features alone",
        "상위 특징만 남길 때 답의 하락",
    ),
    "infidelity": (
        "squared error of predicting removals from the values",
        "값으로 제거의 효과를 예측할 때의 제곱 오차",
    ),
    "faithfulness_correlation": (
        "correlation of removed values with the fall of the answer",
        "제거한 값과 답의 하락 사이의 상관",
    ),
    "completeness_gap": (
        "share of the output that the parts miss",
        "부분의 합이 놓치는 출력의 비율",
    ),
    "f_fidelity": (
        "removed minus kept, on a model tuned to removed parts",
        "제거에 맞춘 모델에서 제거와 유지의 차",
    ),
    "f_fidelity_plus": (
        "fall without the top features, on a model tuned to removed parts",
        "제거에 맞춘 모델에서 상위 특징을 뺄 때의 하락",
    ),
    "f_fidelity_minus": (
        "fall with the top features alone, on a model tuned to removed parts",
        "제거에 맞춘 모델에서 상위 특징만 남길 때의 하락",
    ),
    "seed_agreement": (
        "overlap of the top features of two runs",
        "두 실행의 상위 특징이 겹치는 비율",
    ),
    "input_stability": (
        "likeness under noise that keeps the prediction",
        "예측을 바꾸지 않는 잡음에서의 유사도",
    ),
    "segmentation_stability": (
        "likeness when the features are cut differently",
        "특징을 다르게 나눌 때의 유사도",
    ),
    "randomisation": (
        "likeness that is left with random weights",
        "무작위 가중치에서 남는 유사도",
    ),
    "randomisation_strength": (
        "the same for strength without the sign",
        "부호를 뺀 세기의 같은 값",
    ),
    "random_logit": (
        "likeness of the pictures of two classes",
        "두 분류의 그림이 닮은 정도",
    ),
    "pointing_game": (
        "whether the strongest place lies in the marked part",
        "가장 강한 곳이 표시된 부분 안에 있는지",
    ),
    "relevance_mass": (
        "share of supporting evidence in the marked part",
        "표시된 부분 안의 지지 근거 비율",
    ),
    "relevance_rank": (
        "share of the strongest places in the marked part",
        "가장 강한 곳 중 표시된 부분에 있는 비율",
    ),
    "auprc": (
        "how well strength finds the marked places",
        "세기로 표시된 곳을 찾는 정도",
    ),
    "token_f1": (
        "overlap of the strongest with the marked words",
        "가장 강한 어절과 표시된 어절의 겹침",
    ),
    "iou_f1": (
        "matches of word spans with the marked spans",
        "어절 구간과 표시된 구간의 일치",
    ),
}
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
    **{f"measure.{k}": v for k, v in NAMES.items()},
    **{f"measure.{k}.means": v for k, v in MEANINGS.items()},
}
