/** What one call leaves in logs and metrics, by Powertools; the fields of containers/common/runtime/monitor.py. */

import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";

import { UserError } from "./errors.mjs";
import { redact, redacted } from "./redact.mjs";
import { bytesRead } from "./storage.mjs";

const IMAGE = "faceapi";
// As containers/common/runtime/metrics.py: neither tasks nor other projects are taken for this function.
const FUNCTION = process.env.AWS_LAMBDA_FUNCTION_NAME || process.env.MEDIAFLOW_FUNCTION || "local";
const logger = new Logger({ serviceName: `mediaflow-${IMAGE}`, jsonReplacerFn: clean });
let cold = true;

/** The result of `work()`, an answer; measures it, and takes secrets out of what it throws. */
export async function monitored(event, context, work) {
  const call = { cold, started: performance.now(), before: bytesRead() };
  cold = false;
  const ids = { request_id: context?.awsRequestId, asset_id: asString(event?.asset_id) };
  try {
    const answer = await work();
    finish(answer, call, ids);
    return answer;
  } catch (error) {
    fail(redacted(error), call, ids);
    throw error;
  }
}

function finish({ models, load_seconds }, { cold, started, before }, ids) {
  const duration = Math.max(0, (performance.now() - started) / 1000 - load_seconds);
  const input_bytes = bytesRead() - before;
  logger.info("model_inference", {
    event: "model_inference",
    model: IMAGE,
    models: models.map(({ id }) => id),
    duration: round(duration),
    load: round(load_seconds),
    input_size: readableSize(input_bytes),
    input_bytes,
    cold_start: cold,
    ...ids,
  });
  const metrics = metricsOf({});
  metrics.addMetric("duration", MetricUnit.Seconds, duration);
  metrics.addMetric("peak_memory", MetricUnit.Bytes, process.resourceUsage().maxRSS * 1024);
  metrics.addMetric("cold_start", MetricUnit.Count, Number(cold));
  if (load_seconds) metrics.addMetric("model_load_time", MetricUnit.Seconds, load_seconds);
  if (ids.request_id) metrics.addMetadata("request_id", ids.request_id);
  metrics.publishStoredMetrics();
}

function fail(error, { cold, started }, ids) {
  const level = error instanceof UserError ? "warn" : "error";
  logger[level]("model_error", {
    event: "model_error",
    model: IMAGE,
    error: error.name,
    reason: error.message,
    duration: round((performance.now() - started) / 1000),
    cold_start: cold,
    ...ids,
  });
  for (const dimensions of [{}, { error: error.name }]) {
    const metrics = metricsOf(dimensions);
    metrics.addMetric("errors", MetricUnit.Count, 1);
    metrics.publishStoredMetrics();
  }
}

/** Metrics of this image and the function that it is, with these dimensions too; Powertools adds `service`. */
function metricsOf(more) {
  const dimensions = { image: IMAGE, function: FUNCTION, ...more };
  const metrics = new Metrics({ namespace: "Mediaflow" });
  metrics.clearDefaultDimensions();
  for (const [name, value] of Object.entries(dimensions)) metrics.addDimension(name, value);
  return metrics;
}

/** As people write bytes: 10MB, in steps of 1000. */
export function readableSize(count) {
  let size = count;
  for (const unit of ["B", "kB", "MB"]) {
    if (size < 999.5) return `${size >= 10 || unit === "B" ? size.toFixed(0) : size.toFixed(1)}${unit}`;
    size /= 1000;
  }
  return `${size.toFixed(1)}GB`;
}

function clean(_key, value) {
  return typeof value === "string" ? redact(value) : value;
}

const round = (seconds) => Number(seconds.toFixed(3));

const asString = (value) => (typeof value === "string" ? value : undefined);
