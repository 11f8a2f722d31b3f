/**
 * Each minute: the net under everything that was to happen by itself, and the look ahead for what happens within the next.
 *
 *   leases that ended without a word   their requests go back to the queue, or end (P2)
 *   waits that end soon                a message in the delay queue each, to the second (P9)
 *   runnable for over a minute         asked for again: a stream record or an invocation was lost; and told why they wait
 *   tokens that run out soon           a message each: a socket lives at most 5 s beyond its token
 *   past retention                     forgotten, files too (P7)
 *   counts                             put right when nothing waits
 */
import type { Context } from "aws-lambda";
import { asError, type AnyHandler } from "@streamer/core";
import { expire } from "../expire.ts";
import { invokeWorkFromEnvironment, type InvokeWork } from "../invoke-work.ts";
import { LOOK_AHEAD_MS } from "../look-ahead.ts";
import { createRuntime, type Runtime } from "../runtime.ts";
import { readEnvironment } from "../settings.ts";
import { LATE_AFTER_MS, MAX_LATE } from "../../requests/waits.ts";

const TERMS = { handBackMs: 5_000, graceMs: 1_000, requireCheckpoint: false } as const;
/** A purge stops in time for the rest. */
const PURGE_RESERVE_MS = 15_000;

export function createSweep({ engine, streamer, invoke, log }: Runtime, invokeWork: InvokeWork) {
  const { requests, connections, delayQueue, limits, clock } = engine;

  async function lookAhead(now: number): Promise<void> {
    const due = await requests.dueBetween(now, now + LOOK_AHEAD_MS);
    await Promise.all(due.map(({ key, runAt }) => delayQueue.send({ kind: "run", key }, runAt - now)));
    const expiring = await connections.expiring(0, now + LOOK_AHEAD_MS);
    await Promise.all(
      expiring.map(({ connectionId, expiresAt }) =>
        expiresAt <= now ? expire({ engine, streamer }, connectionId) : delayQueue.send({ kind: "expire", connectionId }, expiresAt - now),
      ),
    );
  }

  async function askAgain(now: number): Promise<void> {
    const keys = await requests.stale(now - LATE_AFTER_MS, MAX_LATE);
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
        lookAhead: () => lookAhead(now),
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
  createSweep(createRuntime(handlers, readEnvironment(process.env), 0), invokeWorkFromEnvironment());
