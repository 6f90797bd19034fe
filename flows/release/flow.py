"""The release: build, scan, signature, a version, smoke requests, canary, promotion; back at a doubt."""

import subprocess
import sys
from dataclasses import dataclass
from typing import Annotated, Any

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run
from pydantic import BaseModel, Field

from containers.common.image import IMAGES
from containers.common.image import image as image_settings
from deployments.aws.functions import MARGIN_S
from deployments.aws.keepalive import keep_alive
from deployments.release.errors import ReleaseStopped
from deployments.release.function import Function
from deployments.release.ignored import ignored_names
from deployments.release.pointer import switch
from deployments.release.registry import SEVERITIES, Registry, severity_of
from deployments.release.watch import Smoke, default_smoke, ringing, run_smoke, watch_alarms
from flows.runs.artifacts import create_table_artifact
from flows.runs.aws import client, read_settings
from flows.runs.forms import one_of, own_name_or

BUILD = (sys.executable, "-m", "deployments.images", "build")  # what `make images` runs
Share = Annotated[float, Field(gt=0, lt=1)]


class Released(BaseModel):
    """What is in use now, and what was before."""

    image: str
    version: str
    function_version: str
    previous: str | None
    findings: dict[str, int]
    signed_by: list[str]


@dataclass(frozen=True)
class Watched:
    """How a version is looked at while calls go to it."""

    seconds: float
    before: list[str]  # alarms that rang before
    traffic: list[Smoke]  # requests that it has to answer meanwhile
    timeout_s: float

    def watch(self, function: Function, version: str) -> None:
        """Raises ReleaseStopped when an alarm begins to ring or a request is not answered as it should be."""

        for _ in range(2):
            run_smoke(_caller(self.timeout_s), function.name, version, self.traffic)
            watch_alarms(client("cloudwatch"), function.name, self.seconds / 2, before=self.before)


def _caller(timeout_s: float) -> Any:
    """boto3's client for one call at a time: it waits as long as the function may, and repeats nothing."""
    return keep_alive(
        client(
            "lambda",
            retries={"total_max_attempts": 1},
            read_timeout=timeout_s + MARGIN_S,
            tcp_keepalive=True,
        )
    )


def _named_by_image() -> str:
    return "{image} {version}".format_map(flow_run.parameters)


@flow(name="release", flow_run_name=own_name_or(_named_by_image))
def release(
    image: Annotated[str, one_of(IMAGES)],
    version: str = "patch",
    build: bool = True,
    worst: Annotated[str, one_of(SEVERITIES)] = "MEDIUM",
    signed: bool = True,
    shares: list[Share] | None = None,
    watch_s: Annotated[float, Field(ge=0)] = 300,
    smoke: list[Smoke] | None = None,
) -> Released:
    """Puts a new version of an image into use behind its function's alias.

    Before any call is sent to it, it was scanned, signed and answered the smoke requests; then it gets
    `shares` of the calls (a tenth and a half when empty) while the image's alarms are watched. What fails
    leaves the version before in use, or puts it back, and ends the run with one sentence: ReleaseStopped.

    Args:
        image: name of an image, as the folders of `containers` are called.
        version: major, minor, patch or a version.
        build: build and push it first; off when it is pushed already.
        worst: worst severity of findings that may pass.
        signed: an image without a signature is stopped.
        shares: of calls to the canary, one a step.
        watch_s: seconds that alarms are watched at each step.
        smoke: requests, and what their answers hold.
    """
    if image not in IMAGES:
        raise ReleaseStopped(f"There is no image '{image}'; there are {', '.join(IMAGES)}.")
    settings, allowed = read_settings(), severity_of(worst)
    registry = Registry(client("ecr"), settings.name(image))
    tag = registry.next_version(version) if build else version
    if build:
        build_image(image, tag)
    findings = check_scan(registry, tag, allowed, ignored_names(image))
    profiles = check_signature(registry, tag) if signed else []
    function = Function(client("lambda"), settings.name(image), settings.alias)
    before = function.current()
    rang = sorted(ringing(client("cloudwatch"), function.name))
    if rang:
        get_run_logger().warning("Rang before and is not counted: %s", ", ".join(rang))
    made = publish(function, registry, tag)
    timeout = image_settings(image).timeout_s
    try_out(function, made, smoke or default_smoke(image), timeout)
    if made != before:  # Lambda publishes no second version of the same image and settings
        watched = Watched(watch_s, rang, smoke or default_smoke(image), timeout)
        walk(function, made, shares or [0.1, 0.5], watched)
        promote(function, made, watched)
    registry.mark_stable(function.image(made))
    outcome = Released(
        image=image,
        version=tag,
        function_version=made,
        previous=before,
        findings=findings,
        signed_by=profiles,
    )
    create_table_artifact([outcome.model_dump()], key=f"release-{image.replace('_', '-')}")
    return outcome


