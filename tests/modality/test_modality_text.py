"""Words, their marks and their removal; a text comes back as it was."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest

from xaikit.core.types import Sample
from xaikit.modalities import masker, segment
from xaikit.modalities.text import MASK_WORD, join, mark, words


def sample(text: str) -> Sample:
    found, spaces = words(text)
    return Sample("t", np.array(found), "text", meta={"text": text, "spaces": spaces})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It isn't a well-made film.", ["It", "isn't", "a", "well-made", "film", "."]),
        ("연기는 훌륭했지만, 재미없다ㅠㅠ", ["연기는", "훌륭했지만", ",", "재미없다ㅠㅠ"]),
        ("3.5/10, 10,000 won!!", ["3.5", "/", "10", ",", "10,000", "won", "!!"]),
        ('so good..."', ["so", "good", "...", '"']),
        ("👍🏽 ok", ["👍🏽", "ok"]),
        ("don’t", ["don’t"]),
        ("a\0b", ["a", "b"]),
        (" \t\n", []),
    ],
)
def test_words_stand_between_white_space_and_punctuation(text: str, expected: list[str]) -> None:
    assert list(words(text)[0]) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("यह फिल्म बहुत अच्छी है।", ["यह", "फिल्म", "बहुत", "अच्छी", "है", "।"]),
        ("தமிழ் படம்", ["தமிழ்", "படம்"]),
        ("فِيلْمٌ جَيِّدٌ", ["فِيلْمٌ", "جَيِّدٌ"]),
        ("می\u200cخواهم", ["می\u200cخواهم"]),  # the sign that keeps two letters apart is no blank
        (unicodedata.normalize("NFD", "un café"), ["un", unicodedata.normalize("NFD", "café")]),
        ("1️⃣ #️⃣", ["1️⃣", "#️⃣"]),
        ("ภาพยนตร์เรื่องนี้ดีมาก", ["ภาพยนตร์", "เรื่อง", "นี้", "ดี", "มาก"]),
        ("ພາສາລາວ", ["ພາສາ", "ລາວ"]),
        ("这部电影很好看，iPhone很好", ["这", "部", "电影", "很好", "看", "，", "iPhone", "很好"]),
        ("とても面白い映画でした。", ["とても", "面白い", "映画", "で", "した", "。"]),
    ],
)
def test_words_of_every_script_are_whole(text: str, expected: list[str]) -> None:
    found, spaces = words(text)
    assert list(found) == expected
    assert join(found, spaces) == text


def test_no_word_is_cut_before_a_mark() -> None:
    """Unicode: a combining mark (category M) belongs to the sign before it."""
    rng = np.random.default_rng(0)
    alphabet = list(
        "ab1'- .!\u0301\u0e35\u093f电影とไม่าี👍🏽\u200d\u200c\ufe0f한\U000e0100क\u094d\ud800"
    )
    for _ in range(2000):
        text = "".join(rng.choice(alphabet, size=rng.integers(0, 20)))
        found, spaces = words(text)
        assert join(found, spaces) == text.rstrip(" ")
        glued = [w for w, space in zip(found[1:], spaces[1:], strict=True) if space == ""]
        assert not [w for w in glued if unicodedata.category(w[0]).startswith("M")]


def test_marks_are_found_in_scripts_without_spaces() -> None:
    text = "这部电影很好看"  # 电影 is 2-4, 很好 4-6
    assert mark(text, [(2, 6)]).tolist() == [False, False, True, True, False]


def test_random_texts_come_back_exactly() -> None:
    rng = np.random.default_rng(0)
    alphabet = list("ab1'’-_.,!?\"() \t\n\0é한국ㅋ👍🏽…“”\u3000\u2028\x1c")
    for _ in range(2000):
        text = "".join(rng.choice(alphabet, size=rng.integers(0, 30)))
        found, spaces = words(text)
        assert join(found, spaces) == text.rstrip(" \t\n\0\u3000\u2028\x1c")
        assert all(found)
        if found:  # and NumPy keeps every word as it is
            assert np.array(found).tolist() == list(found)


def test_every_plane_of_unicode_is_either_a_word_or_white_space() -> None:
    every = "".join(chr(c) for c in range(0x3000) if not 0xD800 <= c < 0xE000)
    found, spaces = words(every + "x")
    assert join(found, spaces) == every + "x"
    assert not "".join(spaces).strip(" \0" + "".join(c for c in every if c.isspace()))


def test_mark_takes_every_word_that_a_span_touches() -> None:
    text = "not really good."  # not 0-3, really 4-10, good 11-15, . 15
    assert mark(text, [(0, 3), (11, 15)]).tolist() == [True, False, True, False]
    assert mark(text, [(9, 12)]).tolist() == [False, True, True, False]
    assert mark(text, [(3, 4)]).tolist() == [False] * 4  # the space alone
    assert mark(text, []).tolist() == [False] * 4


def test_words_are_features_named_by_themselves() -> None:
    found = segment(sample("good, very good"))
    assert found.names == ("good", ",", "very", "good")
    assert found.ids.tolist() == [0, 1, 2, 3]
    assert found.source == "4 words"


def test_sentences_are_those_of_unicode() -> None:
    found = segment(sample('Bad?! "No." He left'), "sentences")
    assert found.ids.tolist() == [0, 0, 0, 1, 1, 1, 1, 2, 2]
    assert found.names == ("Bad?!", '"No."', "He left")
    assert found.source == "3 sentences"
    names = segment(sample("Mr. Li paid 3.5 dollars. Why?"), "sentences").names
    assert names == ("Mr. Li paid 3.5 dollars.", "Why?")
    assert segment(sample("好看。太差！यह है। नहीं"), "sentences").names == (
        "好看。", "太差！", "यह है।", "नहीं"
    )  # fmt: skip


def test_a_sentence_of_more_than_sixty_words_is_cut_into_even_chunks() -> None:
    found = segment(sample("Yes. Word " + "word " * 129), "sentences")
    assert found.sizes.tolist() == [2, 43, 43, 44]
    assert found.source == "2 sentences in 4 pieces of at most 60 words"
    assert segment(sample("word " * 60), "sentences").n_features == 1


def test_a_long_sentence_is_named_by_its_start() -> None:
    name = segment(sample("word " * 40), "sentences").names[0]
    assert name == ("word " * 40)[:59].rstrip() + "…"


def test_the_mask_word_stands_for_every_word() -> None:
    s = sample("a far longer text")
    found = masker(s, segment(s))
    assert found.references.tolist() == [[MASK_WORD] * 4]
    assert not found.drops
    assert masker(s, segment(s), how="delete").drops
    assert MASK_WORD not in words(MASK_WORD)[0]  # no text can hold it as a word
