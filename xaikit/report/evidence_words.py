"""The words of the evidence: agreement, consensus, ranks, removal and convergence, in English and Korean."""

from __future__ import annotations

__all__ = ["EVIDENCE_WORDS"]

EVIDENCE_WORDS: dict[str, tuple[str, str]] = {
    # what the columns of the verdict table mean
    "meaning.title": ("What the columns mean", "각 열의 뜻"),
    "meaning.cost": (
        "How often the model was called for one sample, and how long it took.",
        "표본 하나를 설명하려고 모델을 부른 횟수와 걸린 시간입니다.",
    ),
    "meaning.agrees": (
        "Ranks features like the methods that passed; not proof. “of”: the most that noise would allow.",
        "통과한 방법과 순위가 비슷합니다. 증명은 아닙니다. “상한”: 잡음이 허용하는 최댓값.",
    ),
    "not_converged.some": (
        "not converged: {k} of {n} samples",
        "수렴하지 않음: 표본 {n}개 중 {k}개",
    ),
    "terms.converged.means": (
        "Sampling stopped before the error bars were as small as asked; more model calls would narrow them.",
        "오차 막대가 요청한 만큼 작아지기 전에 멈췄습니다. 더 많이 부르면 좁아집니다.",
    ),
    # on the cards
    "quality.fit": ("fit R² {value}", "적합 R² {value}"),
    "quality.poor_fit": ("poor fit: R² {value}", "적합 나쁨: R² {value}"),
    "quality.gap": ("sum off by {value}", "합의 오차 {value}"),
    "quality.error": ("±{value} at most", "최대 ±{value}"),
    "terms.title": ("What do the small figures mean?", "작은 수치는 무엇을 뜻하는가?"),
    "terms.fit": ("Fit R²", "적합 R²"),
    "terms.fit.means": (
        "How well LIME’s simple sum imitates the model near this sample, 0 to 1; below 0.30 its weights say little.",
        "LIME의 단순한 합이 이 표본 주위의 모델을 얼마나 잘 흉내 내는지(0–1). 0.30 미만이면 가중치의 의미가 적습니다.",
    ),
    "terms.gap": ("Sum off by", "합의 오차"),
    "terms.gap.means": (
        "Share of the model’s output that the parts fail to add up to; at most 5 % is allowed.",
        "부분을 더해도 모자라거나 남는 출력의 비율입니다. 5 %까지 허용합니다.",
    ),
    "terms.error": ("± and error bars", "±와 오차 막대"),
    "terms.error.means": (
        "Half of the 95 % interval of a sampled value, the widest of the picture. Faint: it holds 0, so even the sign is open.",
        "표집한 값의 95 % 구간의 절반이며 그림에서 가장 넓은 것입니다. 흐림: 0을 포함하여 부호도 알 수 없습니다.",
    ),
    "terms.converged": ("Not converged", "수렴하지 않음"),
    "terms.rho": ("ρ", "ρ"),
    "terms.rho.means": (
        "Rank correlation of strength: 1 is the same order of features, 0 is no relation.",
        "세기의 순위 상관입니다. 1은 같은 순서, 0은 무관함입니다.",
    ),
    # disagreement
    "differ.title": ("Which methods really disagree?", "어떤 방법들이 실제로 어긋나는가?"),
    "differ.lead": (
        "A pair disagrees when it agrees less than each method agrees with its own second run. "
        "Dot: how far the two agree. Dashed: what noise alone would leave.",
        "각 방법이 자신의 두 번째 실행과 일치하는 것보다 서로 덜 일치하면 어긋난 것입니다. "
        "점: 두 방법의 일치. 점선: 잡음만 있을 때의 값.",
    ),
    "differ.count": (
        "Of {n} pairs of methods {real} disagree beyond noise, {same} do not, and {open} are not settled.",
        "방법 쌍 {n}개 중 {real}개는 잡음을 넘어 어긋나고, {same}개는 그렇지 않으며, {open}개는 확정되지 않았습니다.",
    ),
    "differ.pair": ("{a} and {b}", "{a} – {b}"),
    "differ.methods": ("Methods", "방법"),
    "differ.agreement": ("Agreement", "일치"),
    "differ.finding": ("Finding", "판단"),
    "differ.cause": ("Cause", "원인"),
    "differ.real": (
        "The two disagree: they agree {value} of {ceiling} that noise would allow.",
        "서로 어긋남: 잡음이 허용하는 {ceiling} 중 {value}만 일치.",
    ),
    "differ.same": (
        "No disagreement beyond noise: they agree {value} of {ceiling} that noise would allow.",
        "잡음을 넘는 불일치 없음: 잡음이 허용하는 {ceiling} 중 {value} 일치.",
    ),
    "differ.open": (
        "Not settled: they agree {value} of {ceiling} that noise would allow, on {n} samples; 10 are needed.",
        "미확정: 표본 {n}개에서 잡음이 허용하는 {ceiling} 중 {value} 일치. 10개가 필요합니다.",
    ),
    "differ.less": ("{value} less {interval}", "{value} 낮음 {interval}"),
    "differ.more": ("The other {n} pairs", "나머지 {n}쌍"),
    "differ.more.one": ("The other pair", "나머지 한 쌍"),
    "differ.none": (
        "Not tested: no method’s second run was compared on the same samples.",
        "시험하지 않음: 같은 표본에서 두 번째 실행을 비교한 방법이 없습니다.",
    ),
    "differ.mark": ("disagree beyond noise", "잡음을 넘어 어긋남"),
    "cause.other value function": (
        "They measure different things (on {share} of the samples).",
        "재는 것이 서로 다릅니다(표본의 {share}).",
    ),
    "cause.saturation": (
        "The slope at the sample is {value} of the mean slope on the way to it: the model is saturated.",
        "표본에서의 기울기가 오는 길 평균 기울기의 {value}배입니다. 모델이 포화되어 쓰인 특징이 쓰이지 않은 듯 보입니다.",
    ),
    "cause.resolution": (
        "One sees coarser cells; compared cell by cell, {share} of the missing agreement appears.",
        "한쪽의 칸이 더 넓습니다. 칸 단위로 비교하면 모자란 일치의 {share}가 나타납니다.",
    ),
    "cause.instability": (
        "One agrees only {value} with its own second run.",
        "한쪽은 자신의 두 번째 실행과도 {value}만 일치합니다.",
    ),
    "cause.interactions": (
        "The features act together: leaving them out one by one misses {share} of the change of the output.",
        "특징들이 함께 작용합니다. 하나씩 빼면 출력 변화의 {share}를 놓칩니다.",
    ),
    "cause.not traced": (
        "They agree {value} less than noise would allow, and nothing measured here explains it.",
        "잡음이 허용하는 것보다 {value} 낮으며, 여기서 잰 것으로는 설명되지 않습니다.",
    ),
    # consensus
    "consensus.title": (
        "What do the methods that passed agree on?",
        "통과한 방법들은 무엇에 동의하는가?",
    ),
    "consensus.few": (
        "Consensus needs two methods that passed every check; here {n} did. Nothing is averaged instead.",
        "합의에는 모든 검사를 통과한 방법이 둘 이상 필요하며 여기서는 {n}개입니다. 평균으로 대신하지 않습니다.",
    ),
    "consensus.untested": (
        "Consensus needs two methods that passed every check, and none was tested here.",
        "합의에는 모든 검사를 통과한 방법이 둘 이상 필요하지만 여기서는 시험한 방법이 없습니다.",
    ),
    "consensus.over": (
        "{names} put {share} of all pairs of {parts} in the same order, beyond their error bars "
        "(mean over {n} samples). Each sample shows the order they share.",
        "{names}: 모든 {parts} 쌍의 {share}를 오차 막대를 넘어 같은 순서로 둡니다(표본 {n}개의 평균). "
        "공유하는 순서는 표본마다 표시합니다.",
    ),
    "consensus.card": ("Agreed by all that passed", "통과한 모든 방법이 동의"),
    "consensus.order": (
        "Order by strength: {levels}. Each step is weaker than one in the step before, by every method.",
        "세기 순서: {levels}. 각 단계는 앞 단계의 어느 하나보다 모든 방법에서 약합니다.",
    ),
    "consensus.no_order": (
        "Strongest: not settled, {n} of {of} {parts} may be.",
        "가장 강한 것: 미확정, {parts} {of}개 중 {n}개가 후보.",
    ),
    "consensus.more": ("{n} more", "그 외 {n}개"),
    "consensus.share": (
        "All put {share} of the pairs in the same order.",
        "모든 쌍의 {share}를 같은 순서로 둡니다.",
    ),
    "consensus.for": ("For the prediction, by all {n}: {names}.", "{n}개 모두 지지: {names}."),
    "consensus.against": ("Against it, by all {n}: {names}.", "{n}개 모두 반대: {names}."),
    "consensus.split": ("Sign not agreed: {names}.", "부호 불일치: {names}."),
    "consensus.no_vote": (
        "Fewer than two of them give a sign, so there is no vote on signs.",
        "부호를 주는 방법이 둘 미만이어서 부호 투표가 없습니다.",
    ),
    # ranks
    "ranks.title": (
        "Do the methods differ over the samples?",
        "표본 전체에서 방법들이 서로 다른가?",
    ),
    "ranks.found": (
        "Over {n} samples the {k} methods differ in their gain in this test (Friedman χ² = {value}, {p}).",
        "표본 {n}개에서 방법 {k}개의 이득이 서로 다릅니다(프리드먼 χ² = {value}, {p}).",
    ),
    "ranks.not_found": (
        "Over {n} samples the {k} methods are not told apart (Friedman χ² = {value}, {p}).",
        "표본 {n}개에서 방법 {k}개를 구별할 수 없습니다(프리드먼 χ² = {value}, {p}).",
    ),
    "ranks.reading": (
        "Rank 1 is the best of a sample. Two methods differ when their mean ranks lie more than {cd} apart "
        "(Nemenyi, 5 %); a thick bar joins those that do not. Hollow dots are controls.",
        "순위 1이 그 표본에서 가장 좋습니다. 평균 순위의 차가 {cd}보다 크면 다른 것이며(네메니, 5 %), "
        "굵은 막대는 구별되지 않는 방법을 잇습니다. 빈 점은 대조군입니다.",
    ),
    "ranks.ahead": ("Clearly ahead of {name}: {names}.", "{name}보다 확실히 앞섬: {names}."),
    "ranks.none": ("none", "없음"),
    "ranks.cd": ("critical difference {cd}", "임계 차이 {cd}"),
    "ranks.label": ("Mean ranks: {ranks}", "평균 순위: {ranks}"),
    "ranks.numbers": ("The ranks in numbers", "순위의 수치"),
    "ranks.rank": ("Mean rank", "평균 순위"),
    "ranks.joined": ("Not told apart from", "구별되지 않는 방법"),
    "ranks.left_out": (
        "Left out, because not measured on every sample: {names}.",
        "모든 표본에서 측정하지 않아 제외: {names}.",
    ),
    "ranks.few": (
        "Not tested: ranking needs 3 methods and 10 samples; here {k} methods were measured on {n} samples.",
        "시험하지 않음: 순위에는 방법 3개와 표본 10개가 필요하지만 방법 {k}개, 표본 {n}개입니다.",
    ),
    "ranks.few.one": (
        "Not tested: ranking needs 3 methods and 10 samples; here {k} methods were measured on 1 sample.",
        "시험하지 않음: 순위에는 방법 3개와 표본 10개가 필요하지만 방법 {k}개, 표본 1개입니다.",
    ),
    # how unreal the removals are
    "shift.title": (
        "How unusual are the inputs with removed {parts}?",
        "{parts} 제거한 입력은 얼마나 낯선가?",
    ),
    "shift.sentence": (
        "Replaced by {masker}: inputs with removed parts lie {value} times as far from real data as real data from each other{interval}.",
        "{masker}(으)로 대체: 일부를 제거한 입력은 실제 데이터끼리의 거리의 {value}배만큼 실제 데이터에서 떨어져 있습니다{interval}.",
    ),
    "shift.note": (
        "1 is as usual as real data. Well above 1, the model answers about inputs unlike any that it knows, "
        "and the removal test says less.",
        "1이면 실제 데이터만큼 평범합니다. 1보다 훨씬 크면 모델이 겪지 못한 입력이므로 제거 시험의 의미가 줄어듭니다.",
    ),
    "shift.none": (
        "Not measured: no such distance is defined here (for words, or without data to compare with).",
        "측정하지 않음: 여기서는 거리를 정의할 수 없습니다(단어이거나 비교할 데이터가 없음).",
    ),
    "shift.order": (
        "Order of the methods under the two ways of removing: Kendall’s τ = {value} (1: the same order, 0: unrelated).",
        "두 제거 방식에서 방법들의 순서: 켄달 τ = {value} (1: 같은 순서, 0: 무관).",
    ),
    # measures of agreement
}
