/** face-api's weight files, which are TensorFlow.js's: a manifest of tensors, and their bytes in shards. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * Tensors by name, {shape, values}: Float32Array in TensorFlow's order (a convolution's filters are height,
 * width, input, output).
 *
 * @param name of the network's files, as in `ssd_mobilenetv1_model-weights_manifest.json`
 */
export async function readWeights(folder, name) {
  const manifest = JSON.parse(await readFile(join(folder, `${name}-weights_manifest.json`), "utf8"));
  const tensors = {};
  for (const { paths, weights } of manifest) {
    const shards = await Promise.all(paths.map((path) => readFile(join(folder, path))));
    const bytes = Buffer.concat(shards);
    let at = 0;
    for (const tensor of weights) {
      const [values, size] = read(bytes, at, tensor);
      tensors[tensor.name] = { shape: tensor.shape, values };
      at += size;
    }
  }
  return tensors;
}

/** A tensor's values and how many bytes they took. Quantized ones: github.com/tensorflow/tfjs, io/quantization. */
function read(bytes, at, { shape, dtype, quantization }) {
  const count = shape.reduce((product, size) => product * size, 1);
  const values = new Float32Array(count);
  if (quantization?.dtype === "uint8") {
    const { scale, min } = quantization;
    for (let number = 0; number < count; number++) values[number] = bytes[at + number] * scale + min;
    return [values, count];
  }
  if (quantization || dtype !== "float32") {
    throw new Error(`Weights of ${quantization?.dtype ?? dtype} are in none of face-api's networks.`);
  }
  for (let number = 0; number < count; number++) values[number] = bytes.readFloatLE(at + number * 4);
  return [values, count * 4];
}
