"""How an index changes: additions, replacements, rollbacks, writers that meet and writers that die."""

import random
import signal
import subprocess
import sys
import time

import pytest

from containers.common.errors import StorageError, UserError
from containers.common.index import versions
from containers.common.index.found import SearchResult
from containers.common.index.version import IndexVersion
from containers.common.index.versions import rollback
from containers.common.storage import local_path
from containers.faiss.app import handler
from tasks.outputs.embeddings import read_embeddings

MODEL = "face-model"


def update(action, index_uri, *vectors, **options):
    event = {"action": action, "index_uri": index_uri, "vectors": list(vectors), "model": MODEL, **options}
    return IndexVersion.model_validate(handler(event, None)["result"])


def assets_in(index_uri):
    """Which assets a search meets, by number of vectors."""
    event = {"action": "search", "index_uri": index_uri, "vectors": [[1] * 8], "k": 1000}
    matches = SearchResult.model_validate(handler(event, None)["result"]).matches[0]
    found = [match.asset for match in matches]
    return {asset: found.count(asset) for asset in found}


def versions_in(index_uri):
    return sorted(path.name for path in local_path(index_uri).glob("v*"))


def test_adding_to_a_missing_index_builds_it(index_uri, vectors_of):
    assert update("add", index_uri, vectors_of("a")).version == "v000001"


def test_add(index_uri, vectors_of):
    update("build", index_uri, vectors_of("a", 3))
    added = update("add", index_uri, vectors_of("b", 4, seed=1))
    assert (added.version, added.count, added.previous) == ("v000002", 7, "v000001")
    assert assets_in(index_uri) == {"a": 3, "b": 4}


@pytest.mark.parametrize("kind", ["Flat", "IVF", "HNSW"])
def test_an_asset_analysed_again_replaces_its_vectors(index_uri, vectors_of, kind):
    update("build", index_uri, vectors_of("a", 90), vectors_of("b", 90, seed=1), type=kind)
    again = vectors_of("a", 5, seed=2)
    update("add", index_uri, again, replace_assets=["a"])
    assert assets_in(index_uri) == {"a": 5, "b": 90}
    for row in read_embeddings(local_path(again)):
        event = {"action": "search", "index_uri": index_uri, "vectors": [row["vector"]], "k": 1}
        assert handler(event, None)["result"]["matches"][0][0]["id"] == row["id"]


def test_removing_an_asset_and_then_the_last_one(index_uri, vectors_of):
    update("build", index_uri, vectors_of("a"), vectors_of("b", seed=1))
    update("add", index_uri, replace_assets=["a"])
    assert assets_in(index_uri) == {"b": 3}
    assert update("add", index_uri, replace_assets=["b"]).count == 0
    assert assets_in(index_uri) == {}
    assert update("add", index_uri, vectors_of("c", 2)).count == 2


def test_nothing_to_change_makes_no_version(index_uri, vectors_of):
    built = update("build", index_uri, vectors_of("a"))
    assert update("add", index_uri, vectors_of("empty", 0), replace_assets=["unknown"]) == built
    assert versions_in(index_uri) == ["v000001"]


def test_what_cannot_be_added(index_uri, vectors_of):
    update("build", index_uri, vectors_of("a"))
    other = vectors_of("b", model="voice-model")
    for options, sentence in (
        ({"model": "voice-model"}, "has model 'face-model': 'voice-model' needs an index of its own"),
        ({"metric": "euclidean"}, "has metric 'cosine'"),
        ({"type": "HNSW"}, "has type 'Flat': build it again to make it 'HNSW'"),
    ):
        with pytest.raises(UserError, match=sentence):
            update("add", index_uri, other, **options)
    with pytest.raises(UserError, match="of 8 dimensions, not of 5"):
        update("add", index_uri, vectors_of("c", dimension=5))
    with pytest.raises(UserError, match="already has a vector 'a#0': name its asset in replace_assets"):
        update("add", index_uri, vectors_of("a"))
    assert versions_in(index_uri) == ["v000001"]


def test_what_cannot_be_taken_from_is_built_anew_of_the_exact_vectors(index_uri, vectors_of):
    update("build", index_uri, vectors_of("a", 40), type="SQ8")
    added = update("add", index_uri, vectors_of("b", seed=1))
    assert (added.made, added.count) == ("extended", 43)
    removed = update("add", index_uri, replace_assets=["a"])
    assert (removed.made, removed.type, removed.count) == ("built", "SQ8", 3)
    assert removed.why == "nothing can be taken out of SQ8"
    assert assets_in(index_uri) == {"b": 3}


def test_a_search_sees_the_new_version_and_loads_each_once(index_uri, vectors_of, monkeypatch):
    from containers.faiss import search

    loads = []
    load = search.open_version
    monkeypatch.setattr(
        search, "open_version", lambda uri, version: loads.append(version.version) or load(uri, version)
    )
    update("build", index_uri, vectors_of("a"))
    assert assets_in(index_uri) == assets_in(index_uri) == {"a": 3}
    update("build", index_uri, vectors_of("b"))
    assert assets_in(index_uri) == assets_in(index_uri) == {"b": 3}
    assert loads == ["v000001", "v000002"]


def test_old_versions_go_but_the_previous_one_stays(index_uri, vectors_of):
    for number in range(5):
        update("build", index_uri, vectors_of("a", number + 1), keep_versions=2)
    assert versions_in(index_uri) == ["v000004", "v000005"]


