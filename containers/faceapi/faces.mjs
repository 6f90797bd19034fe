/** Runs in a worker thread: pixels in, faces out, by face-api's networks on TensorFlow's WASM backend. */

import { createRequire } from "node:module";
import { dirname } from "node:path";

import wasm from "@tensorflow/tfjs-backend-wasm";
import tf from "@tensorflow/tfjs-core";
import faceapi from "@vladmandic/face-api/dist/face-api.node-wasm.js";

import { measureSharpness } from "./sharpness.mjs";

const require = createRequire(import.meta.url);
const { nets } = faceapi;

wasm.setWasmPaths(`${dirname(require.resolve("@tensorflow/tfjs-backend-wasm"))}/`);
await tf.setBackend("wasm");

const locate = {
  tiny: (pixels, { input_size, min_confidence }) =>
    nets.tinyFaceDetector.locateFaces(
      pixels,
      new faceapi.TinyFaceDetectorOptions({ inputSize: input_size, scoreThreshold: min_confidence }),
    ),
  ssd: (pixels, { min_confidence }) =>
    nets.ssdMobilenetv1.locateFaces(
      pixels,
      new faceapi.SsdMobilenetv1Options({ minConfidence: min_confidence, maxResults: Infinity }),
    ),
};

/**
 * The faces of one picture as contract.py's `Face`, best first.
 *
 * @param task.folder the model's folder
 * @param task.picture what pictures.mjs decoded
 * @param task.request the checked request
 * @returns {faces, load_seconds}
 */
export default async function findFaces({ folder, picture, request }) {
  const load_seconds = await loadNets(folder, request);
  const detections = await withTensor(picture.small, (pixels) => locate[request.detector](pixels, request));
  const faces = [];
  for (const detection of detections) {
    const box = boxWithin(detection.forSize(picture.width, picture.height).box, picture);
    if (box.width < Math.max(1, request.min_face) || box.height < 1) continue;
    faces.push(await describe(picture, box, detection.score, request));
  }
  return { faces, load_seconds };
}

async function loadNets(folder, { detector, descriptor }) {
  const started = performance.now();
  const wanted = [
    detector === "tiny" ? nets.tinyFaceDetector : nets.ssdMobilenetv1,
    nets.faceLandmark68Net,
    nets.faceExpressionNet,
    nets.ageGenderNet,
    ...(descriptor ? [nets.faceRecognitionNet] : []),
  ].filter((net) => !net.isLoaded);
  for (const net of wanted) await net.loadFromDisk(folder);
  return wanted.length ? (performance.now() - started) / 1000 : 0;
}

/**
 * One face after the other: batches are not faster on this backend, and a crowd would not fit its memory.
 * As face-api does it, expression, age and gender are read off the face aligned by its landmarks, the
 * descriptor off dlib's alignment.
 */
async function describe({ width, height, full }, box, score, request) {
  const scale = { x: full.width / width, y: full.height / height };
  const { x, y, width: w, height: h } = box;
  const region = clip(new faceapi.Rect(x * scale.x, y * scale.y, w * scale.x, h * scale.y), full);
  const shape = await withTensor(crop(full, region), (face) => nets.faceLandmark68Net.detectLandmarks(face));
  const landmarks = shape.shiftBy(region.x, region.y);
  const [aligned, dlib] = [false, true].map((useDlibAlignment) => {
    const found = clip(landmarks.align(null, { useDlibAlignment }), full);
    return found.width > 0 && found.height > 0 ? found : region;
  });
  const [expressions, { age, gender, genderProbability }] = await withTensor(
    crop(full, aligned),
    async (face) => [
      await nets.faceExpressionNet.predictExpressions(face),
      await nets.ageGenderNet.predictAgeAndGender(face),
    ],
  );
  const face = {
    detection: { box: mapValues(box, (value) => round(value, 2)), score: round(score, 6) },
    expressions: sumToOne(expressions),
    ageAndGender: { age: round(Math.max(0, age), 2), gender, genderProbability: round(genderProbability, 6) },
    sharpness: round(measureSharpness(crop(full, region)), 2),
  };
  if (request.landmarks) {
    face.landmarks = landmarks.positions.map((point) => [
      round(point.x / scale.x, 2),
      round(point.y / scale.y, 2),
    ]);
  }
  if (request.descriptor) {
    const descriptor = await withTensor(crop(full, dlib), (pixels) =>
      nets.faceRecognitionNet.computeFaceDescriptor(pixels),
    );
    face.descriptor = Array.from(descriptor, (value) => round(value, 6));
  }
  return face;
}

/** `work` on a tensor of the pixels (height, width, 3) that is freed afterwards. */
async function withTensor({ data, width, height }, work) {
  const tensor = tf.tensor3d(data, [height, width, 3], "int32");
  try {
    return await work(tensor);
  } finally {
    tensor.dispose();
  }
}

/** The pixels of a rectangle of whole pixels that lies inside the picture. */
function crop({ data, width }, { x, y, width: columns, height: rows }) {
  const cut = new Uint8Array(rows * columns * 3);
  for (let row = 0; row < rows; row++) {
    const from = ((y + row) * width + x) * 3;
    cut.set(data.subarray(from, from + columns * 3), row * columns * 3);
  }
  return { data: cut, width: columns, height: rows };
}

function clip(rect, { width, height }) {
  return rect.clipAtImageBorders(width, height);
}

function boxWithin({ left, top, right, bottom }, { width, height }) {
  const x = Math.max(0, left);
  const y = Math.max(0, top);
  return { x, y, width: Math.min(width, right) - x, height: Math.min(height, bottom) - y };
}

function sumToOne(expressions) {
  const scores = faceapi.FACE_EXPRESSION_LABELS.map((label) => [label, expressions[label]]);
  const sum = scores.reduce((total, [, score]) => total + score, 0);
  return Object.fromEntries(scores.map(([label, score]) => [label, round(score / sum, 8)]));
}

function mapValues(object, change) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}

function round(value, digits) {
  return Number(value.toFixed(digits));
}
