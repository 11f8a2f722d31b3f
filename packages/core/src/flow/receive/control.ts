/** Cancels and redrives requests, with receipts (P8, P9). */
import { boundedText, wireError, type ClientMessage } from "@streamer/protocol";
import { StreamerError } from "../../errors.ts";
import type { Connection } from "../../ports/connections.ts";
import type { Engine } from "../../ports/engine.ts";
import type { EventBody, QueueLimits, RedriveOutcome, RequestRecord, StorageLimits } from "../../ports/requests.ts";
import { requestKey } from "../../rules/identity.ts";
import { cancelledError } from "../../rules/outcome.ts";
import { queueFull } from "../../rules/queue-full.ts";
import { storageFull } from "../../rules/stored-bytes.ts";
import type { Access } from "../access.ts";
import type { Deliver } from "../deliver/deliver.ts";
import type { Following } from "../deliver/following.ts";
import type { Runs } from "../runs/runs.ts";
import { missing } from "./missing.ts";

export interface ControlParts {
  readonly engine: Pick<Engine, "requests" | "clock">;
  readonly access: Access;
  readonly deliver: Deliver;
  readonly following: Following;
  /** A run elsewhere learns of a cancellation by its next write. */
  readonly runs: Pick<Runs, "cancelAnswer" | "cancel">;
  /** Most requests that may wait. */
  readonly limits: QueueLimits & StorageLimits;
}

export interface Control {
  cancel(message: ClientMessage<"cancel">, connection: Connection): Promise<void>;
  retry(message: ClientMessage<"retry">, connection: Connection): Promise<void>;
}

export function createControl({ engine, access, deliver, following, runs, limits }: ControlParts): Control {
  const { requests, clock } = engine;

  async function find({ owner }: Connection, requestId: string): Promise<RequestRecord> {
    const lookup = await requests.get(requestKey(owner, requestId));
    if (lookup.outcome !== "found") throw missing(lookup.outcome, requestId);
    return lookup.record;
  }

  /** Admits another run of a FAILED request as its first was, by whoever asks for it now. */
  async function readmit({ key, requestId, action, status }: RequestRecord, connection: Connection): Promise<void> {
    const handler = access.enter(action, connection);
    if (status !== "FAILED") throw whyNotRetried({ outcome: "not_failed", status }, requestId, { limits, now: clock.now() });
    const payload = await requests.payloadOf(key);
    if (payload === undefined) throw missing("expired", requestId);
    // What it was to ask for was admitted then: only what asks for nothing is to be admitted now.
    await access.admit({ handler, requestId, connection, payload, options: {} });
  }

  return {
    async cancel({ request_id: requestId, reason, ref }, connection) {
      const { connectionId, owner } = connection;
      const key = requestKey(owner, requestId);
      const why = reason === undefined ? {} : { reason };
      const receipt = { type: "cancellation", request_id: requestId, ...why, ...(ref !== undefined && { ref }) } as const;
      if (await runs.cancelAnswer(key, ({ action }) => access.check(action, connection))) {
        await deliver.answer(connectionId, { ...receipt, timestamp: Math.round(clock.now()), stage: "requested" });
        return;
      }
      if (!access.mayUseAll(connection)) access.check((await find(connection, requestId)).action, connection);
      const requested: EventBody = { type: "cancellation", stage: "requested", ...why };
      const error = reason ? wireError("CANCELLED", `The request was cancelled: ${reason}`) : cancelledError;
      const expected = await deliver.expectReceipt(connectionId, key);
      try {
        const outcome = await requests.requestCancel(key, {
          whenWaiting: [requested, { type: "cancellation", stage: "stopped" }, { type: "error", error }],
          whenRunning: [requested],
        });
        switch (outcome.outcome) {
          case "unknown":
          case "expired":
            throw missing(outcome.outcome, requestId);
          case "too_late":
            await deliver.answer(connectionId, { ...receipt, timestamp: Math.round(clock.now()), stage: "too_late" });
            return;
          case "cancelled":
          case "requested": {
            const publish = outcome.outcome === "cancelled" ? deliver.publishLast : deliver.publish;
            await publish(key, outcome.frames);
            // Asked for before, on whatever connection: that is the answer, and no event.
            if (outcome.frames.length === 0)
              await deliver.answer(connectionId, { ...receipt, timestamp: Math.round(clock.now()), stage: "requested" });
            else await expected.send(outcome.frames);
            if (outcome.outcome === "requested") runs.cancel(key);
          }
        }
      } finally {
        expected.close();
      }
    },
    async retry({ request_id: requestId, reason }, connection) {
      const { connectionId, owner, permissions } = connection;
      const key = requestKey(owner, requestId);
      const acknowledgment: EventBody = {
        type: "acknowledgment",
        status: "queued",
        message: boundedText(reason ? `Queued again: ${reason}` : "Queued again", 1_024),
        waiting_for: "queue",
      };
      const record = await find(connection, requestId);
      await readmit(record, connection);
      const leave = await following.enter(connectionId, key);
      let follows: number | false = false;
      try {
        // Before the write, so that nothing the run says can be missed, its end least of all.
        await deliver.hold(connectionId, key, record.seq);
        const outcome = await requests.redrive(key, acknowledgment, { limits, permissions });
        if (outcome.outcome !== "redriven") throw whyNotRetried(outcome, requestId, { limits, now: clock.now() });
        follows = outcome.frames[0]!.seq - 1;
        await deliver.publish(key, outcome.frames);
      } finally {
        await deliver.release(connectionId, key, follows);
        leave();
      }
    },
  };
}

function whyNotRetried(
  outcome: Exclude<RedriveOutcome, { readonly outcome: "redriven" }>,
  requestId: string,
  { limits, now }: { readonly limits: QueueLimits & StorageLimits; readonly now: number },
): StreamerError {
  switch (outcome.outcome) {
    case "unknown":
    case "expired":
      return missing(outcome.outcome, requestId);
    case "refused":
      return queueFull(requestId, outcome.limit, limits[outcome.limit]);
    case "full":
      return storageFull(requestId, outcome, { most: limits, now });
    case "not_failed":
      return new StreamerError("VALIDATION_ERROR", `Request "${requestId}" is ${outcome.status}; only a FAILED request can be retried.`, {
        requestId,
        details: { issues: [{ path: ["request_id"], message: `is ${outcome.status}` }] },
      });
  }
}
