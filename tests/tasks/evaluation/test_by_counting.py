"""Figures of turns and of search against counting, on what is hard: overlaps, silence, others' rows, ties."""

from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from containers.common.contract import Span
from containers.common.documents.speakers import Turn
from tasks.evaluation.nist import read_turns, read_uem
from tasks.evaluation.search import MEASURES, Split, _answers
from tasks.evaluation.speakers import MEASURES as SPEAKERS
from tasks.evaluation.speakers import score_turns
from tasks.evaluation.statistics import estimate

STEPS = 100  # a second
SECONDS = 40


def random_turns(random: np.random.Generator, names: str) -> list[Turn]:
    """Overlapping each other and themselves, with silence between; whole hundredths of a second."""
    found = []
    for _ in range(random.integers(4, 12)):
        start = round(float(random.random() * (SECONDS - 6)), 2)
        end = round(start + 0.3 + float(random.random()) * 5, 2)
        found.append(Turn(start=start, end=end, speaker=str(random.choice(list(names)))))
    return found


def spoken(turns: list[Turn]) -> dict[str, np.ndarray]:
    """Speaker to (steps,): whether they speak."""
    found: dict[str, np.ndarray] = {}
    for turn in turns:
        row = found.setdefault(turn.speaker, np.zeros(SECONDS * STEPS, bool))
        row[round(turn.start * STEPS) : round(turn.end * STEPS)] = True
    return found


def edges(turns: list[Turn]) -> np.ndarray:
    """Steps within 0.25 s of where a speaker begins or ends."""
    near = np.zeros(SECONDS * STEPS, bool)
    for row in spoken(turns).values():
        for place in np.flatnonzero(np.diff(np.concatenate([[0], row.astype(int), [0]]))):
            near[max(0, place - 25) : place + 25] = True
    return near


def counted(true: list[Turn], found: list[Turn], scored: np.ndarray) -> dict[str, float]:
    """DER's parts in seconds by dscore's rules, the best of all one-to-one matches; JER's errors by it."""
    one = {name: row & scored for name, row in spoken(true).items() if (row & scored).any()}
    other = {name: row & scored for name, row in spoken(found).items() if (row & scored).any()}
    nobody = np.zeros(SECONDS * STEPS, bool)
    names = [*other, *[""] * len(one)]
    speech, heard = (sum(each.values(), nobody.astype(int)) for each in (one, other))

    def right(way: tuple[str, ...]) -> int:
        return sum(
            int((row & other.get(name, nobody)).sum()) for row, name in zip(one.values(), way, strict=True)
        )

    best = max(permutations(names, len(one)), key=right) if one else ()
    missed, extra = np.maximum(speech - heard, 0).sum(), np.maximum(heard - speech, 0).sum()

    def jaccard(way: tuple[str, ...]) -> float:
        rows = [(row, other.get(name, nobody)) for row, name in zip(one.values(), way, strict=True)]
        return sum(float((row ^ mate).sum() / max(1, (row | mate).sum())) for row, mate in rows)

    return {
        "speech_seconds": speech.sum() / STEPS,
        "missed_seconds": missed / STEPS,
        "false_alarm_seconds": extra / STEPS,
        "confused_seconds": (np.minimum(speech, heard).sum() - right(best)) / STEPS,
        "speaker_error": jaccard(best),
    }


