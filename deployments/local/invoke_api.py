"""The Lambda Invoke API: what boto3's `invoke` sends, with AWS's status codes, headers and error names.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

import base64
import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from deployments.local import limits
from deployments.local.call import Call, EndpointStopped, Outcome
from deployments.local.server import Exchange

if TYPE_CHECKING:
    from deployments.local.endpoint import LocalEndpoint

STOPPED = "The local endpoint has stopped."
LOG_HEADER = "X-Mediaflow-Log"  # ours: which file on this machine explains a failure
# A function is given by name, by name:alias or by ARN.
_INVOKE = re.compile(
    r"(/(?P<caller>[\w-]+))?/2015-03-31/functions/(arn:.*:function:)?(?P<image>[\w-]+)(:[\w$-]+)?/invocations"
)


class InvokeExchange(Exchange):
    """A caller's connection."""

    def do_POST(self) -> None:
        endpoint: LocalEndpoint = self.server.owner
        kind = self.headers.get("X-Amz-Invocation-Type", "RequestResponse")
        limit = limits.EVENT_REQUEST if kind == "Event" else limits.REQUEST
        payload, size = self.read_body(limit)
        path = urlsplit(self.path).path
        if not path.startswith(endpoint.secret_path):
            return self._refuse(403, "AccessDeniedException", "This is not the address of this endpoint.")
        match = _INVOKE.fullmatch(unquote(path.removeprefix(endpoint.secret_path)))
        if not match:
            return self._refuse(404, "UnknownOperationException", "Only Invoke is spoken here.")
        image = match["image"]
        if not endpoint.has_image(image):
            return self._refuse(404, "ResourceNotFoundException", f"Function not found: {image}")
        if size > limit:
            message = f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
            return self._refuse(413, "RequestTooLargeException", message)
        payload = payload or b"{}"
        try:
            json.loads(payload)
        except ValueError as error:
            message = f"Could not parse request body into json: {error}"
            return self._refuse(400, "InvalidRequestContentException", message)
        self._invoke(endpoint, image, kind, Call(payload, match["caller"] or ""))

    def do_GET(self) -> None:
        self._refuse(404, "UnknownOperationException", "Only Invoke is spoken here.")

    def _invoke(self, endpoint: "LocalEndpoint", image: str, kind: str, call: Call) -> None:
        headers = {"X-Amzn-RequestId": call.request_id, "X-Amz-Executed-Version": "$LATEST"}
        if kind == "DryRun":
            return self.reply(204, headers=headers)
        try:
            outcome = endpoint.submit(image, call)
            if kind == "Event":
                return self.reply(202, headers=headers)
            done = outcome.result()
        except EndpointStopped:
            return self._refuse(500, "ServiceException", STOPPED)
        except OSError as error:
            message = f"The worker of {image} cannot be started: {error}"
            return self._refuse(502, "InvalidRuntimeException", message)
        self.reply(200, done.payload, headers | self._outcome_headers(done))

    def _outcome_headers(self, outcome: Outcome) -> dict[str, str]:
        headers = {}
        if outcome.failed:
            headers["X-Amz-Function-Error"] = "Unhandled"
            headers[LOG_HEADER] = str(outcome.log)
        if self.headers.get("X-Amz-Log-Type") == "Tail":
            headers["X-Amz-Log-Result"] = base64.b64encode(outcome.log_tail).decode()
        return headers

    def _refuse(self, status: int, error: str, message: str) -> None:
        body = {
            "Type": "User" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "Service",
            "Message": message,
        }
        self.reply_json(status, body, {"X-Amzn-ErrorType": error})
