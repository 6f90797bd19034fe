/**
 * What the networks are computed by: `native`, ONNX Runtime on the cores, where there is a build of it for
 * this machine; `cuda`, face-api on TensorFlow, where @tensorflow/tfjs-node-gpu is installed and there is an
 * NVIDIA device; `wasm`, face-api on WebAssembly, everywhere. MEDIAFLOW_FACEAPI_BACKEND says which; auto, the
 * default, takes the first that can be had of cuda, native and wasm. What is found is the same
 * (tests/containers/faceapi/test_backend.py), so that no key of a result names the backend.
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
const BACKENDS = ["auto", "native", "wasm", "cuda"];

/** "cuda", "native" or "wasm". Throws UserError when the one that is asked for cannot be had. */
export function chooseBackend({ MEDIAFLOW_FACEAPI_BACKEND: wanted = "auto" } = process.env) {
  if (!BACKENDS.includes(wanted)) {
    throw new UserError(`MEDIAFLOW_FACEAPI_BACKEND is '${wanted}', not auto, native, wasm or cuda.`);
  }
  if (wanted === "wasm") return "wasm";
  const missing = [
    !isInstalled(CUDA) && `the npm package ${CUDA} is not installed`,
    !existsSync("/dev/nvidiactl") && "there is no NVIDIA device",
  ].filter(Boolean);
  if (wanted === "cuda" && missing.length) {
    throw new UserError(`face-api cannot use CUDA: ${missing.join(" and ")}.`);
  }
  if (wanted !== "native" && missing.length === 0) return "cuda";
  const reason = whyNotNative();
  if (!reason) return "native";
  if (wanted === "auto") return "wasm";
  throw new UserError(`face-api's networks cannot run in ONNX Runtime: ${reason}.`);
}

/** The functions of native/native.mjs, or of tensorflow.mjs. */
export function loadNetworks(backend) {
  return import(backend === "native" ? "./native/native.mjs" : "./tensorflow.mjs");
}

/** TensorFlow and face-api for the backend, ready to be used. */
export async function loadTensorFlow(backend) {
  if (backend === "cuda") {
    return { tf: require(CUDA), faceapi: require("@vladmandic/face-api/dist/face-api.node-gpu.js") };
  }
  const tf = require("@tensorflow/tfjs-core");
  const wasm = require("@tensorflow/tfjs-backend-wasm");
  wasm.setWasmPaths(`${dirname(require.resolve("@tensorflow/tfjs-backend-wasm"))}/`);
  await tf.setBackend("wasm");
  return { tf, faceapi: require("@vladmandic/face-api/dist/face-api.node-wasm.js") };
}

let reason; // looked for once

/** Why ONNX Runtime's library cannot be loaded here (another C library or processor), or nothing. */
function whyNotNative() {
  if (reason === undefined) {
    try {
      require("onnxruntime-node");
      reason = "";
    } catch (error) {
      reason = error.message.split("\n")[0].replace(/\.$/, "");
    }
  }
  return reason;
}

function isInstalled(name) {
  try {
    require.resolve(name);
    return true;
  } catch {
    return false;
  }
}
