"""What a check of results says: every rule, and which rows broke it."""

from typing import Any, Literal

from pydantic import BaseModel, Field

MOST_NAMED = 5  # assets in a sentence


class BrokenRow(BaseModel):
    asset: str
    row: int = Field(description="which row of its file, from 0")
    values: dict[str, Any] = Field(description="the columns that the rule compares")
    at: float | None = Field(default=None, description="second of the media that it is about")


class Verdict(BaseModel):
    """One rule and how many rows broke it."""

    table: str
    rule: str
    severity: Literal["critical", "warning"]
    limit: str = Field(default="", description="what the rule allows, where that is a number")
    checked: int
    broken: int
    assets: dict[str, int] = Field(default={}, description="rows that broke it, by asset")
    rows: list[BrokenRow] = Field(default=[], description="the first that broke it")

    @property
    def sentence(self) -> str:
        named = sorted(self.assets or {row.asset for row in self.rows})
        assets = ", ".join(named[:MOST_NAMED])
        if len(named) > MOST_NAMED:
            assets += f" and {len(named) - MOST_NAMED} others"
        first = f" (row {self.rows[0].row}: {self.rows[0].values})" if self.rows else ""
        return f"{self.broken} of {self.checked} {self.table} of {assets} break '{self.rule}'{first}"


class Quality(BaseModel):
    """`quality.json`: every rule, broken or kept."""

    verdicts: list[Verdict]

    @property
    def blocked(self) -> list[Verdict]:
        """Broken rules that keep results out of the index."""
        return [each for each in self.verdicts if each.broken and each.severity == "critical"]

    @property
    def warnings(self) -> list[Verdict]:
        return [each for each in self.verdicts if each.broken and each.severity == "warning"]
