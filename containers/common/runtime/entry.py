"""`python -m containers.common.runtime.entry`: how a Python image starts, on Lambda or as ECS task.

With MEDIAFLOW_REQUEST_URI it serves that one request and ends (job.py); otherwise it asks the Lambda Runtime
API for invocations, through AWS's own client. Which image it is, MEDIAFLOW_IMAGE says; its handler and the
variables that its libraries read are in its settings.
"""

import os
import sys

from containers.common.image import image


def main() -> None:
    settings = image(os.environ["MEDIAFLOW_IMAGE"])
    for name, value in settings.environment.items():
        os.environ.setdefault(name, value)
    sys.argv[1:] = [settings.handler]
    if os.environ.get("MEDIAFLOW_REQUEST_URI"):
        from containers.common.runtime.job import main as serve_one

        sys.exit(serve_one())
    if not os.environ.get("AWS_LAMBDA_RUNTIME_API"):
        sys.exit(
            "Neither AWS_LAMBDA_RUNTIME_API nor MEDIAFLOW_REQUEST_URI is set: there is nothing to answer."
        )
    from awslambdaric.__main__ import main as serve

    serve(["awslambdaric", settings.handler])


if __name__ == "__main__":
    main()
