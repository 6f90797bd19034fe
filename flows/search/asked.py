"""A question over moments, with images running where it needs a model, and not otherwise."""

from collections.abc import Callable

from tasks.search.moments import find_moments
from tasks.search.place import Location
from tasks.search.question import MomentAnswer, MomentQuestion


def answer_moments(
    output: Location, question: MomentQuestion, say: Callable[[str], object] | None = None
) -> MomentAnswer:
    """As `find_moments`. Raises UserError with one sentence."""
    if question.about is None and question.shown is None:
        return find_moments(output, question, say)
    from flows.images import running_images
    from flows.settings.load import apply_with_server

    apply_with_server()
    with running_images():
        return find_moments(output, question, say)
