"""Making the next version: stage what is new, add it or build anew, try the result out, switch to it."""

import hashlib
import os
import re
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from containers.common.errors import UserError
from containers.common.index import versions
from containers.common.index.delta import PARTS, sweep
from containers.common.index.vectors import Matrix, metric_of, pc, read_rows
from containers.common.index.version import IndexVersion, Metric, VectorFile
from containers.common.models.store import sha256_of
from containers.faiss import index as faiss_index
from containers.faiss import trial
from containers.faiss.contract import Building, ReindexRequest, UpdateRequest
from containers.faiss.mapped import MappedVectors
from containers.faiss.opened import Damaged, Opened, open_version, write_arrow
from containers.faiss.rules import chosen_type, reason_to_rebuild
from containers.faiss.staging import (
    Staged,
    blocks,
    copy_rows,
    keep_rows,
    read_parts,
    stage_parts,
    write_digests,
)
from containers.faiss.truth import FILE, exact_truth, read_truth

POINTS_PER_LIST = 40  # that lists are trained on; faiss asks for 39
TRAINING = 65_536  # vectors that codes without lists are trained on
FIT_SAMPLE = 10_000
KNOWN_NEW = 50  # of the newest vectors that are looked for, beside the sample
DEFAULT_MEMORY_MB = 2048


