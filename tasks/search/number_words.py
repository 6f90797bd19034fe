"""Numbers as a text says them, and the words by which a page without Python reads what somebody types."""

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from tasks.search.numbers import CHARACTERS, MOST_WORDS, SCALES, SPOKEN, spellings, value_of
from tasks.words.tokens import fold

COUNTED = [*range(100), *range(100, 1000, 100)]
HUNDRED = {"en": "hundred", "de": "hundert", "fr": "cents", "es": "ciento", "it": "cento", "pt": "cento"}
ONE = {"de": ("ein", "eine"), "es": ("un",), "it": ("un",)}  # before a thousand or a million
AND = {"en": "and", "de": "und", "fr": "et", "es": "y", "it": "e", "pt": "e"}
JOINS = frozenset(AND.values())
COMPOUND = ("de", "it")  # written as one word
ENGLISH = ("thousand", "million", "billion")
LEAST = 10  # smaller ones are known by their English words alone: ein, un and uno are articles
_LETTERS = re.compile(r"[^\W\d_]+")
_TOKEN = re.compile(r"\d+(?:[.,'\u2019\u00a0\u202f]\d+)*|[^\W\d_]+")
_CHARACTER_RUN = re.compile(rf"{CHARACTERS.pattern}(?: {CHARACTERS.pattern})*")


class Said(NamedTuple):
    """A number of a text that is not written in digits alone, and from where to where."""

    value: int
    start: int
    end: int


def numbers_in(text: str) -> list[Said]:
    """In order; of numbers within others the longest."""
    return sorted([*_in_characters(text), *_in_words(text)], key=lambda said: said.start)


@cache
def words_of_numbers() -> dict[str, Any]:
    """Of each language `words`, folded and without spaces, with their values; and what joins them."""
    return {language: {"words": _words(language), "and": AND[language]} for language in SPOKEN}


def _words(language: str) -> dict[str, int]:
    from num2words import num2words

    found = {"".join(_LETTERS.findall(fold(num2words(value, lang=language)))): value for value in COUNTED}
    found |= {HUNDRED[language]: 100, **dict.fromkeys(ONE.get(language, ()), 1)}
    scales = {name: scale for name, scale in SCALES.items() if len(name) > 1}
    if language == "en":  # alone it is read word by word, other languages from five letters on
        scales = {name: scale for name, scale in scales.items() if name in ENGLISH}
        found |= {f"a{name}": value for name, value in {"hundred": 100, "thousand": 1000}.items()}
    return found | {name: value for name, value in scales.items() if name not in found}


@cache
def _known() -> frozenset[str]:
    """Every word of a number."""
    from num2words import num2words

    spoken = (num2words(value, lang=language) for language in SPOKEN for value in COUNTED)
    letters = {word for text in spoken for word in _LETTERS.findall(fold(text))}
    return frozenset(letters | set(SCALES) | set(HUNDRED.values()) | {w for ws in ONE.values() for w in ws})


@cache
def _compound() -> re.Pattern[str]:
    parts = {word for language in COMPOUND for word in _words(language)} | {"und"}
    return re.compile("(?:" + "|".join(sorted(parts, key=len, reverse=True)) + ")+")


@lru_cache(maxsize=65536)
def _is_number_word(word: str) -> bool:
    folded = fold(word)
    return folded[0].isdigit() or folded in _known() or bool(_compound().fullmatch(folded))


def _in_words(text: str) -> Iterator[Said]:
    for run in _runs(text):
        first = 0
        while first < len(run):
            if run[first][0].lower() in JOINS:
                first += 1
                continue
            for last in range(min(len(run), first + MOST_WORDS), first, -1):
                start, end = run[first].start(), run[last - 1].end()
                if _LETTERS.search(text, start, end) and (value := _value(text[start:end])) is not None:
                    yield Said(value, start, end)
                    first = last
                    break
            else:
                first += 1


def _runs(text: str) -> Iterator[list[re.Match[str]]]:
    """Words of numbers with nothing but spaces and hyphens between them."""
    found = [each for each in _TOKEN.finditer(text) if each[0].lower() in JOINS or _is_number_word(each[0])]
    run: list[re.Match[str]] = found[:1]
    for before, each in pairwise(found):
        if text[before.end() : each.start()].strip(" -\u00a0"):
            yield run
            run = []
        run.append(each)
    yield run


@lru_cache(maxsize=65536)
def _value(text: str) -> int | None:
    value = value_of(text)
    if value is None or (value < LEAST and " ".join(fold(text).split()) not in spellings(value)):
        return None
    return value


def _in_characters(text: str) -> Iterator[Said]:
    for found in _CHARACTER_RUN.finditer(text):
        parts = list(re.finditer("[^ ]+", found[0]))
        first = 0
        while first < len(parts):
            for last in range(len(parts), first, -1):
                start, end = parts[first].start(), parts[last - 1].end()
                said = found[0][start:end]
                if not said.isdigit() and (value := _value(said)) is not None:
                    yield Said(value, found.start() + start, found.start() + end)
                    first = last
                    break
            else:
                first += 1
