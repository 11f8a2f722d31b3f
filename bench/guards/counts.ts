/** What one durable job costs in statements and messages: counted, so that nothing about the machine is in it. */
import { defineHandler } from "@streamer/core";
import type { ClientMessage } from "@streamer/protocol";
import { z } from "zod";
import { startOneProcess, type OneProcess } from "./one-process.ts";
import { countStatements, type Counts } from "./statements.ts";

export interface JobCounts {
  readonly statements: Counts;
  /** By type, to a client that follows. */
  readonly messages: Counts;
}

const UPDATES = 50;
const APART_MS = 20;
/** In one turn of the event loop. More than there are slots: 64 begin at once, the rest is claimed when slots are free. */
const TOGETHER = 200;

const noop = defineHandler({ action: "noop", input: z.object({}), run: () => ({ ok: true }) });

const reporting = (action: string, apartMs: number, process: () => OneProcess) =>
  defineHandler({
    action,
    input: z.object({}),
    async run(_, ctx) {
      for (let n = 1; n <= UPDATES; n += 1) {
        if (apartMs > 0) await new Promise<void>((resolve) => void process().clock.after(apartMs, resolve));
        ctx.report((100 * n) / UPDATES, `update ${n}`);
      }
      return { ok: true };
    },
  });

const STORIES = {
  "one job": { action: "noop", jobs: 1 },
  "200 jobs at once": { action: "noop", jobs: TOGETHER },
  "one job with 50 updates over a second": { action: "paced", jobs: 1 },
  "one job with 50 updates at once": { action: "burst", jobs: 1 },
};

export async function countJobs(): Promise<Readonly<Record<string, JobCounts>>> {
  await using streamer: OneProcess = await startOneProcess([
    noop,
    reporting("paced", APART_MS, () => streamer),
    reporting("burst", 0, () => streamer),
  ]);
  const counted: Record<string, JobCounts> = {};
  for (const [name, { action, jobs }] of Object.entries(STORIES)) {
    // The first of a kind prepares statements, and begins what is learned of the action.
    await ask(streamer, action, jobs, `${action} ${jobs} before`);
    streamer.heard();
    const statements = countStatements();
    try {
      await ask(streamer, action, jobs, `${action} ${jobs}`);
      counted[name] = { statements: statements.counts(), messages: byType(streamer.heard()) };
    } finally {
      statements.stop();
    }
  }
  return counted;
}

async function ask(streamer: OneProcess, action: string, jobs: number, id: string): Promise<void> {
  const request = (_: unknown, n: number): ClientMessage<"request"> => ({
    type: "request",
    id: `${id} ${n}`,
    action,
    payload: {},
    options: { mode: "async" },
  });
  streamer.send(Array.from({ length: jobs }, request));
  await streamer.ends(jobs);
}

function byType(messages: readonly { readonly type: string }[]): Counts {
  const types = messages.map(({ type }) => type).toSorted();
  return Object.fromEntries([...new Set(types)].map((type) => [type, types.filter((other) => other === type).length]));
}
