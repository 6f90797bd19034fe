"""What an image's dependencies weigh before any of them is downloaded: the wheels that uv.lock names."""

import tomllib
from functools import cache
from typing import Any
from urllib.parse import unquote

from packaging.markers import Marker
from packaging.tags import Tag, cpython_tags
from packaging.utils import canonicalize_name, parse_wheel_filename

from containers.common.image import CONTAINERS, image

LOCK = CONTAINERS.parent / "uv.lock"
# Bytes. torch for the CPU is not in the lock, which has PyPI's. Not measured here: others' logs of
# pip say 184.0 MB for torch 2.8.0, so the lock's is taken for somewhat more; the small ones are rounded up.
CPU_BUILDS = {"torch": 190_000_000, "torchaudio": 4_000_000, "torchvision": 2_000_000}
CUDA_ONLY = ("nvidia-", "triton")
# As the bases of the Dockerfiles are: Python 3.11 on Debian 12, whose glibc is 2.36.
MARKERS = {
    "python_version": "3.11",
    "python_full_version": "3.11.0",
    "platform_machine": "x86_64",
    "platform_system": "Linux",
    "platform_python_implementation": "CPython",
    "implementation_name": "cpython",
    "sys_platform": "linux",
    "os_name": "posix",
    "extra": "",
}
PLATFORMS = [
    *(f"manylinux_2_{minor}_x86_64" for minor in range(36, 4, -1)),
    "manylinux2014_x86_64",
    "manylinux2010_x86_64",
    "manylinux1_x86_64",
]


def slice_of(extra: str) -> dict[str, str]:
    """{package: version} that an image with that extra installs."""
    found: dict[str, str] = {}
    open_ones = [{"name": "mediaflow"}, {"name": "mediaflow", "extra": [extra]}]
    seen: set[tuple[str, str]] = set()
    while open_ones:
        wanted = open_ones.pop()
        package = _package(wanted)
        for part in ["", *wanted.get("extra", [])]:
            if (package["name"], part) in seen:
                continue
            seen.add((package["name"], part))
            needs = (
                package.get("optional-dependencies", {}).get(part, [])
                if part
                else package.get("dependencies", [])
            )
            open_ones += [need for need in needs if _applies(need)]
        if package["name"] != "mediaflow":
            found[package["name"]] = package["version"]
    return found


def wheels_mb(name: str, cuda: bool = False) -> float:
    """Megabytes of the wheels of an image's slice; what is unpacked is two to four times as large."""
    total = 0
    for package, version in slice_of(image(name).extra).items():
        if not cuda and package in CPU_BUILDS:
            total += CPU_BUILDS[package]
        elif cuda or not package.startswith(CUDA_ONLY):
            total += _wheel_size(package, version)
    return total / 1e6


def _package(wanted: dict[str, Any]) -> dict[str, Any]:
    versions = _lock()[wanted["name"]]
    return next(one for one in versions if wanted.get("version") in (None, one.get("version")))


def _applies(need: dict[str, Any]) -> bool:
    return "marker" not in need or Marker(need["marker"]).evaluate(MARKERS)


def _wheel_size(name: str, version: str) -> int:
    package = _package({"name": name, "version": version})
    ranks = _tags()
    fitting = {}
    for wheel in package.get("wheels", []):
        tags = parse_wheel_filename(unquote(wheel["url"].rpartition("/")[2]))[3]
        if tags & ranks.keys():
            fitting[min(ranks[tag] for tag in tags if tag in ranks)] = wheel["size"]
    if not fitting:
        raise LookupError(f"{canonicalize_name(name)} {version} has no wheel for the images")
    return fitting[min(fitting)]


@cache
def _tags() -> dict[Tag, int]:
    """How well each tag fits, best first."""
    pure = [Tag(interpreter, "none", "any") for interpreter in ("cp311", "py311", "py3", "py2")]
    own = [*cpython_tags((3, 11), platforms=PLATFORMS)]
    any_python = [Tag("py3", "none", platform) for platform in PLATFORMS]
    return {tag: rank for rank, tag in enumerate([*own, *any_python, *pure])}


@cache
def _lock() -> dict[str, list[dict[str, Any]]]:
    packages: dict[str, list[dict[str, Any]]] = {}
    for package in tomllib.loads(LOCK.read_text(encoding="utf-8"))["package"]:
        packages.setdefault(package["name"], []).append(package)
    return packages
