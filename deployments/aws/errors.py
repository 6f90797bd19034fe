"""How a call can fail, as far as it matters to who repeats it."""

from containers.common.errors import UserError


class CallFailed(UserError):
    """AWS could not make the call; one sentence."""


class FunctionFailed(Exception):
    """The image's own answer was an error: its type, its message and where its log is."""

    def __init__(self, kind: str, message: str, log: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind, self.message, self.log = kind, message, log


class Passing(Exception):
    """A failure that the same call may not meet again. `throttled`: AWS asked to wait."""

    def __init__(self, reason: str, throttled: bool = False) -> None:
        super().__init__(reason)
        self.throttled = throttled
