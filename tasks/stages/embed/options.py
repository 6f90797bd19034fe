"""What can be chosen about faces' vectors."""

from typing import Annotated

from pydantic import Field

from containers.facenet.contract import EmbedderName
from tasks.stages.common import NotInKey, StageOptions


class EmbedOptions(StageOptions):
    face_model: Annotated[EmbedderName, NotInKey("the weights that it chooses are")] = Field(
        default="auto",
        description="what tells faces apart: FaceNet or AuraFace; auto: the first that the store has, "
        "else face-api's descriptor",
    )
