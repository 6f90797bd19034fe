"""What a source offers, and which of it a model's files are made of."""

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

import requests

from containers.common.errors import UserError
from containers.common.models.store import Model, ModelFile
from containers.model_downloader.archive import list_members
from containers.model_downloader.download import Downloaded
from containers.model_downloader.guard import Guard
from containers.model_downloader.hub import hub_remotes
from containers.model_downloader.nearby import bucket_remotes, folder_remotes
from containers.model_downloader.registry import package_remotes
from containers.model_downloader.remote import Remote
from containers.model_downloader.source import (
    Bucket,
    Folder,
    HuggingFace,
    Packages,
    Source,
    TensorFlowHub,
    TorchHub,
    Web,
    read_source,
)
from containers.model_downloader.web import tensorflow_hub_remotes, torch_hub_remotes, web_remotes


def find_remotes(
    session: requests.Session, guard: Guard, model: Model, files: Iterable[ModelFile]
) -> list[Remote]:
    """The published files of the model's source; `files` are those that the catalogue names.

    Raises UserError, also where the source lacks a file without which the model is none.
    """
    source = read_source(model)
    if isinstance(source, HuggingFace):
        known = source.model_copy(update={"revision": source.revision or model.commit or None})
        remotes = hub_remotes(session, guard, known, {name for file in files for name in _names(file)})
        return remotes if model.files else _whole(model, source.repo, remotes)
    return _find(session, guard, source)


def _find(session: requests.Session, guard: Guard, source: Source) -> list[Remote]:
    if isinstance(source, Packages):
        return package_remotes(session, guard, source)
    if isinstance(source, TorchHub):
        return torch_hub_remotes(session, guard, source)
    if isinstance(source, TensorFlowHub):
        return tensorflow_hub_remotes(session, guard, source)
    if isinstance(source, Folder):
        return folder_remotes(source)
    if isinstance(source, Bucket):
        return bucket_remotes(source)
    assert isinstance(source, Web)
    return web_remotes(session, source)


def _whole(model: Model, repo: str, remotes: list[Remote]) -> list[Remote]:
    """All that the model needs, of 'a|b' the first that there is."""
    if lacking := model.lacking(remote.name for remote in remotes):
        raise UserError(
            f"{repo} has no {' or '.join(lacking[0].split('|'))}, without which it is no model; "
            "nothing of it was fetched: check the entry against its publisher's page."
        )
    spare = set()
    for patterns in (needed.split("|") for needed in model.whole):
        there = [[one.name for one in remotes if fnmatchcase(one.name, pattern)] for pattern in patterns]
        best = next(names for names in there if names)
        spare |= {name for names in there for name in names} - set(best)
    return [remote for remote in remotes if remote.name not in spare]


def choose_remotes(remotes: list[Remote], files: list[ModelFile]) -> list[Remote]:
    """Those that `files` are made of, with the hashes pinned there; all when the catalogue names no files."""
    if not files:
        return remotes
    pins = {name: file.sha256 for file in files for name in _names(file)[:1] if len(_names(file)) == 1}
    remotes = [
        one if one.sha256 or one.archive else replace(one, sha256=pins.get(one.name)) for one in remotes
    ]
    whole = {remote.name for remote in remotes if not remote.archive}
    named = {name.partition(":")[0] for file in files for name in file.parts} | {
        file.name for file in files if not file.parts
    }
    unpacked = any(not file.parts and file.name not in whole for file in files)
    return [one for one in remotes if one.name in named or (one.archive and unpacked)]


def with_parts(files: list[ModelFile], got: Mapping[str, Downloaded]) -> list[ModelFile]:
    """The files, each with the parts it is made of; all that was downloaded, unpacked, when there are none.

    A file without `parts` is the one of its own name, as it is or in an archive. Raises UserError.
    """
    if files and all(file.parts for file in files):
        return files
    offered: dict[str, str] = {}
    for name, one in got.items():
        if one.movable:
            offered[name] = name
        else:
            members = list_members(one.path, name)
            offered |= {inside: f"{name}:{member}" for inside, member in members.items()}
    files = files or [ModelFile(name=posixpath.normpath(name)) for name in offered]
    for file in files:
        if not file.parts and file.name not in offered:
            raise UserError(f"{file.name} is not among its published files; correct the catalogue.")
    return [file if file.parts else file.model_copy(update={"parts": [offered[file.name]]}) for file in files]


def _names(file: ModelFile) -> list[str]:
    return file.parts or [file.name]
