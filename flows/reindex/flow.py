"""Nightly: collect what was analysed, bring every model's index up to date, say what was done and why."""

from typing import Any, cast

from prefect import flow, get_run_logger
from prefect.runtime import flow_run

from containers.common import storage
from containers.common.errors import NothingThere, UserError
from flows.analyze.stages import sentence
from flows.runs.artifacts import create_link_artifact, create_table_artifact
from flows.runs.forms import Place, own_name_or
from flows.runs.images import running_images
from flows.runs.nothing import nothing_to_do
from flows.service.results import link_to
from flows.settings.load import apply_with_server
from tasks.asset.bucket import Location, location
from tasks.index.collect import collect, drop_orphans, reindexing_alone
from tasks.index.options import ReindexOptions
from tasks.index.reindex import ReindexedModel, reindex_model
from tasks.index.reindex_words import WORDS, ReindexedWords, bring_shelf_up_to_date, reindex_words
from tasks.index.rollback import go_back
from tasks.search.place import on_this_machine
from tasks.words.store import published

Outcome = ReindexedModel | ReindexedWords


@flow(name="reindex", flow_run_name=own_name_or(lambda: flow_run.parameters["output"]))
def reindex(output: Place = "out", options: ReindexOptions | None = None) -> list[Outcome]:
    """Makes the search indexes of `output` hold exactly its assets: vectors, one index per model, and words.

    Args:
        output: folder or s3:// prefix of asset folders.
        options: of every index.

    New vectors are added where the type allows; growth, drift, deletions or another type make it build
    anew. A version becomes current after it was tried out: number of vectors, recall@10 against exact search
    on a sample, and stored vectors that must find themselves. Two at once take turns. Raises UserError that
    names the indexes for which this failed, after all others were done: their versions before serve on.
    Without anything to search there is nothing to do.
    """
    apply_with_server()
    try:
        return _reindex(location(output), options or ReindexOptions())
    except NothingThere as empty:
        return cast(list[Outcome], nothing_to_do(empty))


def _reindex(output: Location, options: ReindexOptions) -> list[Outcome]:
    """What is on S3 has its documents on this machine, its vectors, indexes and shelf there."""
    folder, remote = on_this_machine(output, get_run_logger().info)
    if remote:
        options = options.model_copy(update={"index": options.index or storage.join(remote, "index")})
    logger = get_run_logger()
    done: list[Outcome] = []
    failed: dict[str, str] = {}

    def note(name: str, outcome: Outcome | BaseException) -> None:
        if isinstance(outcome, Outcome):
            done.append(outcome)
            logger.info(describe(outcome))
        else:
            failed[name] = sentence(outcome)

    waiting = f"Another re-index of {output} is under way: waiting for its end."
    with reindexing_alone(folder, lambda: logger.warning(waiting), remote):
        if not remote:
            drop_orphans(folder)
        collected = collect(folder, remote)
        if not collected and not published(folder):
            raise NothingThere(f"There is no asset in {output} that has anything to search.")
        for model in options.models or ():
            if model not in collected and model != WORDS:
                raise UserError(f"No asset below {output} has vectors of model '{model}'.")
        with running_images():
            for model, parts in collected.items():
                if options.models and model not in options.models:
                    continue
                named = reindex_model.with_options(task_run_name=model)
                state = named(model, parts, folder, options, return_state=True)
                note(model, state.result(raise_on_failure=False))
        if not options.models or WORDS in options.models:
            state = reindex_words(output if remote else folder, options, return_state=True)
            words = state.result(raise_on_failure=False)
            note(WORDS, words)
            changed = isinstance(words, ReindexedWords) and words.changed
            state = bring_shelf_up_to_date(output if remote else folder, changed, return_state=True)
            if isinstance(fault := state.result(raise_on_failure=False), BaseException):
                logger.warning(f"The shelf is not brought up to date: {sentence(fault)}")
            else:
                create_link_artifact(link_to(remote or folder, "index.html"), link_text="Shelf", key="shelf")
    create_table_artifact([_row(outcome) for outcome in done], key="reindex", description=_account(failed))
    if failed:
        raise UserError(f"The index before serves on: {_account(failed)}")
    return done


@flow(name="rollback", flow_run_name=own_name_or(lambda: flow_run.parameters["model"]))
def rollback(model: Place, output: Place = "out", index: Place | None = None) -> str:
    """Makes the version of a search index that was current before current again.

    Args:
        model: whose index, by its id, or `words`.
        output: folder of asset folders.
        index: folder or s3:// prefix of the indexes; `index` below the output when empty.

    Raises UserError when there is none.
    """
    done = go_back(location(output), model, ReindexOptions(index=index))
    get_run_logger().info(done)
    return done


def describe(outcome: Outcome) -> str:
    """What became of an index, in a sentence."""
    if isinstance(outcome, ReindexedWords):
        return _describe_words(outcome)
    version = outcome.version
    if not outcome.changed:
        return f"{outcome.model}: nothing new; {version.version} has {version.count} vectors."
    recall = "" if version.recall is None else f", recall@10 {version.recall:.3f}"
    return (
        f"{outcome.model}: {version.version} {version.made} in {version.seconds:.1f} s ({version.why}); "
        f"{version.count} vectors, {version.type}{recall}. {version.reason}"
    )


def _describe_words(outcome: ReindexedWords) -> str:
    version = outcome.version
    held = f"{version.count} segments of {version.assets} assets"
    left = f" Left out: {' '.join(version.unread.values())}" if version.unread else ""
    if not outcome.changed:
        return f"{WORDS}: nothing new; {version.version} has {held}.{left}"
    made = f"{version.version} {version.made} in {version.seconds:.1f} s ({version.why})"
    return f"{WORDS}: {made}; {held}; {version.tried} were asked for and found.{left}"


def _row(outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, ReindexedWords):
        about = outcome.version.model_dump(include={"version", "made", "why", "count", "seconds"})
        return {"model": WORDS, "new": outcome.changed, **about, "type": "FTS5", "reason": "", "recall": None}
    names = {"version", "made", "why", "count", "type", "reason", "recall", "seconds"}
    return {"model": outcome.model, "new": outcome.changed, **outcome.version.model_dump(include=names)}


def _account(failed: dict[str, str]) -> str:
    return " ".join(f"{model}: {reason}" for model, reason in failed.items())
