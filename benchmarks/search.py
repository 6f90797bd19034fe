"""`python -m benchmarks.search STEP --folder F`: the index of words beside plain FTS5, tantivy and grep.

make      1,000 assets of an hour (benchmarks/archive.py)
index     a version of the index, its size, and one asset more
ask       warm and cold times, and recall@10 of moments that somebody half remembers
shelf     the page of everything: written whole and again, its size
others    the same questions by FTS5 with SQLite's own tokenizer, grep and (where it is installed) tantivy
"""

import argparse
import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.archive import PARTICLES, Talker, make, write
from tasks.search.moments import find_moments
from tasks.search.question import MomentQuestion
from tasks.shelf.make import make_shelf
from tasks.words.store import current_version, index_asset
from tasks.words.tokens import terms
from tasks.words.versions import make_version

QUESTIONS = 400


class Known(NamedTuple):
    """A segment, and three of its words as somebody remembers them."""

    asset: str
    start: float
    by: str
    language: str
    words: list[str]


def known_moments(folder: Path, seed: int = 1) -> list[Known]:
    """Each in an asset of its own; of Korean words the particle is forgotten."""
    rng = random.Random(seed)
    assets = sorted(path.parent for path in folder.glob("*/transcript.json"))
    known = []
    for asset in rng.sample(assets, min(QUESTIONS, len(assets))):
        document = json.loads((asset / "transcript.json").read_bytes())
        segment = rng.choice(document["segments"])
        words = sorted(set(re.findall(r"[^\W\d_]{3,}", segment["text"])))
        if document["language"] == "ja":
            text = segment["text"].rstrip("。")
            words = [text[at : at + 4] for at in (0, len(text) // 2, len(text) - 4)]
        if document["language"] == "ko":
            words = [max((word[: len(word) - len(p)] for p in PARTICLES if p and word.endswith(p)), key=len,
                         default=word) for word in words]  # fmt: skip
            words = [word for word in words if len(word) > 1]
        asked = rng.sample(words, min(3, len(words)))
        by = document["names"][segment["speaker"]]
        known.append(Known(asset.name, segment["start"], by, document["language"], asked))
    return known


def mistype(word: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(word) - 1)
    return rng.choice([word[:at] + word[at + 1 :], word[:at] + word[at + 1] + word[at] + word[at + 2 :]])


def percentiles(seconds: list[float]) -> str:
    half, most = np.percentile(np.array(seconds) * 1000, [50, 95])
    return f"median {half:.1f} ms, p95 {most:.1f} ms"


def index(folder: Path) -> None:
    text = sum(
        len(segment["text"].encode())
        for path in folder.glob("*/transcript.json")
        for segment in json.loads(path.read_bytes())["segments"]
    )
    version, _ = make_version(folder, rebuild=True)
    path = current_version(folder)
    assert path
    size = path.stat().st_size
    print(f"{version.assets} assets, {version.count} segments in {version.seconds:.0f} s")
    print(f"text {text / 1e6:.0f} MB, index {size / 1e6:.0f} MB: {size / text:.2f} of the text")
    with sqlite3.connect(path) as connection:
        sizes = connection.execute(
            "SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC LIMIT 6"
        )
        print(", ".join(f"{name} {size / 1e6:.0f} MB" for name, size in sizes))
    for language in ("en", "ko"):
        extra = folder / ("f" * 15 + language[0].replace("k", "1").replace("e", "2"))
        write(extra, Talker(language), [f"Person {number}" for number in range(200)], random.Random(9))
        started = time.perf_counter()
        index_asset(folder, extra.name)
        print(f"an asset more ({language}): {time.perf_counter() - started:.2f} s")
        shutil.rmtree(extra)


def ask(folder: Path) -> None:
    known = known_moments(folder)
    rng = random.Random(2)

    def run(name: str, questions: list[tuple[Known, MomentQuestion]]) -> None:
        seconds, busy, found = [], [], 0
        for moment, question in questions:
            started, computed = time.perf_counter(), time.process_time()
            answer = find_moments(folder, question)
            seconds.append(time.perf_counter() - started)
            busy.append(time.process_time() - computed)
            found += any(each.asset == moment.asset and each.start == moment.start for each in answer.moments)
        recall = found / len(questions)
        times = f"{percentiles(seconds)}; of the processor {percentiles(busy)}"
        print(f"{name}: {len(questions)} questions, {times}, recall@10 {recall:.3f}", flush=True)

    print(f"load {os.getloadavg()[0]:.1f}")
    one = MomentQuestion(said="person")
    find_moments(folder, one)
    run("three words, by", [(each, MomentQuestion(said=" ".join(each.words), by=each.by)) for each in known])
    for language in ("en", "ko", "de", "ja"):
        own = [each for each in known if each.language == language]
        run(f"  {language}", [(each, MomentQuestion(said=" ".join(each.words), by=each.by)) for each in own])
    run("three words", [(each, MomentQuestion(said=" ".join(each.words))) for each in known])
    typed = [each for each in known if each.language in ("en", "de") and max(map(len, each.words)) > 5]
    run(
        "one of them mistyped, by",
        [
            (each, MomentQuestion(said=" ".join([mistype(max(each.words, key=len), rng),
                                                 *(w for w in each.words if w != max(each.words, key=len))]),
                                  by=each.by))
            for each in typed
        ],
    )  # fmt: skip
    run("one word, while Applause", [(e, MomentQuestion(said=e.words[0], heard="applause")) for e in known])
    run("one word", [(each, MomentQuestion(said=each.words[0])) for each in known])
    run("by, seen", [(each, MomentQuestion(by=each.by, seen="Person 7")) for each in known])
    run("while, seen", [(each, MomentQuestion(heard="Applause", seen=each.by)) for each in known[:100]])
    for said in ("the", "of the", "이"):
        run(f"the frequent '{said}'", [(known[0], MomentQuestion(said=said))] * 10)
    command = [
        sys.executable,
        "-m",
        "flows.search",
        str(folder),
        "--said",
        known[0].words[0],
        "--by",
        known[0].by,
    ]
    seconds = []
    for _ in range(10):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(time.perf_counter() - started)
    print(f"cold, in the terminal: {percentiles(seconds)}")


def shelf(folder: Path) -> None:
    for whole in (True, False):
        started = time.perf_counter()
        make_shelf(folder, whole)
        print(f"shelf, {'whole' if whole else 'nothing new'}: {time.perf_counter() - started:.1f} s")
    for name in ("assets.js", "said", "words"):
        place = folder / "shelf" / name
        files = list(place.iterdir()) if place.is_dir() else [place]
        sizes = [file.stat().st_size for file in files]
        print(f"{name}: {len(files)} files, {sum(sizes) / 1e6:.1f} MB, the largest {max(sizes) / 1e6:.2f} MB")


def others(folder: Path) -> None:
    known = known_moments(folder)
    rows = [
        (path.parent.name, segment["start"], document["names"][segment["speaker"]], segment["text"])
        for path in sorted(folder.glob("*/transcript.json"))
        for document in [json.loads(path.read_bytes())]
        for segment in document["segments"]
    ]
    plain(folder, rows, known)
    tantivy_index(folder, rows, known)
    grep(folder, rows, known)


def recall(name: str, known: list[Known], seconds: list[float], hits: list[bool]) -> None:
    parts = {
        language: np.mean([hit for each, hit in zip(known, hits, strict=True) if each.language == language])
        for language in ("en", "ko", "de", "ja")
    }
    each = ", ".join(f"{language} {part:.2f}" for language, part in parts.items())
    print(f"{name}: {percentiles(seconds)}, recall@10 {np.mean(hits):.3f} ({each})")


def plain(folder: Path, rows: list[tuple], known: list[Known]) -> None:
    path = folder / ".plain.db"
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE VIRTUAL TABLE t USING fts5(asset UNINDEXED, start UNINDEXED, who UNINDEXED, text)"
    )
    started = time.perf_counter()
    with connection:
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows)
    print(f"plain FTS5: built in {time.perf_counter() - started:.0f} s, {path.stat().st_size / 1e6:.0f} MB")
    seconds, hits = [], []
    for each in known:
        started = time.perf_counter()
        query = "SELECT asset, start FROM t WHERE text MATCH ? AND who = ? ORDER BY rank LIMIT 10"
        match = " ".join(f'"{word}"' for word in each.words)
        found = connection.execute(query, (match, each.by)).fetchall()
        seconds.append(time.perf_counter() - started)
        hits.append((each.asset, each.start) in found)
    recall("plain FTS5 (unicode61)", known, seconds, hits)


