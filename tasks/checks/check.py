"""Runs the rules and says which were broken, by which rows of which asset."""

import math
import os
import threading
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

# Great Expectations phones home unless told otherwise; an explicit setting of the user's wins.
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

from tasks.checks.tables import Tables
from tasks.checks.verdicts import BrokenRow, Quality, Verdict

Suites = dict[str, tuple[Any, Any]]  # table name: batch definition, suite
RESULT_FORMAT = {"result_format": "COMPLETE", "unexpected_index_column_names": ["asset", "row"]}
MOST_ROWS = 20  # broken rows that a verdict names
# Great Expectations keeps one engine for a data source, and in it the table that was given last: of checks at
# once, as those of a batch, each would be answered with another's rows.
_one_at_a_time = threading.RLock()
TELLING = ("file", "name", "place", "why")  # columns that say which thing a row is about
SECONDS = ("start", "time")  # and when it is


def check_tables(tables: Tables) -> Quality:
    """Verdicts of every rule on the tables given; the columns `asset` and `row` name what broke it."""
    verdicts: list[Verdict] = []
    with _one_at_a_time:
        for name, (batches, suite) in load_rules().items():
            if name not in tables:
                continue
            batch = batches.get_batch({"dataframe": tables[name]})
            verdicts += _verdicts(name, batch.validate(suite, result_format=RESULT_FORMAT), tables)
    return Quality(verdicts=verdicts)


def document_tables(tables: Tables, folder: Path) -> tuple[Quality, Path]:
    """The same, and a site of Data Docs in `folder` with the last month of checks; returns its first page.

    One checkpoint runs one suite a table.
    """
    import great_expectations as gx

    from tasks.checks import docs

    folder.mkdir(parents=True, exist_ok=True)
    docs.forget_old(folder, docs.MOST_CHECKS - 1)
    context = gx.get_context(mode="file", project_root_dir=folder)
    context.update_data_docs_site(docs.SITE, docs.site_config())
    run = gx.RunIdentifier(run_name=f"{datetime.now(UTC):%Y-%m-%d %H.%M.%S}")
    verdicts: list[Verdict] = []
    pages: list[Any] = []
    for name, (batches, suite) in _suites(context).items():
        if name not in tables:
            continue
        definition = gx.ValidationDefinition(name=name, data=batches, suite=suite)
        checkpoint = gx.Checkpoint(
            name=name,
            validation_definitions=[context.validation_definitions.add_or_update(definition)],
            result_format=RESULT_FORMAT,
        )
        asked: Any = {"batch_parameters": {"dataframe": tables[name]}, "run_id": run}
        done = context.checkpoints.add_or_update(checkpoint).run(**asked)
        for key, result in done.run_results.items():
            verdicts += _verdicts(name, result, tables)
            pages += [key, key.expectation_suite_identifier]
    context.build_data_docs([docs.SITE], resource_identifiers=pages)
    return Quality(verdicts=verdicts), folder / docs.PLACE / "index.html"


def load_rules() -> Suites:
    """Batch definitions and suites by table, made once in a process (the import takes seconds)."""
    with _one_at_a_time:
        return _loaded_rules()


@cache
def _loaded_rules() -> Suites:
    import great_expectations as gx

    return _suites(gx.get_context(mode="ephemeral"))


def _suites(context: Any) -> Suites:
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    from tasks.checks.rules import rules
    from tasks.checks.store_rules import store_rules

    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_or_update_pandas("asset folders")
    suites: Suites = {}
    for name, expectations in {**rules(), **store_rules()}.items():
        batches = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("all")
        suite = gx.ExpectationSuite(name=name, expectations=expectations)
        suites[name] = (batches, context.suites.add_or_update(suite))
    return suites


def _verdicts(table: str, results: Any, tables: Tables) -> list[Verdict]:
    """One a rule. A rule that cannot be computed is broken by the assets whose values it stumbles over."""
    frame = tables[table]
    return [
        _stumbling(table, result.expectation_config, frame)
        if _stumbled(result)
        else _verdict(table, result, frame)
        for result in results.results
    ]


def _verdict(table: str, result: Any, frame: Any) -> Verdict:
    config = result.expectation_config
    named = result.result.get("unexpected_index_list") or []
    return Verdict(
        table=table,
        rule=config.description,
        severity=config.severity.value,
        limit=_limit(config.kwargs),
        checked=len(frame),
        broken=result.result.get("unexpected_count", 0),
        assets=Counter(row["asset"] for row in named),
        rows=[_broken_row(row, frame) for row in named[:MOST_ROWS]],
    )


def _stumbled(result: Any) -> bool:
    """Great Expectations has one dictionary, or one a metric."""
    found = result.exception_info
    each = [found] if "raised_exception" in found else found.values()
    return any(one.get("raised_exception") for one in each)


def _stumbling(table: str, config: Any, frame: Any) -> Verdict:
    """Which assets' rows have values that the rule cannot compare, by trying each asset alone; and what it
    says of all the others."""
    batches, suite = load_rules()[table]
    rule = next(one for one in suite.expectations if one.description == config.description)

    def judge(part: Any) -> Any:
        part = part.infer_objects().reset_index(drop=True)
        return batches.get_batch({"dataframe": part}).validate(rule, result_format=RESULT_FORMAT)

    parts = {str(asset): part for asset, part in frame.groupby("asset", sort=True)}
    culprits = [asset for asset, part in parts.items() if _stumbled(judge(part))]
    others = frame[~frame["asset"].isin(culprits)]
    judged = judge(others) if culprits and len(others) else None
    if judged is None or _stumbled(judged):
        found = Verdict(
            table=table, rule=config.description, severity=config.severity.value, checked=0, broken=0
        )
        culprits = culprits if judged is None and culprits else list(parts)
    else:
        found = _verdict(table, judged, others)
    why = {"values": "of another kind than the rule compares"}
    rows = [BrokenRow(asset=asset, row=0, values=why) for asset in culprits]
    return found.model_copy(
        update={
            "checked": len(frame),
            "broken": found.broken + len(culprits),
            "assets": found.assets | dict.fromkeys(culprits, 1),
            "rows": [*rows, *found.rows][:MOST_ROWS],
        }
    )


def _broken_row(row: dict[str, Any], frame: Any) -> BrokenRow:
    """With the columns that the rule compares, and those that say which thing it is."""
    values = {name: value for name, value in row.items() if name not in ("asset", "row")}
    whole = frame[(frame["asset"] == row["asset"]) & (frame["row"] == row["row"])].to_dict("records")
    told = {name: whole[0][name] for name in TELLING if whole and isinstance(whole[0].get(name), str)}
    plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in values.items()}
    at = next((whole[0][name] for name in SECONDS if whole and _is_second(whole[0].get(name))), None)
    return BrokenRow(asset=row["asset"], row=row["row"], values=told | plain, at=at)


def _is_second(value: Any) -> bool:
    """Others may have written anything, and what is broken may be the time itself."""
    return isinstance(value, (int, float)) and math.isfinite(value) and value >= 0


def _limit(asked: Mapping[str, Any]) -> str:
    """`from 0.9 to 1`, `at least 1`, `0`; nothing where a rule compares columns."""
    low, high = (asked.get(f"{end}_value") for end in ("min", "max"))
    low, high = (None if end is None or math.isinf(end) else f"{end:g}" for end in (low, high))
    if low == high:
        return low or ""
    if low and high:
        return f"from {low} to {high}"
    return f"at least {low}" if low else f"at most {high}"
