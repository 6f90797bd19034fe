"""Recordings with what is said in them when: data directories of Kaldi and manifests of Lhotse.

Kaldi: https://kaldi-asr.org/doc/data_prep.html. Lhotse: https://lhotse.readthedocs.io/en/latest/corpus.html.
Lhotse itself brings torch; its manifests are JSON Lines and are read as such.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from containers.common.errors import UserError
from tasks.evaluation.importers.common import Imported, Source, mapping, number, read, text_of
from tasks.evaluation.nist import Utterance


def import_kaldi(source: Source, folder: Path) -> Iterator[Imported]:
    """wav.scp, text, utt2spk and, where utterances are parts of recordings, segments; utt2lang."""
    texts, speakers, languages = (_map(folder / name) for name in ("text", "utt2spk", "utt2lang"))
    recordings = {}
    for recording, named in _map(folder / "wav.scp").items():
        where = f"wav.scp ({recording})"
        if named.endswith("|"):
            raise UserError(f"{where} is a command, which is not run: write the sound to a file.")
        recordings[recording] = source.find(named, where)
    if not (folder / "segments").is_file():
        for utterance, media in recordings.items():
            known = _known(texts.get(utterance), speakers.get(utterance), languages.get(utterance))
            yield Imported({"media": str(media), "id": utterance} | known)
        return
    said: defaultdict[str, list[Utterance]] = defaultdict(list)
    language: dict[str, str] = {}
    for utterance, rest in _map(folder / "segments").items():
        where, fields = f"segments ({utterance})", rest.split()
        if len(fields) < 3 or fields[0] not in recordings:
            raise UserError(f"{where}: recording, start and end are wanted, the recording in wav.scp.")
        start, end = (number(value, where) for value in fields[1:3])
        if end <= start:
            raise UserError(f"{where} ends before it starts.")
        said[fields[0]].append(Utterance(texts.get(utterance, ""), start, end, speakers.get(utterance)))
        if utterance in languages:
            language[fields[0]] = languages[utterance]
    for recording, utterances in said.items():
        known = _known(None, None, language.get(recording))
        yield Imported({"media": str(recordings[recording]), "id": recording} | known, _in_order(utterances))


def import_lhotse(source: Source, recordings: Path, supervisions: Path) -> Iterator[Imported]:
    """RecordingSet and SupervisionSet, as .jsonl or .jsonl.gz."""
    media = {str(row.get("id")): _recording(source, row, where) for where, row in source.lines(recordings)}
    grouped: defaultdict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    for where, row in source.lines(supervisions):
        if str(row.get("recording_id")) not in media:
            raise UserError(f"{where} is of a recording that {recordings.name} does not have.")
        grouped[str(row["recording_id"])].append((where, row))
    for recording, rows in grouped.items():
        yield _supervised(media[recording], recording, rows, 0.0)


def import_lhotse_cuts(source: Source, path: Path) -> Iterator[Imported]:
    """A CutSet of cuts of one recording each, with their supervisions: only the cut is scored."""
    for where, row in source.lines(path):
        if not isinstance(row.get("recording"), dict):
            raise UserError(f"{where} is no cut of a recording; mixed and padded cuts are not read.")
        start = number(row.get("start"), where, 0.0)
        given = row.get("supervisions")
        rows = [(where, mapping(one, where)) for one in (given if isinstance(given, list) else [])]
        name = str(row.get("id"))
        one = _supervised(_recording(source, row["recording"], where), name, rows, start)
        part = {"start": start, "end": start + number(row.get("duration"), where)}
        yield one._replace(item=one.item | part | {"source": str(row["recording"].get("id") or name)})


def _supervised(media: Path, name: str, rows: list[tuple[str, dict[str, Any]]], shift: float) -> Imported:
    said = []
    language = None
    for where, row in rows:
        start = max(0.0, shift + float(row["start"])) if _is_number(row.get("start")) else shift
        end = start + number(row.get("duration"), where)
        said.append(Utterance(text_of(row.get("text")) or "", start, end, text_of(row.get("speaker"))))
        language = language or text_of(row.get("language"))
    return Imported({"media": str(media), "id": name} | _known(None, None, language), _in_order(said))


def _is_number(given: Any) -> bool:
    return isinstance(given, int | float) and abs(given) < 10**9


def _recording(source: Source, row: dict[str, Any], where: str) -> Path:
    sources = row.get("sources")
    first = sources[0] if isinstance(sources, list) and sources else None
    if not isinstance(first, dict) or first.get("type") != "file" or not text_of(first.get("source")):
        raise UserError(f"{where} has no source that is a file.")
    return source.find(str(first["source"]), where)


def _known(text: str | None, speaker: str | None, language: str | None) -> dict[str, Any]:
    codes = {"language": language.split("-")[0].lower()} if language and len(language) <= 8 else {}
    return ({"text": text} if text is not None else {}) | ({"speaker": speaker} if speaker else {}) | codes


def _in_order(said: list[Utterance]) -> list[Utterance]:
    return sorted(said, key=lambda one: (one.start or 0.0, one.end or 0.0))


def _map(path: Path) -> dict[str, str]:
    """First field to the rest of each line; empty where there is no such file."""
    if not path.is_file():
        return {}
    split = [line.strip().split(maxsplit=1) for line in read(path).splitlines()]
    return {fields[0]: fields[1] if len(fields) > 1 else "" for fields in split if fields}
