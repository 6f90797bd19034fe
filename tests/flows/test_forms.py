"""What people paste into a form."""

from pathlib import Path

import pytest
from prefect.utilities.callables import parameter_schema
from pydantic import TypeAdapter, ValidationError

from flows import forms
from flows.analyze.flow import analyze
from flows.forms import Place, for_people, own_name_or
from tasks.stages.options import AnalyzeOptions


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


def test_choices_have_names_that_people_understand():
    """Of the longest form there is."""
    form = for_people(parameter_schema(analyze).model_dump_for_openapi())
    assert [each.get("title") for each in form["properties"]["options"]["anyOf"]] == [None, "automatic"]
    options = form["definitions"]["AnalyzeOptions"]
    assert options["title"] == "chosen by hand"
    choices = [choice for field in options["properties"].values() for choice in field.get("anyOf", [])]
    assert choices and all("const" not in choice for choice in choices)
    assert {choice["title"] for choice in choices if "$ref" not in choice} <= {
        "automatic",
        "number",
        "text",
        "list",
    }
    limit = options["properties"]["denoise_limit"]["anyOf"]
    assert limit[0] == {"enum": ["auto"], "type": "string", "title": "automatic"}


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


@pytest.mark.parametrize("typed", ["speech, faces", ["speech, Faces"], ["speech", " faces "]])
def test_names_are_typed_as_the_help_says(typed):
    assert AnalyzeOptions.model_validate({"only": typed}).only == ["speech", "faces"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"only": ["speach"]}, "'speach' is no stage"),
        ({"language": "xx"}, "xx"),
        ({"only": [3]}, "string"),
    ],
)
def test_what_nobody_knows_is_refused_before_anything_is_read(options, sentence):
    with pytest.raises(ValidationError, match=sentence):
        AnalyzeOptions.model_validate(options)
