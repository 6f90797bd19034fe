"""Running a stage: kept results are taken, new ones kept, failures become one sentence on the board."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from prefect import Task
from prefect.cache_policies import CacheKeyFnPolicy
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.utilities.annotations import quote

from containers.common.contract import ModelRef
from containers.common.errors import StorageError, UserError
from containers.common.inside import inside
from flows.analyze.board import Board
from flows.analyze.records import read_record, records_at
from flows.analyze.shared import SharedResults, files_named
from flows.analyze.ui import show_refused, show_skipped
from tasks.asset.folder import Asset
from tasks.asset.portable import HERE, portable
from tasks.calls.invoke import ImageKilled
from tasks.stages.output import StageOutput


class Stages:
    """Submits an asset's stages as Prefect tasks and waits for them."""

    def __init__(
        self,
        asset: Asset,
        keys: dict[str, str],
        board: Board,
        expires: timedelta | None = None,
        shared: SharedResults | None = None,
        force: bool = False,
    ) -> None:
        self.board = board
        self._expires = expires
        self._shared = shared
        self._force = force
        self.models: list[ModelRef] = []
        self._asset = asset
        self.keys = keys

    def kept(self, stage: str) -> bool:
        """Whether an earlier run finished this stage, on this machine or where results are shared.

        A record cut off by a kill is removed. So is one that has expired, or that names files of this asset's
        cache which are gone.
        """
        return self._kept_here(stage) or (self._fetched(stage) and self._kept_here(stage))

    def _kept_here(self, stage: str) -> bool:
        path = self._record(stage)
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return False
        if self._holds(text):
            return True
        path.unlink()
        return False

    def _fetched(self, stage: str) -> bool:
        """Whether another machine's result is there; one that cannot be read is news, and made anew."""
        if not self._shared or self._force:
            return False
        try:
            return self._shared.get(self.keys[stage])
        except StorageError as error:
            self.board.on_note(str(error))
            return False

    def _holds(self, text: str) -> bool:
        try:
            expiration = read_record(text, self._asset.cache)["metadata"]["expiration"]
            if expiration and datetime.fromisoformat(expiration) <= datetime.now(UTC):
                return False
            named = files_named(portable(text, self._asset.cache), HERE)
            return all(inside(self._asset.cache, unquote(name)).exists() for name in named)
        except (StorageError, ValueError, TypeError, LookupError):
            return False

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
            "retries": 1,
            "retry_condition_fn": _image_was_killed,
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
            if self._shared:
                options["on_completion"].append(self._share(stage, self._shared))
        ours = task.with_options(**options)
        if ours.result_storage:
            # As an option Prefect would take only a block that its server keeps.
            ours.result_storage = records_at(self._asset.results)
        # Not a future among them: looking for one in each number of a thousand faces takes seconds a stage.
        return ours.submit(*map(quote, args))

    def collect(self, future: PrefectFuture[Any] | None) -> Any:
        """The stage's output, or None when it failed or was not started."""
        if future is None:
            return None
        output = future.result(raise_on_failure=False)
        if not isinstance(output, StageOutput):
            return None
        self.models += [model for model in output.models if model not in self.models]
        return output

    def sort_models(self, outputs: Iterable[StageOutput]) -> None:
        """The models of these outputs, all collected, in this order, whichever ended first."""
        order = [model for output in outputs for model in output.models]
        self.models.sort(key=order.index)

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

    def _share(self, stage: str, shared: SharedResults) -> Callable[..., None]:
        def share(task: object, run: object, state: State) -> None:
            if state.name == "Cached":
                return
            try:
                shared.put(self.keys[stage])
            except StorageError as error:
                self.board.on_note(str(error))  # only other machines miss it

        return share

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


def _image_was_killed(task: object, run: object, state: State) -> bool:
    return isinstance(state.result(raise_on_failure=False), ImageKilled)


def sentence(error: BaseException) -> str:
    """What to tell a person: a UserError's own sentence, or the kind of a fault that is ours."""
    if isinstance(error, UserError):
        return str(error)
    return f"Unexpected {type(error).__name__}: {error}".splitlines()[0]
