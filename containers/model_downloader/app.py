"""`handler(event, context)` of the model downloader image."""

from containers.common.runtime.handler import Stopwatch, make_handler
from containers.model_downloader.contract import FetchRequest, FetchResult


def serve(request: FetchRequest, stopwatch: Stopwatch) -> FetchResult:
    from containers.model_downloader.fetch import choose
    from containers.model_downloader.publish import fill

    return FetchResult(models=fill(choose(request.models, request.profile)))


handler = make_handler("model_downloader", FetchRequest, serve)
