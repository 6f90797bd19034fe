"""Models into the store."""

from prefect import task

from containers.model_downloader.contract import FetchedModel
from containers.model_downloader.fetch import choose, fetch_models
from tasks.progress import advance


@task
def fetch(ids: list[str], profile: str | None) -> list[FetchedModel]:
    """Fetches what is missing of the named models and the profile; one model's failure is its own."""
    return fetch_models(choose(ids, profile), lambda model, done, total: advance(model, done / total))
