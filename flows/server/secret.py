"""Who may ask a Prefect server that we start: only those who know its secret, through its own address.

Prefect's server obeys whoever reaches it, web pages of any origin among them, unless it is told otherwise
(https://docs.prefect.io/v3/advanced/security-settings). A temporary server's secret lives as long as its run;
that of `make serve` is kept in a file that this user alone can read, where our commands find it by the
server's address.
"""

import os
import secrets
import socket
import tomllib
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from containers.common.errors import UserError
from containers.common.private import read_private, write_private

API_URL, SERVER_SECRET, CLIENT_SECRET = (
    "PREFECT_API_URL",
    "PREFECT_SERVER_API_AUTH_STRING",
    "PREFECT_API_AUTH_STRING",
)
LISTENS = "0A"  # TCP_LISTEN, as /proc/net/tcp writes it


def new_secret() -> str:
    """`user:password`, as Prefect wants it; 256 bits that nobody guesses."""
    return f"mediaflow:{secrets.token_urlsafe(32)}"


def server_settings(url: str, secret: str) -> dict[str, str]:
    """The environment of a server that answers at `url`, an API's address; a user's own settings win."""
    address = urlsplit(url)
    hosts = ("127.0.0.1", "localhost") if is_loopback(address.hostname or "") else (address.hostname,)
    return {
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": ",".join(f"http://{host}:{address.port}" for host in hosts),
        "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
        **{name: value for name, value in os.environ.items() if name.startswith("PREFECT_SERVER_")},
        SERVER_SECRET: secret,
    }


def own_hosts(host: str) -> list[str]:
    """Names by which a server that listens on `host` may be asked.

    A page whose name was made to point here (DNS rebinding) asks by its own name, and is refused.
    """
    names = {host, "127.0.0.1", "localhost", urlsplit(os.environ.get("PREFECT_UI_API_URL", "")).hostname}
    if not is_loopback(host):
        names |= {socket.gethostname(), socket.getfqdn()}
    if host == "0.0.0.0":
        import psutil

        names |= {each.address for some in psutil.net_if_addrs().values() for each in some}
    return sorted(name for name in names if name)


def is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def is_anothers(url: str) -> bool:
    """Whether another user of this machine (root is none) listens there, who would be told our secret.

    Where the system does not say who listens (Linux does, proc_net(5)), nobody else does.
    """
    address = urlsplit(url)
    if not is_loopback(address.hostname or ""):
        return False
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        for line in table.read_text().splitlines()[1:] if table.is_file() else ():
            _, local, _, state, _, _, _, user, *_ = line.split()
            listens = state == LISTENS and int(local.rpartition(":")[2], 16) == address.port
            if listens and int(user) not in (0, os.getuid()):
                return True
    return False


def kept_secret(url: str) -> str:
    """The secret of the server at `url`; a new one where there is none. Raises UserError."""
    path = secret_file(url)
    if known := read_private(path):
        return known
    secret = new_secret()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, f"{secret}\n")
    except OSError as error:
        raise UserError(f"The server's secret cannot be kept in {path}: {error.strerror}.") from error
    return secret


def secret_file(url: str) -> Path:
    address = urlsplit(url)
    return prefect_home() / "mediaflow-secrets" / f"{address.hostname}-{address.port}"


def prefect_home() -> Path:
    return Path(os.environ.get("PREFECT_HOME") or Path.home() / ".prefect")


def configured_url() -> str | None:
    """The server that PREFECT_API_URL names, or the profile in use. Importing Prefect would cost seconds."""
    if url := os.environ.get(API_URL):
        return url
    try:
        profiles = tomllib.loads((prefect_home() / "profiles.toml").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UserError(f"{prefect_home() / 'profiles.toml'} cannot be read: {error}.") from None
    name = os.environ.get("PREFECT_PROFILE") or profiles.get("active")
    return profiles.get("profiles", {}).get(name, {}).get(API_URL)


def know_secret() -> None:
    """Lets this process and its children ask the configured server, where its secret is kept here."""
    if os.environ.get(CLIENT_SECRET):
        return
    with suppress(UserError):  # whoever needs the server is told
        url = configured_url()
        if url and not is_anothers(url) and (secret := read_private(secret_file(url))):
            os.environ[CLIENT_SECRET] = secret
