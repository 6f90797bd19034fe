"""Real-time factor, memory and cost of each image."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from containers.audioset.contract import TagRequest
from containers.common.contract import ModelRef, Request
from containers.common.documents.sounds import Tags
from containers.common.documents.speakers import Diarization
from containers.common.documents.speech import Transcript
from containers.common.errors import UserError
from containers.common.image import image as settings
from containers.deepfilternet.contract import Denoised, DenoiseRequest
from containers.faceapi.contract import DetectRequest, DetectResult
from containers.pyannote.contract import DiarizeRequest
from containers.whisperx.choice import check_models
from containers.whisperx.contract import TranscribeRequest
from deployments.aws.costs import price, read_prices
from tasks.calls.invoke import invoke
from tasks.evaluation.dataset import Dataset, Item
from tasks.evaluation.statistics import Measure, ratio
from tasks.media.probe import probe

IMAGES = ("whisperx", "pyannote", "deepfilternet", "audioset", "faceapi")
PICTURES = "faceapi"  # its factor is seconds a picture


class SpeedOptions(BaseModel):
    model_config = ConfigDict(extra="forbid")

    images: list[str] = Field(default=list(IMAGES), min_length=1)
    items: int = Field(default=4, ge=1, description="recordings, the longest, and pictures at most")
    repeats: int = Field(default=3, ge=1, description="warm calls of each")


class Timing(NamedTuple):
    row: dict[str, Any]
    models: list[ModelRef]


def check_speed(model: str, options: Mapping[str, Any]) -> None:
    """Raises UserError or pydantic's ValidationError for a model of Whisper or an option that it has not."""
    if unknown := set(SpeedOptions.model_validate(dict(options)).images) - set(IMAGES):
        raise UserError(f"'{min(unknown)}' is not timed here: choose from {', '.join(IMAGES)}.")
    check_models(model, {}, "transcribe", None)


def choose(dataset: Dataset, options: SpeedOptions) -> tuple[list[Item], list[Item]]:
    """The longest recordings, and pictures. Raises UserError for an image that is not timed here."""
    if unknown := set(options.images) - set(IMAGES):
        raise UserError(f"'{min(unknown)}' is not timed here: choose from {', '.join(IMAGES)}.")
    pictures = dataset.having("faces")
    sounds = [item for item in dataset.item if item not in pictures and _seconds(item)]
    sounds.sort(key=lambda item: (-_seconds(item), item.id))
    return sounds[: options.items], pictures[: options.items]


def time_call(image: str, item: Item, model: str, folder: Path) -> Timing:
    """One call; `factor` is seconds of work by seconds of sound, or by pictures."""
    request, result = _request(image, item, model, folder)
    answer = invoke(image, request, result)
    amount = 1.0 if image == PICTURES else _seconds(item)
    row = {
        "item": item.id,
        "amount": amount,
        "load_seconds": answer.load_seconds,
        "compute_seconds": answer.compute_seconds,
        "factor": answer.compute_seconds / amount,
    }
    return Timing(row, answer.models)


def warm(calls: pd.DataFrame) -> pd.DataFrame:
    """A row an item: seconds of its warm calls in each image, and what they worked on."""
    rows: dict[str, dict[str, Any]] = {}
    for call in calls.loc[calls["repeat"] > 0].to_dict("records"):
        row = rows.setdefault(call["item"], {"item": call["item"]})
        for name in ("seconds", "amount"):
            key = f"{name} {call['image']}"
            row[key] = row.get(key, 0.0) + call["compute_seconds" if name == "seconds" else "amount"]
    columns = ["item"] + [f"{name} {image}" for image in IMAGES for name in ("seconds", "amount")]
    return pd.DataFrame(list(rows.values()), columns=columns).fillna(dict.fromkeys(columns[1:], 0.0))


def measures(images: list[str] | tuple[str, ...] = IMAGES) -> list[Measure]:
    return [
        Measure(
            image,
            f"{image}: seconds a picture" if image == PICTURES else f"{image}: real-time factor",
            "lower",
            ratio(f"seconds {image}", f"amount {image}"),
            amount=f"amount {image}",
            timed=True,
        )
        for image in images
    ]


def costs(table: pd.DataFrame, calls: pd.DataFrame, peaks: dict[str, int], images: list[str]) -> pd.DataFrame:
    """Memory, load time and what an hour of media costs on Lambda (faces: 3600 pictures, one a second)."""
    rows, prices = [], read_prices()
    for image in images:
        amount = float(table[f"amount {image}"].to_numpy().sum())
        if not amount:
            continue
        factor = float(table[f"seconds {image}"].to_numpy().sum()) / amount
        loads = calls.loc[calls["image"] == image, "load_seconds"]
        rows.append(
            {
                "image": image,
                "seconds for an hour": factor * 3600,
                "seconds to load": float(loads.max()),
                "peak memory, MB": peaks[image] / 2**20 if image in peaks else "elsewhere",
                "memory on Lambda, MB": settings(image).memory_mb,
                f"{prices.currency} an hour of media": price(
                    prices, settings(image), "lambda", 1, factor * 3600
                ),
            }
        )
    return pd.DataFrame(rows)


def where_prices_are_from() -> str:
    prices = read_prices()
    return f"Prices: {prices.region}, {prices.source} ({prices.as_of})."


def _request(image: str, item: Item, model: str, folder: Path) -> tuple[Request, Any]:
    audio = item.media.as_uri()
    match image:
        case "whisperx":
            return TranscribeRequest(audio=audio, model=model, language=item.language), Transcript
        case "pyannote":
            return DiarizeRequest(audio=audio), Diarization
        case "deepfilternet":
            target = (folder / "denoised.flac").as_uri()
            return DenoiseRequest(audio=audio, audio_uri=target, mode="on"), Denoised
        case "audioset":
            return TagRequest(audio=audio), Tags
    return DetectRequest(images=[audio]), DetectResult


def _seconds(item: Item) -> float:
    return probe(item.media).duration or 0.0
