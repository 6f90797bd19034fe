"""What every stage of a running analysis does: filled by the flow, shown by a view, kept in the manifest."""

import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal

from flows.analyze.plan import ALL
from tasks.asset.manifest import StageEntry

State = Literal["waiting", "running", "done", "skipped", "failed"]


@dataclass
class StageState:
    """One stage's line."""

    name: str
    state: State = "waiting"
    fraction: float | None = None
    started: float = 0
    seconds: float = 0
    found: str | None = None
    figures: dict[str, Any] = field(default_factory=dict)
    reason: str | None = None
    kept: bool = False
    load_seconds: float = 0
    compute_seconds: float = 0

    @property
    def elapsed(self) -> float:
        return time.perf_counter() - self.started if self.state == "running" else self.seconds


current_board: ContextVar["Board | None"] = ContextVar("current_board", default=None)
# Who hears news beside the run's log: what a batch shows.
told_too: ContextVar[Callable[[str], object]] = ContextVar("told_too", default=lambda note: None)


@dataclass
class Board:
    """Thread-safe; `on_change` is called with every stage whose state changed, `on_note` with other news."""

    on_change: Callable[[StageState], None] = lambda stage: None
    stages: dict[str, StageState] = field(default_factory=lambda: {name: StageState(name) for name in ALL})
    on_note: Callable[[str], None] = lambda note: None
    created: float = field(default_factory=time.perf_counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, name: str) -> None:
        self._set(name, state="running", started=time.perf_counter(), fraction=None)

    def advance(self, name: str, fraction: float) -> None:
        self.stages[name].fraction = fraction  # views poll this

    def finish(
        self,
        name: str,
        found: str,
        kept: bool = False,
        load: float = 0,
        compute: float = 0,
        figures: dict[str, Any] | None = None,
    ) -> None:
        self._set(
            name,
            state="done",
            seconds=0.0 if kept else self.stages[name].elapsed,
            found=found,
            figures=figures or {},
            kept=kept,
            load_seconds=0.0 if kept else load,
            compute_seconds=0.0 if kept else compute,
        )

    def skip(self, name: str, reason: str) -> None:
        self._set(name, state="skipped", reason=reason)

    def fail(self, name: str, reason: str) -> None:
        self._set(name, state="failed", reason=reason, seconds=self.stages[name].elapsed)

    def wait_for_other(self) -> None:
        self.on_note("Another run is analysing this file; waiting for it to end.")

    @property
    def failed(self) -> list[StageState]:
        return [stage for stage in self.stages.values() if stage.state == "failed"]

    def entries(self) -> list[StageEntry]:
        """The manifest's account of the stages that have ended."""
        return [
            StageEntry(
                name=stage.name,
                status=stage.state,
                reason=stage.reason,
                found=stage.found,
                figures=stage.figures,
                started=round(max(stage.started - self.created, 0.0), 3),
                seconds=round(stage.seconds, 3),
                load_seconds=round(stage.load_seconds, 3),
                compute_seconds=round(stage.compute_seconds, 3),
                kept=stage.kept,
            )
            for stage in self.stages.values()
            if stage.state in ("done", "skipped", "failed")
        ]

    def _set(self, name: str, **changes: object) -> None:
        with self._lock:
            stage = self.stages[name]
            for attribute, value in changes.items():
                setattr(stage, attribute, value)
        self.on_change(stage)
