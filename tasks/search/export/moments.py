"""`export_moments`: the kind follows from the name.

moments.csv     a table
moments.edl     CMX 3600, for any editing system
moments.otio    OpenTimelineIO, https://opentimelineio.readthedocs.io
chapters.txt    chapters of one asset as YouTube reads them in a description
moments.mp4     one film of all moments, with subtitles beside it
clips/          a file a moment, with its subtitles beside it
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

from containers.common import storage
from containers.common.errors import UserError
from tasks.search.place import Location, on_this_machine
from tasks.search.question import MomentAnswer

KINDS = (".csv", ".edl", ".otio", ".txt", ".mp4")


def export_moments(
    answer: MomentAnswer,
    output: Location,
    target: Location,
    on_clip: Callable[[Path], object] = lambda path: None,
) -> list[Location]:
    """Writes the answer's moments at `target` and returns the files. `on_clip` is told of each clip.

    Both places may be s3:// URIs. Raises UserError: no moments, an unknown kind, media that is not where it
    was analysed.
    """
    folder, _ = on_this_machine(output, lambda _: None)
    if not str(target).startswith("s3://"):
        return [*_export(answer, folder, Path(target), on_clip)]
    above, _, name = str(target).rstrip("/").rpartition("/")
    with tempfile.TemporaryDirectory(prefix="mediaflow-export-") as made:
        files = _export(answer, folder, Path(made, name), on_clip)
        uris = [storage.join(above, *path.relative_to(made).parts) for path in files]
        for path, uri in zip(files, uris, strict=True):
            storage.upload(path, uri)
    return [*uris]


def _export(
    answer: MomentAnswer, output: Path, target: Path, on_clip: Callable[[Path], object]
) -> list[Path]:
    if not answer.moments:
        raise UserError(f"There is no moment to write to {target}.")
    suffix = target.suffix.lower()
    if suffix and suffix not in KINDS:
        raise UserError(f"{target.name} is none of {', '.join(KINDS)}, and no folder for clips.")
    if suffix == ".csv":
        from tasks.search.export.tables import write_csv

        return [write_csv(answer, target)]
    if suffix == ".txt":
        from tasks.search.export.tables import write_chapters

        return [write_chapters(answer, target)]
    if suffix == ".mp4":
        from tasks.search.export.clips import write_reel

        return write_reel(answer, output, target)
    if suffix:
        from tasks.search.export.timeline import write_timeline

        return [write_timeline(answer, output, target)]
    from tasks.search.export.clips import write_clips

    return write_clips(answer, output, target, on_clip)
