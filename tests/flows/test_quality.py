"""`python -m flows.quality OUT`: a whole store checked again."""

import json
import re
import shutil
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest

from containers.common import storage
from containers.common.errors import StorageError
from containers.faiss.app import handler
from tasks.asset.bucket import upload_folder
from tasks.checks.store import check_store
from tests.commands import run_module


@pytest.mark.slow
def test_a_store_that_was_tampered_with(demo, tmp_path):
    output, _ = demo
    (folder,) = [path.parent for path in output.glob("*/manifest.json")]
    store = tmp_path / "store"
    for name in ("first", "second"):
        (store / name).parent.mkdir(exist_ok=True)
        (store / name).symlink_to(folder)
    good = run_module("flows.quality", store)
    assert (good.returncode, good.stderr) == (0, "")
    assert "0 critical and 0 others broken" in good.stdout

    (store / "second").unlink()
    (store / "second").mkdir()
    for path in folder.iterdir():
        if path.is_file():
            (store / "second" / path.name).write_bytes(path.read_bytes())
    faces = json.loads((store / "second/faces.json").read_bytes())
    faces["frames"][0]["faces"][0]["detection"]["box"]["x"] = 5000
    (store / "second/faces.json").write_text(json.dumps(faces))
    bad = run_module("flows.quality", store)
    assert bad.returncode == 1
    assert "faces of second break 'A face's box reaches into the frame from the right.'" in bad.stdout
    assert "of second break 'A file has the content that the manifest says.'" in bad.stdout
    page = Path(bad.stdout.strip().rsplit(": ", 1)[1])
    assert page == store / "quality/index.html"
    html = page.read_text()
    assert "A face&#39;s box reaches into the frame from the right." in html
    assert 'href="../second/report.html"' in html and "left 5000.0" in html
    (docs,) = re.findall(r'href="([^"]+)">Data Docs', html)
    results = re.findall(r'href="(validations/[^"]+)"', (page.parent / docs).read_text())
    assert len(set(results)) == 2 * 17, "both checks of every suite are kept"
    for result in set(results):
        text = ((page.parent / docs).parent / unquote(result)).read_text()
        assert not re.search(r'(src|<link[^>]*href)="http', text), "pages ask nobody for anything"


@pytest.mark.slow
def test_a_blocked_asset_never_reaches_the_index(demo, demo_video, tmp_path):
    """A turn that ends long after the media, planted into what was found, keeps the whole asset out."""
    output = tmp_path / "out"
    shutil.copytree(demo[0], output)
    (folder,) = [path.parent for path in output.glob("*/manifest.json")]
    assert voices(output) == {folder.name}
    for record in (output / ".cache" / folder.name / "results").glob("diarize-*"):  # of every set of options
        kept = json.loads(record.read_text())
        found = json.loads(kept["result"])
        plant(found["data"])
        kept["result"] = json.dumps(found)
        record.write_text(json.dumps(kept))
    shutil.rmtree(folder)

    done = run_module("flows.analyze", demo_video, "--output", output)
    assert done.returncode == 1
    turns = len(json.loads((folder / "diarization.json").read_bytes())["turns"])
    assert (
        f"Kept out of the index: 1 of {turns} turns of {folder.name} break 'A turn ends inside" in done.stdout
    )
    assert (folder / "report.html").is_file(), "everything else is there"
    assert voices(output) == set(), "what an earlier analysis had put there is gone"

    assert run_module("flows.reindex", output).returncode == 0
    assert voices(output) == set()
    assert "index has nothing of an asset that is blocked" not in run_module("flows.quality", output).stdout


def plant(found):
    """A turn that ends long after the media."""
    found["diarization"]["turns"][-1]["end"] = 9999.0


def voices(output):
    request = {"action": "search", "index_uri": (output / "index/ge2e-speaker").as_uri(), "k": 1000}
    (matches,) = handler({**request, "vectors": [[1.0] * 256]}, None)["result"]["matches"]
    return {match["asset"] for match in matches}


@pytest.mark.parametrize("kind", ["absolute", "above"])
def test_an_object_of_a_bucket_is_written_nowhere_else(bucket, tmp_path, kind):
    """Downloading an asset once put an object whose name has two slashes where it says."""
    place = f"{tmp_path}/escaped" if kind == "absolute" else "../escaped"
    for name in ("manifest.json", place):
        bucket.put_object(Key=f"{kind}/0123456789abcdef/{name}", Body=b"{}")
    with pytest.raises(StorageError, match="is not inside"):
        check_store(f"s3://{bucket.name}/{kind}")
    assert not (tmp_path / "escaped").exists()


@pytest.mark.slow
def test_a_store_on_s3(bucket, demo, tmp_path, monkeypatch):
    """Its assets are read there and the pages are put there."""
    monkeypatch.setenv("MEDIAFLOW_WORK", str(tmp_path / "work"))
    (folder,) = [path.parent for path in demo[0].glob("*/manifest.json")]
    bad = tmp_path / "bad"
    shutil.copytree(folder, bad)
    transcript = json.loads((bad / "transcript.json").read_bytes())
    transcript["segments"][-1]["end"] = 99.0
    (bad / "transcript.json").write_text(json.dumps(transcript))
    upload_folder(folder, "s3://media/out/good", last="manifest.json")
    upload_folder(bad, "s3://media/out/bad", last="manifest.json")

    done = run_module("flows.quality", "s3://media/out", "--new-baseline")
    assert (done.returncode, done.stderr) == (1, "")
    assert "segments of bad break 'A segment ends inside the media.'" in done.stdout
    assert "manifest of bad break 'A file has the content that the manifest says.'" in done.stdout
    assert done.stdout.endswith("s3://media/out/quality/index.html\n")
    kinds = {item.key: item.Object().content_type for item in bucket.objects.filter(Prefix="out/quality/")}
    assert kinds["out/quality/index.html"] == "text/html"
    assert kinds["out/quality/drift.png"] == "image/png"
    assert "out/quality/gx/uncommitted/data_docs/local_site/index.html" in kinds
    with storage.reading("s3://media/out/quality/baseline.parquet") as path:
        assert set(pd.read_parquet(path)["asset"]) == {"good", "bad"}
