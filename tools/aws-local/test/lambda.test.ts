/** Instances as Lambda runs them: frozen between events, ended at their timeout, throttled beyond their concurrency. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { createFleet, type Fleet, type Served } from "../src/lambda/fleet.ts";

const ARN = "arn:aws:lambda:eu-west-1:000000000000:function:tested";
const fleets: Fleet[] = [];
afterEach(async () => {
  await Promise.all(fleets.splice(0).map((fleet) => fleet.stop()));
});

function start(
  handler: string,
  { timeoutMs = 5_000, concurrency = 2, memoryMb = 128, lines = [] as string[], idleMs = 60_000 } = {},
): Fleet {
  const codeFolder = fileURLToPath(new URL("fixture", import.meta.url));
  const fleet = createFleet({
    concurrency,
    idleMs,
    instance: {
      name: "tested",
      codeFolder,
      memoryMb,
      timeoutMs,
      initTimeoutMs: 10_000,
      scratchFolder: mkdtempSync(join(tmpdir(), "instances-")),
      onLine: (line) => lines.push(line),
      environment: {
        PATH: process.env["PATH"] ?? "",
        LAMBDA_TASK_ROOT: codeFolder,
        _HANDLER: `handlers.${handler}`,
        AWS_REGION: "eu-west-1",
        AWS_LAMBDA_FUNCTION_NAME: "tested",
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
        OWN: "mine",
      },
    },
  });
  fleets.push(fleet);
  return fleet;
}
const invoke = async (fleet: Fleet, event: unknown = {}): Promise<Served & { readonly answer: Record<string, never> }> => {
  const slot = await fleet.reserve();
  const served = await slot!.run(JSON.stringify(event), ARN);
  return { ...served, answer: JSON.parse(served.payload) as Record<string, never> };
};

describe("an instance", () => {
  it("answers with what its handler returns, and tells it who it is", async () => {
    const fleet = start("echo");
    const { answer, requestId, isError, initMs } = await invoke(fleet, { n: 1 });
    expect(isError).toBe(false);
    expect(answer).toMatchObject({ event: { n: 1 }, region: "eu-west-1", sees: { own: "mine" } });
    expect(answer["context"]).toMatchObject({ functionName: "tested", arn: ARN, id: requestId, memory: "128" });
    expect(answer["context"]!["remainingMs"]).toBeGreaterThan(4_000);
    expect(initMs).toBeGreaterThan(0);
  });

  it("serves the next event too, and starts cold only once", async () => {
    const fleet = start("echo");
    const first = await invoke(fleet);
    const second = await invoke(fleet);
    expect(second.answer["pid"]).toBe(first.answer["pid"]);
    expect([first.answer["served"], second.answer["served"]]).toEqual([1, 2]);
    expect(second.initMs).toBeUndefined();
    expect(fleet.statistics()).toMatchObject({ invocations: 2, coldStarts: 1, errors: 0 });
    expect(fleet.statistics().billedMs).toBeGreaterThan(first.initMs!);
  });

  it("is frozen between events: what a handler left running stands still", async () => {
    const fleet = start("leftovers");
    await invoke(fleet);
    await wait(300);
    const { answer } = await invoke(fleet);
    // Sixty ticks unfrozen; thawing lets one through.
    expect(answer["before"]).toBeLessThan(10);
  });

  it("is killed at its timeout, and the next event starts another", async () => {
    const fleet = start("slow", { timeoutMs: 200 });
    const { answer, isError, cause } = await invoke(fleet, { ms: 60_000 });
    expect({ isError, cause }).toEqual({ isError: true, cause: "timeout" });
    expect(answer["errorType"]).toBe("Sandbox.Timedout");
    expect(answer["errorMessage"]).toMatch(/Task timed out after 0\.20 seconds/);
    expect(await invoke(fleet, { ms: 1 })).toMatchObject({ isError: false });
    expect(fleet.statistics()).toMatchObject({ timeouts: 1, coldStarts: 2 });
  });

  it("that throws reports the error and lives on; one that exits reports that", async () => {
    expect(await invoke(start("throws"))).toMatchObject({ isError: true, answer: { errorType: "TypeError", errorMessage: "no good" } });
    const { answer } = await invoke(start("dies"));
    expect(answer).toMatchObject({ errorType: "Runtime.ExitError" });
    expect(answer["errorMessage"]).toMatch(/exit status 7/);
  });

  it("has the memory of its function and no more", async () => {
    const { isError, answer } = await invoke(start("hog", { memoryMb: 64, timeoutMs: 20_000 }));
    expect({ isError, type: answer["errorType"] }).toEqual({ isError: true, type: "Runtime.ExitError" });
  });

  it("whose handler is not there fails each event with the reason", async () => {
    expect(await invoke(start("nowhere"))).toMatchObject({
      isError: true,
      cause: "init",
      answer: { errorType: "Runtime.HandlerNotFound" },
    });
  });

  it("has its output heard", async () => {
    const lines: string[] = [];
    await invoke(start("talks", { lines }));
    await expect.poll(() => lines.toSorted()).toEqual(["said on stderr", "said on stdout"]);
  });

  it("is ended when nobody asked for long", async () => {
    const fleet = start("echo", { idleMs: 50 });
    const first = await invoke(fleet);
    const pid = Number(first.answer["pid"]);
    await expect.poll(() => isRunning(pid)).toBe(false);
  });
});

describe("a fleet", () => {
  it("runs as many at a time as its concurrency, and refuses the next at once", async () => {
    const fleet = start("slow", { concurrency: 2 });
    const running = [1, 2].map(() => fleet.invoke('{"ms":300}', ARN)!);
    expect(fleet.invoke('{"ms":1}', ARN)).toBeUndefined();
    expect(await Promise.all(running)).toMatchObject([{ isError: false }, { isError: false }]);
    expect(fleet.statistics()).toMatchObject({ throttles: 1, coldStarts: 2, invocations: 2 });
  });

  it("serves who waits in the order of asking", async () => {
    const fleet = start("slow", { concurrency: 1 });
    const order: number[] = [];
    await Promise.all([1, 2, 3].map(async (n) => invoke(fleet, { ms: 10 }).then(() => order.push(n))));
    expect(order).toEqual([1, 2, 3]);
    expect(fleet.statistics()).toMatchObject({ coldStarts: 1, throttles: 0 });
  });

  it("leaves no process behind when it is stopped, frozen or not", async () => {
    const fleet = start("echo");
    const pid = Number((await invoke(fleet)).answer["pid"]);
    const busy = fleet.invoke("{}", ARN)!;
    await fleet.stop();
    await busy;
    expect(isRunning(pid)).toBe(false);
    expect(await fleet.reserve()).toBeUndefined();
  });
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
