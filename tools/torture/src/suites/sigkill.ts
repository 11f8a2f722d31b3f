/** The server is killed at a random moment, under work of every kind, and started again on the same folder and port. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pass } from "node:timers/promises";
import { createRandom } from "@streamer/contract/random";
import { startLoad } from "../load.ts";
import { fixedPort, startProcess } from "../server/start.ts";
import type { Suite, Terms } from "../suite.ts";

const SERVERS = 2;
const CLIENTS = 6;
/** A server lives so long between two deaths, in ms after it was ready. */
const LIFE_MS = [10, 400] as const;
/** A request may be running at any number of the kills: none of them is its fault. */
const options = { quarantineAfter: 1_000_000 };

export const sigkill: Suite = {
  name: "sigkill",
  fault: "the server is killed with SIGKILL at random moments under load, and started again",
  unit: "kills",
  counts: { ci: 300, release: 2_000 },
  smoke: 10,
  limitSeconds: { ci: 400, release: 2_400 },
  async run(terms) {
    const share = Math.ceil(terms.count / SERVERS);
    const all = await Promise.all(Array.from({ length: SERVERS }, (_, server) => killOne(terms, server, share)));
    const sum = (name: "kills" | "ended"): number => all.reduce((total, one) => total + one[name], 0);
    return { figures: [{ kills: sum("kills"), requests_ended: sum("ended") }], broken: all.flatMap(({ broken }) => broken) };
  },
};

async function killOne({ seed, scratch, signal, tell }: Terms, at: number, share: number) {
  const random = createRandom(seed + at);
  const dataFolder = join(scratch, `server-${at}`);
  await mkdir(dataFolder);
  const port = await fixedPort(random);
  let server = await startProcess({ dataFolder, port, options });
  const load = startLoad({ ...server, random: createRandom(seed - at - 1), clients: CLIENTS, name: `s${at}`, signal });
  let kills = 0;
  for (; kills < share && !signal.aborted; kills += 1) {
    await pass(LIFE_MS[0] + random() * (LIFE_MS[1] - LIFE_MS[0]));
    await server[Symbol.asyncDispose]();
    server = await startProcess({ dataFolder, port, options });
    if (kills % 50 === 49) tell(`server ${at}: ${kills + 1} kills, ${load.ended} requests ended`);
  }
  await load.stop();
  const broken = await load.verdict();
  load.close();
  await server[Symbol.asyncDispose]();
  return { kills, ended: load.ended, broken };
}
