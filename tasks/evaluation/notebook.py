"""A notebook run by Papermill, and the page made of it."""

import os
import re
import shutil
from pathlib import Path
from typing import Any

from prefect import task
from pydantic import BaseModel

from containers.common import storage
from containers.common.errors import UserError, user_error
from tasks.asset.folder import explain_disk
from tasks.calls.invoke import ImageError

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"
TEMPLATES = Path(__file__).parents[1] / "outputs" / "templates"
REPORT, AS_RUN = "report.html", "notebook.ipynb"
# The kernel's debugger warns of modules that Python froze; nobody debugs here.
QUIET = {"PYDEVD_DISABLE_FILE_VALIDATION": "1", "JUPYTER_PLATFORM_DIRS": "1"}


class RanNotebook(BaseModel):
    """Where the results of a notebook lie."""

    folder: Path

    @property
    def report(self) -> Path:
        return self.folder / REPORT


@task
def run_notebook(name: str, folder: Path, parameters: dict[str, Any], title: str) -> RanNotebook:
    """Runs `notebooks/<name>.ipynb` with `parameters` and `run`, the folder for its results.

    `folder` appears when everything is there. When a cell fails, UserError says which and why, and
    `<folder>.failed` keeps the notebook as far as it came.
    """
    source = NOTEBOOKS / f"{name}.ipynb"
    work = folder.with_name(f".{folder.name}")
    with explain_disk(folder.parent):
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        try:
            _execute(source, work / AS_RUN, parameters | {"run": str(work)})
        except UserError as error:
            failed = folder.with_name(f"{folder.name}.failed")
            shutil.rmtree(failed, ignore_errors=True)
            work.rename(failed)
            raise UserError(f"{error} The notebook as far as it came: {failed / AS_RUN}") from None
        with storage.writing((work / REPORT).as_uri()) as path:
            path.write_text(render(work / AS_RUN, title), encoding="utf-8")
        work.rename(folder)
    return RanNotebook(folder=folder)


def _execute(source: Path, target: Path, parameters: dict[str, Any]) -> None:
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError
    from traitlets.config import Config

    from tasks.evaluation.kernel import Kernel

    environment = dict(os.environ)
    os.environ.update(QUIET)
    try:
        papermill.execute_notebook(
            str(source),
            str(target),
            parameters,
            kernel_name="python3",
            cwd=str(ROOT),
            progress_bar=False,
            kernel_manager_class=Kernel,
            # Between this process and the kernel; without it the kernel warns on standard error.
            config=Config(KernelManager={"transport_encryption": "auto"}),
        )
    except PapermillExecutionError as error:
        reason = _first_sentence(error.ename, str(error.evalue))
        if user_error(error.ename) or error.ename == ImageError.__name__:
            raise UserError(reason) from None
        raise UserError(
            f"Cell {error.cell_index + 1} of {source.name} failed: {error.ename}: {reason.rstrip('.')}."
        ) from None
    except (CellTimeoutError, DeadKernelError) as error:
        raise UserError(f"The kernel of {source.name} ended: {str(error).splitlines()[0]}.") from None
    finally:
        for variable in QUIET.keys() - environment.keys():
            os.environ.pop(variable, None)


def _first_sentence(kind: str, message: str) -> str:
    """The first line; of pydantic's lists of errors the first error, its place before it."""
    lines = [line.strip() for line in message.splitlines()] or [""]
    if kind == "ValidationError" and len(lines) > 2:
        return f"{lines[1]}: {lines[2].partition(' [')[0]}"
    return lines[0]


def render(notebook: Path, title: str) -> str:
    """The notebook as one page that opens from disk: no code, no script, nothing from elsewhere."""
    import nbformat
    from nbconvert import HTMLExporter

    ran = nbformat.read(notebook, as_version=4)
    ran.cells = [cell for cell in ran.cells if "parameters" not in cell.metadata.get("tags", [])]
    _describe_plots(ran.cells)
    ran.metadata["title"] = title
    exporter = HTMLExporter(
        template_name="evaluation",
        extra_template_basedirs=[str(TEMPLATES)],
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    style = (TEMPLATES / "evaluation" / "evaluation.css").read_text(encoding="utf-8")
    page, _ = exporter.from_notebook_node(ran, {"style": style, "metadata": {"name": title}})
    page = page.replace("<pre>", '<pre tabindex="0">')  # what is wider than a phone is scrolled by keys too
    return re.sub(r"\n\s*\n+", "\n", page)


def _describe_plots(cells: list[Any]) -> None:
    """Each plot's alternative text: the heading under which it stands."""
    heading = ""
    for cell in cells:
        if cell.cell_type == "markdown":
            found = re.findall(r"^#+ (.+)$", cell.source, re.MULTILINE)
            heading = found[-1] if found else heading
        elif "alt" not in cell.metadata:
            cell.metadata["alt"] = f"Plot: {heading}"
