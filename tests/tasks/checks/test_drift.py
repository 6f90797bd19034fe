"""Drift: what recent analyses measured against a baseline, as numbers, as a rule and as a picture."""

import io
import warnings
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tasks.checks.check import check_tables
from tasks.checks.drift import UNITS, drift_table, join_measures, measure, psi, recent_of
from tasks.checks.drift_picture import draw_drift

NOW = datetime(2026, 11, 25, tzinfo=UTC)


def asset(number: int, days_ago: float, **shift: float) -> pd.DataFrame:
    """An hour with words, faces and sounds of scores around one half; `shift` moves a measure."""
    random = np.random.default_rng(number)

    def scores(name: str, count: int) -> list[float]:
        return list(0.5 + 0.05 * random.standard_normal(count) + shift.get(name, 0))

    minutes = 60 + 5 * random.standard_normal() + shift.get("minutes", 0)
    documents: dict[str, Any] = {
        "transcript.json": {"segments": [{"words": [{"score": score} for score in scores("word", 80)]}]},
        "diarization.json": {
            "speakers": [{}] * (3 + int(random.integers(3)) + int(shift.get("speakers", 0)))
        },
        "tags.json": {"predictions": [{"score": score} for score in scores("sound", 20)]},
        "faces.json": {
            "frames": [{"faces": [{"detection": {"score": score}} for score in scores("face", 20)]}],
            "tracks": [{"id": number, "person": None} for number in range(4)],
        },
        "noise.json": {"track": [{"snr_db": 20.0}, {"snr_db": None}, {}]},
    }
    manifest = {
        "duration": 60 * minutes,
        "created": (NOW - timedelta(days=days_ago)).isoformat(),
        "media": {"audio_codec": "aac", "video_codec": "h264"},
    }
    return measure(f"asset{number}", documents, manifest)


def test_what_is_measured_of_an_asset() -> None:
    measured = asset(1, 3)
    values = {name: group["value"].tolist() for name, group in measured.groupby("measure")}
    assert values.keys() == UNITS.keys()
    assert len(values["word score"]) == 50, "quantiles stand for many"
    (minutes,) = values["duration"]
    assert values["words a minute"] == [pytest.approx(80 / minutes)]
    assert values["people seen an hour"] == [pytest.approx(4 * 60 / minutes)]
    assert values["speech above noise"] == [20.0]


def test_psi_is_what_the_formula_says() -> None:
    """By hand: shares 0.5/0.5 against 0.25/0.75, far from the half value that every bin gets."""
    index = psi(np.array([50_000, 50_000]), np.array([25_000, 75_000]))
    assert index == pytest.approx(-0.25 * np.log(0.5) + 0.25 * np.log(1.5), abs=1e-4)
    assert psi(np.array([7, 3]), np.array([7, 3])) == 0


def test_only_what_was_shifted_has_drifted() -> None:
    baseline = join_measures(asset(number, 200 - number) for number in range(60))
    fresh = [asset(100 + number, number % 20, word=-0.06, speakers=6) for number in range(40)]
    measured = join_measures([baseline, *fresh])
    recent = recent_of(measured, baseline, NOW, 28)
    assert recent["asset"].nunique() == 40
    table = drift_table(baseline, recent)
    drifted = set(table[table["psi"] > table["limit"]]["asset"])
    assert drifted == {"word score", "speakers an hour"}
    (verdict,) = check_tables({"drift": table}).verdicts
    assert verdict.severity == "warning"
    assert set(verdict.assets) == drifted
    assert "drift of speakers an hour, word score break 'What is measured lately" in verdict.sentence


def test_few_assets_have_not_drifted_by_chance() -> None:
    """Five times four assets of the same kind against twelve: large indexes, no drift."""
    for seed in range(5):
        numbers = range(1000 * seed, 1000 * seed + 16)
        made = [asset(number, 100 if number % 1000 < 12 else 1) for number in numbers]
        table = drift_table(join_measures(made[:12]), join_measures(made[12:]))
        assert (table["psi"] <= table["limit"]).all()
    assert table["psi"].max() > 0.2


def test_what_is_in_the_baseline_is_not_recent() -> None:
    measured = join_measures([asset(1, 2), asset(2, 3), asset(3, 60)])
    baseline = measured[measured["asset"] == "asset1"]
    assert set(recent_of(measured, baseline, NOW, 28)["asset"]) == {"asset2"}


@pytest.mark.parametrize(("count", "days"), [(1, 0), (2, 0), (3, 0), (10, 4000)])
def test_the_picture_has_a_row_for_every_measure(count: int, days: int) -> None:
    """One to three assets, or ten years: warnings of the drawing library are errors here."""
    made = [asset(number, days * number / 10) for number in range(count)]
    measured = join_measures(made)
    none = measured.iloc[:0]
    with warnings.catch_warnings(action="error"):
        whole = Image.open(io.BytesIO(draw_drift(measured, none, none, drift_table(none, none))))
        draw_drift(measured, none, measured, drift_table(none, measured))
        sound = measured[~measured["measure"].isin(["face score", "people seen an hour"])]
        less = Image.open(io.BytesIO(draw_drift(sound, sound, sound, drift_table(sound, sound))))
    assert whole.width == less.width == 1100
    assert whole.height > less.height > 600
