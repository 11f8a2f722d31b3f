/**
 * Waiting for rows that a client has still to send. A run that waits would hold a worker of all tenants: it waits a moment
 * for a client that is quick, and then ends by `NotYet`. The run that follows only looks whether the channel has ended
 * meanwhile; the longer that takes, the more seldom it is asked, so that a tenth is added to the wait at most.
 */
import { NotYet } from "@streamer/core";
import { unusable } from "../problem.ts";
import { count } from "../progress.ts";
import type { ChannelStore } from "./channel.ts";

// A type, not an interface: only a type alias is assignable to JsonValue.
export type Waiting = {
  /** Appends there were when it was looked at last. */
  readonly appends: number;
  /** Epoch ms: when the newest of them was found, and when the waiting began. */
  readonly heardAt: number;
  readonly since: number;
};

const FIRST_LOOK_MS = 250;
const LOOK_EVERY_MS = 10_000;

export interface WaitTerms {
  readonly streamId: string;
  readonly channel: ChannelStore;
  readonly requestId: string;
  readonly idleMs: number;
  readonly keep: (waiting: Waiting) => Promise<void>;
}

/** Ends the run that waits: another may take its worker, and the channel. Rejects with what the run is to throw. */
export async function waitLater(waiting: Waiting, { streamId, channel, requestId, idleMs, keep }: WaitTerms): Promise<never> {
  const now = Date.now();
  const leftMs = waiting.heardAt + idleMs - now;
  if (leftMs < 0) throw nothingCame(streamId, { came: waiting.appends, of: "appends" }, idleMs);
  await keep(waiting);
  await channel.leave(requestId);
  const inMs = Math.min(LOOK_EVERY_MS, Math.max(FIRST_LOOK_MS, (now - waiting.since) / 10), leftMs + 1);
  throw new NotYet(inMs, `The rows of channel "${streamId}" have not all come yet`);
}

/** Returns once the channel has ended; until then the run ends. What has come makes room for more to be sent. */
export async function lookAgain(waiting: Waiting, terms: WaitTerms): Promise<void> {
  const { appends = 0, bytes = 0, end } = (await terms.channel.look()) ?? {};
  if (end) return;
  if (appends <= waiting.appends) return waitLater(waiting, terms);
  await terms.channel.setRead({ appends, bytes });
  return waitLater({ ...waiting, appends, heardAt: Date.now() }, terms);
}

export function nothingCame(
  streamId: string,
  { came, of }: { readonly came: number; readonly of: "rows" | "appends" },
  idleMs: number,
): Error {
  return unusable(
    `Channel "${streamId}" brought nothing for ${count(idleMs)} ms after ${count(came)} ${of}. Send the rest with append_rows, the last with "end": true, or raise data_source.config.idle_timeout_ms.`,
    { code: "TIMEOUT" },
  );
}
