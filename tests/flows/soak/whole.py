"""A bucket that several machines have written: nothing twice, nothing lost, nothing held."""

import re
from typing import Any

from tasks.asset.manifest import Manifest
from tasks.checks.store import check_store

MANIFEST = re.compile("out/[0-9a-f]{16}/manifest.json")


def whole(bucket: Any, names: list[str]) -> None:
    """The asset of each NAME.wav is there, published once, and in every index; nobody holds anything."""
    manifests = [item for item in bucket.objects.filter(Prefix="out/") if MANIFEST.fullmatch(item.key)]
    found = [Manifest.model_validate_json(item.get()["Body"].read()) for item in manifests]
    assert sorted(each.media.name for each in found) == [f"{name}.wav" for name in sorted(names)]
    assert all(each.complete for each in found)
    for item in manifests:
        versions = [each for each in bucket.object_versions.filter(Prefix=item.key) if each.size is not None]
        assert len(versions) == 1, f"{item.key} was published {len(versions)} times"
    held = {item.key.removeprefix("out/"): item for item in bucket.objects.filter(Prefix="out/")}
    for each in found:
        for name, entry in each.files.items():
            assert held[f"{each.asset}/{name}"].size == entry.size
    assert not [key for key in held if key.endswith(".writing") or ".running/" in key], "no lease is left"
    checked = check_store(f"s3://{bucket.name}/out")
    assert (checked.assets, [one.sentence for one in checked.quality.verdicts if one.broken]) == (
        len(found),
        [],
    )
