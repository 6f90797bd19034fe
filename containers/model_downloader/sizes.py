"""How large models are that nobody has fetched yet: their publishers are asked, and nothing is moved."""

from containers.common.errors import UserError
from containers.common.models.store import Model
from containers.model_downloader.guard import Guard
from containers.model_downloader.retry import trying_once
from containers.model_downloader.session import open_session
from containers.model_downloader.sources import choose_remotes, find_remotes
from containers.model_downloader.threads import side_by_side

AT_ONCE = 16  # each asks for a few hundred bytes


def ask_sizes(models: list[Model]) -> list[int | str]:
    """Bytes that fetching each would move, or in one sentence why nobody can tell."""
    return side_by_side(_ask, models, AT_ONCE)


def _ask(model: Model) -> int | str:
    guard = Guard()
    try:
        with trying_once(), open_session(guard) as session:
            remotes = find_remotes(session, guard, model, model.files)
    except UserError as error:
        return str(error)
    sizes = [remote.size for remote in choose_remotes(remotes, model.files)]
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else "Its publisher does not say how large it is."
