"""The sample video: what is in it, known to the second, and built the same everywhere."""

from collections import Counter
from pathlib import Path

import av
import numpy as np
import pytest

from containers.common.errors import StorageError, UserError
from flows import demo
from tasks.media import demo as demo_media
from tasks.media.demo import build_demo_video, demo_truth


def decode_audio(path: Path) -> np.ndarray:
    """Mono samples at 16 kHz as a player puts them out: without what the encoder adds before the start."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=16_000)
        blocks = [block for frame in container.decode(audio=0) for block in resampler.resample(frame)]
    assert blocks[0].time == 0
    return np.concatenate([block.to_ndarray().reshape(-1) for block in blocks])


def test_thirty_seconds_of_video_and_sound_in_an_mp4(demo_video: Path) -> None:
    with av.open(str(demo_video)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.width, video.height, video.average_rate) == (1280, 720, 25)
        assert video.codec_context.name == "h264"
        assert audio.codec_context.name == "aac"
        assert container.duration / 1e6 == pytest.approx(30, abs=0.1)
        times = [frame.time for frame in container.decode(video=0)]
    assert times == pytest.approx([number / 25 for number in range(750)])


def test_every_shot_starts_with_a_cut_and_then_moves_gently(demo_video: Path) -> None:
    cuts, still = [], 0
    with av.open(str(demo_video)) as container:
        before = None
        for number, frame in enumerate(container.decode(video=0)):
            small = frame.reformat(160, 90, "gray").to_ndarray().astype(int)
            change = np.abs(small - before).mean() if before is not None else 255
            cuts += [number] if change > 20 else []
            still += change == 0
            before = small
    assert cuts == [0, 125, 250, 375, 500, 625]
    assert still < 75


def test_the_sound_is_the_packaged_recording_from_the_first_sample(
    demo_video: Path, speech_wav: Path
) -> None:
    heard, recorded = decode_audio(demo_video), decode_audio(speech_wav)
    assert len(heard) == pytest.approx(len(recorded), abs=1024)
    voiced = slice(7 * 16_000, 29 * 16_000)
    spectrum = np.fft.rfft(heard[voiced]) * np.conj(np.fft.rfft(recorded[voiced]))
    lag = np.argmax(np.fft.irfft(spectrum))
    assert lag == 0
    assert np.corrcoef(heard[voiced], recorded[voiced])[0, 1] > 0.95


def test_what_is_true_of_each_second() -> None:
    truth = demo_truth()
    assert list(truth.faces) == list(range(truth.duration))
    assert [truth.faces[second] for second in range(0, 30, 5)] == [3, 3, 3, 4, 5, 4]
    turns = [line.split() for line in truth.rttm.read_text().splitlines() if line]
    assert Counter(turn[7] for turn in turns) == {"speaker90": 5, "speaker91": 5}
    assert max(float(turn[3]) + float(turn[4]) for turn in turns) <= truth.duration


def test_the_mouth_that_moves_is_the_speaker_s() -> None:
    """While one voice speaks alone its face's mouth opens and the other's stays as it was photographed."""
    shot, still = demo_media.SHOTS[2], np.full((828, 1472, 3), 128, np.uint8)
    still[::2] = 90
    mouths = np.array(shot.mouths) * (828 / 1350)
    loud = np.ones(750)
    middles = mouths[:, :2].mean(axis=1)

    def moved(second: float) -> list[bool]:
        changed = np.argwhere((demo_media._speaking(still, mouths, second, loud) != still).any(axis=2))
        return [
            bool(len(changed)) and np.abs(changed[:, ::-1] - each).max(axis=1).min() < 60 for each in middles
        ]

    assert moved(12.0) == [True, False], "speaker90 from 10.57 to 14.70 s"
    assert moved(16.0) == [False, True], "speaker91 from 14.49 to 17.92 s"
    assert moved(14.6) == [True, True]
    assert moved(2.0) == [False, False], "nobody"


def test_the_same_bytes_every_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_media, "SHOTS", demo_media.SHOTS[:1])
    first, second = (build_demo_video(tmp_path / name).read_bytes() for name in ("1.mp4", "2.mp4"))
    assert first == second


def test_where_it_cannot_be_written_nothing_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be written"):
        build_demo_video(tmp_path / "file" / "demo.mp4")
    monkeypatch.setattr(demo_media, "_encode_shots", lambda stream: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        build_demo_video(tmp_path / "new" / "demo.mp4")
    assert not list((tmp_path / "new").iterdir())


@pytest.mark.parametrize("missing", ["face-api", "pyannote"])
def test_without_the_packages_one_sentence_says_what_to_do(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if missing == "face-api":
        monkeypatch.setattr(demo_media, "PICTURES", tmp_path / "node_modules")
    else:
        monkeypatch.setattr(demo_media, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="make setup"):
        build_demo_video(tmp_path / "demo.mp4")
    assert demo.main(["--output", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert not list(tmp_path.rglob("*.mp4"))
