/** Each WebAssembly memory takes 8 GB of address space until it is collected, of which a worker process has 128. */
import { existsSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { fitKMeans } from "../src/distances/k-means.ts";
import { fitBoostingRegressor } from "../src/trees/boosting.ts";
import { fitContext } from "./data-sets.ts";
import { randomBlobs } from "./made-data.ts";

const STATUS = "/proc/self/status";
const sizeGb = (): number => Number(/^VmSize:\s+(\d+)/m.exec(readFileSync(STATUS, "utf8"))?.[1]) / 1_048_576;

it.runIf(existsSync(STATUS))("fits one after another, stopped ones among them, take no more of it", async () => {
  const { x, target } = randomBlobs(200, 3);
  const fits = async (): Promise<void> => {
    await fitBoostingRegressor(x, target, { rounds: 3 }, fitContext(1));
    (await fitKMeans(x, { clusters: 3, starts: 2 }, fitContext(1))).assign(x);
    const stopped = new AbortController();
    const context = { ...fitContext(1), signal: stopped.signal, tell: () => stopped.abort(new Error("stopped")) };
    await expect(fitBoostingRegressor(x, target, { rounds: 100_000 }, context)).rejects.toThrow("stopped");
  };
  await fits();
  const before = sizeGb();
  for (let fit = 0; fit < 8; fit += 1) await fits();
  expect(sizeGb() - before).toBeLessThan(20);
});
