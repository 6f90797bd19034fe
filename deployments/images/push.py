"""An image that was built into the account's ECR."""

import base64
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from containers.common.errors import UserError
from deployments.images.engine import run


def push(engine: str, client: Any, reference: str) -> str:
    """Pushes `mediaflow-<image>:<version>` to the repository of that name; `client` is boto3's for ECR.

    Returns where it is. Raises UserError when the account has no such repository, BuildFailed when the
    engine is refused (a version's tag is never moved: repositories are immutable).
    """
    repository, _, version = reference.partition(":")
    try:
        found = client.describe_repositories(repositoryNames=[repository])["repositories"][0]
        token = client.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    except (BotoCoreError, ClientError) as error:
        raise UserError(f"{repository} cannot be pushed to ECR: {str(error).rstrip('.')}.") from None
    user, _, password = base64.b64decode(token).decode().partition(":")
    target = f"{found['repositoryUri']}:{version}"
    registry = target.partition("/")[0]
    run(engine, "login", "--username", user, "--password-stdin", registry, stdin=password)
    run(engine, "tag", reference, target)
    run(engine, "push", target)
    return target
