"""Files of an asset's cache named so that the output folder may be moved, copied or mounted elsewhere.

On disk `mediaflow-cache:/crops/…` stands for a file:// URI below OUT/.cache/<asset id>. What an older
version wrote names whole URIs, which hold as long as the folder stays.
"""

from pathlib import Path

HERE = "mediaflow-cache:"


def portable(text: str, cache: Path) -> str:
    """JSON as it is kept: without the place of `cache`."""
    return text.replace(cache.as_uri(), HERE)


def located(text: str, cache: Path) -> str:
    """JSON as it is used, with whole URIs; where they lead is yet to be checked."""
    return text.replace(HERE, cache.as_uri())
