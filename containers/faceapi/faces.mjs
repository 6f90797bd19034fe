/** Runs in a worker thread: pixels in, faces out, by face-api's networks. */

import { uprightFace } from "./align.mjs";
import { chooseBackend, loadBackend } from "./backend.mjs";
import { measureSharpness } from "./sharpness.mjs";

// Tiny's scores: it is sure of a picture when it sees a face and none that it half believes in. On face-api's
// demo pictures, where it finds 3, 1, 3, 3, 5 and 5 of 3, 3, 3, 4, 5 and 4 faces, that is one it has right.
const DOUBTED = 0.15;
const SURE = 0.65;

const { tf, faceapi } = await loadBackend(chooseBackend());
const { nets } = faceapi;

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
  auto: async (pixels, request) => {
    const guesses = await locate.tiny(pixels, { ...request, min_confidence: DOUBTED });
    const sure = guesses.length > 0 && guesses.every(({ score }) => score >= SURE);
    if (sure) return guesses.filter(({ score }) => score >= request.min_confidence);
    return locate.ssd(pixels, request);
  },
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

/**
 * The 68 landmarks of each of a picture's boxes.
 *
 * @param task.boxes {x, y, width, height} in pixels of the picture
 * @returns {shapes, load_seconds}
 */
export async function findShapes({ folder, picture, boxes }) {
  const load_seconds = await load(folder, [nets.faceLandmark68Net]);
  const { full } = picture;
  const scale = scaleOf(picture);
  const shapes = [];
  for (const { x, y, width, height } of boxes) {
    const region = clip(new faceapi.Rect(x * scale.x, y * scale.y, width * scale.x, height * scale.y), full);
    const inside = region.width > 0 && region.height > 0;
    shapes.push(inside ? pointsOf(await findLandmarks(full, region), scale) : []);
  }
  return { shapes, load_seconds };
}

function loadNets(folder, { detector, descriptor }) {
  return load(folder, [
    ...(detector === "ssd" ? [] : [nets.tinyFaceDetector]),
    ...(detector === "tiny" ? [] : [nets.ssdMobilenetv1]),
    nets.faceLandmark68Net,
    nets.faceExpressionNet,
    nets.ageGenderNet,
    ...(descriptor ? [nets.faceRecognitionNet] : []),
  ]);
}

/** Seconds that it took to load those of the networks that were not there yet. */
async function load(folder, networks) {
  const started = performance.now();
  const wanted = networks.filter((net) => !net.isLoaded);
  for (const net of wanted) await net.loadFromDisk(folder);
  return wanted.length ? (performance.now() - started) / 1000 : 0;
}

/**
 * One face after the other: batches are not faster on this backend, and a crowd would not fit its memory.
 * As face-api does it, expression, age and gender are read off the face aligned by its landmarks; the
 * descriptor, as dlib does it, off the face turned upright.
 */
async function describe(picture, box, score, request) {
  const { full } = picture;
  const scale = scaleOf(picture);
  const { x, y, width: w, height: h } = box;
  const region = clip(new faceapi.Rect(x * scale.x, y * scale.y, w * scale.x, h * scale.y), full);
  const landmarks = await findLandmarks(full, region);
  const found = clip(landmarks.align(null, { useDlibAlignment: false }), full);
  const aligned = found.width > 0 && found.height > 0 ? found : region;
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
    face.landmarks = pointsOf(landmarks, scale);
  }
  if (request.descriptor) {
    const descriptor = await withTensor(uprightFace(full, landmarks.positions), (pixels) =>
      nets.faceRecognitionNet.computeFaceDescriptor(pixels),
    );
    face.descriptor = Array.from(descriptor, (value) => round(value, 6));
  }
  return face;
}

async function findLandmarks(full, region) {
  const shape = await withTensor(crop(full, region), (face) => nets.faceLandmark68Net.detectLandmarks(face));
  return shape.shiftBy(region.x, region.y);
}

function pointsOf({ positions }, scale) {
  return positions.map(({ x, y }) => [round(x / scale.x, 2), round(y / scale.y, 2)]);
}

/** From pixels of the picture to pixels of what was decoded of it. */
function scaleOf({ width, height, full }) {
  return { x: full.width / width, y: full.height / height };
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
