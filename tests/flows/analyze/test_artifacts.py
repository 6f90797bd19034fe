"""What the Prefect UI shows of an analysis: media are named and speak as they like, and it stays text."""

from pathlib import Path

import pytest

from containers.common.documents.speech import Segment, Transcript
from flows.analyze.artifacts import _page
from flows.runs.artifacts import as_markdown
from tasks.asset.folder import Asset
from tasks.outputs.findings import Findings
from tests.tasks.asset.test_folder import make_manifest

HOSTILE = "[click](javascript:alert(1)) ![x](http://evil.example/?) <script>alert(1)</script> `x` **b**\n# y"


def test_a_name_and_what_was_said_are_shown_and_not_obeyed(tmp_path: Path) -> None:
    manifest = make_manifest()
    manifest.media.name = HOSTILE
    said = Segment.model_construct(start=0, end=1, text=HOSTILE, words=[])
    transcript = Transcript.model_construct(segments=[said], language=None)
    findings = Findings().model_copy(update={"transcript": transcript})
    page = _page(Asset(output=tmp_path, id="0123456789abcdef"), manifest, findings)
    assert page.count(r"\[click\]\(javascript:alert\(1\)\) \!\[x\]\(http://evil.example/?\)") == 2
    assert "<script>" not in page
    assert page.count("\n# ") == 0, "one heading, the first"


@pytest.mark.parametrize("text", ["clip.wav", "Ada Lovelace, 1843", "한국어", "a-b.c"])
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert as_markdown(text) == text
