"""The Korean grammar of `reviews`.

*Stars* mark the words that decide: the opinion words of the deciding clauses, their negation, and
the contrast word where it is a word of its own. {verdict} and {also} share the review's opinion;
{aside}, {remark} and {grant} have the opposite one and do not decide. @ stands for the ending of
the style of speech, the same in the whole review.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

__all__ = ["compose"]

T = TypeVar("T")

PATTERNS = (
    *2 * ("{verdict}.",),
    "{also} {verdict}.",
    *2 * ("{aside} {verdict}.",),
    "*비록* {aside} {verdict}.",
    "{remark}. *하지만* {verdict}.",
    "{remark}. *그래도* {verdict}.",
    "{verdict}. *물론* {grant}.",
    "처음에는 {aside} 갈수록 {verdict}.",
)
NEGATED, FILLED, HEARSAY = 0.35, 0.5, 0.25  # shares of clauses, reviews and reviews

ASPECTS = (
    "연기", "줄거리", "음악", "결말", "대사", "영상", "편집", "이야기", "유머", "각본", "전개",
    "조명", "연출", "주인공", "도입부", "배경음악", "분위기", "액션", "전반부", "후반부",
)  # fmt: skip
# negative, positive; each as dictionary stem and past stem: 훌륭하(지 않았다), 훌륭했(다)
OPINIONS = (
    (
        ("지루하", "지루했"), ("엉성하", "엉성했"), ("어색하", "어색했"), ("형편없", "형편없었"),
        ("진부하", "진부했"), ("유치하", "유치했"), ("답답하", "답답했"), ("실망스럽", "실망스러웠"),
        ("산만하", "산만했"), ("나쁘", "나빴"), ("뻔하", "뻔했"), ("재미없", "재미없었"),
        ("조잡하", "조잡했"), ("밋밋하", "밋밋했"), ("허술하", "허술했"), ("촌스럽", "촌스러웠"),
        ("따분하", "따분했"), ("억지스럽", "억지스러웠"),
    ),
    (
        ("훌륭하", "훌륭했"), ("재미있", "재미있었"), ("아름답", "아름다웠"), ("감동적이", "감동적이었"),
        ("뛰어나", "뛰어났"), ("신선하", "신선했"), ("완벽하", "완벽했"), ("탄탄하", "탄탄했"),
        ("매력적이", "매력적이었"), ("좋", "좋았"), ("인상적이", "인상적이었"), ("참신하", "참신했"),
        ("멋지", "멋졌"), ("놀랍", "놀라웠"), ("섬세하", "섬세했"), ("유쾌하", "유쾌했"),
        ("따뜻하", "따뜻했"), ("흥미롭", "흥미로웠"),
    ),
)  # fmt: skip
NEGATIONS = ("", "전혀 ", "별로 ", "그다지 ", "조금도 ")
STRESS = ("", "", "정말 ", "아주 ", "꽤 ", "참 ")
ENDINGS = ("다", "어요", "습니다")
PEOPLE = ("친구는", "동생은", "옆자리 관객은", "어떤 평론가는", "회사 동료는", "같이 본 언니는")
FILLERS = (
    "비 오는 화요일에 봤@.", "온 가족이 함께 봤@.", "상영 시간은 두 시간쯤이었@.",
    "표는 미리 사 두었@.", "극장은 절반쯤 찼@.", "소설을 바탕으로 만들었@.", "자막으로 봤@.",
    "기차 안에서 봤@.", "스페인에서 찍었@.", "작년에 나왔@.", "셋째 줄에 앉았@.",
    "작은 마을에서 시작했@.",
)  # fmt: skip


def compose(label: int, rng: np.random.Generator) -> str:
    """One review of that label (0 negative, 1 positive), its deciding words between stars."""
    first, second = (str(a) for a in rng.choice(ASPECTS, size=2, replace=False))
    pattern = _pick(rng, PATTERNS).format(
        verdict=f"{_subject(first, '이', '가')} {_predicate(label, '@', rng)}",
        also=f"{_subject(second, '이', '가')} {_predicate(label, '고', rng)}",
        aside=_aside(1 - label, second, "지만", rng),
        remark=_aside(1 - label, second, "@", rng),
        grant=f"{_subject(second, '은', '는')} {_pick(rng, OPINIONS[1 - label])[0]}기는 했@",
    )
    parts = [pattern]
    if rng.random() < FILLED:
        parts.insert(int(rng.integers(2)), _pick(rng, FILLERS))
    if rng.random() < HEARSAY:
        _, past = _pick(rng, OPINIONS[rng.integers(2)])
        parts.insert(0, f"{_pick(rng, PEOPLE)} {past}다고 했@.")
    return " ".join(parts).replace("@", _pick(rng, ENDINGS))


def _predicate(label: int, tail: str, rng: np.random.Generator) -> str:
    """An opinion in the past tense, said directly or by negating its opposite."""
    if rng.random() < NEGATED:
        stem, _ = _pick(rng, OPINIONS[1 - label])
        return f"{_pick(rng, NEGATIONS)}*{stem}지* *않았{tail}*"
    _, past = _pick(rng, OPINIONS[label])
    return f"{_pick(rng, STRESS)}*{past}{tail}*"


def _aside(label: int, aspect: str, tail: str, rng: np.random.Generator) -> str:
    """A clause that does not decide: its stars are taken off."""
    return f"{_subject(aspect, '은', '는')} {_predicate(label, tail, rng)}".replace("*", "")


def _subject(noun: str, after_consonant: str, after_vowel: str) -> str:
    """The noun with its particle, whose form follows the noun's last sound."""
    has_final_consonant = (ord(noun[-1]) - ord("가")) % 28 > 0
    return noun + (after_consonant if has_final_consonant else after_vowel)


def _pick(rng: np.random.Generator, choices: Sequence[T]) -> T:
    return choices[int(rng.integers(len(choices)))]
