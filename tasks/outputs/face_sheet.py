"""Everybody who was seen, on one picture."""

import io

from PIL import Image, ImageDraw, ImageFont

from containers.common import storage
from tasks.outputs.findings import Findings
from tasks.outputs.report_view import clock, speaker_name
from tasks.stages.embed.document import best_crops

MOST, COLUMNS = 24, 8  # faces, the longest seen first
SIDE, CAPTION, GAP = 112, 34, 8  # pixels
INK, GROUND = (34, 34, 34), (255, 255, 255)


def face_sheet(findings: Findings) -> bytes | None:
    """A JPEG of one tile a person: the best crop, who it is, and when first seen. None without a crop."""
    crops = best_crops(findings)
    people: dict[str | int, tuple[float, float, str, int]] = {}
    for track in findings.tracks_with_voices:
        if track.id not in crops or track.unclear:
            continue
        key = track.person or track.id
        label = track.name or (speaker_name(track.person) if track.person else f"face {track.id}")
        length, start, _, crop = people.get(key, (0.0, track.start, label, track.id))
        people[key] = (length + track.end - track.start, start, label, crop)
    shown = sorted(people.values(), key=lambda person: -person[0])[:MOST]
    if not shown:
        return None
    columns = min(COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    size = (columns * (SIDE + GAP) + GAP, rows * (SIDE + CAPTION + GAP) + GAP)
    sheet = Image.new("RGB", size, GROUND)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for number, (_, start, label, crop) in enumerate(shown):
        left = GAP + number % columns * (SIDE + GAP)
        top = GAP + number // columns * (SIDE + CAPTION + GAP)
        with Image.open(io.BytesIO(storage.read_bytes(crops[crop])), formats=["JPEG"]) as face:
            sheet.paste(face.convert("RGB").resize((SIDE, SIDE)), (left, top))
        draw.text((left, top + SIDE + 2), label[:16], INK, font)
        draw.text((left, top + SIDE + 17), clock(start), (110, 110, 110), font)
    out = io.BytesIO()
    sheet.save(out, "JPEG", quality=85)
    return out.getvalue()
