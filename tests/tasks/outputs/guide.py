"""The rules that subtitles are held to, after Netflix' Timed Text Style Guides and JIS X 4051."""

import re
from itertools import pairwise
from typing import NamedTuple

from tasks.outputs.cues import BETWEEN, SHORTEST_GAP
from tasks.outputs.lines import NOT_FIRST, NOT_LAST, count_columns, limits_of
from tasks.outputs.writing import AS_THE_GUIDE_SAYS, LONGEST, WritingOptions

TIMES = re.compile(r"(\d+):(\d\d):(\d\d)[.,](\d{3}) --> (\d+):(\d\d):(\d\d)[.,](\d{3})")
MILLISECOND = 0.0011


class Shown(NamedTuple):
    start: float
    end: float
    lines: list[str]


def read(content: str) -> list[Shown]:
    """Cues of SRT or WebVTT as a viewer sees them."""
    cues = []
    for block in content.split("\n\n"):
        found = TIMES.search(block)
        if not found:
            continue
        at = [int(number) for number in found.groups()]
        start, end = (h * 3600 + m * 60 + s + ms / 1000 for h, m, s, ms in (at[:4], at[4:]))
        text = re.sub(r"</?v[^>]*>|[\u202b\u202c\u2060]", "", block[found.end() :]).strip("\n")
        cues.append(Shown(start, end, text.split("\n")))
    return cues


def faults(
    content: str,
    language: str,
    words: list[str],
    duration: float,
    chosen: WritingOptions = AS_THE_GUIDE_SAYS,
) -> list[str]:
    """What the guide does not allow, a sentence each."""
    cues, limits = read(content), limits_of(language, chosen)
    found = []
    for cue, following in zip(cues, [*cues[1:], None], strict=True):
        seconds, columns = cue.end - cue.start, sum(map(count_columns, cue.lines))
        until = following.start - BETWEEN if following else duration
        found += [f"empty at {cue.start}"] if not columns else []
        found += [f"{len(cue.lines)} lines at {cue.start}"] if len(cue.lines) > limits.lines else []
        found += [f"wide: {line}" for line in cue.lines if count_columns(line) > limits.line]
        if language in {"ja", "zh"}:
            found += [f"begins with {line[0]}" for line in cue.lines if line[0] in NOT_FIRST]
            found += [f"ends with {line[-1]}" for line in cue.lines if line[-1] in NOT_LAST]
        if not chosen.min_duration - MILLISECOND <= seconds <= LONGEST + MILLISECOND:
            found.append(f"{seconds:.3f} s at {cue.start}")
        if cue.end > duration:
            found.append(f"shown until {cue.end}, after the end")
        # Whoever speaks faster than people read leaves no more time than until the next cue.
        hurried = columns / seconds > limits.speed * 1.01
        if hurried and seconds < LONGEST - MILLISECOND and until - cue.end > SHORTEST_GAP:
            found.append(f"{columns / seconds:.1f} columns a second at {cue.start}")
    for cue, following in pairwise(cues):
        gap = following.start - cue.end
        if gap < BETWEEN - MILLISECOND:
            found.append(f"a gap of {gap:.3f} s at {cue.end}")
        elif BETWEEN + MILLISECOND < gap < SHORTEST_GAP and cue.end - cue.start < LONGEST - gap:
            found.append(f"a flash of {gap:.3f} s at {cue.end}")
    shown = [re.sub(r"^- |\[\w+\] ?", "", line) for cue in cues for line in cue.lines]
    if language not in {"ja", "zh"}:
        found += [f"broken: {word}" for word in set(words) - set(" ".join(shown).split())]
    if "".join(words) != "".join("".join(shown).split()):
        found.append("not what was said")
    return found
