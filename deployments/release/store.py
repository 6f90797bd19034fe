"""A version of the model store, checked where it lies."""

from containers.common.errors import ModelCorrupt, UserError
from containers.common.models import store_s3
from containers.common.models.store import catalogue


def check_store(store_uri: str) -> None:
    """Reads every file of every model in a store on S3.

    Raises ModelCorrupt for one that does not match its SHA-256 or is not the catalogue's, UserError for an
    empty store, StorageError when S3 does not answer.
    """
    names = store_s3.list_models(store_uri) & catalogue().keys()
    if not names:
        raise UserError(f"{store_uri} holds no model of the catalogue.")
    for name in sorted(names):
        manifest = store_s3.read_manifest(store_uri, name)
        held = {file.name: file.sha256 for file in manifest.files} if manifest else {}
        for file in catalogue()[name].files:
            if file.sha256 and held.get(file.name) != file.sha256:
                raise ModelCorrupt(f"{store_uri} has another {file.name} of {name} than the catalogue.")
        for file, sha256 in held.items():
            if store_s3.hash_object(store_s3.object_uri(store_uri, sha256)) != sha256:
                raise ModelCorrupt(f"{file} of {name} in {store_uri} does not match its SHA-256.")