@pytest.mark.parametrize("seed", range(8))
def test_turns_are_scored_as_counting_does(seed: int, tmp_path: Path) -> None:
    """From an RTTM with the rows of two recordings, and a UEM that leaves parts out."""
    random = np.random.default_rng(seed)
    true, found, others = (random_turns(random, names) for names in ("ABC", "xyz", "PQ"))
    rows = [("talk", turn) for turn in true] + [("other", turn) for turn in others]
    lines = [
        f"SPEAKER {name} 1 {turn.start:.2f} {turn.end - turn.start:.2f} <NA> <NA> {turn.speaker} <NA> <NA>"
        for name, turn in rows
    ]
    (tmp_path / "all.rttm").write_text("\n".join(lines))
    (tmp_path / "all.uem").write_text("talk 1 3 20\nother 1 0 1\ntalk 1 25 40\n")
    spans: list[Span] | None = read_uem(tmp_path / "all.uem", "talk") if seed % 2 else None
    scored = np.ones(SECONDS * STEPS, bool)
    for span in (spans and [Span(start=0, end=3), Span(start=20, end=25)]) or []:
        scored[round(span.start * STEPS) : round(span.end * STEPS)] = False
    row = score_turns(read_turns(tmp_path / "all.rttm", "talk"), found, SECONDS, spans)
    expected = counted(true, found, scored)
    assert {name: row[name] for name in expected} == pytest.approx(expected, abs=0.03)
    assert row["error_seconds"] == pytest.approx(
        row["missed_seconds"] + row["false_alarm_seconds"] + row["confused_seconds"]
    )


@pytest.mark.parametrize("seed", range(4))
def test_what_is_near_a_boundary_is_forgiven(seed: int) -> None:
    random = np.random.default_rng(seed)
    true, found = random_turns(random, "AB"), random_turns(random, "xy")
    row = score_turns(true, found, SECONDS)
    expected = counted(true, found, ~edges(true))
    errors = sum(expected[f"{name}_seconds"] for name in ("missed", "false_alarm", "confused"))
    assert row["forgiven_speech_seconds"] == pytest.approx(expected["speech_seconds"], abs=0.05)
    assert row["forgiven_error_seconds"] == pytest.approx(errors, abs=0.1)


def test_several_recordings_are_scored_by_their_seconds_together() -> None:
    """Also one in which nobody speaks: its false alarms count, and it is no recording without a figure."""
    random = np.random.default_rng(5)
    pairs = [(random_turns(random, "AB"), random_turns(random, "xy")) for _ in range(3)]
    pairs.append(([], [Turn(start=1, end=3, speaker="x")]))
    rows = pd.DataFrame([{"item": n, **score_turns(*pair, SECONDS)} for n, pair in enumerate(pairs)])
    scored = np.ones(SECONDS * STEPS, bool)
    parts = [counted(*pair, scored) for pair in pairs]
    errors = sum(one[f"{name}_seconds"] for one in parts for name in ("missed", "false_alarm", "confused"))
    speech = sum(one["speech_seconds"] for one in parts)
    assert estimate(rows, SPEAKERS[0], draws=10).value == pytest.approx(errors / speech, abs=0.002)


def test_of_vectors_that_are_equally_near_any_is_right() -> None:
    """A hundred vectors, each there ten times: whichever ten of the nearest are found, recall is 1."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(100, 16)).astype(np.float32)
    matrix = np.repeat(centres, 10, axis=0)
    distances = ((centres[:, None] - matrix) ** 2).sum(-1) ** 0.5
    ids = [f"v{number}" for number in range(1000)]
    split = Split("drawn", "faceapi", Path("x"), ids, matrix, centres, np.sort(distances, axis=1))
    exact = [[ids[slot] for slot in random.permutation(np.arange(10 * n, 10 * n + 10))] for n in range(100)]
    table = pd.DataFrame(list(_answers(split, exact, 10)))
    assert {one.name: estimate(table, one, draws=5).value for one in MEASURES[:2]} == {
        "recall": 1,
        "first": 1,
    }
    half = [
        [*found[:5], *(ids[(10 * n + 500 + k) % 1000] for k in range(5))] for n, found in enumerate(exact)
    ]
    by_hand = np.mean([len(set(found) & set(all_)) / 10 for found, all_ in zip(half, exact, strict=True)])
    assert estimate(pd.DataFrame(list(_answers(split, half, 10))), MEASURES[0], draws=5).value == by_hand
