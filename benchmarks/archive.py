"""An archive for `benchmarks.search`: 1,000 hours that people could have said, from texts that are packaged.

English is sentences of the standard library's docstrings; German, Korean and Japanese are names of Babel's
locale data (places, languages, currencies) drawn by Zipf's law, Korean nouns with particles.
"""

import ast
import json
import random
import re
import sys
import sysconfig
from pathlib import Path
from typing import Any

from babel import Locale

SHARES = {"en": 0.4, "ko": 0.25, "de": 0.2, "ja": 0.15}
PARTICLES = [
    "은",
    "는",
    "이",
    "가",
    "을",
    "를",
    "에",
    "에서",
    "에서는",
    "으로",
    "과",
    "와",
    "도",
    "의",
    "까지",
    "부터",
    "",
]
SOUNDS = [
    "Speech",
    "Music",
    "Applause",
    "Laughter",
    "Dog",
    "Siren",
    "Telephone",
    "Rain",
    "Cheering",
    "Typing",
]
WORDS_OF_A_SEGMENT = 13
SEGMENTS = 690  # of an hour


def english() -> list[str]:
    """Sentences of docstrings of the standard library."""
    found = []
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8", errors="replace"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module):
                text = " ".join((ast.get_docstring(node) or "").split())
                found += [each for each in re.split(r"(?<=[.!?])\s", text) if 6 <= len(each.split()) <= 30]
    return sorted(set(found))


def names(language: str) -> list[str]:
    """Words of what Babel calls places, languages, scripts and currencies in that language."""
    locale = Locale(language)
    values = [*locale.territories.values(), *locale.languages.values(), *locale.scripts.values()]
    values += [*locale.currencies.values(), *locale.variants.values()]
    cut = r"[^\W\d_]+" if language != "ja" else r"[^\W\d_]{2,}"
    return sorted({word for value in values for word in re.findall(cut, value) if len(word) > 1})


class Talker:
    """Says segments of a language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._sentences = english() if language == "en" else []
        self._words = [] if language == "en" else names(language)
        random.Random(language).shuffle(self._words)
        self._weights = [1 / (place + 10) for place in range(len(self._words))]

    def say(self, rng: random.Random) -> str:
        if self._sentences:
            one, other = rng.choice(self._sentences), rng.choice(self._sentences).split()
            return " ".join([*one.split()[:10], *other[: WORDS_OF_A_SEGMENT - 6]])
        words = rng.choices(self._words, self._weights, k=WORDS_OF_A_SEGMENT)
        if self.language == "ko":
            return " ".join(word + rng.choice(PARTICLES) for word in words) + "."
        return "".join(words) + "。" if self.language == "ja" else " ".join(words) + "."


def make(output: Path, assets: int, seed: int = 0) -> None:
    """Asset folders as analyses publish them, as far as the index of words reads them."""
    talkers = {language: Talker(language) for language in SHARES}
    people = [f"Person {number}" for number in range(200)]
    rng = random.Random(seed)
    for number in range(assets):
        (language,) = rng.choices(list(SHARES), list(SHARES.values()))
        write(output / f"{number:016x}", talkers[language], people, rng)
        if number % 100 == 99:
            print(f"{number + 1} assets", file=sys.stderr)


def write(folder: Path, talker: Talker, people: list[str], rng: random.Random) -> None:
    folder.mkdir(parents=True)
    voices = {f"SPEAKER_{place:02}": name for place, name in enumerate(rng.sample(people, 4))}
    length = 3600 / SEGMENTS
    said = [
        {
            "start": round(place * length, 2),
            "end": round((place + 0.9) * length, 2),
            "text": talker.say(rng),
            "speaker": rng.choice(list(voices)),
            "language": talker.language,
        }
        for place in range(SEGMENTS)
    ]
    starts = sorted(rng.uniform(0, 3500) for _ in range(60))
    heard = [
        {
            "label": rng.choice(SOUNDS),
            "score": 0.9,
            "start_time": start,
            "end_time": start + rng.uniform(1, 60),
        }
        for start in starts
    ]
    seen = [
        {
            "id": place,
            "person": f"PERSON_{place:03}",
            "name": rng.choice(people),
            "start": start,
            "end": start + 50,
        }
        for place, start in enumerate(rng.uniform(0, 3500) for _ in range(40))
    ]
    documents: dict[str, Any] = {
        "transcript.json": {"segments": said, "language": talker.language, "names": voices},
        "tags.json": {"predictions": heard},
        "faces.json": {"frames": [], "tracks": seen},
    }
    for name, document in documents.items():
        (folder / name).write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    media = {"name": f"{folder.name}.mp4", "sha256": "a" * 64, "size": 1, "format": "mp4", "duration": 3600.0}
    manifest = {"asset": folder.name, "media": media, "duration": 3600.0, "complete": True, "seconds": 1.0}
    manifest |= {"created": "2026-11-25T00:00:00Z", "fingerprint": "", "options": {}, "software": {}}
    manifest |= {"stages": [], "models": []}
    (folder / "manifest.json").write_text(json.dumps(manifest))
