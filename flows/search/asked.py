"""A question over moments, with images running where it needs a model, and not otherwise."""

from collections.abc import Callable

from tasks.index.ask import SEARCHES
from tasks.search.moments import find_moments
from tasks.search.place import Location
from tasks.search.question import MomentAnswer, MomentQuestion
from tasks.stages.meaning.query import EMBEDS


def answer_moments(
    output: Location, question: MomentQuestion, say: Callable[[str], object] | None = None
) -> MomentAnswer:
    """As `find_moments`. Raises UserError with one sentence."""
    if question.about is None and question.shown is None:
        return find_moments(output, question, say)
    from flows.runs.images import running_images
    from flows.settings.load import apply_with_server

    apply_with_server()
    with running_images() as images:
        if images:  # the one answers with a vector that the other looks for
            images.prewarm([EMBEDS, SEARCHES])
        return find_moments(output, question, say)
