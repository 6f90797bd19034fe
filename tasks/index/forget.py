"""Search indexes without a byte of what they do not hold: no version before to go back to."""

from collections.abc import Collection
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from containers.common.index import versions
from containers.common.locks import tell
from tasks.index.collect import collect, drop_orphans, reindexing_alone
from tasks.index.options import ReindexOptions, index_uri
from tasks.index.reindex import reindex_model


def forget_vectors(
    output: Path, models: Collection[str], images: AbstractContextManager[object]
) -> list[str]:
    """Leaves of each of the models' indexes one version, built anew of what is published, and says of which.

    `images` is entered where there is anything to build. Raises UserError.
    """
    options = ReindexOptions(rebuild=True, keep_versions=2)
    uris = {model: index_uri(output, options, model) for model in models}
    built = [model for model, uri in uris.items() if versions.pointer(uri) is not None]
    if not built:
        return []
    waiting = partial(tell, f"Another re-index of {output} is under way: waiting for its end.")
    with reindexing_alone(output, waiting), images:
        drop_orphans.fn(output)
        parts = collect.fn(output)
        for model in built:
            reindex_model.fn(model, parts[model], output, options)
            versions.keep_current(uris[model])
    return built
