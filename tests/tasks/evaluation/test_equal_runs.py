"""Two equal runs, a hundred times, of every kind: no figure wins more often than by chance."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tasks.evaluation.compare import compare_runs
from tasks.evaluation.kinds import MEASURES
from tasks.evaluation.run import FinishedRun, RunRecord

SOURCES, ITEMS, TIMES = 9, 12, 100
Tables = dict[str, pd.DataFrame]


class Drawn(FinishedRun):
    """A run whose tables were drawn."""

    tables: Tables

    def table(self, name: str) -> pd.DataFrame | None:
        return self.tables.get(name)


def known(random: np.random.Generator) -> pd.DataFrame:
    """Twelve clips of nine sources; a source is as easy, and as lucky, in all its clips."""
    sources = np.arange(ITEMS) % SOURCES
    rows = pd.DataFrame({"item": [f"i{n}" for n in range(ITEMS)], "source": [f"s{n}" for n in sources]})
    rows["luck"] = random.normal(size=SOURCES)[sources]
    return rows


def counts(random: np.random.Generator, luck: pd.Series, rate: float, total: int) -> np.ndarray:
    """Errors among `total`, more where luck is bad; many ties and zeros."""
    return random.binomial(total, np.clip(rate * np.exp(0.5 * luck.to_numpy()), 0, 1))


def transcription(random: np.random.Generator) -> Tables:
    rows = known(random)
    luck = rows["luck"]
    for total, errors, number in (
        ("words", "errors", 60),
        ("characters", "character_errors", 300),
        ("spaced_words", "spaced_errors", 60),
        ("cues", "fast_cues", 12),
    ):
        rows[total], rows[errors] = number, counts(random, luck, 0.12, number)
    rows["odd_cues"] = counts(random, luck, 0.02, 12)
    rows["silent_minutes"], rows["words_in_silence"] = 0.5, random.poisson(np.exp(0.5 * luck))
    rows["time_errors"] = [list(random.normal(0.02 * value, 0.1, 30)) for value in luck]
    return {"items": rows}


def diarization(random: np.random.Generator) -> Tables:
    rows = known(random)
    rows["speech_seconds"] = rows["forgiven_speech_seconds"] = 60.0
    for name in ("missed_seconds", "false_alarm_seconds", "confused_seconds"):
        rows[name] = random.gamma(2, 2, ITEMS) * np.exp(0.5 * rows["luck"])
    rows["error_seconds"] = rows["missed_seconds"] + rows["false_alarm_seconds"] + rows["confused_seconds"]
    rows["forgiven_error_seconds"] = 0.7 * rows["error_seconds"]
    rows["speakers"], rows["speaker_error"] = 3, rows["error_seconds"] / 20
    rows["count_error"] = random.poisson(0.7, ITEMS)
    return {"items": rows}


def attribution(random: np.random.Generator) -> Tables:
    rows = known(random)
    rows["words"] = rows["timed_words"] = 200
    rows["cp_errors"] = counts(random, rows["luck"], 0.3, 200)
    rows["tcp_errors"] = rows["cp_errors"] + random.poisson(2, ITEMS)
    rows["count_error"] = random.poisson(0.7, ITEMS)
    return {"items": rows}


def denoising(random: np.random.Generator) -> Tables:
    rows = known(random)
    for name in ("si_sdr", "stoi", "pesq"):
        rows[f"{name}_gain"] = rows["luck"] + random.normal(size=ITEMS)
        rows[name] = 10 + rows[f"{name}_gain"]
    return {"items": rows}


def tagging(random: np.random.Generator) -> Tables:
    rows = known(random)
    for name in "ABC":
        rows[f"true {name}"] = np.arange(ITEMS) % 3 == "ABC".index(name)
        noise = 0.3 * random.normal(size=ITEMS) + 0.2 * rows["luck"]
        rows[f"score {name}"] = (rows[f"true {name}"] * 0.3 + noise).round(1)
    return {"items": rows}


def _found(random: np.random.Generator, rows: pd.DataFrame) -> pd.DataFrame:
    rows["scores"] = [list(random.random(5).round(2)) for _ in range(len(rows))]
    rows["hits"] = [[bool(random.random() < score) for score in scores] for scores in rows["scores"]]
    rows["faces"] = 4
    rows["count_error"] = random.poisson(1, len(rows))
    return rows


def _people(random: np.random.Generator) -> pd.DataFrame:
    rows = pd.DataFrame({"session": "one", "person": [f"p{n % SOURCES}" for n in range(4 * SOURCES)]})
    rows["item"] = "one " + rows["person"]
    lost = random.random(len(rows)) < 0.3
    other = random.integers(0, SOURCES, len(rows)).astype(str)
    rows["cluster"] = np.where(lost, other, rows["person"].str[1:])
    return rows


def faces(random: np.random.Generator) -> Tables:
    people = [f"p{n // 3}" for n in range(3 * SOURCES)]
    pairs = [
        {"item": one, "same": one == other, "similarity": round(random.normal(one == other), 1)}
        for place, one in enumerate(people)
        for other in people[place + 1 :]
    ]
    return {"items": _found(random, known(random)), "pairs": pd.DataFrame(pairs), "clusters": _people(random)}


def video(random: np.random.Generator) -> Tables:
    rows = known(random)
    rows["speaking"] = 20.0
    rows["right"] = counts(random, rows["luck"], 0.4, 20)
    rows["missed"], rows["wrong"] = 20.0 - rows["right"], random.poisson(3, ITEMS)
    frames = _found(random, pd.concat([rows[["item", "source"]]] * 5, ignore_index=True))
    tracks = _people(random)
    tracks["item"] = [f"i{n % ITEMS}" for n in range(len(tracks))]
    return {"items": rows, "frames": frames, "tracks": tracks}


def search(random: np.random.Generator) -> Tables:
    rows = known(random)
    rows["recall"] = 1 - counts(random, rows["luck"], 0.1, 10) / 10
    rows["first"] = (random.random(ITEMS) < 0.9).astype(float)
    rounds = pd.DataFrame({"item": range(12), "milliseconds": 1 + random.random() + random.random(12)})
    return {"items": rows, "rounds": rounds}


KINDS: list[Callable[[np.random.Generator], Tables]] = [
    transcription,
    diarization,
    attribution,
    denoising,
    tagging,
    faces,
    video,
    search,
]


def run(kind: str, name: str, tables: Tables) -> Drawn:
    record = RunRecord(
        id=name,
        kind=kind,
        created=datetime.now(UTC),
        dataset="drawn",
        digest="0",
        model="one",  # type: ignore[arg-type]
    )
    return Drawn(folder=Path(name), record=record, figures=pd.DataFrame(), tables=tables)


LONG = (transcription, diarization, tagging, faces, video)  # half a minute and more
MARKED = [pytest.param(one, marks=pytest.mark.soak if one in LONG else pytest.mark.slow) for one in KINDS]


@pytest.mark.parametrize("draw", MARKED, ids=lambda draw: draw.__name__)
def test_no_figure_is_called_better_more_than_five_times(draw) -> None:
    kind, random = draw.__name__, np.random.default_rng(11)
    called: Counter[str] = Counter()
    judged: set[str] = set()
    for _ in range(TIMES):
        pair = [run(kind, name, draw(random)) for name in "ab"]
        for one in compare_runs(*pair, MEASURES[kind], draws=2).figures:
            judged.add(one.measure.name)
            called[one.measure.name] += one.winner is not None
    assert judged == {measure.name for measure in MEASURES[kind]}
    assert max(called.values()) <= 5, called


@pytest.mark.parametrize("draw", KINDS, ids=lambda draw: draw.__name__)
def test_a_run_compared_with_itself_is_equal(draw) -> None:
    tables = draw(np.random.default_rng(1))
    kind = draw.__name__
    figures = compare_runs(run(kind, "a", tables), run(kind, "b", tables), MEASURES[kind], draws=2).figures
    assert all(one.winner is None and one.found.difference == 0 for one in figures)


def test_speed_is_never_judged() -> None:
    """It is the machine's as much as the model's."""
    assert all(measure.timed for measure in MEASURES["speed"])
