"""What a search found as one HTML page that opens from disk: pictures are inside it, reports are linked."""

import base64
import io
import os
from pathlib import Path
from urllib.parse import quote

from PIL import Image

from tasks.outputs.environment import page_environment, read_style
from tasks.outputs.report_view import clock, speaker_name
from tasks.search.answer import Answer

HEADLINES = {
    "face": "Who looks like the face in {}",
    "picture": "What looks like {}",
    "voice": "Who sounds like the voice in {}",
    "sound": "What sounds like {}",
    "person": "Where {} is",
    "like": "What is like {}",
}


def render_page(answer: Answer, page: Path, query: Image.Image | None, name: str) -> str:
    """The page that will lie at `page`: its links are relative, so that it may move with the reports.

    `query` is shown beside what was found, `name` says what was searched for.
    """
    environment = page_environment(clock=clock, speaker_name=speaker_name, data_uri=_data_uri)

    def link(path: str) -> str:
        return path if "://" in path else quote(os.path.relpath(path, page.absolute().parent))

    return environment.get_template("search.html.j2").render(
        answer=answer,
        headline=HEADLINES[answer.question.kind].format(name),
        query=None if query is None else _encode(query),
        style=read_style("report.css", "search.css"),
        link=link,
    )


def _data_uri(path: str) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(Path(path).read_bytes()).decode()


def _encode(picture: Image.Image) -> str:
    small, content = picture.copy(), io.BytesIO()
    small.thumbnail((320, 320))
    small.save(content, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(content.getvalue()).decode()
