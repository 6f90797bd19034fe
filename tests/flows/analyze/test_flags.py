"""What `--help` says of options, and how they may be written."""

import argparse
import re

from flows.analyze.__main__ import _parser
from flows.analyze.flags import hyphened, offer
from tasks.stages.options import AnalyzeOptions


def test_help_shows_the_choices_and_no_placeholder():
    shown = _parser().format_help()
    assert "--compute-type auto|int8|int8_float16|float16|bfloat16|float32" in shown
    assert "--denoise-limit auto|X" in shown
    assert "--num-speakers N" in shown
    assert "VALUE" not in shown
    assert all(f"--{name.replace('_', '-')}" in shown for name in AnalyzeOptions.model_fields)


def test_flags_are_taken_as_whisperx_writes_them():
    parser = argparse.ArgumentParser()
    offer(parser, AnalyzeOptions)
    given = parser.parse_args(
        hyphened(["--batch_size", "4", "--max_line_width=37", "--initial-prompt", "a_b"])
    )
    assert (given.batch_size, given.max_line_width, given.initial_prompt) == ("4", "37", "a_b")
    assert hyphened(["my_talk.mp4", "--output=my_out"]) == ["my_talk.mp4", "--output=my_out"]
    assert not re.search("_", hyphened(["--no_align"])[0])
