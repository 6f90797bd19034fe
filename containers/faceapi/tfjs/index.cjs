// face-api requires the whole of "@tensorflow/tfjs" (220 MB: WebGL, Keras layers, converters...) but
// uses its core alone, with these operations as methods of tensors.
const tf = require("@tensorflow/tfjs-core");

const { prototype } = tf.Tensor;
for (const name of ["add", "div", "expandDims", "mean", "mul", "reshape", "slice", "sub"]) {
  prototype[name] = function (...rest) {
    return tf[name](this, ...rest);
  };
}
prototype.as1D = function () {
  return tf.reshape(this, [this.size]);
};
prototype.as2D =
  prototype.as3D =
  prototype.as4D =
    function (...shape) {
      return tf.reshape(this, shape);
    };

module.exports = tf;
