"""What decoding leaves: sound and sampled frames, as every stage wants them."""

from pydantic import BaseModel, Field

from tasks.stages.output import StageOutput


class Frame(BaseModel):
    """A sampled picture and when it was shown."""

    time: float = Field(description="seconds from the start of the media")
    image: str = Field(description="file:// URI of a JPEG")


class Decoded(StageOutput):
    """What the models are given. URIs are None when the media has no audio."""

    start: float = Field(default=0.0, description="seconds of the media at which the sound begins")
    duration: float = Field(description="seconds really decoded, the last frame's own included")
    audio_48k: str | None = None
    audio_16k: str | None = None
    channels_16k: list[str] = Field(default=[], description="of each channel, where they were told apart")
    frames: list[Frame] = []
    shots: list[float] = Field(default=[], description="when each shot starts, seconds; the first at `start`")
    damaged_packets: int = 0
    notes: list[str] = Field(default=[], description="what the file says that could not be believed")
    seekable: bool = Field(default=True, description="whether the container's times are these times")

    @property
    def summary(self) -> str:
        sound = "sound" if self.audio_48k else "no sound"
        damage = f", {self.damaged_packets} damaged packets" if self.damaged_packets else ""
        notes = f", {len(self.notes)} notes" if self.notes else ""
        pictures = f"{len(self.frames)} frames, {len(self.shots)} shots"
        return f"{self.duration:.1f} s, {sound}, {pictures}{damage}{notes}"
