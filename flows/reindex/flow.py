"""Nightly: collect what was analysed, bring every model's index up to date, say what was done and why."""

from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import create_table_artifact

from containers.common.errors import UserError
from flows.analyze.stages import sentence
from flows.images import running_images
from flows.settings.load import apply_with_server
from tasks.index.collect import collect, drop_orphans, reindexing_alone
from tasks.index.options import ReindexOptions
from tasks.index.reindex import ReindexedModel, reindex_model


@flow(name="reindex", flow_run_name="{output}")
def reindex(output: Path = Path("out"), options: ReindexOptions | None = None) -> list[ReindexedModel]:
    """Makes the search indexes of `output` hold exactly its assets' vectors, one index per embedding model.

    Args:
        output: folder of asset folders.
        options: of every index.

    New vectors are added where the type allows; growth, drift, deletions or another type make it build
    anew. A version becomes current after it was tried out: number of vectors, recall@10 against exact search
    on a sample, and stored vectors that must find themselves. Two at once take turns. Raises UserError that
    names the indexes for which this failed, after all others were done: their versions before serve on.
    """
    apply_with_server()
    options = options or ReindexOptions()
    logger = get_run_logger()
    done, failed = [], {}
    waiting = f"Another re-index of {output} is under way: waiting for its end."
    with reindexing_alone(output, lambda: logger.warning(waiting)):
        drop_orphans(output)
        collected = collect(output)
        for model in options.models or ():
            if model not in collected:
                raise UserError(f"No asset below {output} has vectors of model '{model}'.")
        with running_images():
            for model, parts in collected.items():
                if options.models is not None and model not in options.models:
                    continue
                named = reindex_model.with_options(task_run_name=model)
                state = named(model, parts, output, options, return_state=True)
                outcome = state.result(raise_on_failure=False)
                if isinstance(outcome, ReindexedModel):
                    done.append(outcome)
                    logger.info(describe(outcome))
                else:
                    failed[model] = sentence(outcome)
    create_table_artifact([_row(outcome) for outcome in done], key="reindex", description=_account(failed))
    if failed:
        raise UserError(f"The index before serves on: {_account(failed)}")
    return done


def describe(outcome: ReindexedModel) -> str:
    """What became of an index, in a sentence."""
    version = outcome.version
    if not outcome.changed:
        return f"{outcome.model}: nothing new; {version.version} has {version.count} vectors."
    recall = "" if version.recall is None else f", recall@10 {version.recall:.3f}"
    return (
        f"{outcome.model}: {version.version} {version.made} in {version.seconds:.1f} s ({version.why}); "
        f"{version.count} vectors, {version.type}{recall}. {version.reason}"
    )


def _row(outcome: ReindexedModel) -> dict[str, Any]:
    names = {"version", "made", "why", "count", "type", "reason", "recall", "seconds"}
    return {"model": outcome.model, "new": outcome.changed, **outcome.version.model_dump(include=names)}


def _account(failed: dict[str, str]) -> str:
    return " ".join(f"{model}: {reason}" for model, reason in failed.items())
