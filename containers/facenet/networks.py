"""Networks of transformers that more than one part of this image uses, each loaded once."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from containers.common.errors import UserError

# Names in a config.json by which transformers take code or kernels from elsewhere; before 5.5 some of them
# without asking anybody (CVE-2026-5241, CVE-2026-4372).
FROM_ELSEWHERE = {"trust_remote_code", "auto_map", "attn_implementation", "_attn_implementation"}
FROM_ELSEWHERE |= {"_attn_implementation_internal"}


@cache
def load_network(folder: Path) -> Any:
    """A model's network, as transformers load it from the folder alone; SigLIP's has both of its towers.

    Raises UserError where its configuration names code of elsewhere.
    """
    check_config(folder)
    from transformers import AutoModel

    return AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True).eval()


def check_config(folder: Path) -> None:
    """Whatever somebody's model says, it is data. Raises UserError with one sentence."""
    try:
        named = _names(json.loads((folder / "config.json").read_bytes())) & FROM_ELSEWHERE
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"The config.json of {folder.name} cannot be read: {error}.") from None
    if named:
        raise UserError(
            f"{folder.name} is not loaded: its config.json names code of elsewhere ({min(named)})."
        )


def _names(value: Any) -> set[str]:
    """Of all fields, however deep."""
    if isinstance(value, dict):
        return set(value).union(*map(_names, value.values()))
    return set().union(*map(_names, value)) if isinstance(value, list) else set()
