"""Moments as one HTML page that opens from disk: pictures are inside it, reports are linked at the second."""

import base64
import os
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup, escape

from containers.common import storage
from tasks.outputs.environment import page_environment, read_style
from tasks.outputs.labels import clock, speaker_name
from tasks.search.question import FoundMoment, MomentAnswer, MomentQuestion

MOST_PICTURES = 200  # inside one page: about 10 kB each


def write_moments(answer: MomentAnswer, page: Path) -> None:
    """Its links are relative, so that it may move with the reports. Raises StorageError."""
    environment = page_environment(clock=clock, speaker_name=speaker_name, marked=marked)

    def link(path: str) -> str:
        return path if "://" in path else quote(os.path.relpath(path, page.absolute().parent))

    pictures = {
        moment.thumbnail: "data:image/jpeg;base64,"
        + base64.b64encode(Path(moment.thumbnail).read_bytes()).decode()
        for moment in answer.moments[:MOST_PICTURES]
        if moment.thumbnail
    }
    content = environment.get_template("moments.html.j2").render(
        answer=answer,
        headline=headline(answer.question),
        pictures=pictures,
        style=read_style("report.css", "search.css", "moments.css"),
        link=link,
    )
    storage.write_bytes(storage.as_uri(page), content.encode())


def headline(question: MomentQuestion) -> str:
    """The question as a sentence."""
    parts = [f"“{question.said}”" if question.said else ""]
    for word, value in (
        ("about", question.about),
        ("by", question.by),
        ("while", question.heard),
        ("with", question.seen),
        ("showing", question.shown),
        ("in", question.language),
        ("after", question.after),
        ("before", question.before),
    ):
        parts += [f"{word} {value}"] if value else []
    return " ".join(part for part in parts if part)


def marked(moment: FoundMoment) -> Markup:
    """What is said, with the words that were asked for marked."""
    parts, place = [], 0
    for start, end in moment.marks:
        if start >= place:
            parts += [escape(moment.text[place:start]), Markup("<mark>"), escape(moment.text[start:end])]
            parts.append(Markup("</mark>"))
            place = end
    return Markup("").join([*parts, escape(moment.text[place:])])
