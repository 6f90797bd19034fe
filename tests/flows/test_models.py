"""`python -m flows.models`: what it prints, how it ends, and how it ends when somebody ends it."""

import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest

from containers.common.errors import UserError
from containers.common.models import store as models
from containers.model_downloader.fetch import choose, fetch_models
from flows import fetch_models as scheduled
from flows.models import main
from tasks.calls.progress import listen
from tests.containers.model_downloader import conftest as downloader
from tests.containers.model_downloader.registry import Mood, noise
from tests.containers.model_downloader.s3 import serving

registry, store, describe, tagger = (
    downloader.registry,
    downloader.store,
    downloader.describe,
    downloader.tagger,
)
HALF = 200_000


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """The command as a user starts it; a shell that runs tests in the background ignores Ctrl-C for them."""
    return subprocess.Popen(
        [sys.executable, "-m", "flows.models", *arguments],
        cwd=Path(__file__).parents[2],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def written(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def test_list_fits_a_terminal_of_80_columns(monkeypatch, capsys, store):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("MEDIAFLOW_CATALOGUE", raising=False)
    models.catalogue.cache_clear()
    assert main(["list"]) == 0
    table, note, place = capsys.readouterr().out.split("\n\n")
    lines = table.splitlines()
    assert len(lines) == 1 + len(models.catalogue())
    assert max(map(len, lines)) <= 80
    assert re.split(r"\s{2,}", lines[1].strip()) == [
        "whisper-base",
        "starter",
        "MIT",
        "150.2 MB",
        "no",
    ]
    assert lines[-1].split()[-2:] == ["no", "*"]
    assert note == "* not yet fetched by this project: its hashes are recorded when you fetch it"
    assert place == f"Store: {store}\n"


def test_fetch_says_what_it_does_and_a_second_time_that_it_is_done(tagger, store, capsys):
    assert main(["fetch"]) == 0
    assert capsys.readouterr().out == "tagger: fetching 400.3 kB\ntagger: fetched (400.3 kB moved)\n"
    assert main(["fetch", "tagger"]) == 0
    assert capsys.readouterr().out == f"Already in {store}: tagger\n"
    assert main(["list"]) == 0
    assert re.search(r"tagger .* yes", capsys.readouterr().out)


def test_verify_names_what_is_missing_and_what_is_damaged(tagger, store, capsys):
    assert main(["verify"]) == 1
    assert capsys.readouterr().err == "tagger: weights.bin is not in the store.\n"
    main(["fetch"])
    capsys.readouterr()
    assert main(["verify"]) == 0
    assert capsys.readouterr().out == "tagger: every file matches its SHA-256\n"
    (store / "tagger" / "weights.bin").write_bytes(bytes(400_000))
    assert main(["verify"]) == 1
    assert capsys.readouterr().err == "tagger: weights.bin does not match its SHA-256.\n"
    assert main(["fetch", "tagger"]) == 0
    assert main(["verify"]) == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["fetch", "huge"], "There is no model 'huge' in the catalogue; it has tagger."),
        (["verify", "huge"], "There is no model 'huge' in the catalogue; it has tagger."),
        (["fetch", "--profile", "gold"], "There is no profile 'gold'; the catalogue has starter."),
    ],
)
def test_unknown_names(arguments, sentence, tagger, store, capsys):
    assert main(arguments) == 1
    assert capsys.readouterr() == ("", sentence + "\n")


