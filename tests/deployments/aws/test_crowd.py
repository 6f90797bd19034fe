"""Many calls at once to a Lambda that throttles 30 % and fails 5 %: a stand-in (benchmarks/throttling.py)."""

import pytest

from benchmarks.throttling import measure


@pytest.mark.parametrize(
    ("calls", "limit", "seconds"),
    [
        pytest.param(100, 20, 0.3, id="100"),
        pytest.param(1000, 25, 0.5, marks=pytest.mark.soak, id="1000"),
    ],
)
def test_all_finish_once_and_in_time(calls: int, limit: int, seconds: float) -> None:
    seen = measure(calls, limit, seconds)
    assert (seen["finished"], seen["served"], seen["served twice"]) == (calls, calls, 0)
    assert seen["most at once"] <= limit
    assert seen["TooManyRequestsException"] > 0.2 * calls
    assert seen["ServiceException (answer lost)"] > 0, "repeated without a second effect"
    if calls == 1000:
        assert seen["ratio"] < 1.5
