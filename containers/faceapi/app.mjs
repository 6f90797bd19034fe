/** Faces in pictures and what they show: the image's Lambda handler. Request and answer: contract.py. */

import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";

import Tinypool from "tinypool";

import { chooseBackend } from "./backend.mjs";
import { openModel } from "./models.mjs";
import { monitored } from "./monitor.mjs";
import "./native/gate.mjs"; // before there are threads
import { decode } from "./pictures.mjs";
import { readRequest } from "./request.mjs";
import { readIfThere, writeBytes } from "./storage.mjs";

const SSD_SIZE = 512; // pixels; what its network was trained on
// TensorFlow's own WASM threads do not run in Node, so each core has its own networks (0.3 GB) and picture.
const THREADS = Math.min(availableParallelism(), 4);

let pool;
let model;

/** As AWS Lambda calls it. Throws a UserError subclass for what the caller can mend. */
export async function handler(event, context) {
  return monitored(event, context, () => answer(event));
}

async function answer(event) {
  const started = performance.now();
  const request = readRequest(event);
  const given = request.answer_uri && (await readIfThere(request.answer_uri));
  if (given) return JSON.parse(given); // a request that is repeated
  const { images, load_seconds } = await analyse(request);
  const found = { models: [model.ref], load_seconds };
  if (request.result_uri) {
    await writeBytes(request.result_uri, JSON.stringify({ images }));
    found.result_uri = request.result_uri;
  } else {
    found.result = { images };
  }
  found.compute_seconds = Math.max(0, (performance.now() - started) / 1000 - load_seconds);
  if (request.answer_uri) await writeBytes(request.answer_uri, JSON.stringify(found));
  return found;
}

async function analyse(request) {
  let checked = 0;
  if (!model) {
    chooseBackend(); // complains here, before any thread is started
    const started = performance.now();
    model = await openModel("faceapi");
    checked = (performance.now() - started) / 1000;
  }
  pool ??= new Tinypool({
    filename: fileURLToPath(new URL("./faces.mjs", import.meta.url)),
    runtime: "worker_threads",
    minThreads: 1,
    maxThreads: THREADS,
    idleTimeout: 2 ** 31 - 1, // milliseconds; the networks stay loaded
  });
  const size = request.detector === "tiny" ? request.input_size : SSD_SIZE;
  let loaded = 0;
  // One picture more than there are threads: it is decoded while the others are analysed.
  const images = await forEach(request.images, THREADS + 1, async (image, position) => {
    const picture = await decode(image, size);
    const { width, height } = picture;
    const task = { folder: model.folder, picture, request, boxes: request.boxes?.[position] };
    const { load_seconds, ...found } = await pool.run(task, { name: task.boxes ? "findShapes" : "default" });
    loaded = Math.max(loaded, load_seconds);
    return { image, width, height, faces: [], shapes: [], ...found };
  });
  return { images, load_seconds: checked + loaded };
}

/** The results of `work` on each item, in order, with `lanes` of them under way at a time. */
async function forEach(items, lanes, work) {
  const results = [];
  // A generator, since a lane that throws closes it: the other lanes then find no more items.
  const queue = (function* () {
    yield* items.entries();
  })();
  const lane = async () => {
    for (const [position, item] of queue) results[position] = await work(item, position);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return results;
}
