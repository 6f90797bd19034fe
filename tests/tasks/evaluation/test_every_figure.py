"""Every figure of every kind against the field's own library, over all items of a data set at once.

The items are those that go wrong: recordings in which nobody speaks, turns over each other and over
themselves, ties, several clips of one source. How a row is made of one item is in the other tests; the
figures of `speed` are sums of seconds by sums of seconds.
"""

import math
from collections.abc import Callable

import jiwer
import numpy as np
import pandas as pd
import pytest
from pyannote.metrics.diarization import DiarizationErrorRate, JaccardErrorRate
from scipy.stats import norm
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve
from sklearn.metrics.cluster import contingency_matrix, pair_confusion_matrix
from sklearn.neighbors import NearestNeighbors

from containers.common.documents.speakers import Turn
from containers.common.documents.speech import Segment, Transcript
from tasks.evaluation import attributed, denoising, faces, search, speakers, tagging, transcripts, video
from tasks.evaluation.attributed import score_attributed
from tasks.evaluation.denoising import RATE, score_denoising
from tasks.evaluation.kinds import MEASURES
from tasks.evaluation.nist import Utterance
from tasks.evaluation.search import Split
from tasks.evaluation.speakers import annotation, score_turns
from tasks.evaluation.statistics import Measure, estimate
from tasks.evaluation.subtitling import score_subtitles
from tasks.evaluation.words import score_words
from tests.tasks.evaluation.test_attributed import MEETEVAL, meeting
from tests.tasks.evaluation.test_by_counting import SECONDS, random_turns

Tables = dict[str, pd.DataFrame]
Expected = dict[str, float]
WORDS = ["eins", "zwei", "drei", "vier", "fünf", "sechs", "Ärger", "안녕", "네"]


def known(rows: list[dict]) -> pd.DataFrame:
    """Two clips of each source, which is nothing to a figure over all."""
    return pd.DataFrame([{"item": f"i{n}", "source": f"s{n // 2}", **row} for n, row in enumerate(rows)])


def transcription(random: np.random.Generator) -> tuple[Tables, Expected]:
    """By jiwer and numpy. Of every third recording nothing is said, of every fourth nothing is heard."""
    rows, said, heard, spaced, times = [], [], [], [], []
    for number in range(12):
        one = [] if number % 3 == 0 else list(random.choice(WORDS, random.integers(2, 9)))
        other = [] if number % 4 == 1 else [*random.permutation(one), *random.choice(WORDS, 2)]
        errors = list(np.round(random.normal(0, 0.1, 2 * (number % 3)), 2))
        said.append(" ".join(one).lower())
        heard.append(" ".join(other).lower())
        times += errors
        # With a reference's spaces nothing is joined that was apart: these words have none to move.
        spaced.append(number % 2 == 0)
        found = Transcript(segments=[Segment(start=0, end=9, text=" ".join(other), words=[])])
        row = score_words([Utterance(" ".join(one), None, None)], found, "de")
        row |= {"spaced_words": row["words"] * spaced[-1], "spaced_errors": row["errors"]}
        row |= {"silent_minutes": number / 4, "words_in_silence": number % 5, "time_errors": errors}
        rows.append(
            row | score_subtitles(found) | {"cues": number % 4, "fast_cues": number % 3, "odd_cues": 1}
        )
    table = known(rows)
    silent, cued = table[table["silent_minutes"] > 0], table[table["cues"] > 0]
    letters = [[text.replace(" ", "") for text in side] for side in (said, heard)]
    chosen = [n for n, row in enumerate(rows) if row["spaced_words"]]
    return {"items": table}, {
        "wer": jiwer.wer(said, heard),
        "cer": jiwer.cer(*letters),
        "wer_spaced": jiwer.wer([said[n] for n in chosen], [heard[n] for n in chosen]),
        "alignment": 1000 * float(np.quantile(np.abs(times), 0.5, method="inverted_cdf")),
        "in_silence": silent["words_in_silence"].sum() / silent["silent_minutes"].sum(),
        "fast": np.average(cued["fast_cues"] / cued["cues"], weights=cued["cues"]),
        "laid_out": np.average(cued["odd_cues"] / cued["cues"], weights=cued["cues"]),
    }


def diarization(random: np.random.Generator) -> tuple[Tables, Expected]:
    """By pyannote.metrics, which accumulates recordings itself; in the last one nobody speaks."""
    pairs = [(random_turns(random, "ABC"), random_turns(random, "wxyz")) for _ in range(5)]
    pairs.append(([], [Turn(start=1, end=3, speaker="x")]))
    strict, forgiving, jaccard = DiarizationErrorRate(), DiarizationErrorRate(collar=0.5), JaccardErrorRate()
    from pyannote.core import Segment as Stretch
    from pyannote.core import Timeline

    for pair in pairs:
        for metric in (strict, forgiving, jaccard):
            # Its own support() makes one of a speaker's overlapping turns, whatever the order.
            true, found = (annotation(turns).support() for turns in pair)
            metric(true, found, uem=Timeline([Stretch(0, SECONDS)]))
    parts, counts = strict[:], [len({t.speaker for t in a}) - len({t.speaker for t in b}) for a, b in pairs]
    return {"items": known([score_turns(*pair, SECONDS) for pair in pairs])}, {
        "der": abs(strict),
        "der_collar": abs(forgiving),
        "jer": abs(jaccard),
        "missed": parts["missed detection"] / parts["total"],
        "false_alarm": parts["false alarm"] / parts["total"],
        "confusion": parts["confusion"] / parts["total"],
        "count_error": float(np.mean(np.abs(counts))),
    }


