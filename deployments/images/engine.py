"""The program that builds images on this machine, and what the machine lends to a build."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from containers.common.errors import UserError

# How this machine reaches package registries: given as a secret, since an address may hold a password.
NETWORK = (
    ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    ("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_DEFAULT_TIMEOUT", "PIP_RETRIES"),
    ("UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_HTTP_TIMEOUT", "UV_HTTP_RETRIES"),
    ("NPM_CONFIG_REGISTRY", "npm_config_registry"),
)


class BuildFailed(UserError):
    """The engine's own output says why."""


def find_engine() -> str:
    """`docker` where its daemon answers, else `buildah`. Raises UserError where there is neither."""
    if shutil.which("docker"):
        asked = subprocess.run(["docker", "info"], capture_output=True, check=False)
        if asked.returncode == 0:
            return "docker"
    if shutil.which("buildah"):
        return "buildah"
    raise UserError(
        "Building images needs Docker or buildah: start Docker, or install the Debian package buildah."
    )


@contextmanager
def secrets() -> Iterator[list[str]]:
    """Options that lend a build this machine's way to package registries; no image keeps it."""
    with TemporaryDirectory() as folder:
        network = Path(folder, "network.sh")
        names = [name for group in NETWORK for name in group if os.environ.get(name)]
        network.touch(mode=0o600)
        network.write_text("".join(f"export {name}={shlex.quote(os.environ[name])}\n" for name in names))
        options = [f"--secret=id=network,src={network}"]
        certificates = os.environ.get("SSL_CERT_FILE", "")
        if Path(certificates).is_file():
            options.append(f"--secret=id=ca,src={certificates}")
        yield options


def run(engine: str, *words: str, stdin: str | None = None) -> None:
    """Runs the engine, its output on this terminal. Raises BuildFailed."""
    environment = dict(os.environ)
    if engine == "buildah" and os.geteuid() == 0:
        # Inside a container root may not make namespaces; outside it makes no difference to what is built.
        environment.setdefault("BUILDAH_ISOLATION", "chroot")
    done = subprocess.run([engine, *words], env=environment, input=stdin, text=True, check=False)
    if done.returncode:
        raise BuildFailed(f"{engine} {words[0]} ended with exit code {done.returncode}; its output says why.")
