/**
 * Loaded before a Node image's runtime, so that the worker never outlives its endpoint: it ends when its
 * standard input does, a pipe that the endpoint holds open. As bootstrap.py does for Python.
 */

import { isMainThread } from "node:worker_threads";

// Threads load this too; their standard input has ended from the start.
if (isMainThread) {
  const parent = process.ppid;
  process.stdin.on("close", () => process.exit(0)).resume();
  setInterval(() => process.ppid === parent || process.exit(0), 1000).unref(); // a fork may hold the pipe too
}
