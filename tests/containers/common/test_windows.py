"""Long audio in overlapping windows, from blocks of any size."""

import numpy as np
import pytest

from containers.common.media.audio import windows


@pytest.mark.parametrize("block", [1, 3, 7, 100])
@pytest.mark.parametrize(
    ("samples", "starts", "last"),
    [(0, [], 0), (1, [0], 1), (10, [0], 10), (11, [0, 4], 7), (14, [0, 4], 10), (15, [0, 4, 8], 7)],
)
def test_windows_of_ten_every_four(samples, starts, last, block):
    audio = np.arange(samples, dtype=np.float32)
    blocks = [audio[first : first + block] for first in range(0, samples, block)]
    found = list(windows(blocks, size=10, hop=4))
    assert [start for start, _ in found] == starts
    assert all(np.array_equal(part, audio[start : start + 10]) for start, part in found)
    assert not found or len(found[-1][1]) == last
