"""Real media that every test may use."""

import csv
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

import numpy as np
import pytest
from filelock import FileLock

from containers.audioset import panns
from containers.common.ontology import classes
from tasks.media.demo import build_demo_video, sample_speech
from tasks.stages.code import code_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Tests run side by side, on short media: none waits until another's run has ended.
os.environ.setdefault("MEDIAFLOW_RUNS_AT_ONCE", "8")

pytest_plugins = ["tests.side_by_side", "tests.chosen"]
Make = Callable[[Path], object]
ROOT = Path(__file__).parents[1]
# All runs of these tests share warm images, but for tests of images that belong to one run.
os.environ.setdefault("MEDIAFLOW_KEEP_WARM", "1")


@pytest.fixture(scope="module")
def own_images() -> Iterator[None]:
    """Images that no other test shares: for those who listen to what is said, and must wait for nobody."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDIAFLOW_KEEP_WARM", "0")
        yield


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Callable[[str, Make], Path]:
    """`made_once(name, make)`: a folder that `make(folder)` filled, for all processes of this test run."""
    mine = tmp_path_factory.getbasetemp()
    shared = mine if worker_id == "master" else mine.parent

    def folder(name: str, make: Make) -> Path:
        with FileLock(shared / f"{name}.lock"):
            if not (shared / name).exists():
                making = Path(mkdtemp(dir=shared))
                make(making)
                making.rename(shared / name)
        return shared / name

    return folder


@pytest.fixture(scope="session")
def demo_video(pytestconfig: pytest.Config) -> Path:
    """The sample video, built once: 30 s, six pictures of 3 to 5 faces, two people talking.

    Fast tests and slow ones, and the next run of them, share one, while its code is the same.
    """
    kept = Path(pytestconfig.cache.mkdir("demo"))
    made = kept / code_of([ROOT / "tasks" / "media" / "demo.py"])[:16] / "demo.mp4"
    with FileLock(kept / "lock"):
        if not made.exists():
            for other in kept.iterdir():
                if other.is_dir():
                    shutil.rmtree(other)
            build_demo_video(made)
    return made


@pytest.fixture(scope="session")
def speech_wav() -> Path:
    """30 s of a telephone call, 16 kHz mono."""
    return sample_speech()


@pytest.fixture(scope="session")
def demo(
    demo_video: Path, made_once: Callable[[str, Make], Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """The sample video analysed once, as a person does it: a copy of the output, and what was printed."""
    made = made_once("analysed", partial(_analyse, demo_video))
    output = shutil.copytree(made / "out", tmp_path_factory.mktemp("demo") / "out")
    printed = (made / "printed").read_text(encoding="utf-8")
    return output, re.sub(r"/\S+/out(?=/)", str(output), printed)


def _analyse(media: Path, folder: Path) -> None:
    command = [sys.executable, "-m", "flows.analyze", str(media), "--output", str(folder / "out")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=560, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == "", "a good run says nothing on standard error"
    (folder / "printed").write_text(done.stdout, encoding="utf-8")


def chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """The Chromium that is installed, headless."""
    from playwright.sync_api import sync_playwright

    executable = chromium()
    if executable is None:
        pytest.skip("needs Chromium: install Debian's package chromium")
    with sync_playwright() as browsers:
        started = browsers.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def make_panns(made_once: Callable[[str, Make], Path]) -> Callable[[Path, str], dict[str, Path]]:
    """`make_panns(folder, "Cnn14")`: a network as it is published, and a label file, by file name.

    The checkpoint is what the authors' `pytorch/main.py` saves: the iteration, the weights and the state of
    the sampler that balances classes, whose arrays are NumPy's of 2019, in torch's file format of then. Of
    the true architecture, with random weights; 330 MB, made once for all tests.
    """

    def make(folder: Path, network: str) -> dict[str, Path]:
        made = made_once(f"panns-{network}", partial(_make_panns, network))
        return {path.name: Path(shutil.copy(path, folder)) for path in made.iterdir()}

    return make


def _make_panns(network: str, folder: Path) -> None:
    import torch

    labels = folder / panns.LABELS
    with labels.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["index", "mid", "display_name"])
        names = [name for name, known in classes().items() if known.is_label]
        rows.writerows([number, f"/m/{number:04}", name] for number, name in enumerate(names))
    with panns._home_with(labels):
        from panns_inference import models
    torch.manual_seed(0)
    made = getattr(models, network)(panns.SAMPLE_RATE, 1024, panns.FRAME, 64, 50, 14000, 527)
    checkpoint = folder / (panns.CHECKPOINT if network == "Cnn14" else panns.EVENTS_CHECKPOINT)
    sampler = {
        "indexes_per_class": [np.arange(number + 1) for number in range(527)],
        "queue": [3, 1, 2],
        "pointers_of_classes": [0] * 527,
        "random_state": np.random.RandomState(1234).get_state(),
        "last": np.int64(7),
    }
    published = {"iteration": 600_000, "model": made.state_dict(), "sampler": sampler}
    content = io.BytesIO()
    torch.save(published, content, _use_new_zipfile_serialization=False)
    # NumPy 2 calls its core otherwise; the pickle's names end with a line break, so no length changes.
    checkpoint.write_bytes(content.getvalue().replace(b"cnumpy._core.", b"cnumpy.core."))
