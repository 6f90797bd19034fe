"""What a run costs, by its calls' billed time and the images' sizes. An estimate: bills have more lines."""

import threading
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from containers.common.errors import UserError
from containers.common.image import Image
from deployments.aws.route import Where

PRICES = Path(__file__).with_name("prices.toml")
FREE_STORAGE_MB = 512


class LambdaPrices(BaseModel):
    gb_second: float
    request: float
    storage_gb_second: float


class FargatePrices(BaseModel):
    vcpu_hour: float
    gb_hour: float


class Prices(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    region: str
    processor: str
    currency: str
    source: str
    as_of: str
    lambda_: LambdaPrices = Field(alias="lambda")
    fargate: FargatePrices


class Cost(BaseModel):
    """One image's calls at one place."""

    image: str
    where: Where
    calls: int
    seconds: float = Field(description="billed")
    amount: float


class Costs(BaseModel):
    """A run's calls and what they cost, by a price table."""

    amount: float
    currency: str
    region: str
    prices: str = Field(description="where the prices are from, and of when")
    calls: list[Cost]


def read_prices(path: Path | None = None) -> Prices:
    """Raises UserError when there is no such table or something is missing in it."""
    try:
        return Prices.model_validate(tomllib.loads((path or PRICES).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise UserError(f"The price table {path} cannot be read: {str(error).splitlines()[0]}.") from error


def price(prices: Prices, image: Image, where: Where, calls: int, seconds: float) -> float:
    """What so many calls of so many seconds in all cost."""
    if where == "lambda":
        gigabytes = image.function_mb / 1024
        storage = max(0, image.storage_mb - FREE_STORAGE_MB) / 1024
        second = gigabytes * prices.lambda_.gb_second + storage * prices.lambda_.storage_gb_second
        return calls * prices.lambda_.request + seconds * second
    size = image.task_size
    hourly = size[0] / 1024 * prices.fargate.vcpu_hour + size[1] / 1024 * prices.fargate.gb_hour
    return seconds / 3600 * hourly


class Ledger:
    """Collects calls from many threads."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices
        self._calls: dict[tuple[str, Where], list[float]] = defaultdict(list)
        self._images: dict[str, Image] = {}
        self._memory: dict[str, int] = {}
        self._lock = threading.Lock()

    def add(self, image: Image, where: Where, seconds: float, memory: int) -> None:
        with self._lock:
            self._images[image.name] = image
            self._calls[image.name, where].append(seconds)
            if memory:
                self._memory[image.name] = max(memory, self._memory.get(image.name, 0))

    def peak_memory(self) -> dict[str, int]:
        with self._lock:
            return dict(self._memory)

    def costs(self) -> Costs:
        with self._lock:
            calls = [self._cost(image, where, seconds) for (image, where), seconds in self._calls.items()]
        return Costs(
            amount=round(sum(cost.amount for cost in calls), 6),
            currency=self._prices.currency,
            region=self._prices.region,
            prices=f"{self._prices.source}, {self._prices.as_of}",
            calls=sorted(calls, key=lambda cost: (cost.image, cost.where)),
        )

    def _cost(self, image: str, where: Where, seconds: list[float]) -> Cost:
        total = sum(seconds)
        amount: Any = price(self._prices, self._images[image], where, len(seconds), total)
        return Cost(
            image=image, where=where, calls=len(seconds), seconds=round(total, 3), amount=round(amount, 8)
        )
