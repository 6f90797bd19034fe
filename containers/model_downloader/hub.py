"""Hugging Face Hub repositories, listed with `huggingface_hub`."""

import os
import threading
from dataclasses import replace
from fnmatch import fnmatch

import requests

from containers.common.errors import UserError
from containers.model_downloader.guard import Guard
from containers.model_downloader.remote import Remote, web_remote
from containers.model_downloader.retry import retrying, status_error
from containers.model_downloader.session import explaining, open_session
from containers.model_downloader.source import HuggingFace
from containers.model_downloader.token import read_token

HUB = "https://huggingface.co"
NEWEST = "main"  # asked for once, by the first fetch of an entry that knows no commit
_listing = threading.Lock()  # huggingface_hub has one way to the network for the whole process


def hub_remotes(
    session: requests.Session, guard: Guard, source: HuggingFace, wanted: set[str]
) -> list[Remote]:
    """The files of the revision's commit: those named in `wanted`, or all that match the patterns.

    HF_ENDPOINT names a mirror. The token goes to that host alone; where a gated repository refuses, the
    sentence says what to accept or set. Raises UserError.
    """
    endpoint = (os.environ.get("HF_ENDPOINT") or HUB).rstrip("/")
    if endpoint != HUB:
        guard.trust(endpoint)
    token = read_token()
    if source.gated and not token:
        raise UserError(
            f"{source.repo} is gated: accept its terms at {HUB}/{source.repo} and set HF_TOKEN to your token."
        )
    commit, files = retrying(lambda: _list(source, endpoint, token, guard))
    from huggingface_hub import hf_hub_url

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    remotes = []
    for file in files:
        name = file.rfilename
        if name in wanted if wanted else any(fnmatch(name, pattern) for pattern in source.patterns):
            url = hf_hub_url(source.repo, name, revision=commit, endpoint=endpoint)
            sha256 = file.lfs.sha256 if file.lfs else None
            if (pin := source.pins.get(name)) and sha256 not in (None, pin.sha256):
                raise UserError(
                    f"{source.repo} has another {name} than the catalogue pins; nothing of it was fetched: "
                    "check the entry against its publisher's page."
                )
            sha256 = pin.sha256 if pin else sha256
            remote = web_remote(session, url, name, file.size, sha256, headers=headers)
            remotes.append(replace(remote, commit=commit))
    if not remotes:
        raise UserError(
            f"{source.repo} has no file that matches {', '.join(source.patterns)}; "
            "correct its patterns in the catalogue."
        )
    return remotes


def _list(source: HuggingFace, endpoint: str, token: str | None, guard: Guard):
    """(commit, files with size and, for large ones, SHA-256)."""
    import huggingface_hub as hub
    from huggingface_hub import errors

    where = f"{source.repo} at {source.revision or NEWEST}"
    page = f"{endpoint}/{source.repo}"
    with explaining(endpoint), _listing:
        hub.configure_http_backend(lambda: open_session(guard))
        try:
            # token=False: never one that the person's own cache holds
            found = hub.HfApi(endpoint=endpoint, token=token or False).model_info(
                source.repo, revision=source.revision or NEWEST, files_metadata=True
            )
        except errors.GatedRepoError:
            raise UserError(
                f"{source.repo} is gated: accept its terms at {page} with the account of HF_TOKEN, "
                "then run the same command again."
            ) from None
        except errors.RevisionNotFoundError:
            raise UserError(f"There is no {where}; correct its revision in the catalogue.") from None
        except errors.RepositoryNotFoundError:
            raise UserError(
                f"{source.repo} is not on the hub or not for you; check its name, and that HF_TOKEN is valid."
            ) from None
        except errors.HfHubHTTPError as error:
            if error.response is None:
                raise
            status, pause = error.response.status_code, error.response.headers.get("Retry-After")
            raise status_error(page, status, pause) from None
        finally:
            hub.configure_http_backend()
    return found.sha, found.siblings or []
