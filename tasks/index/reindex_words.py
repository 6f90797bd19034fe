"""The word index brought up to date, or back: here, by no image, since it needs no model library."""

from pathlib import Path

from prefect import task
from pydantic import BaseModel

from tasks.asset.bucket import Location
from tasks.index.options import ReindexOptions
from tasks.shelf.make import has_shards, make_shelf
from tasks.shelf.remote import make_remote_shelf
from tasks.words.remote import make_remote_version
from tasks.words.versions import WordsVersion, make_version

WORDS = "words"  # what it is called among the models


@task(task_run_name="shelf")
def bring_shelf_up_to_date(output: Location, changed: bool) -> Location:
    """Writes the page of everything; with its own index of words where that `changed`. Raises UserError."""
    if isinstance(output, Path):
        return make_shelf(output, whole=changed or not has_shards(output))
    return make_remote_shelf(output, whole=changed)


class ReindexedWords(BaseModel):
    """The word index's outcome: its current version, and whether this run made it."""

    version: WordsVersion
    changed: bool


@task(task_run_name=WORDS)
def reindex_words(output: Location, options: ReindexOptions) -> ReindexedWords:
    """Makes the word index hold exactly what is published. Raises UserError; the version before serves on."""
    if isinstance(output, Path):
        version, changed = make_version(output, options.keep_versions, options.rebuild)
    else:
        version, changed = make_remote_version(output, options.keep_versions, options.rebuild)
    return ReindexedWords(version=version, changed=changed)
