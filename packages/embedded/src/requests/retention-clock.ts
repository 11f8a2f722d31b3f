/**
 * What time it is for retention, which a wall clock that jumps must neither end early nor never: what is forgotten cannot
 * be had back. The wall clock's advance is compared with the monotonic clock's; when they differ by more than an hour,
 * the time that they agreed on goes on until the new one has stood for an hour. Whether something is past its retention
 * is asked of the earlier of the two, and when it will be of the later. The newest request of an earlier process says
 * what the wall clock was then: a server that starts with a wrong clock forgets nothing in its first hour either.
 */
import type { Clock, Log } from "@streamer/core";

export interface RetentionClock {
  /** What expired before this is past its retention by any account. */
  earliest(): number;
  /** What is to be kept for a while is kept for that long from here. */
  latest(): number;
}

/** Clocks that are slewed, and summer time gone wrong, are below; a machine that slept is above, and only waits. */
const JUMP_MS = 3_600_000;
const STANDS_AFTER_MS = 3_600_000;

type Trust =
  /** `offset`: wall clock less monotonic clock. */
  | { readonly state: "agreed"; readonly offset: number }
  | { readonly state: "doubted"; readonly offset: number; readonly told: number; readonly since: number };

export function createRetentionClock(
  clock: Pick<Clock, "now" | "monotonic">,
  log: Pick<Log, "info" | "warn">,
  lastSeen: number | undefined,
): RetentionClock {
  const told = (): number => clock.now() - clock.monotonic();
  const isNear = (a: number, b: number): boolean => Math.abs(a - b) <= JUMP_MS;
  let trust: Trust = { state: "agreed", offset: lastSeen === undefined ? told() : lastSeen - clock.monotonic() };

  const look = (): number => {
    const offset = told();
    if (isNear(offset, trust.offset)) {
      if (trust.state === "doubted") log.info({}, "the wall clock is where it was before it jumped");
      trust = { state: "agreed", offset };
    } else if (trust.state === "agreed" || !isNear(offset, trust.told)) {
      const by = Math.round(offset - trust.offset);
      log.warn({ by_ms: by }, "the wall clock is not where it should be; nothing is forgotten by it until it has stood for an hour");
      trust = { state: "doubted", offset: trust.offset, told: offset, since: clock.monotonic() };
    } else if (clock.monotonic() - trust.since >= STANDS_AFTER_MS) {
      log.warn(
        { by_ms: Math.round(offset - trust.offset) },
        "the wall clock has stood where it jumped to; retention goes by it from now on",
      );
      trust = { state: "agreed", offset };
    }
    return trust.offset + clock.monotonic();
  };

  return {
    earliest: () => Math.min(look(), clock.now()),
    latest: () => Math.max(look(), clock.now()),
  };
}
