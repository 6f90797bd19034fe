"""The settings: where they come from, which wins, what is refused, what `python -m flows.settings` shows."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from containers.common.errors import UserError
from flows.settings.__main__ import HIDDEN, main
from flows.settings.load import apply, load

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def clean(monkeypatch, tmp_path):
    """No setting but the test's, in a folder of its own."""
    for name in [*os.environ]:
        if name.startswith(("MEDIAFLOW_", "HF_TOKEN")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_the_environment_wins_over_the_file_and_the_file_over_the_server(monkeypatch, tmp_path):
    on_server = {"runtime": "aws", "function_prefix": "server-", "allow_hosts": "mirror.example"}
    (tmp_path / ".env").write_text("MEDIAFLOW_RUNTIME=local\nMEDIAFLOW_FUNCTION_PREFIX=file-\n")
    monkeypatch.setenv("MEDIAFLOW_FUNCTION_PREFIX", "environment-")
    settings = load(on_server)
    assert (settings.runtime, settings.function_prefix) == ("local", "environment-")
    assert settings.allow_hosts == "mirror.example"


def test_tasks_and_images_find_them_in_the_environment(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text('HF_TOKEN=hf_abc\nMEDIAFLOW_AWS={"work": "s3://bucket/work"}\n')
    monkeypatch.setenv("MEDIAFLOW_MODEL_CACHE_MB", "100")
    for name in ("HF_TOKEN", "MEDIAFLOW_AWS", "MEDIAFLOW_MODELS"):
        monkeypatch.setenv(name, "")  # so that it is put back afterwards
        monkeypatch.delenv(name)
    apply({"models": "s3://bucket/models"})
    assert os.environ["HF_TOKEN"] == "hf_abc"
    assert os.environ["MEDIAFLOW_MODELS"] == "s3://bucket/models"
    aws = load().aws
    assert aws is not None and aws.work == "s3://bucket/work"
    assert "MEDIAFLOW_RUNTIME" not in os.environ, "what nobody set stays unset"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (
            "MEDIAFLOW_RUNTIME",
            "azure",
            "The setting MEDIAFLOW_RUNTIME is wrong: Input should be 'local' or 'aws'.",
        ),
        ("MEDIAFLOW_RUNTIM", "aws", "MEDIAFLOW_RUNTIM is no setting; MEDIAFLOW_RUNTIME is meant, or "),
        ("MEDIAFLOW_MODEL_CACHE_MB", "-5", "The setting MEDIAFLOW_MODEL_CACHE_MB is wrong: "),
        (
            "MEDIAFLOW_CATALOGUE",
            "missing.toml",
            "The setting MEDIAFLOW_CATALOGUE is wrong: there is no file ",
        ),
        ("MEDIAFLOW_AWS", '{"work": "folder"}', "The setting MEDIAFLOW_AWS.work is wrong: "),
        ("MEDIAFLOW_AWS", '{"work"', "The setting"),
        ("MEDIAFLOW_WEBHOOK", "example.org", "The setting MEDIAFLOW_WEBHOOK is wrong: it has to be an http"),
        ("MEDIAFLOW_TOPIC", "alarms", "The setting MEDIAFLOW_TOPIC is wrong: "),
    ],
)
def test_a_wrong_one_is_refused_with_a_sentence(monkeypatch, name, value, sentence):
    monkeypatch.setenv(name, value)
    with pytest.raises(UserError) as refused:
        load()
    assert str(refused.value).startswith(sentence)
    assert "\n" not in str(refused.value)


def test_every_command_refuses_at_the_start(monkeypatch, capsys):
    from flows.analyze.__main__ import main as analyze

    monkeypatch.setenv("MEDIAFLOW_RUNTIME", "azure")
    assert analyze(["talk.mp4"]) == 1
    assert capsys.readouterr().err == (
        "The setting MEDIAFLOW_RUNTIME is wrong: Input should be 'local' or 'aws'.\n"
    )


def test_they_are_shown_with_their_origin_and_without_secrets(monkeypatch, capsys):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("MEDIAFLOW_WEBHOOK", "https://hooks.example/T0/secret")
    monkeypatch.setenv("COLUMNS", "200")
    assert main([]) == 0
    shown = capsys.readouterr().out
    lines = {line.split()[0]: line for line in shown.splitlines() if line.split()}
    assert HIDDEN in lines["HF_TOKEN"] and "environment" in lines["HF_TOKEN"]
    assert "local" in lines["MEDIAFLOW_RUNTIME"] and "default" in lines["MEDIAFLOW_RUNTIME"]
    assert "secret" not in shown.replace("secret in Secrets Manager", "")


@pytest.mark.slow
def test_prefect_variables_and_secret_blocks_are_read_from_the_server(server):
    server.call("POST", "/variables/", name="mediaflow_function_prefix", value="prod-")
    variables = os.environ | server.variables | {"COLUMNS": "200"}
    command = [sys.executable, "-m", "flows.settings", "--server"]
    try:
        done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    finally:
        server.call("DELETE", "/variables/name/mediaflow_function_prefix")
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = [line for line in done.stdout.splitlines() if "FUNCTION_PREFIX" in line]
    assert "prod-" in line and "Prefect" in line
