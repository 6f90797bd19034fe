// face-api as its own documentation shows it: one picture after the other through the whole chain.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const [folder, weights, rounds, ...pictures] = process.argv.slice(2);
const require = createRequire(join(folder, "package.json"));
const tf = require("@tensorflow/tfjs-core");
const wasm = require("@tensorflow/tfjs-backend-wasm");
const faceapi = require("@vladmandic/face-api/dist/face-api.node-wasm.js");
const sharp = require("sharp");

wasm.setWasmPaths(`${dirname(require.resolve("@tensorflow/tfjs-backend-wasm"))}/`);
await tf.setBackend("wasm");

const seconds = [];
let loading = 0;
let descriptors = [];
let boxes = [];
for (let round = 0; round < Number(rounds); round++) {
  const started = performance.now();
  const { nets } = faceapi;
  for (const net of [nets.ssdMobilenetv1, nets.faceLandmark68Net, nets.faceExpressionNet, nets.ageGenderNet]) {
    if (!net.isLoaded) await net.loadFromDisk(weights);
  }
  if (!nets.faceRecognitionNet.isLoaded) await nets.faceRecognitionNet.loadFromDisk(weights);
  if (round === 0) loading = (performance.now() - started) / 1000;
  descriptors = [];
  boxes = [];
  for (const picture of pictures) {
    const { data, info } = await sharp(readFileSync(picture))
      .removeAlpha()
      .toColourspace("srgb")
      .raw()
      .toBuffer({ resolveWithObject: true });
    const pixels = tf.tensor3d(new Uint8Array(data), [info.height, info.width, 3], "int32");
    const found = await faceapi
      .detectAllFaces(pixels, new faceapi.SsdMobilenetv1Options({ minConfidence: 0.4 }))
      .withFaceLandmarks()
      .withFaceExpressions()
      .withAgeAndGender()
      .withFaceDescriptors();
    descriptors.push(...found.map((face) => Array.from(face.descriptor)));
    boxes.push(found.map(({ detection }) => detection.box));
    pixels.dispose();
  }
  seconds.push((performance.now() - started) / 1000);
}
console.log(JSON.stringify({ seconds, loading, descriptors, boxes }));
