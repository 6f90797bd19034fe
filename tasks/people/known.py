"""Known people's names in one asset's documents: by appearance, by person of the file, by speaker."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from containers.common.documents.speakers import Diarization
from containers.common.documents.speech import Transcript
from tasks.people.appearances import group_appearances
from tasks.people.recognise import recognise
from tasks.people.store import load_people
from tasks.stages.detect.track import Track
from tasks.stages.link.run import Speaking


class Known(NamedTuple):
    """Of one asset: an appearance's label (face3, SPEAKER_00) to the name of the known person that it is, and
    the labels of those who are left out of lists and reports.
    """

    names: dict[str, str]
    hidden: list[str]


def known_people(output: Path, asset: str, rows: Iterable[Mapping[str, Any]]) -> Known:
    """Who of the people of `output` is in an asset; hidden people are not named.

    `rows` are the asset's, as embeddings.parquet has them. Raises UserError when the people are damaged.
    """
    people = load_people(output)
    appearances = group_appearances(asset, rows)
    found = sorted(recognise(appearances, people).items())
    return Known(
        {
            appearances[number].label: match.person.name
            for number, match in found
            if match.person.name and not match.person.hidden
        },
        [appearances[number].label for number, match in found if match.person.hidden],
    )


def spread_names(names: Mapping[str, str], tracks: list[Track], speaking: Speaking) -> dict[str, str]:
    """The same for what the documents speak of: PERSON_000 by most of their tracks, SPEAKER_00 by voice.

    A speaker whose voice nobody knows has the name of the person who is seen speaking.
    """
    votes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for track in tracks:
        if track.person and (name := names.get(f"face{track.id}")):
            votes[track.person][name] += len(track.seen)
    people = {person: counted.most_common(1)[0][0] for person, counted in votes.items()}
    seen = {speaker: people[person] for speaker, person in speaking.people.items() if person in people}
    voices = {label: name for label, name in names.items() if not label.startswith(("face", "single"))}
    return people | seen | voices


def name_transcript(transcript: Transcript, names: Mapping[str, str]) -> Transcript:
    """With names in place of speakers, for people to read."""
    segments = [
        segment.model_copy(
            update={
                "speaker": segment.speaker and names.get(segment.speaker, segment.speaker),
                "words": [
                    word.model_copy(
                        update={"speaker": word.speaker and names.get(word.speaker, word.speaker)}
                    )
                    for word in segment.words
                ],
            }
        )
        for segment in transcript.segments
    ]
    return transcript.model_copy(update={"segments": segments})


def name_diarization(diarization: Diarization, names: Mapping[str, str]) -> Diarization:
    """With names in place of speakers, for people to read."""

    def named(items: list) -> list:
        return [each.model_copy(update={"speaker": names.get(each.speaker, each.speaker)}) for each in items]

    return diarization.model_copy(
        update={name: named(getattr(diarization, name)) for name in ("turns", "exclusive_turns", "speakers")}
    )
