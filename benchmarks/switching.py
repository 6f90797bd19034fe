"""Recordings in which the language changes, made by espeak-ng, with the truth about them.

`python -m benchmarks.switching FOLDER` writes the one that the tests use.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from containers.common.media.audio import load_audio

RATE = 16_000
PAUSE = 0.7  # seconds between two stretches
# Voice and words a minute. Whisper base takes espeak-ng's plain Korean voice for Thai, Finnish or Latin; its
# Klatt synthesiser, spoken slowly, it recognises.
VOICES = {"ko": ("ko+klatt2", 105), "en": ("en-us", 150), "de": ("de", 150)}
SENTENCES = {
    "ko": (
        "안녕하세요. 오늘 날씨가 참 좋네요. 우리는 공원에 산책을 가려고 합니다.",
        "저는 어제 친구와 함께 시장에서 과일과 채소를 많이 샀습니다.",
        "감사합니다. 그러면 다음 주 월요일에 회의실에서 다시 만나겠습니다.",
        "우리 회사는 서울에 있고 저는 매일 지하철을 타고 출근합니다.",
        "한국어를 배우는 사람이 점점 많아지고 있습니다. 정말 반갑습니다.",
        "여러분 안녕하십니까. 지금부터 오늘의 뉴스를 말씀드리겠습니다.",
    ),
    "en": (
        "The library will be closed on Monday because the heating has to be repaired before winter.",
        "We walked along the river until it got dark and then took the last train home.",
        "Please remember to send me the photographs from our trip to the mountains.",
        "My brother works in a small hospital near the harbour and comes home late.",
        "The museum is showing old maps and ships from the eighteenth century this month.",
        "She opened the window and listened to the rain falling on the garden.",
    ),
    "de": (
        "Der Zug nach München fährt heute leider zwanzig Minuten später ab.",
        "Wir gingen am Fluss entlang, bis es dunkel wurde, und fuhren mit dem letzten Zug nach Hause.",
        "Guten Tag, meine Damen und Herren. Ich freue mich sehr, dass Sie heute gekommen sind.",
        "Mein Bruder arbeitet in einem kleinen Krankenhaus am Hafen und kommt spät nach Hause.",
        "Heute Abend kochen wir zusammen eine Suppe mit Kartoffeln und Möhren aus dem Garten.",
        "Ich habe gestern mit meiner Schwester gesprochen, und sie kommt nächste Woche zu Besuch.",
    ),
}


class Spoken(NamedTuple):
    """What is said from when to when, in seconds."""

    start: float
    end: float
    language: str
    text: str


def speak(language: str, text: str, sample_rate: int = RATE, voice: str | None = None) -> np.ndarray:
    """Mono, shape (samples,), in the language's voice or another one."""
    usual, rate = VOICES[language]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "speech.wav")
        subprocess.run(
            ["espeak-ng", "-v", voice or usual, "-s", str(rate), "-w", str(path), text], check=True
        )
        samples = np.trim_zeros(load_audio(path.as_uri(), sample_rate))
    return samples / np.abs(samples).max() * 0.5


def mixture(seed: int, count: int = 9, languages: str = "ko en de") -> tuple[np.ndarray, list[Spoken]]:
    """`count` stretches of one or two sentences, no two of one language side by side."""
    random = np.random.default_rng(seed)
    codes, blocks, truth = languages.split(), [np.zeros(RATE // 2, np.float32)], []
    place, before = 0.5, ""
    for number in range(count):
        language = str(random.choice([code for code in codes if code != before or len(codes) == 1]))
        chosen = random.choice(len(SENTENCES[language]), 1 + number % 2, replace=False)
        text = " ".join(SENTENCES[language][one] for one in chosen)
        samples = speak(language, text)
        truth.append(Spoken(round(place, 2), round(place + len(samples) / RATE, 2), language, text))
        blocks += [samples, np.zeros(round(PAUSE * RATE), np.float32)]
        place += len(samples) / RATE + PAUSE
        before = language
    return np.concatenate(blocks), truth


def heard_language(segments: list[dict], spoken: Spoken) -> str | None:
    """The language of most words' time in a stretch; None where there are no words."""
    totals: dict[str, float] = {}
    for segment in segments:
        for word in segment["words"]:
            overlap = min(word["end"], spoken.end) - max(word["start"], spoken.start)
            if overlap > 0:
                totals[segment["language"]] = totals.get(segment["language"], 0.0) + overlap
    return max(totals, key=totals.__getitem__) if totals else None


def main() -> None:
    folder = Path(sys.argv[1])
    samples, truth = mixture(11, 7)
    soundfile.write(folder / "switching.flac", samples, RATE)
    text = json.dumps([spoken._asdict() for spoken in truth], ensure_ascii=False, indent=1)
    (folder / "switching.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
