"""Each measure against the same thing computed another way: by brute force, by hand or by another library."""

import math
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from containers.common.documents.faces import AgeAndGender, Detection, Face
from containers.common.documents.sounds import Prediction, Tags
from containers.common.documents.speakers import Turn
from containers.common.errors import UserError
from containers.faceapi.contract import Box
from tasks.evaluation import denoising, faces, speakers, tagging
from tasks.evaluation.dataset import MarkedFace
from tasks.evaluation.ranking import Ranking
from tasks.evaluation.statistics import Measure, estimate


def test_diarization_errors_are_those_of_counting_every_hundredth_of_a_second() -> None:
    """Speakers are matched by trying all ways; times are whole hundredths, so that counting is exact."""
    random = np.random.default_rng(4)
    true = [Turn(start=s, end=s + 2, speaker=f"t{n % 2}") for n, s in enumerate((0.5, 3.0, 5.5, 7.2))]
    found = [
        Turn(start=round(turn.start + 0.01 * random.integers(-30, 30), 2), end=turn.end, speaker=f"f{n % 3}")
        for n, turn in enumerate(true)
    ]

    def frames(turns: list[Turn], speaker: str) -> np.ndarray:
        times = np.arange(1000) / 100 + 0.005
        return sum((times > turn.start) & (times < turn.end) for turn in turns if turn.speaker == speaker) > 0

    one = np.array([frames(true, name) for name in ("t0", "t1")])
    other = np.array([frames(found, name) for name in ("f0", "f1", "f2")])
    spoken, heard = one.sum(axis=0), other.sum(axis=0)
    right = max(
        sum((one[n] & other[m]).sum() for n, m in enumerate(way)) for way in permutations(range(3), 2)
    )
    errors = np.maximum(spoken, heard).sum() - right
    row = speakers.score_turns(true, found, 10.0)
    assert row["error_seconds"] == pytest.approx(errors / 100)
    assert row["speech_seconds"] == pytest.approx(spoken.sum() / 100)
    assert row["count_error"] == 1


def test_the_jaccard_error_of_a_speaker_found_by_half_is_a_half() -> None:
    true = [Turn(start=0, end=4, speaker="a"), Turn(start=4, end=8, speaker="b")]
    found = [Turn(start=0, end=4, speaker="x"), Turn(start=4, end=6, speaker="y")]
    row = speakers.score_turns(true, found, 8)
    assert row["speaker_error"] / row["speakers"] == pytest.approx((0 + 0.5) / 2)


def test_silence_without_an_end_of_the_reference_is_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    speakers.score_turns([Turn(start=0, end=1, speaker="a")], [Turn(start=0, end=1, speaker="b")], 0.0)
    assert not [str(warning.message) for warning in recwarn]


def test_si_sdr_is_what_a_projection_leaves() -> None:
    """And neither loudness nor a constant offset matters."""
    random = np.random.default_rng(0)
    clean, noise = random.normal(size=(2, 8000))
    estimate_ = 0.3 * clean + 0.05 * noise
    centred = estimate_ - estimate_.mean()
    basis = (clean - clean.mean())[:, None]
    scale, (rest,), *_ = np.linalg.lstsq(basis, centred, rcond=None)
    by_hand = 10 * math.log10(float(np.sum((basis @ scale) ** 2)) / float(rest))
    assert denoising.si_sdr(clean, estimate_) == pytest.approx(by_hand)
    assert denoising.si_sdr(clean, 5 * estimate_ + 1) == pytest.approx(by_hand)


def test_recordings_that_do_not_belong_together_are_refused() -> None:
    speech = np.random.default_rng(0).normal(size=16_000)
    with pytest.raises(UserError, match=r"they have 1\.00 s and 0\.50 s"):
        denoising.score_denoising(speech, speech[:8000], speech, None)
    with pytest.raises(UserError, match="silent"):
        denoising.score_denoising(np.zeros(16_000), speech, speech, None)


