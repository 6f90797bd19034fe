"""AWS Lambda on this machine: the Invoke API for boto3, the Runtime API for warm worker processes.

    with LocalEndpoint() as endpoint:
        lambda_client = boto3.client("lambda", endpoint_url=endpoint.url, ...)
        lambda_client.invoke(FunctionName=name_of_the_image, Payload=b"{...}")

`python -m deployments.local` runs one by itself and prints the variable that points boto3 at it.

`join()` is one that all runs of a user share, so that workers stay warm from one to the next.

A call travels: invoke_api (HTTP, AWS's limits) → pool (queue, one slot per worker) → worker (a process
that asks runtime_api for work) and back. What an image may use is in its image.toml.
"""

from deployments.local.endpoint import LocalEndpoint
from deployments.local.neighbours import Neighbours
from deployments.local.shared import Joined, end_idle, join

__all__ = ["Joined", "LocalEndpoint", "Neighbours", "end_idle", "join"]
