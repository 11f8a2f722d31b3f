/**
 * What time it is for retention: a wall clock that is more than an hour off from where it was is believed once it has
 * stood there for an hour. Until then something is past its retention only by both times, and kept from the later.
 */
import type { Clock } from "@streamer/core";

export interface RetentionClock {
  earliest(): number;
  latest(): number;
}

const HOUR_MS = 3_600_000;

export function createRetentionClock(clock: Clock, lastSeen: number | undefined): RetentionClock {
  const offsetNow = (): number => clock.now() - clock.monotonic();
  let trusted = lastSeen === undefined ? offsetNow() : lastSeen - clock.monotonic();
  let doubted: { readonly offset: number; readonly since: number } | undefined;

  function agreed(): number {
    const offset = offsetNow();
    const isNear = (other: number): boolean => Math.abs(offset - other) <= HOUR_MS;
    if (!isNear(trusted) && (!doubted || !isNear(doubted.offset))) doubted = { offset, since: clock.monotonic() };
    if (isNear(trusted) || clock.monotonic() - doubted!.since >= HOUR_MS) [trusted, doubted] = [offset, undefined];
    return trusted + clock.monotonic();
  }

  return { earliest: () => Math.min(agreed(), clock.now()), latest: () => Math.max(agreed(), clock.now()) };
}