def test_the_loudest_window_speaks_for_a_recording() -> None:
    found = Tags(
        predictions=[
            Prediction(label="Speech", score=score, start_time=0, end_time=1) for score in (0.2, 0.9, 0.4)
        ]
    )
    row = tagging.score_sounds(["Music"], found, ["Speech", "Music"])
    assert row == {"true Speech": False, "true Music": True, "score Speech": 0.9, "score Music": 0.0}


def test_rankings_are_scikit_learns_with_ties_and_weights() -> None:
    random = np.random.default_rng(9)
    truth, scores = random.random(300) < 0.3, random.integers(0, 40, 300) / 40
    weights = random.integers(0, 4, 300).astype(float)
    ranking = Ranking(truth, scores)
    given = (truth, scores)
    assert ranking.average_precision(weights) == pytest.approx(
        average_precision_score(*given, sample_weight=weights)
    )
    assert ranking.area(weights) == pytest.approx(roc_auc_score(*given, sample_weight=weights))
    false, true, _ = roc_curve(*given, sample_weight=weights, drop_intermediate=False)
    assert ranking.true_rate(weights, 0.1) == pytest.approx(true[false <= 0.1].max())
    assert np.isnan(Ranking(np.ones(3), np.ones(3)).area(np.ones(3)))
    assert np.isnan(Ranking([], []).average_precision(np.ones(0)))


def test_d_prime_is_the_distance_of_two_normal_distributions() -> None:
    random = np.random.default_rng(2)
    scores = np.concatenate([random.normal(1.5, 1, 20_000), random.normal(0, 1, 20_000)])
    truth = np.arange(40_000) < 20_000
    assert tagging.d_prime(Ranking(truth, scores), np.ones(40_000)) == pytest.approx(1.5, abs=0.05)


def test_the_mean_d_prime_is_that_of_the_mean_area() -> None:
    """As the papers on AudioSet have it; a mean of each class' d' lets one easy class decide."""
    random = np.random.default_rng(3)
    rows = pd.DataFrame({"item": range(60)})
    for name, gap in (("A", 0.5), ("B", 3.0)):
        rows[f"true {name}"] = random.random(60) < 0.4
        rows[f"score {name}"] = random.normal(size=60) + gap * rows[f"true {name}"]
    mean_area = np.mean([roc_auc_score(rows[f"true {name}"], rows[f"score {name}"]) for name in "AB"])
    found = tagging.MEASURES[1].of(rows)(np.ones(60))
    assert found == pytest.approx(math.sqrt(2) * _inverse_normal(float(mean_area)), abs=1e-6)


def test_a_family_is_heard_where_anything_of_it_is() -> None:
    laugh = Prediction(label="Giggle", score=0.7, start_time=0, end_time=1)
    row = tagging.score_sounds(["Laughter"], Tags(predictions=[laugh]), ["Human voice", "Laughter", "speech"])
    assert row["true Human voice"] and row["score Human voice"] == 0.7, "a group that is no label"
    assert row["true speech"] and row["score speech"] == 0.7
    assert row["score Laughter"] == 0.0, "labels stand for themselves, as in AudioSet's own evaluation"


@pytest.mark.parametrize("measure", tagging.MEASURES, ids=lambda measure: measure.name)
@pytest.mark.parametrize("seed", range(6))
def test_the_interval_of_classes_of_one_item_each_has_their_mean_in_it(measure: Measure, seed: int) -> None:
    """A starter that knows one sound of ten: of each other a third of the draws has none."""
    random = np.random.default_rng(seed)
    rows = {"item": [f"{number}.wav" for number in range(15)]}
    for number in range(10):
        rows |= {f"true {number}": np.arange(15) == number, f"score {number}": np.zeros(15)}
    rows["true 0"] = np.arange(15) % 10 == 0
    rows["score 0"] = rows["true 0"] * 0.5 + random.random(15)
    found = estimate(pd.DataFrame(rows), measure)
    assert found.low <= found.value <= found.high


def test_a_perfect_ranking_has_a_finite_d_prime() -> None:
    truth, scores = np.array([True, True, False, False]), np.array([0.9, 0.8, 0.1, 0.2])
    area = 1 - 1 / 8
    expected = math.sqrt(2) * float(pd.Series([area]).map(_inverse_normal).iloc[0])
    assert tagging.d_prime(Ranking(truth, scores), np.ones(4)) == pytest.approx(expected, abs=1e-6)


