/** The layers of face-api's networks as ONNX nodes; channels come first here, where TensorFlow has them last. */

/** `auto_pad` as TensorFlow says it: what an uneven padding leaves over goes below and to the right. */
const PADDING = { same: "SAME_UPPER", valid: "VALID" };

export class Layers {
  /** @param weights as readWeights gives them, @param graph what the layers are added to */
  constructor(weights, graph) {
    this.weights = weights;
    this.graph = graph;
  }

  /**
   * A convolution, each output channel scaled and shifted as batch normalisation does.
   *
   * @param filters name of the weights, @param bias of each output channel, Float32Array
   * @param options.scale of each output channel
   */
  conv(input, filters, bias, { stride = 1, padding = "same", scale } = {}) {
    const { shape, values } = this.#of(filters);
    const [height, width, inputs, outputs] = shape;
    const turned = reorder(values, height * width, inputs, outputs, scale);
    const constants = [turned, [outputs, inputs, height, width]];
    return this.#convolve(input, constants, bias, [height, width], stride, padding, 1);
  }

  /** A convolution of each channel by itself. */
  depthwise(input, filters, bias, { stride = 1, scale } = {}) {
    const { shape, values } = this.#of(filters);
    const [height, width, channels] = shape;
    const turned = reorder(values, height * width, 1, channels, scale);
    const constants = [turned, [channels, 1, height, width]];
    return this.#convolve(input, constants, bias, [height, width], stride, "same", channels);
  }

  /** TensorFlow's separableConv2d and a bias, of face-api's names for the three. */
  separable(input, name, stride = 1) {
    const inner = this.depthwise(input, `${name}/depthwise_filter`, undefined, { stride });
    return this.conv(inner, `${name}/pointwise_filter`, this.values(`${name}/bias`));
  }

  /** Matrix product and, where it is named, a bias, of (batch, features). */
  dense(input, weights, bias) {
    const inputs = [input, this.constant(weights), ...(bias ? [this.constant(bias)] : [])];
    return this.graph.add("Gemm", inputs);
  }

  relu(input) {
    return this.graph.add("Relu", [input]);
  }

  sum(...inputs) {
    return inputs.reduce((sum, input) => this.graph.add("Add", [sum, input]));
  }

  maxPool(input, size, stride, padding) {
    const options = { kernel_shape: [size, size], strides: [stride, stride], auto_pad: PADDING[padding] };
    return this.graph.add("MaxPool", [input], options);
  }

  values(name) {
    return this.#of(name).values;
  }

  constant(name) {
    const { shape, values } = this.#of(name);
    return this.graph.constant(values, shape);
  }

  #of(name) {
    const found = this.weights[name];
    if (!found) throw new Error(`face-api's weights have no ${name}.`);
    return found;
  }

  #convolve(input, constants, bias, size, stride, padding, group) {
    const inputs = [input, this.graph.constant(...constants), ...(bias ? [this.graph.constant(bias)] : [])];
    const options = { kernel_shape: size, strides: [stride, stride], auto_pad: PADDING[padding], group };
    return this.graph.add("Conv", inputs, options);
  }
}

/** From (places, inputs, outputs) to (outputs, inputs, places), each output channel times its scale. */
function reorder(values, places, inputs, outputs, scale) {
  const turned = new Float32Array(values.length);
  let to = 0;
  for (let output = 0; output < outputs; output++) {
    const factor = scale ? scale[output] : 1;
    for (let input = 0; input < inputs; input++) {
      for (let place = 0; place < places; place++) {
        turned[to++] = values[(place * inputs + input) * outputs + output] * factor;
      }
    }
  }
  return turned;
}
