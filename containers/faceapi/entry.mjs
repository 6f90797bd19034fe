/** How this image starts: as an ECS task with MEDIAFLOW_REQUEST_URI set, else as a Lambda function. */

const { MEDIAFLOW_REQUEST_URI, AWS_LAMBDA_RUNTIME_API } = process.env;
if (MEDIAFLOW_REQUEST_URI) {
  await import("./job.mjs");
} else if (AWS_LAMBDA_RUNTIME_API) {
  process.env._HANDLER ??= process.argv[2];
  await import("./bootstrap.mjs");
} else {
  process.stderr.write(
    "Neither AWS_LAMBDA_RUNTIME_API nor MEDIAFLOW_REQUEST_URI is set: there is nothing to answer.\n",
  );
  process.exitCode = 1;
}
