"""Files, folders and globs become a list of media."""

import os

import pytest

from containers.common.errors import MediaError
from tasks.media.find import find_everywhere, find_media, find_noting, look_below, survey


@pytest.fixture
def library(tmp_path):
    for name in (
        "b.mp4",
        "a.wav",
        "notes.txt",
        ".hidden.mp4",
        "deep/c.MKV",
        "deep/.cache/d.wav",
        "deep/e.opus",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def names(paths):
    return [path.name for path in paths]


def test_a_folder_is_the_media_below_it(library):
    assert names(find_media([str(library)])) == ["a.wav", "b.mp4", "c.MKV", "e.opus"]


def test_a_glob_is_what_it_matches(library):
    assert names(find_media([f"{library}/**/*.wav"])) == ["a.wav"]


def test_a_file_is_itself_whatever_its_suffix(library):
    assert names(find_media([str(library / "notes.txt")])) == ["notes.txt"]


def test_a_name_that_looks_like_a_glob_is_a_name_first(tmp_path):
    path = tmp_path / "talk [final].mp4"
    path.touch()
    assert find_media([str(path)]) == [path]


def test_each_file_once_and_in_the_order_given(library):
    given = [str(library / "b.mp4"), str(library)]
    assert names(find_media(given)) == ["b.mp4", "a.wav", "c.MKV", "e.opus"]


@pytest.mark.parametrize("source", ["missing.mp4", "*.avi", "empty"])
def test_a_source_that_stands_for_nothing_is_named(source, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(MediaError, match=r"^There is no media at .*\.$"):
        find_media([str(tmp_path / source)])


def test_what_is_empty_is_noted_and_what_is_missing_is_not(library, tmp_path):
    (tmp_path / "empty").mkdir()
    notes: list[str] = []
    given = [str(tmp_path / "empty"), str(library / "b.mp4"), str(tmp_path / "*.avi")]
    assert names(find_noting(given, notes.append)) == ["b.mp4"]
    assert notes == [f"There is no media at {given[0]}.", f"There is no media at {given[2]}."]
    with pytest.raises(MediaError, match="missing"):
        find_noting([str(tmp_path / "missing.mp4")], notes.append)


def test_a_list_names_what_is_meant(library, tmp_path):
    listed = tmp_path / "list.txt"
    listed.write_text(f"# the best\n{library / 'b.mp4'}\n\n{library}/**/*.wav\n")
    assert names(find_everywhere([f"@{listed}"])) == ["b.mp4", "a.wav"]
    with pytest.raises(MediaError, match=r"^The list missing\.txt cannot be read: "):
        find_everywhere(["@missing.txt"])


def test_what_is_left_out_of_a_folder_is_said_with_the_reason(library):
    (library / "cover.jpg").write_bytes(b"\xff\xd8")
    (library / "gone.mp4").symlink_to(library / "nothing.mp4")
    os.mkfifo(library / "pipe.mp3")
    (library / b"caf\xe9.wav".decode(errors="surrogateescape")).touch()
    found = look_below(library)
    assert names(found.media) == ["a.wav", "b.mp4", "c.MKV", "e.opus"]
    reasons = {path.rpartition("/")[2]: why for path, why in found.left_out.items()}
    assert reasons == {
        "caf\ufffd.wav": "its name holds bytes that are no UTF-8 text; rename it first",
        "cover.jpg": "a picture: name it to have it analysed",
        "gone.mp4": "it has gone",
        "notes.txt": "no media",
        "pipe.mp3": "it is no file",
    }
    assert found.sentence.startswith("Left out: ") and found.sentence.endswith(").")
    assert survey([f"{library}/*.mp[34]"]).left_out == {
        f"{library}/gone.mp4": "it has gone",
        f"{library}/pipe.mp3": "it is no file",
    }


def test_a_picture_that_is_named_beside_its_folder_is_not_left_out(library):
    (library / "cover.jpg").write_bytes(b"\xff\xd8")
    given = [str(library), str(library / "cover.jpg")]
    notes: list[str] = []
    assert "cover.jpg" in names(find_noting(given, notes.append))
    assert notes == ["Left out: notes.txt (no media)."]
    assert [*survey(given).left_out] == [f"{library}/notes.txt"]


def test_what_a_name_does_not_tell_the_first_bytes_do(tmp_path, speech_wav):
    (tmp_path / "recording").write_bytes(speech_wav.read_bytes())
    (tmp_path / "capture.001").write_bytes(b"\x47" + bytes(187) + (b"\x47" + bytes(187)) * 4)
    (tmp_path / "notes").write_text("no sound\n")
    found = look_below(tmp_path)
    assert names(found.media) == ["capture.001", "recording"]
    assert list(found.left_out.values()) == ["no media"]


def test_links_in_circles_are_walked_once(library):
    (library / "deep" / "again").symlink_to(library)
    (library / "also").symlink_to(library / "deep")
    assert names(look_below(library).media) == ["a.wav", "b.mp4", "c.MKV", "e.opus"]


def test_a_pattern_finds_each_file_once_whatever_links_lead_to_it(library):
    """Two circles: the standard library's glob would never end."""
    for name in ("again", "once_more"):
        (library / "deep" / name).symlink_to(library)
    assert names(find_media([f"{library}/**/*.*"])) == ["a.wav", "b.mp4", "c.MKV", "e.opus", "notes.txt"]
    assert names(find_media([f"{library}/**/deep/*"])) == ["c.MKV", "e.opus"]
    assert names(find_media([f"{library}/d*/**"])) == ["c.MKV", "e.opus"]
    assert names(find_media([f"{library}/**/.cache/*.wav"])) == ["d.wav"]


def test_results_are_no_media(library):
    """An output folder inside the one that is looked at: its denoised sound must not be analysed."""
    asset = library / "out" / "0123456789abcdef"
    asset.mkdir(parents=True)
    (asset / "denoised.flac").write_bytes(b"fLaC")
    (asset / "manifest.json").write_text("{}")
    assert "denoised.flac" not in names(look_below(library).media)
    assert names(find_media([f"{library}/**/*.*a*"])) == ["a.wav"]


def test_a_folder_that_may_not_be_read_or_goes_away_stops_nothing(library, monkeypatch):
    scan = os.scandir

    def refuse(path):
        if os.fspath(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = look_below(library)
    assert names(found.media) == ["a.wav", "b.mp4"]
    assert found.left_out[str(library / "deep")] == "it may not be read by this user"
