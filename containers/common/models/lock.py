"""Trust on first use: what a model consisted of when it was first fetched, where its publisher pins nothing.

`<store>/lock.json` holds, per model, the files with size and SHA-256, the origin they were fetched from, and
the commit where the catalogue knew none.
From then on these hashes are enforced as the catalogue's are; an entry with another origin starts anew.
"""

import json
from pathlib import Path
from typing import Any

from containers.common import storage
from containers.common.errors import UserError

LOCK = "lock.json"


def read_lock(store: Path) -> dict[str, Any]:
    """`{model id: {"origin", "commit", "files": [{"name", "sha256", "size"}]}}`. Raises UserError."""
    path = store / LOCK
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {error}; restore it from a backup or remove it.") from error


def record(store: Path, model: str, origin: str, files: list[dict[str, Any]], commit: str = "") -> None:
    """Adds or replaces the model's files; other runs may do so for other models at the same moment.

    `commit` is what a source without a revision of its own stood at: it is asked for from then on.
    """
    from containers.common.locks import held  # filelock: not in the images that only read

    with held(store / ".locks" / f"{LOCK}.lock", f"whoever else writes {store / LOCK}"):
        known = read_lock(store) | {model: {"origin": origin, "commit": commit, "files": files}}
        text = json.dumps(known, indent=2, sort_keys=True, ensure_ascii=False)
        storage.write_bytes(storage.as_uri(store / LOCK), f"{text}\n".encode())
