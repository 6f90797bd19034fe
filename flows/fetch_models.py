"""The model store, filled or completed on a schedule or from the Prefect UI."""

from typing import Annotated

from prefect import flow
from prefect.runtime import flow_run

from containers.common.errors import UserError
from containers.model_downloader.contract import FetchedModel
from containers.model_downloader.fetch import known_profiles
from containers.model_downloader.publish import using_store
from flows.runs.forms import Place, one_of, own_name_or
from flows.settings.load import apply_with_server
from tasks.calls.fetch import fetch

Profile = Annotated[str, one_of(known_profiles())]


@flow(name="models", flow_run_name=own_name_or(lambda: flow_run.parameters.get("profile") or "models"))
def models(
    ids: list[str] | None = None, profile: Profile | None = None, store: Place | None = None
) -> list[FetchedModel]:
    """Fetches what is missing of `ids` and `profile`, or of the starter profile; a second run moves nothing.

    Args:
        ids: models of the catalogue.
        profile: for all of its models; the README says what each holds.
        store: folder or s3://bucket/prefix; the setting MEDIAFLOW_MODELS when empty.

    Raises UserError when a model could not be fetched, after all others were.
    """
    apply_with_server()
    with using_store(store):
        done = fetch(ids or [], profile)
    if failed := [model for model in done if model.status == "failed"]:
        raise UserError(" ".join(f"Model '{model.id}' was not fetched: {model.reason}" for model in failed))
    return done
