"""Real speech with known texts, ours and plain whisperX's beside it; and how well words are timed.

The recordings are a `dataset.toml` as `flows.evaluate --data` reads, in the folder that MEDIAFLOW_REAL_DATA
names.
"""

import difflib
import os
import re
import tomllib
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jiwer
import numpy as np

from benchmarks.words import by_hand
from tasks.media.demo import sample_speech

BY_CHARACTER = {"ko", "ja", "zh"}  # and by word elsewhere
DRAWS = 2000


class Counted(NamedTuple):
    """Errors in one recording, of how many words or characters."""

    wrong: int
    said: int
    heard: int


def real_data() -> Path | None:
    folder = os.environ.get("MEDIAFLOW_REAL_DATA")
    return Path(folder) if folder else None


def real_table() -> Iterator[str]:
    """By language: the error rate and where it lies with 95 % for other recordings like these."""
    folder = real_data()
    if folder is None:
        raise SystemExit("MEDIAFLOW_REAL_DATA names no folder with recordings and their dataset.toml.")
    results: dict[str, list[tuple[Counted, Counted]]] = defaultdict(list)
    for item in tomllib.loads((folder / "dataset.toml").read_text(encoding="utf-8"))["item"]:
        if item.get("text"):
            language, path = item.get("language", "en"), folder / item["media"]
            pair = [count(item["text"], text, language) for text in (by_hand(path), _ours(path))]
            results[language].append((pair[0], pair[1]))
    yield from show(results)


def show(results: dict[str, list[tuple[Counted, Counted]]]) -> Iterator[str]:
    yield "| language | recordings | unit | whisperX | ours | ours, shortest and longest text |"
    yield "|---|---:|---|---:|---:|---|"
    for language, pairs in sorted(results.items()):
        unit = "character" if language in BY_CHARACTER else "word"
        lengths = [ours.heard / ours.said for _, ours in pairs]
        rates = " | ".join(_rate([pair[side] for pair in pairs]) for side in (0, 1))
        yield f"| {language} | {len(pairs)} | {unit} | {rates} | {min(lengths):.2f} to {max(lengths):.2f} |"
    means = [
        np.mean([_share([pair[side] for pair in pairs]) for pairs in results.values()]) for side in (0, 1)
    ]
    yield f"| **mean of languages** | | | {means[0]:.3f} | {means[1]:.3f} | |"


def count(said: str, heard: str, language: str) -> Counted:
    one, other = units(said, language), units(heard, language)
    found = jiwer.process_words(" ".join(one), " ".join(other))
    return Counted(found.substitutions + found.deletions + found.insertions, len(one), len(other))


def units(text: str, language: str) -> list[str]:
    """Words or characters in lower case, without punctuation."""
    plain = unicodedata.normalize("NFKC", text).lower()
    kept = "".join(char if char.isalnum() or char.isspace() or char == "'" else " " for char in plain)
    return list(re.sub(r"\s+", "", kept)) if language in BY_CHARACTER else kept.split()


def times_table() -> Iterator[str]:
    """Against the times of utterances in an STM file: first words' starts and last words' ends."""
    from containers.whisperx.app import handler

    yield "The packaged call: where an utterance's first word starts and its last one ends, against the"
    yield "written times. The way to find them was chosen on this call and on a dialogue in a quiet room.\n"
    yield "| | words found | median error | median absolute error | 90 % within |"
    yield "|---|---:|---:|---:|---:|"
    found = handler({"audio": sample_speech().as_uri()}, None)["result"]["segments"]
    errors = edge_errors(
        sample_speech().with_suffix(".stm"), [word for part in found for word in part["words"]]
    )
    for name, off in (*errors.items(), ("both", np.concatenate(list(errors.values())))):
        size = np.abs(off)
        figures = (f"{value:.3f} s" for value in (np.median(off), np.median(size), np.percentile(size, 90)))
        yield f"| {name} | {len(off)} | " + " | ".join(figures) + " |"


def edge_errors(stm: Path, words: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    said: list[tuple[str, float | None, float | None]] = []
    for line in stm.read_text().splitlines():
        *_, start, end, text = line.split(maxsplit=5)
        plain = [_plain(word) for word in text.split()]
        for place, word in enumerate(plain):
            last = place == len(plain) - 1
            said.append((word, None if place else float(start), float(end) if last else None))
    heard = [_plain(word["word"]) for word in words]
    matcher = difflib.SequenceMatcher(None, [word for word, *_ in said], heard, autojunk=False)
    starts, ends = [], []
    for block in matcher.get_matching_blocks():
        for step in range(block.size):
            _, start, end = said[block.a + step]
            word = words[block.b + step]
            starts += [word["start"] - start] if start is not None else []
            ends += [word["end"] - end] if end is not None else []
    return {"starts": np.array(starts), "ends": np.array(ends)}


def _plain(word: str) -> str:
    return re.sub(r"[^\w']", "", word.lower())


def _ours(path: Path) -> str:
    from containers.whisperx.app import handler

    found = handler({"audio": path.as_uri()}, None)["result"]
    return " ".join(part["text"] for part in found["segments"])


def _share(counted: list[Counted]) -> float:
    return sum(each.wrong for each in counted) / sum(each.said for each in counted)


def _rate(counted: list[Counted]) -> str:
    table = np.array([(each.wrong, each.said) for each in counted])
    chosen = np.random.default_rng(0).integers(len(table), size=(DRAWS, len(table)))
    wrong, said = table[chosen].sum(axis=1).T
    low, high = np.percentile(wrong / said, [2.5, 97.5])
    rate = _share(counted)
    return f"{rate:.3f} ({low:.3f} to {high:.3f})" if len(table) > 1 else f"{rate:.3f}"
