"""Korean words as they are said: nouns with particles (조사), verbs and adjectives in their forms (활용).

What a stem becomes before endings, the irregular ones too, after the National Institute of Korean Language's
rules of spelling (한글 맞춤법, chapter 4, paragraphs 15 to 18). Syllables are taken apart as Unicode composes
them (The Unicode Standard, section 3.12).
"""

import re
from collections.abc import Iterator

FIRST, VOWELS, LAST = 0xAC00, 21, 28
_VOWEL = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_FINAL = " ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"
_RIEUL = 5  # among the initial consonants
_SILENT = 11
# What is put to nouns.
PARTICLE = re.compile(
    "(?:까지는|들에게|부터는|에게서|에서는|에서도|으로는|이라도|입니다|과의|까지|께서|대로|들은|들을|들의|들이|"
    "라도|로는|마다|밖에|보다|부터|에게|에는|에도|에서|와의|으로|이고|이나|이다|이라|이란|이랑|이며|이요|"
    "조차|처럼|하고|한테|가|고|과|나|는|도|들|라|란|랑|로|를|만|며|에|와|요|은|을|의|이|인)$"
)
# Ends of forms by which a verb is known; those that nouns have too (은, 는, 고, 지) are left out.
_ENDING = re.compile(
    "(?:습니다|습니까|니다|니까|겠습니다|겠어요|겠다|세요|십시오|면서|지만|는데|려고|도록|거나|는다|"
    "어요|아요|여요|어서|아서|여서|었다|았다|였다|었어요|았어요|였어요|었습니다|았습니다|였습니다|"
    "었던|았던|었는데|았는데|어야|아야|다|요|서|던|자|기)$"
)
# First syllables of endings behind a stem of one syllable, by what that ends in.
_BEHIND = "다고는지던게기네겠거도며면"
_BEHIND_VOWEL = "요서세시"
_BEHIND_CONSONANT = "습은을어아었았으"
_BEHIND_PAST = "다어습고지던을는네"
_BEHIND_PUT = {"ㄴ": "다데", "ㄹ": "게까래", "ㅂ": "니시"}  # 간다, 갈게, 갑니다
# For the page that searches without a server, whose rules are these again.
RULES = {
    "ending": _ENDING.pattern,
    "behind": _BEHIND,
    "behindVowel": _BEHIND_VOWEL,
    "behindConsonant": _BEHIND_CONSONANT,
    "behindPast": _BEHIND_PAST,
    "put": _BEHIND_PUT,
}


def _apart(syllable: str) -> tuple[int, int, int]:
    number = ord(syllable) - FIRST
    return number // (VOWELS * LAST), number // LAST % VOWELS, number % LAST


def _put(initial: int, vowel: str | int, final: str | int = 0) -> str:
    middle = _VOWEL.index(vowel) if isinstance(vowel, str) else vowel
    end = _FINAL.index(final) if isinstance(final, str) else final
    return chr(FIRST + (initial * VOWELS + middle) * LAST + end)


def noun_stem(word: str) -> str | None:
    """회의 of 회의에서는: without its particle, of two syllables at least."""
    found = PARTICLE.search(word, 2)  # the longest, since it begins first
    return word[: found.start()] if found else None


def verb_beginnings(word: str) -> list[str]:
    """How other forms of a verb begin: 결정했 of 결정하다, 들었 of 듣다; none of no verb's form."""
    found = (beginning for stem in _stems(word) for beginning in _beginnings(stem))
    return [each for each in dict.fromkeys(found) if each != word]


def _stems(word: str) -> Iterator[str]:
    """What may stand before 다 in a dictionary."""
    ending = _ENDING.search(word, 1)
    if not ending:
        return
    stem = word[: ending.start()]
    if not re.fullmatch("[가-힣]+", stem):
        return
    before, last = stem[:-1], stem[-1]
    initial, vowel, final = _apart(last)
    put = {"다": "ㄴ", "니다": "ㅂ", "니까": "ㅂ"}.get(ending[0])
    if put and _FINAL[final] == put:
        yield before + _put(initial, vowel)  # 간다, 갑니다
        yield before + _put(initial, vowel, "ㄹ")  # 만듭니다
        return
    if _FINAL[final] == "ㅆ" or (last in "었았였" and before):
        yield from _before_past(before, last)
        return
    if not final and _VOWEL[vowel] in "ㅐㅘㅝㅕㅓㅏ" and ending[0] in ("요", "서"):
        yield from _before_past(before, last)  # 해요, 와서, 배워요
        return
    if ending[0] in ("어요", "아요", "어서", "아서", "어야", "아야") or ending[0][0] in "었았였":
        yield from _before_vowel(before, last)
        return
    yield stem


