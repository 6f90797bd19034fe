"""A model's configuration is data, whoever published it."""

import json
from pathlib import Path

import pytest

from containers.common.errors import UserError
from containers.facenet.networks import check_config, load_network


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A model whose configuration has another's read, with that one's own code: it makes a folder."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").write_text('{"model_type": "other", "auto_map": {"AutoConfig": "run.Run"}}')
    (other / "run.py").write_text(
        "from pathlib import Path\n"
        "from transformers import PretrainedConfig\n"
        f"Path({str(tmp_path / 'obeyed')!r}).mkdir()\n"
        "class Run(PretrainedConfig):\n    model_type = 'other'\n"
    )
    folder = tmp_path / "model"
    folder.mkdir()
    detector = {"model_type": "other", "_name_or_path": str(other)}
    config = {"model_type": "lightglue", "trust_remote_code": True, "keypoint_detector_config": detector}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_it_is_not_obeyed(hostile: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"model is not loaded: .* \(trust_remote_code\)"):
        load_network(hostile)
    assert not (tmp_path / "obeyed").exists()


@pytest.mark.slow
def test_transformers_itself_obeys(hostile: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Why all this: asking for no code of elsewhere is not enough in the version of the lock."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    from transformers import AutoModel

    with pytest.raises(Exception):  # noqa: B017 - it goes wrong somewhere after the code has run
        AutoModel.from_pretrained(hostile, local_files_only=True, use_safetensors=True)
    assert (tmp_path / "obeyed").exists()


@pytest.mark.parametrize("config", ["", "{", '[{"a": [{"auto_map": 1}]}]', '{"_attn_implementation": "a/b"}'])
def test_anything_strange_is_a_sentence(config: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(UserError, match=r"cannot be read|names code of elsewhere"):
        check_config(tmp_path)
