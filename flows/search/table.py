"""Moments in the terminal."""

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tasks.outputs.labels import clock, speaker_name
from tasks.search.question import FoundMoment, MomentAnswer


def print_moments(answer: MomentAnswer, page: Path | None) -> None:
    """One row a moment; what was asked for stands out."""
    console = Console()
    if not answer.moments:
        console.print("Nothing was found.")
    else:
        table = Table("when", "media", "asset", "who", "what", box=None, pad_edge=False)
        for moment in answer.moments:
            who = (
                moment.by
                or speaker_name(moment.speaker or "")
                or ", ".join(map(speaker_name, moment.seen[:3]))
            )
            row = (clock(moment.start), moment.media, moment.asset[:8], who)
            table.add_row(*map(Text, row), _what(moment))
        console.print(table)
        for note in sorted({each for moment in answer.moments for each in moment.why if ", for " in each}):
            console.print(note, highlight=False, markup=False)
    if page:
        console.print(str(page), highlight=False, markup=False, soft_wrap=True)


def _what(moment: FoundMoment) -> Text:
    if not moment.text:
        return Text(", ".join(moment.sounds[:4]))
    text = Text(moment.text)
    for start, end in moment.marks:
        text.stylize("bold", start, end)
    return text
