/** face-api's SSD on MobileNet v1 (ssdMobilenetv1/*.ts) as an ONNX model: boxes and scores of its 5118 anchors. */

const STRIDED = new Set([2, 4, 6, 12]); // the MobileNet layers that halve the picture
const EPSILON = 0.0010000000474974513; // of batch normalisation

/** Outputs `boxes` (batch, anchors, 4: top, left, bottom, right, in shares of the square), `scores` (batch, anchors). */
export function buildSsd(layers) {
  const { graph } = layers;
  const edges = [graph.constant(Float32Array.of(0), []), graph.constant(Float32Array.of(6), [])];
  const clipped = (input) => graph.add("Clip", [input, ...edges]);
  const pointwise = (input, name, stride = 1) =>
    clipped(layers.conv(input, `${name}/weights`, layers.values(`${name}/convolution_bn_offset`), { stride }));

  let out = pointwise("input", "MobilenetV1/Conv2d_0_pointwise", 2);
  const features = [];
  for (let number = 1; number <= 13; number++) {
    const name = `MobilenetV1/Conv2d_${number}`;
    out = clipped(normalised(layers, out, `${name}_depthwise`, STRIDED.has(number) ? 2 : 1));
    out = pointwise(out, `${name}_pointwise`);
    if (number === 11 || number === 13) features.push(out);
  }
  for (let number = 0; number < 8; number++) {
    out = pointwise(out, `Prediction/Conv2d_${number}_pointwise`, number % 2 ? 2 : 1);
    if (number % 2) features.push(out);
  }

  const all = (predictor, size) => {
    const shape = graph.constant([0, -1, size]);
    const parts = features.map((feature, number) => {
      const name = `Prediction/BoxPredictor_${number}/${predictor}`;
      const found = layers.conv(feature, `${name}/weights`, layers.values(`${name}/biases`));
      return graph.add("Reshape", [graph.add("Transpose", [found], { perm: [0, 2, 3, 1] }), shape]);
    });
    return graph.add("Concat", parts, { axis: 1 });
  };
  const classes = part(graph, all("ClassPredictor", 3), 1, 2); // nothing, face, unused
  const scores = graph.add("Sigmoid", [graph.add("Squeeze", [classes, graph.constant([2])])]);
  return { boxes: decoded(layers, all("BoxEncodingPredictor", 4)), scores };
}

function normalised(layers, input, name, stride) {
  const [gamma, beta, mean, variance] = ["gamma", "beta", "moving_mean", "moving_variance"].map((part) =>
    layers.values(`${name}/BatchNorm/${part}`),
  );
  const scale = gamma.map((value, at) => value / Math.sqrt(variance[at] + EPSILON));
  const bias = beta.map((value, at) => value - mean[at] * scale[at]);
  return layers.depthwise(input, `${name}/depthwise_weights`, bias, { stride, scale });
}

/** outputLayer.ts: the encoded boxes are shifts and sizes against the anchors. */
function decoded({ graph, weights }, encoded) {
  const { values, shape } = weights["Output/extra_dim"];
  const [count, pairs] = [shape[1], [1, shape[1], 2]];
  const [sizes, centres] = [new Float32Array(count * 2), new Float32Array(count * 2)];
  for (let anchor = 0; anchor < count; anchor++) {
    for (const axis of [0, 1]) {
      const [low, high] = [values[anchor * 4 + axis], values[anchor * 4 + axis + 2]];
      sizes[anchor * 2 + axis] = high - low;
      centres[anchor * 2 + axis] = low + (high - low) / 2;
    }
  }
  const number = (value) => graph.constant(Float32Array.of(value), []);
  const size = graph.constant(sizes, pairs);
  const shifts = graph.add("Mul", [graph.add("Div", [part(graph, encoded, 0, 2), number(10)]), size]);
  const centre = graph.add("Add", [shifts, graph.constant(centres, pairs)]);
  const grown = graph.add("Exp", [graph.add("Div", [part(graph, encoded, 2, 4), number(5)])]);
  const half = graph.add("Div", [graph.add("Mul", [grown, size]), number(2)]);
  const corners = [graph.add("Sub", [centre, half]), graph.add("Add", [centre, half])];
  return graph.add("Concat", corners, { axis: 2 });
}

/** The values `from` to `to` of the last of three axes. */
function part(graph, input, from, to) {
  return graph.add("Slice", [input, ...[[from], [to], [2]].map((range) => graph.constant(range))]);
}
