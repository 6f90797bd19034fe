"""Models into the store."""

from prefect import task

from containers.model_downloader.contract import FetchedModel
from containers.model_downloader.fetch import choose
from containers.model_downloader.publish import fill
from tasks.calls.progress import reporter


@task
def fetch(ids: list[str], profile: str | None) -> list[FetchedModel]:
    """Fetches what is missing of the named models and the profile; one model's failure is its own."""
    report = reporter()  # the downloads' own threads call it
    return fill(choose(ids, profile), lambda model, done, total: report(model, done / max(total, 1)))
