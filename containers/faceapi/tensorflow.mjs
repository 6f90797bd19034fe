/**
 * face-api's networks as face-api runs them, on TensorFlow: WebAssembly, the reference for native/native.mjs, or
 * CUDA. One face after the other: batches are not faster in WebAssembly, and a crowd would not fit its memory.
 */

import { chooseBackend, loadTensorFlow } from "./backend.mjs";

const { tf, faceapi } = await loadTensorFlow(chooseBackend());
const { nets } = faceapi;
const NETWORKS = {
  tiny: nets.tinyFaceDetector,
  ssd: nets.ssdMobilenetv1,
  landmarks: nets.faceLandmark68Net,
  expressions: nets.faceExpressionNet,
  ageGender: nets.ageGenderNet,
  descriptor: nets.faceRecognitionNet,
};

export const isLoaded = (name) => NETWORKS[name].isLoaded;

export const load = (folder, name) => NETWORKS[name].loadFromDisk(folder);

export async function locate(detector, picture, { input_size, min_confidence }) {
  const options =
    detector === "ssd"
      ? new faceapi.SsdMobilenetv1Options({ minConfidence: min_confidence, maxResults: Infinity })
      : new faceapi.TinyFaceDetectorOptions({ inputSize: input_size, scoreThreshold: min_confidence });
  const found = await withTensor(picture, (pixels) => NETWORKS[detector].locateFaces(pixels, options));
  return found.map(({ relativeBox: { x, y, width, height }, score }) => ({ x, y, width, height, score }));
}

export function findLandmarks(faces) {
  return each(faces, async (face) => (await nets.faceLandmark68Net.detectLandmarks(face)).positions);
}

export function describe(faces) {
  return each(faces, async (face) => ({
    expressions: { ...(await nets.faceExpressionNet.predictExpressions(face)) },
    ...(await nets.ageGenderNet.predictAgeAndGender(face)),
  }));
}

export function computeDescriptors(faces) {
  return each(faces, (face) => nets.faceRecognitionNet.computeFaceDescriptor(face));
}

async function each(pictures, work) {
  const results = [];
  for (const picture of pictures) results.push(await withTensor(picture, work));
  return results;
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
