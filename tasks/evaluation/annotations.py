"""Who says what when, as annotation programs write it: Praat's TextGrid, ELAN's EAF, Audacity's labels.

TextGrid: https://www.fon.hum.uva.nl/praat/manual/TextGrid_file_formats.html, long and short, UTF-8 or UTF-16.
EAF: H. Brugman, A. Russel, Annotating Multi-media with ELAN, 2004, and its schema EAFv3.0.xsd. Labels:
https://manual.audacityteam.org/man/importing_and_exporting_labels.html. Every function raises UserError with
one sentence that names the file.
"""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from containers.common.errors import UserError
from tasks.evaluation.nist import Utterance

MOST = 64 * 2**20  # bytes of one annotation file
LABEL = re.compile(r"(-?\d+(?:[.,]\d+)?)\t(-?\d+(?:[.,]\d+)?)(?:\t(.*))?")
_TOKEN = re.compile(r'"(?:[^"]|"")*"|[^\s"]+')
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE]-?\d+)?")


def read_text(path: Path) -> str:
    """UTF-8, or UTF-16 with a byte order mark."""
    try:
        if path.stat().st_size > MOST:
            raise UserError(f"{path.name} is larger than {MOST // 2**20} MiB.")
        data = path.read_bytes()
        utf16 = data[:2] in (b"\xff\xfe", b"\xfe\xff")
        return data.decode("utf-16" if utf16 else "utf-8-sig")
    except (OSError, ValueError) as error:
        raise UserError(f"{path.name} cannot be read: {error}.") from None


def read_textgrid(path: Path) -> list[Utterance]:
    """The labelled intervals of every interval tier, whose name is the speaker.

    Of tiers that the Montreal Forced Aligner wrote (`Kate - words`, `Kate - phones`) those of words.
    """
    tokens = [one for one in _TOKEN.findall(read_text(path)) if one[0] == '"' or _NUMBER.fullmatch(one)]
    if tokens[:2] != ['"ooTextFile"', '"TextGrid"']:
        raise UserError(f"{path.name} is no TextGrid in Praat's text format.")
    tiers: dict[str, list[Utterance]] = {}
    try:
        for name, start, end, text in _intervals(iter(tokens[2:])):
            tiers.setdefault(name, [])
            if text.strip():
                tiers[name].append(_utterance(path, text, start, end, name))
    except (StopIteration, RuntimeError, ValueError, IndexError):
        raise UserError(f"{path.name} is a TextGrid that ends too early or is out of order.") from None
    words = {name: said for name, said in tiers.items() if name.lower().endswith("words")}
    kept = words if any("phone" in name.lower() for name in tiers) and words else tiers
    return _sorted(
        said._replace(speaker=_voice(said.speaker or "")) for each in kept.values() for said in each
    )


def _voice(tier: str) -> str:
    return re.sub(r"\s*-?\s*words$", "", tier, flags=re.IGNORECASE) or tier


def _skip(tokens: Iterator[str], count: int) -> None:
    for _ in range(count):
        next(tokens)


def _intervals(tokens: Iterator[str]) -> Iterator[tuple[str, float, float, str]]:
    """Tier, start, end and text. In the long format numbers in brackets (`item [1]:`) are no tokens."""
    _skip(tokens, 2)  # from when until when
    for _ in range(int(next(tokens))):
        kind, name = _quoted(next(tokens)), _quoted(next(tokens))
        _skip(tokens, 2)
        for _ in range(int(next(tokens))):
            start = float(next(tokens))
            if kind == "IntervalTier":
                end, text = float(next(tokens)), _quoted(next(tokens))
                yield name, start, end, text
            elif kind == "TextTier":
                next(tokens)
            else:
                raise ValueError(kind)


def _quoted(token: str) -> str:
    if not token.startswith('"'):
        raise ValueError(token)
    return token[1:-1].replace('""', '"')


def read_eaf(path: Path) -> list[Utterance]:
    """The annotations with times of their own, of tiers without a parent; the participant is the speaker."""
    text = read_text(path)
    if re.search(r"<!(DOCTYPE|ENTITY)", text):
        raise UserError(f"{path.name} has a document type, which ELAN writes none of: it is not read.")
    try:
        root = ElementTree.fromstring(text.encode())
        times = {
            slot.attrib["TIME_SLOT_ID"]: int(slot.attrib["TIME_VALUE"]) / 1000
            for slot in root.iter("TIME_SLOT")
            if "TIME_VALUE" in slot.attrib
        }
        found = []
        for tier in root.iter("TIER"):
            if "PARENT_REF" in tier.attrib:
                continue
            speaker = tier.get("PARTICIPANT") or tier.attrib["TIER_ID"]
            for one in tier.iter("ALIGNABLE_ANNOTATION"):
                ends = [times.get(one.attrib[f"TIME_SLOT_REF{number}"]) for number in (1, 2)]
                value = (one.findtext("ANNOTATION_VALUE") or "").strip()
                if value and None not in ends:
                    found.append(_utterance(path, value, ends[0] or 0.0, ends[1] or 0.0, speaker))
    except (ElementTree.ParseError, KeyError, ValueError) as error:
        raise UserError(f"{path.name} is no ELAN file: {error}.") from None
    if not found:
        raise UserError(f"{path.name} has no annotation with a time and a text.")
    return _sorted(found)


def is_labels(text: str) -> bool:
    """Whether a text is a label track: every line `start<TAB>end<TAB>label`."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("\\")]
    return bool(lines) and all(LABEL.fullmatch(line.rstrip("\r")) for line in lines)


def read_labels(path: Path, text: str) -> list[Utterance]:
    """A label a line, in seconds; lines that begin with a backslash tell frequencies."""
    found = []
    for line in text.splitlines():
        if match := LABEL.fullmatch(line):
            start, end = (float(match[number].replace(",", ".")) for number in (1, 2))
            if label := (match[3] or "").strip():
                found.append(_utterance(path, label, start, end, None))
    return _sorted(found)


def _utterance(path: Path, text: str, start: float, end: float, speaker: str | None) -> Utterance:
    if not (math.isfinite(start) and math.isfinite(end)) or start < 0 or end < start:
        raise UserError(f"{path.name} has an annotation from {start:g} to {end:g} s.")
    return Utterance(" ".join(text.split()), start, end, speaker)


def _sorted(found: Iterator[Utterance] | list[Utterance]) -> list[Utterance]:
    return sorted(found, key=lambda said: (said.start or 0.0, said.end or 0.0))
