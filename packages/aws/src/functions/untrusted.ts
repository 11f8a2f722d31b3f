/**
 * Connections opened by a key that is gone from the key set are ended. Who is connected is gone through only when the set
 * has changed, and for as long after that as a `$connect` may still have had the old one.
 */
import type { Verification } from "@streamer/auth";
import { wireError } from "@streamer/protocol";
import { endConnection } from "./expire.ts";
import type { Runtime } from "./runtime.ts";

/** Where keys come and go. */
export type KeysThatChange = Required<Pick<Verification, "renew" | "holds" | "version">>;

/** More than `connect` keeps a set for, with the time to fetch one. */
const LOOK_FOR_MS = 180_000;
/** All that a token may say, and more. */
const LONGEST_LIFE_MS = 10 * 366 * 86_400_000;
const GONE = wireError("UNAUTHORIZED", "The key that signed the token is trusted no more. Get a new token and connect again.");

export function createEndUntrusted({ engine, streamer }: Pick<Runtime, "engine" | "streamer">, keys: KeysThatChange) {
  const { connections, marks, clock } = engine;

  /** Since when the set is as it is; undefined while it cannot be fetched. */
  async function changedAt(now: number): Promise<number | undefined> {
    await keys.renew();
    const version = keys.version();
    if (version === undefined) return undefined;
    if ((await marks.get("key set")) === version) return marks.get("key set changed");
    await marks.set("key set changed", now);
    await marks.set("key set", version);
    return now;
  }

  async function endUnlessTrusted(connectionId: string): Promise<void> {
    const keyId = await connections.keyOf(connectionId);
    if (keyId !== undefined && !keys.holds(keyId)) await endConnection({ engine, streamer }, connectionId, GONE);
  }

  return async (now: number = clock.now()): Promise<void> => {
    const since = await changedAt(now);
    if (since === undefined || now - since > LOOK_FOR_MS) return;
    for await (const page of connections.expiring(now, now + LONGEST_LIFE_MS))
      await Promise.all(page.map(({ connectionId }) => endUnlessTrusted(connectionId)));
  };
}
