"""The version of an index that served before serves again."""

from pathlib import Path

from containers.common.index import versions
from tasks.asset.bucket import Location
from tasks.index.options import ReindexOptions, index_uri
from tasks.words.remote import roll_back_remote
from tasks.words.versions import roll_back


def go_back(output: Location, index: str, options: ReindexOptions) -> str:
    """`index` is a model's id or `words`; returns what was done, in a sentence. Raises UserError."""
    if index == "words":
        words = roll_back(output) if isinstance(output, Path) else roll_back_remote(output)
        return f"words: {words.version} is current again, with {words.count} segments."
    version = versions.rollback(index_uri(output, options, index))
    return f"{index}: {version.version} is current again, with {version.count} vectors."
