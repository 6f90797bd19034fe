"""Each exploration notebook from top to bottom by Papermill, on the demo, and what a person sees in it."""

import shutil
from pathlib import Path

import papermill
import pytest
from nbformat import NotebookNode

from containers.common.errors import UserError
from notebooks.explore.figures import draw_asset
from notebooks.explore.opened import OpenedAsset, voice_of
from tasks.people.edit import list_people

EXPLORE = Path(__file__).parents[2] / "notebooks" / "explore"
PLOT = "application/vnd.plotly.v1+json"
pytestmark = pytest.mark.slow


def run(notebook: str, folder: Path, **parameters: object) -> list[NotebookNode]:
    """The outputs of all cells, in order; none is a complaint."""
    done = papermill.execute_notebook(
        EXPLORE / f"{notebook}.ipynb",
        folder / "done.ipynb",
        parameters,
        progress_bar=False,
        cwd=EXPLORE,
    )
    outputs = [output for cell in done.cells for output in cell.get("outputs", [])]
    assert [each["text"] for each in outputs if each.get("name") == "stderr"] == []
    return outputs


def plots(outputs: list[NotebookNode]) -> list[NotebookNode]:
    return [each["data"][PLOT] for each in outputs if PLOT in each.get("data", {})]


def text(outputs: list[NotebookNode]) -> str:
    return "\n".join(
        each.get("text", "") + str(each.get("data", {}).get("text/html", ""))[:20_000] for each in outputs
    )


@pytest.fixture(scope="module")
def library(demo: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the demo's output folder: people are named in it."""
    return Path(shutil.copytree(demo[0], tmp_path_factory.mktemp("library") / "out"))


def test_open_an_asset(demo: tuple[Path, str], tmp_path: Path) -> None:
    outputs = run("open_asset", tmp_path, asset=str(demo[0]), at=12.0)
    timeline, faces, people = plots(outputs)
    words = next(trace for trace in timeline["data"] if "score %" in trace.get("hovertemplate", ""))
    assert "Chicago" in " ".join(words["text"]), "words are under the cursor"
    lanes = {trace["y"][0] for trace in timeline["data"] if trace.get("orientation") == "h"}
    assert {"Speaker 1", "Speaker 2", "Speech", "faces"} <= lanes
    assert any("detector" in trace["text"] for trace in faces["data"])
    assert len(people["data"]) == 22
    assert "audio/" in str([each for each in outputs if "Audio" in str(each)])


def test_an_asset_is_opened_beyond_its_end(demo: tuple[Path, str], tmp_path: Path) -> None:
    """The second to look at is twelve where nobody says another, and many media are shorter."""
    outputs = run("open_asset", tmp_path, asset=str(demo[0]), at=9999.0)
    assert len(plots(outputs)) == 3 and "audio/" in str([each for each in outputs if "Audio" in str(each)])
    skipped = [each for each in outputs if "skipped" in str(each.get("data", {}).get("text/html", ""))]
    assert skipped and "NaN" not in str(skipped)


def test_words_in_a_figure_are_text_whatever_they_say(demo: tuple[Path, str]) -> None:
    opened = OpenedAsset(demo[0])
    opened.transcript.segments[0].words[0].word = "<a href='javascript:alert(1)'>x</a>"
    assert "<a href" not in draw_asset(opened).to_json().replace("\\u003c", "<")


def test_search_by_face_and_voice(library: Path, tmp_path: Path) -> None:
    outputs = run("search_by_face_or_voice", tmp_path, output=str(library))
    assert len(plots(outputs)) == 1
    faces, voices = [str(each["data"]["text/html"]) for each in outputs if "<table" in str(each)]
    assert "face0" in faces and "SPEAKER_00" in voices


def test_label_people(library: Path, tmp_path: Path) -> None:
    (folder,) = [path.parent for path in library.glob("*/manifest.json")]
    outputs = run(
        "label_people", tmp_path, output=str(library), names={f"{folder.name[:8]}:SPEAKER_00": "Sheila"}
    )
    assert "1 assets written again" in text(outputs)
    assert "Sheila" in [group.person.name for group in list_people(library) if group.person]
    assert "Sheila" in (folder / "transcript.srt").read_text()
    assert any("application/vnd.jupyter.widget-view+json" in each.get("data", {}) for each in outputs)
    assert "Audio(" in str(outputs), "however many faces there are"
    assert (voice_of(library, folder.name, "SPEAKER_00") or b"")[:4] == b"RIFF", "who is named can be heard"


def test_try_a_model(demo: tuple[Path, str], demo_video: Path, tmp_path: Path) -> None:
    outputs = run("try_a_model", tmp_path, media=str(demo_video), stage="tag", options={"tag_threshold": 0.4})
    assert "s of media; loading models" in text(outputs)
    assert "Speech" in text(outputs)


def test_compare_options(demo_video: Path, tmp_path: Path) -> None:
    outputs = run("compare_options", tmp_path, media=str(demo_video), frame_rate=0.1)
    assert len(plots(outputs)) == 3, "the figures, and both choices' faces on one frame"
    assert "tiny: " in text(outputs) and "ssd: " in text(outputs)


def test_a_folder_without_assets_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no asset in"):
        OpenedAsset(tmp_path)
