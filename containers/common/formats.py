"""What another version of this project wrote: refused with a sentence before anything is made of it."""

import json

from containers.common.errors import StorageError


def refuse_newer(content: bytes, place: str, field: str, known: int) -> None:
    """`field` of a JSON document says its format. Raises StorageError where it is above `known`.

    Older formats are read as they are: fields that they lack have defaults.
    """
    try:
        document = json.loads(content)
    except ValueError:
        return  # damaged, which is another matter
    written = document.get(field) if isinstance(document, dict) else None
    if isinstance(written, int) and written > known:
        raise StorageError(
            f"{place} was written by a newer version of this project (format {written}, this one reads "
            f"{known}): use that version, or another folder."
        )
