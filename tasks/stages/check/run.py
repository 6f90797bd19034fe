"""Are the results plausible? Asked before they reach the index."""

import threading
from pathlib import Path
from typing import Any

from prefect import task

from tasks.checks.verdicts import Quality
from tasks.outputs.documents import write_documents
from tasks.outputs.findings import Findings
from tasks.stages.output import StageOutput


class Checked(StageOutput):
    quality: Quality

    @property
    def summary(self) -> str:
        broken = [*self.quality.blocked, *self.quality.warnings]
        rules = len(self.quality.verdicts)
        return f"{rules} rules kept" if not broken else f"{len(broken)} of {rules} rules broken"

    @property
    def figures(self) -> dict[str, float | str | bool | None]:
        broken = [*self.quality.blocked, *self.quality.warnings]
        return {f"{each.table} {number}": each.sentence for number, each in enumerate(broken, 1)}


@task
def check(asset: str, findings: Findings, embeddings: Path, manifest: dict[str, Any]) -> Checked:
    """Every rule on what was found; `manifest` as it will be written, its files left out."""
    from tasks.checks.check import check_tables
    from tasks.checks.tables import tables_of

    few = findings.writing.model_copy(update={"formats": []})  # the others say the same
    documents = write_documents(findings.model_copy(update={"writing": few}), asset)
    return Checked(quality=check_tables(tables_of(asset, documents, embeddings, manifest)))


def prepare_check() -> None:
    """Loads the rules in the background: importing their library takes seconds. Returns at once."""

    def load() -> None:
        from tasks.checks.check import load_rules

        load_rules()

    threading.Thread(target=load, daemon=True).start()
