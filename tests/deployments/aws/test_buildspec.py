"""CodeBuild's recipe, run as CodeBuild runs it: phases one after another, all commands in one shell.

`make`, `aws`, `docker` and the tests' Python are stand-ins that write down how they were called; `docker run`
really serves the request, with the handler of this checkout. No image is built here: that is done by
tests/deployments/images, with buildah.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from containers.common.image import IMAGES

ROOT = Path(__file__).parents[3]
AWS = ROOT / "deployments/aws"
SPEC = yaml.safe_load((AWS / "buildspec.yml").read_text(encoding="utf-8"))
REPOSITORY = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mediaflow-faiss"

VERSION = "4.5.6"
# Lambda runs this platform and refuses an index; Docker Hub's limit is by address, which builds share.
FLAGS = (
    "--platform linux/amd64 --provenance=false "
    "--build-arg BASE_IMAGE=public.ecr.aws/docker/library/python:3.11-slim-bookworm"
)

PROGRAM = """#!/usr/bin/env bash
echo "$(basename $0) $*" >>$CALLS
"""
DOCKER = (
    PROGRAM
    + """
if [ "$1 $3" = "run --volume" ] && [ -z "$BROKEN" ]; then
  cd $ROOT
  folder=$(sed -n 's/.*--volume \\([^:]*\\):.*/\\1/p' <<<"$*")
  MEDIAFLOW_REQUEST_URI=file://$folder/request.json MEDIAFLOW_ANSWER_URI=file://$folder/answer.json \\
    exec $PYTHON -m containers.common.runtime.job containers.faiss.app.handler
fi
"""
)
# CodeBuild's phases ("Build phase transitions" in its user guide): after a failed install or pre_build
# nothing follows, after a failed build post_build does, unless on-failure is ABORT.
RUN = """
CODEBUILD_BUILD_SUCCEEDING=1
phase() { [ $CODEBUILD_BUILD_SUCCEEDING = 1 ] || [ "$1" = post_build ]; }
end() { CODEBUILD_BUILD_SUCCEEDING=0; [ "$1" = build ] && [ "$2" != ABORT ] || exit 1; }
"""


def script() -> str:
    lines = [RUN]
    for name in ("install", "pre_build", "build", "post_build"):
        phase = SPEC["phases"].get(name, {})
        commands = "\n".join(f"{{ {command}\n}} || return 1" for command in phase.get("commands", []))
        lines.append(f"run_{name}() {{ {commands}\n}}\n")
        lines.append(f"if phase {name}; then run_{name} || end {name} '{phase.get('on-failure', '')}'; fi")
    return "\n".join([*lines, "exit $((1 - CODEBUILD_BUILD_SUCCEEDING))"])


class Tags(yaml.SafeLoader):
    """CloudFormation's functions as what they are given."""


def _given(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> object:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True) if isinstance(node, yaml.MappingNode) else None


Tags.add_multi_constructor("!", _given)


@pytest.fixture
def build(tmp_path: Path):
    """Runs the recipe and returns its exit code and the calls; `fails` is a program that is to fail."""
    programs, checkout = tmp_path / "bin", tmp_path / "src"
    programs.mkdir()
    (checkout / ".venv/bin").mkdir(parents=True)
    for name in ("deployments", "pyproject.toml"):
        (checkout / name).symlink_to(ROOT / name)
    (checkout / "containers/faiss").mkdir(parents=True)
    (checkout / "containers/Dockerfile").symlink_to(ROOT / "containers/Dockerfile")
    (checkout / "containers/faiss/image.toml").write_text(
        f'version = "{VERSION}" # of which the tag is made\n'
    )

    def run(image: str = "faiss", fails: str = "", broken: str = "") -> tuple[int, list[str]]:
        for place in (
            programs / "make",
            programs / "aws",
            programs / "docker",
            checkout / ".venv/bin/python",
        ):
            text = DOCKER if place.name == "docker" else PROGRAM
            # ECR has no such version yet; whatever is to fail fails too.
            text += 'case "$(basename $0) $*" in "aws ecr describe-images"*) exit ${THERE:-254};; '
            text += f'"{fails}"*) exit 1;; esac\n' if fails else "esac\n"
            place.write_text(text)
            place.chmod(0o755)
        calls = tmp_path / "calls"
        calls.write_text("")
        environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "CALLS": str(calls),
            "PYTHON": sys.executable,
            "ROOT": str(ROOT),
            "BROKEN": broken,
            "THERE": "0" if fails == "nothing, but the version is there" else "254",
            "IMAGE": image,
            "PROJECT": "mediaflow",
            "AWS_ACCOUNT_ID": "123456789012",
            "AWS_DEFAULT_REGION": "us-east-1",
            "CODEBUILD_RESOLVED_SOURCE_VERSION": "abc",
        }
        done = subprocess.run(["bash", "-c", script()], cwd=checkout, env=environment, check=False)
        return done.returncode, calls.read_text().splitlines()

    return run


