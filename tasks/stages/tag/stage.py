"""Which sounds there are."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tasks.stages.stage import Call, Inputs, Stage
from tasks.stages.tag.options import TagOptions

if TYPE_CHECKING:
    from tasks.checks.table import Table
    from tasks.outputs.findings import Findings
    from tasks.stages.output import StageOutput


class Tag(Stage):
    name = "tag"
    about = "sound events"
    serves = "sounds"
    image = "audioset"
    reads = ("sound",)
    options = TagOptions
    keeps = "sounds"
    section = "Sounds"

    def weights(self, options: TagOptions) -> list[str]:
        from containers.audioset.taggers import choose_tagger

        return [choose_tagger(options.tag_mode, options.tag_model)]

    def call(self, given: Inputs) -> Call:
        from tasks.stages.tag.run import tag

        vectors = given.kept.with_suffix(".npz")
        return tag, (
            given.decoded.audio_48k,
            given.work,
            given.options,
            self.weights(given.options)[0],
            vectors,
            given.decoded.start,
        )

    def output(self) -> "type[StageOutput]":
        from tasks.stages.tag.run import TaggedAudio

        return TaggedAudio

    def findings(self, output: Any, found: Mapping[str, Any]) -> dict[str, Any]:
        return {"tags": output.tags}

    def documents(self, findings: "Findings", asset: str) -> dict[str, bytes]:
        from tasks.stages.tag.document import write_tags

        return write_tags(findings.tags)

    def embeddings(self, findings: "Findings") -> list[dict[str, Any]]:
        from tasks.stages.tag.document import sound_rows

        return sound_rows(findings.tags)

    def tables(self) -> "Sequence[Table]":
        from tasks.stages.tag.checks import TABLES

        return TABLES


STAGE = Tag()
