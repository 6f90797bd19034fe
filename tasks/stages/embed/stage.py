"""Whose faces are one person's."""

from tasks.stages.stage import Call, Inputs, Stage


class Embed(Stage):
    name = "embed"
    about = "people, and vectors to find their faces by"
    image = "facenet"
    reads = ("picture",)
    needs = ("detect",)
    keeps = "crops"

    def weights(self, options: object) -> list[str]:
        from containers.common.models.store import has_model

        return ["mtcnn", "facenet-vggface2"] if has_model("facenet-vggface2") else ["mtcnn"]

    def call(self, given: Inputs) -> Call:
        from tasks.stages.embed.run import embed

        faces = given.found["detect"]
        return embed, (given.decoded.frames, faces.frames, faces.tracks, given.kept)


STAGE = Embed()
