"""What the models found, kept beside a run's figures: scored again with another truth, without a model.

RUN/hypotheses/<number>-<item>.json is what the stage returned (an Answer or a StageOutput with its data);
beside it lies the same in the field's own format where there is one: RTTM of turns, CTM of words.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from containers.common.contract import ModelRef
from containers.common.errors import UserError
from containers.common.inside import existing
from tasks.evaluation.dataset import Item
from tasks.evaluation.run import FinishedRun, Run

FOLDER = "hypotheses"
Found = TypeVar("Found", bound=BaseModel)
Written = Callable[[Any, str], dict[str, bytes | str]]


class Hypotheses:
    """Asks for what is found in an item, or reads what an earlier run of the same kind kept of it."""

    def __init__(self, run: Run, earlier: str | Path = "") -> None:
        """Raises UserError when `earlier` is no run of this kind, or kept nothing."""
        self.run = run
        self.folder = run.folder / FOLDER
        self.earlier = FinishedRun.open(earlier) if earlier else None
        if self.earlier is not None:
            check_kept(self.earlier, run.record.kind)
            run.record.scored_from = self.earlier.record.id
            run.used(self.earlier.record.models)

    def of(
        self,
        item: Item,
        wanted: type[Found],
        find: Callable[[], Found],
        written: Written = lambda found, name: {},
    ) -> Found:
        """`find()`, kept; or what the earlier run kept. `written` gives its other files, by suffix.

        Raises UserError where the earlier run has nothing of this item.
        """
        found = find() if self.earlier is None else self._read(item, wanted)
        self.folder.mkdir(exist_ok=True)
        content = {"item": item.id, "found": found.model_dump(mode="json")}
        (self.folder / f"{file_name(item.id)}.json").write_text(
            json.dumps(content, ensure_ascii=False), encoding="utf-8"
        )
        for suffix, other in written(found, item.media.stem).items():
            data = other.encode() if isinstance(other, str) else other
            (self.folder / f"{file_name(item.id)}{suffix}").write_bytes(data)
        models = getattr(found, "models", [])
        self.run.used([model for model in models if isinstance(model, ModelRef)])
        return found

    def file(self, name: str) -> Path:
        """A file that `find()` wrote below the run's folder; taken over from the earlier run."""
        path = self.run.folder / name
        if self.earlier is not None and not path.exists():
            given = existing(self.earlier.folder, *Path(name).parts)
            if given is None:
                raise UserError(f"{self.earlier.folder} has no {name} any more.")
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(given, path)
        return path

    def _read(self, item: Item, wanted: type[Found]) -> Found:
        assert self.earlier is not None
        path = self.earlier.folder / FOLDER / f"{file_name(item.id)}.json"
        try:
            return wanted.model_validate(json.loads(path.read_bytes())["found"])
        except FileNotFoundError:
            raise UserError(f"{self.earlier.folder} has kept nothing of '{item.id}': evaluate it.") from None
        except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
            raise UserError(f"{path} cannot be read: {str(error).splitlines()[0]}.") from None


def check_kept(run: FinishedRun, kind: str | None = None) -> None:
    """Raises UserError for a run whose findings cannot be scored again, or of another kind than `kind`."""
    if kind is not None and run.record.kind != kind:
        raise UserError(f"{run.folder} is of {run.record.kind}, not of {kind}.")
    if not (run.folder / FOLDER).is_dir():
        raise UserError(f"{run.folder} has kept nothing that could be scored again.")


def file_name(item: str) -> str:
    """A name that every file system takes, and no other item has."""
    safe = re.sub(r"[^\w.-]+", "-", item).strip("-.")[:60]
    return f"{safe}-{hashlib.sha256(item.encode()).hexdigest()[:8]}"
