/** Pictures of unknown origin to pixels, through sharp. */

import sharp from "sharp";

import { MediaError } from "./errors.mjs";
import { nameOf, readBytes } from "./storage.mjs";

// Faces in anything larger are found and described as well at this size, in pixels of the longer side.
const LARGEST = 4096;
const MEGAPIXELS = 100;

// libvips also reads formats that refer to other files (SVG) or are run by others' code (PDF, ImageMagick).
sharp.block({ operation: ["VipsForeignLoad"] });
sharp.unblock({ operation: ["VipsForeignLoadJpeg", "VipsForeignLoadPng", "VipsForeignLoadWebp"] });
sharp.cache(false); // no picture is opened twice

/**
 * A picture upright as its EXIF orientation says, in 8-bit RGB.
 *
 * @returns `width` and `height` of the picture; `full`, its pixels, at most 4096 on the longer side;
 *   `small`, the same scaled until its longer side is `size`. Both are {data, width, height}.
 * @throws MediaError in one sentence that names the file
 */
export async function decode(uri, size) {
  const bytes = await readBytes(uri);
  const name = nameOf(uri);
  if (bytes.length === 0) throw new MediaError(`${name} is empty.`);
  try {
    const picture = sharp(bytes, { limitInputPixels: MEGAPIXELS * 1e6, failOn: "error" });
    const { autoOrient } = await picture.metadata();
    const within = { width: LARGEST, height: LARGEST, fit: "inside", withoutEnlargement: true };
    const full = await pixels(picture.autoOrient().resize(within).removeAlpha().toColourspace("srgb"));
    const raw = { width: full.width, height: full.height, channels: 3 };
    const small = await pixels(
      sharp(full.data, { raw }).resize(size, size, { fit: "inside", kernel: "linear" }),
    );
    return { width: autoOrient.width, height: autoOrient.height, full, small };
  } catch (error) {
    const reason = error.message.split("\n")[0].trim();
    throw new MediaError(
      reason.includes("pixel limit")
        ? `${name} has more than ${MEGAPIXELS} megapixels.`
        : `${name} cannot be decoded as a JPEG, PNG or WebP picture (${reason}).`,
    );
  }
}

async function pixels(pipeline) {
  // Not toUint8Array, whose memory sharp 0.35 never frees.
  const { data, info } = await pipeline.raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}
