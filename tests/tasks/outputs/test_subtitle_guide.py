"""Subtitles by the book, in six languages, of speech of any speed with any pauses."""

import re
from itertools import count, pairwise

import numpy as np
import pysubs2
import pytest

from containers.common.documents.speech import Segment, Transcript, Word
from tasks.outputs.cues import list_cues
from tasks.outputs.lines import break_lines, limits_of
from tasks.outputs.subtitles import to_srt, to_vtt
from tasks.outputs.writing import WritingOptions
from tests.tasks.outputs.guide import faults, read

SAID = {
    "en": "Yes. Good evening, and welcome to the programme! Tonight we talk about the harbour, which has "
    "been closed since the storm of last winter, and about the people who worked there. Why? Nobody knows.",
    "de": "Ja. Guten Abend und herzlich willkommen! Die Donaudampfschifffahrtsgesellschaft hat am "
    "3. Oktober angekündigt, dass sie alle Fahrten einstellt. Warum? Das weiß niemand so genau.",
    "fr": "Oui. Bonsoir et bienvenue à l'émission ! Aujourd'hui nous parlons du port, qui est fermé depuis "
    "la tempête de l'hiver dernier, et des gens qui y travaillaient. Pourquoi ? Personne ne le sait.",
    "ko": "네. 안녕하십니까, 오늘의 뉴스를 말씀드리겠습니다! 지난겨울 폭풍 이후 문을 닫은 항구와 "
    "그곳에서 일하던 사람들의 이야기를 전해 드립니다. 왜 그럴까요? 아무도 모릅니다.",
    "ja": "はい。 こんばんは、ニュースの時間です。 復興努力に対するリベラル派からの批判では、"
    "ワシントンの内部関係者と思われる人物と「復興契約」を交わしたことに焦点を当てています。 "
    "なぜでしょうか。 誰も知りません。",
    "ar": "نعم. مساء الخير وأهلا بكم في البرنامج! نتحدث اليوم عن الميناء الذي أغلق منذ "
    "عاصفة الشتاء الماضي، وعن الناس الذين كانوا يعملون هناك. لماذا؟ لا أحد يعرف.",
}


def spoken(language: str, seed: int, speakers: int) -> tuple[Transcript, list[str], float]:
    """The sentences with random times; words, and the media's length."""
    random = np.random.default_rng(seed)
    time, segments, words, number = 0.0, [], [], count()
    step = 1.0 if language in {"ja", "ko"} else 0.45
    for sentence in [
        *SAID[language].replace("! ", "!|").replace(". ", ".|").replace("。 ", "。|").split("|")
    ] * 3:
        texts = [*sentence] if language == "ja" else sentence.split()
        texts = [text for text in texts if text.strip()]
        said = []
        for text in texts:
            length = random.uniform(0.04, 0.16) * max(len(text), 2) * step
            said.append(Word(word=text, start=round(time, 3), end=round(time + length, 3), score=0.9))
            time += length + (random.uniform(0.2, 3) if random.random() < 0.06 else 0)
        speaker = f"SPEAKER_{next(number) % speakers:02}" if speakers else None
        text = ("" if language == "ja" else " ").join(texts)
        segments.append(
            Segment(
                start=said[0].start,
                end=said[-1].end,
                text=text,
                speaker=speaker,
                language=language,
                words=said,
            )
        )
        words += texts
        time += random.choice([0.0, 0.05, 0.3, 0.6, 2.0])
    return Transcript(segments=segments, language=language, duration=time + 0.9), words, time + 0.9


@pytest.mark.parametrize("language", SAID)
@pytest.mark.parametrize("speakers", [0, 1, 2])
def test_the_guide_finds_nothing(language, speakers):
    for seed in range(3):
        transcript, words, duration = spoken(language, seed, speakers)
        for content in (to_srt(transcript), to_vtt(transcript)):
            assert faults(content, language, words, duration) == [], f"seed {seed}"


def test_lines_are_even_and_end_where_a_clause_does():
    assert break_lines("I saw the man who sold the old boat, and he remembered me.", "en") == [
        "I saw the man who sold the old boat,",
        "and he remembered me.",
    ]
    assert break_lines("We walked along the river until it got dark outside.", "en")[0].split()[-1] != "the"


def test_japanese_lines_keep_phrases_and_marks_together():
    one, other = break_lines("批判では「復興契約」を交わしたことを論じます。", "ja")
    assert one + other == "批判では「復興契約」を交わしたことを論じます。"
    assert not other.startswith(("。", "、", "」", "っ")) and not one.endswith("「")


def test_speakers_are_named_where_there_are_several():
    alone, _, _ = spoken("en", 0, 1)
    both, _, _ = spoken("en", 0, 2)
    assert "SPEAKER" not in to_srt(alone)
    assert "[SPEAKER_01]" in to_srt(both)


def test_two_who_speak_at_once_have_a_line_each_with_a_dash():
    def says(text: str, start: float, speaker: str) -> Segment:
        words = [Word(word=text, start=start, end=start + 0.4, score=1)]
        return Segment(start=start, end=start + 0.4, text=text, speaker=speaker, words=words)

    at_once = Transcript(segments=[says("Hello?", 1.0, "A"), says("Who?", 1.2, "B")], language="en")
    assert [cue.lines for cue in list_cues(at_once)] == [["- Hello?", "- Who?"]]
    assert "<v A>- Hello?</v>\n<v B>- Who?</v>" in to_vtt(at_once)
    assert read(to_srt(at_once))[0].lines == ["- [A] Hello?", "- [B] Who?"]


