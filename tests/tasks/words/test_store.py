"""The word index serves exactly what is published, whatever happened to its files."""

import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from containers.common.errors import StorageError, UserError
from tasks.search.moments import find_moments
from tasks.search.question import MomentQuestion
from tasks.words.store import index_asset, open_words
from tasks.words.versions import forget_versions, make_version, roll_back
from tests.tasks.words.archive import publish

TALK, SHOW, NEWS = "a" * 16, "b" * 16, "c" * 16


@pytest.fixture
def output(tmp_path: Path) -> Path:
    for asset in (TALK, SHOW):
        publish(tmp_path, asset, [("The budget of next year.", 1.0, 2.0), ("Let us begin.", 3.0, 4.0)])
    return tmp_path


def where(output: Path, said: str = "budget") -> list[str]:
    answer = find_moments(output, MomentQuestion(said=said), say=lambda _: None)
    return sorted(moment.asset for moment in answer.moments)


def files(output: Path) -> set[str]:
    return {path.name for path in (output / "words").iterdir()}


def test_an_analysis_makes_its_words_searchable_at_once(output: Path) -> None:
    assert index_asset(output, TALK) == 2
    assert where(output) == [TALK, SHOW], "and what nobody indexed is read by the first search"


def test_an_asset_analysed_again_loses_what_it_had(output: Path) -> None:
    assert where(output) == [TALK, SHOW]
    publish(output, TALK, [("Nothing of that.", 1.0, 2.0)])
    assert where(output) == [SHOW]
    index_asset(output, TALK)
    assert where(output) == [SHOW] and where(output, "nothing") == [TALK]


def test_a_name_that_is_given_to_nobody_any_more_is_not_kept(output: Path) -> None:
    publish(output, TALK, [("Yes.", 1.0, 2.0)], names={"SPEAKER_00": "Kate"}, seen=[("Kate", 0.0, 3.0)])
    index_asset(output, TALK)
    publish(output, TALK, [("Yes.", 1.0, 2.0)])
    index_asset(output, TALK)
    for part in ({"by": "Kate"}, {"seen": "Kate"}):
        with pytest.raises(UserError) as told:
            find_moments(output, MomentQuestion.model_validate(part), say=print)
        assert "there is Kate" not in str(told.value)
    assert b"Kate" not in (output / "words" / "recent.db").read_bytes()


def test_a_removed_asset_is_found_no_more(output: Path) -> None:
    make_version(output)
    shutil.rmtree(output / TALK)
    assert where(output) == [SHOW]


@pytest.mark.parametrize(
    "how",
    [
        {"broken": True},
        {"options": {"index": False}},
        {"stages": [{"name": "check", "status": "failed", "reason": "broken"}]},
    ],
)
def test_what_is_kept_out_of_the_other_indexes_is_kept_out_of_this_one(output: Path, how: dict) -> None:
    publish(output, TALK, [("The budget.", 1.0, 2.0)], **how)
    assert where(output) == [SHOW]
    make_version(output)
    assert where(output) == [SHOW]


