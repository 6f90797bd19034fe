"""An image in ECR: its versions, what the scan found in it, its signature, its moving tag."""

import time
from collections import Counter
from collections.abc import Collection
from typing import Any

from semver import Version

from deployments.release.errors import ReleaseStopped

SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNDEFINED")
STABLE = "stable"
NAMED = 10  # findings that the sentence names


class Registry:
    """One ECR repository; `client` is boto3's for ECR."""

    def __init__(self, client: Any, repository: str, patience_s: float = 900, poll_s: float = 5) -> None:
        self._client = client
        self.repository = repository
        self._patience_s, self._poll_s = patience_s, poll_s

    def versions(self) -> list[Version]:
        """Semantic versions among the tags, oldest first."""
        pages = self._client.get_paginator("describe_images").paginate(repositoryName=self.repository)
        tags = [tag for page in pages for image in page["imageDetails"] for tag in image.get("imageTags", [])]
        return sorted(Version.parse(tag) for tag in tags if Version.is_valid(tag))

    def next_version(self, wanted: str) -> str:
        """`major`, `minor` or `patch` after the newest, or a version that is given and newer.

        Raises ReleaseStopped when it is neither.
        """
        newest = max(self.versions(), default=Version(0))
        if wanted in ("major", "minor", "patch"):
            return str(newest.next_version(wanted))
        if not Version.is_valid(wanted):
            raise ReleaseStopped(f"'{wanted}' is no semantic version: MAJOR.MINOR.PATCH is wanted.")
        if Version.parse(wanted) <= newest:
            raise ReleaseStopped(f"{self.repository} is at {newest} already; {wanted} would not be newer.")
        return wanted

    def uri(self, tag: str) -> str:
        """By digest, so that it is this image whatever its tags become."""
        found = self._client.describe_repositories(repositoryNames=[self.repository])["repositories"][0]
        return f"{found['repositoryUri']}@{self.digest(tag)}"

    def digest(self, tag: str) -> str:
        """Raises ReleaseStopped when there is no such image."""
        try:
            found = self._client.describe_images(repositoryName=self.repository, imageIds=[{"imageTag": tag}])
        except self._client.exceptions.ImageNotFoundException:
            raise ReleaseStopped(f"{self.repository}:{tag} is not in ECR; was it pushed?") from None
        return found["imageDetails"][0]["imageDigest"]

    def check_scan(self, tag: str, allowed: str, ignored: Collection[str] = ()) -> dict[str, int]:
        """Findings by severity. Raises ReleaseStopped with the list when some are worse than `allowed`.

        What has no fix stops nothing, nor what is `ignored` by name.
        """
        severities: dict[str, list[str]] = {}
        counts: Counter[str] = Counter()
        for finding in self._findings(tag):
            counts[finding["severity"]] += 1
            if finding.get("fixAvailable") != "NO" and _name(finding) not in ignored:
                severities.setdefault(finding["severity"], []).append(_name(finding))
        worse = SEVERITIES[: SEVERITIES.index(allowed)]
        bad = [f"{name} ({severity})" for severity in worse for name in sorted(severities.get(severity, []))]
        if bad:
            more = f" and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
            listed = ", ".join(bad[:NAMED])
            raise ReleaseStopped(f"The scan of {self.repository}:{tag} found {listed}{more}.")
        return dict(counts)

    def check_signature(self, tag: str) -> list[str]:
        """Signing profiles whose signature by AWS Signer is complete.

        ECR signs what is pushed as its signing configuration says. Raises ReleaseStopped without a signature.
        """
        image = {"repositoryName": self.repository, "imageId": {"imageTag": tag}}

        def look() -> list[dict[str, Any]] | None:
            found = self._client.describe_image_signing_status(**image)["signingStatuses"]
            return None if any(status["status"] == "IN_PROGRESS" for status in found) else found

        statuses = self._await(look, f"{self.repository}:{tag} is not signed yet")
        failed = [status for status in statuses if status["status"] == "FAILED"]
        if failed or not statuses:
            reason = failed[0].get("failureReason", "") if failed else "no signing rule matches it"
            raise ReleaseStopped(f"{self.repository}:{tag} is not signed: {reason.rstrip('.')}.")
        return [status["signingProfileArn"] for status in statuses]

    def mark_stable(self, digest: str) -> None:
        """Moves the tag `stable`, which ECS's task definitions name, to an image."""
        found = self._client.batch_get_image(
            repositoryName=self.repository, imageIds=[{"imageDigest": digest}]
        )["images"][0]
        try:
            self._client.put_image(
                repositoryName=self.repository, imageManifest=found["imageManifest"], imageTag=STABLE
            )
        except self._client.exceptions.ImageAlreadyExistsException:
            return  # it is there

    def _findings(self, tag: str) -> list[dict[str, Any]]:
        request = {"repositoryName": self.repository, "imageId": {"imageTag": tag}}

        def look() -> list[dict[str, Any]] | None:
            found: list[dict[str, Any]] = []
            more: dict[str, str] = {}
            while True:
                try:
                    page = self._client.describe_image_scan_findings(**request, **more)
                except self._client.exceptions.ScanNotFoundException:
                    return None  # a scan on push begins a moment after it
                status = page["imageScanStatus"]
                if status["status"] in ("FAILED", "UNSUPPORTED_IMAGE", "SCAN_ELIGIBILITY_EXPIRED"):
                    reason = status.get("description", status["status"]).rstrip(".")
                    raise ReleaseStopped(f"{self.repository}:{tag} could not be scanned: {reason}.")
                if status["status"] not in ("COMPLETE", "ACTIVE"):
                    return None
                scanned = page["imageScanFindings"]
                found += scanned.get("findings", []) + scanned.get("enhancedFindings", [])
                if not page.get("nextToken"):
                    return found
                more = {"nextToken": page["nextToken"]}

        return self._await(look, f"{self.repository}:{tag} is not scanned yet")

    def _await(self, look: Any, sentence: str) -> list[dict[str, Any]]:
        deadline = time.monotonic() + self._patience_s
        while (found := look()) is None:
            if time.monotonic() > deadline:
                raise ReleaseStopped(f"{sentence} after {self._patience_s:.0f} s.")
            time.sleep(self._poll_s)
        return found


def _name(finding: dict[str, Any]) -> str:
    details = finding.get("packageVulnerabilityDetails", {})
    return finding.get("name") or details.get("vulnerabilityId") or finding.get("title", "a finding")


def severity_of(text: str) -> str:
    """Raises ReleaseStopped for a word that is no severity."""
    if text.upper() not in SEVERITIES:
        raise ReleaseStopped(f"'{text}' is no severity; there are {', '.join(SEVERITIES).lower()}.")
    return text.upper()
