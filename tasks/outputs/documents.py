"""The asset folder's files, from what the stages found: names and JSON shapes that others read."""

from typing import Any

from tasks.outputs.findings import Findings
from tasks.stages.registry import STAGES

FIRST_ROWS = ("embed", "diarize", "tag")  # rows are numbered: these came before there were others


def write_documents(findings: Findings, asset: str) -> dict[str, bytes]:
    """File name to content, for all files that are made of findings alone."""
    return {
        name: content
        for stage in STAGES.values()
        for name, content in stage.documents(findings, asset).items()
    }


def embedding_rows(findings: Findings) -> list[dict[str, Any]]:
    """Rows for embeddings.parquet: a vector, the model that made it, and where in the media it belongs."""
    rows = {name: stage.embeddings(findings) for name, stage in STAGES.items()}
    first = [name for name in FIRST_ROWS if name in rows]
    return [row for name in (*first, *(name for name in rows if name not in first)) for row in rows[name]]
