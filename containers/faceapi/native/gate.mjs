/**
 * Keeps the process from ending while a thread is inside ONNX Runtime: one that is ended there throws through
 * C++, and the process aborts. At exit the main thread lets nobody in any more and waits for those inside, some
 * 0.1 s.
 */

import { getEnvironmentData, isMainThread, setEnvironmentData } from "node:worker_threads";

const NAME = "mediaflow: threads inside ONNX Runtime";
const [CLOSED, INSIDE] = [0, 1];
const LONGEST = 1000; // milliseconds to wait for each

if (isMainThread) {
  setEnvironmentData(NAME, new Int32Array(new SharedArrayBuffer(8)));
  process.on("exit", close);
}
const gate = getEnvironmentData(NAME);

/** The result of `work()`, which calls ONNX Runtime. */
export async function inside(work) {
  Atomics.add(gate, INSIDE, 1);
  try {
    if (Atomics.load(gate, CLOSED)) {
      leave();
      Atomics.wait(gate, CLOSED, 1); // until the thread is ended
    }
    return await work();
  } finally {
    leave();
  }
}

function leave() {
  Atomics.sub(gate, INSIDE, 1);
  Atomics.notify(gate, INSIDE);
}

function close() {
  Atomics.store(gate, CLOSED, 1);
  for (let count = Atomics.load(gate, INSIDE); count > 0; count = Atomics.load(gate, INSIDE)) {
    if (Atomics.wait(gate, INSIDE, count, LONGEST) === "timed-out") return;
  }
}
