/**
 * The runtime, in the image and on a laptop: what the AWS base image does, a loop over the Lambda Runtime API.
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */

import http from "node:http";

const RUNTIME = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime`;
const agent = new http.Agent({ keepAlive: true });

function call(method, path, content) {
  const body = content === undefined ? "" : JSON.stringify(content);
  const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const request = http.request(`${RUNTIME}${path}`, { method, headers, agent }, async (response) => {
      const chunks = await response.toArray().catch(reject);
      if (chunks) resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() });
    });
    request.on("error", reject).end(body);
  });
}

function describe(error) {
  const { name = "Error", message = String(error), stack = "" } = error ?? {};
  return {
    errorType: name,
    errorMessage: message,
    stackTrace: stack
      .split("\n")
      .slice(1)
      .map((line) => line.trim()),
  };
}

async function loadHandler() {
  const [file, name] = process.env._HANDLER.split(".");
  const { [name]: handler } = await import(new URL(`./${file}.mjs`, import.meta.url));
  if (!handler) throw new Error(`${file}.mjs exports no ${name}.`);
  return handler;
}

async function answerOne(handler) {
  const { headers, body } = await call("GET", "/invocation/next");
  const id = headers["lambda-runtime-aws-request-id"];
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  const context = {
    awsRequestId: id,
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
  let outcome;
  try {
    outcome = ["response", await handler(JSON.parse(body), context)];
  } catch (error) {
    outcome = ["error", describe(error)];
  }
  await call("POST", `/invocation/${id}/${outcome[0]}`, outcome[1]);
}

try {
  const handler = await loadHandler().catch(async (error) => {
    await call("POST", "/init/error", describe(error));
    process.exit(1);
  });
  for (;;) await answerOne(handler);
} catch (error) {
  process.stderr.write(`The Runtime API at ${RUNTIME} does not answer: ${error.message}\n`);
  process.exit(1);
}
