"""What reports are made of: colours, axes of time, words as spoken; in a browser, large and small."""

import re
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from containers.common.documents.speakers import Turn
from tasks.evaluation import show
from tasks.evaluation.history import write_history
from tasks.evaluation.notebook import render
from tasks.evaluation.run import Run
from tasks.evaluation.speakers import named_alike
from tests.tasks.evaluation.test_history import make_run

TRUE = [Turn(start=0, end=20, speaker="Kate"), Turn(start=18, end=60, speaker="Tom")]
FOUND = [
    Turn(start=1, end=19, speaker="S1"),
    Turn(start=20, end=61, speaker="S0"),
    Turn(start=50, end=55, speaker="S2"),
]


def colours(html: str) -> list[str]:
    return re.findall(r'<rect [^>]*fill="(#\w+)"', html)


def test_a_speaker_has_one_colour_above_and_below() -> None:
    html = show.turns(TRUE, named_alike(TRUE, FOUND))
    kate, tom, *found = colours(html)
    assert kate != tom
    assert found[:2] == [kate, tom], "whatever they are called, and whoever comes first by name"
    assert found[2] not in (kate, tom)
    legend = re.findall(r'<i style="background:(#\w+)"></i>([^<]+)', html)
    assert legend == [(kate, "Kate"), (tom, "Tom"), (found[2], "S2 (nobody true)")]


def test_time_has_an_axis() -> None:
    assert re.findall(r">([\d:]+)</span>", show.turns(TRUE, [])) == [f"0:{n}0" for n in range(6)]
    long = show.turns([Turn(start=0, end=7300, speaker="Kate")], [])
    assert re.findall(r">([\d:]+)</span>", long) == ["0:00", "30:00", "1:00:00", "1:30:00"]


@pytest.mark.parametrize(
    ("said", "heard", "language", "html"),
    [
        (
            "It costs $20, really!",
            "It costs twenty dollars really",
            "en",
            "It costs $20, really!",
        ),
        ("It is $20", "It is ten", "en", "It is <del>$20</del> <ins>ten</ins>"),
        ("스무 명이", "20명이", "ko", "스무 명이"),
        ("Grüß Gott!", "grüß gott", "de", "Grüß Gott!"),
        ("東京です。", "東京へ。", "ja", "東京 <del>です</del> <ins>へ</ins> 。"),
        ("", "<b>", "en", "<ins>&lt;b&gt;</ins>"),
    ],
)
def test_examples_are_as_they_were_spoken(said: str, heard: str, language: str, html: str) -> None:
    assert html in show.differences(said, heard, language)


def test_a_group_without_a_figure_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Silence has no word error rate, and does not vanish."""
    import matplotlib as mpl

    mpl.use("Agg")
    figures = make_run(tmp_path, "1", "base", 10, 0).figures
    silent = pd.concat([figures, figures.iloc[:1].assign(group="silence", measure="in_silence")])
    show.by_group(silent, "wer", "Word error rate")
    assert capsys.readouterr().out == "Word error rate: nothing to measure it by in silence.\n"
    show.by_group(silent, "unknown", "Unknown")
    assert capsys.readouterr().out == "Unknown: this data set has nothing to measure it by.\n"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A report with some of everything, and a history."""
    folder = tmp_path_factory.mktemp("pages")
    run = make_run(folder, "1", "base", 10, 0)
    make_run(folder, "2", "small", 8, 9)
    dataset = SimpleNamespace(name="talks", digest="0")
    parts = [
        show.facts(Run(folder / "x", "transcription", dataset, "base"), dataset, "3 recordings"),
        show.headline(run.figures, "wer", "cer"),
        show.figure_table(run.figures),
        show.verdict("B is better.", "better"),
        show.examples(
            [show.Example("one", "DER 0.1", [show.turns(TRUE, FOUND), show.differences("a", "b", "en")])]
        ),
    ]
    cells = [nbformat.v4.new_markdown_cell("# Title")]
    for part in parts:
        output = nbformat.v4.new_output("display_data", {"text/html": part.data})
        cells += [nbformat.v4.new_markdown_cell("## Part"), nbformat.v4.new_code_cell("x", outputs=[output])]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "", "language": "python"}
    nbformat.write(notebook, folder / "ran.ipynb")
    (folder / "report.html").write_text(render(folder / "ran.ipynb", "Title"), encoding="utf-8")
    return [folder / "report.html", write_history(folder)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    pages: list[Path], browser: Browser, scheme: str, width: int
) -> None:
    screen = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme, "bypass_csp": True}
    context = browser.new_context(**screen)
    for path in pages:
        page = context.new_page()
        page.goto(path.as_uri())
        found = Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    context.close()
