"""A connection that is silent while a model works is kept open by the routers between.

A NAT gateway drops what was idle for 350 s ("NAT gateway idle timeout" in the VPC guide); Linux's own
keep-alive begins after two hours. botocore switches it on (`tcp_keepalive`) and has no setting for its pace.
"""

import socket
from typing import Any

IDLE_S, BETWEEN_S, PROBES = 60, 30, 5


def keep_alive(client: Any) -> Any:
    """The same boto3 client, whose connections from now on send something every minute."""
    options = [(socket.IPPROTO_TCP, _idle(), IDLE_S)]
    options += [
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in (("TCP_KEEPINTVL", BETWEEN_S), ("TCP_KEEPCNT", PROBES))
        if hasattr(socket, name)
    ]
    # The list that urllib3's pools are made with; a test looks at the sockets that come of it.
    client._endpoint.http_session._socket_options.extend(options)
    return client


def _idle() -> int:
    """macOS calls it otherwise."""
    return getattr(socket, "TCP_KEEPIDLE", None) or getattr(socket, "TCP_KEEPALIVE", 0x10)
