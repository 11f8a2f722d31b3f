/** That a deadline is kept though nobody listens to it. */
import { setTimeout as pass } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { deadline } from "./deadline.ts";

it("aborts though its garbage was collected meanwhile", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const signal = deadline(20, new AbortController().signal);
  while (!signal.aborted) {
    collect();
    await pass(5);
  }
  expect(signal.aborted).toBe(true);
});

it("aborts with any of the signals it was given", async () => {
  const other = new AbortController();
  const signal = deadline(1_000_000, new AbortController().signal, other.signal);
  other.abort();
  await Promise.resolve();
  await pass(0);
  expect(signal.aborted).toBe(true);
  expect(deadline(1_000_000, signal).aborted).toBe(false);
});
