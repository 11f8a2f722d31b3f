/** Isolated handlers that hand over what they should not, or leave something behind. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { defineHandler, type HandlerContext } from "@streamer/core";
import { z } from "zod";

const isolate = import.meta.url;
const never = (): Promise<never> => new Promise(() => {});
const circular = (): unknown => {
  const itself: Record<string, unknown> = {};
  return Object.assign(itself, { itself });
};

const careless: Readonly<Record<string, (input: { readonly n: number }, ctx: HandlerContext) => unknown>> = {
  "result.long": () => "x".repeat(2_000_000),
  "result.bytes": () => ({ bytes: new Uint8Array(1 << 30) }),
  "result.bigint": () => ({ n: 12n }),
  "result.circular": circular,
  "result.function": () => () => {},
  "result.plain": () => ({ at: new Date(0), gone: undefined, callback: () => {}, map: new Map([[1, 2]]) }),
  "result.nothing": () => undefined,
  "partial.long": (_, ctx) => ctx.partial("rows", "x".repeat(300_000_000)),
  "partial.stream": (_, ctx) => ctx.partial("x".repeat(2_000_000), 1),
  "checkpoint.bigint": (_, ctx) => ctx.checkpoint(12n as never),
  "metadata.long": (_, ctx) => {
    ctx.report(10, "x".repeat(1_000_000), { rows: "x".repeat(300_000_000) });
    ctx.report(20, "in bounds", { ok: true, callback: (() => {}) as never });
    ctx.setMetadata("large", "x".repeat(300_000_000));
    for (let key = 0; key < 10_000; key += 1) ctx.setMetadata(`key ${key}`, key);
    return "done";
  },
  "limits.told": () => readFileSync("/proc/self/limits", "utf8"),
  /** Of memory that is not V8's, until the system gives no more. */
  "memory.buffers": () => {
    for (const kept: Buffer[] = []; ;) kept.push(Buffer.alloc(64_000_000, 1));
  },
  "memory.heap": () => {
    for (const kept: unknown[] = []; ;) kept.push(Array.from({ length: 100_000 }, (_, at) => ({ at })));
  },
  "cpu.spin": () => {
    for (;;);
  },
  "network.reach": async ({ n }) => {
    const socket = connect({ host: "127.0.0.1", port: n });
    // Rejects with the socket's error.
    const reached = once(socket, "connect").then(
      () => "reached",
      (error: NodeJS.ErrnoException) => error.code,
    );
    return reached.finally(() => socket.destroy());
  },
  reports: ({ n }, ctx) => {
    for (let at = 1; at <= n; at += 1) ctx.report((100 * at) / n, `row ${at}`, { [`m${at}`]: at });
    return process.memoryUsage.rss();
  },
  lines: ({ n }, ctx) => {
    for (let at = 1; at <= n; at += 1) ctx.log.info({ at }, "a row");
    return "done";
  },
  "lines.odd": (_, ctx) => {
    ctx.log.warn(
      { err: new RangeError("out of range"), bigint: 12n as never, circular: circular() as never, long: "x".repeat(1e6) },
      "odd",
    );
    ctx.log.info(undefined as never, 7 as never);
    return "done";
  },
  /** Thousands at once, none awaited. */
  flood: ({ n }, ctx) => {
    for (let at = 0; at < n; at += 1) void ctx.partial("rows", { at });
    return "done";
  },
  unawaited: (_, ctx) => {
    void ctx.partial("rows", 12n as never);
    void ctx.checkpoint((() => {}) as never);
    return "done";
  },
  "error.long": () => {
    throw Object.assign(new Error("x".repeat(100_000_000)), { details: { bytes: 12n } });
  },
  "error.null": () => {
    throw Object.create(null) as Error;
  },
  stray: async () => {
    void Promise.reject(new RangeError("nobody awaits this"));
    return never();
  },
  "stray.timer": async () => {
    setTimeout(() => {
      throw new RangeError("nobody can catch this");
    }, 5);
    return never();
  },
  "stray.later": () => {
    setTimeout(() => void Promise.reject(new RangeError("of an earlier run")), 30);
    return process.pid;
  },
  /** Answers, and goes on for ever. */
  "goes.on": () => {
    setTimeout(() => {
      for (;;);
    }, 5);
    return process.pid;
  },
  pid: async () => {
    await sleep(60);
    return process.pid;
  },
  /** Private memory that it may write, in MiB. */
  "memory.mapped": () => Number(/^VmData:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))![1]) / 1_024,
  channel: () => ({ send: typeof process.send, disconnect: typeof process.disconnect }),
  options: () => process.execArgv.concat(process.env["NODE_OPTIONS"] ?? ""),
};

export const handlers = Object.entries(careless).map(([action, run]) =>
  defineHandler({ action, input: z.object({ n: z.number() }), estimate: 60_000, isolate, run }),
);
