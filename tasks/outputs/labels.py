"""Times and speakers as people read them. Light to import."""

import re


def clock(seconds: float) -> str:
    """0:05, 12:34 or 1:02:03."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def speaker_name(label: str) -> str:
    """SPEAKER_00 is Speaker 1 to people, PERSON_000 is Person 1; any other label is a name already."""
    counted = re.fullmatch(r"(SPEAKER|PERSON)_(\d+)", label)
    return f"{counted[1].capitalize()} {int(counted[2]) + 1}" if counted else label


def label_of(name: str) -> str:
    """The label that people are shown so, or what was given."""
    counted = re.fullmatch(r"\s*(speaker|person)\s+([1-9]\d{0,5})\s*", name, re.IGNORECASE)
    if not counted:
        return name
    kind, number = counted[1].upper(), int(counted[2]) - 1
    return f"{kind}_{number:0{2 if kind == 'SPEAKER' else 3}}"
