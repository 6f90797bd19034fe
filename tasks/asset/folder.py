"""The asset folder: where an analysis lies, what is kept between runs, and how it appears all at once.

OUT/<asset id>/              what people and programs read; complete or absent
OUT/.cache/<asset id>/       finished stages, and while a run lasts the decoded media
OUT/index/<embedding model>/ vectors of every asset of OUT
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from pydantic import BaseModel, Field

from containers.common import storage
from containers.common.durable import make_folder, sync_folder, sync_tree
from containers.common.formats import refuse_newer
from containers.common.inside import Name
from containers.common.locks import held
from containers.common.models.store import sha256_of
from tasks.asset.bucket import Location, absolute, upload_folder, work_folder
from tasks.asset.disk import explain_disk
from tasks.asset.exchange import exchange
from tasks.asset.lease import leased
from tasks.asset.manifest import FORMAT, FileEntry, Manifest
from tasks.checks.verdicts import Quality

MANIFEST = "manifest.json"
QUALITY = "quality.json"
RUNNING = ".running"
UPLOADED = "uploaded"  # beside the finished stages: what was put on S3 last, until the shelf has read it
LEASE = 30  # seconds after which a machine that vanished holds an asset no more


class Asset(BaseModel):
    """One media file's place below the output folder, which with `remote` is this machine's side of it."""

    output: Path
    id: Name
    remote: str | None = Field(default=None, description="s3:// URI of the output")

    @classmethod
    def at(cls, output: Location, id: str) -> Self:
        """The asset below a folder or an s3:// URI."""
        place = absolute(output)
        return (
            cls(output=place, id=id)
            if isinstance(place, Path)
            else cls(output=work_folder(place), id=id, remote=place)
        )

    @property
    def place(self) -> str:
        """Where people find it: a path or an s3:// URI."""
        return f"{self.remote}/{self.id}" if self.remote else str(self.folder)

    @property
    def index_uri(self) -> str:
        """The folder of the search indexes, one an embedding model."""
        return storage.join(self.remote or self.output, "index")

    @property
    def folder(self) -> Path:
        return self.output / self.id

    @property
    def cache(self) -> Path:
        return self.output / ".cache" / self.id

    @property
    def lock_path(self) -> Path:
        """Locked while the asset is being analysed."""
        return self.cache.with_suffix(".lock")

    @property
    def results(self) -> Path:
        """Finished stages' results, one file a stage key."""
        return self.cache / "results"

    @property
    def media(self) -> Path:
        """Decoded audio and frames: large, and gone when the run has finished."""
        return self.cache / "media"

    def manifest(self) -> Manifest | None:
        """The published manifest, or None when there is none that can be read.

        Raises StorageError when a newer version of this project wrote it.
        """
        try:
            if self.remote:
                found = storage.read_tagged(storage.join(self.place, MANIFEST))
                content = found[0] if found else b""
            else:
                content = (self.folder / MANIFEST).read_bytes()
            refuse_newer(content, f"{self.place}/{MANIFEST}", "version", FORMAT)
            return Manifest.model_validate_json(content)
        except (FileNotFoundError, ValueError):
            return None

    def finished(self, fingerprint: str, expires: timedelta | None = None) -> Manifest | None:
        """The manifest, when the folder holds everything that `fingerprint` stands for; otherwise None.

        What is older than `expires` counts no longer.
        """
        manifest = self.manifest()
        whole = (
            manifest is not None
            and manifest.complete
            and manifest.fingerprint == fingerprint
            and (expires is None or datetime.now(UTC) - manifest.created < expires)
            and {name: entry.size for name, entry in manifest.files.items()}.items() <= self._sizes().items()
        )
        return manifest if whole else None

    def blocked(self, manifest: Manifest) -> bool:
        """Whether the published results broke a critical rule, or could not be checked."""
        if any(stage.name == "check" and stage.status == "failed" for stage in manifest.stages):
            return True
        if QUALITY not in manifest.files:
            return False  # from before results were checked
        content = storage.read_bytes(storage.join(self.place, QUALITY))
        return bool(Quality.model_validate_json(content).blocked)

    def _sizes(self) -> dict[str, int]:
        if self.remote:
            return storage.list_sizes(self.place)
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix(): path.stat().st_size for path in files}

    def prepare(self) -> None:
        """Makes sure that the output folder can be written, before anything is started.

        Raises StorageError when it cannot.
        """
        with explain_disk(self.output):
            make_folder(self.cache)
            with tempfile.TemporaryFile(dir=self.cache):
                pass

    @contextmanager
    def locked(self, on_wait: Callable[[], None]) -> Iterator[None]:
        """Two runs of the same asset wait for each other, also on two machines where the output is on S3.

        `on_wait` is called when this one has to wait.

        Raises StorageError when the output folder cannot be written.
        """
        self.prepare()
        with ExitStack() as ours:
            with explain_disk(self.output):
                ours.enter_context(held(self.lock_path, self.id, say=lambda _: on_wait(), quiet=0))
            with self._locked_everywhere(on_wait):
                yield

    def _locked_everywhere(self, on_wait: Callable[[], None]) -> AbstractContextManager[object]:
        """Among the machines that write to one bucket; those on one disk see each other's lock files."""
        if not self.remote:
            return nullcontext()
        uri = storage.join(self.remote, RUNNING, self.id)
        return leased(uri, LEASE, on_wait=on_wait)

    def publish(self, files: dict[str, bytes | Path], manifest: Manifest) -> Manifest:
        """Puts `files` and the manifest in place of what was there before, all or nothing.

        On S3 there is nothing while the files are being put there: their manifest comes last.
        """
        staging = self.cache / "publish"
        shutil.rmtree(staging, ignore_errors=True)
        with explain_disk(self.output):
            try:
                staging.mkdir(parents=True)
                for name, content in files.items():
                    target = staging / name
                    target.parent.mkdir(exist_ok=True)
                    if isinstance(content, Path):
                        shutil.copyfile(content, target)
                    else:
                        target.write_bytes(content)
                    manifest.files[name] = FileEntry(sha256=sha256_of(target), size=target.stat().st_size)
                (staging / MANIFEST).write_text(manifest.model_dump_json(indent=2), encoding="utf-8")
                if self.remote:
                    upload_folder(staging, self.place, last=MANIFEST)
                    shutil.rmtree(self.cache / UPLOADED, ignore_errors=True)
                    staging.rename(self.cache / UPLOADED)
                else:
                    self._swap_in(staging)
            finally:
                shutil.rmtree(staging, ignore_errors=True)
        return manifest

    def _swap_in(self, staging: Path) -> None:
        """Readers see the old folder or the new one, never none: the two names are exchanged at once."""
        sync_tree(staging)
        try:
            exchange(staging, self.folder)
        except FileNotFoundError:
            staging.rename(self.folder)
        sync_folder(self.output)
        sync_folder(staging.parent)

    def take_uploaded(self, target: Path) -> bool:
        """Moves what this machine has put on S3 last to `target`; False where something else is there now."""
        kept = self.cache / UPLOADED
        if not (kept / MANIFEST).is_file():
            return False
        there = storage.read_tagged(storage.join(self.place, MANIFEST))
        if there is None or there[0] != (kept / MANIFEST).read_bytes():
            return False
        shutil.move(kept, target)
        return True

    def drop_media(self) -> None:
        """Removes the decoded media; small results stay, so that finished stages stay finished."""
        shutil.rmtree(self.media, ignore_errors=True)

    def forget(self) -> None:
        """Removes everything kept between runs; the published folder stays."""
        shutil.rmtree(self.cache, ignore_errors=True)


def fingerprint_of(keys: dict[str, str]) -> str:
    """One hash for a whole analysis, from its stages' keys."""
    return hashlib.sha256(os.fsencode("\n".join(f"{k}={v}" for k, v in sorted(keys.items())))).hexdigest()
