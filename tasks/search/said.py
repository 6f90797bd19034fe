"""What a person types to find words, as queries of the word index, and how well a text answers them.

    budget                  the word and its forms (budgets); where nobody said it, words spelled alike
    "annual budget"         these words one after the other
    budg*                   words that begin so
    -draft                  not this word
    회의                    in 회의에서는 too; 회의에서 finds other forms of 회의 as well
    결정하다                결정했습니다 and other forms of the verb
    43,000                  forty-three thousand, 사만 삼천 and other spellings of the number

Words without quotes are all said in one segment, in any order. Nothing that is typed is a command to SQLite:
terms consist of letters and digits.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from typing import NamedTuple, Protocol

from containers.common.errors import UserError
from tasks.search.korean import noun_stem, verb_beginnings
from tasks.search.numbers import MOST_WORDS, value_of, with_other_spellings
from tasks.words.tokens import HANGUL, Piece, fold, pieces, terms, terms_of

LONG = 4  # letters: shorter words are taken as they are
LONGER = 3  # letters that a form of a word may have more than it
MOST_FORMS = 24
EXACT, WITHIN, FORM, ALIKE = 1.0, 0.9, 0.8, 0.6  # how well each way of finding a word answers
_ASKED = re.compile(r'(?P<minus>-?)"(?P<phrase>[^"]*)(?:"|$)|(?P<word>\S+)')


class Unit(NamedTuple):
    """A word or phrase that is asked for."""

    text: str
    pieces: list[Piece]
    phrase: bool
    begins: bool  # budg*
    out: bool  # -draft


class Way(NamedTuple):
    """One way in which a unit may have been said: terms in a row, of the last one perhaps the beginning."""

    terms: tuple[str, ...]
    open: bool
    quality: float
    shown: str  # the word that is found

    @property
    def query(self) -> str:
        return f'"{" ".join(self.terms)}"{"*" if self.open else ""}'

    def is_in(self, padded: str) -> bool:
        """Whether terms, one space before and after each, have it."""
        return f" {' '.join(self.terms)}{'' if self.open else ' '}" in padded


class Vocabulary(Protocol):
    """The terms of an index."""

    def beginning(self, text: str, longest: int) -> list[str]: ...

    def knows(self, term: str) -> bool: ...

    def alike(self, word: str) -> list[str]: ...

    def is_rare(self, query: str) -> bool: ...


def parse(said: str) -> list[Unit]:
    """Raises UserError when nothing is left to look for."""
    units = []
    for found in _ASKED.finditer(said):
        text = found["phrase"] if found["phrase"] is not None else found["word"]
        out = bool(found["minus"]) or (found["word"] is not None and re.match(r"-[^\W\d]", text) is not None)
        runs = list(pieces(text))
        if runs:
            begins = found["word"] is not None and text.endswith("*")
            shown = re.sub(r"^[\W_]+|[\W_]+$", "", text)
            units.append(Unit(shown, runs, found["phrase"] is not None, begins, out))
    if not any(not unit.out for unit in units):
        raise UserError(f"'{said}' has no word to look for.")
    return _with_whole_numbers(units)


def _with_whole_numbers(units: list[Unit]) -> list[Unit]:
    """`forty three thousand` and `4만 3천` are one thing that is asked for, and not three."""
    joined: list[Unit] = []
    while units:
        several = [*takewhile(lambda unit: not (unit.phrase or unit.begins or unit.out), units)]
        for count in range(min(len(several), MOST_WORDS), 1, -1):
            text = " ".join(unit.text for unit in several[:count])
            if value_of(text) is not None:
                runs = [piece for unit in several[:count] for piece in unit.pieces]
                joined.append(Unit(text, runs, True, False, False))
                units = units[count:]
                break
        else:
            joined.append(units[0])
            units = units[1:]
    return joined


def ways(unit: Unit, vocabulary: Vocabulary) -> list[Way]:
    """How the unit may have been said, the best first; never none."""
    found = [_as_typed(unit.pieces, EXACT, unit.text, unit.begins)]
    last = unit.pieces[-1]
    if all(piece.script == "hangul" for piece in unit.pieces):
        found += _korean(unit, vocabulary)
    if not unit.begins and not unit.out:
        found += _numbers(unit)
    if not unit.phrase and len({piece.script for piece in unit.pieces}) > 1:
        found += _without_letters(unit)
    if unit.phrase or len(unit.pieces) > 1 or last.script != "word" or len(last.text) < LONG or unit.begins:
        return found
    forms = [*vocabulary.beginning(last.text, len(last.text) + LONGER), *_shorter(last.text, vocabulary)]
    forms = [form for form in dict.fromkeys(forms) if form != last.text][:MOST_FORMS]
    found += [Way((form,), False, FORM, form) for form in forms]
    if not forms and not vocabulary.knows(last.text):
        found += [Way((word,), False, ALIKE, word) for word in vocabulary.alike(last.text)]
    return found


def _without_letters(unit: Unit) -> Iterator[Way]:
    """Of letters and characters without a space between the characters alone: the letters may be a part."""
    for piece in sorted(unit.pieces, key=lambda piece: -len(piece.text))[:1]:
        if piece.script in ("hangul", "unspaced") and len(piece.text) > 1:
            yield _as_typed([piece], ALIKE, piece.text)


def _numbers(unit: Unit) -> Iterator[Way]:
    """With a number in its other spellings."""
    value = value_of(unit.text)
    for text in with_other_spellings(unit.text if value is None else str(value)):
        yield _as_typed(list(pieces(text)), WITHIN, " ".join(text.split()))


def _as_typed(runs: Sequence[Piece], quality: float, shown: str, begins: bool = False) -> Way:
    before = [term for piece in runs[:-1] for term in terms_of(piece)]
    last = runs[-1]
    if last.script in ("word", "number"):
        return Way((*before, last.text), begins, quality, shown)
    own = terms_of(last)
    return Way((*before, *(own[:-1] or own)), len(own) == 1, quality, shown)


def _korean(unit: Unit, vocabulary: Vocabulary) -> Iterator[Way]:
    """Without the particle, in a verb's other forms, and, where it was hardly said so, with other spaces."""
    whole = "".join(piece.text for piece in unit.pieces)
    if len(unit.pieces) > 1 and unit.phrase:
        yield _as_typed([Piece("hangul", whole)], WITHIN, whole)
    if len(unit.pieces) > 1 or unit.phrase:
        return
    if len(whole) >= LONG and vocabulary.is_rare(_as_typed(unit.pieces, EXACT, whole).query):
        for at in range(1, len(whole) - 1):
            parts = [Piece("hangul", whole[:at]), Piece("hangul", whole[at:])]
            yield _as_typed(parts, WITHIN, f"{whole[:at]} {whole[at:]}")
    if stem := noun_stem(whole):
        yield _as_typed([Piece("hangul", stem)], FORM, stem)
    for beginning in verb_beginnings(whole):
        quality = FORM if len(beginning) > 2 else ALIKE
        yield _as_typed([Piece("hangul", beginning)], quality, beginning)


