/** Asks for a deed, and tells what is wrong with how that ended. */
import type { Asker } from "@streamer/contract/torture";
import { actionOf, type Deed, type Place } from "../server/hostile.ts";
import { until } from "../deadline.ts";
import { EXPECTED } from "./expected.ts";

/** Of those that never end by themselves. */
const SHORT_MS = 2_000;
const LONG_MS = 120_000;

/** Resolves with nothing when it ended as it should, and at the latest when `signal` aborts. */
export async function askForDeed(
  asker: Asker,
  { place, deed, id, signal }: { readonly place: Place; readonly deed: Deed; readonly id: string; readonly signal: AbortSignal },
): Promise<string | undefined> {
  const options = { mode: "async", timeout_ms: deed === "loop" || deed === "never" ? SHORT_MS : LONG_MS } as const;
  const asked = asker.request({ type: "request", id, action: actionOf(place, deed), payload: {}, options });
  const ending = await Promise.race([asked, until(signal)]);
  if (!ending) return `${id}: it had not ended when time was up`;
  const { message } = ending;
  const told = message.type === "error" ? message.error.code : message.type;
  const expected: readonly string[] = EXPECTED[deed][place];
  if (expected.includes(told)) return undefined;
  return `${id}: it ended with ${JSON.stringify(message).slice(0, 400)} instead of ${expected.join(" or ")}`;
}
