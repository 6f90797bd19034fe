"""Stage keys: what makes a finished stage count as finished."""

import pytest

from containers.common.errors import UserError
from flows.analyze.plan import fingerprint, plan_keys, reads_pictures
from tasks.media.probe import MediaInfo
from tasks.stages.options import AnalyzeOptions


def media(content: str = "a") -> MediaInfo:
    return MediaInfo(name="clip.mp4", sha256=content * 64, size=1, format="mp4", duration=1.0)


def changed(options: AnalyzeOptions) -> set[str]:
    """Stages that would be done again after the defaults' run."""
    before, after = plan_keys(media(), AnalyzeOptions()), plan_keys(media(), options)
    return {stage for stage in after if before.get(stage) != after[stage]}


def test_the_same_media_and_options_have_the_same_keys() -> None:
    assert plan_keys(media(), AnalyzeOptions()) == plan_keys(media(), AnalyzeOptions())


def test_other_content_shares_nothing() -> None:
    here, there = plan_keys(media("a"), AnalyzeOptions()), plan_keys(media("b"), AnalyzeOptions())
    assert not set(here.values()) & set(there.values())


@pytest.mark.parametrize(
    ("options", "redone"),
    [
        ({"language": "ko"}, {"transcribe"}),
        ({"beam_size": 1}, {"transcribe"}),
        ({"compute_type": "float32"}, {"transcribe"}),
        ({"initial_prompt": "Dear all,"}, {"transcribe"}),
        ({"hotwords": "Bain"}, {"transcribe"}),
        ({"vad_method": "silero"}, {"transcribe"}),
        ({"vad_onset": 0.6}, {"transcribe"}),
        ({"vad_offset": 0.3}, {"transcribe"}),
        ({"chunk_size": 20}, {"transcribe"}),
        ({"task": "translate"}, {"transcribe"}),
        ({"suppress_numerals": True}, {"transcribe"}),
        ({"align": False}, {"transcribe"}),
        ({"condition_on_previous_text": True}, {"transcribe"}),
        ({"temperature_increment_on_fallback": 0.2}, {"transcribe"}),
        ({"languages": {"ko": {"aligner": "align-ko"}}}, {"transcribe"}),
        ({"batch_size": 2, "device": "cpu", "pieces_at_once": 1}, set()),
        ({"denoise": "on"}, {"denoise", "transcribe"}),
        ({"denoise": "off"}, {"transcribe"}),
        ({"denoise_format": "opus"}, {"denoise", "transcribe"}),
        ({"denoise_engine": "torch"}, {"denoise", "transcribe"}),
        ({"denoise_limit": 20}, {"denoise", "transcribe"}),
        ({"denoise_post_filter": True}, {"denoise", "transcribe"}),
        ({"max_speakers": 3}, {"diarize", "link"}),
        ({"diarizer": "community-1"}, {"diarize", "link"}),
        ({"diarizer": "starter"}, set()),  # what auto takes here
        ({"tag_threshold": 0.5}, {"tag"}),
        ({"tag_mode": "events"}, {"tag"}),
        ({"tag_thresholds": {"Bark": 0.1}}, {"tag"}),
        ({"tag_only": ["animals"]}, {"tag"}),
        ({"detector": "tiny"}, {"detect", "embed", "link"}),
        ({"face_threshold": 0.6}, {"detect", "embed", "link"}),
        ({"frame_rate": 2.0}, set(plan_keys(media(), AnalyzeOptions()))),
        ({"index": False}, set()),
        ({"max_line_width": 37, "speaker_labels": "off"}, set()),
    ],
)
def test_an_option_redoes_only_what_it_touches(options: dict[str, object], redone: set[str]) -> None:
    assert changed(AnalyzeOptions.model_validate(options)) == redone


def test_the_fingerprint_tells_analyses_apart() -> None:
    keys = plan_keys(media(), AnalyzeOptions())
    assert fingerprint(keys, AnalyzeOptions()) != fingerprint(keys, AnalyzeOptions(index=False))
    assert fingerprint(keys, AnalyzeOptions()) != fingerprint(keys, AnalyzeOptions(max_line_count=1))


