/** Rectangles {x, y, width, height} of pictures, with face-api's rounding (classes/Box.ts). */

const MARGIN = 0.2; // of a face's size, about its landmarks: classes/FaceLandmarks.ts

/** The whole pixels of a rectangle that lie inside the picture. */
export function clip({ x, y, width, height }, picture) {
  const [left, top] = [Math.max(x, 0), Math.max(y, 0)];
  return {
    x: Math.floor(left),
    y: Math.floor(top),
    width: Math.floor(Math.min(x + width - left, picture.width - left)),
    height: Math.floor(Math.min(y + height - top, picture.height - top)),
  };
}

/** The rectangle about a face's landmarks, with a margin. */
export function around(points) {
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const [width, height] = [Math.max(0, ...xs) - left, Math.max(0, ...ys) - top];
  return {
    x: left - (width * MARGIN) / 2,
    y: top - (height * MARGIN) / 2,
    width: width * (1 + MARGIN),
    height: height * (1 + MARGIN),
  };
}

/** What of a rectangle lies inside the picture. */
export function inside({ x, y, width, height }, picture) {
  const [left, top] = [Math.max(0, x), Math.max(0, y)];
  const [right, bottom] = [Math.min(picture.width, x + width), Math.min(picture.height, y + height)];
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/** The pixels of a rectangle of whole pixels that lies inside the picture. */
export function crop({ data, width }, { x, y, width: columns, height: rows }) {
  const cut = new Uint8Array(rows * columns * 3);
  for (let row = 0; row < rows; row++) {
    const from = ((y + row) * width + x) * 3;
    cut.set(data.subarray(from, from + columns * 3), row * columns * 3);
  }
  return { data: cut, width: columns, height: rows };
}
