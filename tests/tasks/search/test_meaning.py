"""What is said by its meaning, and pictures by words: as the images answer, here in this process.

The networks are made, of the true classes: they do not know what words mean, so these tests are about what is
compared with what, and joined how.
"""

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from containers.common.contract import Answer
from containers.common.errors import UserError
from tasks.outputs.embeddings import read_embeddings, write_embeddings
from tasks.search.meaning import fuse
from tasks.search.moments import find_moments
from tasks.search.question import FoundMoment, MomentAnswer, MomentQuestion
from tasks.stages.index.run import index
from tasks.stages.look.document import picture_rows
from tasks.stages.look.run import look
from tasks.stages.meaning.document import sentence_rows
from tasks.stages.meaning.run import understand
from tests.containers.conftest import make_store  # noqa: F401 - a fixture
from tests.containers.facenet.networks import make_e5, make_siglip
from tests.tasks.words.archive import publish

pytestmark = pytest.mark.slow
TALK, OTHER, OLD = "a" * 16, "b" * 16, "c" * 16


def in_process(image: str, request, result_type, endpoint_url=None) -> Answer:
    handler = import_module(f"containers.{image}.app").handler
    answer = handler(request.model_dump(mode="json", exclude_none=True), None)
    parsed = Answer[result_type].model_validate(answer)
    if parsed.result_uri:
        from containers.common import storage

        parsed.result = result_type.model_validate_json(storage.read_bytes(parsed.result_uri))
    return parsed


@pytest.fixture(scope="module", autouse=True)
def images(make_store, tmp_path_factory: pytest.TempPathFactory):  # noqa: F811
    import torch

    torch.manual_seed(0)
    contents = {}
    for model, make in (("siglip-base", make_siglip), ("multilingual-e5-small", make_e5)):
        folder = tmp_path_factory.mktemp(model)
        make(folder)
        contents[model] = {file.name: file for file in folder.iterdir()}
    make_store(contents)
    with pytest.MonkeyPatch.context() as patch:
        for module in ("index.ask", "stages.meaning.query", "stages.look.run", "stages.meaning.run"):
            patch.setattr(f"tasks.{module}.invoke", in_process)
        yield


