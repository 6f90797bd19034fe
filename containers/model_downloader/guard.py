"""Which hosts and addresses the downloader speaks to.

https to hosts of an allow-list, at public addresses. The list is `hosts` of the catalogue; people with
mirrors of their own name them in MEDIAFLOW_ALLOW_HOSTS ("models.example.org, 10.0.0.7:8080"), and those may
use http and private addresses. So may a mirror that HF_ENDPOINT or pip's and npm's settings name.
"""

import os
import re
import socket
from fnmatch import fnmatch
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from containers.common.errors import UserError
from containers.common.models.store import allowed_hosts

SETTING = "MEDIAFLOW_ALLOW_HOSTS"
# RFC 5737: nobody has hosts there to protect; builds behind a proxy resolve every name to such an address.
DOCUMENTATION = [IPv4Network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]
NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last four bytes are an IPv4 address


class Guard:
    """The rules of one fetch; `trust` adds a host that the user's settings name."""

    def __init__(self) -> None:
        self._trusted = {name.lower() for name in re.split(r"[,\s]+", os.environ.get(SETTING, "")) if name}
        self._allowed = [pattern.lower() for pattern in allowed_hosts()]

    def trust(self, url: str) -> None:
        parts = urlsplit(url)
        self._trusted.add(f"{parts.hostname}:{_port(url)}")

    def check(self, url: str) -> None:
        """Raises UserError when `url` is not https, of no allowed host, or a literal private address."""
        try:
            scheme, host, port = urlsplit(url).scheme, urlsplit(url).hostname or "", _port(url)
        except ValueError:
            raise UserError("An address in it is no valid URL; correct its catalogue entry.") from None
        if scheme in ("http", "https") and self._is_trusted(host, port):
            return
        if scheme != "https":
            raise UserError(
                f"It leads to {scheme}://{host}, which is not https; use the https address, "
                f"or name the host in {SETTING} if it is your own mirror."
            )
        literal = _literal(host)
        if literal and not is_public(literal):
            raise UserError(self._private(host, host))
        if not any(fnmatch(host, pattern) for pattern in self._allowed):
            raise UserError(
                f"It leads to {host}, which is not an allowed host; if you trust it, "
                f"add it to `hosts` of the catalogue or to {SETTING}."
            )

    def resolve(self, host: str, port: int) -> list[str]:
        """The addresses of `host`, all checked: the connection is made to these and never to a second answer.

        Raises UserError for a private or link-local one, socket.gaierror when there is none.
        """
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not self._is_trusted(host, port):
            for address in addresses:
                if not is_public(ip_address(address.partition("%")[0])):
                    raise UserError(self._private(host, address))
        return addresses

    def _is_trusted(self, host: str, port: int) -> bool:
        return bool({host, f"{host}:{port}"} & self._trusted)

    @staticmethod
    def _private(host: str, address: str) -> str:
        return (
            f"It leads to {host}, at the private address {address}; "
            f"name the host in {SETTING} if it is your own mirror."
        )


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether it is one of the public internet, an IPv4 address inside an IPv6 one included."""
    if isinstance(address, IPv6Address):
        inside = address.ipv4_mapped or address.sixtofour or (address.teredo and address.teredo[1])
        if address in NAT64:
            inside = IPv4Address(int(address) & 0xFFFFFFFF)
        if inside:
            return is_public(inside)
    if any(address in network for network in DOCUMENTATION):
        return True
    return address.is_global and not address.is_multicast


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)
