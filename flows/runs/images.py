"""Where the images of a run answer: on this machine, on AWS, or at the Lambda endpoint that is configured."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from deployments.local import Joined, LocalEndpoint, Neighbours, join
from flows.runs.turns import turn
from flows.settings.fields import Settings
from flows.settings.load import apply_with_server, load
from tasks.calls.invoke import following, through
from tasks.stages.options import AnalyzeOptions

if TYPE_CHECKING:
    from deployments.aws.endpoint import AwsEndpoint

KEEP_WARM = 10  # minutes, of images that this run did not start
ENDPOINT = "AWS_ENDPOINT_URL_LAMBDA"  # boto3 reads it too
LocalImages = LocalEndpoint | Joined
_running: list[LocalImages] = []


@contextmanager
def running_images() -> Iterator[LocalImages | None]:
    """Images on this machine, unless `AWS_ENDPOINT_URL_LAMBDA` names others: then it yields None.

    Those that run already in this process; else those that this user's runs share, which are started where
    the setting `keep_warm` says so; else its own, which end with the block.
    """
    if _running:
        yield _running[0]
        return
    if os.environ.get(ENDPOINT):
        yield None
        return
    settings = load()
    with _shared(settings) or LocalEndpoint(
        memory_mb=settings.memory_mb, neighbours=Neighbours()
    ) as endpoint:
        _running.append(endpoint)
        os.environ[ENDPOINT] = endpoint.url
        try:
            yield endpoint
        finally:
            _running.remove(endpoint)
            os.environ.pop(ENDPOINT, None)


def turn_of(runtime: str, say: Callable[[str], object] = print) -> AbstractContextManager[None]:
    """A turn on this machine for an analysis whose images are about to start here.

    It is taken before anything else that others may want: whoever waits for a turn holds nothing.
    """
    here = runtime == "local" and not os.environ.get(ENDPOINT)
    return turn(say, sharing=bool(load().keep_warm)) if here else nullcontext()


def _shared(settings: Settings) -> "AbstractContextManager[Joined] | None":
    if settings.keep_warm == 0:
        return None
    minutes = settings.keep_warm or KEEP_WARM
    joined = join(minutes * 60, start=bool(settings.keep_warm), memory_mb=settings.memory_mb)
    return joined and _followed(joined)


@contextmanager
def _followed(joined: Joined) -> Iterator[Joined]:
    """Where the shared images end in the middle of this run, it goes on with others."""

    def moved() -> None:
        os.environ[ENDPOINT] = joined.url

    joined.on_move = moved
    with joined, following(joined.moved_from):
        yield joined


@contextmanager
def images_of(runtime: str, media_seconds: float, run: str) -> Iterator["LocalImages | AwsEndpoint | None"]:
    """The images for one analysis, by its runtime (`local` or `aws`) and the length of its media."""
    if runtime == "local":
        with running_images() as endpoint:
            yield endpoint
        return
    from flows.runs.aws import endpoint as on_aws

    with on_aws(media_seconds, run) as remote, through(remote):
        yield remote


def runtime_of(options: AnalyzeOptions) -> str:
    """`local` or `aws`: the option, else the setting. Images that were started here are used."""
    return options.runtime or ("local" if _running else load().runtime)


def stop_tasks(flow: Any, flow_run: Any, state: Any) -> None:
    """A hook for runs that were cancelled or crashed: their ECS tasks end with them."""
    apply_with_server()
    options = AnalyzeOptions.model_validate(flow_run.parameters.get("options") or {})
    if runtime_of(options) == "aws":
        from flows.runs.aws import stop_tasks as stop

        stop(str(flow_run.id))
