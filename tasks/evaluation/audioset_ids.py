"""AudioSet's ids of sounds: data sets name labels by /m/09x0r as often as by Speech."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from containers.common.ontology import canonical_names, classes

FILE = Path(__file__).with_suffix(".txt")


@cache
def labels_by_id() -> dict[str, str]:
    """/m/09x0r to Speech, of all 527."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    ids = [one for line in lines if not line.startswith("#") for one in line.split()]
    labels = [name for name, one in classes().items() if one.is_label]
    return {f"/{one}" if "/" in one else f"/m/{one}": name for one, name in zip(ids, labels, strict=True)}


def sound_names(given: Iterable[str]) -> list[str]:
    """Names, families and ids as AudioSet or the list of families writes their names.

    Raises UserError for one that there is not.
    """
    return canonical_names(labels_by_id().get(one.strip(), one) for one in given)
