"""Prefect's artifacts, made although the server is just being started again."""

from prefect import artifacts

from flows.patient import patiently

create_image_artifact = patiently(artifacts.create_image_artifact)
create_link_artifact = patiently(artifacts.create_link_artifact)
create_markdown_artifact = patiently(artifacts.create_markdown_artifact)
create_progress_artifact = patiently(artifacts.create_progress_artifact)
create_table_artifact = patiently(artifacts.create_table_artifact)
update_progress_artifact = patiently(artifacts.update_progress_artifact)
