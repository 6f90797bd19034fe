"""The runtime "aws": its settings, and its clients by prefect-aws's credentials.

The setting `aws` says where the images are. The block `AwsCredentials` that the setting `aws_credentials`
names holds keys, role, region or endpoint; without it the environment's or the machine's role is used, as by
every AWS tool.
"""

from functools import cache
from typing import Any

from botocore.config import Config
from prefect_aws import AwsCredentials

from containers.common import s3
from containers.common.errors import UserError
from containers.common.image import IMAGES
from deployments.aws.endpoint import AwsEndpoint
from deployments.aws.functions import Functions, read_timeout
from deployments.aws.keepalive import keep_alive
from deployments.aws.settings import AwsSettings
from deployments.aws.tasks import stop_run
from flows.server.patient import patiently
from flows.settings.load import apply_with_server, load


def read_settings() -> AwsSettings:
    """Raises UserError when there are none or one is wrong."""
    found = load().aws or apply_with_server().aws
    if not found:
        raise UserError("Runtime aws needs settings: the Prefect variable mediaflow_aws or MEDIAFLOW_AWS.")
    return found


def client(service: str, **options: Any) -> Any:
    """boto3's client for a service, by the credentials block."""
    credentials = _credentials()
    parameters = credentials.aws_client_parameters.get_params_override()
    config = parameters.pop("config", Config()).merge(Config(**options))
    return credentials.get_boto3_session().client(service, config=config, **parameters)


def endpoint(media_seconds: float, run: str) -> AwsEndpoint:
    """The images for one run; calls of all runs of this process share the limits."""
    settings = read_settings()
    if load().aws_credentials:  # what is sent to the images goes by the same keys as the calls
        s3.use_s3(lambda: client("s3", retries=s3.PATIENT))
    return AwsEndpoint(_functions(settings.model_dump_json()), _ecs(), settings, media_seconds, run)


def stop_tasks(run: str) -> None:
    """Stops the ECS tasks of a run, whatever process started them."""
    stop_run(_ecs(), read_settings(), run)


@cache
def _credentials() -> AwsCredentials:
    name = load().aws_credentials
    return patiently(AwsCredentials.load)(name) if name else AwsCredentials()  # pyright: ignore[reportReturnType]


@cache
def _functions(settings: str) -> Functions:
    made = AwsSettings.model_validate_json(settings)
    connections = sum(made.limit(image) for image in IMAGES)
    options: dict[str, Any] = {
        "retries": {"total_max_attempts": 1},  # ours know which calls are worth it
        "read_timeout": read_timeout(list(IMAGES)),
        "max_pool_connections": connections,
        "tcp_keepalive": True,
    }
    return Functions(keep_alive(client("lambda", **options)), made)


@cache
def _ecs() -> Any:
    return client("ecs", retries={"mode": "standard", "total_max_attempts": 5})
