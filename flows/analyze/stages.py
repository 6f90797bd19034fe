"""Running a stage: kept results are taken, new ones kept, failures become one sentence on the board."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from prefect import Task
from prefect.cache_policies import CacheKeyFnPolicy
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.utilities.annotations import quote

from containers.common.contract import ModelRef
from containers.common.errors import UserError
from flows.analyze.board import Board
from flows.analyze.ui import show_refused, show_skipped
from tasks.asset import Asset
from tasks.stage import StageOutput


class Stages:
    """Submits an asset's stages as Prefect tasks and waits for them."""

    def __init__(
        self, asset: Asset, keys: dict[str, str], board: Board, expires: timedelta | None = None
    ) -> None:
        self.board = board
        self._expires = expires
        self.models: list[ModelRef] = []
        self._asset = asset
        self.keys = keys

    def kept(self, stage: str) -> bool:
        """Whether an earlier run finished this stage. A record cut off by a kill is removed.

        So is one that has expired, or that names files of this asset's cache which are gone.
        """
        path = self._record(stage)
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return False
        if self._holds(text):
            return True
        path.unlink()
        return False

    def _holds(self, text: str) -> bool:
        try:
            expiration = json.loads(text)["metadata"]["expiration"]
        except (ValueError, LookupError):
            return False
        if expiration and datetime.fromisoformat(expiration) <= datetime.now(UTC):
            return False
        kept = re.escape(self._asset.cache.as_uri())
        # Decoded media goes when a run has ended, and is made again by itself.
        named = set(re.findall(rf"{kept}/(?!media/)[^\"\\]+", text))
        return all(Path(unquote(urlsplit(uri).path)).exists() for uri in named)

    def drop(self, stage: str) -> None:
        """Forgets that an earlier run finished this stage."""
        self._record(stage).unlink(missing_ok=True)

    def submit(
        self, stage: str, task: Task[..., Any], *args: Any, again: bool = False, keep: bool = True
    ) -> PrefectFuture[Any]:
        """Starts the stage; `again` redoes it although its result is kept, `keep` says whether to keep it."""
        options: dict[str, Any] = {
            "task_run_name": stage,
            "on_running": [lambda *_: self.board.start(stage)],
            "on_completion": [self._ended(stage)],
            "on_failure": [self._ended(stage)],
            "persist_result": False,
        }
        if keep and stage in self.keys:
            self.kept(stage)  # removes a damaged record, which Prefect would trip over
            key = self.keys[stage]
            options |= {
                "cache_policy": CacheKeyFnPolicy(cache_key_fn=lambda context, parameters: key),
                "result_storage": self._asset.results,
                "result_serializer": "json",
                "persist_result": True,
                "refresh_cache": again,
                "cache_expiration": self._expires,
            }
        # Not a future among them: looking for one in each number of a thousand faces takes seconds a stage.
        return task.with_options(**options).submit(*map(quote, args))

    def collect(self, future: PrefectFuture[Any] | None) -> Any:
        """The stage's output, or None when it failed or was not started."""
        if future is None:
            return None
        output = future.result(raise_on_failure=False)
        if not isinstance(output, StageOutput):
            return None
        self.models += [model for model in output.models if model not in self.models]
        return output

    def _ended(self, stage: str) -> Callable[..., None]:
        def put_on_board(task: object, run: object, state: State) -> None:
            output = state.result(raise_on_failure=False)
            if isinstance(output, StageOutput):
                kept = state.name == "Cached"
                costs = (output.load_seconds, output.compute_seconds)
                self.board.finish(stage, output.summary, kept, *costs, figures=output.figures)
            else:
                self.board.fail(stage, sentence(output))

        return put_on_board

    def skip(self, reason: str, *stages: str) -> None:
        for stage in stages:
            self.board.skip(stage, reason)
            show_skipped(stage, reason)

    def fail(self, stage: str, reason: str) -> None:
        """A stage that must not start."""
        self.board.fail(stage, reason)
        show_refused(stage, reason)

    def _record(self, stage: str) -> Path:
        return self._asset.results / self.keys[stage]


def sentence(error: BaseException) -> str:
    """What to tell a person: a UserError's own sentence, or the kind of a fault that is ours."""
    if isinstance(error, UserError):
        return str(error)
    return f"Unexpected {type(error).__name__}: {error}".splitlines()[0]
