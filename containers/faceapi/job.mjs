/** One request from storage, its answer to storage, the end: this image as an ECS task. See common/job.py. */

import { randomUUID } from "node:crypto";

import { handler } from "./app.mjs";
import { redacted } from "./redact.mjs";
import { readBytes, writeBytes } from "./storage.mjs";

const { MEDIAFLOW_REQUEST_URI, MEDIAFLOW_ANSWER_URI } = process.env;
let answer;
let code = 0;
try {
  const request = JSON.parse(await readBytes(MEDIAFLOW_REQUEST_URI));
  answer = await handler(request, { awsRequestId: randomUUID() });
} catch (error) {
  const { name, message, stack } = redacted(error);
  process.stderr.write(`${stack}\n`);
  answer = { errorType: name, errorMessage: message };
  code = 1;
}
await writeBytes(MEDIAFLOW_ANSWER_URI, JSON.stringify(answer));
process.exit(code); // its threads would go on waiting for pictures
