"""Other formats of finished analyses from the Prefect UI: what `python -m flows.export` does."""

from pathlib import Path
from typing import Annotated

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field

from containers.common.errors import UserError
from flows.runs.artifacts import as_markdown, create_markdown_artifact
from flows.runs.forms import Place, own_name_or
from flows.service.results import link_to
from tasks.asset.bucket import is_remote, location, name_of
from tasks.outputs.writing import WritingOptions
from tasks.stages.publish.rewrite import rewrite, write_to


@flow(name="export", flow_run_name=own_name_or(lambda: name_of(flow_run.parameters["assets"][0])))
def export(
    assets: Annotated[list[Place], Field(min_length=1)],
    writing: WritingOptions | None = None,
    to: Place | None = None,
) -> list[str]:
    """Writes what was said in finished analyses in other formats, or laid out in another way; no model runs.

    Args:
        assets: asset folders, or their s3:// URIs.
        writing: formats and layout.
        to: folder that receives only these files, in one of the asset's id; asset folders when empty.

    Returns the files. Raises UserError that names what cannot be written, after the others were.
    """
    chosen = (writing or WritingOptions()).model_dump(exclude_unset=True)
    files: list[str] = []
    failed: list[str] = []
    for asset in assets:
        try:
            if to:
                files += map(str, write_to(location(asset), Path(to), chosen))
            else:
                names = rewrite(location(asset), chosen).files
                files += [f"{asset.rstrip('/')}/{name}" for name in names if name.startswith("transcript.")]
        except UserError as error:
            failed.append(str(error))
    lines = [f"- [{as_markdown(name_of(file))}]({_link(file)}) in `{file}`" for file in files]
    create_markdown_artifact("\n".join(lines) or "Nothing was written.", key="exported", description="Files")
    if failed:
        raise UserError(" ".join(failed))
    return files


def _link(file: str) -> str:
    """Below an asset folder, which is served; elsewhere the file itself."""
    if is_remote(file):
        above, asset, name = file.rsplit("/", 2)
        return link_to(above, asset, name)
    path = Path(file).absolute()
    if (path.parent / "manifest.json").is_file():
        return link_to(path.parent.parent, path.parent.name, path.name)
    return path.as_uri()