def test_what_a_writer_that_died_did_not_clear_up_goes_though_nothing_changed(
    index_uri, vectors_of, monkeypatch
):
    monkeypatch.setattr(versions, "_prune", lambda *args: None)
    for number in range(4):
        update("build", index_uri, vectors_of("a", number + 1), keep_versions=2)
    monkeypatch.undo()
    assert len(versions_in(index_uri)) == 4
    assert update("add", index_uri, vectors_of("empty", 0), keep_versions=2).version == "v000004"
    assert versions_in(index_uri) == ["v000003", "v000004"]


def test_rollback(index_uri, vectors_of):
    update("build", index_uri, vectors_of("good"))
    update("build", index_uri, vectors_of("bad"))
    assert rollback(index_uri).version == "v000001"
    assert assets_in(index_uri) == {"good": 3}
    with pytest.raises(UserError, match="has no previous version to go back to"):
        rollback(index_uri)
    added = update("add", index_uri, vectors_of("new"))
    assert (added.version, added.previous) == ("v000003", "v000001")
    assert versions_in(index_uri) == ["v000001", "v000003"]  # nothing descends from the bad one
    assert assets_in(index_uri) == {"good": 3, "new": 3}


def test_rollback_without_an_index(index_uri):
    with pytest.raises(UserError, match="no previous version"):
        rollback(index_uri)


def test_places_that_cannot_be_written(vectors_of, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written: Not a directory"):
        update("build", (tmp_path / "file" / "index").as_uri(), vectors_of("a"))


WRITER = """
import sys
from containers.faiss.app import handler
from containers.faiss.index import library
library()
print("ready", flush=True)
for line in sys.stdin:
    handler({"action": "add", "index_uri": sys.argv[1], "vectors": [line.strip()],
             "model": "face-model", "replace_assets": ["moving"]}, None)
    print("done", flush=True)
"""


def start_writer(index_uri):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, index_uri],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def give(writer, *files):
    """Hands files to a writer that has started."""
    writer.stdin.write("".join(f"{file}\n" for file in files))
    writer.stdin.flush()


@pytest.mark.slow
def test_ten_writers_at_once_take_turns(index_uri, vectors_of):
    files = [vectors_of(f"asset{number}", 20, seed=number) for number in range(10)]
    writers = [start_writer(index_uri) for _ in files]
    assert all(writer.stdout.readline() == "ready\n" for writer in writers)
    for writer, file in zip(writers, files, strict=True):
        give(writer, file)
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    assert assets_in(index_uri) == {f"asset{number}": 20 for number in range(10)}
    assert versions_in(index_uri)[-1] == "v000010"


@pytest.mark.slow
def test_a_writer_killed_at_any_moment_leaves_a_whole_index(index_uri, vectors_of):
    update("build", index_uri, vectors_of("still", 500), vectors_of("moving", 400, seed=1))
    file = vectors_of("moving", 400, seed=2)
    moments = random.Random(0)
    folder = local_path(index_uri)
    for _ in range(10):
        writer = start_writer(index_uri)
        give(writer, *[file] * 50)
        assert [writer.stdout.readline() for _ in range(2)] == ["ready\n", "done\n"]
        time.sleep(moments.uniform(0, 0.1))
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        assert assets_in(index_uri) == {"still": 500, "moving": 400}
    update("add", index_uri, vectors_of("last", 1))
    assert not any(folder.glob(".*.part"))
    assert assets_in(index_uri) == {"still": 500, "moving": 400, "last": 1}


DYING = """
import os, signal, sys
from containers.faiss import update
from containers.common.index import versions
from containers.faiss.app import handler
{step} = lambda *given: os.kill(os.getpid(), signal.SIGKILL)
handler({{"action": "add", "index_uri": sys.argv[1], "vectors": [sys.argv[2]], "model": "face-model"}}, None)
"""


@pytest.mark.parametrize(
    ("step", "survivors"),
    [
        ("update.faiss_index.extend", {"a": 3}),
        ("update.faiss_index.save", {"a": 3}),
        ("update.write_arrow", {"a": 3}),
        ("update.sha256_of", {"a": 3}),
        ("versions._point_to", {"a": 3}),
        ("versions._prune", {"a": 3, "b": 3}),
    ],
)
def test_a_writer_that_dies_at_this_step(index_uri, vectors_of, step, survivors):
    update("build", index_uri, vectors_of("a"))
    arguments = [sys.executable, "-c", DYING.format(step=step), index_uri, vectors_of("b", seed=1)]
    assert subprocess.run(arguments, capture_output=True).returncode == -signal.SIGKILL
    assert assets_in(index_uri) == survivors
    update("add", index_uri, vectors_of("c", seed=2))
    assert assets_in(index_uri) == {**survivors, "c": 3}
    assert not any(local_path(index_uri).glob(".*.part"))


LIMITED = """
import resource, sys
from containers.common.errors import StorageError
from containers.faiss.app import handler
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
uri, vectors = sys.argv[1:]
try:
    handler({"action": "build", "index_uri": uri, "vectors": [vectors], "model": "face-model"}, None)
except StorageError as error:
    print(error)
"""


def test_a_disk_that_fills_up(index_uri, vectors_of):
    update("build", index_uri, vectors_of("a"))
    arguments = [sys.executable, "-c", LIMITED, index_uri, vectors_of("big", 5000)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert "cannot be written: File too large" in done.stdout and done.stdout.count("\n") == 1
    assert assets_in(index_uri) == {"a": 3}
    assert not any(local_path(index_uri).glob(".*.part"))
