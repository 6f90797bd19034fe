/**
 * What TensorFlow computes on: CUDA where @tensorflow/tfjs-node-gpu is installed and there is an NVIDIA
 * device, WebAssembly otherwise. MEDIAFLOW_FACEAPI_BACKEND says which: auto (the default), cuda or wasm.
 *
 * tfjs-node-gpu is no dependency, since it loads libtensorflow from outside npm when it is installed: an
 * image for a GPU adds `npm install @tensorflow/tfjs-node-gpu`.
 */

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";

import { UserError } from "./errors.mjs";

const require = createRequire(import.meta.url);
const CUDA = "@tensorflow/tfjs-node-gpu";

/** "cuda" or "wasm". Throws UserError when the one that is asked for cannot be had. */
export function chooseBackend({ MEDIAFLOW_FACEAPI_BACKEND: wanted = "auto" } = process.env) {
  if (!["auto", "cuda", "wasm"].includes(wanted)) {
    throw new UserError(`MEDIAFLOW_FACEAPI_BACKEND is '${wanted}', not auto, cuda or wasm.`);
  }
  if (wanted === "wasm") return "wasm";
  const missing = [
    !isInstalled(CUDA) && `the npm package ${CUDA} is not installed`,
    !existsSync("/dev/nvidiactl") && "there is no NVIDIA device",
  ].filter(Boolean);
  if (missing.length === 0) return "cuda";
  if (wanted === "auto") return "wasm";
  throw new UserError(`face-api cannot use CUDA: ${missing.join(" and ")}.`);
}

/** TensorFlow and face-api for the backend, ready to be used. */
export async function loadBackend(backend) {
  if (backend === "cuda") {
    return { tf: require(CUDA), faceapi: require("@vladmandic/face-api/dist/face-api.node-gpu.js") };
  }
  const tf = require("@tensorflow/tfjs-core");
  const wasm = require("@tensorflow/tfjs-backend-wasm");
  wasm.setWasmPaths(`${dirname(require.resolve("@tensorflow/tfjs-backend-wasm"))}/`);
  await tf.setBackend("wasm");
  return { tf, faceapi: require("@vladmandic/face-api/dist/face-api.node-wasm.js") };
}

function isInstalled(name) {
  try {
    require.resolve(name);
    return true;
  } catch {
    return false;
  }
}
