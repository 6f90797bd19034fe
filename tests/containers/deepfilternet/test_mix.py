"""How much of what the model removed is given back, frequency by frequency."""

import numpy as np
import pytest

from containers.deepfilternet.mix import HOP, Removed, choose_shares, lowered_db, mix, share_of

RATE = 48_000


def tone(frequency: float, seconds: float = 2.0) -> np.ndarray:
    return np.sin(2 * np.pi * frequency * np.arange(int(RATE * seconds)) / RATE)[:, None].astype(np.float32)


def level_db(samples: np.ndarray, frequency: float) -> float:
    reference = tone(frequency, len(samples) / RATE)[:, 0]
    return 20 * np.log10(abs(samples[:, 0] @ reference) / (reference @ reference))


def measured(given: np.ndarray, cleaned: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    removed = Removed(given.shape[1])
    removed.add(given, cleaned)
    return removed.powers()


def test_noise_is_lowered_where_it_is_and_speech_untouched_where_there_is_none():
    """Noise at 100 Hz ten times as loud as speech; at 2 kHz the model took a tenth of the speech."""
    speech = tone(100) * 0.1 + tone(2000)
    given, cleaned = speech + tone(100), tone(100) * 0.1 + tone(2000) * 0.9
    kept, removed = measured(given, cleaned)
    (heard,) = [np.concatenate(list(mix([(given, cleaned)], choose_shares(kept, removed))))]
    middle = heard[RATE // 2 : RATE * 3 // 2]
    assert level_db(middle, 2000) == pytest.approx(0, abs=0.1)  # the model's loss is made good
    lowered = 20 * np.log10(0.1 + 10 ** (-18 / 20))  # the speech and what an 18 dB limit leaves
    assert level_db(middle, 100) == pytest.approx(lowered, abs=0.3)


def test_each_channel_is_judged_by_itself():
    speech, noise = tone(1000), tone(1000)
    given = np.concatenate([speech, noise], axis=1)
    cleaned = np.concatenate([speech * 0.99, noise * 0.01], axis=1)
    shares = choose_shares(*measured(given, cleaned))
    at = round(1000 / RATE * 2 * HOP)
    assert shares[at, 0] == pytest.approx(1) and shares[at, 1] == pytest.approx(10 ** (-18 / 20))


@pytest.mark.parametrize("size", [1, 7, 480, 1000, 48_000])
def test_blocks_of_any_size_give_the_same_aligned_to_the_sample(size):
    random = np.random.default_rng(0)
    given, cleaned = (random.standard_normal((5000, 2)).astype(np.float32) for _ in range(2))
    shares = random.random((HOP + 1, 2))
    (whole, end) = mix([(given, cleaned)], shares)
    whole = np.concatenate([whole, end])
    cuts = [(given[at : at + size], cleaned[at : at + size]) for at in range(0, 5000, size)]
    assert whole.shape == given.shape
    assert np.abs(np.concatenate(list(mix(cuts, shares))) - whole).max() < 1e-5


@pytest.mark.parametrize("limit", [None, 6, 12])
def test_a_limit_that_is_asked_for_is_upstream_s(limit):
    random = np.random.default_rng(0)
    given, cleaned = (random.standard_normal((3000, 1)).astype(np.float32) for _ in range(2))
    share = 0 if limit is None else 10 ** (-limit / 20)
    heard = np.concatenate(list(mix([(given, cleaned)], np.full((HOP + 1, 1), share_of(limit)))))
    assert np.abs(heard - (given * share + cleaned * (1 - share))).max() < 1e-5


def test_silence_and_next_to_nothing():
    for samples in (np.zeros((RATE, 1), np.float32), np.ones((10, 1), np.float32)):
        kept, removed = measured(samples, samples)
        shares = choose_shares(kept, removed)
        assert np.isfinite(shares).all() and lowered_db(shares, removed) is None
        assert np.array_equal(np.concatenate(list(mix([(samples, samples)], shares))), samples)


def test_how_much_noise_is_lowered_in_all():
    assert lowered_db(np.full((HOP + 1, 1), share_of(12)), np.ones((HOP + 1, 1))) == 12
