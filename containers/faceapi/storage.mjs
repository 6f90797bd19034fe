/** Files by URI: `file://` on this machine, `s3://` on AWS (or any endpoint the SDK is told of). */

import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { getSystemErrorMap } from "node:util";

import { StorageError } from "./errors.mjs";

/** {path} of a `file://` URI, {Bucket, Key} of an `s3://` one. */
function locate(uri) {
  const [, scheme, host, path] = /^(file|s3):\/\/([^/]*)(\/.*)$/.exec(uri) ?? [];
  if (scheme === "s3") return { Bucket: host, Key: path.slice(1) };
  if (scheme === "file" && !/%(?![0-9a-f]{2})/i.test(path)) return { path: decodeURIComponent(path) };
  throw new StorageError(`'${uri}' is neither a file:// nor an s3:// URI.`);
}

/** The last part of a URI, as people name the file. */
export function nameOf(uri) {
  const { path, Key } = locate(uri);
  return basename(path ?? Key);
}

let read = 0;

/** How many bytes this process has read by URI: what a call's input weighs. */
export const bytesRead = () => read;

/** The content of `uri`, a Buffer. Throws StorageError when there is none. */
export async function readBytes(uri) {
  const content = await readWhole(uri);
  read += content.length;
  return content;
}

async function readWhole(uri) {
  const { path } = locate(uri);
  if (path === undefined) {
    return onS3(uri, "read", async (client, target, { GetObjectCommand }) => {
      const { Body } = await client.send(new GetObjectCommand(target));
      return Buffer.from(await Body.transformToByteArray());
    });
  }
  const isFile = await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile) throw new StorageError(`There is no file at ${path}.`);
  return readFile(path).catch((error) => {
    throw new StorageError(`${path} cannot be read: ${reasonOf(error)}.`);
  });
}

/** The content of an s3:// URI, or null when nothing is there. */
export async function readIfThere(uri) {
  return onS3(uri, "read", async (client, target, { GetObjectCommand, NoSuchKey }) => {
    try {
      const { Body } = await client.send(new GetObjectCommand(target));
      return Buffer.from(await Body.transformToByteArray());
    } catch (error) {
      if (error instanceof NoSuchKey) return null;
      throw error;
    }
  });
}

/** Puts `content` at `uri`, at once and whole, or not at all. */
export async function writeBytes(uri, content) {
  const { path } = locate(uri);
  if (path === undefined) {
    return onS3(uri, "written", (client, target, { PutObjectCommand }) =>
      client.send(new PutObjectCommand({ ...target, Body: content })),
    );
  }
  const fail = (error) => {
    throw new StorageError(`${path} cannot be written: ${reasonOf(error)}.`);
  };
  await mkdir(dirname(path), { recursive: true }).catch(fail);
  const partial = join(dirname(path), `.${basename(path)}.${process.pid}.part`);
  try {
    await writeFile(partial, content);
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    fail(error);
  }
}

// Milliseconds: for which S3 may be away, of waiting without a word, between two attempts.
const [AWAY, SILENT, PAUSE] = [120_000, 2_000, 2_000];
const NETWORK = new Set([
  ...["ECONNREFUSED", "ECONNRESET", "ECONNABORTED", "EPIPE", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH"],
  ...["ENOTFOUND", "EAI_AGAIN", "TimeoutError"],
]);

let s3; // the SDK costs 0.3 s, and a laptop's runs never need it

async function onS3(uri, verb, work) {
  const sdk = await import("@aws-sdk/client-s3");
  // Endpoints other than AWS's own rarely have a host name per bucket.
  const forcePathStyle = Boolean(process.env.AWS_ENDPOINT_URL_S3 || process.env.AWS_ENDPOINT_URL);
  s3 ??= new sdk.S3Client({ forcePathStyle });
  const began = performance.now();
  for (let told = false; ; ) {
    try {
      return await work(s3, locate(uri), sdk);
    } catch (error) {
      const waited = performance.now() - began;
      const reason = error.message || error.name;
      if (!isAway(error) || waited > AWAY) throw new StorageError(`${uri} cannot be ${verb}: ${reason}.`);
      if (!told && waited > SILENT) {
        told = true;
        console.error(`S3 does not answer (${reason}): trying again for two minutes.`);
      }
      await setTimeout(PAUSE);
    }
  }
}

/** The SDK has tried three times within a second; an answer with a status below 500 is one. */
function isAway(error) {
  if (process.env.AWS_MAX_ATTEMPTS || process.env.AWS_RETRY_MODE) return false;
  const status = error.$metadata?.httpStatusCode;
  return NETWORK.has(error.code ?? error.name) || status >= 500;
}

/** "permission denied" rather than "EACCES: permission denied, open '...'". */
function reasonOf(error) {
  return getSystemErrorMap().get(error.errno)?.[1] ?? error.message;
}