def test_another_set_of_weights_redoes_the_stages_that_use_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    from containers.common.models import store as models

    before = plan_keys(media(), AnalyzeOptions())
    text = models.CATALOGUE.read_text(encoding="utf-8")
    mtcnn = models.catalogue()["mtcnn"].files[0].sha256
    (tmp_path / "catalogue.toml").write_text(text.replace(str(mtcnn), "0" * 64), encoding="utf-8")
    monkeypatch.setenv("MEDIAFLOW_CATALOGUE", str(tmp_path / "catalogue.toml"))
    models.catalogue.cache_clear()
    after = plan_keys(media(), AnalyzeOptions())
    models.catalogue.cache_clear()
    assert {stage for stage in after if before[stage] != after[stage]} == {"embed", "link"}


@pytest.mark.parametrize(
    ("options", "stages"),
    [
        ({"only": ["speech"]}, {"denoise", "transcribe"}),
        ({"only": "speech, Faces"}, {"denoise", "transcribe", "detect", "embed"}),
        ({"only": ["faces", "speakers"]}, {"diarize", "detect", "embed", "link"}),
        ({"only": ["link"]}, {"diarize", "detect", "embed", "link"}),
        ({"only": ["speech"], "skip": ["denoise"], "denoise": "off"}, {"transcribe"}),
        ({"skip": ["faces", "sounds"]}, {"denoise", "transcribe", "diarize", "look", "link"}),
    ],
)
def test_stages_are_chosen_by_name_and_adding_the_others_redoes_none(options, stages) -> None:
    """`link` cannot start without faces, and says so when its turn comes."""
    chosen = AnalyzeOptions.model_validate(options)
    keys = plan_keys(media(), chosen)
    assert set(keys) == {"decode"} | stages
    everything = plan_keys(media(), chosen.model_copy(update={"only": [], "skip": []}))
    if "skip" not in options or "link" not in stages:
        redone = {"decode"} if not reads_pictures(chosen) else set()
        assert {stage for stage in keys if keys[stage] != everything[stage]} == redone
    assert fingerprint(keys, chosen) != fingerprint(everything, AnalyzeOptions())


def test_a_name_of_no_stage_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"'spech' is no stage; there are denoise, transcribe, .*speech"):
        AnalyzeOptions.model_validate({"skip": ["spech"]})


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"whisper_model": "whisper-huge"}, "'whisper-huge' is no Whisper of the catalogue: choose whisper-"),
        ({"languages": {"ko": {"aligner": "align-xx"}}}, "'align-xx' is no aligner of the catalogue"),
        ({"whisper_model": "whisper-large-v3-turbo", "task": "translate"}, "cannot translate"),
        ({"whisper_model": "whisper-base", "language": "Cantonese"}, "does not know the language 'yue'"),
    ],
)
def test_a_wrong_model_is_refused_before_any_work(options, sentence) -> None:
    chosen = AnalyzeOptions.model_validate(options)
    with pytest.raises(UserError, match=sentence):
        plan_keys(media(), chosen)
    assert plan_keys(media(), chosen.model_copy(update={"skip": ["transcribe"]})), "not asked for"


def test_a_part_shares_nothing_with_the_whole_or_another_part() -> None:
    parts = [AnalyzeOptions(), AnalyzeOptions(start=1), AnalyzeOptions(end=9), AnalyzeOptions(start=1, end=9)]
    keys = [set(plan_keys(media(), options).values()) for options in parts]
    assert len(set.union(*keys)) == sum(map(len, keys))
    assert plan_keys(media(), AnalyzeOptions(start="0:01")) == plan_keys(media(), AnalyzeOptions(start=1.0))


def test_speech_alone_is_the_same_speech() -> None:
    """Without a stage that looks at pictures none are decoded; what was heard is kept for a run that does."""
    alone = plan_keys(media(), AnalyzeOptions(only=["speech"]))
    all_of_it = plan_keys(media(), AnalyzeOptions())
    assert alone["decode"] != all_of_it["decode"]
    assert alone["transcribe"] == all_of_it["transcribe"]
