"""`in_slice.py IMAGE [EVENT]`: an image's handler in a Python that has its slice of the lock and no more.

Prints as JSON which packages importing the handler has brought in, and, with an event, what the handler
answers and which of the packages' own tests it has imported; installing leaves those out.
"""

import contextlib
import importlib
import json
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from importlib.metadata import Distribution, packages_distributions
from typing import Any

from packaging.utils import canonicalize_name

from containers.common.image import image
from deployments.images.sizes import slice_of

OWN = {"containers", "deployments", "flows", "tasks"}


class Refuse:
    """In the place of all finders of modules: what the slice does not have is not found."""

    def __init__(self, allowed: set[str]) -> None:
        self._allowed = allowed
        self._finders = list(sys.meta_path)
        self._owners = {
            module: {canonicalize_name(owner) for owner in owners}
            for module, owners in packages_distributions().items()
            if module not in OWN
        }

    def owns(self, module: str) -> bool:
        return module in self._owners

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        owners = self._owners.get(name.partition(".")[0])
        if owners and not owners & self._allowed:
            return None
        found = (finder.find_spec(name, path, target) for finder in self._finders)
        return next((spec for spec in found if spec), None)

    def find_distributions(self, context: Any) -> Iterator[Distribution]:
        found = PathFinder.find_distributions(context)
        return (one for one in found if canonicalize_name(one.name) in self._allowed)


def main() -> None:
    settings = image(sys.argv[1])
    refuse = Refuse(set(slice_of(settings.extra)))
    for module in [name for name in sys.modules if refuse.owns(name.partition(".")[0])]:
        if not module.startswith(
            ("pydantic", "typing_extensions")
        ):  # classes exist once; every image has these
            del sys.modules[module]
    sys.meta_path[:] = [refuse]
    before = set(sys.modules)
    module, _, name = settings.handler.rpartition(".")
    handler = getattr(importlib.import_module(module), name)
    brought = {found.partition(".")[0] for found in set(sys.modules) - before}
    told: dict[str, object] = {"imported": sorted(found for found in brought if refuse.owns(found))}
    if sys.argv[2:]:
        with contextlib.redirect_stdout(sys.stderr):
            told["answer"] = handler(json.loads(sys.argv[2]), None)
        told["tests"] = [found for found in sys.modules if ".tests." in f"{found}."]
    print(json.dumps(told))


if __name__ == "__main__":
    main()
