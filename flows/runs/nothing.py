"""How a nightly run ends that found nothing to do: well, and saying so."""

from typing import Any

from prefect.client.schemas.objects import State
from prefect.states import Completed

from containers.common.errors import NothingThere


def nothing_to_do(why: NothingThere | str) -> State[Any]:
    """A completed state named NothingToDo: no alarm rings, and the list of runs shows why."""
    return Completed(name="NothingToDo", message=str(why))
