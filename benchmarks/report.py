"""How soon a two-hour asset's report can be used: `python -m benchmarks.report [OUT]`; figures in report.md.

The page is one as an analysis of two hours makes it: 150 words a minute, six speakers, a face twice a second,
sixty crops, forty kinds of sound. It is opened in a fresh headless Chromium each time, and counts as usable
when a word has been clicked and the player has gone there.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from containers.common.documents.faces import AgeAndGender, Detection, Face
from containers.common.documents.sounds import Prediction, Tags
from containers.common.documents.speakers import Diarization, Turn
from containers.common.documents.speech import Segment, Transcript, Word
from containers.faceapi.contract import Box
from tasks.media.demo import sample_speech
from tasks.media.probe import probe
from tasks.outputs.report import ReportData, ReportFrame, ReportPerson, render_report
from tasks.stages.detect.frame_faces import FrameFaces
from tasks.stages.detect.track import Track, track_faces

SECONDS = 7200
TEXT = "it has been a long day and there is still some way to go before we are home"
PEOPLE = 60
RUNS = 5

USABLE = """
const click = () => {
  const word = document.querySelector("[data-t]");
  const player = document.getElementById("player");
  if (!word || !player) return requestAnimationFrame(click);
  word.click();
  if (word.classList.contains("now")) window.usable = performance.now();
  else requestAnimationFrame(click);
};
addEventListener("DOMContentLoaded", click);
window.blocked = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.blocked = Math.max(window.blocked, entry.duration);
}).observe({ type: "longtask", buffered: true });
"""


def two_hours(media: Path, crops: Path) -> ReportData:
    """What an analysis of two hours found; `media` is any recording, `crops` a folder for pictures."""
    random = np.random.default_rng(0)
    segments, turns = [], []
    for number, start in enumerate(np.arange(0.0, SECONDS - 8, 6.8)):
        speaker = f"SPEAKER_{number // 3 % 6:02}"
        words = [
            Word(word=word, start=start + 0.4 * at, end=start + 0.4 * at + 0.35, score=random.random())
            for at, word in enumerate(TEXT.split())
        ]
        segments.append(Segment(start=start, end=words[-1].end, text=TEXT, words=words, speaker=speaker))
        turns.append(Turn(start=start, end=words[-1].end, speaker=speaker))
    events = [
        Prediction(label=f"Sound {kind}", score=random.random(), start_time=start, end_time=start + 10)
        for kind in range(40)
        for start in random.uniform(0, SECONDS - 10, 50)
    ]
    return ReportData(
        media=probe(media),
        duration=SECONDS,
        media_src=media.as_uri(),
        transcript=Transcript(segments=segments, language="en"),
        diarization=Diarization(turns=turns, exclusive_turns=turns, voice_activity=[], speakers=[]),
        tags=Tags(predictions=events),
        frames=[ReportFrame(time=at / 2, faces=int(random.integers(4))) for at in range(2 * SECONDS)],
        people=[ReportPerson(tracks=[_track(at)], crop=_crop(crops, at, random)) for at in range(PEOPLE)],
    )


def _track(second: int) -> Track:
    face = Face(
        detection=Detection(box=Box(x=1, y=1, width=90, height=90), score=0.98),
        expressions={"neutral": 0.2, "happy": 0.8},
        ageAndGender=AgeAndGender(age=31, gender="female", genderProbability=0.9),
        descriptor=[0.0] * 128,
    )
    return track_faces([FrameFaces(time=second, width=640, height=360, faces=[face])])[0]


def _crop(folder: Path, number: int, random: np.random.Generator) -> str:
    path = folder / f"{number}.jpg"
    coarse = Image.fromarray(random.integers(0, 256, (12, 12, 3), np.uint8))
    coarse.resize((160, 160), Image.Resampling.BICUBIC).save(path)
    return path.as_uri()


def measure(page: Path, executable: str = "/usr/bin/chromium") -> dict[str, float]:
    """Milliseconds from the start of the navigation until a word could be clicked, and the longest task."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        opened = browser.new_page()
        opened.add_init_script(USABLE)
        opened.goto(page.as_uri(), wait_until="load")
        opened.wait_for_function("window.usable")
        found = {name: opened.evaluate(f"window.{name}") for name in ("usable", "blocked")}
        browser.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report")
    parser.add_argument("folder", type=Path, nargs="?", help="where the page is left")
    chosen = parser.parse_args().folder
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        page = folder / "report.html"
        page.write_text(render_report(two_hours(sample_speech(), folder)), encoding="utf-8")
        print(f"{page.stat().st_size / 1e6:.2f} MB, {SECONDS} s")
        runs = [measure(page) for _ in range(RUNS)]
    for name in ("usable", "blocked"):
        values = sorted(run[name] for run in runs)
        print(f"{name}: median {statistics.median(values):.0f} ms, {values[0]:.0f} to {values[-1]:.0f}")


if __name__ == "__main__":
    main()
