"""Lambda as long as its time-out and memory do, by the length of the media; else ECS."""

import pytest

from containers.common.image import image
from deployments.aws.costs import price, read_prices
from deployments.aws.route import choose


@pytest.mark.parametrize(
    ("name", "request_", "media_seconds", "where"),
    [
        ("whisperx", {}, 600, "lambda"),
        ("whisperx", {}, 4 * 3600, "ecs"),
        ("whisperx", {"start": 3600, "end": 4200}, 4 * 3600, "lambda"),  # a piece of a long recording
        ("faceapi", {"images": ["a"] * 16}, 4 * 3600, "lambda"),  # pictures, however long the film
        ("faceapi", {"images": ["a"] * 1000}, 60, "ecs"),
        ("faiss", {}, 4 * 3600, "lambda"),
    ],
)
def test_by_length_on_auto(name, request_, media_seconds, where):
    assert choose(image(name), request_, media_seconds) == where


@pytest.mark.parametrize("where", ["lambda", "ecs"])
def test_what_the_image_says_goes_first(where):
    settings = image("whisperx").model_copy(update={"runs_on": where})
    assert choose(settings, {}, 10**6) == where


def test_a_price_is_time_by_size_by_the_table():
    """A gigabyte for 1,000 seconds on Lambda, and an hour of the task that is as quick."""
    settings = image("faiss").model_copy(update={"memory_mb": 1024, "storage_mb": 512})
    prices = read_prices()
    assert price(prices, settings, "lambda", 1, 1000) == pytest.approx(0.0166667 + 0.0000002)
    assert settings.task_size == (1024, 2048)
    assert price(prices, settings, "ecs", 1, 3600) == pytest.approx(0.04048 + 2 * 0.004445)
