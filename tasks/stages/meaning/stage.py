"""What is said, to be found by what it means."""

from typing import TYPE_CHECKING, Any

from containers.facenet.contract import SENTENCES
from tasks.stages.stage import Call, Inputs, Stage

if TYPE_CHECKING:
    from tasks.outputs.findings import Findings
    from tasks.stages.output import StageOutput


class Meaning(Stage):
    name = "meaning"
    about = "vectors to find what is said by"
    serves = "speech"
    image = "facenet"
    reads = ("sound",)
    needs = ("transcribe",)
    unwanted = f"the model store has no {SENTENCES}"

    def wanted(self, options: object) -> bool:
        from containers.common.models.store import has_model

        return has_model(SENTENCES)

    def weights(self, options: object) -> list[str]:
        return [SENTENCES]

    def call(self, given: Inputs) -> Call:
        from tasks.stages.meaning.run import understand

        return understand, (given.found["transcribe"].transcript, given.work)

    def output(self) -> "type[StageOutput]":
        from tasks.stages.meaning.run import Understood

        return Understood

    def embeddings(self, findings: "Findings") -> list[dict[str, Any]]:
        from tasks.stages.meaning.document import sentence_rows

        found: Any = findings.of.get(self.name)
        return sentence_rows(found.sentences) if found else []


STAGE = Meaning()
