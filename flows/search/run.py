"""A question answered, with the images that it takes running meanwhile."""

from pathlib import Path

from PIL import Image

from containers.common import storage
from flows.runs.images import running_images
from tasks.search.answer import Answer, Question
from tasks.search.find import find
from tasks.search.library import Library
from tasks.search.like import find_like
from tasks.search.page import render_page
from tasks.search.person import find_person
from tasks.search.place import Location


def answer_question(output: Location, question: Question, page: Path | None = None) -> Answer:
    """The answer, of a folder or an s3:// URI; with `page` also as an HTML page there.

    Raises UserError with one sentence.
    """
    library = Library(output)
    with running_images():
        if question.kind == "like":
            asset = library.asset_id(question.query)
            answer, name = find_like(library, question), library.media(asset)
            picture = library.thumbnail(asset)
            shown = Image.open(picture, formats=["JPEG"]) if picture else None
        elif question.kind == "person":
            answer, name, shown = find_person(library, question), question.query, None
        else:
            answer, query = find(library, question)
            shown, name = query.picture, Path(question.query).name
    if page:
        storage.write_bytes(storage.as_uri(page), render_page(answer, page, shown, name).encode())
    return answer
