"""Text as terms of the word index, the same for what was said and for what is asked.

Case, width and (in alphabets) accents do not count; 43,000 is 43000. Where words are not put between spaces,
or bear particles, a term is two characters: 회의에서는 is 회의 의에 에서 서는 는, so that 회의 is found in it
without a dictionary. This is the bigram indexing of Lee and Ahn, "Using n-grams for Korean text retrieval",
SIGIR 1996, and of Lucene's CJKAnalyzer. The last character stands alone too: a single one is found by what
begins with it.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

VERSION = 1  # of the terms: an index of other ones is made anew

HANGUL = "\u1100-\u11ff\uac00-\ud7a3"
# Han, kana; Thai, Lao, Myanmar and Khmer put no spaces either.
UNSPACED = (
    "\u3005-\u3007\u3041-\u309f\u30a1-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
    "\u0e01-\u0e3a\u0e40-\u0eff\u1000-\u109f\u1780-\u17d3"
)
_MARKS = "\u0300-\u036f\u0591-\u05bd\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff"
_PIECE = re.compile(
    rf"(?P<hangul>[{HANGUL}]+)|(?P<unspaced>[{UNSPACED}]+)"
    rf"|(?P<number>\d{{1,3}}(?:[.,'\u2019\u00a0\u202f]\d{{3}})+(?!\d)|\d+)"
    rf"|(?P<word>(?:(?![{HANGUL}{UNSPACED}\d_])(?:\w|[{_MARKS}]))+)"
)
_ACCENTED = re.compile(r"[\u00c0-\u024f\u0300-\u052f\u0591-\u06ff\u1e00-\u1fff]")
_ACCENTS = re.compile("[\u0300-\u036f\u0591-\u05bd\u064b-\u065f\u0670]")


class Piece(NamedTuple):
    """A run of one script: `word` of letters, `number`, `hangul`, or `unspaced`."""

    script: str
    text: str


def fold(text: str) -> str:
    """As it is compared: without case, width and accents."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", text).casefold()
    if _ACCENTED.search(folded):
        folded = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", folded)))
    return folded


def pieces(text: str) -> Iterator[Piece]:
    """The runs of a text, folded."""
    for found in _PIECE.finditer(fold(text)):
        script, piece = str(found.lastgroup), found[0]
        yield Piece(script, re.sub(r"\D", "", piece) if script == "number" else piece)


def terms_of(piece: Piece) -> list[str]:
    """What a whole run is in the index, in order."""
    text = piece.text
    if piece.script in ("word", "number"):
        return [text]
    return [text[at : at + 2] for at in range(len(text))]


def terms(text: str) -> list[str]:
    """What a text is in the index, in order: letters and digits alone, without a space in any."""
    return [term for piece in pieces(text) for term in terms_of(piece)]
