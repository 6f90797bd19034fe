"""What denoising does to speech: SI-SDR, STOI and PESQ, before and after, against the clean speech.

SI-SDR: J. Le Roux et al., SDR - half-baked or well done?, ICASSP 2019. STOI: C. Taal et al., An Algorithm for
Intelligibility Prediction of Time-Frequency Weighted Noisy Speech, 2011, by pystoi. PESQ: ITU-T P.862.2, wide
band, given by the caller, since what computes it may be a network's library.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pystoi import stoi

from containers.common.errors import UserError
from tasks.evaluation.statistics import Measure, mean

RATE = 16_000  # Hz: what STOI and wide-band PESQ are defined for at most
DIFFERENCE = 0.05  # seconds by which two recordings of one thing may differ in length
Samples = NDArray[np.floating]
Perceived = Callable[[Samples, Samples], float]

MEASURES = [
    Measure("si_sdr_gain", "SI-SDR gained", "higher", mean("si_sdr_gain"), "dB", 2),
    Measure("si_sdr", "SI-SDR after", "higher", mean("si_sdr"), "dB", 2),
    Measure("stoi_gain", "STOI gained", "higher", mean("stoi_gain")),
    Measure("stoi", "STOI after", "higher", mean("stoi")),
    Measure("pesq_gain", "PESQ gained", "higher", mean("pesq_gain"), "MOS", 2),
    Measure("pesq", "PESQ after", "higher", mean("pesq"), "MOS", 2),
]


def si_sdr(clean: Samples, estimate: Samples) -> float:
    """Decibels, without the means: 10 log10 |a s|^2 / |a s - e|^2 with a = <e, s> / |s|^2."""
    clean, estimate = clean - clean.mean(), estimate - estimate.mean()
    target = clean * (estimate @ clean) / (clean @ clean)
    rest = estimate - target
    return float(10 * np.log10(target @ target / max(float(rest @ rest), 1e-20)))


def score_denoising(
    clean: Samples, noisy: Samples, denoised: Samples, perceived: Perceived | None
) -> dict[str, Any]:
    """One row, of mono samples at RATE. Raises UserError when they do not fit."""
    lengths = [len(each) for each in (clean, noisy, denoised)]
    if max(lengths) - min(lengths) > DIFFERENCE * RATE:
        seconds = " and ".join(f"{length / RATE:.2f} s" for length in lengths[:2])
        raise UserError(f"the noisy and the clean recording have to be of one length; they have {seconds}.")
    clean, noisy, denoised = (each[: min(lengths)].astype(np.float64) for each in (clean, noisy, denoised))
    if not clean.any():
        raise UserError("the clean recording is silent.")
    row: dict[str, Any] = {}
    for name, measure in {"si_sdr": si_sdr, "stoi": _stoi, "pesq": perceived}.items():
        before, after = (measure(clean, each) if measure else np.nan for each in (noisy, denoised))
        row |= {f"{name}_before": before, name: after, f"{name}_gain": after - before}
    return row


def _stoi(clean: Samples, other: Samples) -> float:
    """NaN where there is less than the 0.4 s of speech that STOI needs."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        try:
            return float(stoi(clean, other, RATE))
        except RuntimeWarning:
            return np.nan
