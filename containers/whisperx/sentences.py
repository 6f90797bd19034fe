"""Words as people write them, and where their sentences end.

Sentences are found by sentencex, Wikimedia's segmenter with the abbreviations of some 300 languages.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

# Written without spaces: each piece that Whisper writes is a word there, but for numbers and Latin letters.
# faster-whisper's list (tokenizer.py).
UNSPACED = frozenset({"zh", "ja", "th", "lo", "my", "yue"})
# Where "3." is "third", as before a month.
_WITH_ORDINALS = "bs cs da de et eu fi hr hu is lb lv nb nn no pl sk sl sr tr"
ORDINALS = frozenset(_WITH_ORDINALS.split())
# Titles and the like that a name or a number follows, where sentencex 1.0 takes them for an end.
ABBREVIATED = {
    "en": {"lt", "e.g", "i.e"},
    "es": {"ud", "uds"},
    "fr": {"dr", "m", "me", "mgr", "mlle", "mm", "mme", "pr"},
    "nl": {"dhr", "mevr"},
    "pl": {"dr", "np"},
    "sv": {"hr", "kl", "t.ex"},
    "vi": {"ts"},
}
WITH_ME = {"at", "by", "for", "from", "in", "like", "of", "on", "to", "with"}  # me follows them and never I
LATIN = re.compile(r"[A-Za-z0-9.,:/%'&@$€£¥+-]")
WITHOUT_CASE = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u3040-\u9fff\uac00-\ud7a3]")


@dataclass
class HeardWord:
    """A word as Whisper or an aligner timed it, in seconds: `word` has its leading space."""

    word: str
    start: float
    end: float
    probability: float


def join_pieces(pieces: list[HeardWord], language: str) -> list[HeardWord]:
    """Words from what Whisper timed: a piece without a space before it is the end of the word before.

    So `$43` and `,000` are one word with one time, and `l'` and `avion` are, too.
    """
    words: list[HeardWord] = []
    for piece in pieces:
        if words and not piece.word.startswith(" ") and _goes_on(words[-1].word, piece.word, language):
            words[-1] = _joined(words[-1], piece)
        else:
            words.append(piece)
    return words


def find_ends(words: Sequence[str], language: str | None) -> set[int]:
    """Numbers of the words that end a sentence; words have the space before them, if there is one."""
    from sentencex import segment  # type: ignore[attr-defined]

    text = "".join(words)
    after = {end: number for number, end in enumerate(accumulate(map(len, words)))}
    ends, place = set(), 0
    for sentence in segment(language or "en", text):
        place += len(sentence)
        number = after.get(len(text[:place].rstrip()))
        if number is not None and not _is_inside(words, number, language or "en"):
            ends.add(number)
    return ends | ({*_after_oneself(words)} if language in (None, "en") else set())


def _after_oneself(words: Sequence[str]) -> Iterator[int]:
    """Where "I." is the speaker ("Neither did I. Okay."): sentencex takes it for somebody's initial, before
    which there is a name or, since nobody says "by I", a preposition."""
    for number in range(1, len(words) - 1):
        before, after = words[number - 1].strip(), words[number + 1].strip()
        if words[number].strip() != "I." or not before.islower() or before in WITH_ME:
            continue
        if after[:1].isupper():
            yield number


def _goes_on(word: str, piece: str, language: str) -> bool:
    if language in UNSPACED:
        return bool(LATIN.match(word[-1]) and LATIN.match(piece[0]))
    if word[-1] in "?!。？！…" and piece[0].isalnum():  # noqa: RUF001
        return False
    # Korean is sometimes written without the space after a sentence.
    return not (word.endswith(".") and WITHOUT_CASE.match(word[-2:-1]) and WITHOUT_CASE.match(piece))


def _joined(word: HeardWord, piece: HeardWord) -> HeardWord:
    long, short = len(word.word.strip()), len(piece.word)
    probability = (word.probability * long + piece.probability * short) / (long + short)
    return replace(word, word=word.word + piece.word, end=piece.end, probability=probability)


def _is_inside(words: Sequence[str], number: int, language: str) -> bool:
    """Whether the word is an abbreviation or an ordinal, after which the sentence goes on."""
    word = words[number].strip().lstrip("\"'“‘„«([¿¡").lower()  # noqa: RUF001
    if not word.endswith(".") or word.endswith("..") or number + 1 == len(words):
        return False
    if words[number + 1].strip()[:1].islower():
        return True
    if language in ORDINALS and re.fullmatch(r"\d{1,3}\.", word):
        return True
    return word[:-1] in ABBREVIATED.get(language, ())
