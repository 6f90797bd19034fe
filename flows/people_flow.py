"""Names for faces and voices from the Prefect UI: what `python -m flows.people` does, as a deployment."""

from typing import Annotated, Literal

from prefect import flow, get_run_logger
from prefect.runtime import flow_run
from pydantic import BeforeValidator, Field

from containers.common.errors import UserError
from flows.people import change, rows_of
from flows.runs.artifacts import create_link_artifact, create_table_artifact
from flows.runs.forms import Place, own_name_or, tidy
from flows.service.results import link_to
from tasks.asset.bucket import is_remote, location
from tasks.people.edit import everybody
from tasks.people.explain import explain_person
from tasks.people.page import write_page
from tasks.people.republish import republish_named

Action = Literal["list", "name", "merge", "split", "hide", "show", "explain", "undo", "forget"]
SEVERAL = ("merge", "split")
NOBODY = ("list", "undo")
One = Annotated[str, BeforeValidator(tidy)]


@flow(name="people", flow_run_name=own_name_or(lambda: f"{flow_run.parameters['action']} people"))
def people(
    action: Action = "list",
    output: Place = "out",
    who: Annotated[list[One], Field(max_length=100)] = [],  # noqa: B006 - Prefect shows it as the form's default
    name: str = "",
    merge: bool = False,
) -> str:
    """Lists who is seen and heard below `output`, or changes who they are; documents follow. What is so now.

    Args:
        action: what to do; `merge`, `split`, `hide` and `forget` as `python -m flows.people --help` says.
        output: folder of asset folders.
        who: people's ids or names, or appearances as the list shows them (a1b2c3d4:face3).
        name: what they are called, to `name` and `split`.
        merge: to `name`, where somebody is called so already, that they are one person.

    Everybody is a table of the run then, and a page that it links. Raises UserError with one sentence.
    """
    if is_remote(output):
        raise UserError("People are named in a folder of this machine, not on S3.")
    folder, logger = location(output), get_run_logger()
    assert not isinstance(folder, str)
    wanted = [each for each in who if each]
    if len(wanted) != 1 and action not in (*SEVERAL, *NOBODY):
        raise UserError(f"To {action}, write one person or appearance in `who`: {len(wanted)} are there.")
    if action in SEVERAL and not wanted:
        raise UserError(f"To {action}, write who in `who`.")
    if action == "name" and not name.strip():
        raise UserError("To name somebody, write what they are called in `name`.")
    done = "Nothing was changed"
    if action == "explain":
        done = "\n".join(explain_person(folder, wanted[0]))
    elif action != "list":
        done = change(folder, action, wanted, name.strip(), merge)
        written, lost = republish_named(folder)
        done += f"; {len(written)} {'asset' if len(written) == 1 else 'assets'} written anew"
        if lost:
            logger.warning(f"Analyse again to see the names in: {', '.join(lost)}")
    logger.info(done)
    create_table_artifact(rows_of(everybody(folder)), key="people", description=done)
    page = write_page(folder)
    create_link_artifact(link_to(folder, "people", page.name), link_text="Everybody, with faces", key="faces")
    return done
