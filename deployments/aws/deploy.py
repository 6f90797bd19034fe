"""A template into the account as a CloudFormation stack: made, changed, or left as it is."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import botocore.exceptions as failures

from containers.common.errors import UserError

STACKS = Path(__file__).with_name("stacks")
LOOK_S = 5  # seconds between two looks at a stack that is being made
HOUR = 3600


class Account:
    """`client` is boto3's for CloudFormation; `project` is the first part of every name."""

    def __init__(self, client: Any, project: str, look_s: float = LOOK_S) -> None:
        self._client = client
        self.project = project
        self._wait = {"Delay": look_s, "MaxAttempts": int(HOUR / look_s)}

    def deploy(self, template: str, name: str, values: Mapping[str, Any]) -> str:
        """Brings the stack to what the template says and returns "made", "changed" or "as it was".

        `values` are the template's parameters; of those not given a stack keeps what it has. Raises UserError
        when one is missing, or with CloudFormation's first reason when it gave up.
        """
        body = (STACKS / f"{template}.yaml").read_text(encoding="utf-8")
        known = self._known(body)
        before = self._describe(name)
        if (
            before and before["StackStatus"] == "ROLLBACK_COMPLETE"
        ):  # a first try that failed: it holds nothing
            self._client.delete_stack(StackName=name)
            self._client.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=self._wait)
            before = None
        held = {item["ParameterKey"]: item["ParameterValue"] for item in (before or {}).get("Parameters", [])}
        given = {**held, **values, "Project": self.project}
        missing = [key for key, optional in known.items() if key not in given and not optional]
        if missing:
            raise UserError(f"Stack {name} needs {', '.join(missing)}: add --set {missing[0]}=VALUE.")
        parameters = [
            {"ParameterKey": key, "ParameterValue": str(given[key])} for key in known if key in given
        ]
        arguments = {
            "StackName": name,
            "TemplateBody": body,
            "Parameters": parameters,
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
            "Tags": [{"Key": "project", "Value": self.project}],
        }
        if not before:
            self._try(name, self._client.create_stack, "stack_create_complete", arguments)
            return "made"
        return self._try(name, self._client.update_stack, "stack_update_complete", arguments)

    def outputs(self, name: str) -> dict[str, str]:
        """A stack's outputs; none when there is no such stack."""
        stack = self._describe(name) or {}
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def parameters(self, template: str) -> dict[str, bool]:
        """Names of a template's parameters, and whether each has a default."""
        return self._known((STACKS / f"{template}.yaml").read_text(encoding="utf-8"))

    def _known(self, body: str) -> dict[str, bool]:
        summary = self._client.get_template_summary(TemplateBody=body)
        return {item["ParameterKey"]: "DefaultValue" in item for item in summary["Parameters"]}

    def _describe(self, name: str) -> dict[str, Any] | None:
        try:
            return self._client.describe_stacks(StackName=name)["Stacks"][0]
        except failures.ClientError as error:
            if "does not exist" in error.response["Error"]["Message"]:
                return None
            raise

    def _try(self, name: str, call: Callable[..., Any], state: str, arguments: dict[str, Any]) -> str:
        try:
            call(**arguments)
            self._client.get_waiter(state).wait(StackName=name, WaiterConfig=self._wait)
        except failures.ClientError as error:
            message = error.response["Error"]["Message"]
            if message.startswith("No updates are to be performed"):
                return "as it was"
            raise UserError(f"Stack {name} is refused: {message.rstrip('.')}.") from None
        except failures.WaiterError:
            raise UserError(f"Stack {name} failed: {self._reason(name)}") from None
        return "changed"

    def _reason(self, name: str) -> str:
        """The first failure of the last attempt; events come newest first."""
        reason = "CloudFormation gives no reason."
        pages = self._client.get_paginator("describe_stack_events").paginate(StackName=name)
        for event in (event for page in pages for event in page["StackEvents"]):
            if event["ResourceStatus"].endswith("_FAILED") and event.get("ResourceStatusReason"):
                reason = f"{event['LogicalResourceId']}: {event['ResourceStatusReason'].rstrip('.')}."
            if event.get("ResourceStatusReason") == "User Initiated":
                break
        return reason
