"""Running a stage: kept results are taken, new ones kept, failures become one sentence on the board."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prefect import Task
from prefect.cache_policies import CacheKeyFnPolicy
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture

from containers.common.contract import ModelRef
from containers.common.errors import UserError
from flows.analyze.board import Board
from flows.analyze.ui import show_refused, show_skipped
from tasks.asset import Asset
from tasks.stage import StageOutput


class Stages:
    """Submits an asset's stages as Prefect tasks and waits for them."""

    def __init__(self, asset: Asset, keys: dict[str, str], board: Board) -> None:
        self.board = board
        self.models: list[ModelRef] = []
        self._asset = asset
        self.keys = keys

    def kept(self, stage: str) -> bool:
        """Whether an earlier run finished this stage. A record cut off by a kill is removed."""
        path = self._record(stage)
        try:
            json.loads(path.read_bytes())
        except FileNotFoundError:
            return False
        except ValueError:
            path.unlink()
            return False
        return True

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
            }
        return task.with_options(**options).submit(*args)

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