def test_arabic_is_laid_out_from_the_right_and_markup_is_not_obeyed():
    words = [Word(word="نعم.", start=0, end=1, score=1)]
    arabic = Transcript(segments=[Segment(start=0, end=1, text="نعم.", words=words)], language="ar")
    assert "\u202bنعم.\u202c" in to_srt(arabic)
    marked = Segment(start=0, end=1, text=r"<i>x</i> {\an8} 1 < 2", words=[])
    assert "<i>" not in to_srt(Transcript(segments=[marked])) and "{\\an8}" not in to_srt(
        Transcript(segments=[marked])
    )
    assert "1 < 2" in to_srt(Transcript(segments=[marked]))


def test_nothing_is_shown_after_the_media_s_end():
    words = [Word(word="Bye!", start=9.7, end=9.9, score=1)]
    late = Transcript(segments=[Segment(start=9.7, end=9.9, text="Bye!", words=words)], duration=10.0)
    (cue,) = list_cues(late)
    assert cue.end <= 10.0 and cue.end - cue.start >= 0.832


CHOSEN = {
    "narrow": WritingOptions(max_line_width=24),
    "one line": WritingOptions(max_line_count=1, max_line_width=60),
    "three lines": WritingOptions(max_line_count=3, max_line_width=20),
    "slow": WritingOptions(max_speed=12, min_duration=1.5),
}


@pytest.mark.parametrize("name", CHOSEN)
@pytest.mark.parametrize("language", ["en", "ko"])
def test_what_is_chosen_holds_as_the_guide_s_own_does(name, language):
    chosen = CHOSEN[name]
    if language == "ko" and chosen.max_line_width:  # characters of the script
        chosen = chosen.model_copy(update={"max_line_width": chosen.max_line_width // 2})
    transcript, words, duration = spoken(language, 1, 0)
    for content in (to_srt(transcript, chosen), to_vtt(transcript, chosen)):
        assert faults(content, language, words, duration, chosen) == []
    assert to_srt(transcript, chosen) != to_srt(transcript)


def test_three_lines_are_even():
    chosen = limits_of("en", WritingOptions(max_line_count=3, max_line_width=20))
    assert break_lines("Tonight we talk about the harbour and the people.", "en", "", chosen) == [
        "Tonight we talk",
        "about the harbour",
        "and the people.",
    ]


@pytest.mark.parametrize(
    ("labels", "speakers", "srt", "vtt"),
    [("auto", 1, False, True), ("auto", 2, True, True), ("on", 1, True, True), ("off", 2, False, False)],
)
def test_speakers_are_named_as_one_wants_it(labels, speakers, srt, vtt):
    chosen, (said, _, _) = WritingOptions(speaker_labels=labels), spoken("en", 0, speakers)
    assert ("[SPEAKER_00]" in to_srt(said, chosen)) == srt
    assert ("<v SPEAKER_00>" in to_vtt(said, chosen)) == vtt


def test_each_word_is_underlined_while_it_is_said():
    words = [
        Word(word="Good", start=1.0, end=1.4, score=1),
        Word(word="evening.", start=1.5, end=2.0, score=1),
    ]
    said = Transcript(segments=[Segment(start=1, end=2, text="Good evening.", words=words)], language="en")
    srt = to_srt(said, WritingOptions(highlight_words=True))
    assert srt.split("\n\n")[0] == "1\n00:00:01,000 --> 00:00:01,500\n<u>Good</u> evening."
    assert srt.split("\n\n")[1].startswith("2\n00:00:01,500 --> 00:00:02,000\nGood <u>evening.</u>")
    assert "Good <u>evening.</u>" in to_vtt(said, WritingOptions(highlight_words=True))


@pytest.mark.parametrize("language", SAID)
def test_underlining_takes_nothing_from_the_text_and_leaves_no_gap(language):
    said, _, _ = spoken(language, 2, 2)
    plain = read(to_srt(said))
    lit = read(re.sub("</?u>", "", to_srt(said, WritingOptions(highlight_words=True))))
    assert len(lit) > len(plain)
    for cue in plain:
        of_it = [other for other in lit if cue.start <= other.start < cue.end]
        assert {tuple(other.lines) for other in of_it} == {tuple(cue.lines)}
        assert of_it[0].start == cue.start and of_it[-1].end == cue.end
        assert all(one.end == other.start for one, other in pairwise(of_it))


def test_text_that_looks_like_a_cue_is_text():
    words = ["1", "00:00:01,000", "-->", "00:00:02,000", "<b>{\\an8}"]
    said = [Word(word=word, start=n, end=n + 0.9, score=1) for n, word in enumerate(words)]
    hostile = Transcript(segments=[Segment(start=0, end=5, text=" ".join(words), words=said)])
    for chosen in (WritingOptions(), WritingOptions(highlight_words=True), WritingOptions(max_line_width=8)):
        srt = pysubs2.SSAFile.from_string(to_srt(hostile, chosen), format_="srt")
        shown = "".join("".join(cue.plaintext.split()) for cue in srt).replace("\u2060", "")
        assert "00:00:01,000" in shown and "<b>" in shown
        vtt = pysubs2.SSAFile.from_string(to_vtt(hostile, chosen), format_="vtt")
        assert len(vtt) == len(srt)
