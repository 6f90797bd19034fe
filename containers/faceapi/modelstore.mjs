/** A model of an S3 store (containers/common/models/store_s3.py has its layout) in this machine's cache. */

import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { readBytes } from "./storage.mjs";

/** `<prefix>/<version>` by the pointer `<prefix>/current`. Throws StorageError when there is no pointer. */
export async function currentVersion(pointer) {
  const { version } = JSON.parse(await readBytes(pointer));
  return pointer.replace(/current$/, version);
}

/**
 * The folder with the model's files, `check(content, file, place)` throwing for content that does not match.
 * Node has no flock: each file appears by renaming, so that processes at once do no harm, and the folder lies
 * where the Python images' clean-up does not look. This image has one model of 13 MB; it stays.
 */
export async function fromS3(store, { id, files }, sha256, check) {
  const cache = process.env.MEDIAFLOW_MODEL_CACHE || join(tmpdir(), `mediaflow-models-${process.getuid()}`);
  const folder = join(cache, ".node", sha256);
  for (const file of files) {
    const path = join(folder, file.name);
    const cached = await readFile(path).catch(() => undefined);
    if (cached && matches(check, cached, file, path)) continue;
    const uri = `${store}/objects/${file.sha256}`;
    const content = await readBytes(uri);
    check(content, file, uri);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const partial = `${path}.${process.pid}.part`;
    await writeFile(partial, content);
    await rename(partial, path);
  }
  return folder;
}

function matches(check, content, file, place) {
  try {
    check(content, file, place);
    return true;
  } catch {
    return false; // damaged: fetched again
  }
}
