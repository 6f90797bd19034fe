"""The server that a run without one starts for itself."""

import subprocess
import sys

import pytest

from containers.common.errors import UserError
from flows.local_server import wait_for_server


def test_a_server_that_ended_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with pytest.raises(UserError, match="does not answer"):
        wait_for_server(ended)
