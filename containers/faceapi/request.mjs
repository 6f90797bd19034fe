/** The request of contract.py; a test holds the two against each other. */

import { z } from "zod";

import { UserError } from "./errors.mjs";

const Box = z.strictObject({ x: z.number(), y: z.number(), width: z.number(), height: z.number() });

export const DetectRequest = z.strictObject({
  images: z.array(z.string()).min(1),
  boxes: z.array(z.array(Box)).nullable().default(null),
  detector: z.enum(["tiny", "ssd", "auto"]).default("ssd"),
  min_confidence: z.number().gt(0).lt(1).default(0.4),
  input_size: z.int().min(128).max(1024).multipleOf(32).default(416),
  min_face: z.int().min(0).default(20),
  landmarks: z.boolean().default(true),
  descriptor: z.boolean().default(true),
  result_uri: z.string().nullable().default(null),
  answer_uri: z.string().nullable().default(null),
  asset_id: z.string().nullable().default(null),
});

/** `event` with its defaults filled in. Throws UserError with the first thing that is wrong. */
export function readRequest(event) {
  const { success, data, error } = DetectRequest.safeParse(event);
  if (success) {
    if (data.boxes && data.boxes.length !== data.images.length) {
      throw new UserError("faceapi refuses the request: boxes: one list for each of images is wanted.");
    }
    return data;
  }
  const [{ path, message }] = error.issues;
  throw new UserError(`faceapi refuses the request: ${path.join(".") || "the request"}: ${message}.`);
}
