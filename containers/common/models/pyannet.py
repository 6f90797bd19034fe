"""PyanNet, the segmentation network that two images share.

Importing this module is light; pyannote.audio and torch are imported on first use.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

SEGMENTATION = "pyannet-segmentation"
SEGMENTATION_FILE = "pytorch_model.bin"


@contextmanager
def quiet_loading() -> Iterator[None]:
    """Importing pyannote.audio and loading its networks without what they say about themselves."""
    # The checkpoint is from Lightning 1.5; Lightning converts it in memory and says so each time.
    logging.getLogger("lightning.pytorch.utilities.migration.utils").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        # Only decoding by path needs torchcodec; the images hand over waveforms.
        warnings.filterwarnings("ignore", r"\s*torchcodec is not installed correctly", UserWarning)
        yield
