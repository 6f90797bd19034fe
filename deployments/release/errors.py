"""Why a release ends early."""

from containers.common.errors import UserError


class ReleaseStopped(UserError):
    """Nothing of the new version is in use; one sentence says why."""
