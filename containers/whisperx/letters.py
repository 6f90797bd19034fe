"""Words of any script in the 27 letters of MMS' aligner, by uroman.

Pratap et al., "Scaling Speech Technology to 1,000+ Languages", 2023, whose aligner was trained on such text.
Hermjakob et al., "Out-of-the-box Universal Romanization Tool uroman", 2018.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

OTHERS = re.compile("[^a-z'0-9]")
UNTOLD = "*"  # in no aligner's alphabet: whisperX puts its wildcard there
# Those of Whisper's languages for which uroman has rules of their own, by its ISO 639-3 codes.
CODES = {
    "ar": "ara", "be": "bel", "bg": "bul", "de": "deu", "el": "ell", "en": "eng", "fa": "fas", "he": "heb",
    "kk": "kaz", "lt": "lit", "lv": "lav", "mk": "mkd", "ps": "pus", "ru": "rus", "sr": "srp", "tr": "tur",
    "uk": "ukr", "yi": "yid",
}  # fmt: skip


def speller(language: str) -> Callable[[str], str]:
    """What spells a word of `language` (Whisper's code): letters a to z and the apostrophe, one wildcard for
    each digit, and one for a word that has neither."""
    code = CODES.get(language)

    def spell(word: str) -> str:
        plain = word.strip().replace("\u2019", "'")  # which uroman leaves out
        romanised = _uroman().romanize_string(plain, lcode=code).lower()
        return re.sub("[0-9]", UNTOLD, OTHERS.sub("", romanised)) or UNTOLD

    return spell


@cache
def _uroman() -> Any:
    """Its tables take seconds to read."""
    from uroman import Uroman

    return Uroman()