def test_an_unreachable_registry_is_named_once_for_all_models(registry, describe, tagger, store, capsys):
    describe("other", [registry.carry("other", {"other.bin": b"1"})])
    registry.close()
    assert main(["fetch"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(
        r"Not fetched \(tagger, other\): 127\.0\.0\.1 cannot be reached: Connection refused; .*\.\n",
        err,
    )


def test_a_killed_fetch_is_continued_by_the_next(registry, tagger, store):
    registry.moods[tagger.file] = [Mood(hold=HALF)]
    partial = store / ".downloads" / tagger.sha256
    killed = start("fetch")
    wait_for(lambda: written(partial) > HALF / 2)
    killed.kill()
    killed.communicate()
    kept = written(partial)
    assert not (store / "tagger").exists()
    registry.served.clear()
    again = start("fetch")
    out, err = again.communicate(timeout=120)
    assert (again.returncode, err) == (0, "")
    assert registry.served[tagger.file] == len(tagger.content) - kept < len(tagger.content)
    assert (store / "tagger" / "weights.bin").read_bytes() == noise(400_000)
    assert out.endswith(" moved)\n")


def test_ctrl_c_ends_at_once_though_the_server_is_silent(registry, describe, tagger, store):
    for number in range(6):
        package = registry.carry(f"more-{number}", {f"{number}.bin": noise(1_000_000, number)})
        describe(f"more-{number}", [package])
    registry.moods = {file: [Mood(hold=HALF)] for file in registry.packages}
    running = start("fetch")
    downloads = store / ".downloads"
    almost = 4 * (HALF - 20_000)  # all but what waits in buffers: four threads hear nothing any more
    wait_for(lambda: sum(written(file) for file in downloads.glob("*")) > almost)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=20)  # silence is waited for half a minute
    assert running.returncode == 130
    assert err == "Interrupted; the same command continues where this one stopped.\n"


def test_an_interrupted_fetch_in_a_notebook_stops_its_threads(registry, tagger, store, monkeypatch):
    """The process goes on there, so the threads must not."""
    registry.moods[tagger.file] = [Mood(hold=HALF)]
    partial = store / ".downloads" / tagger.sha256

    def interrupted(self: Future) -> None:
        wait_for(lambda: written(partial) > 0)
        raise KeyboardInterrupt

    monkeypatch.setattr(Future, "result", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch_models(choose(["tagger"], None))
    registry.closing.set()
    time.sleep(0.3)
    assert not (store / "tagger").exists()


def test_on_a_terminal_a_bar_that_goes_away(registry, tagger, store):
    parent, child = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "80"}
    command = [sys.executable, "-m", "flows.models", "fetch"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, env=environment, stdout=child, stderr=child) as running:
        os.close(child)
        shown = b""
        while block := _read(parent):
            shown += block
    os.close(parent)
    assert running.returncode == 0
    text = shown.decode()
    assert "━" in text
    assert "fetching" not in text
    assert text.rstrip().endswith("tagger: fetched (400.3 kB moved)")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # how a terminal says that its other side was closed
        return b""


def test_the_flow_fetches_everything_before_it_says_what_it_could_not(
    registry, describe, tagger, store, monkeypatch
):
    """As the schedule runs it, but without Prefect's server."""
    monkeypatch.setattr(scheduled, "fetch", scheduled.fetch.fn)
    gone = registry.carry("gone", {"gone.bin": b"1"})
    describe("gone", [gone], profile="extra")
    del registry.packages[gone.file]
    heard = []
    undo = listen(lambda model, fraction: heard.append((model, fraction)))
    with pytest.raises(
        UserError,
        match=r"^Model 'gone' was not fetched: 127\.0\.0\.1 answers 404 for /simple/gone/; check its .*\.$",
    ):
        scheduled.models.fn(["gone", "tagger"])
    undo()
    assert heard[-1] == ("tagger", 1.0)
    assert [model.status for model in scheduled.models.fn()] == ["present"]


@pytest.mark.slow
def test_a_real_model_from_the_real_registry(tmp_path, monkeypatch):
    """12 MB over the network; the second run needs none."""
    monkeypatch.delenv("MEDIAFLOW_CATALOGUE", raising=False)
    for attempt in ("firered-aed: fetched (12.6 MB moved)", f"Already in {tmp_path}: firered-aed"):
        running = start("fetch", "firered-aed", MEDIAFLOW_MODELS=str(tmp_path))
        out, err = running.communicate(timeout=120)
        assert (running.returncode, err) == (0, "")
        assert out.splitlines()[-1] == attempt
    running = start("verify", "firered-aed", MEDIAFLOW_MODELS=str(tmp_path))
    assert running.communicate(timeout=120) == ("firered-aed: every file matches its SHA-256\n", "")


def test_dry_run_shows_what_would_be_fetched_under_which_licence(tagger, registry, store, capsys):
    assert main(["fetch", "--dry-run"]) == 0
    table, total = capsys.readouterr().out.split("\n\n")
    assert re.split(r"\s{2,}", table.splitlines()[1].strip()) == ["tagger", "MIT", "400.0 kB", "yes"]
    assert total == f"To {store}: 400.0 kB\n"
    assert not registry.served
    assert not store.exists()


def test_dry_run_asks_for_sizes_that_nobody_knows_yet(store, tmp_path, monkeypatch, capsys):
    (tmp_path / "near").mkdir()
    (tmp_path / "near" / "mine.bin").write_bytes(bytes(5000))
    entry = (
        '[[model]]\nid = "{}"\ntask = "tag"\ntitle = ""\nrevision = "1"\nlicence = "MIT"\nprofile = "own"\n'
    )
    own = tmp_path / "own.toml"
    own.write_text(
        f'{entry.format("mine")}files = []\nsource = {{ kind = "folder", path = "{tmp_path / "near"}" }}\n'
        f'{entry.format("lost")}files = []\nsource = {{ kind = "folder", path = "{tmp_path / "far"}" }}\n'
    )
    monkeypatch.setenv("MEDIAFLOW_CATALOGUE", str(own))
    models.catalogue.cache_clear()
    assert main(["fetch", "--profile", "own", "--dry-run"]) == 0
    said, complaint = capsys.readouterr()
    assert [line.split() for line in said.splitlines()[1:3]] == [
        ["mine", "MIT", "5.0", "kB", "yes"],
        ["lost", "MIT", "?", "yes"],
    ]
    assert said.endswith(f"To {store}: 5.0 kB and 1 of unknown size\n")
    assert complaint.startswith(f"Size unknown (lost): {tmp_path / 'far'} is no folder with files;")
    assert not store.exists()


def test_what_the_catalogue_does_not_name_is_removed_when_agreed(tagger, store, capsys, monkeypatch):
    main(["fetch"])
    (store / "old").mkdir()
    (store / "old" / "old.bin").write_bytes(b"old")
    capsys.readouterr()
    assert main(["diff"]) == 1
    assert capsys.readouterr().out == "old: not in the catalogue\n"
    monkeypatch.setattr("builtins.input", lambda question: "n")
    assert main(["prune"]) == 1
    assert (store / "old").exists()
    assert main(["prune", "--yes"]) == 0
    assert not (store / "old").exists()
    capsys.readouterr()
    assert main(["diff"]) == 0
    assert capsys.readouterr().out == "No difference.\n"
    assert main(["prune", "--keep-mb", "0", "--yes"]) == 0
    assert capsys.readouterr().out == "tagger: 400.0 kB, used least recently\nRemoved: tagger\n"


def test_a_catalogue_of_ones_own_adds_to_it(tagger, store, tmp_path, monkeypatch, capsys):
    (tmp_path / "near").mkdir()
    (tmp_path / "near" / "mine.bin").write_bytes(b"mine")
    own = tmp_path / "own.toml"
    own.write_text(
        '[[model]]\nid = "mine"\ntask = "tag"\ntitle = ""\nrevision = "1"\nlicence = "MIT"\nprofile = "own"\n'
        f'files = []\nsource = {{ kind = "folder", path = "{tmp_path / "near"}" }}\n'
    )
    monkeypatch.setenv("MEDIAFLOW_CATALOGUE_ADD", str(own))
    models.catalogue.cache_clear()
    assert main(["fetch", "--profile", "own"]) == 0
    digest = models.sha256_of(tmp_path / "near" / "mine.bin")
    assert f"  recorded mine.bin {digest}\n" in capsys.readouterr().out
    assert list(models.catalogue()) == ["tagger", "mine"]
    (store / "mine" / "mine.bin").write_bytes(b"evil")
    assert main(["verify", "mine"]) == 1


def test_the_same_command_fills_and_checks_an_s3_store(tagger, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MEDIAFLOW_MODEL_CACHE", str(tmp_path / "cache"))
    with serving() as (_, place):
        assert main(["--store", place, "fetch"]) == 0
        assert main(["--store", place, "verify"]) == 0
        assert main(["--store", place, "fetch"]) == 0
        assert capsys.readouterr().out.endswith(
            f"tagger: every file matches its SHA-256\nAlready in {place}: tagger\n"
        )
        assert main(["--store", place, "diff"]) == 0
        assert main(["--store", place, "prune", "--keep-mb", "0", "--yes"]) == 0
        assert main(["--store", place, "verify"]) == 1
        assert capsys.readouterr().err == f"tagger: It is not in the store {place}.\n"
