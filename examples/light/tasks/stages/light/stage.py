"""How light it is."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tasks.stages.light.options import LightOptions
from tasks.stages.stage import Call, Inputs, Stage

if TYPE_CHECKING:
    from tasks.checks.table import Table
    from tasks.outputs.findings import Findings
    from tasks.stages.output import StageOutput


class Light(Stage):
    name = "light"
    about = "how light it is"
    image = "lightmeter"
    reads = ("picture",)
    options = LightOptions
    section = "Light"

    def weights(self, options: LightOptions) -> list[str]:
        return ["luma"]

    def call(self, given: Inputs) -> Call:
        from tasks.stages.light.run import light

        return light, (given.decoded.frames, given.options)

    def output(self) -> "type[StageOutput]":
        from tasks.stages.light.run import MeasuredLight

        return MeasuredLight

    def documents(self, findings: "Findings", asset: str) -> dict[str, bytes]:
        from tasks.outputs.as_json import to_json

        measured = findings.of.get(self.name)
        return (
            {"light.json": to_json(measured.model_dump(mode="json", include={"frames"}))} if measured else {}
        )

    def tables(self) -> "Sequence[Table]":
        from tasks.stages.light.checks import TABLES

        return TABLES

    def report(self, findings: "Findings") -> dict[str, Any]:
        measured = findings.of.get(self.name)
        return {"summary": measured.summary} if measured else {}


STAGE = Light()
