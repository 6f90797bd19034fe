"""Searching as a person does: real pictures and voices against the analysed sample video."""

import io
import json
import shutil
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from pyannote.database.util import load_rttm

from containers.common.media.audio import load_audio
from flows.runs.images import running_images
from flows.search.__main__ import main
from tasks.media.demo import PICTURES, demo_truth, sample_speech
from tasks.outputs.embeddings import read_embeddings, write_embeddings
from tasks.people.edit import name_person
from tasks.search.like import near
from tasks.stages.index.run import index

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def library(demo: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The analysed sample video, and an asset that is its first ten seconds and second speaker."""
    output = tmp_path_factory.mktemp("library") / "out"
    shutil.copytree(demo[0], output)
    (folder,) = (path.parent for path in output.glob("*/manifest.json"))
    excerpt = output / ("e" * 16)
    shutil.copytree(folder, excerpt)
    shutil.copytree(output / ".cache" / folder.name, output / ".cache" / excerpt.name)
    rows = [
        row
        for row in read_embeddings(folder / "embeddings.parquet")
        if row["metadata"].get("speaker", "SPEAKER_01") == "SPEAKER_01" and row["metadata"]["time"] < 10
    ]
    write_embeddings(excerpt / "embeddings.parquet", excerpt.name, rows)
    models = sorted({row["model"] for row in rows})
    index.fn(excerpt.name, excerpt / "embeddings.parquet", models, output / "index")
    return output


@pytest.fixture(scope="module")
def whole(library: Path) -> str:
    """The sample video's asset id."""
    return next(path.parent.name for path in library.glob("*/manifest.json") if path.parent.name[0] != "e")


@pytest.fixture(scope="module", autouse=True)
def images(own_images):
    with running_images():
        yield


@pytest.fixture
def search(library, capsys):
    """What `--json` prints."""

    def ask(*arguments: object) -> list[dict]:
        code = main([str(library), *map(str, arguments), "--json"])
        said = capsys.readouterr()
        assert code == 0, said.err
        return json.loads(said.out)["moments"]

    return ask


@pytest.fixture
def complaint(library, capsys):
    """The one sentence that the command says when it cannot answer."""

    def ask(*arguments: object, output: Path = library) -> str:
        assert main([str(output), *map(str, arguments)]) == 1
        said = capsys.readouterr()
        assert said.out == ""
        (sentence,) = said.err.strip().splitlines()
        return sentence

    return ask


@pytest.fixture(scope="module")
def frame(demo_video: Path) -> Image.Image:
    """What the sample video shows at second 17."""
    with av.open(str(demo_video)) as container:
        return next(f for f in container.decode(video=0) if (f.time or 0) >= 17).to_image()


@pytest.mark.parametrize("which", [1, 2, 3])
def test_a_face_of_a_photograph_is_found_where_the_video_shows_the_photograph(search, which) -> None:
    """sample3.jpg is on screen from second 10 to 15."""
    best, *others = search("--face", PICTURES / "sample3.jpg", "--which", which)
    assert best["same"]
    assert all(10 <= time < 15 for time in best["times"])
    assert best["thumbnail"].endswith(".jpg") and Path(best["thumbnail"]).is_file()
    # The second face of sample3 and one of sample1, on screen before second 5, may be one woman: 0.44 apart.
    alike = [other for other in others if other["same"]]
    assert not alike or (which == 2 and all(time < 5 for other in alike for time in other["times"]))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "AVIF"])
def test_a_still_of_any_format_finds_the_moment_it_was_taken_from(search, frame, tmp_path, kind) -> None:
    path = tmp_path / f"still.{kind.lower()}"
    frame.save(path, kind)
    best = search("--picture", path)[0]
    assert best["times"][0] <= 17.05 and best["end"] >= 16.9
    assert best["score"] > 0.85 and best["same"]


def test_a_moment_of_a_video_is_a_picture_too(search, demo_video) -> None:
    best = search("--picture", demo_video, "--at", 22)[0]
    assert best["times"][0] <= 22.05 <= best["end"] + 0.1


