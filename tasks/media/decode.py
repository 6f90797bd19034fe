"""The stage that decodes: in a process of its own, within what the file may ask for."""

import shutil
from pathlib import Path

from prefect import task

from tasks.asset.disk import explain_disk
from tasks.calls.progress import advance
from tasks.media.bounded import run_bounded
from tasks.media.budget import budget_of, check_room
from tasks.media.channels import Channelled
from tasks.media.decoded import Decoded
from tasks.media.part import WHOLE, Part
from tasks.media.probe import probe


@task
def decode(
    path: Path,
    folder: Path,
    frame_rate: float,
    expected: float | None,
    audio_track: str | None = None,
    channels: Channelled = "mixed",
    part: Part = WHOLE,
    pictures: bool = True,
) -> Decoded:
    """Decodes `part` of a file into an emptied `folder`; `expected` seconds, where known, make the progress
    true.

    `channels` says whether each channel of the sound is kept beside their mix; without `pictures` sound alone
    is decoded, where there is some.
    """
    media = probe(path, audio_track)
    budget = budget_of(media.size, media.duration, media.pixels)

    def tell(seconds: float) -> None:
        advance("decode", seconds / (expected or seconds or 1))

    with explain_disk(folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if media.audio_codec:
            check_room(folder, media.size, part.length(media.duration))
        given = {"folder": str(folder), "frame_rate": frame_rate, "audio_track": audio_track}
        given |= {"pictures": pictures or not media.audio_codec, "channels": channels, "part": part}
        decoded = Decoded(**run_bounded("decode", path, budget, tell, **given))
        complete_mark(folder).touch()
    return decoded


def complete_mark(folder: Path) -> Path:
    """The file that says that everything else in `folder` is whole."""
    return folder / "complete"
