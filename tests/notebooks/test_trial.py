"""A stage that is tried alone is given what an analysis would give it."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from notebooks.explore import trial
from tasks.stages.options import AnalyzeOptions


def test_it_has_the_media_and_a_folder_for_what_it_keeps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faces are looked for between the frames that were decoded too, in the media itself."""
    given = []

    def call(inputs):
        given.append(inputs)
        assert inputs.kept.is_dir()
        return SimpleNamespace(fn=lambda: SimpleNamespace(load_seconds=0.0)), ()

    options = AnalyzeOptions()
    stage = SimpleNamespace(needs=(), reads=("picture",), call=call)
    monkeypatch.setattr(trial, "STAGES", {"seen": stage})
    decoded = SimpleNamespace(audio_48k=None, frames=[1])
    for _ in range(2):
        trial.try_stage("seen", "media/talk.mp4", decoded, tmp_path, options)  # type: ignore[arg-type]
    assert [one.media for one in given] == [Path("media/talk.mp4")] * 2
