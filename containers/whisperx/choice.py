"""Which Whisper `auto` stands for, in every language: the best that the store has and the machine can run.

The order is that of OpenAI's own error rates over languages, with large-v3-turbo first: close to large-v3
(https://github.com/openai/whisper/discussions/2363) at a fraction of its decoder's work.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from containers.common.errors import UserError
from containers.common.machine import cores, memory
from containers.common.models.store import catalogue, has_model
from containers.whisperx.contract import LanguageModels, Task

SMALLEST = "whisper-base"
TURBO = "turbo"  # in the id of what was never trained to translate (https://github.com/openai/whisper#available-models)
LATE = {"yue": "large-v3"}  # languages, and what the id of a Whisper that knows them has
MB = 1 << 20


class Machine(NamedTuple):
    """What a transcription may use."""

    memory_mb: int
    cores: int
    gpu: bool = False


class Demand(NamedTuple):
    """Memory of the whole image, weights as int8, and processors without a GPU.

    Memory is the image's own with Whisper base (image.toml) and what the larger weights add. Processors are
    those with which a network of so many times base's work keeps up with the sound, by the time that base
    takes (0.16 of the sound on two cores) and faster-whisper's table for small on eight threads: estimates.
    """

    memory_mb: int
    cores: int


WHISPERS = {
    "whisper-large-v3-turbo": Demand(3200, 4),
    "whisper-large-v3": Demand(4500, 16),
    "whisper-large-v2": Demand(4500, 16),
    "whisper-small": Demand(2200, 2),
    SMALLEST: Demand(1900, 1),
}


class Choice(NamedTuple):
    model: str
    reason: str  # why not a better one that is stored; empty when there is none

    @property
    def told(self) -> str:
        """For the manifest."""
        return f"{self.model} ({self.reason})" if self.reason else self.model


def best_whisper(machine: Machine, task: Task = "transcribe") -> Choice:
    """The first that the store has and the machine can run, else the smallest, whether it is there or not."""
    reason = ""
    for model, demand in WHISPERS.items():
        if model not in catalogue() or not has_model(model) or (task == "translate" and TURBO in model):
            continue
        if lack := _lack(machine, demand):
            reason = reason or f"{model} wants {lack}"
        else:
            return Choice(model, reason)
    return Choice(SMALLEST, reason)


def check_models(asked: str, added: Mapping[str, LanguageModels], task: Task, spoken: str | None) -> None:
    """Raises UserError for a model that the catalogue has not, or that cannot do what is asked of it."""
    whispers = {language: pair.model for language, pair in added.items() if pair.model}
    if asked != "auto":
        whispers[""] = asked
    _check_known(whispers.values(), "transcribe", "Whisper")
    _check_known([pair.aligner for pair in added.values() if pair.aligner], "align", "aligner")
    for model in whispers.values():
        if task == "translate" and TURBO in model:
            raise UserError(f"{model} cannot translate: another Whisper can, or auto takes one.")
    for code in filter(None, (spoken or "").split(",")):
        if asked in WHISPERS and LATE.get(code, "") not in asked:
            raise UserError(f"{asked} does not know the language '{code}'.")


def _check_known(models: Iterable[str], task: str, kind: str) -> None:
    known = [entry.id for entry in catalogue().values() if entry.task == task]
    for model in models:
        if model not in known:
            raise UserError(f"'{model}' is no {kind} of the catalogue: choose {' or '.join(known)}.")


def _lack(machine: Machine, demand: Demand) -> str:
    if machine.memory_mb < demand.memory_mb:
        return f"{demand.memory_mb} MB of memory, there are {machine.memory_mb}"
    if machine.cores < demand.cores and not machine.gpu:
        return f"{demand.cores} processors or a GPU, there are {machine.cores}"
    return ""


def this_machine(limit_mb: int | None = None) -> Machine:
    """Memory and processors that this process may use, `limit_mb` at most: Lambda's, the container's, the
    computer's."""
    limits = [memory() // MB, *(limit for limit in (limit_mb, _lambda_mb()) if limit)]
    return Machine(min(limits), cores(), Path("/dev/nvidiactl").exists())


def task_machine(size: tuple[int, int]) -> Machine:
    """An ECS task's of so many CPU units and MB: what does not fit a Lambda runs there."""
    return Machine(size[1], max(1, size[0] // 1024))


def _lambda_mb() -> int | None:
    size = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
    return int(size) if size.isdecimal() else None
