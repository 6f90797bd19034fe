"""AWS Lambda's limits on payloads, in bytes."""

REQUEST = 6 * 1024 * 1024
EVENT_REQUEST = 1024 * 1024  # InvocationType=Event
RESPONSE = REQUEST + 100  # what Lambda really enforces, as its error message says
LOG_TAIL = 4096
