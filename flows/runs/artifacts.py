"""Prefect's artifacts, made although the server is just being started again."""

import re

from prefect import artifacts

from flows.server.patient import patiently

create_image_artifact = patiently(artifacts.create_image_artifact)
create_link_artifact = patiently(artifacts.create_link_artifact)
create_markdown_artifact = patiently(artifacts.create_markdown_artifact)
create_progress_artifact = patiently(artifacts.create_progress_artifact)
create_table_artifact = patiently(artifacts.create_table_artifact)
update_progress_artifact = patiently(artifacts.update_progress_artifact)


def as_markdown(text: str) -> str:
    """`text`, which media and people have written, as Markdown that shows it and does nothing else.

    Punctuation can be escaped (https://spec.commonmark.org/0.31.2/#backslash-escapes); < and & are HTML's
    own, and the templates' affair.
    """
    return re.sub(r"([\\`*_{}\[\]()#!|~])", r"\\\1", " ".join(text.split()))
