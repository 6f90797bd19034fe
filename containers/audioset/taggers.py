"""Which model tags sounds."""

from typing import Literal

from containers.audioset.contract import TaggerName
from containers.common.errors import UserError
from containers.common.models.store import has_model

FIRERED: TaggerName = "firered-aed"
# What can do it, by mode; the first that the store has is taken. Cnn14 leaves vectors that sounds are found
# by, which CED does not, though its labels are better by its authors' figures (mAP 0.50, 0.48 against 0.43).
TAGGERS: dict[str, tuple[TaggerName, ...]] = {
    "clip": ("panns-cnn14", "ced-base", "ced-tiny", FIRERED),
    "events": ("panns-cnn14-events", FIRERED),
}


def choose_tagger(mode: Literal["clip", "events"], asked: str | None) -> TaggerName:
    """The tagger asked for, or the first for `mode` that the store has, FireRed AED and its three labels at
    last. Raises UserError where the one asked for cannot do it."""
    suited = TAGGERS[mode]
    if asked is None or asked == "auto":
        for name in suited:
            if has_model(name):
                return name
        return FIRERED
    for name in suited:
        if name == asked:
            return name
    choices = " or ".join([", ".join(suited[:-1]), suited[-1]])
    raise UserError(f"'{asked}' is no sound tagger for mode {mode}: choose {choices}.")
