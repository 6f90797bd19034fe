"""Which of the user's variables make a worker another one."""

import re
from pathlib import Path

import pytest

from containers.common.image import IMAGES, image
from deployments.local.environment import NOT_PASSED, passed, shared_cores
from flows.settings.fields import PREFIX, Settings

ROOT = Path(__file__).parents[3]
NAMED = re.compile(rf"{PREFIX}[A-Z]+(?:_[A-Z]+)*")


def named_in(*rooms: str) -> set[str]:
    """Variables of this project that the sources of these rooms name."""
    sources = [path for room in rooms for kind in ("*.py", "*.mjs") for path in (ROOT / room).rglob(kind)]
    own = [path for path in sources if "node_modules" not in path.parts]
    return {name for path in own for name in NAMED.findall(path.read_text(encoding="utf-8"))}


def test_what_no_image_reads_is_passed_to_none() -> None:
    """A worker that saw it would be another one: nobody else's run could share it while it is warm."""
    settings = {
        f"{PREFIX}{name.upper()}"
        for name, field in Settings.model_fields.items()
        if not field.validation_alias
    }
    unread = (settings | named_in("flows", "tasks")) - named_in("containers")
    assert unread <= NOT_PASSED


@pytest.mark.parametrize("name", ["MEDIAFLOW_RESULTS_URL", "MEDIAFLOW_RUNS_AT_ONCE", "MEDIAFLOW_MLFLOW"])
def test_runs_of_make_serve_and_of_a_terminal_share_images(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = passed()
    monkeypatch.setenv(name, "http://127.0.0.1:4201")
    assert passed() == before


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_has_no_more_threads_than_it_gains_from(name: str) -> None:
    settings = image(name)
    for cores in (1, 2, 8, 32):
        given = shared_cores(settings, cores)
        most = cores if settings.comes_late else max(1, cores // 2)
        assert int(given["OMP_NUM_THREADS"]) == min(settings.threads, most)
        assert given["OMP_WAIT_POLICY"] == "PASSIVE"
