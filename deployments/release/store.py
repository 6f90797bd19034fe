"""A version of the model store, checked where it lies."""

import hashlib

from containers.common import storage
from containers.common.errors import ModelCorrupt, UserError
from containers.common.models import catalogue


def check_store(store_uri: str) -> None:
    """Reads every file of every model in a store.

    Raises ModelCorrupt for a file that does not match the catalogue's SHA-256, UserError for an empty store.
    """
    names = [name for name in storage.list_folders(store_uri) if name in catalogue()]
    if not names:
        raise UserError(f"{store_uri} holds no model of the catalogue.")
    for name in names:
        for file in catalogue()[name].files:
            content = storage.read_bytes(storage.join(store_uri, name, file.name))
            if hashlib.sha256(content).hexdigest() != file.sha256:
                raise ModelCorrupt(f"{store_uri}/{name}/{file.name} does not match its SHA-256.")
