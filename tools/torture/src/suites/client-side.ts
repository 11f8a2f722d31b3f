/** The client's half against a server process: what its clients suffer, and what they make of it. */
import { cutEverywhere, cuts, neverReaders, overload, storm, tooFew, type TrialTarget } from "@streamer/contract/torture";
import { connect, type RunEvent } from "@streamer/client";
import type { PartialOptions } from "@streamer/core";
import { startProcess, type ServerProcess } from "../server/start.ts";
import { chainOf } from "../server/work.ts";
import type { Suite, Terms } from "../suite.ts";

const targetOf = ({ url, token }: ServerProcess, action: string): TrialTarget => ({
  url,
  token: async () => token,
  action,
  payload: { n: 1 },
});

const serve = (scratch: string, options?: PartialOptions): Promise<ServerProcess> =>
  startProcess({ dataFolder: scratch, ...(options && { options }) });

/** One session of the TypeScript client, held against what the chain has to be. */
async function sdkSession(url: string, token: string): Promise<readonly string[]> {
  const client = connect(url, { token, reconnect: { baseMs: 5, capMs: 100 } });
  const run = client.request("torture.chain", { n: 1 }, { mode: "async" });
  const events: RunEvent[] = [];
  const reading = (async () => {
    for await (const event of run.events) events.push(event);
  })();
  const result = await run.result.catch((error: unknown) => String(error));
  await reading;
  await client.close();
  const seqs = events.flatMap((event) => ("seq" in event && event.seq !== undefined ? [event.seq] : []));
  const digests = events.flatMap((event) => (event.type === "partial" ? [event.data] : []));
  const wrong = (what: string, is: unknown, expected: unknown): readonly string[] =>
    JSON.stringify(is) === JSON.stringify(expected)
      ? []
      : [`TypeScript client: ${run.id}: ${what}: ${JSON.stringify(is)} instead of ${JSON.stringify(expected)}`];
  return [
    ...wrong("result", result, { n: 1, digest: chainOf(1).at(-1) }),
    ...wrong("partials", digests, chainOf(1)),
    ...wrong(
      "seqs",
      seqs,
      [...new Set(seqs)].toSorted((a, b) => a - b),
    ),
  ];
}

const cutSuite: Suite = {
  name: "cuts",
  fault: "one session's traffic is cut after every byte, in both directions, by reset and by an orderly end",
  unit: "cuts of each client",
  counts: { ci: 300, release: 20_000 },
  limitSeconds: { ci: 180, release: 900 },
  async run({ count, random, scratch, signal, tell }: Terms) {
    await using server = await serve(scratch);
    const terms = { cuts: count, random, signal, tell };
    const bare = await cuts(targetOf(server, "torture.chain"), terms);
    tell("the bare client is through");
    const sdk = await cutEverywhere(server.url, terms, ({ url }) => sdkSession(url, server.token));
    const sdkBroken = [...sdk.results.flat(), ...tooFew(sdk.struck, sdk.plan.length)];
    return {
      figures: [
        ...bare.rows,
        {
          trial: "cuts, TypeScript client",
          requests: sdk.results.length,
          cuts: sdk.struck,
          up_bytes: sdk.bytes.up,
          down_bytes: sdk.bytes.down,
          broken: sdkBroken.length,
        },
      ],
      broken: [...bare.broken, ...sdkBroken],
    };
  },
};

const stormSuite: Suite = {
  name: "storm",
  fault: "every client has a request under way when all are cut off at once",
  unit: "clients",
  counts: { ci: 500, release: 2_000 },
  limitSeconds: { ci: 90, release: 300 },
  async run({ count, random, scratch, signal, tell }: Terms) {
    await using server = await serve(scratch);
    const { rows, broken } = await storm(targetOf(server, "torture.chain"), { clients: count, random, signal, tell });
    return { figures: rows, broken };
  },
};

const neverReaderSuite: Suite = {
  name: "never-readers",
  fault: "one in ten clients never reads its socket",
  unit: "clients",
  counts: { ci: 40, release: 200 },
  limitSeconds: { ci: 180, release: 900 },
  async run({ count, random, scratch, signal, tell }: Terms) {
    await using server = await serve(scratch);
    const before = await server.memoryMiB();
    const { rows, broken } = await neverReaders(targetOf(server, "torture.chain"), { clients: count, random, signal, tell });
    const after = await server.memoryMiB();
    return { figures: rows.map((row) => ({ ...row, memory_before_mib: before, memory_after_mib: after })), broken };
  },
};

const overloadSuite: Suite = {
  name: "overload",
  fault: "three times as much is asked as can be done",
  unit: "seconds",
  counts: { ci: 15, release: 180 },
  limitSeconds: { ci: 180, release: 900 },
  async run({ count, random, scratch, signal, tell }: Terms) {
    await using server = await serve(scratch, { inlineSlots: 4, admission: { queued: 64 } });
    const target = targetOf(server, "torture.work");
    const { rows, broken } = await overload(target, { seconds: count, mustRefuse: true, random, signal, tell });
    return { figures: rows, broken };
  },
};

export const CLIENT_SIDE: readonly Suite[] = [cutSuite, stormSuite, neverReaderSuite, overloadSuite];
