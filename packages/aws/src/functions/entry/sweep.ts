/**
 * Each minute: the net under everything that was to happen by itself, and the look ahead for what happens within the next.
 *
 *   leases that ended without a word   their requests go back to the queue, or end (P2)
 *   ends that nobody is known to tell  told to who follows still: their process died, or was refused
 *   waits that end soon                a message in the delay queue for each that has none, to the second (P9)
 *   runnable for over a minute         asked for again: a stream record or an invocation was lost; and told why they wait
 *   tokens that run out soon           a message each: a socket lives at most 5 s beyond its token
 *   keys that are trusted no more      what they opened is ended
 *   past retention                     forgotten, files too (P7)
 *   counts                             put right when nothing waits
 */
import type { Context } from "aws-lambda";
import { asError, type AnyHandler } from "@streamer/core";
import { trust } from "@streamer/auth";
import { systemClock } from "../../clock.ts";
import { createLog } from "../../log.ts";
import { expire } from "../expire.ts";
import { invokeWorkFromEnvironment, type InvokeWork } from "../invoke-work.ts";
import { LOOK_AHEAD_MS } from "../look-ahead.ts";
import { createRuntime, type Runtime } from "../runtime.ts";
import { readEnvironment, VARIABLES } from "../settings.ts";
import { tellEnds } from "../tell-ends.ts";
import { createEndUntrusted, type KeysThatChange } from "../untrusted.ts";
import { LATE_AFTER_MS, MAX_LATE } from "../../requests/waits.ts";

const TERMS = { handBackMs: 5_000, graceMs: 1_000, requireCheckpoint: false } as const;
/** Ends of each shard that are told in one sweep. */
const MAX_UNTOLD = 100;
/** A purge stops in time for the rest. */
const PURGE_RESERVE_MS = 15_000;

/** `trusted`: the keys, where they come and go. */
export function createSweep({ engine, streamer, invoke, log }: Runtime, invokeWork: InvokeWork, trusted?: KeysThatChange) {
  const { requests, connections, delayQueue, limits, marks, clock } = engine;
  const late = requests.late();
  const endUntrusted = trusted && createEndUntrusted({ engine, streamer }, trusted);

  /** What this sweep looks ahead to, no other has or will: so each wait has one message. */
  async function lookAhead(now: number, name: string, look: (from: number, to: number) => Promise<void>): Promise<void> {
    const to = now + LOOK_AHEAD_MS;
    const reached = (await marks.get(name)) ?? now;
    // Later than can be: a clock was wrong. Before now: what should have been is seen to by others.
    const from = reached > to ? now : Math.max(reached, now);
    if (from >= to) return;
    await look(from, to);
    await marks.set(name, to);
  }

  const wakeWaits = (now: number): Promise<void> =>
    lookAhead(now, "waits", async (from, to) => {
      for await (const due of requests.dueBetween(from, to)) {
        await Promise.all(due.map(({ key, runAt }) => delayQueue.send({ kind: "run", key }, runAt - now)));
      }
    });

  async function endConnections(now: number): Promise<void> {
    for await (const page of connections.expiring(0, now)) {
      await Promise.all(page.map(({ connectionId }) => expire({ engine, streamer }, connectionId)));
    }
    await lookAhead(now, "tokens", async (from, to) => {
      for await (const page of connections.expiring(from, to)) {
        await Promise.all(page.map(({ connectionId, expiresAt }) => delayQueue.send({ kind: "expire", connectionId }, expiresAt - now)));
      }
    });
  }

  async function askAgain(now: number): Promise<void> {
    const keys = await late(now - LATE_AFTER_MS, MAX_LATE);
    await Promise.all(keys.map((key) => invokeWork({ key })));
  }

  async function purge(context: Context): Promise<void> {
    while (context.getRemainingTimeInMillis() > PURGE_RESERVE_MS && (await streamer.purge()) > 0);
  }

  async function reconcile(now: number): Promise<void> {
    if (!(await requests.hasWaiting())) await limits.reconcile(now);
  }

  return (_event: unknown, context: Context): Promise<void> =>
    invoke(context, TERMS, async () => {
      const now = clock.now();
      const tasks: Readonly<Record<string, () => Promise<void>>> = {
        recover: () => streamer.recover(),
        tellEnds: async () => tellEnds({ engine, streamer, log }, await requests.untold(MAX_UNTOLD)),
        wakeWaits: () => wakeWaits(now),
        endConnections: () => endConnections(now),
        ...(endUntrusted && { endUntrusted: () => endUntrusted(now) }),
        askAgain: () => askAgain(now),
        tellWaits: () => streamer.tellWaits(),
        purge: () => purge(context),
        reconcile: () => reconcile(now),
      };
      const failed: string[] = [];
      for (const [task, run] of Object.entries(tasks)) {
        // One that fails holds up none of the others.
        await run().catch((error: unknown) => {
          failed.push(task);
          log.error({ err: asError(error), task }, "a part of the sweep failed; the next sweep tries again");
        });
      }
      if (failed.length > 0) throw new Error(`Parts of the sweep failed: ${failed.join(", ")}.`);
    });
}

export const createHandler = (handlers: readonly AnyHandler[]) =>
  createSweep(
    createRuntime(handlers, readEnvironment(process.env), { takesQueued: false }),
    invokeWorkFromEnvironment(),
    keysThatChange(process.env[VARIABLES.jwks]),
  );

/** A public key alone changes with its deployment. */
function keysThatChange(jwks: string | undefined): KeysThatChange | undefined {
  if (!jwks) return undefined;
  const { renew, holds, version } = trust(
    { jwks },
    { clock: systemClock, log: createLog("info", (line) => void process.stdout.write(line)) },
  );
  return renew && holds && version && { renew, holds, version };
}
