"""The report page: what a person finds in it, and that nothing in the media can change what it is."""

import base64
import io
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from containers.common.contract import ModelRef
from containers.common.documents.faces import AgeAndGender, Detection, Face
from containers.common.documents.sounds import Prediction, Tags
from containers.common.documents.speakers import Diarization, Turn
from containers.common.documents.speech import Segment, Transcript, Word
from containers.common.errors import StorageError
from containers.deepfilternet.contract import NoiseEstimate
from containers.faceapi.contract import Box
from tasks.asset.manifest import StageEntry
from tasks.media.probe import MediaInfo
from tasks.media.tracks import Track as Stream
from tasks.outputs.report import ReportData, ReportFrame, ReportPerson, render_report
from tasks.outputs.report_view import (
    MOST_PEOPLE,
    axis_ticks,
    clock,
    face_presence,
    list_speakers,
    list_utterances,
    span,
)
from tasks.stages.denoise.run import DenoisedAudio
from tasks.stages.detect.frame_faces import FrameFaces
from tasks.stages.detect.track import Track, track_faces

VOID = {"meta", "link", "img", "input", "br", "rect"}
HOSTILE = "</p></script></style></title>'\"><script>alert(1)</script><img src=x onerror=alert(1)>&lt;{{7*7}}"


class Page(HTMLParser):
    """The page's elements with their attributes, and its text without style and script."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self._open):
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def words(self) -> str:
        return " ".join(self.text.split())


def media(**fields: object) -> MediaInfo:
    known = {
        "name": "meeting.mp4",
        "sha256": "ab" * 32,
        "size": 1000,
        "format": "mov,mp4",
        "duration": 60.0,
        "audio_codec": "aac",
        "video_codec": "h264",
        "width": 1280,
        "height": 720,
    }
    return MediaInfo.model_validate(known | fields)


def track(time: float = 1, number: int = 0, speaker: str | None = None, **expressions: float) -> Track:
    """A face seen once."""
    face = Face(
        detection=Detection(box=Box(x=1, y=1, width=40, height=50), score=0.98),
        expressions=expressions or {"neutral": 0.1, "happy": 0.9},
        ageAndGender=AgeAndGender(age=31.4, gender="female", genderProbability=0.9),
        descriptor=[0.0] * 128,
    )
    (made,) = track_faces([FrameFaces(time=time, width=320, height=180, faces=[face])])
    return made.model_copy(update={"id": number, "speaker": speaker})


def spoken(text: str, start: float, speaker: str | None = None, *words: str) -> Segment:
    """A segment whose words last a second each."""
    parts = words or text.split()
    return Segment(
        start=start,
        end=start + len(parts),
        text=text,
        speaker=speaker,
        words=[
            Word(word=word, start=start + number, end=start + number + 0.9, score=0.9, speaker=speaker)
            for number, word in enumerate(parts)
        ],
    )


def conversation(text: str = "Good morning", name: str = "SPEAKER_00", label: str = "Music") -> ReportData:
    """A minute of media with one of everything, all of whose words can be chosen."""
    return ReportData(
        media=media(name=text, format=text),
        duration=60,
        media_src=text,
        transcript=Transcript(
            segments=[spoken(text, 5, name, text), spoken("And you?", 50, "SPEAKER_01")], language="en"
        ),
        diarization=Diarization(
            turns=[Turn(start=5, end=8, speaker=name), Turn(start=50, end=52, speaker="SPEAKER_01")],
            exclusive_turns=[],
            voice_activity=[],
            speakers=[],
        ),
        tags=Tags(predictions=[Prediction(label=label, score=0.8, start_time=10, end_time=20)]),
        frames=[
            ReportFrame(time=0),
            ReportFrame(time=1, faces=1),
        ],
        people=[ReportPerson(tracks=[track(speaker=name, **{text: 0.7})])],
        stages=[
            StageEntry(name=text, status="done", found=text, seconds=3.2),
            StageEntry(name="embed", status="failed", reason=text),
            StageEntry(name="index", status="skipped", reason=text),
        ],
        models=[ModelRef(id=text, revision=text, sha256=text)],
        files=[text],
    )


def write_crop(path: Path) -> str:
    Image.new("RGB", (160, 160), "tan").save(path)
    return path.as_uri()


def test_who_said_what_when() -> None:
    page = Page(render_report(conversation()))
    assert "Speaker 1 0:05 Good morning Speaker 2 0:50 And you?" in page.words
    assert "1:00" in page.words  # the timeline's end
    assert [word["data-t"] for word in page.all("span") if "data-t" in word] == ["5.0", "50.0", "51.0"]


def test_timelines_say_in_words_what_they_draw() -> None:
    page = Page(render_report(conversation()))
    labels = [svg["aria-label"] for svg in page.all("svg")]
    assert labels == [
        "Speaker 1 talks for 3.0 s in 1 turn, first at 0:05",
        "Speaker 2 talks for 2.0 s in 1 turn, first at 0:50",
        "Music is heard for 10.0 s, first at 0:10",
        "Up to 1 face at once, the first at 0:01",
    ]


def test_the_page_is_one_file_that_asks_for_nothing_but_the_media(tmp_path: Path) -> None:
    asset = conversation()
    asset.people[0].crop = write_crop(tmp_path / "crop.jpg")
    html = render_report(asset)
    page = Page(html)
    assert not page.all("link") and not page.all("iframe")
    assert not any("src" in script for script in page.all("script"))
    assert "url(" not in html and "@import" not in html and "fetch(" not in html
    assert [image["src"][:23] for image in page.all("img")] == ["data:image/jpeg;base64,"]
    assert [video["src"] for video in page.all("video")] == ["Good morning"]
    (policy,) = (meta["content"] for meta in page.all("meta") if "http-equiv" in meta)
    assert policy.startswith("default-src 'none'; ")
    assert {link["href"] for link in page.all("a")} == {
        "#t=5.00",
        "#t=50.00",
        "#t=10.00",
        "#t=1.00",
        "Good%20morning",
    }


def test_nothing_in_the_media_changes_what_the_page_is() -> None:
    harmless = Page(render_report(conversation()))
    hostile_html = render_report(conversation(HOSTILE, HOSTILE, HOSTILE))
    hostile = Page(hostile_html)
    structure = [(tag, list(attributes)) for tag, attributes in harmless.elements]
    assert [(tag, list(attributes)) for tag, attributes in hostile.elements] == structure
    assert hostile_html.count("<script>") == 1
    assert hostile.text.count(HOSTILE) >= 10
    assert "49" not in hostile.words  # no template in the text was evaluated


def test_each_person_is_one_picture_with_times_and_guesses(tmp_path: Path) -> None:
    asset = conversation()
    appearances = [track(time, happy=0.93) for time in (61.5, 80)]
    asset.people = [ReportPerson(tracks=appearances, crop=write_crop(tmp_path / "a.jpg"))]
    page = Page(render_report(asset))
    (image,) = page.all("img")
    assert image["alt"] == "Face at 1:01"
    content = base64.b64decode(image["src"].partition(",")[2])
    assert Image.open(io.BytesIO(content)).size == (160, 160)
    assert "1:01 1:20 female, 31 happy 93%" in page.words


def test_a_person_who_speaks_bears_the_speaker_s_name() -> None:
    page = Page(render_report(conversation()))
    assert "Speaker 1 0:01 female, 31" in page.words


def test_of_many_people_the_sixty_seen_longest_are_shown_and_the_number_is_said(tmp_path: Path) -> None:
    crop = write_crop(tmp_path / "crop.jpg")
    asset = conversation()
    asset.people = [ReportPerson(tracks=[track(second)], crop=crop) for second in range(2400)]
    asset.people[-1].tracks *= 2
    html = render_report(asset)
    assert len(Page(html).all("img")) == MOST_PEOPLE
    assert "The 60 of 2,400 people who are seen longest" in Page(html).words
    assert 'href="#t=2399.00"' in html


def test_a_crop_that_is_gone_is_an_error(tmp_path: Path) -> None:
    asset = conversation()
    asset.people[0].crop = (tmp_path / "gone.jpg").as_uri()
    with pytest.raises(StorageError, match=r"gone\.jpg"):
        render_report(asset)


def test_what_was_not_done_is_said_with_its_reason() -> None:
    page = Page(
        render_report(
            ReportData(
                media=media(audio_codec=None),
                duration=60,
                stages=[
                    StageEntry(name="transcribe", status="skipped", reason="the media has no sound"),
                    StageEntry(name="detect", status="failed", reason="Model 'faceapi' is not in the store."),
                ],
            )
        )
    )
    assert "Transcript What is said, word by word: skipped, the media has no sound" in page.words
    assert "Not everything worked detect Model 'faceapi' is not in the store." in page.words
    assert "No sound events were found." in page.words
    assert "No model was needed." in page.words
    assert not page.all("video") and not page.all("audio")


def test_what_was_not_believed_is_said_and_which_streams_there_are() -> None:
    tracks = [
        Stream(kind="video", number=1, codec="h264", width=64, height=48, taken=True),
        Stream(kind="audio", number=1, codec="aac", channels=2, sample_rate=48_000, taken=True),
        Stream(kind="audio", number=2, codec="aac", channels=1, language="kor", title="<b>해설</b>"),
        Stream(kind="audio", number=3, note="has a codec that is not known"),
    ]
    page = Page(
        render_report(
            ReportData(
                media=media(tracks=tracks),
                duration=1,
                notes=["The clock starts again at 2.0 s; what follows is taken to follow at once."],
                damaged_packets=3,
            )
        )
    )
    for said in ("The clock starts again at 2.0 s", "3 damaged packets were passed over."):
        assert said in page.words
    assert "aac, 2 channels, 48 kHz" in page.words
    assert "aac, 1 channel, kor, <b>해설</b>" in page.words
    assert "it has a codec that is not known" in page.words
    assert (
        "The media" not in Page(render_report(ReportData(media=media(tracks=tracks[:2]), duration=1))).words
    )


def test_a_part_is_drawn_where_it_is() -> None:
    asset = conversation()
    asset.start, asset.duration = 3600.0, 120.0
    page = Page(render_report(asset))
    assert "from 1:00:00 to 1:02:00" in page.words
    assert axis_ticks(120, 3600) == [3600, 3630, 3660, 3690, 3720]
    assert axis_ticks(5, 2.5) == [3, 4, 5, 6, 7]


def test_sound_alone_gets_an_audio_player() -> None:
    asset = conversation()
    asset.media = media(video_codec=None)
    page = Page(render_report(asset))
    assert [player["src"] for player in page.all("audio")] == ["Good morning"]
    assert "no picture" in page.words


def test_removed_noise_can_be_heard_and_seen(tmp_path: Path) -> None:
    Image.new("RGB", (10, 10)).save(tmp_path / "spectrogram.png")
    asset = ReportData(media=media(), duration=9)
    assert "Noise was not estimated." in Page(render_report(asset)).words
    asset.denoised = DenoisedAudio(
        audio=None,
        track="",
        spectrogram=None,
        reason="Speech is clean: 34 dB above the noise.",
        engine="native",
        limit=None,
        noise=NoiseEstimate(snr_db=34.2, speech_seconds=61, speech_db=-20, noise_db=None),
    )
    page = Page(render_report(asset))
    assert "Speech is clean: 34 dB above the noise." in page.words
    assert "speech found in 1 min 01 s speech 34.2 dB above noise" in page.words
    assert not page.all("audio") and not page.all("img")
    asset.denoised.audio = "file:///kept/denoised.flac"
    asset.denoised.spectrogram = (tmp_path / "spectrogram.png").as_uri()
    page = Page(render_report(asset))
    assert [player["src"] for player in page.all("audio")] == ["denoised.flac"]
    assert [str(picture["src"])[:22] for picture in page.all("img")] == ["data:image/png;base64,"]


def test_nothing_found_at_all() -> None:
    page = Page(render_report(ReportData(media=media(), duration=0)))
    for sentence in ("No speech was found.", "No faces were found.", "No speakers were found."):
        assert sentence in page.words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("안녕하세요 저는 유나입니다.", ["안녕하세요", "저는", "유나입니다."]),
        ("今日は良い天気です。", ["今日", "は", "良い", "天気", "です。"]),
        ("“Well,” she said", [" Well,", " she", "said"]),
        ("so it was", ["so", "it", "was"]),
    ],
)
def test_words_keep_the_text_s_own_spaces_and_punctuation(text: str, words: list[str]) -> None:
    (utterance,) = list_utterances(Transcript(segments=[spoken(text, 0, None, *words)], language=None))
    shown = "".join(token.gap + token.word.word.strip() for token in utterance.tokens) + utterance.rest
    assert shown == text
    assert len(utterance.tokens) == len(words)


def test_a_word_that_the_text_lacks_is_shown_all_the_same() -> None:
    segment = spoken("five dogs", 0, None, "5", "dogs")
    (utterance,) = list_utterances(Transcript(segments=[segment], language=None))
    assert [token.word.word for token in utterance.tokens] == ["5", "dogs"]


def test_speakers_come_in_the_order_they_are_heard() -> None:
    turns = [
        Turn(start=4, end=6, speaker="B"),
        Turn(start=1, end=3, speaker="A"),
        Turn(start=2, end=5, speaker="A"),
    ]
    heard = Diarization(turns=turns, exclusive_turns=[], voice_activity=[], speakers=[])
    speakers = list_speakers(heard, Transcript(segments=[spoken("Hm", 9, "C")], language=None))
    assert [(speaker.label, speaker.seconds) for speaker in speakers] == [("A", 4), ("B", 2), ("C", 0)]


def test_equal_neighbouring_frames_become_one_bar() -> None:
    frames = [(0.0, 0), (0.5, 2), (1.0, 2), (1.5, 0), (2.0, 2), (2.5, 1)]
    bars = [tuple(bar) for bar in face_presence(frames)]
    assert bars == [(0.5, 1.0, 2), (2.0, 0.5, 2), (2.5, 0.5, 1)]
    assert [tuple(bar) for bar in face_presence([(0.0, 3)])] == [(0, 1, 3)]


def test_of_long_media_the_most_faces_of_a_stretch_are_drawn() -> None:
    frames = [(time / 2, time % 3) for time in range(14_400)]
    frames[5000] = (2500.0, 9)
    bars = face_presence(frames)
    assert len(bars) <= 1200
    assert [bar.time <= 2500 < bar.time + bar.seconds for bar in bars if bar.faces == 9] == [True]
    assert bars[-1].time + bars[-1].seconds == 7200


def test_times_for_people() -> None:
    assert [clock(seconds) for seconds in (0, 59.9, 61, 3661)] == ["0:00", "0:59", "1:01", "1:01:01"]
    assert [span(seconds) for seconds in (0, 9.96, 200, 725, 7260)] == [
        "0.0 s",
        "10.0 s",
        "3 min 20 s",
        "12 min",
        "2 h 01 min",
    ]
    assert axis_ticks(30) == [0, 5, 10, 15, 20, 25, 30]
    assert axis_ticks(7200) == [0, 1800, 3600, 5400, 7200]
    assert axis_ticks(0) == [0]


def test_two_hours_of_speech_make_a_small_page() -> None:
    asset = conversation()
    sentence = "it has been a long day and there is still some way to go"
    asset.transcript.segments = [spoken(sentence, 5.0 * number, "SPEAKER_00") for number in range(1440)]
    asset.duration = 7200
    html = render_report(asset)
    assert len(html) < 3_000_000
    assert not any(name.startswith("on") for _, attributes in Page(html).elements for name in attributes)
