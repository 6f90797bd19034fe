"""Times and speakers as people read them. Light to import."""

import re


def clock(seconds: float) -> str:
    """0:05, 12:34 or 1:02:03."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def speaker_name(label: str) -> str:
    """SPEAKER_00 is Speaker 1 to people; any other label is a name already."""
    counted = re.fullmatch(r"SPEAKER_(\d+)", label)
    return f"Speaker {int(counted[1]) + 1}" if counted else label
