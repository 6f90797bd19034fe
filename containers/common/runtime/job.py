"""`python -m containers.common.runtime.job [HANDLER]`: one request from storage, its answer there, the end.

So an image works as an ECS task: MEDIAFLOW_REQUEST_URI holds the request, MEDIAFLOW_ANSWER_URI receives what
Lambda would answer, an error as Lambda words it included. Exit code: 0 answered, 1 the handler failed.
"""

import importlib
import json
import os
import sys
import traceback
import uuid
from types import SimpleNamespace

from containers.common import storage
from containers.common.runtime.redact import redact


def main() -> int:
    request_uri, answer_uri = (os.environ[f"MEDIAFLOW_{name}_URI"] for name in ("REQUEST", "ANSWER"))
    module, _, name = (sys.argv[1] if sys.argv[1:] else os.environ["_HANDLER"]).rpartition(".")
    try:
        handler = getattr(importlib.import_module(module), name)
        context = SimpleNamespace(aws_request_id=str(uuid.uuid4()))
        answer, code = handler(json.loads(storage.read_bytes(request_uri)), context), 0
    except Exception as error:  # noqa: BLE001 - whoever asked is told, as Lambda does it
        sys.stderr.write(redact(traceback.format_exc()))
        answer, code = {"errorType": type(error).__name__, "errorMessage": redact(str(error))}, 1
    storage.write_bytes(answer_uri, json.dumps(answer).encode())
    return code


if __name__ == "__main__":
    sys.exit(main())