def _inverse_normal(area: float) -> float:
    low, high = -8.0, 8.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if 0.5 * (1 + math.erf(middle / math.sqrt(2))) < area else (low, middle)
    return low


def test_drawing_an_item_twice_is_having_it_twice() -> None:
    rows = pd.DataFrame({"true A": [1, 0, 1, 0], "score A": [0.9, 0.8, 0.3, 0.1], "item": range(4)}).astype(
        {"true A": bool}
    )
    mean_ap = tagging.MEASURES[0].of
    doubled = rows.iloc[[0, 1, 1, 2, 3]]
    assert mean_ap(rows)(np.array([1.0, 2, 1, 1])) == pytest.approx(mean_ap(doubled)(np.ones(5)))


def face(x: float, score: float, y: float = 0) -> Face:
    return Face(
        detection=Detection(box=Box(x=x, y=y, width=100, height=100), score=score),
        expressions={"neutral": 1},
        ageAndGender=AgeAndGender(age=30, gender="female", genderProbability=1),
    )


def test_a_marked_face_is_found_once_by_the_surest() -> None:
    marked = [MarkedFace(box=(0, 0, 100, 100)), MarkedFace(box=(300, 0, 100, 100))]
    found = [face(10, 0.5), face(0, 0.9), face(320, 0.8), face(700, 0.7)]
    assert faces.match_faces(marked, found) == [None, 0, 1, None]
    assert faces.match_faces(marked, [face(60, 0.9)]) == [None], "a quarter of the union is not enough"


def test_average_precision_counts_what_was_never_found() -> None:
    """scikit-learn's is of what was detected; the missed tenth of the faces takes its share off."""
    random = np.random.default_rng(1)
    rows = []
    for picture in range(20):
        scores = random.random(10).round(3)
        rows.append({"item": picture, "scores": scores, "hits": random.random(10) < scores, "faces": 0})
    table = pd.DataFrame(rows)
    hits, scores = np.concatenate(table["hits"].to_list()), np.concatenate(table["scores"].to_list())
    table["faces"] = [int(each.sum()) for each in table["hits"]]
    whole = estimate(table, faces.MEASURES[0], draws=10).value
    assert whole == pytest.approx(average_precision_score(hits, scores), abs=0.03)
    missed = table.assign(faces=table["faces"] * 2)
    assert estimate(missed, faces.MEASURES[0], draws=10).value == pytest.approx(whole / 2)


def test_people_of_different_sessions_are_not_compared() -> None:
    table = pd.DataFrame(
        {
            "session": ["a", "a", "b"],
            "person": ["Kate", "Kate", "Kate"],
            "picture": ["1", "2", "3"],
            "vector": [[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]],
        }
    )
    (pair,) = faces.pairs(table, "faceapi").to_dict("records")
    assert (pair["one"], pair["other"], pair["same"]) == ("1", "2", True)
    assert pair["similarity"] == pytest.approx(-math.hypot(0.1, 0.1))


def test_purity_and_completeness_are_the_two_sides_of_a_clustering() -> None:
    rows = pd.DataFrame(
        {"session": "a", "person": list("KKKLL"), "cluster": [0, 0, 1, 1, 1], "item": list("KKKLL")}
    )
    values = {
        measure.name: measure.of(rows)(np.ones(5))
        for measure in faces.MEASURES
        if measure.name in ("purity", "completeness")
    }
    assert values == pytest.approx({"purity": (2 + 2) / 5, "completeness": (2 + 2) / 5})
    alone = rows.assign(cluster=range(5))
    values = {
        measure.name: measure.of(alone)(np.ones(5))
        for measure in faces.MEASURES
        if measure.name in ("purity", "completeness")
    }
    assert values == pytest.approx({"purity": 1.0, "completeness": 2 / 5})


def test_faces_of_one_picture_are_two_people() -> None:
    assert faces.seen_at_once(["a", "b", "a", "a", "c"]) == [(0, 2), (0, 3), (2, 3)]
