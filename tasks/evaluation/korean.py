"""Korean as it is compared: numbers in one spelling, and words whatever spaces stand between them.

Korean writes 20명, 이십 명 and 스무 명 of the same thing. Digits are read as num2words reads them, which is
Sino-Korean, and native numerals before a counter become Sino-Korean ones. Where spaces stand is often a
matter of taste: J. Bang et al., KsponSpeech, Applied Sciences 10 (2020), 6936, sec. 4, count words after the
spaces of what was heard have been set as in the reference (sWER).
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from num2words import num2words
from rapidfuzz.distance import Levenshtein

LARGEST = 10**16
_NUMBER = re.compile(r"(?<![\d.,])(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d+))?")
_DASHED = re.compile(r"\d+(?:-\d+)+")  # of telephones: each digit is read
_SIGNS = {"%": "퍼센트", "℃": "도", "$": "달러", "₩": "원"}
_DIGITS = "공일이삼사오육칠팔구"
_TENS = {
    "열": "십",
    "스물": "이십",
    "스무": "이십",
    "서른": "삼십",
    "마흔": "사십",
    "쉰": "오십",
    "예순": "육십",
    "일흔": "칠십",
    "여든": "팔십",
    "아흔": "구십",
}
_ONES = {
    "한": "일",
    "두": "이",
    "세": "삼",
    "네": "사",
    "다섯": "오",
    "여섯": "육",
    "일곱": "칠",
    "여덟": "팔",
    "아홉": "구",
}
# What is counted with native numerals. Not 계, 대 and 편, with which other words begin (세계, 한편).
_COUNTERS = "시간|시|명|개월|개|살|마리|번|잔|권|사람|가지|달|군데|장|병|송이|켤레|벌|채|그루|곳|분"
_NATIVE = re.compile(
    rf"(?<![가-힣])({'|'.join(_TENS)})?({'|'.join(_ONES)})?(\s*)(?=(?:여\s*)?(?:{_COUNTERS}))"
)
_ONE_TOO_MANY = re.compile(r"(?<![가-힣])일(?=[십백천만])")


def read_numbers(text: str) -> str:
    """The text with every number in Sino-Korean words: 3.5 is 삼점오, 010 공일공, 세 시 삼 시, 일만 만."""
    for sign, word in _SIGNS.items():
        text = text.replace(sign, word)
    text = _DASHED.sub(lambda found: "".join(_DIGITS[int(one)] for one in found[0] if one != "-"), text)
    text = _NUMBER.sub(lambda found: _read(found[1].replace(",", ""), found[2]), text)
    text = _NATIVE.sub(_sino, text)
    return _ONE_TOO_MANY.sub("", text)


def _read(whole: str, part: str | None) -> str:
    if (whole.startswith("0") and len(whole) > 1) or int(whole) >= LARGEST:
        said = "".join(_DIGITS[int(digit)] for digit in whole)
    else:
        said = num2words(int(whole), lang="ko").replace(" ", "")
    return said + (f"점{''.join(_DIGITS[int(digit)] for digit in part).replace('공', '영')}" if part else "")


def _sino(found: re.Match[str]) -> str:
    tens, ones = found[1], found[2]
    if not tens and not ones:
        return found[0]
    return _TENS.get(tens or "", "") + _ONES.get(ones or "", "") + found[3]


def spaced_alike(reference: Sequence[str], hypothesis: Sequence[str]) -> list[str]:
    """The words heard with the reference's spaces wherever the letters on both sides are the reference's.

    Letters are aligned by the cheapest edits; spaces beside a letter that was misheard, or was not said, stay
    as they were heard.
    """
    said, found = "".join(reference), "".join(hypothesis)
    true, own = _ends(reference), _ends(hypothesis)
    ends = set(own)
    for block in Levenshtein.opcodes(said, found):
        if block.tag == "equal":
            shift = block.dest_start - block.src_start
            inside = range(block.dest_start + 1, block.dest_end)
            ends -= {place for place in own if place in inside}
            ends |= {place + shift for place in true if place + shift in inside}
    places = [0, *sorted(ends), len(found)]
    return [found[a:b] for a, b in pairwise(places) if a < b]


def _ends(words: Sequence[str]) -> list[int]:
    """Where words end in the text without spaces, but for the last."""
    places, place = [], 0
    for word in words[:-1]:
        place += len(word)
        places.append(place)
    return places
