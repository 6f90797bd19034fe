"""`make serve` and what a media engineer then does in the UI, against the real server and worker."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest
import yaml

from tests.flows.serving import ROOT

DECLARED = [entry["name"] for entry in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]]

pytestmark = pytest.mark.slow


def test_every_declared_deployment_is_there_with_a_form(server):
    deployments = {entry["name"]: entry for entry in server.call("POST", "/deployments/filter")}
    assert set(deployments) == set(DECLARED)
    for name, deployment in deployments.items():
        assert deployment["description"], name
        assert deployment["work_pool_name"] == "local"
        properties = deployment["parameter_openapi_schema"]["properties"]
        assert all(each.get("description") for each in properties.values()), (name, properties)
    form = deployments["analyze"]["parameter_openapi_schema"]
    options = form["definitions"]["AnalyzeOptions"]["properties"]
    crons = {
        entry["name"]: entry["schedules"][0]["schedule"]
        for entry in deployments.values()
        if entry["schedules"]
    }
    assert crons["reindex"] | {"day_or": True} == {
        "cron": "30 3 * * *",
        "timezone": "Asia/Seoul",
        "day_or": True,
    }
    assert set(crons) == {"reindex", "quality", "housekeeping", "evaluate"}
    assert form["required"] == ["media"]
    assert all(option.get("description") for option in options.values())


def test_a_run_is_named_and_tagged_after_its_media(analysed):
    assert (analysed["state_name"], analysed["name"]) == ("Completed", "clip.wav")
    assert set(analysed["tags"]) == {"media", "audio"}


def test_a_skipped_stage_is_told_from_one_that_ran(server, analysed):
    states = {run["name"]: run["state"] for run in server.of_run("task_runs", analysed)}
    assert states["transcribe"]["name"] == "Completed"
    assert (states["detect"]["name"], states["detect"]["message"]) == ("Skipped", "the media has no picture")


def test_what_was_found_is_a_page_with_the_speakers_timeline(server, analysed):
    artifacts = {
        entry["key"].split("-")[0]: entry for entry in server.of_run("artifacts", analysed) if entry["key"]
    }
    assert "# clip.wav" in artifacts["found"]["data"]
    assert "report.html" in artifacts["found"]["data"]
    assert "![Who speaks when](data:image/svg+xml;base64," in artifacts["found"]["data"]
    assert '"stage": "transcribe", "state": "done"' in artifacts["stages"]["data"]
    assert artifacts["sound"]["data"].startswith("data:image/png;base64,")
    made = {(row["kind"], row["thing"]): row for row in json.loads(artifacts["lineage"]["data"])}
    assert made["stage", "transcribe"]["by"].startswith("whisperx ")
    assert made["file", "transcript.json"]["identity"] and ("media", "clip.wav") in made


def test_its_report_is_a_click_away_for_who_knows_the_password(server, analysed):
    (page,) = [
        each for each in server.of_run("artifacts", analysed) if (each["key"] or "").startswith("found-")
    ]
    link = re.search(r"\[Report\]\((http://127\.0\.0\.1:\d+/\S+/report\.html)\)", page["data"])
    assert link, page["data"]
    assert httpx.get(link[1], trust_env=False).status_code == 401
    user, password = server.secret.split(":", 1)
    report = httpx.get(link[1], auth=(user, password), trust_env=False)
    assert report.status_code == 200 and "clip.wav" in report.text


def test_people_are_named_and_files_written_from_the_form(server, analysed, tmp_path):
    output = str(shutil.copytree(analysed["parameters"]["output"], tmp_path / "out"))
    (asset,) = (path.parent for path in Path(output).glob("*/manifest.json"))
    listed = server.run("people", output=output)
    assert listed["state_type"] == "COMPLETED", listed["state"]["message"]
    tables = {each["key"]: each for each in server.of_run("artifacts", listed)}
    who = json.loads(tables["people"]["data"])[0]["who"]
    named = server.run("people", output=f' "{output}" ', action="name", who=[f" {who} "], name="Kate")
    assert named["state_type"] == "COMPLETED", named["state"]["message"]
    assert "Kate" in (asset / "transcript.srt").read_text()
    refused = server.run("people", output=output, action="name", who=["nobody"], name="Tom")
    assert refused["state_type"] == "FAILED" and "nobody" in refused["state"]["message"]
    written = server.run("export", assets=[str(asset)], writing={"formats": ["txt"]})
    assert written["state_type"] == "COMPLETED", written["state"]["message"]
    assert "Kate" in (asset / "transcript.txt").read_text()


def test_the_log_reads_like_a_story(server, analysed):
    lines = [entry["message"] for entry in server.of_run("logs", analysed)]
    assert any(line.startswith("transcribe done: ") for line in lines)
    assert "detect skipped: the media has no picture" in lines
    assert not any("hook" in line.lower() or "Traceback" in line for line in lines)


def test_media_that_cannot_be_read_fails_with_its_sentence(server, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no media")
    run = server.run("analyze", media=str(broken), output=str(tmp_path / "out"))
    assert run["state_type"] == "FAILED"
    assert "broken.mp4 is not media that can be decoded" in run["state"]["message"]
    lines = [entry["message"] for entry in server.of_run("logs", run)]
    assert not any("Traceback" in line for line in lines)


def test_a_batch_from_the_form(server, clip, tmp_path):
    run = server.run("batch", media=[str(clip.parent)], output=str(tmp_path))
    assert run["state_name"] == "Completed"
    table = next(entry for entry in server.of_run("artifacts", run) if entry["key"] == "batch-files")
    assert str(clip) in table["data"]
    assert len(list(tmp_path.glob("*/manifest.json"))) == 1


def test_a_watched_folder_starts_each_file_once(server, clip, tmp_path):
    """Two watchers of one folder, one after the other: the second is told that the file is known."""
    media = str(tmp_path / "arrived.wav")
    Path(media).write_bytes(clip.read_bytes())
    environment = {**os.environ, **server.variables}
    command = [sys.executable, "-m", "flows.watch", str(tmp_path), "--every", "1"]
    names = []
    for _ in range(2):
        with subprocess.Popen(
            [*command, "--output", str(tmp_path / "out")],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        ) as watching:
            assert watching.stdout
            names.append(watching.stdout.readline())
            watching.send_signal(signal.SIGINT)
        assert watching.returncode == 130
    (run,) = [
        run for run in server.call("POST", "/flow_runs/filter") if run["parameters"].get("media") == media
    ]
    assert names[0] == f"new: {media}: run {run['name']}\n"
    assert names[1].startswith(f"known: {media}: run ")
    assert run["work_queue_name"] == "arrivals"


def test_runs_share_images_that_outlive_them(server, analysed, aws_url):
    """`make serve` sees to it. A server of these tests has an S3 of its own, and so images of its own."""
    assert analysed["state_name"] == "Completed"
    shared = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if "deployments.local.serve_shared" in process.cmdline():
                shared.append(process.environ().get("AWS_ENDPOINT_URL"))
    assert shared.count(aws_url) == 1


def test_quality_from_the_form(server, analysed):
    run = server.run("quality", output=analysed["parameters"]["output"])
    assert run["state_name"] == "Completed"


@pytest.mark.parametrize("nightly", ["quality", "reindex"])
@pytest.mark.parametrize("store", ["absent", "."])
def test_a_nightly_run_of_an_empty_store_has_nothing_to_do(server, tmp_path, nightly, store):
    run = server.run(nightly, output=str(tmp_path / store))
    assert (run["state_type"], run["state_name"]) == ("COMPLETED", "NothingToDo")
    assert run["state"]["message"].startswith("There is no "), run["state"]["message"]


def test_housekeeping_says_what_it_freed(server, analysed):
    run = server.run("housekeeping", output=analysed["parameters"]["output"])
    assert run["state_name"] == "Completed", run["state"]["message"]
    (table,) = [entry for entry in server.of_run("artifacts", run) if entry["key"] == "housekeeping"]
    assert {row["what"] for row in json.loads(table["data"])} >= {
        "decoded media",
        "finished stages",
        "models",
    }
    assert Path(analysed["parameters"]["output"]).is_dir()


def test_an_empty_source_fails_no_batch(server, clip, tmp_path):
    (tmp_path / "empty").mkdir()
    sources = [str(tmp_path / "empty"), str(clip), str(tmp_path / "*.mov")]
    run = server.run("batch", media=sources, output=str(tmp_path / "out"))
    assert run["state_name"] == "Completed"
    lines = [entry["message"] for entry in server.of_run("logs", run)]
    assert f"There is no media at {sources[0]}." in lines and f"There is no media at {sources[2]}." in lines
    run = server.run("batch", media=sources[:1], output=str(tmp_path / "out"))
    assert run["state_name"] == "NothingToDo"


def test_models_from_the_form(server):
    run = server.run("models", profile="starter")
    assert run["state_name"] == "Completed"


def test_a_reindex_from_the_form(server, analysed):
    run = server.run("reindex", output=analysed["parameters"]["output"])
    assert run["state_name"] == "Completed", run["state"]["message"]
    table = next(entry for entry in server.of_run("artifacts", run) if entry["key"] == "reindex")
    assert "ge2e-speaker" in table["data"]


def test_a_search_from_the_form(server, analysed, clip):
    question = {"kind": "voice", "query": str(clip)}
    run = server.run("search", question=question, output=analysed["parameters"]["output"])
    assert run["state_name"] == "Completed", run["state"]["message"]
    table = next(entry for entry in server.of_run("artifacts", run) if entry["key"] == "search")
    assert "clip.wav" in table["data"]


def test_moments_from_the_form(server, analysed, tmp_path):
    question = {"by": "SPEAKER_00", "language": "en"}
    asked = {
        "question": question,
        "output": analysed["parameters"]["output"],
        "page": str(tmp_path / "m.html"),
    }
    run = server.run("moments", **asked)
    assert run["state_name"] == "Completed", run["state"]["message"]
    table = next(entry for entry in server.of_run("artifacts", run) if entry["key"] == "moments")
    assert "clip.wav" in table["data"] and "by SPEAKER_00" in table["data"]
    assert "clip.wav" in (tmp_path / "m.html").read_text(encoding="utf-8")


def test_an_evaluation_from_the_form_says_what_is_wrong(server, tmp_path):
    """Whole evaluations are in tests/flows/evaluate."""
    run = server.run("evaluate", data=str(tmp_path), output=str(tmp_path))
    assert run["state_type"] == "FAILED"
    assert "dataset.toml" in run["state"]["message"]


def test_a_release_from_the_form_says_what_is_wrong(server):
    """A whole release is in tests/flows/release, where the parts of AWS that moto lacks are stood in for."""
    with pytest.raises(httpx.HTTPStatusError) as refused:
        server.start("release", image="whisper")
    assert "'whisper' is not one of ['audioset', " in refused.value.response.text
    run = server.run("release", image="whisperx", build=False, version="1.0.0")
    assert run["state_type"] == "FAILED"
    assert "Runtime aws needs settings" in run["state"]["message"]
