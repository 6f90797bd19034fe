"""What holds for every image before it is built: its Dockerfile, its slice of the lock, its budget."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from containers.common.image import CONTAINERS, IMAGES, image
from deployments.images import build, sizes

PYTHON_IMAGES = [name for name in IMAGES if image(name).runtime == "python"]
HADOLINT = Path(sys.executable).with_name("hadolint")
FLOWS_ONLY = {"prefect", "prefect-aws", "great-expectations", "jupyterlab", "papermill", "pytest"}


def dockerfile(name: str) -> str:
    """As the image's name makes it."""
    return build.dockerfile(name).read_text(encoding="utf-8").replace("${IMAGE}", name)


@pytest.mark.parametrize("name", IMAGES)
def test_hadolint_has_nothing_to_say(name: str) -> None:
    command = [HADOLINT, "--no-color", build.dockerfile(name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", IMAGES)
def test_the_last_stage_is_the_base_and_starts_as_nobody_in_particular(name: str) -> None:
    last = dockerfile(name).rpartition("\nFROM ")[2]
    assert last.startswith("${BASE_IMAGE}\n")
    assert re.search(r"^USER 10001$", last, re.MULTILINE)
    assert not re.search(r"\b(apt-get|pip install|npm (ci|install)|uv sync)\b", last)
    assert "--mount=type=secret" not in last
    code = last.index(f"COPY containers/{name}")
    assert last.index("COPY --from=dependencies") < last.index("COPY --from=models") < code


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_starts_as_its_settings_say(name: str) -> None:
    """A Python image reads them when it starts (containers/common/runtime/entry.py)."""
    text, settings = dockerfile(name), image(name)
    if settings.runtime == "python":
        assert f"MEDIAFLOW_IMAGE={name}\n" in text
        assert 'ENTRYPOINT ["python", "-m", "containers.common.runtime.entry"]' in text
        return
    for variable, value in settings.environment.items():
        assert f'{variable}="{value}"' in text
    assert f'CMD ["{settings.handler}"]' in text


@pytest.mark.parametrize("name", PYTHON_IMAGES)
def test_the_wheels_keep_the_image_s_budget(name: str) -> None:
    """CUDA's libraries, 3.7 GB, are not among them."""
    assert 0.8 * image(name).wheels_mb < sizes.wheels_mb(name) <= image(name).wheels_mb


@pytest.mark.parametrize("name", PYTHON_IMAGES)
def test_an_image_installs_nothing_of_the_flows(name: str) -> None:
    assert not sizes.slice_of(image(name).extra).keys() & FLOWS_ONLY


@pytest.mark.parametrize("name", ["faiss", "deepfilternet", "model_downloader"])
def test_images_that_need_no_torch_have_none(name: str) -> None:
    assert "torch" not in sizes.slice_of(image(name).extra)


@pytest.mark.parametrize("name", ["whisperx", "model_downloader"])
def test_a_slice_is_the_one_that_uv_installs(name: str) -> None:
    words = ["--frozen", "--no-dev", "--no-emit-project", "--no-hashes", "--no-annotate", "--no-header"]
    command = [uv(), "export", *words, "--extra", image(name).extra]
    listed = subprocess.run(
        command, cwd=CONTAINERS.parent, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    wanted = [Requirement(line) for line in listed]
    linux = [one for one in wanted if one.marker is None or one.marker.evaluate(sizes.MARKERS)]
    assert {one.name: str(one.specifier)[2:] for one in linux} == sizes.slice_of(image(name).extra)


def uv() -> str:
    own = CONTAINERS.parent / ".tools" / "bin" / "uv"
    return str(own) if own.is_file() else "uv"
