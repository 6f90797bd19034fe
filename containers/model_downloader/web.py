"""Plain https addresses, PyTorch Hub and TensorFlow Hub: what each is asked for."""

import os
import re
from dataclasses import replace

import requests

from containers.common.errors import UserError
from containers.model_downloader.guard import Guard
from containers.model_downloader.remote import Remote, web_remote
from containers.model_downloader.source import Address, TensorFlowHub, TorchHub, Web

ARCHIVES = (".zip", ".whl", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
# torch.hub's own convention, HASH_REGEX there: resnet18-5c106cde.pth
DIGITS = re.compile(r"-([a-f0-9]{8,})\.")
GITHUB = "https://github.com"
TFHUB = "https://tfhub.dev"


def web_remotes(session: requests.Session, source: Web) -> list[Remote]:
    """Raises UserError when only the page is known, or when an address gives nothing."""
    if not source.urls:
        raise UserError(
            f"Its files have no address in the catalogue; get them from {source.page} "
            "and name their folder in an entry of kind `folder`."
        )
    return [_from_address(session, address) for address in source.urls]


def torch_hub_remotes(session: requests.Session, guard: Guard, source: TorchHub) -> list[Remote]:
    """The repository as the archive that torch.hub itself asks for, and its checkpoints.

    These lie in `checkpoints/`, where `torch.hub.load_state_dict_from_url` looks below `torch.hub.set_dir`.
    TORCH_HUB_ENDPOINT names a mirror of github.com.
    """
    remotes = []
    if source.repo:
        endpoint = _endpoint(guard, "TORCH_HUB_ENDPOINT", GITHUB)
        repo, _, ref = source.repo.partition(":")
        url = f"{endpoint}/{repo}/zipball/{ref}"
        remotes.append(web_remote(session, url, f"{repo.rpartition('/')[2]}.zip", archive=True))
    for address in source.urls:
        digits = DIGITS.search(address.file)
        remotes.append(
            web_remote(
                session,
                address.url,
                f"checkpoints/{address.file}",
                address.size,
                address.sha256,
                digits[1] if digits else "",
            )
        )
    return remotes


def tensorflow_hub_remotes(session: requests.Session, guard: Guard, source: TensorFlowHub) -> list[Remote]:
    """The compressed SavedModel, as the hosting protocol has it (https://www.tensorflow.org/hub/hosting).

    TFHUB_ENDPOINT names a mirror of tfhub.dev.
    """
    handle = source.handle.removeprefix(f"{TFHUB}/").strip("/")
    url = handle if "://" in handle else f"{_endpoint(guard, 'TFHUB_ENDPOINT', TFHUB)}/{handle}"
    name = f"{handle.replace('/', '_')}.tar.gz"
    return [web_remote(session, f"{url}?tf-hub-format=compressed", name, archive=True)]


def _from_address(session: requests.Session, address: Address) -> Remote:
    archive = address.file.endswith(ARCHIVES)
    remote = web_remote(session, address.url, address.file, address.size, address.sha256, archive=archive)
    return replace(remote, md5=address.md5)


def _endpoint(guard: Guard, name: str, default: str) -> str:
    address = os.environ.get(name)
    if not address:
        return default
    if not address.startswith(("https://", "http://")):
        raise UserError(f"{name} is not the http or https address of a mirror; correct it or leave it unset.")
    guard.trust(address)
    return address.rstrip("/")
