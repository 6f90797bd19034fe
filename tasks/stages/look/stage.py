"""Pictures to find others by."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tasks.stages.stage import Call, Inputs, Stage

if TYPE_CHECKING:
    from tasks.outputs.findings import Findings
    from tasks.stages.output import StageOutput


class Look(Stage):
    name = "look"
    about = "vectors to find pictures by"
    serves = "pictures"
    image = "facenet"
    reads = ("picture",)
    keeps = "pictures"

    def weights(self, options: object) -> list[str]:
        from containers.common.models.store import has_model
        from containers.facenet.contract import DINOV2, PHASH, SIGLIP

        alike = DINOV2 if has_model(DINOV2) else PHASH
        return [alike, SIGLIP] if has_model(SIGLIP) else [alike]

    def call(self, given: Inputs) -> Call:
        from tasks.stages.look.run import look

        return look, (given.decoded.frames, given.kept, self.weights(given.options))

    def output(self) -> "type[StageOutput]":
        from tasks.stages.look.run import SeenPictures

        return SeenPictures

    def findings(self, output: Any, found: Mapping[str, Any]) -> dict[str, Any]:
        return {"pictures": output.pictures}

    def embeddings(self, findings: "Findings") -> list[dict[str, Any]]:
        from tasks.stages.look.document import picture_rows

        return picture_rows(findings.pictures)


STAGE = Look()
