"""What people paste into a form."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from prefect.flows import load_flow_from_entrypoint
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools.validation import ValidationError as RefusedByPrefect
from prefect.utilities.schema_tools.validation import validate
from pydantic import Field, TypeAdapter, ValidationError

from flows.analyze.flow import analyze
from flows.runs import forms
from flows.runs.forms import Place, for_people, own_name_or
from flows.service.registration import declared
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


def test_one_value_or_nothing_is_a_field_that_may_stay_empty():
    form = for_people(parameter_schema(asks).model_dump_for_openapi())
    assert [form["properties"][name]["type"] for name in ("said", "at", "where", "menu")] == [
        "string",
        "number",
        "array",
        "string",
    ]
    for answers in (
        {},
        dict.fromkeys(form["properties"]),
        {"menu": "a", "said": "x", "at": 1.5, "where": []},
    ):
        validate(answers, form, raise_on_error=True)
    for wrong in ({"menu": "c"}, {"at": "soon"}, {"where": "here"}, {"either": {}}):
        with pytest.raises(RefusedByPrefect):
            validate(wrong, form, raise_on_error=True)


def asks(
    said: str | None = None,
    at: Annotated[float, Field(ge=0)] | None = None,
    where: list[str] | None = None,
    menu: Literal["a", "b"] | None = None,
    either: int | str | None = None,
) -> None:
    """Of every kind."""


@pytest.mark.parametrize("nothing", ["", "  ", "''", None, 3])
def test_nothing_is_no_place(nothing):
    with pytest.raises(ValidationError):
        TypeAdapter(Place).validate_python(nothing)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        *(
            (made, "talk.mp4")
            for made in ("", "wise-otter", "phi-tucanae-b", "mu3-ichmul-ring", "omicron485-alphecca")
        ),
        *((made, "talk.mp4") for made in ("omicron5", "eta89-tandar-manifold", "nu-canis-majoris-x")),
        *((own, own) for own in ("for the archive", "Alpha", "episode-12", "talk_final", "piano")),
    ],
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


PASTED = " '~/my media/talk' "
MEANT = str(Path.home() / "my media/talk")
PLACES = {"media", "output", "source", "data", "index", "store", "page", "to", "assets"}
ASKED = {
    "question": {"kind": "voice", "query": "a.wav"},
    "model": "words",
    "image": "whisperx",
    "subject": "news",
}


@pytest.mark.parametrize("deployment", declared())
def test_every_place_in_a_form_is_taken_as_it_is_pasted(deployment):
    flow = load_flow_from_entrypoint(declared()[deployment]["entrypoint"])
    form = parameter_schema(flow)
    lists = {name for name, field in form.properties.items() if field.get("type") == "array"}
    places = PLACES & set(form.properties)
    given = {name: [PASTED] if name in lists else PASTED for name in places}
    needed = {name: ASKED[name] for name in form.required if name not in places}
    if deployment == "moments":
        needed = {"question": {"said": "budget"}}
    taken = flow.validate_parameters(given | needed)
    assert {
        name: str(taken[name][0] if isinstance(taken[name], list) else taken[name]) for name in places
    } == dict.fromkeys(places, MEANT)


@pytest.mark.parametrize(
    ("deployment", "field", "some"),
    [
        ("models", "profile", "standard"),
        ("release", "image", "whisperx"),
        ("release", "worst", "HIGH"),
        ("people", "action", "merge"),
        ("batch", "runner", "dask"),
    ],
)
def test_choices_are_a_menu(deployment, field, some):
    form = parameter_schema(load_flow_from_entrypoint(declared()[deployment]["entrypoint"]))
    shown = for_people(form.model_dump_for_openapi())["properties"][field]
    assert some in shown["enum"] and shown["type"] == "string"
    assert "anyOf" not in shown
