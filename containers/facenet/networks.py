"""Networks of transformers that more than one part of this image uses, each loaded once."""

from functools import cache
from pathlib import Path
from typing import Any


@cache
def load_network(folder: Path) -> Any:
    """A model's network, as transformers load it from the folder alone; SigLIP's has both of its towers."""
    from transformers import AutoModel

    return AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True).eval()
