"""The settings. Tasks and images read theirs from the environment, into which `apply` puts them all."""

import re
from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from deployments.aws.settings import AwsSettings

PREFIX = "MEDIAFLOW_"


def _own_name(name: str, description: str) -> Any:
    """A variable that has another program's name, which people know."""
    return Field(default=None, validation_alias=AliasChoices(name, name.lower()), description=description)


class Settings(BaseSettings):
    """MEDIAFLOW_<NAME> in the environment, then in .env, then the Prefect variable mediaflow_<name>."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", env_ignore_empty=True, extra="ignore", populate_by_name=True
    )

    runtime: Literal["local", "aws"] = Field(default="local", description="where the images run")
    aws: AwsSettings | None = Field(default=None, description="where they are on AWS, as JSON")
    aws_credentials: str | None = Field(default=None, description="prefect-aws block with keys or a role")
    function_prefix: str = Field(
        default="", pattern=r"^[\w-]*$", description="before an image's name at AWS_ENDPOINT_URL_LAMBDA"
    )
    work: Path | None = Field(default=None, description="folder for stages of s3:// outputs")
    runs_at_once: int | None = Field(
        default=None, gt=0, description="analyses at once on this machine; by its memory when empty"
    )
    results_days: float | None = Field(
        default=None, gt=0, description="a finished stage is done again after so many days; never when empty"
    )
    results_block: str | None = Field(
        default=None,
        pattern=r"^[\w-]+/[\w-]+$",
        description="Prefect block, as s3-bucket/results, that shares finished stages between machines",
    )
    models: str | None = Field(default=None, description="model store, a folder or s3://bucket/prefix")
    model_cache: Path | None = Field(default=None, description="copies of models of an S3 store")
    model_cache_mb: float | None = Field(default=None, gt=0, description="the most that these may take")
    catalogue: Path | None = Field(default=None, description="model catalogue instead of this project's")
    catalogue_add: Path | None = Field(default=None, description="model catalogue that adds to it")
    allow_hosts: str | None = Field(default=None, description="mirrors that models may come from")
    faceapi_backend: Literal["auto", "native", "wasm", "cuda"] = Field(
        default="auto", description="of face-api's networks"
    )
    keep_warm: float | None = Field(
        default=None,
        ge=0,
        description="minutes for which a run's images and server wait for the next run; 0: never shared",
    )
    memory_mb: float | None = Field(
        default=None, gt=0, description="of all images on this machine together; two thirds of it when empty"
    )
    webhook: SecretStr | None = Field(default=None, description="URL told of failed and late runs")
    topic: str | None = Field(
        default=None, pattern=r"^arn:aws[\w-]*:sns:", description="SNS topic told of failed and late runs"
    )
    mlflow: str | None = Field(
        default=None, pattern=r"^https?://[^\s@]+$", description="MLflow server that evaluations are told to"
    )
    hf_token: SecretStr | None = _own_name("HF_TOKEN", "token of gated models")
    hf_token_secret: str | None = _own_name("HF_TOKEN_SECRET", "secret in Secrets Manager that holds it")

    @field_validator("catalogue", "catalogue_add")
    @classmethod
    def _is_there(cls, path: Path | None) -> Path | None:
        if path and not path.is_file():
            raise ValueError(f"there is no file {path}")
        return path

    @field_validator("webhook")
    @classmethod
    def _is_address(cls, url: SecretStr | None) -> SecretStr | None:
        if url and not re.match(r"https?://\S+$", url.get_secret_value()):
            raise ValueError("it has to be an http:// or https:// URL")
        return url

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What the Prefect server has is given to the constructor, and weighs least."""
        return env_settings, dotenv_settings, init_settings


def variable_of(name: str) -> str:
    """The environment variable of a setting."""
    alias = Settings.model_fields[name].validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else PREFIX + name.upper()
