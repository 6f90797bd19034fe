"""When a version is made by adding to the current one, and when it is built anew."""

from containers.faiss import index as faiss_index
from containers.faiss.choose import Choice, choose, factory_string
from containers.faiss.contract import Building
from containers.faiss.opened import Opened
from containers.faiss.staging import Staged, blocks

GROWTH = 1.5  # times the vectors that lists and codes were made for
DEAD = 0.2  # share of stored vectors whose assets are gone
DRIFT = 1.25  # times the distance to the list centres at training
DRIFT_VECTORS = 256  # fewer tell nothing about drift
SEGMENTS = 64  # files of exact vectors that a version may be spread over


def chosen_type(request: Building, opened: Opened | None, count: int, dimension: int, memory: int) -> Choice:
    """The factory string for `count` vectors; a request without a type keeps what was asked for before."""
    asked = request.type or (opened.version.asked if opened else "auto")
    if asked == "auto":
        return choose(count, dimension, memory, request.recall)
    return Choice(type=factory_string(asked, count), reason=f"The type '{asked}' was asked for.")


def reason_to_rebuild(
    request: Building, opened: Opened, staged: Staged, kept: int, memory: int
) -> str | None:
    """Why adding will not do, in a few words; None when it will. `kept` rows of the version stay."""
    version = opened.version
    count, dimension = kept + staged.count, version.dimension
    if request.type and request.type != version.asked:
        return f"type '{request.type}' is asked for instead of '{version.asked}'"
    if not count or not version.count:
        return "there were no vectors" if count else "no vectors are left"
    if kept < version.count and faiss_index.inverted_file(opened.index) is None:
        return f"nothing can be taken out of {version.type}"
    stored = int(opened.starts[-1]) + staged.count
    if stored - count > DEAD * stored:
        return f"{stored - count} of {stored} stored vectors are of assets that are gone"
    if version.type != "Flat" and not count / GROWTH <= version.trained <= count * GROWTH:
        return f"it was trained for {version.trained} vectors and has {count}"
    chosen = chosen_type(request, opened, count, dimension, memory).type
    if version.asked == "auto" and _family(chosen) != _family(version.type):
        return f"auto now chooses {chosen} instead of {version.type}"
    if len(opened.segments) >= SEGMENTS:
        return f"its vectors lie in {len(opened.segments)} files"
    if version.fit and staged.count >= DRIFT_VECTORS:
        fit = faiss_index.fit_to_lists(opened.index, blocks(staged.mapped()))
        if fit is not None and fit > DRIFT * version.fit:
            return f"new vectors are {fit / version.fit:.2f} times as far from the list centres: they drift"
    return None


def _family(kind: str) -> str:
    """A factory string without its numbers of lists."""
    return "IVF," + kind.split(",", 1)[1] if kind.startswith("IVF") else kind
