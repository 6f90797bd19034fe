"""Sounds in subtitles for the deaf and hard of hearing: [music], [laughter], from the tags."""

from collections.abc import Iterable

from containers.common.documents.sounds import Prediction, Tags
from tasks.outputs.cues import BETWEEN, Cue, Voice, close_gaps
from tasks.outputs.sound_names import sound_name
from tasks.outputs.writing import LONGEST, WritingOptions

SHOWN = 2.5  # seconds that a sound's cue stays, where nobody speaks so soon
PAUSE = 3.0  # seconds without a sound, after which it is another one
# Classes of AudioSet that are told by the words, or are no event of the scene but of the recording.
NOT_TOLD = frozenset({"Speech", "Silence", "Channel, environment and background", "Music mood", "Music role"})


def add_sounds(
    cues: Iterable[Cue], tags: Tags, language: str | None, duration: float | None, chosen: WritingOptions
) -> list[Cue]:
    """The cues with a cue for each sound, where the screen is soon free while it lasts, else a line above
    what is said meanwhile; left out where there is room for neither."""
    shown = list(cues)
    for sound in _events(tags):
        line = f"[{sound_name(sound.label, language)}]"
        free = _free(shown, sound, duration, chosen.min_duration)
        place = _first_with_room(shown, sound, chosen.max_line_count)
        if free and (place is None or free[0] < shown[place].start + PAUSE):
            shown.append(Cue(*free, [Voice(None, [line], line)], language))
            shown.sort(key=lambda cue: cue.start)
        elif place is not None:
            cue = shown[place]
            shown[place] = cue._replace(voices=[Voice(None, [line], line), *cue.voices])
    return list(close_gaps(shown))


def _events(tags: Tags) -> list[Prediction]:
    """Sounds to tell of, by start: what goes on is one, and of a class and its parents at once the surest."""
    told = [tag for tag in tags.predictions if not NOT_TOLD & {tag.label, *tag.parents}]
    joined: dict[str, list[Prediction]] = {}
    for tag in sorted(told, key=lambda tag: tag.start_time):
        same = joined.setdefault(tag.label, [])
        if same and tag.start_time - same[-1].end_time < PAUSE:
            end, score = max(tag.end_time, same[-1].end_time), max(tag.score, same[-1].score)
            same[-1] = same[-1].model_copy(update={"end_time": end, "score": score})
        else:
            same.append(tag)
    kept: list[Prediction] = []
    for tag in sorted((tag for same in joined.values() for tag in same), key=lambda tag: -tag.score):
        if not any(_related(tag, other) and _overlap(tag, other) for other in kept):
            kept.append(tag)
    return sorted(kept, key=lambda tag: tag.start_time)


def _related(one: Prediction, other: Prediction) -> bool:
    return one.label in other.parents or other.label in one.parents or bool({*one.parents} & {*other.parents})


def _overlap(one: Prediction, other: Prediction) -> bool:
    return one.start_time < other.end_time and other.start_time < one.end_time


def _free(
    cues: list[Cue], sound: Prediction, duration: float | None, shortest: float
) -> tuple[float, float] | None:
    """The first time during the sound at which the screen is free for long enough."""
    ends = [0.0, *(cue.end + BETWEEN for cue in cues)]
    starts = [*(cue.start - BETWEEN for cue in cues), duration or float("inf")]
    for free, taken in zip(ends, starts, strict=True):
        start = max(free, sound.start_time)
        latest = min(taken, start + min(max(sound.end_time - start, shortest), SHOWN, LONGEST))
        if start < sound.end_time and latest - start >= shortest:
            return round(start, 3), round(latest, 3)
    return None


def _first_with_room(cues: list[Cue], sound: Prediction, most: int) -> int | None:
    """The number of the first cue that is shown during the sound and has a line to spare."""
    candidates = (
        place
        for place, cue in enumerate(cues)
        if cue.end > sound.start_time and cue.start < sound.end_time and len(cue.lines) < most
    )
    return next(candidates, None)
