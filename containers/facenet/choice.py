"""Which network makes faces' vectors."""

from containers.common.errors import UserError
from containers.common.models.store import has_model
from containers.facenet.contract import EmbedderName

VGGFACE2, AURAFACE = "facenet-vggface2", "auraface"
EMBEDDERS: tuple[EmbedderName, ...] = (VGGFACE2, AURAFACE)  # the first that the store has is taken


def choose_embedder(asked: str | None) -> EmbedderName | None:
    """The one asked for, or the first that the store has; None where it has none. Raises UserError."""
    if asked is None or asked == "auto":
        return next((name for name in EMBEDDERS if has_model(name)), None)
    for name in EMBEDDERS:
        if name == asked:
            return name
    raise UserError(f"'{asked}' embeds no faces: choose {' or '.join(EMBEDDERS)}.")
