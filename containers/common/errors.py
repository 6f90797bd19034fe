"""Errors a user can act on. Their message is one sentence; no traceback belongs beside it."""


class UserError(Exception):
    """Something the caller can mend: a broken file, a wrong option, an unreachable address."""


class MediaError(UserError):
    """The media cannot be read or lacks what was asked of it."""


class NothingThere(MediaError):
    """What was asked of is there and empty: tonight there is nothing to do."""


class ModelMissing(UserError):
    """A model is not in the store."""


class ModelCorrupt(UserError):
    """A file in the store does not match its SHA-256."""


class StorageError(UserError):
    """A URI cannot be read or written."""


def user_error(name: str) -> type[UserError] | None:
    """The class of that name, if it is a UserError: from an image, an error's type arrives as text."""
    found = globals().get(name)
    return found if isinstance(found, type) and issubclass(found, UserError) else None
