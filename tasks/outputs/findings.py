"""Everything that an analysis found, as one noun that documents, embeddings and report speak of."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, SerializeAsAny, field_validator

from containers.common.documents.sounds import Tags
from containers.common.documents.speakers import Diarization
from containers.common.documents.speech import Transcript
from tasks.outputs.assign import assign_speakers
from tasks.outputs.writing import WritingOptions
from tasks.people.known import spread_names
from tasks.stages.denoise.run import DenoisedAudio
from tasks.stages.detect.frame_faces import FrameFaces
from tasks.stages.detect.track import Track
from tasks.stages.embed.run import FaceVector
from tasks.stages.link.run import Speaking, name_segments, name_tracks, name_turns
from tasks.stages.look.run import PictureVector
from tasks.stages.output import StageOutput
from tasks.stages.registry import STAGES


class Findings(BaseModel):
    """Everything an analysis found; empty where the media had nothing or a stage failed."""

    transcript: Transcript = Transcript(segments=[], language=None)
    diarization: Diarization = Diarization(turns=[], exclusive_turns=[], voice_activity=[], speakers=[])
    tags: Tags = Tags(predictions=[])
    frames: list[FrameFaces] = []
    tracks: list[Track] = []
    vectors: list[FaceVector] = []
    pictures: list[PictureVector] = []
    denoised: DenoisedAudio | None = None
    speaking: Speaking = Speaking()
    of: dict[str, SerializeAsAny[StageOutput]] = {}  # by stage, where no field above is made of it
    names: dict[str, str] = {}  # of known people, by appearance: face3, SPEAKER_00
    writing: WritingOptions = WritingOptions()  # how speech is written down

    @field_validator("of", mode="before")
    @classmethod
    def _read(cls, given: Any) -> Any:
        """Each as its own stage's output; what a stage found that is no more is left out."""
        return {
            name: STAGES[name].output().model_validate(output)
            for name, output in dict(given).items()
            if name in STAGES
        }

    @property
    def utterances(self) -> Transcript:
        """The transcript with a speaker for every word, and who is seen speaking each segment."""
        return name_segments(assign_speakers(self.transcript, self.diarization), self.tracks, self.speaking)

    @property
    def diarization_with_faces(self) -> Diarization:
        """The diarization with the faces that are seen speaking."""
        return name_turns(self.diarization, self.speaking)

    @property
    def tracks_with_voices(self) -> list[Track]:
        """The tracks with the voices that are heard when they speak."""
        tracks = name_tracks(self.tracks, self.speaking)
        return [track.model_copy(update={"name": self.names.get(f"face{track.id}")}) for track in tracks]

    @property
    def known(self) -> dict[str, str]:
        """PERSON_000 and SPEAKER_00 to the names of those who are known."""
        return spread_names(self.names, self.tracks, self.speaking)


def gather(found: Mapping[str, StageOutput]) -> Findings:
    """Findings of the outputs of the stages that succeeded, by their names."""
    fields: dict[str, Any] = {}
    of: dict[str, StageOutput] = {}
    for name, stage in STAGES.items():
        if name in found:
            filled = stage.findings(found[name], found)
            fields |= filled
            of |= {} if filled else {name: found[name]}
    return Findings(**fields, of=of)
