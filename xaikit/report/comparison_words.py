"""The words of the page that compares models and of the index, in English and Korean."""

from __future__ import annotations

__all__ = ["COMPARISON_WORDS"]

COMPARISON_WORDS: dict[str, tuple[str, str]] = {
    # the page that compares models
    "compare.kind": ("models compared", "모델 비교"),
    "compare.kicker": (
        "Model comparison · machine learning and deep learning",
        "모델 비교 · 기계 학습과 심층 학습",
    ),
    "compare.model": ("Model {letter}", "모델 {letter}"),
    "compare.protocol": ("Protocol", "방식"),
    "compare.accuracy.nav": ("Accuracy", "정확도"),
    "compare.accuracy.title": ("Is one model more accurate?", "어느 모델이 더 정확한가?"),
    "compare.quality.title": ("Is one model better?", "어느 모델이 더 나은가?"),
    "compare.better": ("{name} better", "{name} 우세"),
    "compare.points": (
        "points of accuracy; grey: too small to matter",
        "정확도 차이(점). 회색: 의미 없을 만큼 작음",
    ),
    "compare.units": (
        "difference in {metric}; grey: too small to matter",
        "{metric} 차이. 회색: 의미 없을 만큼 작음",
    ),
    "compare.each": (
        "{a} {va}, {b} {vb}.",
        "{a} {va}, {b} {vb}.",
    ),
    "compare.bootstrap": (
        "Difference on the same samples, 95 % paired bootstrap.",
        "같은 표본에서의 차이, 95 % 대응 부트스트랩.",
    ),
    "compare.baseline.majority": (
        "always “{says}”, the most frequent class",
        "항상 “{says}” (가장 흔한 분류)",
    ),
    "compare.baseline.mean": ("always the mean, {says}", "항상 평균 {says}"),
    "compare.baseline": (
        "An answer that never looks at the input ({name}): {metric} {value}.",
        "입력을 보지 않는 답({name}): {metric} {value}.",
    ),
    "compare.baseline.a_better": (
        "{name} is worse than an answer that never looks at the input ({base}): {difference}.",
        "{name}: 입력을 보지 않는 답({base})보다 나쁩니다: {difference}.",
    ),
    "compare.baseline.equal": (
        "{name} is no better than an answer that never looks at the input ({base}): {difference}.",
        "{name}: 입력을 보지 않는 답({base})보다 낫지 않습니다: {difference}.",
    ),
    "compare.baseline.not_settled": (
        "{name} is not shown to be better than an answer that never looks at the input ({base}): "
        "{difference}.",
        "{name}: 입력을 보지 않는 답({base})보다 낫다고 확인되지 않았습니다: {difference}.",
    ),
    "compare.weights.none": (
        "No class weights in training, for any model.",
        "학습에 분류 가중치 없음, 모든 모델 동일.",
    ),
    "compare.weights.balanced": (
        "Class weights in training: every class weighs the same, for every model alike. Stated "
        "probabilities are those of equally frequent classes.",
        "학습에 분류 가중치: 모든 모델에서 모든 분류의 무게가 같습니다. 확률은 분류가 같은 빈도일 때의 값입니다.",
    ),
    "compare.quality.nav": ("Quality", "성능"),
    "compare.needed": ("About {n} samples would settle it.", "표본 약 {n}개면 확정할 수 있습니다."),
    "compare.no_interval": ("No interval was measured.", "구간을 측정하지 않았습니다."),
    "compare.verdict.a_better": ("{a} is better", "{a} 우세"),
    "compare.verdict.b_better": ("{b} is better", "{b} 우세"),
    "compare.verdict.equal": ("Practically equal", "사실상 같음"),
    "compare.verdict.not_settled": ("Not settled", "미확정"),
    "compare.short.a_better": ("{metric}: {a} is ahead of {b}", "{metric}: {a} 우세 ({b} 대비)"),
    "compare.short.b_better": ("{metric}: {b} is ahead of {a}", "{metric}: {b} 우세 ({a} 대비)"),
    "compare.short.equal": ("{metric}: practically equal", "{metric}: 사실상 같음"),
    "compare.short.not_settled": ("{metric}: not settled", "{metric}: 미확정"),
    "compare.short.body": (
        "{b} against {a}: {difference} {interval}. More than ±{rope} would matter here.",
        "{b} 대 {a}: {difference} {interval}. ±{rope} 넘게 차이 나야 의미가 있습니다.",
    ),
    "compare.short.same": ("They use similar features", "비슷한 특징을 씁니다"),
    "compare.short.differ": ("They use different features", "다른 특징을 씁니다"),
    "compare.short.agree_body": (
        "Rank agreement between models is {value}; the same model trained twice reaches {ceiling}.",
        "모델 간 순위 일치 {value}. 같은 모델을 두 번 학습하면 {ceiling}.",
    ),
    "compare.short.cost": ("Cost: {cheap} is cheaper to run", "비용: {cheap} 쪽이 쌉니다"),
    "compare.short.cost_equal": ("Cost is no reason either way", "비용은 선택의 이유가 아닙니다"),
    "compare.short.cost_body": (
        "One answer takes {fast} ({cheap}) to {slow} ({dear}).",
        "답 하나에 {fast} ({cheap})에서 {slow} ({dear}).",
    ),
    "compare.calibration.nav": ("Calibration and data", "보정과 데이터"),
    "compare.calibration.title": (
        "Are the probabilities honest, and how much data does each need?",
        "확률은 정직하며, 데이터는 얼마나 필요한가?",
    ),
    "compare.calibration.chart": (
        "When it says 80 %, is it right 8 times in 10?",
        "80 %라고 하면 10번 중 8번 맞는가?",
    ),
    "compare.calibration.sub": (
        "Share that is truly so (%), groups of equal size, 95 % intervals",
        "실제 비율(%), 같은 크기의 묶음, 95 % 구간",
    ),
    "compare.calibration.gap": ("{name}, gap {gap} points", "{name}, 차이 {gap}점"),
    "compare.calibration.x": ("stated probability", "말한 확률"),
    "compare.perfect": ("perfect", "완벽"),
    "compare.learning.chart": (
        "{metric} by number of training samples",
        "학습 표본 수에 따른 {metric}",
    ),
    "compare.learning.sub": (
        "Mean over draws; whisker: lowest and highest",
        "반복 평균. 수염: 최저와 최고",
    ),
    "compare.learning.x": ("training samples", "학습 표본"),
    "compare.cost.nav": ("Cost", "비용"),
    "compare.cost.title": ("What does each model cost to run?", "각 모델의 비용은 얼마인가?"),
    "compare.cost.model": ("Model", "모델"),
    "compare.cost.quality": ("Quality", "성능"),
    "compare.cost.fit": ("Training", "학습"),
    "compare.cost.answer": ("One answer", "답 하나"),
    "compare.cost.size": ("Size", "크기"),
    "compare.cost.learned": ("Numbers learned", "학습한 수"),
    "compare.cost.explanation": ("One {method} explanation", "{method} 설명 하나"),
    "compare.cost.exact": ("exact, {time}", "정확, {time}"),
    "compare.cost.calls": ("{n} calls, {time}", "호출 {n}회, {time}"),
    "compare.same.nav": ("Same features?", "같은 특징?"),
    "compare.same.title": (
        "Do the models look at the same features?",
        "모델들이 같은 특징을 보는가?",
    ),
    "compare.same.lead": (
        "Same accuracy does not mean same reasons. Features that move together can stand in for each other.",
        "정확도가 같아도 이유가 같은 것은 아닙니다. 함께 움직이는 특징은 서로를 대신할 수 있습니다.",
    ),
    "compare.same.chart": (
        "Share of evidence, {n} strongest features",
        "근거 비율, 상위 특징 {n}개",
    ),
    "compare.same.sub": (
        "Mean absolute {method} value, {unit}, same removal and target for all",
        "{method} 절댓값의 평균, {unit}, 제거와 대상은 모두 동일",
    ),
    "compare.same.axis": ("{share} of all evidence", "전체 근거의 {share}"),
    "compare.same.gap": ("gap", "차이"),
    "compare.same.points": ("{n} pts", "{n}점"),
    "compare.agree.chart": ("Rank agreement, with its ceiling", "순위 일치와 그 상한"),
    "compare.agree.sub": (
        "Mean over samples; whisker: 95 % interval",
        "표본 평균. 수염: 95 % 구간",
    ),
    "compare.agree.self": ("{a} against {a}, other seed", "{a} 대 {a}, 다른 시드"),
    "compare.agree.ceiling": ("ceiling", "상한"),
    "compare.agree.pair": ("{a} against {b}", "{a} 대 {b}"),
    "compare.agree.compared": ("what is compared", "비교 대상"),
    "compare.reading": ("Reading.", "읽는 법."),
    "compare.reading.real": (
        "The models disagree more than they disagree with themselves, so part of the difference is real.",
        "모델끼리의 불일치가 자신과의 불일치보다 크므로, 차이의 일부는 실제입니다.",
    ),
    "compare.reading.noise": (
        "The models disagree no more than they disagree with themselves: the difference may be chance.",
        "모델끼리의 불일치가 자신과의 불일치보다 크지 않습니다. 차이는 우연일 수 있습니다.",
    ),
    "compare.reading.unstable": (
        "{name} is no stable guide to “the” important features: average several seeds before quoting a ranking.",
        "{name}: 중요한 특징을 안정적으로 알려 주지 않습니다. 순위를 인용하려면 여러 시드를 평균하세요.",
    ),
    # the index
    "index.kind": ("overview", "개요"),
    "index.kicker": ("Reports", "보고서"),
    "index.title": (
        "What do these models base their answers on?",
        "이 모델들은 무엇을 근거로 답하는가?",
    ),
    "index.lead": (
        "One page for each kind of data. Every page starts with which explanation can be believed.",
        "데이터 종류마다 한 쪽입니다. 모든 쪽은 어떤 설명을 믿을 수 있는지부터 답합니다.",
    ),
    "index.open": ("Open the report", "보고서 열기"),
    "index.none": ("No report was written yet.", "아직 보고서가 없습니다."),
    "index.n": ("{n} samples", "표본 {n}개"),
    "index.n.one": ("1 sample", "표본 1개"),
    "index.methods": ("{n} methods", "방법 {n}개"),
    "index.methods.one": ("1 method", "방법 1개"),
    "index.quality": ("{metric} {value}", "{metric} {value}"),
    "index.comparison": ("Machine learning and deep learning", "기계 학습과 심층 학습"),
    "index.compare": ("Machine learning and deep learning", "기계 학습과 심층 학습"),
}
