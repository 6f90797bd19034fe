/**
 * Writes ONNX models: the few fields of onnx.proto (github.com/onnx/onnx, IR version 8, operator set 13) that
 * networks of constant weights need. Protocol Buffers' wire format is two rules here; a library for it with
 * ONNX's schema would be larger than all of this.
 */

const IR_VERSION = 8;
const OPSET = 13;
const FLOAT = 1; // TensorProto.DataType
const INT64 = 7;
const [VARINT, BYTES, FIXED32] = [0, 2, 5]; // wire types

/** A graph of nodes; each adder returns its output's name. */
export class Graph {
  #nodes = [];
  #constants = [];
  #count = 0;

  /** Adds a node. `attributes`: numbers in `floats`, strings, integers and lists of integers in `others`. */
  add(operator, inputs, others = {}, floats = {}) {
    const output = `${operator}_${this.#count++}`;
    this.#nodes.push([
      ...inputs.map((name) => text(1, name)),
      text(2, output),
      text(4, operator),
      ...Object.entries(others).map(([name, value]) => bytes(5, attribute(name, value))),
      ...Object.entries(floats).map(([name, value]) =>
        bytes(5, [text(1, name), fixed(2, value), varint(20, 1)]),
      ),
    ]);
    return output;
  }

  /** A constant: `values` a Float32Array of `shape`, or a list of integers. */
  constant(values, shape = [values.length]) {
    const name = `constant_${this.#count++}`;
    const data = values instanceof Float32Array ? values : BigInt64Array.from(values, BigInt);
    this.#constants.push([
      ...shape.map((size) => varint(1, size)),
      varint(2, values instanceof Float32Array ? FLOAT : INT64),
      text(8, name),
      bytes(9, Buffer.from(data.buffer, data.byteOffset, data.byteLength)),
    ]);
    return name;
  }

  /**
   * The model's file, of one input `input` and the given outputs.
   *
   * @param shape of the input; a string names a size that is open
   * @param outputs names of the model's outputs to names in the graph
   */
  write(shape, outputs) {
    for (const [name, inner] of Object.entries(outputs)) {
      this.#nodes.push([text(1, inner), text(2, name), text(4, "Identity")]);
    }
    const dimensions = shape.map((size) =>
      bytes(1, [typeof size === "string" ? text(2, size) : varint(1, size)]),
    );
    const type = (inside) => bytes(2, [bytes(1, [varint(1, FLOAT), ...inside])]);
    const graph = [
      ...this.#nodes.map((node) => bytes(1, node)),
      text(2, "graph"),
      ...this.#constants.map((tensor) => bytes(5, tensor)),
      bytes(11, [text(1, "input"), type([bytes(2, dimensions)])]),
      ...Object.keys(outputs).map((name) => bytes(12, [text(1, name), type([])])),
    ];
    return join([varint(1, IR_VERSION), bytes(7, graph), bytes(8, [varint(2, OPSET)])]);
  }
}

function attribute(name, value) {
  if (typeof value === "string") return [text(1, name), text(4, value), varint(20, 3)];
  if (typeof value === "number") return [text(1, name), varint(3, value), varint(20, 2)];
  return [text(1, name), ...value.map((item) => varint(8, item)), varint(20, 7)];
}

const key = (field, wire) => number(field * 8 + wire);

function number(value) {
  const parts = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) parts.push((rest % 128) | 128);
  return Buffer.from([...parts, rest]);
}

const join = (parts) => Buffer.concat(parts.flat(Infinity));

const varint = (field, value) => [key(field, VARINT), number(value)];

function bytes(field, parts) {
  const content = Buffer.isBuffer(parts) ? [parts] : parts.flat(Infinity);
  const length = content.reduce((sum, part) => sum + part.length, 0);
  return [key(field, BYTES), number(length), ...content];
}

const text = (field, value) => bytes(field, Buffer.from(value));

function fixed(field, value) {
  const content = Buffer.alloc(4);
  content.writeFloatLE(value);
  return [key(field, FIXED32), content];
}
