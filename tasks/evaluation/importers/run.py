"""Which importer a place is for."""

from collections.abc import Iterator
from pathlib import Path

from containers.common.errors import UserError
from tasks.evaluation.importers.common import Imported, Source, read, write_dataset
from tasks.evaluation.importers.corpora import import_kaldi, import_lhotse, import_lhotse_cuts
from tasks.evaluation.importers.label_studio import import_label_studio
from tasks.evaluation.importers.tables import import_hugging_face, import_nemo
from tasks.media.kinds import kind_of_name

METADATA = ("metadata.jsonl", "metadata.csv")
BESIDE = {".ctm", ".stm", ".srt", ".vtt", ".textgrid", ".eaf", ".txt"}
KNOWN = (
    "a NeMo manifest (.jsonl), metadata.csv or .jsonl of Hugging Face, a Label Studio export (.json), a "
    "Kaldi data directory, Lhotse's recordings and supervisions or cuts, or media with RTTM, CTM, STM, SRT, "
    "WebVTT, TextGrid, EAF or Audacity labels of the same name beside them"
)


def import_dataset(place: Path, output: Path, media: Path | None = None) -> Path:
    """Writes a data set of what lies at `place` into `output` and returns its manifest.

    `media` is the folder of the media, where it is not that of `place`. Raises UserError in one sentence.
    """
    source = Source(place, media)
    return write_dataset(output.absolute(), source.place.stem, list(_found(source)))


def _found(source: Source) -> Iterator[Imported]:
    place = source.place
    if place.is_file():
        return _of_file(source, place)
    if (place / "wav.scp").is_file():
        return import_kaldi(source, place)
    for name in METADATA:
        if (place / name).is_file():
            return import_hugging_face(source, place / name)
    manifests = sorted(path for path in place.iterdir() if path.name.endswith((".jsonl", ".jsonl.gz")))
    recordings = [path for path in manifests if "recordings" in path.name]
    supervisions = [path for path in manifests if "supervisions" in path.name]
    if len(recordings) == len(supervisions) == 1:
        return import_lhotse(source, recordings[0], supervisions[0])
    if len(manifests) == 1:
        return _of_file(source, manifests[0])
    return _beside(source)


def _of_file(source: Source, path: Path) -> Iterator[Imported]:
    name = path.name.lower()
    if name in METADATA or name.endswith((".csv", ".tsv")):
        return import_hugging_face(source, path)
    if name.endswith(".json"):
        return _of_json(source, path)
    if name.endswith((".jsonl", ".jsonl.gz")):
        first = next(source.lines(path), ("", {}))[1]
        if "audio_filepath" in first:
            return import_nemo(source, path)
        if "recording" in first or first.get("type") in ("MonoCut", "MultiCut"):
            return import_lhotse_cuts(source, path)
        return import_hugging_face(source, path)
    raise UserError(f"{path.name} is none of {KNOWN}.")


def _of_json(source: Source, path: Path) -> Iterator[Imported]:
    """NeMo's manifests are lines of JSON that are called .json."""
    if read(path).lstrip().startswith("{"):
        return import_nemo(source, path)
    return import_label_studio(source, path)


def _beside(source: Source) -> Iterator[Imported]:
    """Media with references of the same name, in this folder and below."""
    files = [path for path in sorted(source.place.rglob("*")) if path.is_file()]
    by_name: dict[tuple[Path, str], dict[str, Path]] = {}
    for path in files:
        by_name.setdefault((path.parent, path.stem), {})[path.suffix.lower()] = path
    found = False
    for (folder, stem), own in by_name.items():
        media = [path for path in own.values() if kind_of_name(path) == "media"]
        texts = [path for suffix, path in sorted(own.items()) if suffix in BESIDE]
        if not media or not (texts or ".rttm" in own):
            continue
        found = True
        item = {"media": str(media[0]), "id": (folder / stem).relative_to(source.place).as_posix()}
        item |= {"transcript": str(texts[0])} if texts else {}
        tiers = next((path for path in texts if path.suffix.lower() in (".textgrid", ".eaf")), None)
        turns = own.get(".rttm") or tiers
        item |= {"turns": str(turns)} if turns else {}
        item |= {"uem": str(own[".uem"])} if ".uem" in own else {}
        yield Imported(item)
    if not found:
        raise UserError(f"{source.place} holds none of {KNOWN}.")
