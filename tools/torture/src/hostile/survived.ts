/** One server, which lives through every deed that can be survived; everybody else is served meanwhile. */
import { createAsker } from "@streamer/contract/torture";
import { deadline } from "../deadline.ts";
import { startLoad } from "../load.ts";
import type { Deed, Place } from "../server/hostile.ts";
import { startProcess, type StartTerms } from "../server/start.ts";
import type { Outcome, Terms } from "../suite.ts";
import { askForDeed } from "./ask.ts";
import { startProbes } from "./probes.ts";

const CLIENTS = 3;
/** For one round of all deeds, and as much for the end. */
const ROUND_MS = 150_000;

export async function survive(
  { count, random, signal, tell }: Terms,
  { place, deeds, start }: { readonly place: Place; readonly deeds: readonly Deed[]; readonly start: StartTerms },
): Promise<Outcome> {
  await using server = await startProcess(start);
  const died = new AbortController();
  void server.exited.then(() => died.abort());
  const stop = deadline(ROUND_MS * (count + 1), signal, died.signal);
  const load = startLoad({ ...server, random, clients: CLIENTS, name: place, signal: stop });
  const asker = createAsker({ ...server, random });
  const probes = startProbes(server, stop);
  const broken: string[] = [];
  for (let round = 0; round < count && !stop.aborted; round += 1) {
    const asked = deeds.map((deed) => askForDeed(asker, { place, deed, id: `${place}-${deed}-${round}`, signal: stop }));
    broken.push(...(await Promise.all(asked)).filter((text) => text !== undefined));
    tell(`${place}: round ${round + 1} of ${deeds.length} deeds, ${load.ended} others ended`);
  }
  const probed = await probes.stop();
  await load.stop();
  if (server.hasExited) broken.push(`${place}: the server died`);
  broken.push(...(await load.verdict({ isSteady: true, isOver: !stop.aborted })));
  load.close();
  asker.close();
  if (broken.length > 0) broken.push(`${place}: its log ends: ${server.log.slice(-2_000)}`);
  return {
    figures: [{ place, deeds: deeds.length * count, lives: 1, others_ended: load.ended, others_quarantined: 0, ...probed }],
    broken,
  };
}
