"""The search as a deployment: a form in the Prefect UI, the matches as a table and a page."""

from pathlib import Path

from prefect import flow
from prefect.runtime import flow_run

from flows.runs.artifacts import create_table_artifact
from flows.runs.forms import Place, PlaceHere, own_name_or, tidy
from flows.search.run import answer_question
from tasks.outputs.report_view import clock
from tasks.search.answer import Answer, Question


def _named_by_question() -> str:
    question = Question.model_validate(flow_run.parameters["question"])
    return f"{question.kind}: {Path(tidy(question.query)).name}"


@flow(name="search", flow_run_name=own_name_or(_named_by_question))
def search(question: Question, output: Place = "out", page: PlaceHere | None = None) -> Answer:
    """Finds what is nearest to the question below `output`, best first; `page` is written as HTML.

    Args:
        question: what to look for, and where.
        output: folder or s3:// prefix of asset folders.
        page: file that receives the answer as HTML.

    Raises UserError with one sentence when the question cannot be answered.
    """
    question = question.model_copy(update={"query": tidy(question.query)})
    answer = answer_question(output, question, page)
    rows = [
        {
            "score": moment.score,
            "media": moment.media,
            "asset": moment.asset,
            "who": moment.person or moment.label or "",
            "times": ", ".join(clock(time) for time in sorted(moment.times)),
        }
        for moment in answer.moments
    ]
    description = f"{len(rows)} matches for {question.kind} {Path(question.query).name}, {answer.measure}"
    create_table_artifact(rows, key="search", description=description)
    return answer
