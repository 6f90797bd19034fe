"""Where the images are in an AWS account, and how many calls of each may be under way."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from containers.common.image import image as image_settings

UNRESERVED = 16  # calls at once of an image that takes from what the account has in common


class AwsSettings(BaseModel):
    """Everything that is not the same in two accounts."""

    model_config = ConfigDict(extra="forbid")

    work: str = Field(pattern="^s3://.+", description="s3:// prefix for what travels to the images and back")
    prefix: str = Field(default="mediaflow-", description="before an image's name: function, task definition")
    alias: str = Field(default="live", description="the functions' alias that is called")
    cluster: str = Field(default="mediaflow", description="ECS cluster")
    subnets: list[str] = Field(default=[], description="of ECS tasks; without any ECS is not used")
    security_groups: list[str] = Field(default=[], description="of ECS tasks")
    public_ip: bool = Field(default=False, description="for ECS tasks in a subnet without a NAT or endpoints")
    concurrency: dict[str, int] = Field(default={}, description="calls of an image under way at once")
    default_concurrency: int | None = Field(default=None, ge=1, description="else what the image reserves")
    poll_s: float = Field(default=5, gt=0, description="seconds between two looks at an ECS task")
    unseen_s: float = Field(
        default=120, ge=0, description="seconds for which ECS may not know yet of a task that it has started"
    )
    patience_s: float = Field(default=900, gt=0, description="seconds for which throttled calls are repeated")
    prices: Path | None = Field(default=None, description="another price table than the project's")

    def limit(self, image: str) -> int:
        """How many calls of an image may be under way at once."""
        return (
            self.concurrency.get(image)
            or self.default_concurrency
            or image_settings(image).reserved_concurrency
            or UNRESERVED
        )

    def name(self, image: str) -> str:
        """The Lambda function's and the ECS task definition's name."""
        return self.prefix + image
