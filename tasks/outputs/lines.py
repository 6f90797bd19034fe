"""Lines of a subtitle: how much fits in one, and where one may end.

After Netflix' Timed Text Style Guides and, for Japanese and Chinese, the line breaking rules of JIS X 4051;
phrases of languages without spaces are found by BudouX.
"""

import re
from functools import cache
from itertools import accumulate
from typing import Any, NamedTuple
from unicodedata import category, east_asian_width

from tasks.outputs.writing import AS_THE_GUIDE_SAYS, LINES, WritingOptions


class Limits(NamedTuple):
    """Columns: a letter takes one, a Korean, Chinese or Japanese character two."""

    line: int  # columns a line
    speed: float  # columns a second that people can read
    lines: int = LINES  # lines a cue


# Netflix's Timed Text Style Guides: 42 letters and 17 letters a second; in Korean 16 characters and 12 a
# second, in Japanese 13 and 4, in Chinese 16 and 9.
LIMITS = {"ko": Limits(32, 24), "ja": Limits(26, 8), "zh": Limits(32, 18), "yue": Limits(32, 18)}
USUAL = Limits(42, 17)

# JIS X 4051: what begins no line, and what ends none.
NOT_FIRST = frozenset(
    "、。，．・：；？！,.:;?!…‥ー゛゜ヽヾゝゞ々〻）)」』】］]〕〉》｝}’”％%"  # noqa: RUF001
    "ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ"
)
NOT_LAST = frozenset("（(「『【［[〔〈《｛{‘“￥$£€")  # noqa: RUF001
CLAUSE_ENDS = tuple(",;:.?!…—–、。，；：？！،؛؟।")  # noqa: RUF001
# Words that belong to the one after them: no line ends with them where another break does as well.
_BOUND = (
    "a an the of to in on at by for from with and or but my your his her our their",
    "der die das den dem des ein eine einen einem einer und oder in im an am auf zu zum zur von mit für",
    "le la les un une des du de et ou à au aux en dans sur pour par",
    "el los las lo una unos unas y o del al con por para que",
)
BOUND = frozenset(word for words in _BOUND for word in words.split())
PARSERS = {
    "ja": "load_default_japanese_parser",
    "zh": "load_default_simplified_chinese_parser",
    "yue": "load_default_traditional_chinese_parser",
    "th": "load_default_thai_parser",
}


def limits_of(language: str | None, chosen: WritingOptions = AS_THE_GUIDE_SAYS) -> Limits:
    """What is chosen counts characters of the language's own script."""
    usual = LIMITS.get(language or "", USUAL)
    columns = 2 if language in LIMITS else 1  # of a character
    return Limits(
        columns * chosen.max_line_width if chosen.max_line_width else usual.line,
        columns * chosen.max_speed if chosen.max_speed else usual.speed,
        chosen.max_line_count,
    )


def count_columns(text: str) -> int:
    """Marks that stand above or below a letter (Thai, Hindi, decomposed accents) take none of their own."""
    shown = (char for char in text if category(char) not in {"Mn", "Me", "Cf"})
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in shown)


def break_lines(text: str, language: str | None, first: str = "", limits: Limits | None = None) -> list[str]:
    """Lines of at most the language's columns, as even as good places for a break let them be.

    `first` is what stands before the text in the first line, such as who speaks. There may come out more
    lines than the limits allow: then the text is too long for a cue.
    """
    limits = limits or limits_of(language)
    columns = limits.line
    text = " ".join(text.split())
    if count_columns(first + text) <= columns:
        return [first + text] if first + text else []
    pieces = _pieces(text, language, columns)
    cuts = [
        (_cost(first, pieces, place), place)
        for place in range(1, len(pieces))
        if count_columns(first + "".join(pieces[:place]).rstrip()) <= columns
        and count_columns("".join(pieces[place:]).strip()) <= columns
    ]
    if cuts and limits.lines > 1:
        _, place = min(cuts)
        return [first + "".join(pieces[:place]).rstrip(), "".join(pieces[place:]).strip()]
    return _even(first, pieces, limits)


def phrase_ends(text: str, language: str | None) -> set[int]:
    """Places in a text after which a cue may end, white space before them left out."""
    ends = accumulate(map(len, _phrases(text, language) if language in PARSERS else _words(text)))
    return {len(text[:end].rstrip()) for end in ends}


def _words(text: str) -> list[str]:
    return re.findall(r"\s*\S+\s*", text)


def _even(first: str, pieces: list[str], limits: Limits) -> list[str]:
    """No more lines than it takes; where a cue has room for them, no longer ones than that number needs."""
    lines = _fill(first, pieces, limits.line)
    if len(lines) > limits.lines:
        return lines
    for columns in range(limits.line - 1, max(map(count_columns, pieces), default=1), -1):
        narrower = _fill(first, pieces, columns)
        if len(narrower) > len(lines):
            break
        lines = narrower
    return lines


def _fill(first: str, pieces: list[str], columns: int) -> list[str]:
    """As many lines as it takes, each as full as it can be."""
    lines = [first]
    for piece in pieces:
        if count_columns((lines[-1] + piece).rstrip()) <= columns or not lines[-1]:
            lines[-1] += piece
        else:
            lines.append(piece.lstrip())
    return [line.rstrip() for line in lines if line.strip()]


def _cost(first: str, pieces: list[str], place: int) -> float:
    """Columns that one line has more than the other; a clause's end and bound words weigh some, too."""
    before = first + "".join(pieces[:place]).rstrip()
    after = "".join(pieces[place:]).strip()
    uneven = abs(count_columns(before) - count_columns(after))
    last = before.rsplit(" ", 1)[-1].lower()
    return uneven - (14 if before.endswith(CLAUSE_ENDS) else 0) + (8 if last in BOUND else 0)


def _pieces(text: str, language: str | None, columns: int) -> list[str]:
    """What is not broken, white space after it included, unless no line can hold it."""
    words = [word + " " for word in text.split(" ")]
    words[-1] = words[-1].rstrip()
    pieces: list[str] = []
    for word in words:
        parts = _phrases(word, language) if language in PARSERS else [word]
        for part in parts:
            pieces += [part] if count_columns(part.rstrip()) <= columns else _characters(part)
    return pieces


def _phrases(text: str, language: str | None) -> list[str]:
    phrases: list[str] = []
    for phrase in _parser(language or "").parse(text):
        if phrases and (phrase[0] in NOT_FIRST or phrases[-1][-1] in NOT_LAST or not phrase.strip()):
            phrases[-1] += phrase
        else:
            phrases.append(phrase)
    return phrases


def _characters(text: str) -> list[str]:
    """Letters with the marks on them, and with what may not be parted from them."""
    found: list[str] = []
    for char in text:
        bound = category(char) in {"Mn", "Me", "Mc", "Cf"} or char in NOT_FIRST or char.isspace()
        if found and (bound or found[-1][-1] in NOT_LAST):
            found[-1] += char
        else:
            found.append(char)
    return found


@cache
def _parser(language: str) -> Any:
    import budoux

    return getattr(budoux, PARSERS[language])()
