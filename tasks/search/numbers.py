"""Numbers as people write and say them: 43,000 is forty-three thousand, 43 thousand and 사만 삼천."""

import re
from collections.abc import Iterator
from functools import lru_cache

from tasks.words.tokens import fold

SPOKEN = ("en", "de", "fr", "es", "it", "pt")  # that text2num and num2words both know
LARGEST = 10**15
SHORTEST = 5  # letters of a single word that is a number in another language than English: not `once`, `elf`
MOST_WORDS = 9  # of a number
# Of 1.2 no part is a number of its own.
_WORD = re.compile(r"\d+(?:[.,'\u2019\u00a0\u202f]\d+)*|[^\W\d_]+")
_GROUPED = re.compile(r"\d{1,3}(?:[.,'\u2019\u00a0\u202f ]\d{3})+|\d{1,15}")
_SCALED = re.compile(r"(\d{1,6})(?:[.,](\d{1,3}))?[ -]*([^\W\d_]+)")
SCALES = {
    **dict.fromkeys(("thousand", "tausend", "mille", "mil", "mila", "k"), 10**3),
    **dict.fromkeys(("million", "millionen", "millions", "millon", "millones", "milione", "milioni"), 10**6),
    **dict.fromkeys(("milhao", "milhoes", "mio"), 10**6),
    **dict.fromkeys(("billion", "milliarde", "milliarden", "milliard", "milliards", "miliardo"), 10**9),
    **dict.fromkeys(("miliardi", "mrd"), 10**9),
}
_DIGITS = {
    each: value
    for row in ("영일이삼사오육칠팔구", "〇一二三四五六七八九", "零壹贰叁肆伍陆柒捌玖")
    for value, each in enumerate(row)
} | {"공": 0, "륙": 6, "两": 2, "兩": 2}
_SMALL = {"십": 10, "백": 100, "천": 1000, "十": 10, "百": 100, "千": 1000}
_LARGE = {
    "만": 10**4,
    "억": 10**8,
    "조": 10**12,
    "万": 10**4,
    "萬": 10**4,
    "億": 10**8,
    "亿": 10**8,
    "兆": 10**12,
}
CHARACTERS = re.compile(f"(?:[{''.join((*_DIGITS, *_SMALL, *_LARGE))}]|\\d{{1,4}})+")


def value_of(text: str) -> int | None:
    """The whole number that a text is, in whichever spelling; None where it is none."""
    folded = " ".join(fold(text).replace("-", " ").split())
    if not folded or len(folded) > 120:
        return None
    if _GROUPED.fullmatch(folded):
        return int(re.sub(r"\D", "", folded))
    if (scaled := _SCALED.fullmatch(folded)) and scaled[3] in SCALES:
        return _scaled(*scaled.groups())
    if re.search(r"[가-힣\u3007\u4e00-\u9fff]", folded):
        return _of_characters(folded)
    return _spoken(" ".join(text.casefold().replace("-", " ").split()))


def spellings(value: int) -> list[str]:
    """How else a number is written and said, in the languages above, Korean, Japanese and Chinese."""
    if not 0 <= value < LARGEST:
        return []
    return [text for text in dict.fromkeys(_spell(value)) if len(text) > 1 or text.isdigit()]


def with_other_spellings(text: str) -> Iterator[str]:
    """The text with its first number in each other spelling; nothing where it has none."""
    words = [(found.start(), found.end()) for found in _WORD.finditer(text)]
    for first, (start, _) in enumerate(words):
        for _, end in reversed(words[first : first + MOST_WORDS]):
            value = value_of(text[start:end])
            if value is not None:
                for other in spellings(value):
                    yield f"{text[:start]} {other} {text[end:]}"
                return


def _scaled(whole: str, part: str | None, word: str) -> int | None:
    value = int(whole + (part or "")) * SCALES[word]
    return value // 10 ** len(part or "") if value % 10 ** len(part or "") == 0 else None


