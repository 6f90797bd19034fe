"""Sound that is too quiet for networks is raised, other sound is left as it is."""

import numpy as np
import pytest

from containers.common.media.audio import QUIET, RAISED, raised

SPEECH = np.random.default_rng(0).laplace(0, 0.02, 16_000).astype(np.float32)


@pytest.mark.parametrize("decibels", [0, -20, -30])
def test_what_people_record_stays_as_it_is(decibels):
    sound = SPEECH * np.float32(10 ** (decibels / 20))
    assert raised(sound) is sound


@pytest.mark.parametrize("decibels", [-50, -80, -110])
def test_what_is_far_below_is_raised_whole(decibels):
    sound = SPEECH * np.float32(10 ** (decibels / 20))
    louder = raised(sound)
    assert louder.dtype == np.float32
    assert np.percentile(np.abs(louder), 99.9) == pytest.approx(RAISED, rel=1e-3)
    assert louder / louder[0] == pytest.approx(sound / sound[0], rel=1e-3)


def test_a_click_is_no_level():
    sound = SPEECH * np.float32(1e-4)
    sound[100:110] = 0.5
    assert np.percentile(np.abs(sound), 99.9) < QUIET
    assert np.percentile(np.abs(raised(sound)), 99.9) == pytest.approx(RAISED, rel=1e-3)


@pytest.mark.parametrize("samples", [0, 100])
def test_silence_stays_silence(samples):
    assert not raised(np.zeros(samples, np.float32)).any()
