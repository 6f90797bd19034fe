"""Files, folders and globs become a list of media."""

import pytest

from containers.common.errors import MediaError
from tasks.media.find import find_everywhere, find_media


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


def test_a_list_names_what_is_meant(library, tmp_path):
    listed = tmp_path / "list.txt"
    listed.write_text(f"# the best\n{library / 'b.mp4'}\n\n{library}/**/*.wav\n")
    assert names(find_everywhere([f"@{listed}"])) == ["b.mp4", "a.wav"]
    with pytest.raises(MediaError, match=r"^The list missing\.txt cannot be read: "):
        find_everywhere(["@missing.txt"])
