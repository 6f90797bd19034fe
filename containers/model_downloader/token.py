"""The Hugging Face token: from the environment, or from AWS Secrets Manager."""

import os

from containers.common.errors import UserError


def read_token() -> str | None:
    """HF_TOKEN, or the secret that HF_TOKEN_SECRET names (an id or ARN); None when neither is set.

    Raises UserError, which never holds the token.
    """
    token, origin = os.environ.get("HF_TOKEN", "").strip(), "HF_TOKEN"
    secret = os.environ.get("HF_TOKEN_SECRET")
    if not token and secret:
        origin = f"the secret {secret}"
        token = _read_secret(secret).strip()
    if not token.isascii() or not (token.isprintable() and " " not in token):
        raise UserError(f"The token in {origin} is not one; copy it again from the hub's settings page.")
    return token or None


def _read_secret(name: str) -> str:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return boto3.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
    except (BotoCoreError, ClientError, KeyError) as error:
        raise UserError(
            f"HF_TOKEN_SECRET names {name}, which Secrets Manager does not give as text: {error}; "
            "check its name and who may read it."
        ) from error
