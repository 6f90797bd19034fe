"""What people paste into a form."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from flows import forms
from flows.forms import Place, own_name_or


@pytest.mark.parametrize(
    ("pasted", "meant"),
    [
        ("  /media/talk.mp4\n", "/media/talk.mp4"),
        ("'/media/my talk.mp4'", "/media/my talk.mp4"),
        ('"/media/talk.mp4" ', "/media/talk.mp4"),
        ("file:///media/my%20talk.mp4", "/media/my talk.mp4"),
        (" s3://bucket/talk.mp4", "s3://bucket/talk.mp4"),
        ("~/talk.mp4", str(Path.home() / "talk.mp4")),
        ("it's.mp4", "it's.mp4"),
        (Path("/media/talk.mp4"), "/media/talk.mp4"),
    ],
)
def test_a_place_is_what_was_meant(pasted, meant):
    assert TypeAdapter(Place).validate_python(pasted) == meant


def test_a_name_that_is_there_is_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    odd = " 'odd' "
    Path(odd).touch()
    assert TypeAdapter(Place).validate_python(odd) == odd


@pytest.mark.parametrize("nothing", ["", "  ", "''", None, 3])
def test_nothing_is_no_place(nothing):
    with pytest.raises(ValidationError):
        TypeAdapter(Place).validate_python(nothing)


@pytest.mark.parametrize(
    ("given", "name"), [("wise-otter", "talk.mp4"), ("", "talk.mp4"), ("for the archive", "for the archive")]
)
def test_a_run_that_was_given_a_name_keeps_it(given, name, monkeypatch):
    monkeypatch.setattr(forms, "flow_run", type("Run", (), {"name": given}))
    assert own_name_or(lambda: "talk.mp4")() == name
