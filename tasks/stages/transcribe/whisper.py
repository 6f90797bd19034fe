"""The Whisper that `auto` stands for in a run: chosen here, so that the result's key names it."""

import os

from containers.common.image import image
from containers.whisperx.choice import Choice, best_whisper, task_machine, this_machine
from tasks.stages.transcribe.options import TranscribeOptions


def choose_whisper(options: TranscribeOptions) -> Choice:
    """By what the image is given where it runs: this machine, or on AWS at most an ECS task."""
    settings = image("whisperx")
    runtime = options.runtime or os.environ.get("MEDIAFLOW_RUNTIME")
    on_aws = runtime == "aws"
    machine = task_machine(settings.task_size) if on_aws else this_machine(settings.memory_mb)
    return best_whisper(machine, options.task)