def tantivy_index(folder: Path, rows: list[tuple], known: list[Known]) -> None:
    try:
        import tantivy
    except ImportError:
        print("tantivy is not installed: left out")
        return
    schema = tantivy.SchemaBuilder()
    schema.add_text_field("text", tokenizer_name="whitespace")
    schema.add_text_field("who", tokenizer_name="raw")
    schema.add_text_field("asset", stored=True, tokenizer_name="raw")
    schema.add_float_field("start", stored=True)
    place = folder / ".tantivy"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    started = time.perf_counter()
    index = tantivy.Index(schema.build(), str(place))
    writer = index.writer(256_000_000)
    for asset, start, who, text in rows:
        found = " ".join(terms(text))
        writer.add_document(tantivy.Document(asset=asset, start=start, who=who, text=found))
    writer.commit()
    writer.wait_merging_threads()
    size = sum(path.stat().st_size for path in place.iterdir())
    print(f"tantivy, our terms: built in {time.perf_counter() - started:.0f} s, {size / 1e6:.0f} MB")
    index.reload()
    searcher = index.searcher()
    seconds, hits = [], []
    for each in known:
        started = time.perf_counter()
        words = [[term for term in terms(word) if len(term) > 1] for word in each.words]
        parts = [f'+text:"{" ".join(own)}"' for own in words if own]
        query = index.parse_query(" ".join([*parts, f'+who:"{each.by}"']), ["text"])
        found = [searcher.doc(address) for _, address in searcher.search(query, 10).hits]
        seconds.append(time.perf_counter() - started)
        hits.append((each.asset, each.start) in [(one["asset"][0], one["start"][0]) for one in found])
    recall("tantivy, our terms", known, seconds, hits)


def grep(folder: Path, rows: list[tuple], known: list[Known]) -> None:
    lines = folder / ".lines.txt"
    lines.write_text("\n".join("\t".join(map(str, row)) for row in rows), encoding="utf-8")
    seconds, hits = [], []
    for each in known[:20]:
        pattern = "".join(f"(?=.*{re.escape(word)})" for word in each.words)
        started = time.perf_counter()
        done = subprocess.run(
            ["grep", "-iP", "-m", "10", f"^(?=.*\t{each.by}\t){pattern}", str(lines)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        seconds.append(time.perf_counter() - started)
        hits.append(
            any(line.startswith(f"{each.asset}\t{each.start}\t") for line in done.stdout.splitlines())
        )
    recall("grep -iP over one file of all lines", known[:20], seconds, hits)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", choices=["make", "index", "ask", "shelf", "others"])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--assets", type=int, default=1000)
    given = parser.parse_args()
    if given.step == "make":
        make(given.folder, given.assets)
    else:
        {"index": index, "ask": ask, "shelf": shelf, "others": others}[given.step](given.folder)


if __name__ == "__main__":
    main()