@pytest.fixture(scope="module")
def output(images, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from containers.common.documents.speech import Segment, Transcript
    from tasks.media.decoded import Frame

    folder = tmp_path_factory.mktemp("archive")
    said = {
        TALK: [
            ("The price is too high.", 0.0, 4.0),
            ("Wir sprechen über das Wetter.", 5.0, 9.0, "SPEAKER_01", "de"),
        ],
        OTHER: [("오늘 회의는 예산에 대한 것입니다.", 2.0, 5.0, "SPEAKER_00", "ko")],
        OLD: [("The price of old things.", 0.0, 3.0)],
    }
    for asset, segments in said.items():
        names = {"SPEAKER_00": "Kate", "SPEAKER_01": "Tom"}
        publish(folder, asset, segments, names=names, heard=[("Music", 4.5, 6.0)])
        if asset == OLD:
            continue
        work = tmp_path_factory.mktemp(asset)
        transcript = Transcript(
            segments=[
                Segment(text=text, start=start, end=end, words=[]) for text, start, end, *_ in segments
            ],
            language=None,
        )
        rows = sentence_rows(understand.fn(transcript, work).sentences)
        if asset == TALK:
            frames = []
            for second in range(3):
                image = work / f"{second}.png"
                noise = np.random.default_rng(second).integers(0, 256, (8, 8, 3), np.uint8)
                Image.fromarray(noise).resize((256, 256), Image.Resampling.NEAREST).save(image)
                frames.append(Frame(image=image.as_uri(), time=second * 3, width=256, height=256))
            kept = folder / ".cache" / asset / "pictures" / "look-1"
            rows += picture_rows(look.fn(frames, kept, ["phash-256", "siglip-base"]).pictures)
        write_embeddings(folder / asset / "embeddings.parquet", asset, rows)
        models = sorted({row["model"] for row in rows})
        index.fn(asset, folder / asset / "embeddings.parquet", models, folder / "index")
    find_moments(folder, MomentQuestion(said="price"), say=print)
    return folder


def ask(output: Path, **question: object) -> MomentAnswer:
    return find_moments(output, MomentQuestion.model_validate(question), say=lambda _: None)


def places(moments: list[FoundMoment]) -> list[tuple[str, float]]:
    return [(moment.asset, moment.start) for moment in moments]


def test_meaning_and_words_are_fused_and_a_moment_says_by_which_it_was_found(output: Path) -> None:
    found = ask(output, about="The price is too high.").moments
    assert set(places(found)) == {(TALK, 0), (TALK, 5), (OTHER, 2), (OLD, 0)}
    assert places(found)[0] == (TALK, 0)
    assert found[0].why[0].startswith("about: near in meaning (")
    assert found[0].why[1] == "about: said The, price, is, too, high"
    assert (0, 3) in found[0].marks
    (old,) = (moment for moment in found if moment.asset == OLD)
    assert old.why == ["about: said The, price"], "found by words alone, since it has no vectors"


def test_what_was_not_compared_is_said(output: Path) -> None:
    assert ask(output, about="price").notes == [
        "Of 1 of 3 assets words alone were compared: analyse them again."
    ]


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        ({"by": "Tom"}, [(TALK, 5)]),
        ({"language": "ko"}, [(OTHER, 2)]),
        ({"heard": "music"}, [(OTHER, 2), (TALK, 5)]),
        ({"said": "price"}, [(OLD, 0), (TALK, 0)]),
        ({"assets": ["b"]}, [(OTHER, 2)]),
        ({"end": 1.0}, [(OLD, 0), (TALK, 0)]),
    ],
)
def test_the_other_parts_hold_too(output: Path, parts: dict, found: list) -> None:
    assert sorted(places(ask(output, about="the price", **parts).moments)) == sorted(found)


def test_pictures_by_what_they_show(output: Path) -> None:
    found = ask(output, shown="rain").moments
    assert sorted(places(found)) == [(TALK, 0), (TALK, 3), (TALK, 6)]
    assert all(moment.thumbnail and Path(moment.thumbnail).is_file() for moment in found)
    assert [moment.score for moment in found] == sorted((moment.score for moment in found), reverse=True)
    rows = read_embeddings(output / TALK / "embeddings.parquet", "siglip-base")
    assert len(rows) == 3 and found[0].why[0].startswith("shown: rain (")


def test_pictures_while_something_is_heard_or_said(output: Path) -> None:
    (heard,) = ask(output, shown="rain", heard="music").moments
    assert (heard.start, heard.end) == (4.5, 6), "the second picture stays until the third comes"
    (said,) = ask(output, shown="rain", said="Wetter").moments
    assert (said.asset, said.start) == (TALK, 5)
    assert said.why[-1].startswith("shown: rain (")
    assert ask(output, shown="rain", said="예산").moments == []


def test_words_alone_where_nothing_was_indexed(tmp_path: Path) -> None:
    publish(tmp_path, TALK, [("The price is too high.", 0.0, 4.0)])
    answer = ask(tmp_path, about="price of bread")
    assert places(answer.moments) == [(TALK, 0)]
    assert answer.moments[0].score == 1
    assert answer.notes == [
        "Words alone were compared, not meanings: no asset was analysed with multilingual-e5-small. "
        "`uv run python -m flows.models fetch multilingual-e5-small`, then analyse again."
    ]
    with pytest.raises(UserError, match="Pictures cannot be found by words: no asset was analysed with"):
        ask(tmp_path, shown="rain")


def test_reciprocal_ranks() -> None:
    assert fuse(0, 0) == 1
    assert fuse(0, None) == 0.5
    assert fuse(1, 0) == pytest.approx((61 / 62 + 1) / 2)
