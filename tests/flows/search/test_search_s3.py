"""An output on S3 (moto's server): found from any machine, indexed by the nightly run, taken along."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from containers.common import storage
from containers.common.errors import UserError
from flows.runs.images import running_images
from flows.search.__main__ import main
from tasks.asset.bucket import on_this_machine
from tasks.index.collect import collect
from tasks.media.demo import PICTURES
from tasks.outputs.embeddings import read_embeddings, write_embeddings
from tasks.search.moments import find_moments
from tasks.search.question import MomentQuestion
from tasks.stages.index.run import index
from tasks.words.remote import make_remote_version, mirror, roll_back_remote
from tests.tasks.words.archive import publish

ONE, TWO = "a" * 16, "b" * 16
OUT = "s3://media/out"


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This machine's side."""
    monkeypatch.setenv("MEDIAFLOW_WORK", str(tmp_path / "work"))
    return tmp_path / "work"


@pytest.fixture(autouse=True)
def emptied(bucket: Any) -> Any:
    bucket.objects.all().delete()
    return bucket


def put(tmp_path: Path, asset: str, text: str, **manifest: Any) -> None:
    folder = publish(tmp_path / "made", asset, [(text, 1.0, 2.0)], names={"SPEAKER_00": "Kate"}, **manifest)
    for path in sorted(folder.iterdir(), key=lambda path: path.name == "manifest.json"):
        storage.upload(path, f"{OUT}/{asset}/{path.name}")


def find(said: str) -> list[str]:
    return sorted(moment.asset[0] for moment in ask(said))


def ask(said: str) -> Any:
    return find_moments(OUT, MomentQuestion(said=said, by="Kate"), say=lambda _: None).moments


def test_what_is_published_is_found_at_once_and_what_is_gone_no_more(bucket: Any, tmp_path: Path) -> None:
    put(tmp_path, ONE, "The budget of one.")
    assert find("budget") == ["a"]
    assert ask("budget")[0].report == f"{OUT}/{ONE}/report.html"
    put(tmp_path, TWO, "The budget of two.")
    assert find("budget") == ["a", "b"]
    put(tmp_path, ONE, "Nothing of that.", seconds=2.0)
    assert find("budget") == ["b"]
    bucket.objects.filter(Prefix=f"out/{TWO}/").delete()
    assert find("nothing") == ["a"]
    with pytest.raises(UserError, match="Nothing was analysed into s3://media/none yet"):
        find_moments("s3://media/none", MomentQuestion(said="x"))


def test_nothing_is_fetched_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, ONE, "The budget of one.")
    assert find("budget") == ["a"]
    fetched: list[str] = []
    download = storage.download
    monkeypatch.setattr(storage, "download", lambda uri, path: (fetched.append(uri), download(uri, path))[1])
    assert find("budget") == ["a"] and fetched == []


def test_a_version_made_here_serves_another_machine_and_goes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, ONE, "The budget of one.")
    first, changed = make_remote_version(OUT)
    assert (first.version, first.assets, changed) == ("v000001", 1, True)
    assert make_remote_version(OUT) == (first, False)
    put(tmp_path, TWO, "The budget of two.")
    second, _ = make_remote_version(OUT)
    assert (second.version, second.previous) == ("v000002", "v000001")

    monkeypatch.setenv("MEDIAFLOW_WORK", str(tmp_path / "another"))
    assert find("budget") == ["a", "b"]
    folder = mirror(OUT)
    assert {path.name for path in (folder / "words").glob("v*.db")} == {"v000002.db"}
    assert not (folder / "words" / "recent.db").exists(), "nothing had to be indexed here"

    assert roll_back_remote(OUT).version == "v000001"
    assert find("budget") == ["a", "b"], "the second is read again"
    third, _ = make_remote_version(OUT)
    assert third.version == "v000003", "a version that others may hold is never written again"
    for number in range(3, 6):
        put(tmp_path, str(number) * 16, f"The budget of {number}.")
        make_remote_version(OUT)
    kept = {name for name in storage.list_tags(f"{OUT}/words") if name.endswith(".db")}
    assert kept == {"v000004.db", "v000005.db", "v000006.db"}


