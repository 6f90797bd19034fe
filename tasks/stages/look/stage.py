"""Pictures to find others by."""

from tasks.stages.stage import Call, Inputs, Stage


class Look(Stage):
    name = "look"
    about = "vectors to find pictures by"
    image = "facenet"
    reads = ("picture",)
    keeps = "pictures"

    def weights(self, options: object) -> list[str]:
        from containers.common.models.store import has_model
        from containers.facenet.contract import DINOV2, PHASH

        return [DINOV2 if has_model(DINOV2) else PHASH]

    def call(self, given: Inputs) -> Call:
        from tasks.stages.look.run import look

        return look, (given.decoded.frames, given.kept, *self.weights(given.options))


STAGE = Look()
