"""How documents are written down."""

import json
from urllib.parse import unquote


def to_json(document: object) -> bytes:
    """Indented by one, in UTF-8."""
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def in_cache(uri: str | None) -> str | None:
    """<what>/<stage key>/<name>, as stages leave files in the asset's cache: it may move with the output."""
    return uri and unquote("/".join(uri.split("/")[-3:]))
