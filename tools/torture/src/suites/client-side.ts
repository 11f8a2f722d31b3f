/** The client's half against a server process: what its clients suffer, and what they make of it. */
import { cutEverywhere, cuts, neverReaders, overload, storm, tooFew, type TrialTarget } from "@streamer/contract/torture";
import type { PartialOptions } from "@streamer/core";
import { commandLine } from "../clients/command-line.ts";
import { startPython } from "../clients/python.ts";
import { faultsOf } from "../clients/session.ts";
import { typescript } from "../clients/typescript.ts";
import { startProcess, type ServerProcess } from "../server/start.ts";
import type { Row, Suite, Terms } from "../suite.ts";

const targetOf = ({ url, token }: ServerProcess, action: string): TrialTarget => ({
  url,
  token: async () => token,
  action,
  payload: { n: 1 },
});

const serve = (scratch: string, options?: PartialOptions): Promise<ServerProcess> =>
  startProcess({ dataFolder: scratch, ...(options && { options }) });

/** A process for each cut takes its time: what is its own is told by fewer. */
const COMMAND_LINE_CUTS = 200;

const cutSuite: Suite = {
  name: "cuts",
  fault: "one session's traffic is cut after every byte, in both directions, by reset and by an orderly end",
  unit: "cuts of each client",
  counts: { ci: 300, release: 20_000 },
  smoke: 12,
  limitSeconds: { ci: 300, release: 2_400 },
  async run({ count, random, scratch, signal, tell }: Terms) {
    await using server = await serve(scratch);
    await using python = await startPython();
    const terms = { cuts: count, random, signal, tell };
    const bare = await cuts(targetOf(server, "torture.chain"), terms);
    tell("the bare client is through");
    const rows: Row[] = [...bare.rows];
    const broken: string[] = [...bare.broken];
    for (const client of [typescript, python, commandLine]) {
      const { name, atOnce } = client;
      const most = client === commandLine ? Math.min(count, COMMAND_LINE_CUTS) : count;
      const { bytes, plan, struck, results } = await cutEverywhere(server.url, { ...terms, cuts: most, atOnce }, async ({ url }) =>
        faultsOf(name, await client.session({ url, token: server.token, signal })),
      );
      const faults = [...results.flat(), ...tooFew(struck, plan.length)];
      rows.push({
        trial: `cuts, ${name}`,
        requests: results.length,
        cuts: struck,
        up_bytes: bytes.up,
        down_bytes: bytes.down,
        broken: faults.length,
      });
      broken.push(...faults);
      tell(`the ${name} is through`);
    }
    return { figures: rows, broken };
  },
};

const stormSuite: Suite = {
  name: "storm",
  fault: "every client has a request under way when all are cut off at once",
  unit: "clients",
  counts: { ci: 500, release: 2_000 },
  smoke: 60,
  limitSeconds: { ci: 90, release: 300 },
  async run({ count, random, scratch, signal, tell }: Terms) {
    await using server = await serve(scratch);
    const { rows, broken } = await storm(targetOf(server, "torture.chain"), { clients: count, random, signal, tell });
    return { figures: rows, broken };
  },
};

/** 30 MB for each that does not read: far more than is held back for one connection, and than memory differs by anyway. */
const UNREAD = 30;
const UNREAD_CHARACTERS = 1_000_000;
/** The server's hard bound for a connection, and as much again for what is on its way. */
const HELD_MIB = 16;

const neverReaderSuite: Suite = {
  name: "never-readers",
  fault: "one in ten clients never reads its socket",
  unit: "clients",
  counts: { ci: 40, release: 200 },
  limitSeconds: { ci: 400, release: 1_800 },
  async run({ count, random, scratch, signal, tell }: Terms) {
    await using server = await serve(scratch);
    const { rows, broken } = await neverReaders(targetOf(server, "torture.chain"), {
      clients: count,
      unread: { action: "torture.large", payload: { n: 1, characters: UNREAD_CHARACTERS }, times: UNREAD },
      memory: { read: server.memoryMiB, atMostEachMiB: HELD_MIB },
      random,
      signal,
      tell,
    });
    return { figures: rows, broken };
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
