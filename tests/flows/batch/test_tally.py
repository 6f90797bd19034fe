"""How far a batch is."""

import pytest

from flows.batch.tally import Tally


@pytest.fixture
def files(tmp_path):
    paths = [tmp_path / name for name in ("small.wav", "large.mp4")]
    paths[0].write_bytes(bytes(99))
    paths[1].write_bytes(bytes(299))
    return paths


def test_it_counts_by_size(files):
    tally = Tally()
    tally.begin(files)
    assert (tally.percent, tally.seconds_left, tally.line) == (0, None, "0 of 2 files")
    tally.ended(files[0], complete=True, last=False, news="")
    assert tally.percent == 25
    assert tally.seconds_left is not None
    tally.ended(files[1], complete=True, last=False, news="")
    assert (tally.percent, tally.line) == (100, "2 of 2 files")


def test_a_failed_file_counts_when_it_is_not_tried_again(files):
    news = []
    tally = Tally(on_change=lambda tally, text: news.append(text))
    tally.begin(files)
    tally.ended(files[0], complete=False, last=False, news="small.wav: will be tried again")
    assert tally.line == "0 of 2 files"
    tally.ended(files[0], complete=False, last=True, news="small.wav: failed")
    assert tally.line.startswith("1 of 2 files, 1 failed, about 0:00:0")
    assert news == ["2 files", "small.wav: will be tried again", "small.wav: failed"]


def test_nothing_to_do_is_everything_done():
    tally = Tally()
    tally.begin([])
    assert tally.percent == 100


def test_a_file_that_vanishes_after_it_was_found_stops_nobody(files):
    files[1].unlink()
    tally = Tally()
    tally.begin(files)
    tally.ended(files[1], complete=False, last=True, news="There is no file large.mp4.")
    assert tally.line.startswith("1 of 2 files, 1 failed")
