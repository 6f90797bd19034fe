"""Clean natural speech: two halves that share no speaker, one to choose settings on and one to report.

The voices are telephone prompts and readings that Debian packages carry; `apt-get` fetches them once.
"""

import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from containers.common.media.audio import stream_audio
from tasks.media.demo import sample_speech

RATE = 48_000
SECONDS = 12  # of each clip
FOLDER = Path(__file__).parents[1] / "build" / "voices"
PACKAGES = [
    *(f"asterisk-core-sounds-{language}-g722" for language in ("en", "es", "fr", "it", "ru")),
    "pocketsphinx-testdata",
]
PROMPTS = "usr/share/asterisk/sounds/{}/demo-congrats.g722"
READING = "usr/share/pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-{}.wav"


def voices_to_choose_on() -> dict[str, np.ndarray]:
    """Name to samples at 48 kHz: three speakers, one of them in two languages."""
    call = load(sample_speech())
    return {
        "call, first half": call[6 * RATE : 18 * RATE],
        "call, second half": call[18 * RATE :],
        "Allison, English": _prompt("en_US_f_Allison"),
        "Allison, Spanish": _prompt("es_MX_f_Allison"),
    }


def voices_to_report() -> dict[str, np.ndarray]:
    """Name to samples at 48 kHz: four speakers that no setting was chosen on."""
    reading = [load(_files() / READING.format(part)) for part in ("0870", "0890")]
    return {
        "June, French": _prompt("fr_CA_f_June"),
        "Carlo, Italian": _prompt("it_IT_m_Carlo"),
        "Ivrvoice, Russian": _prompt("ru_RU_f_IvrvoiceRU"),
        "LibriVox, English": np.concatenate(reading)[: SECONDS * RATE],
    }


def load(path: Path) -> np.ndarray:
    """Mono samples at 48 kHz."""
    return np.concatenate(list(stream_audio(path, RATE)))


def _prompt(speaker: str) -> np.ndarray:
    return load(_files() / PROMPTS.format(speaker))[: SECONDS * RATE]


def _files() -> Path:
    return package_files(*PACKAGES)


@cache
def package_files(*packages: str) -> Path:
    """The folder into which these Debian packages are unpacked, fetched where they are not there yet."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for package in packages:
        if (FOLDER / f"{package}.unpacked").exists():
            continue
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(
                ["apt-get", "download", "--quiet", package], cwd=folder, check=True, capture_output=True
            )
            (fetched,) = Path(folder).glob("*.deb")
            subprocess.run(["dpkg", "--extract", fetched, FOLDER], check=True)
        (FOLDER / f"{package}.unpacked").touch()
    return FOLDER
