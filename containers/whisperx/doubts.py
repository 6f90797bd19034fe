"""What Whisper writes where nobody says it: loops, text over silence, more than a mouth can say.

What is surely not said is dropped, what is doubtful is flagged; the reason is kept in both cases.
"""

from containers.common.contract import Span
from containers.common.documents.speech import Dropped, Segment, Word
from containers.whisperx.segments import count_syllables
from containers.whisperx.sentences import HeardWord
from containers.whisperx.speech import Stretch
from containers.whisperx.words import UNLIKELY, Hypothesis

LONGEST_LOOP = 24  # words in what is repeated, at most
# Times in a row that a person who means it says one or two words, and a longer phrase, at most; and the mean
# probability of its words with which Whisper may write a phrase once more: loops are less sure.
WORD_REPEATS, PHRASE_REPEATS = 4, 2
SURE = 0.7
SENTENCE = 6  # words; Whisper writes one twice when its end is cut off, faster than people talk on the whole
# The fastest speakers reach about 10 syllables a second (Pellegrino et al., "Across Languages...", 2011, find
# 5 to 8 as means).
SYLLABLES_A_SECOND, HURRIED = 12.0, 8.0
BREATH = 0.5  # seconds that voice activity may be wrong by at either end
VOICED = 0.2  # of a segment, at least, that voice activity heard
UNSURE, NO_WORDS = 0.35, 0.05  # mean score of a segment's words that is doubtful, and that nobody said
SHORTEST_VOICE = 0.25  # seconds of voice in all that somebody said a word in


def judge_stretch(hypothesis: Hypothesis, stretch: Stretch) -> Dropped | None:
    """What to drop as a whole: Whisper itself hears silence, or nobody could say so much in that time."""
    text = hypothesis.text.strip()
    if not text:
        return None
    if hypothesis.is_silence:
        return _drop(
            stretch.span, text, f"no speech: Whisper's probability of silence is {hypothesis.no_speech:.2f}"
        )
    rate = _rate(text, stretch)
    if rate > SYLLABLES_A_SECOND:
        return _drop(stretch.span, text, f"impossible speaking rate: {rate:.0f} syllables a second")
    return None


def is_loop(hypothesis: Hypothesis, stretch: Stretch, bursts: list[Span] | None = None) -> bool:
    """Whether Whisper went round in a loop. People repeat themselves too: announcements, menus, choruses.

    `bursts` are the sounds between the stretch's pauses, where they were looked for.
    """
    if not hypothesis.repeats:
        return False
    impossible = _rate(hypothesis.text, stretch) > SYLLABLES_A_SECOND
    return impossible or bool(cut_loops(hypothesis.words, stretch, bursts)[1])


def cut_loops(
    words: list[HeardWord], stretch: Stretch, bursts: list[Span] | None = None
) -> tuple[list[HeardWord], list[Dropped]]:
    """The words with what is repeated too often, or in too short a time, said once; and the repetitions."""
    hurried = _rate("".join(word.word for word in words), stretch) > HURRIED
    kept: list[HeardWord] = []
    dropped: list[Dropped] = []
    place = 0
    while place < len(words):
        length, times = _loop_at(words, place)
        end = place + length * times
        most = WORD_REPEATS if length < 3 else PHRASE_REPEATS + _sure(words[place:end])
        if times <= (1 if hurried and length >= SENTENCE else most):
            kept.append(words[place])
            place += 1
            continue
        phrases = [words[at : at + length] for at in range(place, end, length)]
        place = end
        if _own_voices(phrases, bursts or stretch.voiced):
            kept += [word for phrase in phrases for word in phrase]
            continue
        kept += phrases[0]
        repeated = [word for phrase in phrases[1:] for word in phrase]
        span = Span(start=max(repeated[0].start, 0), end=max(repeated[-1].end, 0))
        text = "".join(word.word for word in repeated).strip()
        dropped.append(_drop(span, text, f"repeated {times} times"))
    return kept, dropped


