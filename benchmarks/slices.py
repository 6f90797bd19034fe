"""A Python that has one image's packages and no others: what its /opt/venv holds, linked instead of copied.

In the project's own environment libraries find more than in their image (torchmetrics imports torchvision
where there is one), and would be slower to import.
"""

import os
import sys
import sysconfig
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from deployments.images.sizes import slice_of

PACKAGES = Path(sysconfig.get_path("purelib"))


def make_python(extra: str, folder: Path) -> Path:
    """The interpreter of a new virtual environment in `folder` with that extra's slice of uv.lock."""
    target = folder / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    target.mkdir(parents=True)
    (folder / "pyvenv.cfg").write_text((Path(sys.prefix) / "pyvenv.cfg").read_text())
    (folder / "bin").mkdir()
    python = folder / "bin" / "python"
    python.symlink_to(os.path.realpath(sys.executable))
    for name in {"__pycache__"}.union(*map(_entries, slice_of(extra))):
        (target / name).symlink_to(PACKAGES / name)
    return python


def _entries(package: str) -> set[str]:
    """What a package has put into site-packages; shared folders, such as pyannote's, are one entry."""
    try:
        files = distribution(package).files or []
    except PackageNotFoundError:  # of another machine's slice
        return set()
    names = {file.parts[0] for file in files} - {"..", "__pycache__"}
    return {name for name in names if (PACKAGES / name).exists()}
