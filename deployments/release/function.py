"""A Lambda function's versions behind its alias: the pointer that decides which one is called, by weights."""

import json
from typing import Any

from deployments.release.errors import ReleaseStopped


class Function:
    """`name` is the function's; its alias is a Pointer (pointer.py), with a canary beside.

    The alias's description remembers the version before, so that both change in one step. Someone else's
    change in between is noticed by the alias's revision: then nothing is changed and ReleaseStopped raised.
    """

    def __init__(self, client: Any, name: str, alias: str) -> None:
        self._client = client
        self.name, self.alias = name, alias

    def current(self) -> str | None:
        alias = self._alias()
        return alias["FunctionVersion"] if alias else None

    def previous(self) -> str | None:
        alias = self._alias()
        return json.loads(alias.get("Description") or "{}").get("previous") if alias else None

    def weights(self) -> dict[str, float]:
        """Share of calls by version."""
        alias = self._alias() or {"FunctionVersion": "$LATEST"}
        extra = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        return {alias["FunctionVersion"]: 1 - sum(extra.values()), **extra}

    def image(self, version: str) -> str:
        """The digest of the image that a version runs, which a stack may have named by its tag."""
        code = self._client.get_function(FunctionName=self.name, Qualifier=version)["Code"]
        uri = code["ImageUri"] if "@" in code["ImageUri"] else code["ResolvedImageUri"]
        return uri.rpartition("@")[2]

    def publish(self, image_uri: str, description: str) -> str:
        """A new version that runs the image; nobody is sent to it yet."""
        self._client.update_function_code(FunctionName=self.name, ImageUri=image_uri)
        self._client.get_waiter("function_updated_v2").wait(FunctionName=self.name)
        made = self._client.publish_version(FunctionName=self.name, Description=description)
        waiter = self._client.get_waiter("published_version_active")
        waiter.wait(FunctionName=self.name, Qualifier=made["Version"])
        return made["Version"]

    def send(self, version: str, share: float) -> None:
        """Sends a share of the calls to a version beside the current one; 0 ends that."""
        self._update(RoutingConfig={"AdditionalVersionWeights": {version: share} if share else {}})

    def point_to(self, version: str, previous: str | None) -> None:
        """All calls to one version, from now on the current one."""
        alias = self._alias()
        if alias is None:
            self._client.create_alias(FunctionName=self.name, Name=self.alias, FunctionVersion=version)
            return
        routing = {"AdditionalVersionWeights": {}}
        memory = json.dumps({"previous": previous})
        self._update(alias, FunctionVersion=version, RoutingConfig=routing, Description=memory)

    def _alias(self) -> dict[str, Any] | None:
        try:
            return self._client.get_alias(FunctionName=self.name, Name=self.alias)
        except self._client.exceptions.ResourceNotFoundException:
            return None

    def _update(self, alias: dict[str, Any] | None = None, **changes: Any) -> None:
        alias = alias or self._alias()
        if alias is None:
            raise ReleaseStopped(f"Function {self.name} has no alias '{self.alias}' yet.")
        try:
            self._client.update_alias(
                FunctionName=self.name, Name=self.alias, RevisionId=alias["RevisionId"], **changes
            )
        except self._client.exceptions.PreconditionFailedException:
            raise ReleaseStopped(f"Somebody else changed {self.name}:{self.alias} meanwhile.") from None
