/**
 * What has to be done again and again: tell who waits why, take back what dead runs left (P2), forget what is past
 * retention (P7), and end connections whose token has expired.
 */
import { ERROR_CODES, printMessage, wireError } from "@streamer/protocol";
import { asError, createLoop, type Loop, type Streamer } from "@streamer/core";
import type { EmbeddedEngine } from "../../engine.ts";

/** What is swept. */
export type Swept = Pick<EmbeddedEngine, "clock" | "log" | "walBytes"> & {
  readonly channel: Pick<EmbeddedEngine["channel"], "send" | "close">;
  readonly connections: Pick<EmbeddedEngine["connections"], "all">;
};

export interface Sweep {
  readonly loops: readonly Loop[];
  stop(): void;
}

const TELL_EVERY_MS = 1_000;
const PURGE_EVERY_MS = 5 * 60_000;
/** A socket lives at most 5 s beyond its token. */
const EXPIRE_EVERY_MS = 2_000;
const LOOK_AT_WAL_EVERY_MS = 60_000;
/** Four times the size it is cut back to. */
const LARGE_WAL_BYTES = 268_435_456;
/** Rounds write and send: they may take their time on a slow disk. */
const SHORTEST_BOUND_MS = 60_000;

export function startSweep(engine: Swept, streamer: Streamer, leaseMs: number): Sweep {
  const { clock, log, channel, connections } = engine;
  let isStopped = false;

  const endExpired = async (): Promise<void> => {
    const now = clock.now();
    const expired = Array.from(connections.all).filter(({ expiresAt }) => expiresAt !== undefined && expiresAt <= now);
    const error = wireError("UNAUTHORIZED", "The token has expired. Get a new one, connect again and resume.");
    const ended = await Promise.allSettled(
      expired.map(async ({ connectionId }) => {
        await channel.send(connectionId, { text: printMessage({ type: "error", timestamp: now, error }) });
        await channel.close(connectionId, ERROR_CODES.UNAUTHORIZED.closeCode, "token expired");
        await streamer.disconnect(connectionId);
      }),
    );
    const failed = ended.filter((one) => one.status === "rejected");
    if (failed.length > 0) throw new Error(`${failed.length} of ${ended.length} could not be ended`, { cause: failed[0]!.reason });
  };

  /** What cannot be forgotten is tried again at each round, after all else, and keeps nobody from being served. */
  const purgeAll = async (): Promise<void> => {
    try {
      while (!isStopped && (await streamer.purge()) > 0);
    } catch (error) {
      log.error({ err: asError(error) }, "not all that is past its retention could be forgotten");
    }
  };

  const lookAtWal = (): void => {
    const bytes = engine.walBytes();
    if (bytes < LARGE_WAL_BYTES) return;
    log.warn(
      { wal_bytes: bytes },
      "the write-ahead log grows: a program that reads the database in one long transaction (a backup, an inspection) keeps it from being folded back",
    );
  };

  const every = (everyMs: number, name: string, round: () => unknown): Loop =>
    createLoop({ clock, log, name, round, everyMs, boundMs: Math.max(everyMs, SHORTEST_BOUND_MS) });
  const loops = [
    every(TELL_EVERY_MS, "waits", () => streamer.tellWaits()),
    every(leaseMs / 3, "recover", () => streamer.recover()),
    every(PURGE_EVERY_MS, "purge", purgeAll),
    every(EXPIRE_EVERY_MS, "expire", endExpired),
    every(LOOK_AT_WAL_EVERY_MS, "wal", lookAtWal),
  ];
  return {
    loops,
    stop: () => {
      isStopped = true;
      for (const loop of loops) loop.stop();
    },
  };
}
