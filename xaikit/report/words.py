"""Every word of the pages' own voice, in English and Korean side by side.

Names of features, classes and samples are never translated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xaikit.core.errors import UnknownName
from xaikit.report.comparison_words import COMPARISON_WORDS
from xaikit.report.evidence_words import EVIDENCE_WORDS
from xaikit.report.measure_words import MEASURE_WORDS
from xaikit.report.sample_words import SAMPLE_WORDS

__all__ = ["LANGUAGES", "WORDS", "Words"]

LANGUAGES = ("en", "ko")

# key: (English, Korean); "{n}" and the like are filled in; a key with ".one" is its singular
WORDS: dict[str, tuple[str, str]] = {
    # frame
    "skip": ("Skip to the content", "본문으로 건너뛰기"),
    "theme": ("Colours", "색 구성"),
    "theme.auto": ("Auto", "자동"),
    "theme.light": ("Light", "밝게"),
    "theme.dark": ("Dark", "어둡게"),
    "sections": ("Sections", "구역"),
    "footer": (
        "One file, no network, readable without scripts. Written by xaikit {version}. "
        "Associations in the model, not causes in the world.",
        "파일 하나, 네트워크 없음, 스크립트 없이도 읽을 수 있습니다. xaikit {version} 작성. "
        "모델 안의 연관이며 현실의 인과가 아닙니다.",
    ),
    "not_tested": ("Not yet tested", "아직 시험하지 않음"),
    "kicker": ("Explanation study · {samples}", "설명 비교 연구 · {samples}"),
    "title": (
        "What does this model base its answers on, and which explanations of it can be believed?",
        "이 모델은 무엇을 근거로 답하며, 어떤 설명을 믿을 수 있는가?",
    ),
    # header facts
    "fact.model": ("Model", "모델"),
    "fact.data": ("Data", "데이터"),
    "fact.output": ("Output explained", "설명한 출력"),
    "fact.features": ("Features", "특징"),
    "fact.removal": ("Removal", "제거 방식"),
    "fact.samples": ("Samples", "표본"),
    "fact.seeds": ("Seed", "시드"),
    "fact.run": ("Run", "실행"),
    "fact.weights": ("{n} weights", "가중치 {n}개"),
    "fact.accuracy": ("{n} · accuracy {value} {interval}", "{n} · 정확도 {value} {interval}"),
    "fact.quality": ("{n} · {metric} {value} {interval}", "{n} · {metric} {value} {interval}"),
    "fact.no_quality": ("quality not yet tested", "성능은 아직 시험하지 않음"),
    "fact.even": ("{unit} (0 = even chance)", "{unit} (0 = 반반)"),
    "fact.labels": (
        "several labels can hold, each with its own probability",
        "여러 레이블이 함께 성립할 수 있으며 확률은 각각 따로입니다",
    ),
    "outputs.probabilities": (
        "its outputs were found to be probabilities (they sum to 1)",
        "출력을 확률로 판단함 (합이 1)",
    ),
    "outputs.log_probabilities": (
        "its outputs were found to be log-probabilities",
        "출력을 로그 확률로 판단함",
    ),
    "outputs.logits": (
        "its outputs were taken as logits",
        "출력을 로짓으로 판단함",
    ),
    "fact.same": ("same for every method", "모든 방법에 동일"),
    "fact.replace": ("Replaced by {masker}", "대체: {masker}"),
    "fact.second": ("checked with {masker} too", "다음으로도 확인: {masker}"),
    "fact.one_masker": ("one kind of removal only", "한 가지 제거만 시험"),
    "fact.n_samples": ("{n} scored, {shown} shown", "{n}개 채점, {shown}개 표시"),
    "fact.chosen.all": ("all test rows", "시험 행 전부"),
    "fact.chosen.first": (
        "the first of {of} test rows, in their order",
        "시험 행 {of}개 중 앞에서부터",
    ),
    "fact.chosen.drawn": (
        "drawn from {of} test rows with seed {seed}",
        "시험 행 {of}개에서 시드 {seed}로 추출",
    ),
    "fact.chosen.others": ("chosen by hand", "직접 고름"),
    "fact.wrong": ("{wrong} of {n} are wrong predictions", "{n}개 중 {wrong}개는 오답"),
    "fact.intervals": ("intervals: 95 %, bootstrap", "구간: 95 %, 부트스트랩"),
    "fact.no_intervals": ("fewer than 10 samples: no intervals", "표본 10개 미만: 구간 없음"),
    "fact.run_id": ("run {id}", "run {id}"),
    "target.predicted": ("Predicted class", "예측한 분류"),
    "target.label": ("True class", "실제 분류"),
    "target.predicted_label": ("Most probable label", "가장 확률 높은 레이블"),
    "target.label_label": ("True label", "실제 레이블"),
    "target.mixed_label": ("Chosen label", "선택한 레이블"),
    "target.values": ("Predicted value of {names}", "예측값: {names}"),
    "target.value": ("Predicted value", "예측값"),
    "target.mixed": ("Chosen class", "선택한 분류"),
    "unit.log-odds": ("log-odds", "로그 오즈"),
    "unit.probability": ("probability", "확률"),
    "unit.score": ("score", "점수"),
    "unit.relative": ("relative", "상대값"),
    # short answer
    "short": ("Short answer", "짧은 답"),
    "short.use": ("Use {n} of {of} methods", "{of}개 방법 중 {n}개를 쓰세요"),
    "short.use_all": ("All {of} methods passed", "{of}개 방법이 모두 통과했습니다"),
    "short.use_all.one": ("The only method passed", "유일한 방법이 통과했습니다"),
    "short.use_none": ("No method passed here", "통과한 방법이 없습니다"),
    "short.untested": ("No method has been tested yet", "아직 시험한 방법이 없습니다"),
    "short.passed": ("{names} passed every check.", "모든 검사 통과: {names}."),
    "short.unsettled": ("Not shown to be faithful: {names}.", "충실성 미확인: {names}."),
    "short.failed": ("Failed: {names}.", "불통과: {names}."),
    "short.untested_body": (
        "The maps below are what the methods say; whether they hold up was not measured in this run.",
        "아래 그림은 방법들의 주장일 뿐이며, 이 실행에서는 맞는지 측정하지 않았습니다.",
    ),
    "short.no_explanation": (
        "No method gave an explanation in this run.",
        "이 실행에서는 어떤 방법도 설명을 내지 못했습니다.",
    ),
    "short.why": ("Why", "이유"),
    "short.details": ("Details", "자세히"),
    "short.case": ("See a case", "사례 보기"),
    "short.gallery": ("See the samples", "표본 보기"),
    "short.where": ("The evidence lies in {region}", "근거의 위치: {region}"),
    "short.where_not": (
        "The evidence is not tied to {region}",
        "근거가 {region}에 모이지 않습니다",
    ),
    "short.where_open": (
        "Where the evidence lies is not settled",
        "근거의 위치는 확정되지 않았습니다",
    ),
    "short.where_body": (
        "By {name}, {share} {interval} of the evidence lies there; its size alone would give {expected}.",
        "{name} 기준 근거의 {share} {interval}; 크기만으로는 {expected}.",
    ),
    "short.where_none": (
        "No method passed, so none is used to say what drives the model.",
        "통과한 방법이 없어 모델을 움직이는 것을 말할 수 없습니다.",
    ),
    "short.top_feature": ("Most evidence: {region}", "가장 큰 근거: {region}"),
    "short.wrong": ("{wrong} of {n} answers are wrong", "{n}개 중 {wrong}개 답이 틀렸습니다"),
    "short.wrong_body": (
        "An explanation of a wrong answer shows what misled the model.",
        "틀린 답의 설명은 무엇이 모델을 오도했는지 보여 줍니다.",
    ),
    "short.right": ("All {n} answers shown are right", "{n}개 답이 모두 맞습니다"),
    "short.right.one": ("The answer shown is right", "이 답은 맞습니다"),
    "short.accuracy": (
        "On {n} test samples the model is right in {value} {interval}.",
        "시험 표본 {n}개에서 정확도 {value} {interval}.",
    ),
    "short.quality": ("The model's quality", "모델의 성능"),
    "short.quality_body": (
        "{metric} {value} {interval} on {n} test samples.",
        "시험 표본 {n}개에서 {metric} {value} {interval}.",
    ),
    "short.blind.a_better": (
        "It is worse than an answer that never looks at the input ({name}: {value}).",
        "입력을 보지 않는 답보다 나쁩니다({name}: {value}).",
    ),
    "short.blind.equal": (
        "It is no better than an answer that never looks at the input ({name}: {value}).",
        "입력을 보지 않는 답보다 낫지 않습니다({name}: {value}).",
    ),
    "short.blind.not_settled": (
        "It is not shown to be better than an answer that never looks at the input ({name}: {value}).",
        "입력을 보지 않는 답보다 낫다고 확인되지 않았습니다({name}: {value}).",
    ),
    "short.unknown_quality": (
        "The model's quality on test data was not yet tested.",
        "시험 데이터에서의 성능은 아직 시험하지 않았습니다.",
    ),
    # verdict table
    "verdict.nav": ("Verdict", "판정"),
    "verdict.title": (
        "Which explanation can be believed here?",
        "여기서 어떤 설명을 믿을 수 있는가?",
    ),
    "verdict.lead": (
        "Passing means the marked {parts} change this model’s answer when removed. "
        "It does not mean the reason is medically, legally or physically right.",
        "통과했다는 것은 표시된 부분({parts})을 제거하면 이 모델의 답이 바뀐다는 뜻입니다. "
        "그 근거가 실제로 옳다는 뜻은 아닙니다.",
    ),
    "verdict.note": (
        "{n} samples. A method is “faithful here” only when every check passes; the failing check is named.",
        "표본 {n}개. 모든 검사를 통과해야 “이 연구에서 충실함”이며, 통과하지 못한 검사를 밝힙니다.",
    ),
    "verdict.note.one": (
        "1 sample: too few to settle any check. Read every picture as a claim.",
        "표본 1개: 어떤 검사도 확정할 수 없습니다. 모든 그림을 주장으로만 읽으세요.",
    ),
    "verdict.method": ("Method", "방법"),
    "verdict.reason": ("Verdict and reason", "판정과 이유"),
    "verdict.better": ("Better than random?", "무작위보다 나은가?"),
    "verdict.better_unit": (
        "area between removing least and most important first ↑",
        "덜 중요한 것부터와 중요한 것부터 제거한 곡선 사이 면적 ↑",
    ),
    "verdict.repeats": ("Repeats?", "재현되는가?"),
    "verdict.depends": ("Depends on the model?", "모델에 의존하는가?"),
    "verdict.agrees": ("Agrees with passed", "통과 방법과 일치"),
    "verdict.cost": ("Cost per sample", "표본당 비용"),
    "verdict.cost_unit": ("model calls · time", "모델 호출 · 시간"),
    "verdict.reference": ("reference 0.00", "기준 0.00"),
    "verdict.vs_trivial": ("than the trivial control", "단순 대조군보다"),
    "verdict.by_class": ("by class", "분류별"),
    "verdict.as_control": ("{name} (control)", "{name}(대조군)"),
    "verdict.checks": ("All {n} checks", "검사 {n}개 모두"),
    "verdict.checks.one": ("The check", "검사"),
    "verdict.all_passed": ("All {n} checks passed.", "검사 {n}개를 모두 통과했습니다."),
    "verdict.random_reason": (
        "The reference line for every comparison.",
        "모든 비교의 기준선입니다.",
    ),
    "verdict.control_beats": (
        "Beats random without looking at the model at all, so beating random is not enough.",
        "모델을 전혀 보지 않고도 무작위를 이깁니다. 무작위를 이기는 것만으로는 부족합니다.",
    ),
    "verdict.control_reason": (
        "Never asks the model; a method must beat it.",
        "모델에 묻지 않습니다. 방법은 이 대조군을 이겨야 합니다.",
    ),
    "verdict.untested_reason": (
        "No check was measured in this run.",
        "이 실행에서 측정한 검사가 없습니다.",
    ),
    "verdict.empty": (
        "No method gave an explanation; the reasons stand under “Not applicable”.",
        "설명을 낸 방법이 없습니다. 이유는 “해당 없음”에 있습니다.",
    ),
    "verdict.not_converged": ("not converged", "수렴하지 않음"),
    "badge.faithful": ("Faithful here", "이 연구에서 충실함"),
    "badge.unsettled": ("Not shown to be faithful", "충실성 미확인"),
    "badge.failed": ("Failed: do not rely on it", "불통과: 근거로 쓰지 마세요"),
    "badge.not_tested": ("Not yet tested", "아직 시험하지 않음"),
    "badge.control": ("Control", "대조군"),
    "badge.n/a": ("Does not apply", "해당 없음"),
    "badge.error": ("Stopped", "중단됨"),
    "short_badge.faithful": ("Faithful here", "충실함"),
    "short_badge.unsettled": ("Not shown", "미확인"),
    "short_badge.failed": ("Failed", "불통과"),
    "short_badge.not_tested": ("Not tested", "시험 전"),
    "short_badge.control": ("Control", "대조군"),
    "short_badge.error": ("No result", "결과 없음"),
    "mark.pass": ("passed", "통과"),
    "mark.open": ("not settled", "미확정"),
    "mark.fail": ("failed", "불통과"),
    # checks: name, what it asks, and a finding built from its numbers
    "gate.beats_random": ("Better than random", "무작위보다 나음"),
    "gate.beats_trivial": ("Better than the trivial control", "단순 대조군보다 나음"),
    "gate.depends_on_model": ("Depends on the model", "모델에 의존"),
    "gate.depends_on_class": ("Depends on the class", "분류에 의존"),
    "gate.adds_up": ("Adds up", "합이 맞음"),
    "gate.repeats": ("Repeats", "재현됨"),
    "asks.beats_random": (
        "Removing what it marks changes the answer more than removing at random.",
        "표시한 부분을 없애면 무작위로 없앨 때보다 답이 더 크게 바뀝니다.",
    ),
    "asks.beats_trivial": (
        "It finds more than what simply stands out in the input.",
        "입력에서 눈에 띄는 것 이상을 찾아냅니다.",
    ),
    "asks.depends_on_model": (
        "The picture changes when the model’s knowledge is erased.",
        "모델의 학습을 지우면 그림도 바뀝니다.",
    ),
    "asks.depends_on_class": (
        "The picture changes when another class is asked about.",
        "다른 분류를 물으면 그림도 바뀝니다.",
    ),
    "asks.adds_up": ("The parts sum to the model’s output.", "부분을 더하면 모델 출력이 됩니다."),
    "asks.repeats": ("A second run gives the same picture.", "다시 실행해도 같은 그림이 나옵니다."),
    "short_gate.beats_random": ("no better than random", "무작위"),
    "short_gate.beats_trivial": ("no better than the control", "단순 대조"),
    "short_gate.depends_on_model": ("ignores the model", "모델 의존"),
    "short_gate.depends_on_class": ("same for every class", "분류 의존"),
    "short_gate.adds_up": ("does not add up", "합"),
    "short_gate.repeats": ("not repeatable", "재현성"),
    "found": (
        "{name}: {value} {interval}; needed: {limit}.",
        "{name}: {value} {interval} (기준 {limit}).",
    ),
    "found.unmeasured": ("{name}: not measured.", "{name}: 측정하지 않음."),
    # what drives it
    "drivers.nav": ("What drives it", "모델을 움직이는 것"),
    "drivers.title": (
        "Where does the evidence lie, over all samples?",
        "전체 표본에서 근거는 어디에 있는가?",
    ),
    "drivers.lead": (
        "Share of the evidence per region, with 95 % intervals.",
        "영역별 근거 비율과 95 % 구간.",
    ),
    "drivers.lead_few": (
        "Share of the evidence per region; fewer than 10 samples, so each is shown as a tick.",
        "영역별 근거 비율. 표본이 10개 미만이어서 하나씩 눈금으로 표시합니다.",
    ),
    "drivers.all": ("all {n} samples", "표본 {n}개 전체"),
    "drivers.all.one": ("one sample", "표본 1개"),
    "drivers.note": (
        "The dashed mark is the share that a region’s size alone explains. Evidence to the right of it is "
        "more than that. Methods that did not pass are left out of this block.",
        "점선은 영역의 크기만으로 설명되는 비율입니다. 그보다 오른쪽이면 크기로 설명되지 않는 근거입니다. "
        "통과하지 못한 방법은 이 블록에서 제외했습니다.",
    ),
    "drivers.note_untested": (
        "The dashed mark is the share that a region’s size alone explains. No method has been tested yet, "
        "so all are shown: read them as claims.",
        "점선은 영역의 크기만으로 설명되는 비율입니다. 아직 시험한 방법이 없어 모두 표시하니 주장으로만 읽으세요.",
    ),
    "drivers.none": (
        "No method passed every check, so none is used to say what drives the model.",
        "모든 검사를 통과한 방법이 없어 모델을 움직이는 것을 말하는 데 쓰지 않습니다.",
    ),
    "drivers.elsewhere": ("Elsewhere", "그 밖"),
    "drivers.middle": ("Middle of the picture", "그림 가운데"),
    "drivers.edge": ("Edge of the picture", "그림 가장자리"),
    "drivers.fifth": ("Part {i} of 5 of the time", "시간의 {i}/5 구간"),
}
WORDS |= SAMPLE_WORDS | EVIDENCE_WORDS | MEASURE_WORDS | COMPARISON_WORDS


@dataclass(frozen=True)
class Words:
    """The page's voice in one language: `words("key", n=3)`."""

    language: str = "en"

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise UnknownName(
                f"a report has no language '{self.language}'; use one of {', '.join(LANGUAGES)}."
            )

    def __call__(self, key: str, /, **values: Any) -> str:
        """The words of a key; a "n" (or "of") of 1 picks the singular where there is one."""
        single = str(values.get("n", values.get("of"))) == "1" and f"{key}.one" in WORDS
        return self.told(WORDS[f"{key}.one" if single else key]).format(**values)

    def told(self, pair: tuple[str, str]) -> str:
        """What is told in English and in Korean, in the page's language."""
        return pair[LANGUAGES.index(self.language)]

    def listed(self, names: Sequence[str]) -> str:
        """Names as one would say them: "A, B and C"."""
        if len(names) < 2 or self.language != "en":
            return ", ".join(names)
        return f"{', '.join(names[:-1])} and {names[-1]}"

    def known(self, key: str, otherwise: str) -> str:
        """The words of a key that may not exist."""
        return self(key) if key in WORDS else otherwise