def test_media_on_s3_has_the_time_that_it_has_there(tmp_path: Path) -> None:
    """The last resort for the day of a recording: not the moment of its download."""
    storage.write_bytes("s3://media/in/plain.txt", b"text")
    written = storage.modified("s3://media/in/plain.txt")
    time.sleep(1.1)  # S3 counts in seconds
    with on_this_machine("s3://media/in/plain.txt") as path:
        assert path.stat().st_mtime == written and path.read_bytes() == b"text"


def test_there_is_nothing_to_go_back_to(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="s3://media/out/words has no previous version"):
        roll_back_remote(OUT)


def test_vectors_are_collected_from_where_they_lie(tmp_path: Path) -> None:
    entry = {"embeddings.parquet": {"sha256": "e" * 64, "size": 1}}
    put(tmp_path, ONE, "The budget.", files=entry, embeddings={"faces": 3})
    (part,) = collect.fn(mirror(OUT), OUT)["faces"]
    assert (part.uri, part.digest, part.rows) == (f"{OUT}/{ONE}/embeddings.parquet", "e" * 64, 3)


def test_in_the_terminal_and_taken_along_to_s3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path, ONE, "The budget of one.", source="s3://media/in/a.mp4")
    assert main([OUT, "--said", "budget", "--export", "s3://media/found.otio"]) == 0
    said = capsys.readouterr()
    assert said.err == "" and "The budget of one." in said.out
    assert said.out.splitlines()[-1] == "s3://media/found.otio"
    clip = json.loads(storage.read_bytes("s3://media/found.otio"))["tracks"]["children"][0]["children"][0]
    assert "s3://media/in/a.mp4" in json.dumps(clip)


@pytest.mark.slow
def test_what_looks_and_sounds_alike_is_found_on_s3(
    demo: tuple[Path, str], own_images: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A face, a voice, and whoever an appearance belongs to: of vectors that lie in the bucket."""
    (folder,) = (path.parent for path in demo[0].glob("*/manifest.json"))
    other = tmp_path / ("e" * 16)
    shutil.copytree(folder, other)
    write_embeddings(other / "embeddings.parquet", other.name, read_embeddings(folder / "embeddings.parquet"))
    with running_images():
        for asset in (folder, other):
            for path in sorted(asset.iterdir(), key=lambda path: path.name == "manifest.json"):
                if path.is_file():
                    storage.upload(path, f"{OUT}/{asset.name}/{path.name}")
            models = sorted({row["model"] for row in read_embeddings(asset / "embeddings.parquet")})
            index.fn(asset.name, asset / "embeddings.parquet", models, f"{OUT}/index")

        def ask(*arguments: str) -> list[dict[str, Any]]:
            code = main([OUT, *arguments, "--json"])
            said = capsys.readouterr()
            assert code == 0, said.err
            return json.loads(said.out)["moments"]

        found = ask("--face", str(PICTURES / "sample3.jpg"), "--which", "1", "-k", "2")
        assert {each["asset"] for each in found} == {folder.name, other.name} and found[0]["same"]
        assert found[0]["report"] == f"{OUT}/{found[0]['asset']}/report.html"
        assert [each["asset"] for each in ask("--like", folder.name)] == [other.name]
        page, who = tmp_path / "who.html", f"{folder.name[:8]}:{found[0]['label']}"
        assert main([OUT, "--person", who, "--html", str(page)]) == 0
    assert capsys.readouterr().err == ""
    assert f"{OUT}/{folder.name}/report.html" in page.read_text()


@pytest.mark.slow
def test_clips_of_media_on_s3(speech_wav: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from containers.common.models.store import sha256_of

    digest = sha256_of(speech_wav)
    media = {"name": "a.wav", "sha256": digest, "size": 1, "format": "wav", "duration": 30.0}
    storage.upload(speech_wav, "s3://media/in/a.wav")
    media["audio_codec"] = "pcm"
    put(tmp_path, digest[:16], "The budget of one.", media=media, source="s3://media/in/a.wav", duration=30.0)
    assert main([OUT, "--said", "budget", "--export", "s3://media/clips"]) == 0
    clip, subtitles = capsys.readouterr().out.splitlines()[-2:]
    assert (clip, subtitles) == (
        f"s3://media/clips/001-{digest[:8]}-1.00.m4a",
        f"s3://media/clips/001-{digest[:8]}-1.00.srt",
    )
    assert b"Kate: The budget of one." in storage.read_bytes(subtitles)
