/**
 * One deed that nothing in its process survives. The server is started again whenever it has died or says nothing, as
 * whoever watches it would, until the request is a dead letter; what others asked for is not lost.
 */
import { setTimeout as pass } from "node:timers/promises";
import { createAsker } from "@streamer/contract/torture";
import { deadline } from "../deadline.ts";
import { startLoad } from "../load.ts";
import type { Deed } from "../server/hostile.ts";
import { startProcess, type ServerProcess, type StartTerms } from "../server/start.ts";
import type { Outcome, Terms } from "../suite.ts";
import { askForDeed } from "./ask.ts";

const CLIENTS = 3;
/** Without an answer for so long it is taken for dead. */
const SILENT_MS = 5_000;
const START_MS = 10_000;
const LIVES = 20;
const DEADLINE_MS = 180_000;

export async function outlive(
  { random, signal, tell }: Terms,
  { deed, name, start }: { readonly deed: Deed; readonly name: string; readonly start: StartTerms },
): Promise<Outcome> {
  const stop = deadline(DEADLINE_MS, signal);
  let server: ServerProcess | undefined = await startProcess(start);
  const load = startLoad({ ...server, random, clients: CLIENTS, name, mayBeQuarantined: true, signal: stop });
  const asker = createAsker({ ...server, random });
  let lives = 1;
  let hasEnded = false;
  const asked = askForDeed(asker, { place: "inline", deed, id: name, signal: stop }).finally(() => (hasEnded = true));
  while (!hasEnded && !stop.aborted && lives < LIVES) {
    if (server && !server.hasExited && (await answers(server))) {
      await pass(20);
      continue;
    }
    await server?.[Symbol.asyncDispose]();
    // It may die or hang again before it has said that it is there.
    server = await startProcess({ ...start, signal: deadline(START_MS) }).catch(() => undefined);
    lives += 1;
  }
  const wrong = hasEnded ? await asked : `${name}: it was not given up after ${lives} lives`;
  await load.stop();
  const broken = [...(wrong === undefined ? [] : [wrong]), ...(await load.verdict({ isOver: !stop.aborted }))];
  load.close();
  asker.close();
  await server?.[Symbol.asyncDispose]();
  if (load.quarantined.length > 0) tell(`${name}: dead letters beside it, though they did nothing: ${load.quarantined.join(", ")}`);
  const row = { place: `inline, ${deed}`, deeds: 1, lives, others_ended: load.ended, others_quarantined: load.quarantined.length };
  return { figures: [row], broken };
}

const answers = (server: ServerProcess): Promise<boolean> =>
  fetch(new URL("/healthz", server.url.replace("ws", "http")), { signal: deadline(SILENT_MS) }).then(
    ({ ok }) => ok,
    () => false,
  );