class Making:
    """One next version: the request, its draft and the version it starts from, if that is of use."""

    def __init__(
        self, request: Building, draft: versions.Draft, opened: Opened | None, metric: Metric
    ) -> None:
        self.request = request
        self.draft = draft
        self.opened = opened
        self.staged = Staged(draft.folder / versions.VECTORS, metric)
        self.staged.path.touch()
        self.started = time.perf_counter()
        size = int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", DEFAULT_MEMORY_MB))
        self.memory = (request.memory_mb or size // 2) << 20

    def make(self, gone: Sequence[str], digests: dict[str, str], anew: str | None) -> IndexVersion:
        """Publishes the version without `gone` assets and with what is staged; `anew` says why not to add.

        Raises NotGoodEnough, and leaves the current version current, when the result may not serve.
        """
        kept = keep_rows(self.opened, gone) if self.opened else None
        if self.opened and kept is not None:
            why = anew or reason_to_rebuild(self.request, self.opened, self.staged, len(kept), self.memory)
            if why is None:
                try:
                    return self._publish(*self._extended(self.opened, kept, gone, digests))
                except trial.NotGoodEnough as fault:
                    why = f"added to, it was not good enough: {fault}"
            copy_rows(self.opened, kept, self.staged)
        else:
            why = anew or "there was none"
        return self._publish(*self._built(digests, why))

    def _extended(
        self, opened: Opened, kept: pa.Table, gone: Sequence[str], digests: dict[str, str]
    ) -> tuple[Opened, int]:
        """The version's index with vectors taken out and added; nothing of the version itself changes."""
        first, new = int(opened.starts[-1]), self.staged.count
        lost = np.setdiff1d(opened.slots, kept["slot"].to_numpy(), assume_unique=True)
        if len(lost):
            faiss_index.take_out(opened.index, lost)
        slots = np.arange(first, first + new)
        start = 0
        mapped = self.staged.mapped()
        for block in blocks(mapped):
            faiss_index.extend(opened.index, block, slots[start : start + len(block)])
            start += len(block)
        added = self.staged.rows.append_column("slot", pa.array(slots, pa.int64()))
        segments = [*opened.version.segments]
        if new:
            segments.append(VectorFile(version=self.draft.name, count=new))
        version = opened.version.model_copy(
            update={
                "made": "extended",
                "why": f"{new} vectors added, {len(lost)} taken out",
                "count": len(kept) + new,
                "segments": segments,
            }
        )
        maps = (*opened.segments, mapped) if new else opened.segments
        return Opened(version, opened.index, pa.concat_tables([kept, added]), maps, digests), new

    def _built(self, digests: dict[str, str], why: str) -> tuple[Opened, int]:
        """An index trained and filled from what is staged, which is everything."""
        staged = self.staged
        dimension = staged.dimension or (self.opened.version.dimension if self.opened else 0)
        if not dimension:
            raise UserError(f"There are no vectors of model '{self.request.model}' to index.")
        staged.dimension = dimension
        vectors = staged.mapped()
        asked = self.request.type or (self.opened.version.asked if self.opened else "auto")
        choice = chosen_type(self.request, self.opened, staged.count, dimension, self.memory)
        kind = choice.type if staged.count else "Flat"
        self.opened = None  # its memory is needed now
        index = faiss_index.create(kind, _sample(vectors, kind), staged.metric)
        start = 0
        for block in blocks(vectors):
            faiss_index.extend(index, block, np.arange(start, start + len(block)))
            start += len(block)
        some = _chosen(vectors, FIT_SAMPLE)
        version = IndexVersion(
            version=self.draft.name,
            model=self.request.model,
            dimension=dimension,
            type=kind,
            asked=asked,
            reason=choice.reason,
            made="built",
            why=why,
            metric=staged.metric,
            count=staged.count,
            sha256="",
            segments=[VectorFile(version=self.draft.name, count=staged.count)] if staged.count else [],
            trained=staged.count,
            fit=faiss_index.fit_to_lists(index, [some]) if staged.count else None,
        )
        slots = pa.array(np.arange(staged.count), pa.int64())
        rows = staged.rows.append_column("slot", slots)
        return Opened(version, index, rows, (vectors,) if staged.count else (), digests), 0

    def _publish(self, made: Opened, new: int) -> IndexVersion:
        """Tries the version out, writes it, looks at what was written, and switches to it."""
        folder = self.draft.folder
        known = self.opened and read_truth(self.request.index_uri, self.opened.version.version)
        truth = exact_truth(made, known, new)
        start = made.version.tuning if made.version.made == "extended" else None
        tuning, recall = trial.tune(made, truth, self.request.recall, start)
        if recall < self.request.recall:
            raise trial.NotGoodEnough(
                f"{made.version.type} finds {recall:.2f} of the 10 nearest, "
                f"{self.request.recall:.2f} are wanted; the current version stays."
            )
        faiss_index.save(made.index, folder / "index.faiss")
        write_arrow(made.rows, folder / "rows.arrow")
        write_digests(made.parts, folder / PARTS)
        np.savez(folder / FILE, slots=truth.slots, near=truth.near, scores=truth.scores)
        version = made.version.model_copy(
            update={
                "version": self.draft.name,
                "previous": self.draft.seen and self.draft.seen.version,
                "sha256": sha256_of(folder / "index.faiss"),
                "tuning": tuning,
                "recall": round(recall, 4),
                "created": versions.stamp(),
            }
        )
        written = faiss_index.load(folder / "index.faiss", version.type, mapped=True)
        if not written.ntotal == version.count == len(made.rows):
            raise trial.NotGoodEnough(f"{written.ntotal} vectors were written instead of {version.count}")
        newest = made.slots[len(made.slots) - min(new, KNOWN_NEW) :]
        looked_for = np.union1d(truth.slots, newest)
        trial.check_known(replace(made, version=version, index=written), looked_for, tuning)
        if not new and version.made == "extended":
            self.staged.path.unlink(missing_ok=True)
        version.seconds = round(time.perf_counter() - self.started, 3)
        versions.publish(self.draft, version, self.request.keep_versions)
        return version


def update(request: UpdateRequest) -> IndexVersion:
    """Writes the next version of the index; `add` with nothing to change returns the current one."""
    rows = read_rows(request.vectors, request.model)
    digests = _digests(rows)
    with versions.drafting(request.index_uri) as draft:
        latest = versions.manifest(request.index_uri, draft.seen.version) if draft.seen else None
        if request.action == "build" or latest is None:
            making = Making(request, draft, None, request.metric or metric_of(request.model))
            making.staged.add(rows)
            return making.make([], digests, "it was asked for")
        _check_fits(request, latest)
        opened = open_version(request.index_uri, latest, to_change=True)
        kept = keep_rows(opened, request.replace_assets)
        if not len(rows) and len(kept) == len(opened.rows):
            versions.clear_up(draft, request.keep_versions)
            return latest
        clash = pc.filter(rows["id"], pc.is_in(rows["id"], kept["id"]))
        if len(clash):
            raise UserError(f"The index already has a vector '{clash[0]}': name its asset in replace_assets.")
        making = Making(request, draft, opened, latest.metric)
        making.staged.dimension = latest.dimension
        making.staged.add(rows)
        staying = {asset: held for asset, held in opened.parts.items() if asset not in request.replace_assets}
        return making.make(request.replace_assets, staying | digests, None)


def reindex(request: ReindexRequest) -> IndexVersion:
    """Makes the index hold exactly the parts listed, and takes in the delta that they answer for."""
    wanted = read_parts(request.parts)
    digests = {part.asset: part.digest for part in wanted.values() if part.rows}
    without = {part.asset: part.digest for part in wanted.values() if not part.rows}
    metric = request.metric or metric_of(request.model)
    with versions.drafting(request.index_uri) as draft:
        opened, anew = _to_start_from(request, draft, metric)
        held = opened.parts if opened else {}
        fresh = [part for part in wanted.values() if part.rows and held.get(part.asset) != part.digest]
        gone = [asset for asset, digest in held.items() if digests.get(asset) != digest]
        if opened and not (fresh or gone or request.rebuild):
            version = opened.version
            versions.clear_up(draft, request.keep_versions)
        else:
            making = Making(request, draft, opened, metric)
            making.staged.dimension = opened.version.dimension if opened else 0
            stage_parts(fresh, request.model, making.staged)
            version = making.make(gone, digests, anew or ("it was asked for" if request.rebuild else None))
        sweep(request.index_uri, digests, without)
        return version


def _to_start_from(
    request: Building, draft: versions.Draft, metric: Metric
) -> tuple[Opened | None, str | None]:
    """The current version, or None and why everything is read again."""
    if draft.seen is None:
        return None, None
    latest = versions.manifest(request.index_uri, draft.seen.version)
    if latest.model != request.model:
        raise UserError(f"The index has model '{latest.model}': '{request.model}' needs an index of its own.")
    if latest.metric != metric:
        return None, f"metric '{metric}' is asked for instead of '{latest.metric}'"
    try:
        return open_version(request.index_uri, latest, to_change=True), None
    except Damaged:
        return None, f"{latest.version} is damaged"


def _check_fits(request: UpdateRequest, latest: IndexVersion) -> None:
    for what, asked, held in (
        ("model", request.model, latest.model),
        ("metric", request.metric, latest.metric),
    ):
        if asked and asked != held:
            raise UserError(f"The index has {what} '{held}': '{asked}' needs an index of its own.")
    if request.type and request.type not in (latest.asked, latest.type):
        raise UserError(f"The index has type '{latest.type}': build it again to make it '{request.type}'.")


def _digests(rows: pa.Table) -> dict[str, str]:
    """A digest for each asset's rows that were given directly, not as a listed part."""
    assets: dict[str, hashlib._Hash] = {}
    for asset, name in zip(rows["asset"].to_pylist(), rows["id"].to_pylist(), strict=True):
        assets.setdefault(asset, hashlib.sha256()).update(name.encode() + b"\n")
    return {asset: digest.hexdigest() for asset, digest in assets.items()}


def _sample(vectors: MappedVectors, kind: str) -> Matrix:
    """What the index is trained on: a random part, large enough for its lists."""
    lists = re.search(r"IVF(\d+)", kind)
    return _chosen(vectors, max(TRAINING, POINTS_PER_LIST * int(lists[1]) if lists else 0))


def _chosen(vectors: MappedVectors, most: int) -> Matrix:
    if len(vectors) <= most:
        return np.array(vectors.matrix)
    chosen: NDArray[np.int64] = np.random.default_rng(0).choice(len(vectors), most, replace=False)
    sample = np.ascontiguousarray(vectors.matrix[np.sort(chosen)])
    vectors.release()
    return sample
