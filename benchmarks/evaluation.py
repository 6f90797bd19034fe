"""`python -m benchmarks.evaluation FOLDER [SET ...]`: every data set below a folder, by one command each.

A set is a folder with a dataset.toml, as `flows.evaluate` reads it; MEDIAFLOW_REAL_DATA may name their
folder. Each kind that a set has truth for is run but for speed, which other tables have; figures go into
evaluation.md.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from flows.evaluate.flow import TRUTH, chosen_kinds
from tasks.evaluation.dataset import MANIFEST, Dataset, read_dataset
from tasks.evaluation.run import ALL, FinishedRun, finished_runs

REPORT = Path(__file__).with_name("evaluation.md")
ROOT = Path(__file__).parents[1]
HEAD = "# Evaluations of data sets\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evaluation")
    parser.add_argument("folder", type=Path, nargs="?", default=os.environ.get("MEDIAFLOW_REAL_DATA"))
    parser.add_argument("sets", nargs="*", help="names of sets; all of them when none is given")
    parser.add_argument("--output", type=Path, default=Path("out/benchmarks"))
    given = parser.parse_args()
    if given.folder is None or not Path(given.folder).is_dir():
        parser.error("name the folder of the data sets, or set MEDIAFLOW_REAL_DATA")
    for manifest in sorted(Path(given.folder).glob(f"*/{MANIFEST}")):
        if given.sets and manifest.parent.name not in given.sets:
            continue
        dataset = read_dataset(manifest.parent)
        kinds = [kind for kind in chosen_kinds(dataset, [], manifest) if kind in TRUTH]
        output = given.output / manifest.parent.name
        command = ["-m", "flows.evaluate", *kinds, "--data", str(manifest.parent), "--output", str(output)]
        subprocess.run([sys.executable, *command], cwd=ROOT, check=False)
        runs = [FinishedRun.open(found[-1]) for kind in kinds if (found := finished_runs(output, kind))]
        write_section(dataset, runs)


def write_section(dataset: Dataset, runs: list[FinishedRun]) -> None:
    """The set's table, in place of the one that was there."""
    text = REPORT.read_text(encoding="utf-8") if REPORT.exists() else HEAD
    mark, end = f"<!-- {dataset.name} -->", f"<!-- end of {dataset.name} -->"
    section = "\n".join([mark, *_table(dataset, runs), end])
    if mark in text:
        text = text[: text.index(mark)] + section + text[text.index(end) + len(end) :]
    else:
        text = f"{text.rstrip()}\n\n{section}\n"
    REPORT.write_text(text, encoding="utf-8")


def _table(dataset: Dataset, runs: list[FinishedRun]) -> Iterator[str]:
    yield f"## {dataset.name[0].upper()}{dataset.name[1:]}\n"
    for run in runs:
        models = ", ".join(model.id for model in run.record.models)
        yield f"{run.record.kind.capitalize()}, {run.record.created:%Y-%m-%d}, {models}:\n"
        yield "| figure | group | items | value | 95 % |"
        yield "|---|---|---:|---:|---|"
        groups = run.figures["group"].unique()
        for row in run.figures.to_dict("records"):
            if row["group"] == ALL or (len(groups) > 1 and row["measure"] == run.figures["measure"].iloc[0]):
                digits, unit = int(row["digits"]), f" {row['unit']}" if row["unit"] else ""
                known = row["low"] == row["low"]
                interval = f"{row['low']:.{digits}f} to {row['high']:.{digits}f}" if known else ""
                value = f"{row['value']:.{digits}f}{unit}"
                yield f"| {row['title']} | {row['group']} | {row['items']} | {value} | {interval} |"
        yield ""


if __name__ == "__main__":
    main()