def attribution(_: np.random.Generator) -> tuple[Tables, Expected]:
    """By MeetEval's errors of each meeting, which its average adds up as well."""
    rows = [score_attributed(*meeting(seed), "de") for seed in MEETEVAL]
    errors, timed, words = np.sum(list(MEETEVAL.values()), axis=0)
    named = [
        (len({one.speaker for one in said}), len({one.speaker for one in found.segments}))
        for said, found in map(meeting, MEETEVAL)
    ]
    counts = float(np.mean([abs(a - b) for a, b in named]))
    return {"items": known(rows)}, {"cpwer": errors / words, "tcpwer": timed / words, "count_error": counts}


def denoise(random: np.random.Generator) -> tuple[Tables, Expected]:
    """By torchmetrics' SI-SDR and pystoi; one recording has no more speech than STOI can judge."""
    torch = pytest.importorskip("torch")
    from pystoi import stoi
    from torchmetrics.functional.audio import scale_invariant_signal_distortion_ratio as theirs

    rows, sdr, heard = [], [], []
    for number in range(4):
        time = np.arange(2 * RATE if number else RATE // 4) / RATE
        clean = np.sin(2 * np.pi * 220 * time) * (1 + np.sin(2 * np.pi * 3 * time)) + 0.01 * number
        noisy, better = (clean + size * random.normal(size=len(time)) for size in (0.5, 0.1))
        rows.append(
            score_denoising(clean, noisy, better, lambda one, other: float(np.abs(one - other).max()))
        )
        given = torch.from_numpy(np.stack([noisy, better, clean]))
        sdr.append([theirs(given[n], given[2], zero_mean=True).item() for n in (0, 1)])
        if number:
            heard.append([stoi(clean, one, RATE) for one in (noisy, better)])
    before, after = np.mean(sdr, axis=0)
    unclear, clear = np.mean(heard, axis=0)
    pesq = pd.DataFrame(rows)
    return {"items": known(rows)}, {
        "si_sdr": after,
        "si_sdr_gain": after - before,
        "stoi": clear,
        "stoi_gain": clear - unclear,
        "pesq": pesq["pesq"].mean(),
        "pesq_gain": pesq["pesq"].mean() - pesq["pesq_before"].mean(),
    }


def tagged(random: np.random.Generator) -> tuple[Tables, Expected]:
    """By scikit-learn, with many ties; a class that is nowhere and one that is everywhere have no area."""
    truth = random.random((30, 6)) < 0.3
    truth[:, 4], truth[:, 5] = False, True
    scores = (0.3 * truth + random.random((30, 6))).round(1)
    table = known([{} for _ in truth])
    for n in range(6):
        table[f"true {n}"], table[f"score {n}"] = truth[:, n], scores[:, n]
    precise = [average_precision_score(truth[:, n], scores[:, n]) for n in (0, 1, 2, 3, 5)]
    area = roc_auc_score(truth[:, :4], scores[:, :4], average="macro")
    return {"items": table}, {"map": np.mean(precise), "d_prime": math.sqrt(2) * norm.ppf(area)}


def boxes(random: np.random.Generator, count: int) -> tuple[list[dict], Expected]:
    """Detections of `count` pictures; AP as PASCAL VOC has it, of scikit-learn's precision and recall."""
    rows = []
    for _ in range(count):
        scores = random.permutation(40)[:6] / 40 + len(rows) / 1e4  # apart: boxes of one score have an order
        hits = random.random(6) < scores
        marked = int(hits.sum() + random.integers(0, 3))
        wrong = int((~hits).sum() + marked - hits.sum())
        rows.append({"scores": list(scores), "hits": list(hits), "faces": marked, "count_error": wrong})
    hits, scores = (np.concatenate([row[name] for row in rows]) for name in ("hits", "scores"))
    precision, recall, _ = precision_recall_curve(hits, scores)
    best = np.maximum.accumulate(precision[:-1])  # recall falls along it
    share = hits.sum() / sum(row["faces"] for row in rows)
    area = float(np.sum(-np.diff(recall) * best) * share)
    return rows, {"ap": area, "count_error": float(np.mean([row["count_error"] for row in rows]))}


def people(random: np.random.Generator) -> tuple[pd.DataFrame, Expected]:
    """By scikit-learn's contingencies; names are those of their session."""
    table = pd.DataFrame(
        {
            "session": random.integers(0, 2, 50).astype(str),
            "person": random.integers(0, 6, 50).astype(str),
            "cluster": random.integers(0, 8, 50),
        }
    )
    table["item"] = table["session"] + " " + table["person"]
    parts = [(part["person"], part["cluster"]) for _, part in table.groupby("session")]
    pairs, crossed = (
        sum(pair_confusion_matrix(*part) for part in parts),
        [contingency_matrix(*part) for part in parts],
    )
    return table, {
        "purity": sum(one.max(axis=0).sum() for one in crossed) / len(table),
        "completeness": sum(one.max(axis=1).sum() for one in crossed) / len(table),
        "pair_precision": pairs[1, 1] / (pairs[1, 1] + pairs[0, 1]),
        "pair_recall": pairs[1, 1] / (pairs[1, 1] + pairs[1, 0]),
    }


def pictures(random: np.random.Generator) -> tuple[Tables, Expected]:
    rows, found = boxes(random, 12)
    clusters, together = people(random)
    faces_of = clusters.assign(
        picture=[str(n) for n in range(50)], vector=list(random.normal(size=(50, 3)).round(1))
    )
    pairs = faces.pairs(faces_of, "faceapi")
    pairs["similarity"] = pairs["similarity"].round(1)
    false, true, _ = roc_curve(pairs["same"], pairs["similarity"], drop_intermediate=False)
    accepted = {f"tar_at_{far}": true[false <= far].max() for far in (0.1, 0.01)}
    area = {"auc": roc_auc_score(pairs["same"], pairs["similarity"])}
    return {"items": known(rows), "pairs": pairs, "clusters": clusters}, found | together | accepted | area


def videos(random: np.random.Generator) -> tuple[Tables, Expected]:
    frames, found = boxes(random, 12)
    tracks, together = people(random)
    seconds = random.integers(0, 9, (6, 4)).astype(float)
    seconds[0] = (0, 0, 3, 0)  # nobody is seen speaking, and somebody is said to
    rows = known([dict(zip(("speaking", "right", "wrong", "missed"), one, strict=True)) for one in seconds])
    speaking = seconds[seconds[:, 0] > 0]
    total, right, wrong, missed = speaking.sum(axis=0)
    shares = {"seen_right": right / total, "seen_wrong": wrong / total, "seen_missed": missed / total}
    pairs = {name: together[name] for name in ("pair_precision", "pair_recall")}
    return {"items": rows, "frames": known(frames), "tracks": tracks}, found | shares | pairs


def searched(random: np.random.Generator) -> tuple[Tables, Expected]:
    """By scikit-learn's exact neighbours; some answers hold one vector twice, which is found once."""
    matrix, queries = random.normal(size=(200, 8)), random.normal(size=(20, 8))
    split_of = Split("drawn", "faceapi", __file__, [str(n) for n in range(200)], matrix, queries, np.zeros(0))  # type: ignore[arg-type]
    nearest = NearestNeighbors(n_neighbors=10).fit(matrix)
    distances, exact = nearest.kneighbors(queries)
    found = [[one if random.random() < 0.8 else (one + 1) % 200 for one in row] for row in exact]
    answers = list(
        search._answers(split_of._replace(truth=distances), [list(map(str, one)) for one in found], 10)
    )
    recall = np.mean([len({*a} & {*b}) / 10 for a, b in zip(found, exact, strict=True)])
    first = np.mean([a[0] == b[0] for a, b in zip(found, exact, strict=True)])
    rounds = pd.DataFrame({"item": range(5), "milliseconds": [1.0, 2.0, 1.5, 9.0, 1.0]})
    tables = {"items": pd.DataFrame(answers), "rounds": rounds}
    return tables, {"recall": recall, "first": first, "milliseconds": 14.5 / 5}


Draw = Callable[[np.random.Generator], tuple[Tables, Expected]]
KINDS: dict[str, tuple[list[Measure], Draw]] = {
    "transcription": (transcripts.MEASURES, transcription),
    "diarization": (speakers.MEASURES, diarization),
    "attribution": (attributed.MEASURES, attribution),
    "denoising": (denoising.MEASURES, denoise),
    "tagging": (tagging.MEASURES, tagged),
    "faces": (faces.MEASURES, pictures),
    "video": (video.MEASURES, videos),
    "search": (search.MEASURES, searched),
}


# Of sound once: it takes half a second.
DRAWN = [
    pytest.param(kind, seed, id=f"{kind}-{seed}")
    for kind in KINDS
    for seed in range(1 if kind == "denoising" else 3)
]


@pytest.mark.parametrize(("kind", "seed"), DRAWN)
def test_every_figure_is_the_fields_own(kind: str, seed: int) -> None:
    measures, draw = KINDS[kind]
    tables, expected = draw(np.random.default_rng(seed))
    assert set(expected) == {measure.name for measure in measures}, "a figure that nothing is held against"
    found = {one.name: estimate(tables[one.table], one, draws=2).value for one in measures}
    assert found == pytest.approx(expected, abs=1e-9, rel=1e-9)


def test_every_kind_is_here() -> None:
    assert {*KINDS, "speed"} == MEASURES.keys()