def _before_past(before: str, last: str) -> Iterator[str]:
    """Stems whose past ends in this syllable: 했 of 하, 갔 of 가, 배웠 of 배우, 먹었 of 먹."""
    if last in "었았였" and before:
        yield from _before_vowel(before[:-1], before[-1])
        return
    initial, vowel, _ = _apart(last)
    if last in "했해":
        yield before + "하"
        return
    of = {"ㅐ": "ㅏㅐ", "ㅏ": "ㅏㅡ" if before else "ㅏ", "ㅓ": "ㅓㅡ", "ㅘ": "ㅗ", "ㅝ": "ㅜ", "ㅕ": "ㅣㅕ"}
    for each in of.get(_VOWEL[vowel], _VOWEL[vowel]):
        yield before + _put(initial, each)
    if initial == _RIEUL and before and _FINAL[_apart(before[-1])[2]] == "ㄹ":  # 불렀 of 부르
        first, middle, _ = _apart(before[-1])
        yield before[:-1] + _put(first, middle) + _put(_RIEUL, "ㅡ")
    if initial == _SILENT and _VOWEL[vowel] in "ㅝㅘ" and before:  # 추웠 of 춥
        first, middle, final = _apart(before[-1])
        if not final:
            yield before[:-1] + _put(first, middle, "ㅂ")


def _before_vowel(before: str, last: str) -> Iterator[str]:
    yield before + last
    initial, vowel, final = _apart(last)
    if _FINAL[final] == "ㄹ":
        yield before + _put(initial, vowel, "ㄷ")  # 들어 of 듣
    if not final:
        yield before + _put(initial, vowel, "ㅅ")  # 지어 of 짓


def _beginnings(stem: str) -> Iterator[str]:
    """Of two syllables at least: one alone begins too many words."""
    before, last = stem[:-1], stem[-1]
    initial, vowel, final = _apart(last)
    end = _FINAL[final]
    if last in "하되" and len(before) > 1:
        yield before  # 적용됩니다 of 적용하다
    if before:
        yield stem
    else:
        yield from (last + each for each in _BEHIND + (_BEHIND_CONSONANT if final else _BEHIND_VOWEL))
    if not final or end == "ㄹ":
        for put, following in _BEHIND_PUT.items():
            head = before + _put(initial, vowel, put)
            yield from [head] if before else (head + each for each in following)
    if end == "ㄹ":
        head = before + _put(initial, vowel)  # 만드는
        yield from [head] if before else (head + each for each in "는니시세")
    if last == "하":
        yield from (before + "해", before + "했") if before else (f"해{each}" for each in "요서야도")
        yield from () if before else (f"했{each}" for each in _BEHIND_PAST)
    elif last == "르" and before:
        first, middle, _ = _apart(before[-1])
        head = before[:-1] + _put(first, middle, "ㄹ")
        yield from (head + _put(_RIEUL, each, put) for each in "ㅓㅏ" for put in (" ", "ㅆ"))
    elif not final:
        contracted = {"ㅏ": "ㅏ", "ㅗ": "ㅘ", "ㅜ": "ㅝ", "ㅣ": "ㅕ", "ㅡ": "ㅓㅏ"}
        for each in contracted.get(_VOWEL[vowel], _VOWEL[vowel]):
            past = before + _put(initial, each, "ㅆ")
            yield from [past] if before else (past + following for following in _BEHIND_PAST)
            if before:
                yield before + _put(initial, each)
            elif each != _VOWEL[vowel]:
                yield from (_put(initial, each) + following for following in "요서야")
    irregular = {"ㄷ": ("ㄹ", "어은을으었"), "ㅂ": (" ", "우워와운울웠왔"), "ㅅ": (" ", "으어아은을었았")}
    if end in irregular:
        becomes, following = irregular[end]
        yield from (before + _put(initial, vowel, becomes) + each for each in following)
    if end == "ㅎ":
        yield from (
            each for each in (before + _put(initial, vowel, "ㄴ"), before + _put(initial, "ㅐ")) if before
        )
