/** Pictures as the networks take them: squares of float32 pixels, channels first. */

/**
 * Fills a batch with pictures, each made a square with black and resized bilinearly as TensorFlow.js does it
 * (without aligned corners or half pixels), less the mean and over the scale of the network.
 *
 * @param batch Float32Array of (pictures, 3, side, side)
 * @param pictures [{data, width, height}], RGB
 * @param side of the squares, pixels
 * @param network {mean, scale, centred}
 */
export function fillBatch(batch, pictures, side, network) {
  const plane = side * side;
  pictures.forEach((picture, number) => {
    const [red, green, blue] = [0, 1, 2].map((channel) =>
      batch.subarray((number * 3 + channel) * plane, (number * 3 + channel + 1) * plane),
    );
    if (Math.max(picture.width, picture.height) === side) place(red, green, blue, picture, side, network);
    else resize(red, green, blue, picture, side, network);
  });
}

/** A picture that has the size wanted. */
function place(red, green, blue, { data, width, height }, side, network) {
  const [reds, greens, blues] = network.mean.map((mean) =>
    Float32Array.from({ length: 256 }, (_, value) => (value - mean) / network.scale),
  );
  const [left, top] = [before(width, side, network), before(height, side, network)];
  red.fill(reds[0]);
  green.fill(greens[0]);
  blue.fill(blues[0]);
  for (let row = 0, from = 0; row < height; row++) {
    let to = (row + top) * side + left;
    for (const end = to + width; to < end; to++, from += 3) {
      red[to] = reds[data[from]];
      green[to] = greens[data[from + 1]];
      blue[to] = blues[data[from + 2]];
    }
  }
}

function resize(red, green, blue, { data, width, height }, side, network) {
  const { scale } = network;
  const [redMean, greenMean, blueMean] = network.mean;
  const across = samplesOf(width, height, side, network);
  const down = samplesOf(height, width, side, network);
  for (let row = 0, to = 0; row < side; row++) {
    const [upper, lower] = [down.low[row] * width, down.high[row] * width];
    const [top, bottom] = [down.lowShare[row], down.highShare[row]];
    for (let column = 0; column < side; column++, to++) {
      const [low, high] = [across.low[column], across.high[column]];
      const [left, right] = [across.lowShare[column], across.highShare[column]];
      const [one, two, three, four] = [top * left, top * right, bottom * left, bottom * right];
      const first = (upper + low) * 3;
      const second = (upper + high) * 3;
      const third = (lower + low) * 3;
      const fourth = (lower + high) * 3;
      red[to] =
        (data[first] * one + data[second] * two + data[third] * three + data[fourth] * four - redMean) / scale;
      green[to] =
        (data[first + 1] * one + data[second + 1] * two + data[third + 1] * three + data[fourth + 1] * four -
          greenMean) / scale;
      blue[to] =
        (data[first + 2] * one + data[second + 2] * two + data[third + 2] * three + data[fourth + 2] * four -
          blueMean) / scale;
    }
  }
}

/**
 * Along one axis of the square: the two pixels of the picture that each sample lies between and their shares
 * in it, none where the square is filled up.
 */
function samplesOf(size, other, side, network) {
  const square = Math.max(size, other);
  const shift = before(size, square, network);
  const [low, high] = [new Int32Array(side), new Int32Array(side)];
  const [lowShare, highShare] = [new Float64Array(side), new Float64Array(side)];
  for (let number = 0; number < side; number++) {
    const at = (number * square) / side;
    const floor = Math.floor(at);
    const part = at - floor;
    const [first, second] = [floor - shift, Math.min(square - 1, floor + 1) - shift];
    if (first >= 0 && first < size) [low[number], lowShare[number]] = [first, 1 - part];
    if (second >= 0 && second < size) [high[number], highShare[number]] = [second, part];
  }
  return { low, high, lowShare, highShare };
}

/** Pixels that fill a square up before a side of `size` pixels. */
function before(size, square, { centred }) {
  const padding = square - size;
  return centred ? padding - Math.round(padding / 2) : 0;
}
