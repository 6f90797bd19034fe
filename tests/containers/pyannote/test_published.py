"""pyannote's 3.1 and community-1 from the store: what pyannote.audio says of the same files and sound."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import yaml

from containers.common.models import store as models
from containers.common.models.checkpoints import PYANNOTE, only_weights
from containers.common.models.pyannet import quiet_loading
from tests.containers.pyannote.published import make_published

RATE = 16_000
SECONDS = 12.5  # four windows, the last one filled up with silence
VOICES = {"3.1": "pyannote-wespeaker", "community-1": "pyannote-community-1"}
NOTHING = {"turns": [], "exclusive_turns": [], "voice_activity": [], "speakers": []}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    make_published(folder)
    for model in models.store_folder().iterdir():
        if not (folder / model.name).exists():
            (folder / model.name).symlink_to(model)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDIAFLOW_MODELS", str(folder))
        patch.setenv("MEDIAFLOW_CATALOGUE_ADD", str(folder / "catalogue.toml"))
        patch.setenv("PYANNOTE_METRICS_ENABLED", "0")
        models.catalogue.cache_clear()
        models.open_model.cache_clear()
        yield folder
    models.catalogue.cache_clear()
    models.open_model.cache_clear()


@pytest.fixture(scope="module")
def recording(speech, tmp_path_factory) -> Path:
    """Two people who answer each other."""
    path = tmp_path_factory.mktemp("media") / "recording.wav"
    soundfile.write(path, speech[6 * RATE : round((6 + SECONDS) * RATE)], RATE, subtype="FLOAT")
    return path


@pytest.fixture(scope="module", params=list(VOICES))
def name(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def ask(store, name) -> Callable[..., dict[str, Any]]:
    """`ask(**request)`: the whole answer of the pyannote image."""
    from containers.pyannote.app import handler

    return lambda **request: handler({"diarizer": name, **request}, None)


@pytest.fixture(scope="module")
def upstream(store, name, recording) -> Callable[..., dict[str, Any]]:
    """`upstream(**bounds)`: pyannote.audio's own answer, in the words of the contract."""
    with quiet_loading():
        from pyannote.audio import Model, Pipeline
        from pyannote.audio.core.plda import PLDA
        from pyannote.audio.pipelines import SpeakerDiarization
        from pyannote.core import Annotation

    from containers.pyannote.app import describe

    with only_weights(PYANNOTE):
        if name == "community-1":
            pipeline: Any = Pipeline.from_pretrained(store / "pyannote-community-1")
        else:  # whose config.yaml names the networks by their addresses
            config = yaml.safe_load((store / "pyannote-diarization-3.1" / "config.yaml").read_text())
            networks = {
                part: Model.from_pretrained(store / f"pyannote-{folder}")
                for part, folder in (("segmentation", "segmentation-3.0"), ("embedding", "wespeaker"))
            }
            pipeline = SpeakerDiarization(
                **config["pipeline"]["params"] | networks | {"plda": PLDA.__new__(PLDA)}
            ).instantiate(config["params"])
    samples, _ = soundfile.read(recording, dtype="float32")
    embed, kept = pipeline.get_embeddings, []

    def embed_once(*given: Any, **options: Any) -> np.ndarray:
        kept.extend([] if kept else [embed(*given, **options)])
        return kept[0]

    pipeline.get_embeddings = embed_once

    def call(**bounds: int) -> dict[str, Any]:
        import torch

        file = {"waveform": torch.from_numpy(samples)[None], "sample_rate": RATE, "uri": "audio"}
        output = pipeline(file, **bounds)
        return describe(output, Annotation(), SECONDS, VOICES[name]).model_dump(
            mode="json", exclude_none=True
        )

    return call


@pytest.fixture(scope="module")
def whole(ask, recording) -> dict[str, Any]:
    return ask(audio=recording.as_uri())


@pytest.fixture(scope="module")
def files(ask, name, recording, tmp_path_factory) -> list[str]:
    """The recording heard in two pieces."""
    folder = tmp_path_factory.mktemp("pieces")
    uris = [(folder / f"{number}.npz").as_uri() for number in range(2)]
    for uri, start, end in zip(uris, (0, 2), (2, None), strict=True):
        heard = ask(audio=recording.as_uri(), start=start, end=end, windows_uri=uri)
        assert heard["result"] == {"windows": 2, "diarizer": name}
    return uris


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Sums over other batches round otherwise in the voices' last digits."""
    assert (one["turns"], one["exclusive_turns"]) == (other["turns"], other["exclusive_turns"])
    for here, there in zip(one["speakers"], other["speakers"], strict=True):
        assert (here["speaker"], here["model"]) == (there["speaker"], there["model"])
        assert here["embedding"] == pytest.approx(there["embedding"], abs=1e-4)
    return True


def test_it_says_what_pyannote_says_and_names_its_models(whole, upstream, name):
    found = whole["result"]
    assert len(found["speakers"]) > 1
    assert {speaker["model"] for speaker in found["speakers"]} == {VOICES[name]}
    assert all(np.linalg.norm(one["embedding"]) == pytest.approx(1, abs=1e-4) for one in found["speakers"])
    assert same(found, upstream())
    used = {model["id"] for model in whole["models"]}
    assert used == (
        {"pyannote-community-1"}
        if name == "community-1"
        else {"pyannote-diarization-3.1", "pyannote-segmentation-3.0", "pyannote-wespeaker"}
    )


def test_pieces_are_the_whole(ask, files, whole):
    joined = ask(windows=files, duration=SECONDS)["result"]
    assert same(joined, whole["result"])
    assert joined["voice_activity"] == whole["result"]["voice_activity"]


@pytest.mark.parametrize("bounds", [{"num_speakers": 2}, {"max_speakers": 1}, {"min_speakers": 5}])
def test_bounds_are_kept_as_pyannote_keeps_them(ask, files, upstream, bounds):
    found = ask(windows=files, duration=SECONDS, **bounds)["result"]
    assert same(found, upstream(**bounds))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_known_number_of_speakers_is_kept(ask, files, count):
    found = ask(windows=files, duration=SECONDS, num_speakers=count)["result"]
    assert len(found["speakers"]) == count


def test_more_speakers_than_there_are_voices_is_no_error(ask, files):
    found = ask(windows=files, duration=SECONDS, num_speakers=20)["result"]
    assert 3 < len(found["speakers"]) < 12


def test_voice_activity_is_where_somebody_speaks(whole, reference):
    from pyannote.core import Segment, Timeline

    excerpt = reference.crop(Segment(6, 6 + SECONDS)).get_timeline().support()
    said = Timeline([Segment(turn.start - 6, turn.end - 6) for turn in excerpt])
    heard = Timeline([Segment(span["start"], span["end"]) for span in whole["result"]["voice_activity"]])
    assert said.crop(heard).duration() / said.duration() > 0.95
    assert said.crop(heard).duration() / heard.duration() > 0.9


def test_silence_has_nobody_in_pieces_too(ask, tmp_path):
    path = tmp_path / "silence.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 1e-4, 12 * RATE), RATE)
    assert ask(audio=path.as_uri())["result"] == NOTHING
    file = (tmp_path / "0.npz").as_uri()
    ask(audio=path.as_uri(), start=0, windows_uri=file)
    assert ask(windows=[file], duration=12)["result"] == NOTHING
