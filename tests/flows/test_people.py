"""`python -m flows.people`: what people type to name who is seen and heard, and what they read."""

from pathlib import Path

import numpy as np
import pytest

from flows.people import main
from tasks.outputs.embeddings import write_embeddings

ASSET = "a" * 16


def face(who: int, track: int, samples: int) -> dict:
    vector = 0.7 * np.eye(128)[who] + 0.001 * np.eye(128)[127 - track]
    about = {"kind": "face", "track": track, "time": 2.0 * track, "shown": [2.0 * track, 2.0 * track + 1]}
    return {"model": "faceapi", "vector": vector.tolist(), "metadata": about | {"samples": samples}}


def voice(who: int) -> dict:
    about = {"kind": "voice", "speaker": f"SPEAKER_0{who}", "time": 3.0, "end": 9.5}
    return {"model": "ge2e-speaker", "vector": np.eye(256)[who].tolist(), "metadata": about}


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """An asset with a passer-by, somebody seen twice, ten others, and a voice."""
    rows = [face(0, 0, 1), face(1, 1, 5), face(1, 12, 5), *(face(n, n, 5) for n in range(2, 12)), voice(0)]
    (tmp_path / ASSET).mkdir()
    write_embeddings(tmp_path / ASSET / "embeddings.parquet", ASSET, rows)
    (tmp_path / ASSET / "manifest.json").write_text("{}")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main(list(map(str, arguments)))
    said = capsys.readouterr()
    return code, said.out, said.err


def test_everybody_in_the_order_they_come_and_voices_among_them(output: Path, capsys) -> None:
    code, out, err = run(capsys, "list", output)
    assert (code, err) == (0, "")
    rows = [line.split() for line in out.splitlines()[1:] if line.startswith("aaaaaaaa:")]
    labels = [row[0].partition(":")[2] for row in rows]
    assert labels == ["face1", *(f"face{n}" for n in range(2, 12)), "SPEAKER_00"]
    assert rows[0][1:3] == ["2", "0"], "one person, seen twice"
    assert rows[-1][1:5] == ["0", "1", "6.5", "s"], "heard for as long as the voice is there"
    assert "1 face seen in a single frame not shown: --all shows them." in out
    assert "aaaaaaaa:face0" in run(capsys, "list", output, "--all")[1]


def test_a_face_and_a_voice_are_named_and_split(output: Path, capsys) -> None:
    assert run(capsys, "name", output, "aaaaaaaa:face1", "Kate")[:2] == (
        0,
        "Kate (p1), known by 2 faces\n",
    )
    code, out, _ = run(capsys, "merge", output, "Kate", "aaaaaaaa:SPEAKER_00")
    assert (code, out) == (0, "Kate (p1), known by 2 faces and 1 voice\n")
    code, out, _ = run(capsys, "split", output, "aaaaaaaa:face12")
    assert (code, out) == (0, "p3 (p3), known by 1 face\n")


def test_nobody_of_that_name_is_one_sentence(output: Path, capsys) -> None:
    code, out, err = run(capsys, "name", output, "aaaaaaaa:face99", "Kate")
    assert (code, out) == (1, "")
    assert err.startswith("Nobody is called 'aaaaaaaa:face99': ")
    assert err.count("\n") == 1
