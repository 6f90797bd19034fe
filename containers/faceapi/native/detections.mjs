/** What the detectors' outputs say: boxes {x, y, width, height} in shares of the picture with scores, best first. */

const SSD_OVERLAP = 0.5; // intersection over union above which two boxes are one face
const TINY_OVERLAP = 0.4;
// tinyFaceDetector/const.ts, in cells
const TINY_ANCHORS = [
  [1.603231, 2.094468],
  [6.041143, 7.080126],
  [2.882459, 3.518061],
  [4.266906, 5.178857],
  [9.041765, 10.66308],
];

/**
 * As ssdMobilenetv1/SsdMobilenetv1.ts.
 *
 * @param boxes 4 values each: top, left, bottom, right, of the square that the picture was filled up to
 */
export function readSsd(boxes, scores, picture, min_confidence) {
  const [across, down] = fillings(picture, 512);
  const found = [];
  scores.forEach((score, number) => {
    if (score <= min_confidence) return;
    const [top, left, bottom, right] = boxes.subarray(number * 4, number * 4 + 4);
    found.push({ box: { x: left, y: top, width: right - left, height: bottom - top }, score });
  });
  return best(found, SSD_OVERLAP).map(({ box, score }) => {
    const [left, top] = [Math.max(0, box.x), Math.max(0, box.y)];
    const [right, bottom] = [Math.min(1, box.x + box.width), Math.min(1, box.y + box.height)];
    const [width, height] = [(right - left) * across, (bottom - top) * down];
    return { x: left * across, y: top * down, width, height, score };
  });
}

/**
 * As tinyYolov2/TinyYolov2Base.ts.
 *
 * @param cells 25 values each: five boxes' shift, size and score
 */
export function readTiny(cells, picture, input_size, min_confidence) {
  const [across, down] = fillings(picture, input_size);
  const side = Math.sqrt(cells.length / 25);
  const found = [];
  for (let at = 0; at < cells.length; at += 5) {
    const score = sigmoid(cells[at + 4]);
    if (score <= min_confidence) continue;
    const [anchor, cell] = [(at / 5) % 5, Math.floor(at / 25)];
    const [column, row] = [cell % side, Math.floor(cell / side)];
    const width = ((Math.exp(cells[at + 2]) * TINY_ANCHORS[anchor][0]) / side) * across;
    const height = ((Math.exp(cells[at + 3]) * TINY_ANCHORS[anchor][1]) / side) * down;
    const x = ((column + sigmoid(cells[at])) / side) * across - width / 2;
    const y = ((row + sigmoid(cells[at + 1])) / side) * down - height / 2;
    found.push({ box: { x, y, width, height }, score });
  }
  return best(found, TINY_OVERLAP).map(({ box, score }) => ({ ...box, score }));
}

/** From shares of the square of `side` pixels to shares of the picture that lies at its top left. */
function fillings({ width, height }, side) {
  const scale = side / Math.max(width, height);
  return [side / Math.round(width * scale), side / Math.round(height * scale)];
}

/** Non-maximum suppression. */
function best(found, overlap) {
  const kept = [];
  for (const one of found.toSorted((one, other) => other.score - one.score)) {
    if (kept.every(({ box }) => shared(box, one.box) <= overlap)) kept.push(one);
  }
  return kept;
}

/** Intersection over union; none of what has no area. */
function shared(one, other) {
  const width = Math.min(one.x + one.width, other.x + other.width) - Math.max(one.x, other.x);
  const height = Math.min(one.y + one.height, other.y + other.height) - Math.max(one.y, other.y);
  const both = Math.max(0, width) * Math.max(0, height);
  return both && both / (one.width * one.height + other.width * other.height - both);
}

const sigmoid = (value) => 1 / (1 + Math.exp(-value));
