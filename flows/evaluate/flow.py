"""Evaluation notebooks, run by Papermill: on a schedule, or from the Prefect UI."""

from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger
from prefect.runtime import flow_run
from pydantic import BaseModel, Field

from containers.common.errors import UserError
from flows.analyze.stages import sentence
from flows.runs.artifacts import create_markdown_artifact, create_table_artifact
from flows.runs.forms import PlaceHere, own_name_or
from flows.service.results import link_to_file
from flows.settings.load import apply_with_server
from tasks.asset.bucket import name_of
from tasks.evaluation.asked import check_asked
from tasks.evaluation.compare import compared_titles, comparison_folder
from tasks.evaluation.dataset import Dataset, read_dataset
from tasks.evaluation.hypotheses import check_kept
from tasks.evaluation.mlflow import log_run
from tasks.evaluation.notebook import RanNotebook, run_notebook
from tasks.evaluation.run import ALL, FinishedRun, Kind, evaluations, new_run_id
from tasks.evaluation.starter import make_starter

TRUTH = {
    "transcription": "text",
    "diarization": "turns",
    "attribution": "speakers",
    "denoising": "clean",
    "tagging": "sounds",
    "faces": "faces",
    "video": "on_screen",
}
KEPT = tuple(TRUTH)  # of these kinds a run keeps what was found
# Told what goes on, a line at a time; the flow's log has it anyway.
teller: ContextVar[Callable[[str], object]] = ContextVar("teller", default=lambda line: None)
KINDS: tuple[Kind, ...] = (*TRUTH, "search", "speed")  # type: ignore[assignment]


class EvaluateOptions(BaseModel):
    """What is evaluated and how. Prefect shows this as a form."""

    kinds: list[Kind] = Field(
        default=[], description="which evaluations; all that the data set has truth for when empty"
    )
    model: str = Field(
        default="auto", description="the model to evaluate: an id of the catalogue, a detector, an index type"
    )
    options: dict[str, Any] = Field(
        default={}, description="options of the analysis, by the names that `flows.analyze --help` lists"
    )


def _named_by_data() -> str:
    data = flow_run.parameters.get("data")
    return name_of(data) if data else "the starter set"


@flow(name="evaluate", flow_run_name=own_name_or(_named_by_data))
def evaluate(
    data: PlaceHere | None = None, output: PlaceHere = Path("out"), options: EvaluateOptions | None = None
) -> list[Path]:
    """Evaluates models on a data set, each kind in a notebook of its own; reports below `output`/evaluations.

    Args:
        data: folder with a dataset.toml; without one the starter set is made in `output`/datasets/starter.
        output: folder that receives `evaluations/<kind>/<run id>/report.html` and its tables.
        options: which evaluations, which model, which options.

    Returns the folders of the runs. Raises UserError that names what failed, after all others were done.
    """
    options = options or EvaluateOptions()
    place = data or make_starter(output)
    dataset = read_dataset(place)
    ran, failed = [], {}
    tell = teller.get()
    kinds = chosen_kinds(dataset, options.kinds, place)
    for number, kind in enumerate(kinds, 1):
        tell(f"{kind} ({number} of {len(kinds)}): {_count(dataset, kind)}")
        try:
            check_asked(kind, options.model, options.options)
        except UserError as error:
            failed[kind] = str(error)
            tell(f"{kind} failed.")
            continue
        folder = evaluations(output) / kind / new_run_id(options.model)
        parameters = {"data": str(place.absolute()), "model": options.model, "options": options.options}
        named = run_notebook.with_options(task_run_name=kind)
        title = f"{kind.capitalize()}: {dataset.name}"
        state = named(f"evaluate/{kind}", folder, parameters, title, return_state=True)
        outcome = state.result(raise_on_failure=False)
        if isinstance(outcome, RanNotebook):
            ran.append(outcome.folder)
            _tell(kind, outcome)
            tell(told(outcome.folder))
        else:
            failed[kind] = sentence(outcome)
            tell(f"{kind} failed.")
    if failed:
        raise UserError(" ".join(f"{kind}: {reason}" for kind, reason in failed.items()))
    return ran


@flow(name="score", flow_run_name="{run}")
def score(run: Path, data: Path | None = None, output: Path = Path("out")) -> Path:
    """Scores again what an evaluation found, with the data set's truth as it is now; no model runs.

    Args:
        run: folder of a finished evaluation.
        data: folder with a dataset.toml; the one that was evaluated when not given.
        output: folder that receives `evaluations/<kind>/<run id>/report.html`.

    Returns the folder of the new run. Raises UserError when the run kept nothing, or nothing of an item.
    """
    earlier, dataset, place = scorable(run, data)
    record = earlier.record
    folder = evaluations(output) / record.kind / new_run_id(f"{record.model}-again")
    parameters = {
        "data": str(place),
        "model": record.model,
        "options": record.options,
        "found": str(earlier.folder),
    }
    title = f"{record.kind.capitalize()}: {dataset.name}"
    ran = run_notebook.with_options(task_run_name="score")(
        f"evaluate/{record.kind}", folder, parameters, title
    )
    _tell(record.kind, ran)
    return ran.folder


