"""Which sounds there are."""

from tasks.stages.stage import Call, Inputs, Stage
from tasks.stages.tag.options import TagOptions


class Tag(Stage):
    name = "tag"
    about = "sound events"
    image = "audioset"
    reads = ("sound",)
    options = TagOptions
    keeps = "sounds"

    def weights(self, options: TagOptions) -> list[str]:
        from containers.common.models.store import has_model

        large = "panns-cnn14-events" if options.tag_mode == "events" else "panns-cnn14"
        return [large if has_model(large) else "firered-aed"]

    def call(self, given: Inputs) -> Call:
        from tasks.stages.tag.run import tag

        vectors = given.kept.with_suffix(".npz")
        return tag, (
            given.decoded.audio_48k,
            given.work,
            given.options,
            self.weights(given.options)[0],
            vectors,
        )


STAGE = Tag()
