"""Moments by words, people and sounds as a deployment: a form in the Prefect UI, a table and a page."""

from prefect import flow, get_run_logger
from prefect.runtime import flow_run

from flows.runs.artifacts import create_table_artifact
from flows.runs.forms import Place, PlaceHere, own_name_or
from flows.search.asked import answer_moments
from tasks.outputs.labels import clock, speaker_name
from tasks.search.moments_page import headline, write_moments
from tasks.search.question import MomentAnswer, MomentQuestion


def _named_by_question() -> str:
    return headline(MomentQuestion.model_validate(flow_run.parameters["question"]))


@flow(name="find-moments", flow_run_name=own_name_or(_named_by_question))
def moments(question: MomentQuestion, output: Place = "out", page: PlaceHere | None = None) -> MomentAnswer:
    """Finds where all that is asked for is said, heard and seen at once; `page` is written as HTML.

    Args:
        question: the parts, each of which may be left out.
        output: folder or s3:// prefix of asset folders.
        page: file that receives the answer as HTML.

    Raises UserError with one sentence when the question cannot be answered.
    """
    answer = answer_moments(output, question, say=get_run_logger().info)
    if page:
        write_moments(answer, page)
    rows = [
        {
            "score": moment.score,
            "media": moment.media,
            "recorded": str(moment.day or ""),
            "asset": moment.asset,
            "start": clock(moment.start),
            "end": clock(moment.end),
            "who": moment.by or speaker_name(moment.speaker or ""),
            "seen": ", ".join(map(speaker_name, moment.seen)),
            "sounds": ", ".join(moment.sounds),
            "said": moment.text,
            "why": "; ".join(moment.why),
        }
        for moment in answer.moments
    ]
    create_table_artifact(rows, key="moments", description=f"{len(rows)} moments: {headline(question)}")
    return answer
