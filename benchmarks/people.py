"""`python -m benchmarks.people`: a season of a series, from tracks to people; its table in faces.md.

SYNTHETIC: vectors with the spread of real ones. People are drawn from the variances of the mean descriptors
of 58 real people along their main axes, photographs from those of real people in several
photographs (benchmarks/face_identities.py, development set). Each track's distance from its person varies by
20 % beside, its three crops by 30 % of that. Real casts may be more alike (brothers, twins).
"""

import json
import resource
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

from tasks.people.appearances import Appearance
from tasks.people.recognise import tell
from tasks.people.store import Example, People, Person

REPORT = Path(__file__).with_name("faces.md")
MARKS = ("<!-- people -->", "<!-- end of people -->")
SIZES = {1_000: 60, 5_000: 150, 20_000: 400}  # tracks: people
EPISODES = 20
KNOWN = 3  # one of so many people is known
EXAMPLES = 5
# Variances of real descriptors along their main axes: of people, and of one person's photographs.
# fmt: off
BETWEEN = [
    0.07495, 0.02651, 0.01909, 0.01647, 0.01446, 0.01289, 0.01214, 0.01102, 0.01024, 0.00951,
    0.00899, 0.00893, 0.00833, 0.00783, 0.0072, 0.00615, 0.00594, 0.00535, 0.00483, 0.00469,
    0.00427, 0.00398, 0.00359, 0.00342, 0.00334, 0.00315, 0.00282, 0.00254, 0.00229, 0.00222,
    0.00207, 0.00197, 0.00184, 0.00173, 0.00145, 0.00134, 0.0012, 0.00113, 0.001, 0.00093,
]
WITHIN = [
    0.00851, 0.00735, 0.00645, 0.00548, 0.00446, 0.00417, 0.00331, 0.00318, 0.00272, 0.00258,
    0.0021, 0.00185, 0.00147, 0.00141, 0.00095, 0.00075, 0.00072, 0.00042,
]
# fmt: on


def make(tracks: int, people: int) -> tuple[list[Appearance], list[int], People]:
    """Appearances, whose each is, and who is known."""
    random = np.random.default_rng(0)
    axes = np.linalg.qr(random.standard_normal((128, 128)))[0]
    # One person's photographs differ partly along the axes along which people do.
    turned = np.linalg.qr(random.standard_normal((60, 60)))[0][: len(WITHIN)] @ axes[:60]

    def spread(count: int) -> np.ndarray:
        return (random.standard_normal((count, len(WITHIN))) * np.sqrt(WITHIN)) @ turned

    means = (random.standard_normal((people, len(BETWEEN))) * np.sqrt(BETWEEN)) @ axes[: len(BETWEEN)]
    shares = 1 / np.arange(1, people + 1)
    who = random.choice(people, tracks, p=shares / shares.sum())
    scale = np.exp(random.normal(0, 0.2, tracks))
    scale /= np.sqrt((scale**2).mean())
    vectors = means[who] + scale[:, None] * spread(tracks)
    crops = vectors[:, None] + 0.3 * spread(3 * tracks).reshape(tracks, 3, 128)
    appearances, last = [], {}
    for number in range(tracks):
        episode = number * EPISODES // tracks
        start = 3.0 * (number % (tracks // EPISODES + 1)) / 2 + random.random()
        start = max(start, last.get((episode, who[number]), -1.0) + 0.1)  # nobody is there twice at once
        last[episode, who[number]] = start + 2.9
        appearances.append(
            Appearance(
                asset=f"{episode:016x}",
                label=f"face{number}",
                model="faceapi",
                vector=crops[number].mean(0),
                vectors=crops[number],
                start=start,
                end=start + 2.9,
                seen=3,
                thumbnail=None,
                qualities=random.uniform(0.15, 0.7, 3),
            )
        )
    known = People()
    for person in range(0, people, KNOWN):
        vectors = means[person] + spread(EXAMPLES)
        examples = [
            Example(
                kind="face", model="faceapi", vector=vector.tolist(), asset="f" * 16, label=f"face{number}"
            )
            for number, vector in enumerate(vectors)
        ]
        known.people.append(Person(id=f"p{person}", name=f"Person {person}", examples=examples))
    return appearances, who.tolist(), known


def pairwise(labels: list[int], who: list[int]) -> tuple[float, float, float]:
    """Precision, recall and F1 of pairs put together."""

    def pairs(counted: Counter) -> int:
        return sum(number * (number - 1) // 2 for number in counted.values())

    right = pairs(Counter(zip(labels, who, strict=True)))
    precision, recall = right / pairs(Counter(labels)), right / pairs(Counter(who))
    return precision, recall, 2 * precision * recall / (precision + recall)


def ours(appearances: list[Appearance], known: People) -> list[int]:
    groups = tell(appearances, known).groups
    labels = {each.label: number for number, one in enumerate(groups) for each in one.appearances}
    return [labels[each.label] for each in appearances]


def hdbscan(appearances: list[Appearance], known: People) -> list[int]:
    from sklearn.cluster import HDBSCAN

    vectors = np.array([each.vector for each in appearances])
    found = HDBSCAN(min_cluster_size=2, min_samples=1, copy=True)
    labels = found.fit_predict(vectors)
    alone = labels.max() + 1 + np.arange(len(labels))  # what it takes for noise is a person each
    return np.where(labels < 0, alone, labels).tolist()


def propagation(appearances: list[Appearance], known: People) -> list[int]:
    import networkx
    from sklearn.neighbors import NearestNeighbors

    vectors = np.array([each.vector for each in appearances])
    apart, near = NearestNeighbors(n_neighbors=31, algorithm="brute").fit(vectors).kneighbors()
    graph = networkx.Graph()
    graph.add_nodes_from(range(len(vectors)))
    for one, (distances, others) in enumerate(zip(apart, near, strict=True)):
        graph.add_weighted_edges_from(
            (one, int(other), 0.52 - distance)
            for distance, other in zip(distances, others, strict=True)
            if distance < 0.52
        )
    found = networkx.algorithms.community.asyn_lpa_communities(graph, weight="weight", seed=0)
    labels = {node: number for number, group in enumerate(found) for node in group}
    return [labels[node] for node in range(len(vectors))]


METHODS = {"ours": ours, "HDBSCAN": hdbscan, "label propagation": propagation}


def measure(name: str, tracks: int) -> None:
    """In a process of its own: a JSON line."""
    appearances, who, known = make(tracks, SIZES[tracks])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    labels = METHODS[name](appearances, known)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(
        json.dumps(
            [seconds, peak, peak - before / 2**10, *pairwise(labels, who), len(set(labels)), len(set(who))]
        )
    )


def main() -> None:
    lines = [
        "| tracks | method | seconds | peak MB | precision | recall | pairwise F1 | people |",
        "|---:|---|---:|---:|---:|---:|---:|---:|",
    ]
    for tracks in SIZES:
        for name in METHODS:
            command = [sys.executable, "-m", "benchmarks.people", name, str(tracks)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            seconds, peak, _, precision, recall, f1, found, true = json.loads(done.stdout)
            lines.append(
                f"| {tracks:,} | {name} | {seconds:.1f} | {peak:.0f} | {precision:.4f} | {recall:.4f} "
                f"| {f1:.4f} | {found} of {true} |"
            )
            print(lines[-1], flush=True)
    before, _, rest = REPORT.read_text(encoding="utf-8").partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    REPORT.write_text("\n".join([f"{before}{MARKS[0]}", *lines, f"{MARKS[1]}{after}"]), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        measure(sys.argv[1], int(sys.argv[2]))
    else:
        main()
