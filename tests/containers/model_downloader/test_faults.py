"""Cut connections, flipped bytes, busy servers, full disks, kill -9: nothing wrong stays in the store."""

import pytest

from tests.containers.model_downloader.faults import KINDS, Campaign, run


@pytest.mark.slow
def test_some_random_faults(web, enter, store):
    assert sum(run(Campaign(web, enter, store, seed=7), 10).values()) == 10


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_hundred_random_faults(web, enter, store):
    struck = run(Campaign(web, enter, store, seed=1), 120)
    assert set(struck) == set(KINDS)
