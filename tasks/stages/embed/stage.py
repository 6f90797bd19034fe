"""Whose faces are one person's."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.stages.embed.options import EmbedOptions
from tasks.stages.stage import Call, Inputs, Stage

if TYPE_CHECKING:
    from tasks.outputs.findings import Findings
    from tasks.stages.output import StageOutput


class Embed(Stage):
    name = "embed"
    about = "people, and vectors to find their faces by"
    serves = "faces"
    image = "facenet"
    reads = ("picture",)
    needs = ("detect",)
    options = EmbedOptions
    keeps = "crops"
    software = ("facenet-pytorch",)

    def weights(self, options: EmbedOptions) -> list[str]:
        from containers.facenet.choice import choose_embedder

        chosen = choose_embedder(options.face_model)
        return ["mtcnn", chosen] if chosen else ["mtcnn"]

    def limits(self) -> dict[str, float]:
        from containers.common.models.embeddings import same_kind

        return {model: embedding.limit for model, embedding in same_kind("face").items()}

    def call(self, given: Inputs) -> Call:
        from tasks.stages.embed.run import embed

        faces = given.found["detect"]
        return embed, (given.decoded.frames, faces.frames, faces.tracks, given.kept, given.options)

    def output(self) -> "type[StageOutput]":
        from tasks.stages.embed.run import EmbeddedFaces

        return EmbeddedFaces

    def findings(self, output: Any, found: Mapping[str, Any]) -> dict[str, Any]:
        from tasks.stages.detect.track import name_people

        return {"vectors": output.faces, "tracks": name_people(found["detect"].tracks, output.people)}

    def files(self, findings: "Findings") -> dict[str, bytes | Path]:
        from tasks.stages.embed.document import crop_files

        return crop_files(findings)

    def embeddings(self, findings: "Findings") -> list[dict[str, Any]]:
        from tasks.stages.embed.document import face_rows

        return face_rows(findings)


STAGE = Embed()
