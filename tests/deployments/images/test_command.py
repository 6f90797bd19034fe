"""`make images`: which program builds, what it is told, and where the result goes.

The engines here are scripts that write down how they were called; test_built.py builds with the real one.
"""

import tomllib
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from deployments.images.__main__ import main
from deployments.images.build import ROOT, revision
from deployments.images.engine import find_engine, secrets


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Callable[[], list[str]]]:
    """`calls(docker=0)`: these programs are there, their `info` ends with 0; returns what they were asked."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    log = tmp_path / "log"
    log.touch()

    def install(**engines: int) -> Callable[[], list[str]]:
        monkeypatch.setattr(
            "deployments.images.engine.shutil.which", lambda name: name if name in engines else None
        )
        for name, code in engines.items():
            script = tmp_path / name
            script.write_text(
                f'#!/bin/sh\n[ "$1" = info ] && exit {code}\necho {name} "$@" >> {log}\n'
                f'[ "$1" = login ] && cat >> {log} && echo >> {log}\nexit 0\n'
            )
            script.chmod(0o755)
        return lambda: log.read_text().splitlines()

    return install


def test_docker_is_taken_where_it_answers(calls) -> None:
    calls(docker=0, buildah=0)
    assert find_engine() == "docker"


def test_buildah_is_taken_where_docker_does_not(calls) -> None:
    calls(docker=1, buildah=0)
    assert find_engine() == "buildah"


def test_without_either_one_sentence_says_what_to_install(calls, capsys) -> None:
    calls()
    assert main(["build", "faiss"]) == 1
    assert capsys.readouterr().err.startswith("Building images needs Docker or buildah")


def test_a_build_is_told_version_revision_and_choices(calls, capsys) -> None:
    asked = calls(buildah=0)
    assert main(["build", "faiss", "--version", "1.2.3", "--base", "mine", "--cuda", "--no-pull"]) == 0
    (line,) = asked()
    for word in (
        "--tag mediaflow-faiss:1.2.3",
        "containers/Dockerfile",
        "--build-arg=IMAGE=faiss",
        "--layers --pull-never",
        "--build-arg=VERSION=1.2.3",
        f"--build-arg=REVISION={revision()}",
        "--build-arg=BASE_IMAGE=mine",
        "--build-arg=TORCH=cuda",
        f"--label=org.opencontainers.image.revision={revision()}",
    ):
        assert word in line
    assert capsys.readouterr().out == "mediaflow-faiss:1.2.3\n"


def test_models_can_be_baked_in(calls, tmp_path, capsys) -> None:
    asked = calls(docker=0)
    assert main(["build", "faceapi", "--models", str(tmp_path)]) == 0
    assert f"--build-context=models={tmp_path}" in asked()[0]
    assert main(["build", "faceapi", "--models", str(tmp_path / "none")]) == 1
    assert "There is no folder" in capsys.readouterr().err


def test_the_flows_have_an_image_with_the_project_s_version(calls, capsys) -> None:
    asked = calls(docker=0)
    assert main(["build", "flows"]) == 0
    assert "--file" in asked()[0] and "/deployments/aws/flows/Dockerfile " in asked()[0]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert capsys.readouterr().out == f"mediaflow-flows:{project['version']}\n"


def test_an_image_that_is_not_there_is_said(calls, capsys) -> None:
    calls(docker=0)
    assert main(["build", "fais"]) == 1
    assert capsys.readouterr().err.startswith("There is no image 'fais'; there are audioset, ")


def test_an_index_and_its_password_travel_as_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://kim:geheim@packages/simple")
    with secrets() as options:
        assert "geheim" not in " ".join(options)
        path = Path(options[0].partition("src=")[2])
        assert path.stat().st_mode & 0o077 == 0
        assert "export PIP_INDEX_URL=https://kim:geheim@packages/simple" in path.read_text()
    assert not path.exists()


def test_a_push_logs_in_to_the_account_s_ecr(calls, monkeypatch, capsys) -> None:
    """Against moto's ECR; nobody takes the layers."""
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {"ENDPOINT_URL": f"http://{host}:{port}", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    try:
        asked = calls(docker=0)
        assert main(["build", "faiss", "--version", "1.2.3", "--push"]) == 1
        assert "mediaflow-faiss cannot be pushed to ECR" in capsys.readouterr().err
        boto3.client("ecr").create_repository(repositoryName="mediaflow-faiss")
        assert main(["build", "faiss", "--version", "1.2.3", "--push"]) == 0
    finally:
        server.stop()
    target = capsys.readouterr().out.strip()
    assert target.endswith(".amazonaws.com/mediaflow-faiss:1.2.3")
    login, _password, tag, push = asked()[-4:]
    assert login == f"docker login --username AWS --password-stdin {target.partition('/')[0]}"
    assert tag == f"docker tag mediaflow-faiss:1.2.3 {target}"
    assert push == f"docker push {target}"


def test_a_build_that_fails_is_one_sentence(calls, tmp_path, capsys) -> None:
    calls(docker=0)
    (tmp_path / "docker").write_text('#!/bin/sh\n[ "$1" = info ]\n')
    assert main(["build", "faiss"]) == 1
    assert capsys.readouterr().err == "docker build ended with exit code 1; its output says why.\n"


def test_sizes_are_listed_with_their_budgets(capsys) -> None:
    assert main(["sizes"]) == 0
    assert "faiss" in capsys.readouterr().out