class TestVersions:
    def test_a_version_takes_in_what_is_recent(self, output: Path) -> None:
        index_asset(output, TALK)
        version, changed = make_version(output)
        assert (version.version, version.assets, version.count, changed) == ("v000001", 2, 4, True)
        assert make_version(output) == (version, False)
        words = open_words(output)
        assert [len(file.assets) for file in words.files] == [2, 0]

    def test_the_next_is_extended_from_it(self, output: Path) -> None:
        for number in range(4):
            publish(output, f"{number}" * 16, [("More.", 1.0, 2.0)])
        make_version(output)
        publish(output, NEWS, [("The budget again.", 1.0, 2.0)])
        shutil.rmtree(output / SHOW)
        version, _ = make_version(output)
        assert (version.made, version.assets) == ("extended", 6)
        assert version.why == "1 assets added or changed, 1 gone"
        assert where(output) == [TALK, NEWS]

    def test_going_back_loses_nothing(self, output: Path) -> None:
        make_version(output)
        publish(output, NEWS, [("The budget again.", 1.0, 2.0)])
        make_version(output)
        assert roll_back(output).version == "v000001"
        assert where(output) == [TALK, SHOW, NEWS]
        with pytest.raises(UserError, match="has no previous version"):
            roll_back(output)

    def test_old_versions_go(self, output: Path) -> None:
        for _ in range(5):
            make_version(output, keep_versions=2, rebuild=True)
        assert {"v000004.db", "v000005.db", "v000004.json", "v000005.json"} == {
            name for name in files(output) if name.startswith("v")
        }

    def test_old_versions_go_after_their_writer_died(
        self, output: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tasks.words.versions._prune", lambda *args: None)
        for _ in range(4):
            make_version(output, keep_versions=2, rebuild=True)
        monkeypatch.undo()
        assert not make_version(output, keep_versions=2)[1], "nothing changed"
        assert {name for name in files(output) if name.endswith(".db")} == {"v000003.db", "v000004.db"}

    def test_a_version_that_does_not_hold_what_it_should_never_serves(
        self, output: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_version(output)
        publish(output, NEWS, [("The budget again.", 1.0, 2.0)])
        monkeypatch.setattr("tasks.words.index_file.terms", lambda text: ["other"])
        with pytest.raises(UserError, match="finds 0 of 5 segments by their own words"):
            make_version(output, rebuild=True)
        monkeypatch.undo()
        assert '"v000001"' in (output / "words" / "current").read_text()
        assert where(output) == [TALK, SHOW, NEWS]


def test_a_forgotten_name_is_in_no_file(output: Path) -> None:
    said = [("Yes.", 1.0, 2.0)]
    publish(output, TALK, said, names={"SPEAKER_00": "Lucy"}, seen=[("Lucy", 0.0, 3.0)])
    make_version(output)
    publish(output, TALK, said)
    index_asset(output, TALK)
    forget_versions(output)
    held = b"".join(path.read_bytes() for path in (output / "words").iterdir())
    assert b"lucy" not in held.lower() and len(held) > 1000
    (about,) = (output / "words").glob("v*.json")
    assert '"extended"' in about.read_text(), "what others said was not read again"
    assert where(output) == [SHOW]


class TestDamage:
    @pytest.mark.parametrize("name", ["v000001.db", "recent.db", "current"])
    @pytest.mark.parametrize("content", [b"", b"no database " * 999, None])
    def test_a_damaged_file_is_read_anew(self, output: Path, name: str, content: bytes | None) -> None:
        make_version(output)
        publish(output, NEWS, [("The budget again.", 1.0, 2.0)])
        index_asset(output, NEWS)
        path = output / "words" / name
        path.unlink()
        if content is not None:
            path.write_bytes(content)
        assert where(output) == [TALK, SHOW, NEWS]
        make_version(output)
        assert where(output) == [TALK, SHOW, NEWS]

    def test_damage_inside_is_one_sentence_that_says_what_to_do(self, output: Path) -> None:
        make_version(output)
        path = output / "words" / "v000001.db"
        whole = path.read_bytes()
        path.write_bytes(whole[:8192] + bytes(len(whole) - 8192))
        try:
            assert where(output) == [TALK, SHOW]
        except StorageError as error:
            assert "is damaged" in str(error) and "flows.reindex" in str(error)
        make_version(output)
        assert where(output) == [TALK, SHOW]

    def test_what_a_stranger_put_into_the_file_does_not_run(self, output: Path) -> None:
        make_version(output)
        path = output / "words" / "v000001.db"
        stranger = sqlite3.connect(path)
        stranger.execute("CREATE TRIGGER t AFTER INSERT ON segments BEGIN DELETE FROM segments; END")
        stranger.commit()
        stranger.close()
        said: list[str] = []
        find_moments(output, MomentQuestion(said="budget"), say=said.append)
        assert "another version, or none" in said[0]
        assert where(output) == [TALK, SHOW]

    def test_a_link_out_of_the_folder_is_not_followed(self, output: Path, tmp_path_factory) -> None:
        elsewhere = tmp_path_factory.mktemp("elsewhere")
        (output / "words").symlink_to(elsewhere)
        with pytest.raises(StorageError, match="is not inside"):
            where(output)
        assert not list(elsewhere.iterdir())

    def test_a_damaged_transcript_is_named_and_the_others_are_found(self, output: Path) -> None:
        (output / TALK / "transcript.json").write_text('{"segments": [{"text": "half')
        said: list[str] = []
        answer = find_moments(output, MomentQuestion(said="budget"), say=said.append)
        assert [moment.asset for moment in answer.moments] == [SHOW]
        assert f"{TALK} cannot be searched" in said[0] and answer.notes == said
        version, _ = make_version(output)
        assert version.assets == 1 and list(version.unread) == [TALK]
        again, changed = make_version(output)
        assert (again.version, list(again.unread), changed) == ("v000001", [TALK], False)

    def test_folders_that_nobody_can_read_stop_no_search(self, output: Path) -> None:
        (output / NEWS / "manifest.json").mkdir(parents=True)
        (output / "\udcff").mkdir()
        (output / "\udcff" / "manifest.json").write_text("{}")
        (output / "plain").write_text("a file")
        said: list[str] = []
        answer = find_moments(output, MomentQuestion(said="budget"), say=said.append)
        assert len(answer.moments) == 2 and said == [
            f"{NEWS} cannot be searched: {output / NEWS / 'manifest.json'} cannot be read: Is a directory."
        ]

    @pytest.mark.parametrize("text", ["\ud800 budget", "bud\0get budget", "budget " + "\U0001f600" * 99])
    def test_text_that_no_database_likes_is_found_and_taken_out_again(self, output: Path, text: str) -> None:
        publish(output, TALK, [(text, 1.0, 2.0)], heard=[("Speech", 0.0, 5.0), ("Speech", 0.0, 9.0)])
        index_asset(output, TALK)
        assert where(output) == [TALK, SHOW]
        publish(output, TALK, [("Gone.", 1.0, 2.0)])
        index_asset(output, TALK)
        assert where(output) == [SHOW]


def test_no_folder_and_nothing_in_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no folder"):
        where(tmp_path / "nothing")
    with pytest.raises(UserError, match="Nothing was analysed"):
        where(tmp_path)
    assert not (tmp_path / "words").exists()


WORK = """
import sys
from pathlib import Path
from tasks.words.store import index_asset
from tasks.words.versions import make_version
output = Path(sys.argv[1])
print("ready", flush=True)
while True:
    index_asset(output, sys.argv[2])
    make_version(output, rebuild=True)
"""


@pytest.mark.slow
def test_killed_at_any_moment_it_serves_what_is_published(output: Path) -> None:
    """Writers are killed while they index and make versions; every search finds all and no more."""
    for number in range(6):
        command = [sys.executable, "-c", WORK, str(output), TALK]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
            time.sleep(0.02 + 0.05 * number)
            process.kill()
        assert where(output) == [TALK, SHOW]
    version, _ = make_version(output)
    assert (version.assets, version.count) == (2, 4)
    assert not [name for name in files(output) if name.endswith(".part")]
