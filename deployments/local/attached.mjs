/**
 * Loaded before a Node image's runtime, so that the worker never outlives its endpoint: it ends when its
 * standard input does, a pipe that the endpoint holds open. As bootstrap.py does for Python.
 */

const parent = process.ppid;
process.stdin.on("close", () => process.exit(0)).resume();
setInterval(() => process.ppid === parent || process.exit(0), 1000).unref(); // a fork may hold the pipe too
