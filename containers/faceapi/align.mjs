/** A face upright and in its place, as the network that describes faces saw them when it was trained. */

const SIDE = 150; // pixels
const PADDING = 0.25; // of the face, on every side

// Where dlib's mean face has iBUG 300-W landmarks 27 to 54 and 60 to 67 (nose, eyes, upper lip, inner lips), in
// a square about all of it: King, dlib, image_transforms/interpolation.h, get_face_chip_details. As there,
// brows, jaw and lower lip are left out, since they move the most.
const MEAN_FACE = new Map(
  [
    [0.490127, 0.203352], [0.490127, 0.307009], [0.490127, 0.409805], [0.490127, 0.515625],
    [0.36688, 0.587326], [0.426036, 0.609345], [0.490127, 0.628106], [0.554217, 0.609345], [0.613373, 0.587326],
    [0.121737, 0.216423], [0.187122, 0.178758], [0.265825, 0.179852],
    [0.334606, 0.231733], [0.260918, 0.245099], [0.182743, 0.244077],
    [0.645647, 0.231733], [0.714428, 0.179852], [0.793132, 0.178758],
    [0.858516, 0.216423], [0.79751, 0.244077], [0.719335, 0.245099],
    [0.254149, 0.780233], [0.340985, 0.745405], [0.428858, 0.727388], [0.490127, 0.742578],
    [0.551395, 0.727388], [0.639268, 0.745405], [0.726104, 0.780233],
    [0.290379, 0.784792], [0.428096, 0.778746], [0.490127, 0.785343], [0.552157, 0.778746],
    [0.689874, 0.784792], [0.553364, 0.824182], [0.490127, 0.831803], [0.42689, 0.824182],
  ].map(([x, y], number) => [
    number < 28 ? 27 + number : 32 + number,
    [((PADDING + x) / (2 * PADDING + 1)) * SIDE, ((PADDING + y) / (2 * PADDING + 1)) * SIDE],
  ]),
);

/**
 * The face of a picture, turned upright and stretched to 150 x 150 pixels; black where the picture ends.
 *
 * face-api cuts the descriptor's face out without turning it. The network was trained on turned ones (it is
 * dlib's, converted), and people whose heads are tilted look alike to it otherwise: benchmarks/faces.md.
 *
 * @param picture {data, width, height}, RGB
 * @param landmarks 68 points {x, y} in pixels of the picture
 * @returns {data, width, height}
 */
export function uprightFace(picture, landmarks) {
  const { a, b, left, top } = similarity(landmarks);
  const steps = Math.max(1, Math.min(4, Math.round(Math.hypot(a, b)))); // averaged, so that nothing aliases
  const count = steps ** 2;
  const data = new Uint8Array(SIDE * SIDE * 3);
  const sums = new Float64Array(3);
  for (let row = 0, to = 0; row < SIDE; row++) {
    for (let column = 0; column < SIDE; column++, to += 3) {
      sums[0] = sums[1] = sums[2] = 0;
      for (let step = 0; step < count; step++) {
        const x = column + ((step % steps) + 0.5) / steps - 0.5;
        const y = row + (Math.floor(step / steps) + 0.5) / steps - 0.5;
        addPixel(sums, picture, a * x - b * y + left, b * x + a * y + top);
      }
      data[to] = sums[0] / count;
      data[to + 1] = sums[1] / count;
      data[to + 2] = sums[2] / count;
    }
  }
  return { data, width: SIDE, height: SIDE };
}

/**
 * The turn, scale and shift that bring the mean face nearest to the landmarks, in least squares: Umeyama,
 * "Least-squares estimation of transformation parameters between two point patterns", 1991.
 */
function similarity(landmarks) {
  const pairs = [...MEAN_FACE].map(([number, mean]) => [...mean, landmarks[number].x, landmarks[number].y]);
  const [x, y, u, v] = [0, 1, 2, 3].map((at) => pairs.reduce((sum, pair) => sum + pair[at], 0) / pairs.length);
  let a = 0;
  let b = 0;
  let spread = 0;
  for (const pair of pairs) {
    const [dx, dy, du, dv] = [pair[0] - x, pair[1] - y, pair[2] - u, pair[3] - v];
    a += dx * du + dy * dv;
    b += dx * dv - dy * du;
    spread += dx * dx + dy * dy;
  }
  a /= spread;
  b /= spread;
  return { a, b, left: u - a * x + b * y, top: v - b * x - a * y };
}

/** Bilinear; nothing is added outside the picture. */
function addPixel(sums, { data, width, height }, x, y) {
  if (x < -0.5 || y < -0.5 || x > width - 0.5 || y > height - 0.5) return;
  const left = Math.max(0, Math.floor(x));
  const top = Math.max(0, Math.floor(y));
  const right = Math.min(width - 1, left + 1);
  const bottom = Math.min(height - 1, top + 1);
  const across = Math.max(0, x - left);
  const down = Math.max(0, y - top);
  const first = (top * width + left) * 3;
  const second = (top * width + right) * 3;
  const third = (bottom * width + left) * 3;
  const fourth = (bottom * width + right) * 3;
  for (let channel = 0; channel < 3; channel++) {
    const upper = data[first + channel] * (1 - across) + data[second + channel] * across;
    const lower = data[third + channel] * (1 - across) + data[fourth + channel] * across;
    sums[channel] += upper * (1 - down) + lower * down;
  }
}
