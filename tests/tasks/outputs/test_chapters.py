"""Where a recording turns to something else, and which pictures stand for it."""

import random
from pathlib import Path

import pytest
from PIL import Image

from containers.common.documents.speech import Segment, Transcript
from tasks.media.probe import MediaInfo
from tasks.outputs.chapters import KeyFrame, Said, choose_key_frames, frame_at, list_chapters
from tasks.outputs.report import ReportData, ReportPicture, render_report

TOPICS = {
    "en": [
        "the garden grows roses tulips soil water seeds spring flowers compost weeds sunlight shade",
        "the engine burns fuel pistons gears clutch motor oil brakes exhaust wheels torque speed",
        "the orchestra plays violins cellos rehearsal conductor symphony concert music oboe score",
    ],
    "ko": [
        "정원에는 장미와 튤립을 심고 물을 주며 봄마다 흙을 갈고 씨앗을 뿌립니다",
        "엔진은 연료를 태우고 기어와 브레이크를 돌려 바퀴에 힘을 보냅니다",
        "오케스트라는 바이올린과 첼로를 연습하고 지휘자와 교향곡을 연주합니다",
    ],
}


def talk(language: str, seed: int = 0) -> list[Said]:
    """Three topics of 40 sentences each, a sentence every five seconds."""
    draw = random.Random(seed)
    return [
        Said(5.0 * (40 * number + place), " ".join(draw.choices(topic.split(), k=8)))
        for number, topic in enumerate(TOPICS[language])
        for place in range(40)
    ]


@pytest.mark.parametrize("language", TOPICS)
@pytest.mark.parametrize("seed", range(3))
def test_chapters_begin_where_the_topic_changes(language: str, seed: int) -> None:
    said = talk(language, seed)
    chapters = list_chapters(said, 600.0)
    starts = [chapter.start for chapter in chapters]
    assert starts[0] == 0
    for turn in (200.0, 400.0):
        assert min(abs(start - turn) for start in starts) <= 10
    assert len(starts) <= 6
    assert chapters[0].title == said[0].text


@pytest.mark.parametrize(
    ("said", "duration"),
    [
        ([], 600.0),
        ([Said(0.0, "One sentence alone.")], 600.0),
        (talk("en")[:20], 100.0),
        ([Said(5.0 * place, "the same words again") for place in range(120)], 600.0),
        ([Said(5.0 * place, "") for place in range(120)], 600.0),
    ],
)
def test_what_is_short_or_has_one_topic_has_no_chapters(said: list[Said], duration: float) -> None:
    assert list_chapters(said, duration) == []


def test_a_long_title_ends_at_a_word() -> None:
    said = [Said(each.start, each.text * 5) for each in talk("en")]
    assert all(
        len(chapter.title) <= 90 and chapter.title.endswith("…") for chapter in list_chapters(said, 600)
    )


def test_key_frames_are_spread_over_time_and_are_those_that_stay() -> None:
    pictures = [
        KeyFrame(float(second), second + (0.9 if second % 10 == 3 else 0.1), "") for second in range(240)
    ]
    chosen = choose_key_frames(pictures)
    assert [picture.time for picture in chosen] == [10.0 * place + 3 for place in range(24)]
    assert choose_key_frames(pictures[:5]) == pictures[:5]
    assert choose_key_frames([]) == []


def test_the_picture_of_a_chapter_is_what_is_on_screen_then() -> None:
    pictures = [KeyFrame(1.0, 4.0, "a"), KeyFrame(5.0, 9.0, "b")]
    assert [frame.thumbnail for at in (0.0, 4.5, 8.0) if (frame := frame_at(pictures, at))] == ["a", "a", "b"]
    assert frame_at([], 1.0) is None


def test_the_report_shows_both_and_nothing_of_them_where_there_is_none(tmp_path: Path) -> None:
    thumbnail = tmp_path / "a.jpg"
    Image.new("RGB", (32, 18), "teal").save(thumbnail)
    segments = [
        Segment(start=each.start, end=each.start + 4, text=f"{each.text} </h2><script>", words=[])
        for each in talk("en")
    ]
    shown = {"time": 0.0, "end": 300.0, "thumbnail": thumbnail.as_uri()}
    media = MediaInfo(name="a.mp4", sha256="a" * 64, size=1, format="mp4", duration=600.0)
    data = ReportData(
        media=media,
        duration=600.0,
        transcript=Transcript(segments=segments, language="en"),
        pictures=[ReportPicture(**shown), ReportPicture(**shown | {"time": 310.0, "end": 599.0})],
    )
    page = render_report(data)
    assert page.count("<script>") == 1 and '<ol class="chapters">' in page and "Key frames" in page
    assert 'href="#t=200.00"' in page and page.count("data:image/jpeg") >= 4
    bare = render_report(ReportData(media=media, duration=600.0))
    assert "chapters" not in bare.split("</style>")[1] and "Key frames" not in bare
