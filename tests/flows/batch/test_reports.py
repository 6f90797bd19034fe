"""The page of a batch: a link to every report, with a picture where there is one."""

import shutil
from pathlib import Path

import pytest

from flows.batch import flow
from flows.batch.flow import BatchItem
from tasks.media.demo import PICTURES
from tasks.outputs.embeddings import write_embeddings
from tasks.shelf.files import as_script
from tasks.shelf.make import make_shelf
from tests.tasks.words.archive import publish


def analysed(output: Path, number: int, picture: bool) -> BatchItem:
    asset = f"{number:016x}"
    publish(output, asset, [("The budget.", 1.0, 2.0)])
    if picture:
        kept = output / ".cache" / asset / "pictures" / "1.jpg"
        kept.parent.mkdir(parents=True)
        shutil.copy(PICTURES / "sample1.jpg", kept)
        about = {"kind": "picture", "time": 0.0, "end": 1.0, "thumbnail": "pictures/1.jpg"}
        row = {"model": "phash", "vector": [1.0], "metadata": about}
        write_embeddings(output / asset / "embeddings.parquet", asset, [row])
    return BatchItem(media=f"/in/clip_{number}.mp4", asset=asset, complete=True)


def test_each_report_has_its_link_and_a_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MEDIAFLOW_RESULTS_URL", raising=False)
    monkeypatch.setattr(flow, "PICTURED", 2)
    items = [analysed(tmp_path, number, picture=number != 1) for number in range(4)]
    items.append(BatchItem(media="/in/broken.mp4", reason="no media"))
    make_shelf(tmp_path, whole=True)
    shelf, _, *lines = flow._reports(items, tmp_path).splitlines()
    assert shelf == f"[Shelf]({(tmp_path / 'index.html').as_uri()})"
    assert len(lines) == 4, "without an asset there is no report"
    assert ["![](data:image/jpeg;base64," in line for line in lines] == [True, False, True, False]
    for number, line in enumerate(lines):
        report = (tmp_path / f"{number:016x}" / "report.html").as_uri()
        assert line.endswith(f"[clip\\_{number}.mp4]({report})"), line


def test_a_batch_that_analysed_nothing_has_no_pictures(tmp_path: Path) -> None:
    failed = [BatchItem(media="/in/broken.mp4", reason="no media")]
    assert flow._reports(failed, tmp_path / "absent").startswith("[Shelf](")


@pytest.mark.parametrize("picture", ["../secret.jpg", "/etc/hostname", "absent.jpg", ".", 5, None])
def test_a_shelf_that_others_wrote_shows_nothing_else(tmp_path: Path, picture: object) -> None:
    output = tmp_path / "out"
    shutil.copy(PICTURES / "sample1.jpg", tmp_path / "secret.jpg")
    items = [analysed(output, 0, picture=False)]
    (output / "shelf").mkdir()
    cards = [{"id": items[0].asset, "made": 0, "picture": picture}]
    (output / "shelf" / "assets.js").write_bytes(as_script("assets", cards))
    assert "data:" not in flow._reports(items, output)
