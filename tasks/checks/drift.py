"""Do results drift? What each analysis measured, over time, against the analyses of a baseline.

Drift is told by the population stability index: over deciles, with p and q the shares of recent and of
baseline values, PSI = sum of (p - q) · ln(p / q). Below 0.1 little has changed, above 0.2 much has (B.
Yurdakul and J. Naranjo, Statistical properties of the population stability index, Journal of Risk Model
Validation 14 (4), 2020). Chance makes it larger the fewer assets there are, and the values of one asset hang
together: so it also has to be larger than in 999 of 1000 divisions of the same assets into two such groups by
lot.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Frame = Any  # a pandas DataFrame: its annotations are wider than what it returns
COLUMNS: Any = ["asset", "created", "measure", "value"]
DRIFT_COLUMNS = ["psi", "limit", "baseline_assets", "recent_assets", "baseline_median", "recent_median"]
UNITS = {
    "duration": "minutes",
    "words a minute": "",
    "speakers an hour": "",
    "people seen an hour": "",
    "word score": "",
    "sound score": "",
    "face score": "",
    "speech above noise": "dB",
}
NOTHING: Frame = pd.DataFrame(columns=COLUMNS)  # of an asset that cannot be read
MOST_VALUES = 50  # of one asset and measure: evenly spaced quantiles of all
DECILES = 10
MUCH = 0.2  # PSI
LOTS = 4999  # divisions by lot
MOST_DRAWN = 2_000_000  # assets in so many of them at once: 16 MB
BY_CHANCE = 0.999  # of which; a nightly look at eight measures then errs once in four months, at most


def measure(asset: str, documents: Mapping[str, Mapping[str, Any]], manifest: Mapping[str, Any]) -> Frame:
    """What one asset adds: rows of COLUMNS, from its JSON documents by file name."""
    seconds = float(manifest["duration"])
    words = [word for each in documents["transcript.json"]["segments"] for word in each.get("words", [])]
    faces = [face for frame in documents["faces.json"]["frames"] for face in frame["faces"]]
    media = manifest["media"]
    values: dict[str, list[float]] = {"duration": [seconds / 60]}
    if seconds > 0 and media.get("audio_codec"):
        values["words a minute"] = [60 * len(words) / seconds]
        values["speakers an hour"] = [3600 * len(documents["diarization.json"]["speakers"]) / seconds]
    if seconds > 0 and media.get("video_codec"):
        people = {each.get("person") or each["id"] for each in documents["faces.json"].get("tracks", [])}
        values["people seen an hour"] = [3600 * len(people) / seconds]
    values["word score"] = [word["score"] for word in words]
    values["sound score"] = [event["score"] for event in documents["tags.json"]["predictions"]]
    values["face score"] = [face["detection"]["score"] for face in faces]
    noise = documents.get("noise.json", {}).get("track", [])
    values["speech above noise"] = [each["snr_db"] for each in noise if each.get("snr_db") is not None]
    created = pd.Timestamp(manifest["created"]).tz_convert("UTC") if "created" in manifest else pd.NaT
    rows = [
        (asset, created, name, float(value)) for name, found in values.items() for value in _thinned(found)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _thinned(values: list[float]) -> NDArray[np.float64]:
    numbers = np.asarray(values, float)
    numbers = numbers[np.isfinite(numbers)]
    if len(numbers) <= MOST_VALUES:
        return numbers
    return np.quantile(numbers, (np.arange(MOST_VALUES) + 0.5) / MOST_VALUES)


def recent_of(measured: Frame, baseline: Frame, now: datetime, days: int) -> Frame:
    """Analyses of the last `days` that are not in the baseline."""
    known = pd.MultiIndex.from_frame(baseline[["asset", "created"]])
    fresh = ~pd.MultiIndex.from_frame(measured[["asset", "created"]]).isin(known)
    return measured[fresh & (measured["created"] > pd.Timestamp(now) - timedelta(days=days))]


def drift_table(baseline: Frame, recent: Frame) -> Frame:
    """One row a measure that both have; `asset` is its name, as in every table that rules look at."""
    rows = [
        {"asset": name, "row": number, **_compare(baseline, recent, name)}
        for number, name in enumerate(UNITS)
        if (baseline["measure"] == name).any() and (recent["measure"] == name).any()
    ]
    return pd.DataFrame(rows, columns=["asset", "row", *DRIFT_COLUMNS])


def _compare(baseline: Frame, recent: Frame, name: str) -> dict[str, float]:
    before, after = (each[each["measure"] == name] for each in (baseline, recent))
    counts = [
        _counts(each, _edges(pd.concat([before, after])["value"].to_numpy())) for each in (before, after)
    ]
    index, by_chance = float(psi(counts[0].sum(0), counts[1].sum(0))), _by_chance(*counts)
    return {
        "psi": round(index, 4),
        "limit": round(max(MUCH, by_chance), 4),
        "baseline_assets": len(counts[0]),
        "recent_assets": len(counts[1]),
        "baseline_median": float(before["value"].median()),
        "recent_median": float(after["value"].median()),
    }


def _edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Between the deciles; fewer than nine where values are equal."""
    return np.unique(np.quantile(values, np.linspace(0, 1, DECILES + 1)[1:-1]))


def _counts(values: Frame, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values in each decile, shape (assets, deciles)."""
    places = np.searchsorted(edges, values["value"].to_numpy(), side="right")
    codes, assets = pd.factorize(values["asset"])
    counts = np.zeros((len(assets), len(edges) + 1))
    np.add.at(counts, (codes, places), 1)
    return counts


def psi(baseline: NDArray[np.float64], recent: NDArray[np.float64]) -> NDArray[np.float64]:
    """The population stability index of histograms, shape (..., deciles).

    Half a value is added to every bin, so that an empty one has a logarithm.
    """
    q, p = ((each + 0.5) / (each + 0.5).sum(-1, keepdims=True) for each in (baseline, recent))
    return ((p - q) * np.log(p / q)).sum(-1)


def _by_chance(before: NDArray[np.float64], after: NDArray[np.float64]) -> float:
    """What PSI stays below when lots decide which assets are recent; always the same lots."""
    counts, random = np.concatenate([before, after]), np.random.default_rng(0)
    found = []
    at_once = max(1, MOST_DRAWN // len(counts))
    for first in range(0, LOTS, at_once):
        order = random.random((min(at_once, LOTS - first), len(counts))).argsort(1)
        drawn = (order < len(after)).astype(float) @ counts
        found.append(psi(counts.sum(0) - drawn, drawn))
    return float(np.quantile(np.concatenate(found), BY_CHANCE))


def join_measures(measured: Iterable[Frame]) -> Frame:
    """All assets' rows as one table, by time."""
    tables = [each for each in measured if len(each)]
    whole: Frame = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)
    return whole.sort_values("created", kind="stable", ignore_index=True)
