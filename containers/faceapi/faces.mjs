/** Runs in a worker thread: pixels in, faces out, by face-api's networks. */

import { uprightFace } from "./align.mjs";
import { chooseBackend, loadNetworks } from "./backend.mjs";
import { around, clip, crop, inside } from "./rectangles.mjs";
import { measureSharpness } from "./sharpness.mjs";

// Tiny's scores: it is sure of a picture when it sees a face and none that it half believes in. On face-api's
// demo pictures, where it finds 3, 1, 3, 3, 5 and 5 of 3, 3, 3, 4, 5 and 4 faces, that is one it has right.
const DOUBTED = 0.15;
const SURE = 0.65;
const AT_ONCE = 8; // faces of a batch; more are not faster, and a crowd would not fit

const networks = await loadNetworks(chooseBackend());

/** Boxes in shares of the picture, with scores, best first. */
async function locate(picture, request) {
  if (request.detector !== "auto") return networks.locate(request.detector, picture, request);
  const guesses = await networks.locate("tiny", picture, { ...request, min_confidence: DOUBTED });
  const sure = guesses.length > 0 && guesses.every(({ score }) => score >= SURE);
  if (sure) return guesses.filter(({ score }) => score >= request.min_confidence);
  return networks.locate("ssd", picture, request);
}

/**
 * The faces of one picture as contract.py's `Face`, best first.
 *
 * @param task.folder the model's folder
 * @param task.picture what pictures.mjs decoded
 * @param task.request the checked request
 * @returns {faces, load_seconds}
 */
export default async function findFaces({ folder, picture, request }) {
  const load_seconds = await loadFor(folder, request);
  const found = [];
  for (const { x, y, width, height, score } of await locate(picture.small, request)) {
    const place = {
      x: x * picture.width,
      y: y * picture.height,
      width: width * picture.width,
      height: height * picture.height,
    };
    const box = inside(place, picture);
    if (box.width >= Math.max(1, request.min_face) && box.height >= 1) found.push({ box, score });
  }
  const faces = await inBatches(found, (batch) => describe(picture, batch, request));
  return { faces, load_seconds };
}

/**
 * The 68 landmarks of each of a picture's boxes.
 *
 * @param task.boxes {x, y, width, height} in pixels of the picture
 * @returns {shapes, load_seconds}
 */
export async function findShapes({ folder, picture, boxes }) {
  const load_seconds = await load(folder, ["landmarks"]);
  const { full } = picture;
  const scale = scaleOf(picture);
  const regions = boxes.map((box) => clip(scaled(box, scale), full));
  const shapes = boxes.map(() => []);
  const seen = [...regions.keys()].filter((at) => regions[at].width > 0 && regions[at].height > 0);
  await inBatches(seen, async (batch) => {
    const found = await findLandmarks(full, batch.map((at) => regions[at]));
    batch.forEach((at, number) => {
      shapes[at] = pointsOf(found[number], scale);
    });
    return [];
  });
  return { shapes, load_seconds };
}

function loadFor(folder, { detector, descriptor }) {
  return load(folder, [
    ...(detector === "ssd" ? [] : ["tiny"]),
    ...(detector === "tiny" ? [] : ["ssd"]),
    "landmarks",
    "expressions",
    "ageGender",
    ...(descriptor ? ["descriptor"] : []),
  ]);
}

/** Seconds that it took to load those of the networks that were not there yet. */
async function load(folder, names) {
  const started = performance.now();
  const wanted = names.filter((name) => !networks.isLoaded(name));
  for (const name of wanted) await networks.load(folder, name);
  return wanted.length ? (performance.now() - started) / 1000 : 0;
}

async function inBatches(items, work) {
  const results = [];
  for (let first = 0; first < items.length; first += AT_ONCE) {
    results.push(...(await work(items.slice(first, first + AT_ONCE))));
  }
  return results;
}

/**
 * As face-api does it, expression, age and gender are read off the face aligned by its landmarks; the
 * descriptor, as dlib does it, off the face turned upright.
 */
async function describe(picture, found, request) {
  const { full } = picture;
  const scale = scaleOf(picture);
  const regions = found.map(({ box }) => clip(scaled(box, scale), full));
  const landmarks = await findLandmarks(full, regions);
  const aligned = landmarks.map((points, number) => {
    const place = clip(around(points), full);
    return crop(full, place.width > 0 && place.height > 0 ? place : regions[number]);
  });
  const shown = await networks.describe(aligned);
  const descriptors = request.descriptor
    ? await networks.computeDescriptors(landmarks.map((points) => uprightFace(full, points)))
    : [];
  return found.map(({ box, score }, number) => {
    const { expressions, age, gender, genderProbability } = shown[number];
    const face = {
      detection: { box: mapValues(box, (value) => round(value, 2)), score: round(score, 6) },
      expressions: sumToOne(expressions),
      ageAndGender: { age: round(Math.max(0, age), 2), gender, genderProbability: round(genderProbability, 6) },
      sharpness: round(measureSharpness(crop(full, regions[number])), 2),
    };
    if (request.landmarks) face.landmarks = pointsOf(landmarks[number], scale);
    if (request.descriptor) face.descriptor = Array.from(descriptors[number], (value) => round(value, 6));
    return face;
  });
}

/** The landmarks of each region of whole pixels, in pixels of what was decoded. */
async function findLandmarks(full, regions) {
  const found = await networks.findLandmarks(regions.map((region) => crop(full, region)));
  return found.map((points, number) => {
    const { x: left, y: top } = regions[number];
    return points.map(({ x, y }) => ({ x: x + left, y: y + top }));
  });
}

function pointsOf(points, scale) {
  return points.map(({ x, y }) => [round(x / scale.x, 2), round(y / scale.y, 2)]);
}

/** From pixels of the picture to pixels of what was decoded of it. */
function scaleOf({ width, height, full }) {
  return { x: full.width / width, y: full.height / height };
}

function scaled({ x, y, width, height }, scale) {
  return { x: x * scale.x, y: y * scale.y, width: width * scale.x, height: height * scale.y };
}

function sumToOne(expressions) {
  const scores = Object.entries(expressions);
  const sum = scores.reduce((total, [, score]) => total + score, 0);
  return Object.fromEntries(scores.map(([label, score]) => [label, round(score / sum, 8)]));
}

function mapValues(object, change) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}

function round(value, digits) {
  return Number(value.toFixed(digits));
}
