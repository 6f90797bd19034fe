/** face-api's networks as ONNX models, layer by layer as the sources of @vladmandic/face-api 1.7.15 have them. */

import { Layers } from "./layers.mjs";
import { Graph } from "./onnx.mjs";
import { buildSsd } from "./ssd.mjs";
import { readWeights } from "./weights.mjs";

const MEAN = [122.782, 117.001, 104.298]; // of the pixels of VGGFace, red, green, blue

/**
 * What each network is built of and fed with: the name of its files, `side` in pixels of the square that it
 * takes (null: the request says), where in the square a picture lies that is none (`centred`), and the pixels'
 * `mean` and `scale`.
 */
export const NETWORKS = {
  ssd: {
    files: "ssd_mobilenetv1_model",
    build: buildSsd,
    side: 512,
    mean: [127.5, 127.5, 127.5],
    scale: 127.5,
  },
  tiny: {
    files: "tiny_face_detector_model",
    build: buildTiny,
    side: null,
    mean: [117.001, 114.697, 97.404],
    scale: 255,
  },
  landmarks: ofFaces("face_landmark_68_model", buildFeatures, 112),
  expressions: ofFaces("face_expression_model", buildFeatures, 112),
  ageGender: ofFaces("age_gender_model", buildAgeGender, 112),
  descriptor: ofFaces("face_recognition_model", buildDescriptor, 150),
};

function ofFaces(files, build, side) {
  return { files, build, side, centred: true, mean: MEAN, scale: 255 };
}

/** The ONNX model of a network, from its weight files in `folder`. */
export async function convert(folder, name) {
  const { files, build, side } = NETWORKS[name];
  const layers = new Layers(await readWeights(folder, files), new Graph());
  return layers.graph.write(["batch", 3, side ?? "height", side ?? "width"], build(layers));
}

/** tinyYolov2/TinyYolov2Base.ts, `runMobilenet`. */
function buildTiny(layers) {
  const leaky = (input) => layers.graph.add("LeakyRelu", [input], {}, { alpha: 0.1 });
  let out = leaky(layers.conv("input", "conv0/filters", layers.values("conv0/bias"), { padding: "valid" }));
  for (let number = 1; number <= 5; number++) {
    out = layers.maxPool(out, 2, 2, "same");
    out = leaky(layers.separable(out, `conv${number}`));
  }
  out = layers.maxPool(out, 2, 1, "same");
  out = layers.conv(out, "conv8/filters", layers.values("conv8/bias"), { padding: "valid" });
  return { cells: layers.graph.add("Transpose", [out], { perm: [0, 2, 3, 1] }) };
}

/** faceFeatureExtractor/FaceFeatureExtractor.ts with faceProcessor/FaceProcessor.ts: landmarks, expressions. */
function buildFeatures(layers) {
  let out = "input";
  for (const block of [0, 1, 2, 3]) {
    const name = (conv) => `dense${block}/conv${conv}`;
    const first = block
      ? layers.separable(out, name(0), 2)
      : layers.conv(out, `${name(0)}/filters`, layers.values(`${name(0)}/bias`), { stride: 2 });
    let sum = layers.relu(first);
    let dense = sum;
    for (const conv of [1, 2, 3]) {
      sum = layers.sum(sum, layers.separable(dense, name(conv)));
      dense = layers.relu(sum);
    }
    out = dense;
  }
  return { values: layers.dense(pooled(layers, out), "fc/weights", "fc/bias") };
}

/** xception/TinyXception.ts with ageGenderNet/AgeGenderNet.ts. */
function buildAgeGender(layers) {
  const conv = (input, name, options) =>
    layers.conv(input, `${name}/filters`, layers.values(`${name}/bias`), options);
  const reduction = (input, name, activated) => {
    let out = layers.separable(activated, `${name}/separable_conv0`);
    out = layers.separable(layers.relu(out), `${name}/separable_conv1`);
    out = layers.maxPool(out, 3, 2, "same");
    return layers.sum(out, conv(input, `${name}/expansion_conv`, { stride: 2 }));
  };
  let out = layers.relu(conv("input", "entry_flow/conv_in", { stride: 2 }));
  out = reduction(out, "entry_flow/reduction_block_0", out);
  out = reduction(out, "entry_flow/reduction_block_1", layers.relu(out));
  for (const block of [0, 1]) {
    const before = out;
    for (const number of [0, 1, 2]) {
      out = layers.separable(layers.relu(out), `middle_flow/main_block_${block}/separable_conv${number}`);
    }
    out = layers.sum(out, before);
  }
  out = reduction(out, "exit_flow/reduction_block", layers.relu(out));
  out = pooled(layers, layers.relu(layers.separable(out, "exit_flow/separable_conv")));
  return {
    age: layers.dense(out, "fc/age/weights", "fc/age/bias"),
    gender: layers.dense(out, "fc/gender/weights", "fc/gender/bias"),
  };
}

/** faceRecognitionNet/FaceRecognitionNet.ts: dlib's ResNet. */
function buildDescriptor(layers) {
  const conv = (input, name, options) => {
    const scale = layers.values(`${name}/scale/weights`);
    const shift = layers.values(`${name}/scale/biases`);
    const bias = layers.values(`${name}/conv/bias`).map((value, at) => value * scale[at] + shift[at]);
    return layers.conv(input, `${name}/conv/filters`, bias, { ...options, scale });
  };
  const residual = (input, name) => {
    const inner = layers.relu(conv(input, `${name}/conv1`));
    return layers.relu(layers.sum(conv(inner, `${name}/conv2`), input));
  };
  // Zeros fill what the pooled input lacks in channels, and the convolved one in rows and columns.
  const down = (input, name, { channels = 0, edge = 0 }) => {
    const inner = layers.relu(conv(input, `${name}/conv1`, { stride: 2, padding: "valid" }));
    const out = padded(layers, conv(inner, `${name}/conv2`), 0, edge);
    const half = { kernel_shape: [2, 2], strides: [2, 2], auto_pad: "VALID" };
    const small = layers.graph.add("AveragePool", [input], half);
    return layers.relu(layers.sum(padded(layers, small, channels, 0), out));
  };
  let out = layers.relu(conv("input", "conv32_down", { stride: 2, padding: "valid" }));
  out = layers.maxPool(out, 3, 2, "valid");
  for (const name of ["conv32_1", "conv32_2", "conv32_3"]) out = residual(out, name);
  out = down(out, "conv64_down", { channels: 32 });
  for (const name of ["conv64_1", "conv64_2", "conv64_3"]) out = residual(out, name);
  out = down(out, "conv128_down", { channels: 64 });
  for (const name of ["conv128_1", "conv128_2"]) out = residual(out, name);
  out = down(out, "conv256_down", { channels: 128, edge: 1 });
  for (const name of ["conv256_1", "conv256_2"]) out = residual(out, name);
  out = down(out, "conv256_down_out", { edge: 1 });
  return { values: layers.dense(pooled(layers, out), "fc") };
}

function pooled(layers, input) {
  return layers.graph.add("Flatten", [layers.graph.add("GlobalAveragePool", [input])]);
}

function padded(layers, input, channels, edge) {
  if (!channels && !edge) return input;
  const pads = layers.graph.constant([0, 0, 0, 0, 0, channels, edge, edge]);
  return layers.graph.add("Pad", [input, pads]);
}
