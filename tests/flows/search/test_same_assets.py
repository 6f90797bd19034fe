"""Kill -9 at any step of indexing: words and vectors serve the same assets, before and after what was killed.

A process goes through three analyses' ends (vectors, folder, words), of which one breaks a critical rule, and
a nightly re-index, and kills itself at one of the moments at which it changes a file's name, makes or removes
one or opens a database; so for each.
`tests/tasks/words` and `tests/containers/faiss` kill at moments between these too.
"""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DRIVER = '''
import contextlib, io, os, shutil, signal, sys, tempfile
from pathlib import Path
import numpy as np
from containers.common.contract import Answer
from containers.faiss.app import handler
from containers.common.index.found import Filter
from containers.faiss.index import library as load_faiss
from containers.common.models.store import sha256_of
from tasks.asset.folder import Asset
from tasks.asset.manifest import Manifest
from tasks.index import ask
from tasks.index.collect import collect, drop_orphans, write_parts
from tasks.outputs.embeddings import write_embeddings
from tasks.search import find, library
from tasks.search.answer import Question
from tasks.search.moments import find_moments
from tasks.search.query import QueryVectors
from tasks.search.question import MomentQuestion
from tasks.stages.index.run import index, withdraw
from tasks.words.store import index_asset
from tasks.words.versions import make_version
from tests.tasks.words.archive import publish

load_faiss()
ONE, TWO, THREE = "a" * 16, "b" * 16, "c" * 16
STEPS = {"os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "sqlite3.connect"}


def invoke(image, request, result_type):
    answer = handler(request.model_dump(mode="json", exclude_none=True), None)
    found = Answer[result_type].model_validate(answer)
    if found.result_uri:
        found.result = result_type.model_validate_json(Path(found.result_uri.removeprefix("file://")).read_bytes())
    return found


ask.invoke = invoke


def analyse(output, asset, said, seed, broken=False):
    place = Asset(output=output, id=asset)
    place.prepare()
    with tempfile.TemporaryDirectory() as made:
        folder = publish(Path(made), asset, [(f"The budget {said}.", 1.0, 2.0)], broken=broken)
        files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "manifest.json"}
        manifest = Manifest.model_validate_json((folder / "manifest.json").read_bytes())
    vector = np.random.default_rng(seed).standard_normal((3, 8)).tolist()
    rows = [{"model": "faces", "vector": each, "metadata": {"kind": "face"}} for each in vector]
    kept = place.cache / "embeddings.parquet"
    write_embeddings(kept, asset, rows)
    if not broken:
        index.fn(asset, kept, ["faces"], output / "index")
    manifest.files, manifest.embeddings = {}, {"faces": 3}
    place.publish(files | {"embeddings.parquet": kept}, manifest)
    if broken:
        withdraw(asset, sha256_of(kept), output / "index")
    index_asset(output, asset)


def reindex(output):
    drop_orphans.fn(output)
    parts = collect.fn(output)["faces"]
    listed = output / ".cache" / "parts.parquet"
    write_parts(parts, listed)
    handler({"action": "reindex", "index_uri": (output / "index" / "faces").as_uri(), "model": "faces",
             "parts": listed.as_uri()}, None)
    make_version(output)


def work(output):
    analyse(output, ONE, "again", 7)
    analyse(output, THREE, "of a third", 8)
    analyse(output, TWO, "that breaks a rule", 9, broken=True)
    reindex(output)


def served(output):
    words = find_moments(output, MomentQuestion(said="budget", k=50), say=lambda _: None).moments
    question = Question(kind="face", query="x", k=50)
    shelf = library.Library(output)
    vectors = find._collect(shelf, question, "faces", QueryVectors(np.ones((1, 8), np.float32)), Filter())
    return sorted({each.asset[0] for each in words}), sorted({each.asset[0] for each in vectors})


def apart(task):
    """In a process of its own; its exit status."""
    child = os.fork()
    if not child:
        with contextlib.redirect_stderr(io.StringIO()):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            task()
        sys.stdout.flush()
        os._exit(0)
    return os.waitpid(child, 0)[1]


def killed_at(output, step):
    left = [step]

    def hook(event, arguments):
        if event in STEPS:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    work(output)


root = Path(sys.argv[1])
begun = root / "begun"


def begin():
    begun.mkdir()
    analyse(begun, ONE, "of one", 1)
    analyse(begun, TWO, "of two", 2)
    reindex(begun)


assert apart(begin) == 0
step = 0
while True:
    output = root / "output"
    shutil.rmtree(output, ignore_errors=True)
    shutil.copytree(begun, output)
    ended = apart(lambda: killed_at(output, step)) == 0
    apart(lambda: print(step, *map("".join, served(output))))
    apart(lambda: (reindex(output), print(step, "then", *map("".join, served(output)))))
    if ended:
        break
    step += int(sys.argv[2])
'''


@pytest.mark.slow
@pytest.mark.parametrize("every", [5, pytest.param(1, marks=pytest.mark.soak)])
def test_killed_at_any_step_words_and_vectors_serve_the_same_assets(tmp_path: Path, every: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(tmp_path), str(every)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answers = [line.split() for line in done.stdout.splitlines()]
    differ = [answer for answer in answers if answer[-1] != answer[-2]]
    assert differ == []
    kinds = Counter(answer[-1] for answer in answers)
    assert set(kinds) == {"ab", "abc", "ac"}, "a third came, and the second broke a rule"
    assert answers[-1][-1] == "ac" and len(answers) > 80 / every
