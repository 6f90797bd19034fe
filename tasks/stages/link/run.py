"""Who speaks is who is seen: each speaker turn is linked to the face whose mouth moves with the sound.

A turn is judged shot by shot: who is seen changes with the picture. Parts too short to tell are linked by
what other parts of the same voice say.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from prefect import task
from pydantic import BaseModel, Field
from scipy.optimize import linear_sum_assignment

from containers.common import storage
from containers.common.documents.speakers import Diarization, Turn
from containers.common.documents.speech import Segment, Transcript
from tasks.stages.detect.frame_faces import FrameFaces
from tasks.stages.detect.track import Track
from tasks.stages.link.lip_sync import measure_evidence
from tasks.stages.link.mouths import Following, Mouth, watch_mouths
from tasks.stages.output import StageOutput

LOOKS = (3.0, 6.0)  # seconds of a turn's part in a shot that are looked at; more where the first do not tell
SHORTEST = 0.3  # seconds of a turn in a shot that are worth a look
SURE = 1.5  # evidence that links a turn by itself
AHEAD = 0.8  # and how far it has to be ahead of the next face's
DOUBTED = 0.4  # less of it, where a mouth was seen, speaks against its voice's own person


class Link(BaseModel):
    """One turn, or the part of it in one shot, and the face that speaks in it for these seconds."""

    start: float
    end: float
    speaker: str
    track: int = Field(description="the face's track in faces.json")
    evidence: float = Field(description="of these seconds alone; from 1.5 on it is enough by itself")


class Speaking(StageOutput):
    """`people`: speaker to person, where most of the speaker's turns agree; both as in the other files."""

    turns: int = 0
    links: list[Link] = []
    people: dict[str, str] = {}
    turns_seen: int = 0

    @property
    def summary(self) -> str:
        return f"{self.turns_seen} of {self.turns} turns spoken by a face on screen"


@task
def link_speakers(
    media: Path,
    audio: str,
    begins: float,
    turns: list[Turn],
    frames: list[FrameFaces],
    shots: list[float],
    tracks: list[Track],
    hold: float,
    seekable: bool,
    folder: Path,
) -> Speaking:
    """Links turns to tracks. `audio`: URI of float32 mono WAV, from second `begins` of the media on; `hold`:
    seconds between sampled frames; `seekable`: as decoding said."""
    output = Speaking(turns=len(turns))
    # On a face that cannot be told, landmarks are guesses and their trembling is no speech.
    following = Following([track for track in tracks if not track.unclear], shots, hold)
    parts = [part for turn in turns for part in cut_turn(turn, shots)]
    shown = [part for part in parts if following.during(part.start, part.end)]
    mouths: dict[tuple[int, float], Mouth] = {}
    evidence: list[dict[int, float]] = [{} for _ in shown]
    looked = 0.0
    for longest in LOOKS:
        open_ones = [
            number
            for number, part in enumerate(shown)
            if part.start + looked < part.end and _clear_winner(evidence[number]) is None
        ]
        ends = [(shown[number].start, shown[number].end) for number in open_ones]
        spans = merge_spans([(start + looked, min(end, start + longest)) for start, end in ends])
        if not spans:
            break
        for mouth in watch_mouths(media, spans, following, frames[0].width, seekable, folder, output):
            mouths[mouth.track, mouth.time] = mouth
        by_time = sorted(mouths.values(), key=lambda mouth: mouth.time)
        with storage.reading(audio) as path:
            for number in open_ones:
                evidence[number] = measure_evidence(shown[number], by_time, path, begins)
        looked = longest
    people = {track.id: track.person or str(track.id) for track in tracks}
    on_screen = [following.during(turn.start, turn.end) for turn in shown]
    output.links, output.people = decide(shown, evidence, on_screen, people)
    output.turns_seen = sum(any(_shared(link, turn) for link in output.links) for turn in turns)
    return output


def cut_turn(turn: Turn, shots: Sequence[float]) -> list[Turn]:
    """The turn's part in each shot; what a cut leaves shorter than can be seen goes with its neighbour."""
    edges = [turn.start]
    for start in shots:
        if edges[-1] + SHORTEST <= start <= turn.end - SHORTEST:
            edges.append(start)
    return [
        turn.model_copy(update={"start": start, "end": end}) for start, end in pairwise([*edges, turn.end])
    ]


def _shared(link: Link, turn: Turn) -> float:
    """Seconds of the turn for which the link holds."""
    if link.speaker != turn.speaker:
        return 0.0
    return max(0.0, min(link.end, turn.end) - max(link.start, turn.start))


