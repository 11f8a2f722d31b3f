/**
 * What has to be done again and again: tell who waits why, take back what dead runs left (P2), forget what is past retention (P7), and end
 * connections whose token has expired.
 */
import { ERROR_CODES, printMessage, wireError } from "@streamer/protocol";
import { asError, type Streamer } from "@streamer/core";
import type { EmbeddedEngine } from "../../engine.ts";

export interface Sweep {
  stop(): void;
}

const TELL_EVERY_MS = 1_000;
const PURGE_EVERY_MS = 5 * 60_000;
/** A socket lives at most 5 s beyond its token. */
const EXPIRE_EVERY_MS = 2_000;

export function startSweep(engine: EmbeddedEngine, streamer: Streamer, leaseMs: number): Sweep {
  const { clock, log, channel, connections } = engine;
  const cancels = new Map<string, () => void>();
  let isStopped = false;

  /** The next round begins after this one has ended, so that a slow disk never piles them up. */
  const every = (ms: number, name: string, task: () => Promise<unknown>): void => {
    const round = async (): Promise<void> => {
      try {
        await task();
      } catch (error) {
        log.error({ err: asError(error), task: name }, "a sweep failed; it is tried again at the next round");
      }
      if (!isStopped) arm();
    };
    const arm = (): void =>
      void cancels.set(
        name,
        clock.after(ms, () => void round()),
      );
    arm();
  };

  const endExpired = async (): Promise<void> => {
    const now = clock.now();
    const expired = Array.from(connections.all).filter(({ expiresAt }) => expiresAt !== undefined && expiresAt <= now);
    const error = wireError("UNAUTHORIZED", "The token has expired. Get a new one, connect again and resume.");
    for (const { connectionId } of expired) {
      await channel.send(connectionId, { text: printMessage({ type: "error", timestamp: now, error }) });
      await channel.close(connectionId, ERROR_CODES.UNAUTHORIZED.closeCode, "token expired");
      await streamer.disconnect(connectionId);
    }
  };

  const purgeAll = async (): Promise<void> => {
    while (!isStopped && (await streamer.purge()) > 0);
  };

  every(TELL_EVERY_MS, "waits", () => streamer.tellWaits());
  every(leaseMs / 3, "recover", () => streamer.recover());
  every(PURGE_EVERY_MS, "purge", purgeAll);
  every(EXPIRE_EVERY_MS, "expire", endExpired);
  return {
    stop: () => {
      isStopped = true;
      for (const cancel of cancels.values()) cancel();
    },
  };
}
