"""Trust on first use: what a model consisted of when it was first fetched, where its publisher pins nothing.

`<store>/lock.json` holds, per model, the files with size and SHA-256 and the origin they were fetched from.
From then on these hashes are enforced as the catalogue's are; an entry with another origin starts anew.
"""

import json
from pathlib import Path
from typing import Any

from containers.common import storage
from containers.common.errors import UserError

LOCK = "lock.json"


def read_lock(store: Path) -> dict[str, Any]:
    """`{model id: {"origin": ..., "files": [{"name", "sha256", "size"}]}}`. Raises UserError."""
    path = store / LOCK
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {error}; restore it from a backup or remove it.") from error


def record(store: Path, model: str, origin: str, files: list[dict[str, Any]]) -> None:
    """Adds or replaces the model's files; other runs may do so for other models at the same moment."""
    from containers.common.locks import held  # filelock: not in the images that only read

    with held(store / ".locks" / f"{LOCK}.lock", f"whoever else writes {store / LOCK}"):
        known = read_lock(store) | {model: {"origin": origin, "files": files}}
        text = json.dumps(known, indent=2, sort_keys=True, ensure_ascii=False)
        storage.write_bytes(storage.as_uri(store / LOCK), f"{text}\n".encode())
