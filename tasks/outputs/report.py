"""`report.html`: everything found in one page that opens from disk, in any browser, without a network."""

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from pydantic import BaseModel, Field

from containers.common import storage
from containers.common.contract import ModelRef
from containers.common.documents.sounds import Tags
from containers.common.documents.speakers import Diarization
from containers.common.documents.speech import Transcript
from tasks.asset.manifest import StageEntry
from tasks.checks.verdicts import Quality
from tasks.media.probe import MediaInfo
from tasks.outputs import report_view
from tasks.outputs.chapters import KeyFrame, Said, choose_key_frames, frame_at, list_chapters
from tasks.stages.code import ROOT
from tasks.stages.denoise.run import DenoisedAudio
from tasks.stages.detect.track import Track
from tasks.stages.registry import STAGES

TEMPLATES = Path(__file__).with_name("templates")

# What is no stage of an image, and what a stage finds in words for who knows of no vectors.
ABOUT = {
    "embed": "people, told apart by their faces",
    "look": "pictures that can be searched",
    "meaning": "what is said, searched by its meaning",
    "decode": "sound and pictures read",
    "check": "rules of plausibility",
    "index": "put into the search",
}


class ReportPerson(BaseModel):
    """One person of the face sheet; `crop` is the URI of their best aligned JPEG, where there is one."""

    tracks: list[Track] = Field(min_length=1, description="appearances, by time")
    crop: str | None = None


class ReportFrame(BaseModel):
    """A sampled frame, also when no face was found in it: the timeline needs both."""

    time: float = Field(description="seconds")
    faces: int = Field(default=0, description="how many were found")


class ReportPicture(BaseModel):
    """A picture that is on screen for a while; `thumbnail` is the URI of a JPEG."""

    time: float = Field(description="seconds")
    end: float = Field(description="seconds")
    thumbnail: str


class ReportData(BaseModel):
    """What the page shows. Empty parts are said to be empty, with the stage's reason where it did not run."""

    media: MediaInfo
    start: float = Field(
        default=0, ge=0, description="seconds of the media at which the analysed part begins"
    )
    duration: float = Field(ge=0, description="seconds really decoded")
    notes: list[str] = Field(default=[], description="what the media says of itself that was not believed")
    damaged_packets: int = 0
    media_src: str | None = Field(
        default=None, description="URI of the media, absolute or relative to the page; no player without it"
    )
    transcript: Transcript = Transcript(segments=[], language=None)
    diarization: Diarization = Diarization(turns=[], exclusive_turns=[], voice_activity=[], speakers=[])
    tags: Tags = Tags(predictions=[])
    denoised: DenoisedAudio | None = None
    frames: list[ReportFrame] = []
    pictures: list[ReportPicture] = Field(default=[], description="by time")
    people: list[ReportPerson] = []
    unclear: list[ReportPerson] = Field(default=[], description="faces that cannot be told, one track each")
    stages: list[StageEntry] = []
    models: list[ModelRef] = []
    quality: Quality | None = Field(default=None, description="none when it was not checked")
    sections: dict[str, dict[str, Any]] = Field(default={}, description="what stages show of themselves")
    files: list[str] = Field(default=[], description="names beside the page, offered as links")


def render_report(asset: ReportData) -> str:
    """The page as one HTML document: style, script and pictures are inside it, media is not.

    Everything that comes from the media is escaped; the page's own policy forbids any other script and any
    request but for the media. Raises StorageError when a picture cannot be read.
    """
    people = [report_view.PersonTile(shown.tracks, shown.crop) for shown in asset.people]
    utterances = report_view.list_utterances(asset.transcript)
    pictures = [KeyFrame(shown.time, shown.end, shown.thumbnail) for shown in asset.pictures]
    said = [Said(segment.start, segment.text) for segment in asset.transcript.segments]
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            asset=asset,
            script=Markup(script),
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
            style=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),
            speakers=report_view.list_speakers(asset.diarization, asset.transcript),
            utterances=utterances,
            unsure=any(token.unsure for utterance in utterances for token in utterance.tokens),
            chapters=[
                (chapter, frame_at(pictures, chapter.start))
                for chapter in list_chapters(said, asset.duration)
            ],
            key_frames=choose_key_frames(pictures),
            presence=report_view.face_presence([(f.time, f.faces) for f in asset.frames]),
            sounds=report_view.list_sounds(asset.tags),
            ticks=report_view.axis_ticks(asset.duration, asset.start),
            people=report_view.longest_seen(people, report_view.MOST_PEOPLE),
            people_found=len(people),
            # What builds on most comes first.
            sections=[stage.folder.name for stage in reversed(STAGES.values()) if stage.section],
            unclear=report_view.longest_seen(
                [report_view.PersonTile(shown.tracks, shown.crop) for shown in asset.unclear],
                report_view.MOST_PEOPLE,
            ),
            most_appearances=report_view.MOST_APPEARANCES,
            about={stage.name: stage.about for stage in STAGES.values()} | ABOUT,
            outcome={stage.name: stage for stage in asset.stages},
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader([TEMPLATES, ROOT / "tasks" / "stages"]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        clock=report_view.clock,
        span=report_view.span,
        speaker_name=report_view.speaker_name,
        what_it_is=report_view.what_it_is,
        plainly=report_view.plainly,
        data_uri=_data_uri,
    )
    return environment


def _data_uri(uri: str) -> str:
    kind = "png" if uri.endswith(".png") else "jpeg"
    return f"data:image/{kind};base64," + base64.b64encode(storage.read_bytes(uri)).decode()