def _shorter(word: str, vocabulary: Vocabulary) -> Iterator[str]:
    """What the word may be a form of: the same without its last letters."""
    for letters in range(1, LONGER):
        if len(word) - letters >= LONG and vocabulary.knows(word[:-letters]):
            yield word[:-letters]


def match_of(units: Iterable[tuple[Unit, Sequence[Way]]], column: str = "terms") -> str:
    """The expression for FTS5's MATCH."""

    units = list(units)
    wanted = " AND ".join(f"({_in_a_way(of, column)})" for unit, of in units if not unit.out)
    unwanted = [_in_a_way(of[:1], column) for unit, of in units if unit.out]
    return f"({wanted}) NOT ({' OR '.join(f'({each})' for each in unwanted)})" if unwanted else f"({wanted})"


def any_of(units: Iterable[tuple[Unit, Sequence[Way]]], column: str = "terms") -> str:
    """The same where one of the units is enough."""
    return " OR ".join(f"({_in_a_way(of, column)})" for unit, of in units if not unit.out)


def _in_a_way(of: Sequence[Way], column: str) -> str:
    return f"{column} : ({' OR '.join(way.query for way in of)})"


class Judged(NamedTuple):
    """How well a text answers, from 0 to 1; the words by which; and where they stand in it.

    `found`: of each word whether it is there.
    """

    quality: float
    by: list[Way]
    marks: list[tuple[int, int]]
    found: list[bool]


def judge(text: str, units: Iterable[tuple[Unit, Sequence[Way]]]) -> Judged:
    """A word that stands where a Korean word begins is worth more than one inside another word."""
    padded = f" {' '.join(terms(text))} "
    folded = fold(text)
    qualities, by, marks = [], [], []
    for unit, of in units:
        if unit.out:
            continue
        best, rated = of[0], 0.0
        for way in of:
            if way.quality > rated and way.is_in(padded):
                worth = way.quality * (WITHIN if _only_within(folded, way.shown) else 1.0)
                if worth > rated:
                    best, rated = way, worth
        qualities.append(rated)
        by.append(best)
        if len(folded) == len(text):
            marks += _places(folded, fold(best.shown), best.open or unit.begins)
    found = [rated > 0 for rated in qualities]
    return Judged(sum(qualities) / len(qualities), by, sorted(set(marks)), found)


def _only_within(folded: str, shown: str) -> bool:
    """Whether a Korean word stands inside others alone."""
    return bool(re.match(f"[{HANGUL}]", shown)) and not re.search(
        rf"(?<![{HANGUL}]){re.escape(shown)}", folded
    )


def _places(folded: str, shown: str, begins: bool) -> Iterator[tuple[int, int]]:
    if re.fullmatch(r"\d{4,}", shown):  # 43000 is 43,000 too
        parts = "[.,'\u2019\u00a0\u202f]?".join(re.escape(digit) for digit in shown)
        yield from (found.span() for found in re.finditer(rf"(?<!\d){parts}(?!\d)", folded))
        return
    letters = bool(re.fullmatch(r"[^\W\d_]+(?:[\W_]+[^\W\d_]+)*", shown)) and not re.search(
        r"[\u0e00-\u109f\u1100-\u11ff\u1780-\u17d3\u3005-\uffef]", shown
    )
    edge = r"(?![^\W\d_])" if letters and not begins else ""
    start = r"(?<![^\W\d_])" if letters else ""
    words = r"[\W_]+".join(map(re.escape, re.findall(r"[^\W_]+", shown)))
    for found in re.finditer(start + words + edge, folded):
        yield found.span()