def judge_segments(
    segments: list[Segment], stretch: Stretch, logprob: float, own_scores: bool = True
) -> tuple[list[Segment], list[Dropped]]:
    """Segments in which a voice was heard, the doubtful ones with flags; and the others.

    `own_scores`: words have Whisper's probabilities, not an aligner's, which are another measure.
    """
    kept: list[Segment] = []
    dropped: list[Dropped] = []
    for segment in segments:
        reason = _why_not(segment, stretch, kept, own_scores)
        if reason:
            dropped.append(_drop(Span(start=segment.start, end=segment.end), segment.text, reason))
        else:
            kept.append(segment.model_copy(update={"flags": _flags(segment, logprob) or None}))
    return kept, dropped


def _why_not(segment: Segment, stretch: Stretch, before: list[Segment], own_scores: bool) -> str | None:
    """Why nobody said this, if so."""
    share = _voiced(segment, stretch)
    if share < VOICED:
        return f"no voice: activity covers {share:.0%}"
    score = _score(segment)
    if own_scores and score < NO_WORDS:
        return f"no words: mean score {score:.2f}"
    voiced = sum(voice.end - voice.start for voice in stretch.voiced)
    if voiced < SHORTEST_VOICE:
        return f"no word is so short: {voiced:.2f} s of voice"
    if before and _speed(segment) > SYLLABLES_A_SECOND and _plain(segment) == _plain(before[-1]):
        return f"written again where there is no time for it: {segment.end - segment.start:.2f} s"
    return None


def _rate(text: str, stretch: Stretch) -> float:
    """Syllables a second of voice."""
    return count_syllables(text) / (sum(voice.end - voice.start for voice in stretch.voiced) + BREATH)


def _flags(segment: Segment, logprob: float) -> list[str]:
    flags = []
    if logprob < UNLIKELY:
        flags.append(f"unlikely text: mean log probability {logprob:.2f}")
    score = _score(segment)
    if score < UNSURE:
        flags.append(f"uncertain words: mean score {score:.2f}")
    rate = _speed(segment)
    if rate > SYLLABLES_A_SECOND:
        flags.append(f"very fast: {rate:.0f} syllables a second")
    return flags


def _score(segment: Segment) -> float:
    return sum(word.score for word in segment.words) / len(segment.words)


def _speed(segment: Segment) -> float:
    """Syllables a second."""
    return count_syllables(segment.text) / (segment.end - segment.start + BREATH)


def _plain(segment: Segment) -> list[str]:
    return [_bare(word.word) for word in segment.words]


def _bare(word: str) -> str:
    return word.strip().lower().strip(".,!?…。")


def _loop_at(words: list[HeardWord], place: int) -> tuple[int, int]:
    """Length in words and number of repetitions of the phrase that is repeated most at this place."""
    said = [_bare(word.word) for word in words[place:]]
    best = (1, 1)
    for length in range(1, min(LONGEST_LOOP, len(said) // 2) + 1):
        times = 1
        while said[times * length : (times + 1) * length] == said[:length]:
            times += 1
        if length * times > best[0] * best[1] and times > 1:
            best = (length, times)
    return best


def _own_voices(phrases: list[list[HeardWord]], voices: list[Span]) -> bool:
    """Whether each repetition is in a voice of its own, with a pause before the next: then it was said."""
    middles = [(phrase[0].start + phrase[-1].end) / 2 for phrase in phrases]
    nearest = {min(range(len(voices)), key=lambda place: _distance(voices[place], time)) for time in middles}
    return len(nearest) == len(phrases)


def _distance(voice: Span, time: float) -> float:
    return max(voice.start - time, time - voice.end, 0.0)


def _sure(words: list[HeardWord]) -> bool:
    return sum(word.probability for word in words) > SURE * len(words)


def _voiced(segment: Segment, stretch: Stretch) -> float:
    """Share of the words' time in which voice activity was heard, half a second around it included."""
    total = sum(word.end - word.start for word in segment.words)
    voiced = sum(_overlap(word, voice) for word in segment.words for voice in stretch.voiced)
    return min(voiced / total, 1.0) if total else 0.0


def _overlap(word: Word, voice: Span) -> float:
    return max(0.0, min(word.end, voice.end + BREATH) - max(word.start, voice.start - BREATH))


def _drop(span: Span, text: str, reason: str) -> Dropped:
    return Dropped(start=round(span.start, 3), end=round(span.end, 3), text=text, reason=reason)
