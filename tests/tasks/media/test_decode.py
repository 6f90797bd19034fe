"""Decoding: one pass gives the models their audio and their frames."""

import sys
import wave
from pathlib import Path

import av
import numpy as np
import pytest
from scipy.io import wavfile

from benchmarks.measure import measure
from containers.common.errors import MediaError
from tasks.media.decoding import decode_media
from tasks.media.probe import probe


def make_media(
    path: Path, video_seconds: float = 0, audio_seconds: float = 0, audio_from: float = 0, fps: int = 25
) -> Path:
    """A clip whose frames get brighter with time and whose sound is a 440 Hz tone."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=fps, width=320, height=180) if video_seconds else None
        audio = container.add_stream("aac", rate=44_100, layout="stereo") if audio_seconds else None
        if video:
            for number in range(round(video_seconds * fps)):
                picture = np.full((180, 320, 3), min(number, 255), np.uint8)
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts = number
                container.mux(video.encode(frame))
            container.mux(video.encode(None))
        if audio:
            time = np.arange(round(audio_seconds * 44_100)) / 44_100
            tone = np.tile(0.3 * np.sin(2 * np.pi * 440 * time), (2, 1)).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts = 44_100, round(audio_from * 44_100)
            container.mux(audio.encode(frame))
            container.mux(audio.encode(None))
    return path


def repeated(minute: Path, times: int, path: Path) -> Path:
    """One minute over and over, encoded once."""
    with av.open(str(path), "w") as container:
        for number in range(times):
            with av.open(str(minute)) as source:
                streams = {
                    stream.index: container.streams[stream.index]
                    if number
                    else container.add_stream_from_template(stream)
                    for stream in source.streams
                }
                for packet in source.demux():
                    if packet.dts is None:  # the end
                        continue
                    later = round(60 * number / packet.time_base)
                    packet.pts, packet.dts = packet.pts + later, packet.dts + later
                    packet.stream = streams[packet.stream_index]
                    container.mux(packet)
    return path


def read_wav(uri: str | None) -> tuple[int, np.ndarray]:
    assert uri
    rate, samples = wavfile.read(uri.removeprefix("file://"))
    assert (samples.ndim, samples.dtype) == (1, np.float32)
    return rate, samples


def test_a_video_gives_both_audio_rates_and_one_frame_a_second(tmp_path: Path) -> None:
    media = make_media(tmp_path / "clip.mp4", video_seconds=3, audio_seconds=3)
    decoded = decode_media(media, tmp_path / "out", frame_rate=1)
    for uri, rate in ((decoded.audio_48k, 48_000), (decoded.audio_16k, 16_000)):
        found, samples = read_wav(uri)
        assert found == rate
        assert len(samples) == pytest.approx(3 * rate, abs=0.05 * rate)
        spectrum = np.abs(np.fft.rfft(samples[rate : 2 * rate]))
        assert np.argmax(spectrum) == 440
    assert [frame.time for frame in decoded.frames] == pytest.approx([0, 1, 2], abs=0.1)
    assert all(Path(frame.image.removeprefix("file://")).is_file() for frame in decoded.frames)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_plain_audio_of_any_rate_gives_both(tmp_path: Path, rate: int) -> None:
    """At 16 and 48 kHz one of the two is what the file already holds."""
    tone = (10_000 * np.sin(2 * np.pi * 440 * np.arange(2 * rate) / rate)).astype(np.int16)
    with wave.open(str(tmp_path / "tone.wav"), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(tone.tobytes())
    decoded = decode_media(tmp_path / "tone.wav", tmp_path / "out", frame_rate=1)
    for uri, wanted in ((decoded.audio_48k, 48_000), (decoded.audio_16k, 16_000)):
        found, samples = read_wav(uri)
        assert (found, len(samples)) == (wanted, pytest.approx(2 * wanted, abs=100))
        assert np.argmax(np.abs(np.fft.rfft(samples[wanted // 2 :][:wanted]))) == 440


def test_frames_are_sampled_at_the_rate_asked_for(tmp_path: Path) -> None:
    media = make_media(tmp_path / "clip.mp4", video_seconds=2)
    decoded = decode_media(media, tmp_path / "out", frame_rate=5)
    assert len(decoded.frames) == 10
    assert (decoded.audio_48k, decoded.audio_16k) == (None, None)


def test_sound_that_starts_late_keeps_its_time(tmp_path: Path) -> None:
    media = make_media(tmp_path / "late.mkv", video_seconds=3, audio_seconds=1, audio_from=2)
    _, samples = read_wav(decode_media(media, tmp_path / "out", frame_rate=1).audio_16k)
    assert not samples[: round(1.8 * 16_000)].any()
    assert np.abs(samples[round(2.2 * 16_000) : round(2.8 * 16_000)]).max() > 0.1


def test_ten_milliseconds_of_sound_are_enough(tmp_path: Path) -> None:
    media = make_media(tmp_path / "blip.wav.mka", audio_seconds=0.01)
    assert decode_media(media, tmp_path / "out", frame_rate=1).duration > 0


def test_a_file_cut_off_half_way_is_decoded_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = make_media(tmp_path / "whole.mkv", video_seconds=4, audio_seconds=4)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    decoded = decode_media(cut, tmp_path / "out", frame_rate=1)
    assert 0.5 < decoded.duration < 4


def test_flipped_bytes_are_skipped_and_counted(tmp_path: Path) -> None:
    media = make_media(tmp_path / "clip.mp4", video_seconds=4, audio_seconds=4)
    content = bytearray(media.read_bytes())
    middle = len(content) // 3
    content[middle : middle + 3000] = bytes(3000)
    media.write_bytes(content)
    decoded = decode_media(media, tmp_path / "out", frame_rate=1)
    assert decoded.duration == pytest.approx(4, abs=0.2)


def test_where_the_container_promises_more_the_notes_say_what_was_believed(tmp_path: Path) -> None:
    whole = make_media(tmp_path / "whole.mkv", video_seconds=4, audio_seconds=4)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    decoded = decode_media(cut, tmp_path / "out", frame_rate=1)
    (note,) = decoded.notes
    assert note.startswith("The container tells of 4.0 s; what can be decoded of it lasts ")
    assert note.endswith(f" {decoded.duration:.1f} s.")


def not_media(folder: Path) -> dict[str, bytes]:
    speech = folder / "speech.wav"
    return {
        "empty.mp4": b"",
        "text.mp4": b"This is a text file that calls itself a video.\n" * 50,
        "noise.mp4": np.random.default_rng(0).bytes(100_000),
        "hls.mp4": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{speech}\n#EXT-X-ENDLIST\n".encode(),
        "hls.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{speech}\n#EXT-X-ENDLIST\n".encode(),
        "dash.mpd": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"></MPD>',
        "dash.mp4": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"></MPD>',
        "concat.mp4": f"ffconcat version 1.0\nfile {speech}\n".encode(),
        "subtitles.srt": b"1\n00:00:00,000 --> 00:00:01,000\nHello\n",
    }


@pytest.mark.parametrize("name", not_media(Path()))
def test_what_is_no_media_is_refused_in_one_sentence(name: str, tmp_path: Path, speech_wav: Path) -> None:
    (tmp_path / "speech.wav").write_bytes(speech_wav.read_bytes())
    path = tmp_path / name
    path.write_bytes(not_media(tmp_path)[name])
    with pytest.raises(MediaError) as refused:
        probe(path)
    assert name in str(refused.value)
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="There is no file"):
        probe(tmp_path / "missing.mp4")
    with pytest.raises(MediaError, match="is not a file"):
        probe(tmp_path)


def test_the_same_content_has_the_same_id_under_any_name(tmp_path: Path, speech_wav: Path) -> None:
    (tmp_path / "copy.bin").write_bytes(speech_wav.read_bytes())
    assert probe(tmp_path / "copy.bin").asset_id == probe(speech_wav).asset_id


DECODE_ALONE = """
import sys
from pathlib import Path
from tasks.media.decoding import decode_media
decode_media(Path(sys.argv[1]), Path(sys.argv[2]), frame_rate=1)
"""


def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    """Three times the length costs nothing more: everything goes to files block by block. Allocators need
    some minutes of media until they have their fill."""
    minute = make_media(tmp_path / "minute.mkv", video_seconds=60, audio_seconds=60, fps=5)
    peaks = []
    for minutes in (5, 15):
        media = repeated(minute, minutes, tmp_path / f"{minutes}.mkv")
        command = [sys.executable, "-c", DECODE_ALONE, str(media), str(tmp_path / str(minutes))]
        peaks.append(measure(command).peak)
    short, long = peaks
    assert long - short < 20 * 2**20
