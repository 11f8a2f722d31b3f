/** Handlers that do what handlers must not do, beside the server's sockets and in a process of their own. */
import { setTimeout as pass } from "node:timers/promises";
import { z } from "zod";
import { defineHandler, type HandlerContext } from "@streamer/core";

const GIB = 1_073_741_824;
const HUGE_LENGTH = 32_000_000;
const FLOOD = 50_000;
const PARTIALS = 1_000;

const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};
const trapped = (): object => ({
  get message() {
    throw new Error("a getter that throws");
  },
  get code() {
    throw new Error("another");
  },
  toString() {
    throw new Error("and a third");
  },
});
const circular = (): object => {
  const self: { self?: object } = {};
  self.self = self;
  return self;
};
const thrown = (make: () => unknown) => (): never => {
  throw make();
};

/** Grows the heap until there is no more. */
function allocate(): never {
  const kept: string[][] = [];
  for (;;) kept.push(Array.from({ length: 100_000 }, (_, at) => `kept ${kept.length} ${at}`));
}

function loop(): never {
  for (;;);
}

export const DEEDS = {
  loop,
  exit: () => process.exit(7),
  kill: () => {
    process.kill(process.pid, "SIGKILL");
    return new Promise(() => undefined);
  },
  allocate,
  // As much as was asked for, of which no page is touched.
  reserve: () => ({ bytes: new ArrayBuffer(4 * GIB).byteLength }),
  rejections: async () => {
    for (let at = 0; at < 100; at += 1) void Promise.reject(new Error(`stray rejection ${at}`));
    await pass(50);
    return "done";
  },
  exceptions: async () => {
    setTimeout(() => {
      throw new Error("stray exception");
    }, 5);
    await pass(500);
    return "done";
  },
  late_exception: () => {
    setTimeout(() => {
      throw new Error("stray exception after the end");
    }, 20);
    return "done";
  },
  flood: async (ctx) => {
    for (let at = 0; at < FLOOD; at += 1) ctx.report((100 * at) / FLOOD, `report ${at}`, { metadata: { at } });
    await Promise.all(Array.from({ length: PARTIALS }, (_, at) => ctx.partial("flood", at)));
    return "done";
  },
  log_flood: (ctx) => {
    for (let at = 0; at < FLOOD; at += 1) ctx.log.debug({ at }, "a line of a flood");
    return "done";
  },
  huge: () => "x".repeat(HUGE_LENGTH),
  huge_partial: (ctx) => ctx.partial("huge", "x".repeat(HUGE_LENGTH)),
  bigint: () => ({ n: 1n }),
  circular,
  function: () => () => 1,
  revoked_result: revoked,
  throws_null: thrown(() => null),
  throws_undefined: thrown(() => undefined),
  throws_symbol: thrown(() => Symbol("odd")),
  throws_trapped: thrown(trapped),
  throws_revoked: thrown(revoked),
  throws_function: thrown(() => () => 1),
  never: () => new Promise(() => undefined),
} satisfies Record<string, (ctx: HandlerContext) => unknown>;
export type Deed = keyof typeof DEEDS;

export type Place = "inline" | "isolated";
export const actionOf = (place: Place, deed: Deed): string => `hostile.${place}.${deed}`;

const LONG_MS = 60_000;

export const hostile = (["inline", "isolated"] as const).flatMap((place) =>
  (Object.keys(DEEDS) as Deed[]).map((deed) =>
    defineHandler({
      action: actionOf(place, deed),
      input: z.object({}),
      estimate: LONG_MS,
      retry: { maxAttempts: 1 },
      ...(place === "isolated" && { isolate: import.meta.url }),
      run: (_, ctx) => (DEEDS[deed] as (asked: HandlerContext) => unknown)(ctx),
    }),
  ),
);
