"""In which order stages start."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from flows.analyze import find as module
from flows.analyze.board import Board
from tasks.media.decoded import Decoded
from tasks.stages.options import AnalyzeOptions
from tasks.stages.output import StageOutput
from tasks.stages.registry import STAGES

# In the order in which they end here: speech takes longest of all.
ENDING = ("tag", "look", "detect", "embed", "diarize", "link", "denoise", "transcribe")


class Future:
    def __init__(self, name: str) -> None:
        self.name = name


class Stages:
    """Stands in for flows.analyze.stages: a stage ends when all that can have started has."""

    def __init__(self) -> None:
        self.board = Board()
        self.keys = dict.fromkeys(STAGES, "key")
        self.running: dict[str, Future] = {}
        self.story: list[str] = []

    def submit(self, stage: str, *_: Any, **__: Any) -> Future:
        self.story.append(stage)
        self.running[stage] = Future(stage)
        return self.running[stage]

    def collect(self, future: Future) -> StageOutput | None:
        name = future.name
        del self.running[name]
        self.story.append(f"{name} ended")
        return None if name == "tag" else StageOutput()

    def skip(self, reason: str, *stages: str) -> None:
        self.story += [f"{name} skipped" for name in stages]

    def sort_models(self, outputs: Any) -> None:
        self.named = len(list(outputs))


def test_a_stage_waits_for_no_other_than_it_builds_on(monkeypatch: pytest.MonkeyPatch) -> None:
    stages = Stages()

    def as_completed(futures: list[Future]) -> Any:
        first = next(name for name in ENDING if name in stages.running)
        assert stages.running[first] in futures
        yield stages.running[first]

    monkeypatch.setattr(module, "as_completed", as_completed)
    for stage in STAGES.values():
        monkeypatch.setattr(type(stage), "call", lambda self, given: (None, ()))
        monkeypatch.setattr(type(stage), "wanted", lambda self, options: self.name != "meaning")
    decoded = Decoded(duration=1, audio_48k="file:///a", audio_16k="file:///b", frames=[], shots=[])
    decoded.frames = cast(Any, [SimpleNamespace(time=0.0, image="file:///c")])
    found = module.find(
        cast(Any, stages),
        cast(Any, SimpleNamespace(cache=Path("/x"), media=Path("/y"))),
        Path("/m"),
        decoded,
        AnalyzeOptions(),
    )
    story = stages.story
    assert set(story[:5]) == {"denoise", "diarize", "tag", "detect", "look"}  # at once
    assert story.index("link") < story.index("denoise ended")
    for stage in STAGES.values():
        for name in stage.before:
            if stage.name in story and name in story:
                assert story.index(f"{name} ended") < story.index(stage.name)
    assert set(found) == set(ENDING) - {"tag"}
    assert stages.named == len(found)
