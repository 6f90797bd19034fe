/** How sharp a face is, whatever its size. */

const SIDE = 96; // pixels

/**
 * Variance of the Laplacian of the pixels, read as grey levels at 96 x 96 (Pech-Pacheco et al., "Diatom
 * autofocusing in brightfield microscopy", 2000). A face that has to be enlarged for that counts as blurred.
 */
export function measureSharpness({ data, width, height }) {
  const grey = new Float32Array(SIDE * SIDE);
  for (let row = 0; row < SIDE; row++) {
    for (let column = 0; column < SIDE; column++) {
      grey[row * SIDE + column] = bilinear(data, width, height, column, row);
    }
  }
  let sum = 0;
  let squares = 0;
  for (let row = 1; row < SIDE - 1; row++) {
    for (let column = 1; column < SIDE - 1; column++) {
      const at = row * SIDE + column;
      const curve = grey[at - 1] + grey[at + 1] + grey[at - SIDE] + grey[at + SIDE] - 4 * grey[at];
      sum += curve;
      squares += curve * curve;
    }
  }
  const count = (SIDE - 2) ** 2;
  return squares / count - (sum / count) ** 2;
}

function bilinear(data, width, height, column, row) {
  const x = ((column + 0.5) * width) / SIDE - 0.5;
  const y = ((row + 0.5) * height) / SIDE - 0.5;
  const [left, top] = [Math.max(0, Math.floor(x)), Math.max(0, Math.floor(y))];
  const [right, bottom] = [Math.min(width - 1, left + 1), Math.min(height - 1, top + 1)];
  const [across, down] = [Math.max(0, x - left), Math.max(0, y - top)];
  const upper = luma(data, top * width + left) * (1 - across) + luma(data, top * width + right) * across;
  const lower = luma(data, bottom * width + left) * (1 - across) + luma(data, bottom * width + right) * across;
  return upper * (1 - down) + lower * down;
}

/** ITU-R BT.601. */
function luma(data, pixel) {
  const at = pixel * 3;
  return 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];
}
