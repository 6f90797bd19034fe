"""Moments taken along: as other programs read them, and as clips that begin and end where they should."""

import csv
import json
from pathlib import Path

import av
import numpy as np
import opentimelineio as otio
import pytest

from containers.common.errors import UserError
from containers.common.models.store import sha256_of
from tasks.search.export.moments import export_moments
from tasks.search.moments import find_moments
from tasks.search.question import MomentAnswer, MomentQuestion
from tests.tasks.words.archive import publish

EVIL = '=HYPERLINK("http://x") <b>budget</b>\n* FROM CLIP NAME: other'


RATE, LENGTH, BITS = 25, 30, 10  # frames a second, seconds, and stripes that count the frame in two


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each picture says its number in stripes, dark or light; a picture that needs no other every second."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    with av.open(str(path), "w") as container:
        options = {"preset": "ultrafast", "g": str(RATE)}
        video = container.add_stream(
            "h264", rate=RATE, width=160, height=96, pix_fmt="yuv420p", options=options
        )
        sound = container.add_stream("aac", rate=16000, layout="mono")
        for number in range(RATE * LENGTH):
            stripes = [235 if number >> bit & 1 else 16 for bit in range(BITS)]
            luma = np.repeat(np.repeat([stripes], 16, axis=1), 96, axis=0).astype(np.uint8)
            planes = np.vstack([luma, np.full((48, 160), 128, np.uint8)])
            container.mux(video.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
        wave = (np.sin(np.arange(16000 * LENGTH) / 9) * 9000).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(wave[None], format="s16", layout="mono")
        frame.sample_rate = 16000
        for stream, rest in ((sound, frame), (video, None), (sound, None)):
            container.mux(stream.encode(rest))
    return path


def numbers_shown(path: Path) -> list[int]:
    """The numbers that the pictures say."""
    with av.open(str(path)) as container:
        shown = [frame.to_ndarray(format="gray").mean(axis=0) for frame in container.decode(video=0)]
    return [
        sum(1 << bit for bit in range(BITS) if row[16 * bit + 4 : 16 * bit + 12].mean() > 125)
        for row in shown
    ]


@pytest.fixture(scope="module")
def output(film: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The film with three things said in it."""
    folder = tmp_path_factory.mktemp("export")
    digest = sha256_of(film)
    said = [("The budget.", 3.21, 5.0), (EVIL, 13.0, 14.5), ("No budget at all.", 25.03, 27.96)]
    media = {"name": "film.mp4", "sha256": digest, "size": 1, "format": "mp4", "duration": 30.0}
    media |= {"video_codec": "h264", "audio_codec": "aac", "frame_rate": RATE, "width": 160, "height": 96}
    publish(folder, digest[:16], said, names={"SPEAKER_00": "Kate"}, media=media, duration=30.0)
    cache = folder / ".cache" / digest[:16]
    cache.mkdir(parents=True)
    (cache / "found.json").write_text(json.dumps({"findings": {}, "media": str(film)}))
    return folder


@pytest.fixture(scope="module")
def answer(output: Path) -> MomentAnswer:
    found = find_moments(output, MomentQuestion(said="budget"), say=print)
    found.moments.sort(key=lambda moment: moment.start)
    return found


def test_a_timeline_opens_in_opentimelineio(output: Path, answer: MomentAnswer, tmp_path: Path) -> None:
    (path,) = export_moments(answer, output, tmp_path / "m.otio")
    clips = otio.adapters.read_from_file(str(path)).find_clips()
    assert [clip.metadata["mediaflow"]["by"] for clip in clips] == ["Kate"] * 3
    for clip, moment in zip(clips, answer.moments, strict=True):
        span = clip.source_range
        assert abs(span.start_time.to_seconds() - moment.start) <= 0.5 / span.start_time.rate
        assert abs(span.end_time_exclusive().to_seconds() - moment.end) <= 0.5 / span.start_time.rate
        assert clip.media_reference.target_url.startswith("file:///")
        assert clip.available_range().contains(span)


def test_media_that_moved_is_linked_where_it_is_now(answer: MomentAnswer, tmp_path: Path) -> None:
    """In one process, as in a notebook that stays open."""
    asset = answer.moments[0].asset
    for place in ("s3://media/old.mp4", "s3://media/new.mp4"):
        publish(tmp_path, asset, [("The budget.", 3.21, 5.0)], source=place)
        found = find_moments(tmp_path, MomentQuestion(said="budget"), say=print)
        (path,) = export_moments(found, tmp_path, tmp_path / "m.otio")
        assert place in path.read_text(encoding="utf-8")


def test_an_edl_opens_in_opentimelineio_s_reader(output: Path, answer: MomentAnswer, tmp_path: Path) -> None:
    (path,) = export_moments(answer, output, tmp_path / "m.edl")
    rate = RATE
    clips = otio.adapters.read_from_file(str(path), rate=rate).find_clips()
    assert len(clips) == 3, "a line that media wrote is no event"
    for clip, moment in zip(clips, answer.moments, strict=True):
        span = clip.source_range
        assert abs(span.start_time.to_seconds() - moment.start) <= 1 / rate
        assert abs(span.end_time_exclusive().to_seconds() - moment.end) <= 1 / rate
        assert clip.name.startswith("film.mp4 ")


def test_a_table_holds_no_formula(output: Path, answer: MomentAnswer, tmp_path: Path) -> None:
    (path,) = export_moments(answer, output, tmp_path / "m.csv")
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [float(row["start"]) for row in rows] == [3.21, 13.0, 25.03]
    assert rows[1]["said"].startswith("'=HYPERLINK")


def test_chapters(output: Path, answer: MomentAnswer, tmp_path: Path) -> None:
    (path,) = export_moments(answer, output, tmp_path / "chapters.txt")
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line.split()[0] for line in lines] == ["0:00", "0:13", "0:25"]
    assert "<" not in lines[1]
    few = answer.model_copy(update={"moments": answer.moments[:1]})
    with pytest.raises(UserError, match="YouTube wants 3 chapters"):
        export_moments(few, output, tmp_path / "few.txt")


def seconds_of(path: Path, kind: str) -> float:
    with av.open(str(path)) as container:
        stream = (container.streams.video if kind == "video" else container.streams.audio)[0]
        return float(stream.duration * stream.time_base)


@pytest.mark.slow
def test_clips_begin_and_end_within_one_frame(output: Path, answer: MomentAnswer, tmp_path: Path) -> None:
    files = export_moments(answer, output, tmp_path / "clips")
    clips = [path for path in files if path.suffix == ".mp4"]
    for path, moment in zip(clips, answer.moments, strict=True):
        own = numbers_shown(path)
        assert own == list(range(own[0], own[-1] + 1)), "every picture, once"
        assert abs(own[0] / RATE - moment.start) <= 1 / RATE
        assert abs((own[-1] + 1) / RATE - moment.end) <= 1 / RATE
        assert abs(seconds_of(path, "audio") - (moment.end - moment.start)) <= 1 / RATE + 0.025
    subtitles = clips[0].with_suffix(".srt").read_text(encoding="utf-8")
    assert subtitles == "1\n00:00:00,000 --> 00:00:01,790\nKate: The budget.\n"


@pytest.mark.slow
def test_one_film_of_all_moments(output: Path, answer: MomentAnswer, tmp_path: Path) -> None:
    made, subtitles = export_moments(answer, output, tmp_path / "all.mp4")
    own = numbers_shown(made)
    frames = [round((moment.end - moment.start) * RATE) for moment in answer.moments]
    assert len(own) == sum(frames)
    assert seconds_of(made, "audio") == pytest.approx(sum(frames) / RATE, abs=0.03)
    at = 0
    for count, moment in zip(frames, answer.moments, strict=True):
        assert abs(own[at] / RATE - moment.start) <= 1 / RATE
        assert abs((own[at + count - 1] + 1) / RATE - moment.end) <= 1 / RATE
        at += count
    with av.open(str(made)) as container:
        chapters = container.chapters()
    assert [chapter["metadata"]["title"] for chapter in chapters] == [
        "film.mp4 0:03",
        "film.mp4 0:13",
        "film.mp4 0:25",
    ]
    cues = subtitles.read_text(encoding="utf-8").split("\n\n")
    assert cues[0] == "1\n00:00:00,000 --> 00:00:01,790\nKate: The budget."
    assert cues[1].startswith("2\n00:00:01,800 --> 00:00:03,300\n")


@pytest.mark.slow
def test_a_clip_of_sound(output: Path, speech_wav: Path, tmp_path: Path) -> None:
    digest = sha256_of(speech_wav)
    media = {
        "name": "a.wav",
        "sha256": digest,
        "size": 1,
        "format": "wav",
        "duration": 30.0,
        "audio_codec": "pcm",
    }
    publish(tmp_path, digest[:16], [("Something.", 7.13, 9.5)], media=media, duration=30.0)
    (tmp_path / ".cache" / digest[:16]).mkdir(parents=True)
    about = {"media": str(speech_wav)}
    (tmp_path / ".cache" / digest[:16] / "found.json").write_text(json.dumps(about))
    found = find_moments(tmp_path, MomentQuestion(said="something"), say=print)
    path, _ = export_moments(found, tmp_path, tmp_path / "clips")
    assert path.suffix == ".m4a"
    assert seconds_of(path, "audio") == pytest.approx(9.5 - 7.13, abs=0.08)
    film, _ = export_moments(found, tmp_path, tmp_path / "film.mp4")
    assert seconds_of(film, "video") == pytest.approx(9.5 - 7.13, abs=0.04), "black, with the sound"
    assert seconds_of(film, "audio") == pytest.approx(9.5 - 7.13, abs=0.04)


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        (None, "is not on this machine"),
        ("/nowhere/x.mp4", "is not there any more"),
        (__file__, r"test_export\.py"),
    ],
)
def test_clips_of_media_that_is_not_the_one(output, answer, tmp_path, place, sentence) -> None:
    asset = answer.moments[0].asset
    (tmp_path / asset).mkdir()
    (tmp_path / asset / "manifest.json").write_bytes((output / asset / "manifest.json").read_bytes())
    if place:
        (tmp_path / ".cache" / asset).mkdir(parents=True)
        (tmp_path / ".cache" / asset / "found.json").write_text(json.dumps({"media": place}))
    with pytest.raises(UserError, match=sentence):
        export_moments(answer, tmp_path, tmp_path / "clips")
    assert not (tmp_path / "clips").exists()


def test_an_unknown_kind_and_nothing(output: Path, answer: MomentAnswer, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"m\.doc is none of "):
        export_moments(answer, output, tmp_path / "m.doc")
    with pytest.raises(UserError, match="no moment"):
        export_moments(answer.model_copy(update={"moments": []}), output, tmp_path / "m.csv")