def _of_characters(text: str) -> int | None:
    """Of 사만 삼천, 4만 3천, 四万三千: a space stands behind 만, 억 or 조, or before a digit."""
    total, above, below = 0, LARGEST * 10, LARGEST
    parts = text.split(" ")
    for before, part in zip((None, *parts), parts, strict=False):
        if before and before[-1] not in _LARGE and not part[0].isdigit():
            return None
        if not CHARACTERS.fullmatch(part):
            return None
        section: int = 0
        digit: int | None = None
        for token in re.findall(r"\d{1,4}|\D", part):
            if token in _LARGE:
                section += digit or 0
                if (not section and (_LARGE[token] > 10**4 or total)) or _LARGE[token] >= above:
                    return None
                total += (section or 1) * _LARGE[token]
                above, below, section, digit = _LARGE[token], LARGEST, 0, None
            elif token in _SMALL:
                if _SMALL[token] >= below:
                    return None
                section += (1 if digit is None else digit) * _SMALL[token]
                below, digit = _SMALL[token], None
            elif digit is not None and digit != 0:
                return None
            else:
                digit = int(token) if token.isdigit() else _DIGITS[token]
        total += section + (digit or 0)
    has_unit = any(each in _SMALL or each in _LARGE for each in text)
    return total if has_unit and len(text) > 1 else None


@lru_cache(maxsize=512)
def _spoken(text: str) -> int | None:
    from text_to_num import text2num

    for language in SPOKEN:
        if language != "en" and " " not in text and len(text) < SHORTEST:
            continue
        try:
            return int(text2num(text, language))
        except ValueError:
            continue
    return _year(text.split())


def _year(words: list[str]) -> int | None:
    """nineteen eighty-four, twenty twenty-six"""
    if len(words) not in (2, 3) or words[0] not in ("nineteen", "twenty", "eighteen"):
        return None
    century, year = _spoken(words[0]), _spoken(" ".join(words[1:]))
    return century * 100 + year if century and year and 10 <= year < 100 else None


def _spell(value: int) -> Iterator[str]:
    from num2words import num2words

    yield str(value)
    if value == 1:
        return  # in many languages the article too
    for language in SPOKEN if value >= 10 else ("en",):
        said = num2words(value, lang=language).replace(",", "")
        yield said
        if language == "en":
            yield said.replace(" and ", " ")
    if 1000 <= value < 2100:
        yield from (num2words(value, lang=language, to="year") for language in ("en", "de"))
    for scale, names in (
        (10**9, ("billion", "Milliarden", "milliards")),
        (10**6, ("million", "Millionen", "millions", "millones")),
        (10**3, ("thousand", "Tausend", "mille", "mil")),
    ):
        tenths, rest = divmod(value * 10, scale)
        if tenths >= 10 and not rest:
            short = str(tenths // 10) if tenths % 10 == 0 else f"{tenths // 10}.{tenths % 10}"
            yield from (f"{short} {name}" for name in names)
            break
    if value >= 10:
        for language in ("ko", "ja"):
            yield from _in_characters(num2words(value, lang=language))
        yield from (_mixed(value, *units) for units in (("만", "억", "조", "천"), ("万", "億", "兆", "千")))
        yield from (_mixed(value, *units, "") for units in (("만", "억", "조"), ("万", "億", "兆")))
        if 100 <= value < 10**4 or value >= 10**6:
            yield _chinese(value)


def _in_characters(said: str) -> Iterator[str]:
    yield said
    yield said.replace(" ", "")


def _mixed(value: int, ten_thousand: str, hundred_million: str, trillion: str, thousand: str) -> str:
    """4만 3천; without a word for a thousand 4만 3000."""
    parts = []
    for scale, name in ((10**12, trillion), (10**8, hundred_million), (10**4, ten_thousand)):
        if count := value // scale % 10**4:
            parts.append(f"{count}{name}")
    if rest := value % 10**4:
        whole = rest % 1000 == 0 and thousand
        parts.append(f"{rest // 1000}{thousand}" if whole else str(rest))
    return " ".join(parts)


def _chinese(value: int) -> str:
    """一百二十, 两 left out: with 一 before each unit and 零 for gaps."""
    digits = "零一二三四五六七八九"

    def section(number: int) -> str:
        text, gap = "", False
        for scale, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
            digit = number // scale % 10
            if digit:
                text += ("零" if gap and text else "") + digits[digit] + name
                gap = False
            else:
                gap = True
        return text

    text = ""
    for scale, name in ((10**12, "兆"), (10**8, "亿"), (10**4, "万"), (1, "")):
        if number := value // scale % 10**4:
            text += ("零" if text and number < 1000 else "") + section(number) + name
    return text