def merge_spans(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The same seconds in order and without overlap."""
    merged: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def decide(
    turns: Sequence[Turn],
    evidence: Sequence[Mapping[int, float]],
    on_screen: Sequence[set[int]],
    people: Mapping[int, str],
) -> tuple[list[Link], dict[str, str]]:
    """Links, and speaker to person. First the turns that are clear, then the rest by the voice's person."""
    winners = [_clear_winner(found) for found in evidence]
    voices = _match_voices(turns, evidence, winners, people)
    links = []
    for turn, found, winner, shown in zip(turns, evidence, winners, on_screen, strict=True):
        if winner is None and turn.speaker in voices:
            same = [
                track
                for track in sorted(shown)
                if people[track] == voices[turn.speaker] and found.get(track, DOUBTED) >= DOUBTED
            ]
            if same and not any(value >= SURE for track, value in found.items() if track not in same):
                winner = same[0]
        if winner is not None:
            value = round(found.get(winner, 0.0), 3)
            links.append(
                Link(**turn.model_dump(include={"start", "end", "speaker"}), track=winner, evidence=value)
            )
    return links, voices


def _clear_winner(evidence: Mapping[int, float]) -> int | None:
    ranked = sorted(evidence, key=lambda track: -evidence[track])
    if not ranked or evidence[ranked[0]] < SURE:
        return None
    if len(ranked) > 1 and evidence[ranked[0]] - evidence[ranked[1]] < AHEAD:
        return None
    return ranked[0]


def _match_voices(
    turns: Sequence[Turn],
    evidence: Sequence[Mapping[int, float]],
    winners: Sequence[int | None],
    people: Mapping[int, str],
) -> dict[str, str]:
    """One person at most for each voice, and one voice for each person, by the evidence of the clear turns.

    A voice is left out when its clear turns go to different people more than a third of the time.
    """
    sums: dict[tuple[str, str], float] = defaultdict(float)
    for turn, found, winner in zip(turns, evidence, winners, strict=True):
        if winner is not None:
            sums[turn.speaker, people[winner]] += found[winner]
    voices = sorted({voice for voice, _ in sums})
    persons = sorted({person for _, person in sums})
    table = np.array([[sums[voice, person] for person in persons] for voice in voices])
    if not table.size:
        return {}
    pairs = zip(*linear_sum_assignment(table, maximize=True), strict=True)
    return {
        voices[voice]: persons[person]
        for voice, person in pairs
        if table[voice, person] > 2 / 3 * table[voice].sum()
    }


def name_turns(diarization: Diarization, speaking: Speaking) -> Diarization:
    """The turns with the track that speaks in them, the speakers with their person."""
    turns = [turn.model_copy(update={"face": _face_of(turn, speaking)}) for turn in diarization.turns]
    speakers = [
        speaker.model_copy(update={"person": speaking.people.get(speaker.speaker)})
        for speaker in diarization.speakers
    ]
    return diarization.model_copy(update={"turns": turns, "speakers": speakers})


def _face_of(turn: Turn, speaking: Speaking) -> int | None:
    """The track that speaks for the most of the turn's seconds, where any is linked."""
    seconds: dict[int, float] = defaultdict(float)
    for link in speaking.links:
        seconds[link.track] += _shared(link, turn)
    best = max(seconds, key=seconds.__getitem__, default=None)
    return best if best is not None and seconds[best] > 0 else None


def name_tracks(tracks: Sequence[Track], speaking: Speaking) -> list[Track]:
    """The tracks with the voice that is heard longest when they speak."""
    seconds: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for link in speaking.links:
        seconds[link.track][link.speaker] += link.end - link.start
    return [
        track.model_copy(update={"speaker": max(speakers, key=speakers.__getitem__)})
        if (speakers := seconds.get(track.id))
        else track
        for track in tracks
    ]


def name_segments(transcript: Transcript, tracks: Sequence[Track], speaking: Speaking) -> Transcript:
    """The segments with the person seen speaking in most of them, else whose voice their speaker's is."""
    people = {track.id: track.person for track in tracks}

    def person(segment: Segment) -> str | None:
        seconds: dict[str, float] = defaultdict(float)
        for link in speaking.links:
            shared = min(link.end, segment.end) - max(link.start, segment.start)
            if link.speaker == segment.speaker and shared > 0 and (name := people.get(link.track)):
                seconds[name] += shared
        if seconds:
            return max(seconds, key=seconds.__getitem__)
        return speaking.people.get(segment.speaker) if segment.speaker else None

    named = [segment.model_copy(update={"person": person(segment)}) for segment in transcript.segments]
    return transcript.model_copy(update={"segments": named})