def voice_clip(path: Path, speaker: str, first: float, last: float) -> Path:
    """One speaker's turns that start between two seconds of the packaged recording."""
    reference = next(iter(load_rttm(demo_truth().rttm).values()))
    sound = load_audio(sample_speech().as_uri(), 16_000)
    turns = [turn for turn in reference.label_timeline(speaker) if first <= turn.start < last]
    cut = np.concatenate([sound[int(turn.start * 16_000) : int(turn.end * 16_000)] for turn in turns])
    codec = {".mp3": "mp3", ".flac": "flac", ".m4a": "aac", ".ogg": "libopus"}.get(path.suffix, "pcm_s16le")
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=48_000 if codec == "libopus" else 16_000, layout="mono")
        block = av.AudioFrame.from_ndarray((cut * 32767).astype(np.int16)[None], "s16", "mono")
        block.sample_rate = 16_000
        resampler = av.AudioResampler(stream.format, "mono", stream.rate, stream.frame_size or None)
        for piece in [*resampler.resample(block), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def labels(library, whole) -> dict[str, str]:
    """The reference's speaker to the label that the analysis gave whoever speaks then."""
    reference = next(iter(load_rttm(demo_truth().rttm).values()))
    found = next(iter(load_rttm(library / whole / "diarization.rttm").values()))
    return {label: found.crop(reference.label_timeline(label)).argmax() for label in reference.labels()}


@pytest.mark.parametrize(
    ("speaker", "suffix"),
    [("speaker90", ".wav"), ("speaker91", ".wav"), ("speaker90", ".mp3"), ("speaker90", ".m4a")],
)
def test_a_voice_clip_finds_its_speaker(search, whole, labels, tmp_path, speaker, suffix) -> None:
    clip = voice_clip(tmp_path / f"clip{suffix}", speaker, 10, 20)
    best, other = search("--voice", clip, "--asset", whole, "--which", 1)
    assert best["label"] == labels[speaker]
    assert best["score"] > other["score"] + 0.03


def test_filters_by_asset_time_and_label(search, whole) -> None:
    asked = ("--face", PICTURES / "sample3.jpg", "--which", 1)
    assert {each["asset"] for each in search(*asked, "--asset", whole[:6])} == {whole}
    assert all(time < 8 for each in search(*asked, "--end", 8) for time in each["times"])
    assert all(each["end"] is None or each["times"][0] >= 20 for each in search(*asked, "--start", 20))
    assert search(*asked, "--label", "Speech")
    assert search(*asked, "--label", "Chainsaw") == []
    assert len(search(*asked, "-k", 2)) == 2


def test_a_known_person_is_found_by_name(search, library, whole, capsys) -> None:
    asked = ("--face", PICTURES / "sample3.jpg", "--which", 1)
    label = search(*asked)[0]["label"]
    name_person(library, f"{whole}:{label}", "Kate")
    assert search(*asked)[0]["person"] == "Kate"
    assert {each["person"] for each in search(*asked, "--label", "Kate")} == {"Kate"}
    assert main([str(library), *map(str, asked)]) == 0
    assert "Kate" in capsys.readouterr().out


def test_what_is_like_an_asset(search, library, whole) -> None:
    """The excerpt's faces and voice are all in the whole; of the whole's, a part is in the excerpt."""
    (found,) = search("--like", "e" * 16)
    assert found["asset"] == whole
    assert found["parts"] == pytest.approx({"faces": 1, "voices": 1, "sounds": 1})
    (found,) = search("--like", whole)
    assert (
        found["parts"]["voices"] >= 0.5
    )  # one of the whole's two voices; how alike they are decides the rest
    assert 0.2 < found["parts"]["faces"] < 0.5  # 6 of 22 people, and some that look like one of them
    assert found["score"] == pytest.approx(np.mean(list(found["parts"].values())), abs=1e-3)


def test_likeness_fades_out_beyond_the_limit() -> None:
    found = [near(distance, 0.4) for distance in (0, 0.4, 0.44, 0.48, 2)]
    assert found == pytest.approx([1, 1, 0.5, 0, 0])


def test_the_page_opens_from_disk_with_everything_inside(library, tmp_path) -> None:
    page = tmp_path / "found.html"
    asked = ["--face", str(PICTURES / "sample3.jpg"), "--which", "2", "--html", str(page)]
    assert main([str(library), *asked]) == 0
    text = page.read_text(encoding="utf-8")
    assert text.count("data:image/jpeg;base64,") >= 5
    assert 'src="http' not in text and "<script" not in text
    link = text.split('class="shown" href="')[1].split('"')[0]
    assert (tmp_path / link.split("#")[0]).resolve().is_file()


def test_a_file_name_cannot_become_markup(library, frame, tmp_path) -> None:
    path = tmp_path / "<img src=x onerror=alert(1)>.png"
    frame.save(path)
    assert main([str(library), "--picture", str(path), "--html", str(tmp_path / "found.html")]) == 0
    assert "<img src=x" not in (tmp_path / "found.html").read_text(encoding="utf-8")


class TestOneSentence:
    def test_no_face(self, complaint, tmp_path) -> None:
        Image.new("RGB", (320, 240), "green").save(tmp_path / "meadow.png")
        assert complaint("--face", tmp_path / "meadow.png") == "There is no face in meadow.png."

    def test_several_faces(self, complaint) -> None:
        said = complaint("--face", PICTURES / "sample1.jpg")
        assert said == "There are 3 faces in sample1.jpg: choose one, 1 to 3 from the left (--which)."
        said = complaint("--face", PICTURES / "sample1.jpg", "--which", 4)
        assert said == "There are only 3 faces in sample1.jpg."

    def test_several_voices(self, complaint, speech_wav) -> None:
        said = complaint("--voice", speech_wav)
        assert said == "There are 2 voices in sample.wav: choose one, 1 to 2 as first heard (--which)."

    def test_silence_has_no_voice(self, complaint, tmp_path) -> None:
        with av.open(str(tmp_path / "silence.wav"), "w") as container:
            stream = container.add_stream("pcm_s16le", rate=16_000, layout="mono")
            block = av.AudioFrame.from_ndarray(np.zeros((1, 32_000), np.int16), "s16", "mono")
            block.sample_rate = 16_000
            container.mux([*stream.encode(block), *stream.encode(None)])
        assert complaint("--voice", tmp_path / "silence.wav") == "There is no voice in silence.wav."

    def test_sound_with_the_starter_tagger(self, complaint, speech_wav) -> None:
        said = complaint("--sound", speech_wav)
        assert said.endswith("the starter tagger embeds none; analyse again with panns-cnn14 in the store.")

    def test_no_such_asset(self, complaint) -> None:
        assert complaint("--like", "0000").startswith("There is no asset '0000' in ")
        said = complaint("--face", PICTURES / "sample1.jpg", "--asset", "0000")
        assert said.startswith("There is no asset '0000' in ")

    def test_an_empty_folder(self, complaint, tmp_path) -> None:
        said = complaint("--picture", PICTURES / "sample1.jpg", output=tmp_path)
        assert said == f"Nothing was analysed into {tmp_path} yet."

    def test_no_folder(self, complaint, tmp_path) -> None:
        said = complaint("--picture", PICTURES / "sample1.jpg", output=tmp_path / "absent")
        assert said == f"There is no folder {tmp_path / 'absent'}."

    def test_an_index_of_a_model_that_is_not_here(self, complaint, library, tmp_path) -> None:
        shutil.copytree(library, tmp_path / "out")
        (tmp_path / "out" / "index" / "faceapi").rename(tmp_path / "out" / "index" / "facenet-vggface2")
        said = complaint("--face", PICTURES / "sample1.jpg", output=tmp_path / "out")
        assert said.startswith("The index was made by 'facenet-vggface2', which is not in the model store: ")

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (None, "There is no file "),
            (b"", "query.jpg is empty."),
            (b"no picture " * 99, "not media"),
            ("half", "query.jpg cannot be decoded as a picture"),
        ],
    )
    def test_no_picture(self, complaint, frame, tmp_path, content, sentence) -> None:
        path = tmp_path / "query.jpg"
        if content == "half":
            whole = io.BytesIO()
            frame.save(whole, "JPEG")
            content = whole.getvalue()[: whole.tell() // 2]
        if content is not None:
            path.write_bytes(content)
        assert sentence in complaint("--picture", path)

    def test_a_second_that_the_video_does_not_have(self, complaint, demo_video) -> None:
        assert complaint("--picture", demo_video, "--at", 99) == "demo.mp4 has no picture at second 99."

    def test_sound_alone_has_no_picture(self, complaint, speech_wav) -> None:
        assert complaint("--picture", speech_wav) == "sample.wav has no picture."

    def test_wrong_options(self, complaint) -> None:
        asked = ("--picture", PICTURES / "sample1.jpg")
        assert complaint(*asked, "-k", 0).startswith("--k: ")
        assert complaint(*asked, "--start", 9, "--end", 3) == "Second 9 is not before second 3."
