"""Whisper's encoder output between CTranslate2 and NumPy."""

import ctranslate2
import numpy as np
import pytest

from containers.whisperx import encoder


@pytest.mark.parametrize("kind", ["float32", "float16", "bfloat16"])
def test_rows_of_any_type_an_encoder_may_answer_in(kind):
    """bfloat16, which a GPU may be asked for, is a type that NumPy has not."""
    values = np.arange(24, dtype=np.float32).reshape(3, 2, 4)
    encoded = ctranslate2.StorageView.from_array(values).to(getattr(ctranslate2.DataType, kind))
    assert (np.asarray(encoder.rows(encoded, [2, 0])) == values[[2, 0]]).all()