def scorable(run: Path, data: Path | None) -> tuple[FinishedRun, Dataset, Path]:
    """The run, its data set and where that is. Raises UserError where it cannot be scored again."""
    earlier = FinishedRun.open(run)
    if earlier.record.kind not in KEPT:
        raise UserError(
            f"{earlier.record.kind} measures the machine as well: there is nothing to score again."
        )
    check_kept(earlier)
    if data is None and not earlier.record.data:
        raise UserError(f"{earlier.folder} does not say where its data set is: name it by --data.")
    place = (data or Path(earlier.record.data)).absolute()
    dataset = read_dataset(place)
    chosen_kinds(dataset, [earlier.record.kind], place)
    return earlier, dataset, place


@flow(name="compare", flow_run_name="{a} and {b}")
def compare(a: Path, b: Path, output: Path = Path("out"), more: list[Path] | None = None) -> Path:
    """Says which of two runs or more is better, figure by figure, and whether that is more than chance.

    Args:
        a: folder of a finished evaluation.
        b: folder of another one of the same kind.
        output: folder that receives `evaluations/comparisons/.../report.html`.
        more: folders of more of them; each is held against the first.

    Raises UserError when one is not there, or they have nothing in common.
    """
    runs = [a, b, *(more or [])]
    title = compared_titles(*(FinishedRun.open(run) for run in runs))
    folder = comparison_folder(output, *runs)
    names = [str(run.absolute()) for run in runs]
    parameters = {"run_a": names[0], "run_b": names[1], "more": names[2:]}
    ran = run_notebook.with_options(task_run_name="compare")("compare", folder, parameters, title)
    get_run_logger().info("%s", ran.report)
    create_markdown_artifact(f"[Comparison]({link_to_file(ran.report)}), in `{ran.report}`", key="comparison")
    return ran.folder


def chosen_kinds(dataset: Dataset, asked: list[Kind], place: Path) -> list[Kind]:
    """The evaluations that the data set has truth for. Raises UserError when one asked for is none."""
    possible: list[Kind] = [kind for kind in KINDS if has_truth(dataset, kind)]
    for kind in asked:
        if kind not in possible:
            raise UserError(f"The data set in {place} has nothing for {kind}: {WANTED[kind]}.")
    return [kind for kind in possible if not asked or kind in asked]


WANTED = {
    "transcription": "no item has text or transcript",
    "diarization": "no item has turns",
    "denoising": "no item has clean",
    "tagging": "no item has sounds",
    "attribution": "no item has a transcript that names two speakers",
    "faces": "no item has faces",
    "video": "no item has on_screen",
    "search": "it names no vectors",
    "speed": "no item has sound or faces",
}


def has_truth(dataset: Dataset, kind: Kind) -> bool:
    if kind == "search":
        return bool(dataset.vectors)
    return any(dataset.having(TRUTH[kind]) for kind in ([kind] if kind in TRUTH else TRUTH))  # type: ignore[arg-type]


def _count(dataset: Dataset, kind: Kind) -> str:
    if kind == "search":
        return f"{len(dataset.vectors)} sets of vectors"
    if kind == "speed":
        return "each image on what it reads"
    number = len(dataset.having(TRUTH[kind]))  # type: ignore[arg-type]
    return f"{number} {'item' if number == 1 else 'items'}"


def told(folder: Path) -> str:
    """A run's figures and where its report is, for people."""
    return f"{folder.parent.name} {summary(folder)}\n  {folder / 'report.html'}"


def summary(folder: Path) -> str:
    """The run's figures over all items, in a line."""
    figures: Any = FinishedRun.open(folder).figures
    rows = [row for row in figures.to_dict("records") if row["group"] == ALL]
    return ", ".join(
        f"{row['title']} {row['value']:.{row['digits']}f}{' ' + row['unit'] if row['unit'] else ''}"
        for row in rows
    )


def _tell(kind: str, ran: RanNotebook) -> None:
    get_run_logger().info("%s: %s", kind, summary(ran.folder))
    figures: Any = FinishedRun.open(ran.folder).figures
    columns = ["title", "group", "value", "low", "high", "items", "unit", "better"]
    rows = figures[columns].round(4).astype(object).where(figures[columns].notna(), None)
    if server := apply_with_server().mlflow:
        try:
            get_run_logger().info("MLflow run %s", log_run(FinishedRun.open(ran.folder), server))
        except UserError as error:
            get_run_logger().warning("%s", error)
            teller.get()(f"  not told to MLflow: {error}")
    create_table_artifact(rows.to_dict("records"), key=f"evaluation-{kind}", description=str(ran.folder))
    create_markdown_artifact(f"[Report]({link_to_file(ran.report)}), in `{ran.report}`", key=f"report-{kind}")
