"""The recipe: probe and decode once, then speech, sound and faces side by side, then index and publish."""

import time
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Failed
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.transactions import transaction

from containers.common.errors import StorageError, UserError
from containers.common.models.store import sha256_of
from deployments.local import Joined
from flows.analyze import ui
from flows.analyze.artifacts import show_result
from flows.analyze.board import Board, current_board
from flows.analyze.find import find, stages_for
from flows.analyze.plan import decode_key, fingerprint, plan_keys, reads_pictures
from flows.analyze.shared import SharedResults, load_block
from flows.analyze.stages import Stages
from flows.operate.limits import within_limits
from flows.runs.ending import ending_in_time
from flows.runs.forms import Place, own_name_or
from flows.runs.images import LocalImages, images_of, runtime_of, stop_tasks, turn_of
from flows.settings.fields import Settings
from flows.settings.load import apply_with_server
from tasks.asset.bucket import Location, is_remote, name_of, on_this_machine
from tasks.asset.disk import disk_is_full
from tasks.asset.folder import Asset
from tasks.asset.manifest import Manifest
from tasks.calls.invoke import about
from tasks.checks.verdicts import Quality
from tasks.media.decode import complete_mark, decode
from tasks.media.decoded import Decoded
from tasks.media.probe import MediaInfo, probe
from tasks.outputs.documents import embedding_rows
from tasks.outputs.embeddings import write_embeddings
from tasks.outputs.findings import Findings, gather
from tasks.shelf.make import make_shelf
from tasks.shelf.remote import add_to_shelf
from tasks.stages.check.run import check, prepare_check
from tasks.stages.index.run import index, withdraw
from tasks.stages.options import AnalyzeOptions
from tasks.stages.publish.run import publish, software_versions
from tasks.stages.stage import Part
from tasks.words.store import index_asset


def _named_by_media() -> str:
    return name_of(flow_run.parameters["media"])


@flow(
    name="analyze",
    flow_run_name=own_name_or(_named_by_media),
    on_cancellation=[stop_tasks],
    on_crashed=[stop_tasks],
    task_runner=cast(Any, ThreadPoolTaskRunner(max_workers=8)),  # Prefect's own types disagree here
)
def analyze(
    media: Place,
    output: Place = "out",
    options: AnalyzeOptions | None = None,
    force: bool = False,
) -> Manifest:
    """Analyses one media file into `output`/<asset id>/ and returns its manifest.

    Args:
        media: a video or audio file; a path or an s3:// URI.
        output: folder or s3:// prefix of asset folders.
        options: what to look for and how; the defaults suit most media.
        force: do every stage again.

    Stages that an earlier run finished with the same media, options, weights and code are not done again,
    unless `force`. A stage that fails is named in the manifest and the others go on; the run then ends as
    Incomplete, a failed state whose data is the manifest. Raises UserError with one sentence when the media
    cannot be decoded or the output cannot be written.
    """
    started = time.perf_counter()
    options = options or AnalyzeOptions()
    settings = apply_with_server()
    board = current_board.get() or ui.narrating_board()
    with ending_in_time(), on_this_machine(media) as path:
        return _analyze(media, path, output, options, force, board, started, settings)


def _analyze(
    source: Location,
    media: Path,
    output: Location,
    options: AnalyzeOptions,
    force: bool,
    board: Board,
    started: float,
    settings: Settings,
) -> Manifest:
    expires = timedelta(settings.results_days) if settings.results_days else None
    block = load_block(settings.results_block) if settings.results_block else None
    info = probe(media, options.audio_track)
    ui.tag_run(info)
    asset = Asset.at(output, info.asset_id)
    keys = plan_keys(info, options)
    mark = fingerprint(keys, options)
    runtime = runtime_of(options)
    turn = turn_of(runtime, board.on_note)
    images = images_of(runtime, options.part.length(info.duration) or 0, str(flow_run.id))
    locked = asset.locked(on_wait=board.wait_for_other)
    limits = within_limits(board.on_note) if ui.somebody_looks() else nullcontext()
    with turn, locked, images as endpoint, about(asset.id), ui.showing_progress(), limits:
        if isinstance(endpoint, Joined):
            endpoint.on_wait = board.on_note
        finished = asset.finished(mark, expires)
        if finished and not force:
            return finished
        if force:
            asset.forget()
        prepare_check()
        stages = Stages(asset, keys, board, expires, block and SharedResults(block, asset), force)
        decoded = _decode_once(stages, asset, media, info, options)
        findings = gather(find(stages, asset, media, decoded, options))
        findings.writing = options.writing
        embeddings = asset.cache / "embeddings.parquet"
        rows = embedding_rows(findings)
        write_embeddings(embeddings, asset.id, rows)
        models = sorted({str(row["model"]) for row in rows})
        quality = _checked(stages, asset, findings, embeddings, decoded, info)
        with transaction():  # when the folder cannot be put in place, the search forgets what it was told
            kept_out = not _index(stages, asset, embeddings, models, options, quality)
            if board.failed and disk_is_full(asset.output):
                raise StorageError(f"The disk that holds {asset.output} is full.")
            manifest = Manifest(
                asset=asset.id,
                media=info,
                source=str(source) if is_remote(source) else None,
                start=decoded.start,
                duration=decoded.duration,
                damaged_packets=decoded.damaged_packets,
                notes=decoded.notes,
                options=options.model_dump(mode="json", exclude={"runtime"}),
                complete=not board.failed,
                stages=board.entries(),
                models=stages.models,
                embeddings={model: sum(row["model"] == model for row in rows) for model in models},
                software=software_versions(),
                created=datetime.now(UTC),
                seconds=round(time.perf_counter() - started, 3),
                peak_memory=endpoint.peak_memory() if endpoint else {},
                costs=None if isinstance(endpoint, LocalImages | None) else endpoint.costs(),
                fingerprint=mark,
            )
            future = stages.submit("publish", publish, asset, findings, embeddings, manifest, source, quality)
            published = stages.collect(future)
            if published is None:
                raise StorageError(board.stages["publish"].reason)
        if kept_out:  # not before: whoever is killed in between leaves words and vectors of the same assets
            withdraw(asset.id, sha256_of(embeddings), asset.index_uri)
        _index_words(asset)
        show_result(asset, published.manifest, findings, decoded)
        asset.drop_media()
        return _ended(published.manifest, board)