@task(name="build", task_run_name="build {image} {version}", cache_policy=NO_CACHE)
def build_image(image: str, version: str) -> None:
    """Builds and pushes, its output into the log. Raises ReleaseStopped with its last line when it fails."""
    words = [*BUILD, image, "--version", version, "--push"]
    logger = get_run_logger()
    last = "it could not be started"
    try:
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            for line in process.stdout or ():
                last = line.strip() or last
                logger.info(last)
    except OSError as error:
        raise ReleaseStopped(f"'{words[0]}' cannot be run: {error.strerror}.") from None
    if process.returncode:
        raise ReleaseStopped(f"Building {image} {version} failed: {last.rstrip('.')}.")


@task(name="scan gate", task_run_name="scan gate", cache_policy=NO_CACHE)
def check_scan(registry: Registry, tag: str, allowed: str, ignored: set[str]) -> dict[str, int]:
    return registry.check_scan(tag, allowed, ignored)


@task(name="signature", task_run_name="signature", cache_policy=NO_CACHE)
def check_signature(registry: Registry, tag: str) -> list[str]:
    return registry.check_signature(tag)


@task(name="publish version", task_run_name="publish version", cache_policy=NO_CACHE)
def publish(function: Function, registry: Registry, tag: str) -> str:
    return function.publish(registry.uri(tag), tag)


@task(name="smoke requests", task_run_name="smoke requests", cache_policy=NO_CACHE)
def try_out(function: Function, version: str, smokes: list[Smoke], timeout_s: float) -> None:
    """Nobody else's calls have reached the version yet."""
    try:
        run_smoke(_caller(timeout_s), function.name, version, smokes)
    except ReleaseStopped as error:
        raise ReleaseStopped(f"{function.name} {version} was not put into use: {error}") from None


@task(name="canary", task_run_name="canary", cache_policy=NO_CACHE)
def walk(function: Function, version: str, shares: list[float], watched: Watched) -> None:
    """Sends growing shares of the calls to the version; none when an alarm rings or anything fails.

    At night nobody else may call: the smoke requests are sent at each step too.
    """
    if function.current() is None:
        return  # the first version has nothing beside it
    for share in shares:
        get_run_logger().info("%.0f %% of the calls go to %s", 100 * share, version)
        try:
            function.send(version, share)
            watched.watch(function, version)
        except BaseException as error:
            function.send(version, 0)
            if isinstance(error, ReleaseStopped):
                raise ReleaseStopped(
                    f"{function.name} {version} at {share:.0%} was rolled back: {error}"
                ) from None
            raise


@task(name="promote", task_run_name="promote", cache_policy=NO_CACHE)
def promote(function: Function, version: str, watched: Watched) -> None:
    """All calls to the version, and back to the one before when an alarm rings after it."""
    switch(function, version, lambda: watched.watch(function, version))


def roll_back_image(image: str) -> str:
    """By hand, in one call: the version before is called again, by Lambda and by ECS. Returns it."""
    from deployments.release.pointer import roll_back

    settings = read_settings()
    function: Any = Function(client("lambda"), settings.name(image), settings.alias)
    version = roll_back(function)
    Registry(client("ecr"), settings.name(image)).mark_stable(function.image(version))
    return version
