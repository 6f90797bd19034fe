"""Speech whose text is known: the packaged call, two synthetic readings, a novel, telephone prompts.

The novel and the prompts come with their texts in Debian packages. Nothing was chosen on them.
"""

import gzip
import re
from pathlib import Path

import numpy as np

from benchmarks import noises, switching
from benchmarks.voices import load, package_files
from containers.common.media.audio import load_audio
from tasks.media.demo import sample_speech

NOVEL = "usr/share/pocketsphinx/test/data/librivox"
PROMPTS = {
    "en": ("Allison, English", "usr/share/asterisk/sounds/en_US_f_Allison"),
    "fr": ("June, French", "usr/share/asterisk/sounds/fr_CA_f_June"),
    "it": ("Carlo, Italian", "usr/share/asterisk/sounds/it_IT_m_Carlo"),
    "ru": ("Ivrvoice, Russian", "usr/share/asterisk/sounds/ru_RU_f_IvrvoiceRU"),
}
LETTERS = 60  # at least so many in a prompt
SECONDS = 45
FIGURES = re.compile(r"[\d\[\]()*]")  # also what is a remark and not said
PAUSE = 0.7  # seconds between prompts
RATE = noises.RATE


def clips() -> dict[str, tuple[np.ndarray, str]]:
    """Samples at 48 kHz and what is said."""
    stm = sample_speech().with_suffix(".stm").read_text().splitlines()
    call = " ".join(line.split(maxsplit=5)[5] for line in stm)
    found = {"call": (load_audio(sample_speech().as_uri(), RATE), call)}
    for voice in ("en-us", "en-gb+f3"):
        text = " ".join(switching.SENTENCES["en"])
        found[f"espeak-ng {voice}"] = (switching.speak("en", text, RATE, voice), text)
    found["novel"] = novel()
    for language, (name, _) in PROMPTS.items():
        for part in range(3 if language == "en" else 2):
            found[f"{name} {part + 1}"] = prompts(language, part)
    return found


def novel() -> tuple[np.ndarray, str]:
    folder = package_files("pocketsphinx-testdata") / NOVEL
    lines = (folder / "transcription").read_text().splitlines()
    parts = [re.fullmatch(r"<s> (.*) </s> \((.*)\)", line) for line in lines]
    return joined([(folder / f"{part[2]}.wav", part[1]) for part in parts if part])


def prompts(language: str, part: int) -> tuple[np.ndarray, str]:
    """Prompts in the order of their names, without those that say figures."""
    packages = (f"asterisk-core-sounds-{language}{format}" for format in ("", "-g722"))
    root = package_files(*packages)
    text = root / f"usr/share/doc/asterisk-core-sounds-{language}/core-sounds-{language}.txt.gz"
    lines = gzip.decompress(text.read_bytes()).decode().splitlines()
    said = dict(line.split(": ", 1) for line in lines if ": " in line)
    folder = root / PROMPTS[language][1]
    usable = [
        (folder / f"{name}.g722", words)
        for name, words in sorted(said.items())
        if len(words) >= LETTERS and not FIGURES.search(words) and (folder / f"{name}.g722").exists()
    ]
    return joined(usable, part)


def joined(files: list[tuple[Path, str]], part: int = 0) -> tuple[np.ndarray, str]:
    """The `part`-th SECONDS or a little more of these, one after another."""
    pause = np.zeros(round(PAUSE * RATE))
    samples, words, seen = [pause], [], 0
    for path, text in files:
        spoken = load(path)
        seen += len(spoken) + len(pause)
        if seen > part * SECONDS * RATE:
            samples += [spoken, pause]
            words.append(text)
        if seen > (part + 1) * SECONDS * RATE:
            break
    return np.concatenate(samples), " ".join(words)
