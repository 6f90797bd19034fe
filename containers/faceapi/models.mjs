/** The model store as containers/common/models/store.py sees it: a folder, opened only when every hash matches. */

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { parse } from "smol-toml";

import { ModelCorrupt, ModelMissing } from "./errors.mjs";
import { currentVersion, fromS3 } from "./modelstore.mjs";

const CATALOGUE = fileURLToPath(new URL("../common/models/catalogue.toml", import.meta.url));

const sha256 = (content) => createHash("sha256").update(content).digest("hex");

function storeFolder() {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return process.env.MEDIAFLOW_MODELS || join(cache, "mediaflow", "models");
}

/**
 * The model's folder and its reference {id, revision, sha256}, with every file's hash checked.
 * Throws ModelMissing or ModelCorrupt with the command that mends it, StorageError where S3 does not answer.
 */
export async function openModel(id) {
  const catalogue = parse(await readFile(process.env.MEDIAFLOW_CATALOGUE || CATALOGUE, "utf8"));
  const model = catalogue.model.find((entry) => entry.id === id);
  const whole = sha256(model.files.map((file) => file.sha256).join(""));
  const ref = { id, revision: model.revision, sha256: whole };
  const store = storeFolder();
  const mend = `run \`uv run python -m flows.models fetch ${id}\``;
  const check = (content, file, place) => {
    if (sha256(content) === file.sha256) return;
    throw new ModelCorrupt(
      `${place} does not match its SHA-256 in the catalogue: ${mend} to replace it.`,
    );
  };
  if (store.startsWith("s3://")) {
    const named = store.replace(/\/+$/, "");
    const uri = named.endsWith("/current") ? await currentVersion(named) : named;
    return { folder: await fromS3(uri, model, whole, check), ref };
  }
  const folder = join(store, id);
  for (const file of model.files) {
    const path = join(folder, file.name);
    const content = await readFile(path).catch(() => {
      throw new ModelMissing(`Model '${id}' is not in the store ${store}: ${mend}.`);
    });
    check(content, file, path);
  }
  return { folder, ref };
}
