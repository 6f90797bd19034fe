/** face-api's networks in ONNX Runtime; tensorflow.mjs has the same functions by face-api itself. */

import { InferenceSession, Tensor } from "onnxruntime-node";

import { readSsd, readTiny } from "./detections.mjs";
import { inside } from "./gate.mjs";
import { convert, NETWORKS } from "./networks.mjs";
import { fillBatch } from "./pixels.mjs";

// As face-api names them, in the order of its network's output.
const EXPRESSIONS = ["neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised"];
// A thread of faces.mjs has one core; it has a picture of its own, as the other threads have.
const OPTIONS = { intraOpNumThreads: 1, interOpNumThreads: 1 };

const sessions = new Map();
let memory = new Float32Array(0); // of the batch that is computed; runs do not overlap

export const isLoaded = (name) => sessions.has(name);

/** Makes a network of NETWORKS ready, from face-api's weight files: nothing but what was checked is read. */
export async function load(folder, name) {
  const model = await convert(folder, name);
  sessions.set(name, await inside(() => InferenceSession.create(model, OPTIONS)));
}

/** Faces in a picture {data, width, height} by a detector, `tiny` or `ssd`: detections.mjs. */
export async function locate(detector, picture, { input_size, min_confidence }) {
  if (detector === "ssd") {
    const { boxes, scores } = await run("ssd", [picture]);
    return readSsd(boxes, scores, picture, min_confidence);
  }
  const { cells } = await run("tiny", [picture], input_size);
  return readTiny(cells, picture, input_size, min_confidence);
}

/** 68 landmarks {x, y} in pixels of each face. */
export async function findLandmarks(faces) {
  const { values } = await run("landmarks", faces);
  return faces.map(({ width, height }, number) => {
    const side = Math.max(width, height);
    const [left, top] = [(side - width) / 2, (side - height) / 2];
    return Array.from({ length: 68 }, (_, point) => {
      const [x, y] = values.subarray(number * 136 + point * 2, number * 136 + point * 2 + 2);
      return { x: x * side - left, y: y * side - top };
    });
  });
}

/** `expressions`, `age`, `gender` and `genderProbability` of each face. */
export async function describe(faces) {
  const input = toBatch("expressions", faces); // both networks see the same
  const { values } = await compute("expressions", input);
  const { age, gender } = await compute("ageGender", input);
  return faces.map((_, number) => {
    const scores = softmax(values.subarray(number * EXPRESSIONS.length, (number + 1) * EXPRESSIONS.length));
    const [male] = softmax(gender.subarray(number * 2, number * 2 + 2));
    return {
      expressions: Object.fromEntries(EXPRESSIONS.map((label, at) => [label, scores[at]])),
      age: age[number],
      gender: male > 0.5 ? "male" : "female",
      genderProbability: male > 0.5 ? male : 1 - male,
    };
  });
}

/** The 128-d descriptor of each upright face of 150 x 150 pixels. */
export async function computeDescriptors(faces) {
  const { values } = await run("descriptor", faces);
  return faces.map((_, number) => values.subarray(number * 128, (number + 1) * 128));
}

/** The outputs' values of a network for a batch of pictures. */
async function run(name, pictures, input_size) {
  return compute(name, toBatch(name, pictures, input_size));
}

function toBatch(name, pictures, input_size) {
  const side = NETWORKS[name].side ?? input_size;
  const size = pictures.length * 3 * side * side;
  if (memory.length < size) memory = new Float32Array(size);
  const pixels = memory.subarray(0, size);
  fillBatch(pixels, pictures, side, NETWORKS[name]);
  return new Tensor("float32", pixels, [pictures.length, 3, side, side]);
}

async function compute(name, input) {
  const outputs = await inside(() => sessions.get(name).run({ input }));
  return Object.fromEntries(Object.entries(outputs).map(([output, { data }]) => [output, data]));
}

function softmax(values) {
  const largest = Math.max(...values);
  const powers = Array.from(values, (value) => Math.exp(value - largest));
  const sum = powers.reduce((total, power) => total + power);
  return powers.map((power) => power / sum);
}