def _index_words(asset: Asset) -> None:
    """Words and the shelf, from the published folder: what cannot be indexed now the next search reads."""
    if not asset.remote:
        try:
            index_asset(asset.output, asset.id)
        except UserError as error:
            get_run_logger().warning(f"{error} The next search reads what was said.")
    try:
        if asset.remote:  # where a search looks itself what is new
            add_to_shelf(asset)
        else:
            make_shelf(asset.output)
    except UserError as error:
        get_run_logger().warning(f"The shelf is not brought up to date: {error}")


def _ended(manifest: Manifest, board: Board) -> Manifest:
    """Without a failed stage the manifest; otherwise it is the data of a failed state named Incomplete."""
    if not board.failed:
        return manifest
    message = " ".join(f"{stage.name}: {stage.reason}" for stage in board.failed)
    return cast(Manifest, Failed(name="Incomplete", message=message, data=manifest))


def manifest_of(state: State[Manifest]) -> Manifest:
    """What a run that was called with `return_state=True` left, complete or not.

    Raises what the run raised when it left nothing.
    """
    manifest = state.result(raise_on_failure=False)
    return manifest if isinstance(manifest, Manifest) else state.result()


def _decode_once(
    stages: Stages, asset: Asset, media: Path, info: MediaInfo, options: AnalyzeOptions
) -> Decoded:
    parts: dict[Part, bool] = {"sound": bool(info.audio_codec), "picture": bool(info.video_codec)}
    wanted = stages_for({part for part, there in parts.items() if there}, options)
    missing = [stage for stage in wanted if not stages.kept(stage)]
    if not missing and not reads_pictures(options):  # a run that looked at pictures has left more than enough
        own, stages.keys["decode"] = stages.keys["decode"], decode_key(info, options, True)
        if not stages.kept("decode"):
            stages.keys["decode"] = own
    key = stages.keys["decode"]
    folder = asset.media / key  # what a killed run decoded for other options is not taken
    whole = complete_mark(folder).exists()
    if not whole:
        asset.drop_media()
    again = bool(missing) and not whole
    expected = options.part.length(info.duration)
    read = (
        options.frame_rate,
        expected,
        options.audio_track,
        options.channels,
        options.part,
        reads_pictures(options),
    )
    future = stages.submit("decode", decode, media, folder, *read, again=again)
    decoded = stages.collect(future)
    if decoded is None:
        asset.drop_media()
        raise UserError(stages.board.stages["decode"].reason)
    return decoded


def _checked(
    stages: Stages, asset: Asset, findings: Findings, embeddings: Path, decoded: Decoded, info: MediaInfo
) -> Quality | None:
    made_by = {
        "start": decoded.start,
        "duration": decoded.duration,
        "media": info.model_dump(mode="json"),
        "models": [model.model_dump() for model in stages.models],
        "software": software_versions(),
        "files": {},
    }
    checked = stages.collect(stages.submit("check", check, asset.id, findings, embeddings, made_by))
    return checked and checked.quality


def keep_out(stages: Stages, quality: Quality | None) -> bool:
    """Whether the index must not see these results; if so, its stage has failed and says why."""
    if quality and not quality.blocked:
        return False
    why = quality.blocked[0].sentence if quality else "the results could not be checked"
    stages.fail("index", f"Kept out of the index: {why}.")
    return True


def _index(
    stages: Stages,
    asset: Asset,
    embeddings: Path,
    models: list[str],
    options: AnalyzeOptions,
    quality: Quality | None,
) -> bool:
    """Only what kept every critical rule gets in. False: what an earlier analysis put there has to go."""
    if not options.index:
        stages.skip("switched off", "index")
        return True
    if keep_out(stages, quality):
        return False
    future = stages.submit("index", index, asset.id, embeddings, models, asset.index_uri)
    stages.collect(future)
    return True
