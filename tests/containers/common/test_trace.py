"""With MEDIAFLOW_TRACING an image sends X-Ray one subsegment a call; without it nothing."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CODE = """
from containers.common.runtime.trace import traced
with traced("sample") as annotations:
    annotations |= {"cold_start": True, "asset_id": "a1b2c3"}
"""
# As Lambda sets them for a function whose tracing is active.
LAMBDA = {
    "LAMBDA_TASK_ROOT": "/var/task",
    "_X_AMZN_TRACE_ID": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=557abcec3ee5a047;Sampled=1",
}


@pytest.mark.parametrize("wanted", [True, False])
def test_a_call_is_one_subsegment_where_tracing_is_wanted(wanted: bool) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:  # stands in for X-Ray's, which takes UDP
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(10 if wanted else 0.5)
        address = f"127.0.0.1:{daemon.getsockname()[1]}"
        environment = os.environ | LAMBDA | {"AWS_XRAY_DAEMON_ADDRESS": address}
        environment |= {"MEDIAFLOW_TRACING": "1"} if wanted else {}
        subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, env=environment, check=True)
        if not wanted:
            with pytest.raises(TimeoutError):
                daemon.recv(65536)
            return
        header, _, body = daemon.recv(65536).partition(b"\n")
    assert json.loads(header)["format"] == "json"
    sent = json.loads(body)
    assert (sent["name"], sent["parent_id"]) == ("sample", "557abcec3ee5a047")
    assert sent["annotations"] == {"cold_start": True, "asset_id": "a1b2c3"}
