"""Subtitles against the guide that they are written by: Netflix's Timed Text Style Guides.

Of every cue: lines and their length, seconds on screen, gap to the next, and how fast it has to be read. What
is too fast because people speak that fast counts too: it is what a viewer meets.
"""

from itertools import zip_longest
from typing import Any

from containers.common.documents.speech import Transcript
from tasks.evaluation.statistics import Measure, ratio
from tasks.outputs.cues import BETWEEN, SHORTEST_GAP, list_cues
from tasks.outputs.lines import count_columns, limits_of
from tasks.outputs.writing import LONGEST, SHORTEST

MILLISECOND = 0.0011  # what rounding takes

MEASURES = [
    Measure("fast", "Subtitles too fast to read", "lower", ratio("fast_cues", "cues"), amount="cues"),
    Measure(
        "laid_out", "Subtitles laid out or timed amiss", "lower", ratio("odd_cues", "cues"), amount="cues"
    ),
]


def score_subtitles(found: Transcript) -> dict[str, Any]:
    """Columns of a row: cues, those faster than the language's limit, and those that break another rule."""
    cues = list(list_cues(found))
    fast, odd = 0, 0
    for cue, following in zip_longest(cues, cues[1:]):
        limits, seconds = limits_of(cue.language), cue.end - cue.start
        columns = [count_columns(line) for line in cue.lines]
        fast += sum(columns) / max(seconds, MILLISECOND) > limits.speed * 1.01
        gap = following.start - cue.end if following else SHORTEST_GAP
        flashes = BETWEEN + MILLISECOND < gap < SHORTEST_GAP - MILLISECOND and seconds < LONGEST - gap
        odd += (
            not sum(columns)
            or len(columns) > limits.lines
            or max(columns) > limits.line
            or not SHORTEST - MILLISECOND <= seconds <= LONGEST + MILLISECOND
            or gap < BETWEEN - MILLISECOND
            or flashes
        )
    return {"cues": len(cues), "fast_cues": fast, "odd_cues": odd}