def test_the_matrix_has_every_image_and_the_flows():
    """The stack's own recipe starts a build by this one for each of the images that it is given."""
    (project,) = [
        one
        for one in yaml.load((AWS / "stacks/build.yaml").read_text(), Loader=Tags)["Resources"].values()
        if one["Type"] == "AWS::CodeBuild::Project"
    ]
    recipe, values = project["Properties"]["Source"]["BuildSpec"]
    separator, listed = values["Listed"]
    assert listed == "Images"
    batch = yaml.safe_load(recipe.replace("${Listed}", separator.join([*IMAGES, "flows"])))["batch"]
    matrix = batch["build-matrix"]["dynamic"]
    assert matrix["env"]["variables"]["IMAGE"] == [*IMAGES, "flows"]
    assert [ROOT / path for path in matrix["buildspec"]] == [AWS / "buildspec.yml"]


def test_login_build_test_and_then_push(build):
    code, calls = build()
    assert code == 0
    order = [
        "make setup models",
        "docker login --username AWS --password-stdin 123456789012.dkr.ecr.us-east-1.amazonaws.com",
        "docker buildx create --use",
        f"docker buildx build {FLAGS} --load --cache-from type=registry,ref={REPOSITORY}:cache",
        "python -m pytest -q -m not soak tests/house tests/containers/faiss",
        "docker run --rm --volume",
        f"docker tag mediaflow-faiss:{VERSION} {REPOSITORY}:latest",
        f"docker push {REPOSITORY}:latest",
        f"docker tag mediaflow-faiss:{VERSION} {REPOSITORY}:{VERSION}",
        f"docker push {REPOSITORY}:{VERSION}",
        f"docker buildx build {FLAGS} --cache-from type=registry,ref={REPOSITORY}:cache --cache-to",
    ]
    places = [next(n for n, call in enumerate(calls) if call.startswith(wanted)) for wanted in order]
    assert places == sorted(places), calls


@pytest.mark.parametrize("fails", ["make", "docker login", "docker buildx build", "python -m pytest"])
def test_what_fails_pushes_nothing(build, fails):
    code, calls = build(fails=fails)
    assert code == 1
    assert not [call for call in calls if call.startswith("docker push") or "--cache-to" in call]


def test_an_image_that_does_not_start_is_not_pushed(build):
    code, calls = build(broken="yes")
    assert code == 1
    assert calls[-1].startswith("docker run"), "after the tests, before any push"


def test_a_version_that_is_there_is_left_alone(build):
    """ECR would refuse it; a merge that raises no version moves `latest` only."""
    code, calls = build(fails="nothing, but the version is there")
    assert code == 0
    assert [call for call in calls if call.startswith("docker push")] == [f"docker push {REPOSITORY}:latest"]


def test_the_image_of_the_flows_is_built_and_tested_as_the_others(build):
    code, calls = build(image="flows")
    assert code == 0
    assert any("-f deployments/aws/flows/Dockerfile -t mediaflow-flows:" in call for call in calls)
    assert any(call.startswith("docker push") and call.endswith("mediaflow-flows:latest") for call in calls)


def test_stable_is_not_this_recipe_s_to_move():
    assert "stable" not in " ".join(SPEC["phases"]["post_build"]["commands"])
