"""The report's own voice from the samples on, in English and Korean."""

from __future__ import annotations

__all__ = ["SAMPLE_WORDS"]

SAMPLE_WORDS: dict[str, tuple[str, str]] = {
    # samples
    "samples.nav": ("Samples", "표본"),
    "samples.title": (
        "What does each method point at, sample by sample?",
        "표본마다 각 방법은 무엇을 가리키는가?",
    ),
    "samples.lead.image": (
        "Each map shows the picture only as an outline, so that colour carries the value. "
        "Outlined: the three strongest {parts}. Blue with hatching speaks against the prediction.",
        "각 지도에는 그림을 윤곽선으로만 두어 색이 값을 나타냅니다. 테두리: 가장 강한 셋({parts}). "
        "파란 빗금은 예측에 반대되는 근거입니다.",
    ),
    "samples.lead.text": (
        "Evidence is grouped to whole words, never to pieces of words. Solid underline: evidence for the "
        "prediction. Dotted underline: against it. Thicker means stronger.",
        "근거는 어절 단위로 묶습니다. 실선 밑줄은 예측을 지지하고 점선 밑줄은 반대합니다. 굵을수록 강합니다.",
    ),
    "samples.lead.table": (
        "Sorted by the first method below. At most eight rows, then one line for the rest.",
        "첫 방법의 크기 순서입니다. 최대 여덟 줄, 나머지는 한 줄로 묶습니다.",
    ),
    "samples.lead.series": (
        "Strips share the time axis of the signal. Blue with hatching speaks against the prediction.",
        "띠는 신호와 같은 시간축을 씁니다. 파란 빗금은 예측에 반대되는 근거입니다.",
    ),
    "samples.chosen": (
        "{shown} of {n} samples are shown: up to half are wrong predictions, the others are the first in order.",
        "{n}개 중 {shown}개를 표시합니다. 절반까지는 오답, 나머지는 앞에서부터입니다.",
    ),
    "filter": ("Show", "보기"),
    "filter.all": ("All {n}", "전체 {n}"),
    "filter.wrong": ("Wrong predictions {n}", "오답 {n}"),
    "filter.disagree": ("Most disagreement {n}", "불일치 큰 순 {n}"),
    "filter.hide_failed": ("Hide methods that failed", "불통과 방법 숨기기"),
    "filter.no_wrong": (
        "No prediction among the samples shown is wrong.",
        "표시한 표본 중 오답이 없습니다.",
    ),
    "filter.shown": ("{n} samples shown", "표본 {n}개 표시"),
    "key.low": ("−scale end", "−척도 끝"),
    "key.high": ("+scale end", "+척도 끝"),
    "key.against": ("against", "반대"),
    "key.for": ("for the prediction", "예측을 지지"),
    "key.word_for": ("for the prediction", "예측을 지지"),
    "key.word_against": ("against", "반대"),
    "key.faint": ("faint: the interval holds 0", "흐림: 구간에 0 포함"),
    "key.share": ("share of the scale end", "척도 끝 대비"),
    "key.label": (
        "Colour key: blue with hatching is evidence against, white none, orange to brown evidence for",
        "색 설명: 파란 빗금은 반대 근거, 흰색은 없음, 주황에서 갈색은 지지 근거",
    ),
    "sample": ("Sample {id}", "표본 {id}"),
    "sample.wrong": ("Wrong: read {read}, is {label}", "오답: 판독 {read}, 실제 {label}"),
    "sample.right": ("Read as {read}, correct", "판독 {read}, 정답"),
    "sample.read": ("Read as {read}", "판독 {read}"),
    "sample.labels": ("Labels read: {read}", "판독한 레이블: {read}"),
    "sample.labels_right": ("Labels read: {read}, all correct", "판독한 레이블: {read}, 모두 정답"),
    "sample.labels_wrong": (
        "Wrong: labels read: {read}, true: {label}",
        "오답: 판독한 레이블 {read}, 실제 {label}",
    ),
    "sample.no_label": ("none", "없음"),
    "sample.at_most": ("≤ {p}", "≤ {p}"),
    "sample.true_value": ("true {value}", "실제 {value}"),
    "sample.value": ("Predicted {read}, true value {label}", "예측 {read}, 실제 {label}"),
    "sample.value_only": ("Predicted {read}", "예측 {read}"),
    "sample.agree": ("methods agree ρ = {value}", "방법 간 일치 ρ = {value}"),
    "sample.explained": ("explained: {target}", "설명 대상: {target}"),
    "sample.true": ("{name} · true", "{name} · 정답"),
    "sample.others": ("{n} others", "그 외 {n}개"),
    "sample.others.one": ("1 other", "그 외 1개"),
    "sample.input": ("Input of sample {id}", "표본 {id}의 입력"),
    "scale.shared": ("{unit}, shared scale", "{unit}, 공통 척도"),
    "scale.own": ("relative, own maximum = 1", "상대값, 최대 = 1"),
    "scale.clipped": ("› reaches {value}", "› 최대 {value}"),
    "scale.end": ("Scale end ±{end} {unit}.", "척도 끝 ±{end} {unit}."),
    "map.label": ("{method}: strongest {features}", "{method}: 가장 강한 특징 {features}"),
    "map.zero": ("No {part} changed the answer", "답을 바꾼 특징이 없습니다 ({part})"),
    "map.stopped": ("Stopped: {reason}", "중단: {reason}"),
    "map.none": ("No result for this sample", "이 표본의 결과 없음"),
    "strongest": (
        "Strongest {parts} by {method}, in {unit} (these lines end at ±{end})",
        "{method} 상위 {parts}, {unit} (이 선의 끝 ±{end})",
    ),
    "strongest.whisker": (
        "; whisker = 95 % interval of the estimate",
        "; 수염 = 추정값의 95 % 구간",
    ),
    "strongest.faint": ("; faint = the interval holds 0", "; 흐린 점 = 구간에 0 포함"),
    "numbers": ("All numbers for this sample", "이 표본의 모든 수치"),
    "numbers.label": ("All numbers for sample {id}", "표본 {id}의 모든 수치"),
    "numbers.feature": ("Feature", "특징"),
    "numbers.rest": ("{n} others, sum", "그 외 {n}개의 합"),
    "numbers.output": ("Output", "출력"),
    "numbers.empty": ("Everything removed", "모두 제거"),
    "numbers.residual": ("Unexplained remainder", "설명되지 않은 나머지"),
    "numbers.seconds": ("Time", "시간"),
    "numbers.calls": ("Model calls", "모델 호출"),
    "numbers.note": ("Note", "비고"),
    "parts.image": ("patches", "패치"),
    "parts.text": ("words", "어절"),
    "parts.table": ("columns", "항목"),
    "parts.series": ("segments", "구간"),
    "part.image": ("patch", "패치"),
    "part.text": ("word", "어절"),
    "part.table": ("column", "항목"),
    "part.series": ("segment", "구간"),
    "text.fold": (
        "{n} words, each below {limit} of the scale (sum {sum})",
        "어절 {n}개, 각각 척도의 {limit} 미만 (합 {sum})",
    ),
    "table.feature": ("Column", "항목"),
    "table.value": ("This sample", "이 표본"),
    "table.note": (
        "Diamond: this sample. Grey bar: middle 90 % of the training data, tick at its median. Filled dot raises, "
        "open dot lowers the {target}; whisker: 95 % interval; faint: the interval holds 0.",
        "마름모: 이 표본. 회색 막대: 학습 데이터의 가운데 90 %, 눈금은 중앙값. 채운 점은 높이고 빈 점은 낮춥니다({target}). "
        "수염: 95 % 구간, 흐림: 구간에 0 포함.",
    ),
    "table.others": ("{n} other columns", "그 외 항목 {n}개"),
    "table.others.one": ("1 other column", "그 외 항목 1개"),
    "table.in_total": ("{sum} in total", "합계 {sum}"),
    "table.several": ("{n} columns", "항목 {n}개"),
    "sum": ("The sum.", "합."),
    "sum.body": (
        "{method}: start {empty} (everything removed), then {parts} from all {n} {what} = {total} {unit}. "
        "Unexplained remainder: {residual}",
        "{method}: 시작 {empty} (모두 제거), 여기에 {what} {n}개의 {parts} = {total} {unit}. "
        "설명되지 않은 나머지: {residual}",
    ),
    "sum.passed": (", so the “adds up” check is passed.", ". “합이 맞음” 검사를 통과했습니다."),
    "series.common": (
        "{span}: among the strongest of every passed method",
        "{span}: 통과한 모든 방법에서 가장 강한 축에 듦",
    ),
    "series.common_untested": (
        "{span}: among the strongest of every method",
        "{span}: 모든 방법에서 가장 강한 축에 듦",
    ),
    "series.strongest": ("strongest {span}, {value}", "최강 {span}, {value}"),
    "series.more": ("{n} more channels are in the numbers", "나머지 채널 {n}개는 수치에 있습니다"),
    "series.order": (
        "Strips of each method from top to bottom: {names}",
        "각 방법의 띠, 위에서 아래로: {names}",
    ),
    "series.axis": ("{channel} over time", "시간에 따른 {channel}"),
    "series.signal": ("Signal", "신호"),
    # agreement
    "agreement.nav": ("Agreement", "일치도"),
    "agreement.title": ("Do the methods tell the same story?", "방법들이 같은 이야기를 하는가?"),
    "agreement.lead": (
        "Low agreement means at most one of the two is right. High agreement does not prove either.",
        "일치가 낮으면 많아야 하나만 맞습니다. 일치가 높아도 맞다는 증명은 아닙니다.",
    ),
    "agreement.caption": (
        "{metric}, mean over {n} samples. Outlined diagonal: the method against its own second run, "
        "the most any pair could reach (“of”).",
        "{metric}, 표본 {n}개의 평균. 테두리 대각선: 방법을 다시 실행해 자신과 비교한 값으로 어떤 쌍이든 넘을 수 없는 상한입니다.",
    ),
    "agreement.of": ("of {ceiling}", "상한 {ceiling}"),
    "agreement.itself": ("itself", "자신"),
    "agreement.more": ("The same by {metric}", "다른 척도: {metric}"),
    "agreement.few": (
        "Agreement needs two methods and was not measured here.",
        "일치도는 방법이 둘 이상이어야 하며 여기서는 측정하지 않았습니다.",
    ),
    "agreement.unstable": (
        "{name} looks different from the others mostly because it differs from itself ({value}).",
        "{name}: 다른 방법과 다른 것은 주로 자신과도 다르기 때문입니다({value}).",
    ),
    "agreement.alone": (
        "{name} repeats well and still agrees with nobody: a stable picture is not a faithful one.",
        "{name}: 잘 재현되지만 누구와도 일치하지 않습니다. 안정된 그림이 곧 충실한 그림은 아닙니다.",
    ),
    "metric.r2": ("R²", "R²"),
    "metric.mae": ("mean absolute error", "평균 절대 오차"),
    "metric.exact_match": ("share with every label right", "모든 레이블이 맞은 비율"),
    "metric.accuracy": ("accuracy", "정확도"),
    # removal
    "removal.nav": ("Removal test", "제거 시험"),
    "removal.title": (
        "Does the answer collapse when the marked {parts} go?",
        "표시한 부분({parts})을 없애면 답이 무너지는가?",
    ),
    "removal.lead": (
        "Upper row: the strongest are removed first. Lower row: the strongest are put back first. "
        "The shaded area is the distance from random order.",
        "윗줄: 강한 것부터 제거. 아랫줄: 강한 것부터 복원. 칠한 면적은 무작위 순서와의 차이입니다.",
    ),
    "removal.deletion": ("removed", "제거"),
    "removal.insertion": ("put back", "복원"),
    "removal.area": ("area between {value} {interval}", "사이 면적 {value} {interval}"),
    "removal.random": ("random", "무작위"),
    "removal.label": (
        "{method}: answer by share of {parts} {how}, against random order; area between {value}",
        "{method}: {parts} {how} 비율에 따른 답, 무작위와 비교, 사이 면적 {value}",
    ),
    "removal.note_probability": (
        "Horizontal: {parts} {of}, most important first. Vertical: mean probability of the explained answer. "
        "A steeper change than the dashed line is better. Removal makes unusual inputs; read it with the second removal.",
        "가로: 중요한 순서의 {parts} {of}. 세로: 설명한 답의 평균 확률. 점선보다 가파르면 좋습니다. "
        "제거한 입력은 평소와 다르므로 두 번째 제거와 함께 읽으세요.",
    ),
    "removal.note_value": (
        "Horizontal: {parts} {of}, most important first. Vertical: mean predicted value. "
        "A steeper change than the dashed line is better. Removal makes unusual inputs; read it with the second removal.",
        "가로: 중요한 순서의 {parts} {of}. 세로: 예측값의 평균. 점선보다 가파르면 좋습니다. "
        "제거한 입력은 평소와 다르므로 두 번째 제거와 함께 읽으세요.",
    ),
    "removal.numbers": ("The curves in numbers", "곡선의 수치"),
    "removal.share": ("Share", "비율"),
    # not applicable
    "missing.nav": ("Not applicable", "해당 없음"),
    "missing.title": ("What was not run, and why?", "무엇을 실행하지 않았고, 왜인가?"),
    "missing.item": ("Item", "항목"),
    "missing.why": ("Why not here", "이유"),
    "missing.remedy": ("What would make it apply", "적용하려면"),
    "missing.on_samples": ("{method}, samples {ids}", "{method}, 표본 {ids}"),
    "missing.on_samples.one": ("{method}, sample {ids}", "{method}, 표본 {ids}"),
    "missing.of.": ("Every method", "모든 방법"),
    "missing.of.quality": ("Quality of the model", "모델의 성능"),
    "missing.of.removal": ("Removal test", "제거 시험"),
    "missing.of.agreement": ("Agreement", "일치도"),
    "missing.of.second_masker": ("Second way of removing", "두 번째 제거 방식"),
    "missing.none": (
        "Every method that was asked for was run on every sample.",
        "요청한 모든 방법을 모든 표본에 실행했습니다.",
    ),
    # glossary
    "glossary.nav": ("Glossary", "용어"),
    "glossary.title": ("What does each method ask?", "각 방법은 무엇을 묻는가?"),
    "glossary.misleads": ("Where it misleads:", "오해하기 쉬운 점:"),
    # provenance
    "provenance.nav": ("Provenance", "재현"),
    "provenance.title": ("How can this be checked or repeated?", "어떻게 확인하고 재현하는가?"),
    "provenance.copy": ("Copy", "복사"),
    "provenance.copied": ("Copied", "복사했습니다"),
    "provenance.command": ("Command", "명령"),
    "provenance.no_command": (
        "No command was recorded; the run was made in Python.",
        "기록된 명령이 없습니다. Python에서 실행했습니다.",
    ),
    "provenance.model": ("Model", "모델"),
    "provenance.data": ("Data", "데이터"),
    "provenance.source": ("Source", "출처"),
    "provenance.software": ("Software", "소프트웨어"),
    "provenance.machine": ("Machine", "기계"),
    "provenance.numbers": ("Numbers", "수치"),
    "provenance.every": (
        "{folder}/: every figure here, as JSON and NPZ",
        "{folder}/: 이 보고서의 모든 수치, JSON과 NPZ",
    ),
    "provenance.in_memory": (
        "Run.save(folder) writes every figure here as JSON and NPZ",
        "Run.save(folder)가 이 보고서의 모든 수치를 JSON과 NPZ로 씁니다",
    ),
}
