"""The client for a server that has to be there."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client

from containers.common.errors import UserError


@contextmanager
def asking_server() -> Iterator[SyncPrefectClient]:
    """Raises UserError when the server does not answer or refuses."""
    try:
        with get_client(sync_client=True) as client:
            yield client
    except httpx.HTTPStatusError as error:
        raise UserError(f"The Prefect server refuses: {error.response.text[:300]}") from None
    except (httpx.HTTPError, RuntimeError) as error:
        raise UserError(f"The Prefect server does not answer: {str(error).splitlines()[0]}.") from None
