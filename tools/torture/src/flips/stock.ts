/** Requests of every kind and state, left in a data folder: what is then damaged, and asked for. */
import { setTimeout as pass } from "node:timers/promises";
import { createAsker, type Asker } from "@streamer/contract/torture";
import type { ClientMessage } from "@streamer/protocol";

/** Payloads fill pages of their own; handlers look at `n` alone. */
const PADDING = "payload ".repeat(200);
/** Not due before its server is gone. */
const DELAY_MS = 6_000;
const TIMED_OUT_MS = 120_000;

type State = "ended" | "failed" | "due" | "endless";

export interface Stocked {
  readonly id: string;
  readonly n: number;
  readonly frame: ClientMessage<"request"> & { readonly id: string };
  readonly state: State;
}

const KINDS: readonly (readonly [action: string, state: State, count: number, options?: object])[] = [
  ["torture.chain", "ended", 3],
  ["torture.large", "ended", 2],
  ["torture.file", "ended", 2],
  ["torture.big_file", "ended", 1],
  ["torture.mendable", "failed", 2],
  ["torture.endless", "endless", 1],
  ["torture.chain", "due", 2, { delay_ms: DELAY_MS }],
];

/** Asks for all of them, and resolves when they are in the states they are to be found in. */
export async function stock(server: { readonly url: string; readonly token: string }, signal: AbortSignal): Promise<readonly Stocked[]> {
  const asker = createAsker(server);
  await asker.ready;
  const all = KINDS.flatMap(([action, state, count, options]) =>
    Array.from({ length: count }, (_, at): Stocked => {
      const n = 100 * KINDS.findIndex((kind) => kind[0] === action && kind[1] === state) + at;
      const id = `${action.slice("torture.".length)}-${state}-${at}`;
      const wanted = { mode: "async", idempotency_key: `key-${id}`, ...options } as const;
      const payload = { n, padding: PADDING };
      return { id, n, state, frame: { type: "request", id, action, payload, metadata: { page: `of ${id}` }, options: wanted } };
    }),
  );
  await Promise.all(
    all.map(({ frame, state }) => (state === "ended" || state === "failed" ? asker.request(frame) : accepted(asker, frame, signal))),
  );
  // Commits that nobody asks for: the last one in a log cannot be told from one that a power cut tore.
  for (let last = 0; last < 3; last += 1) {
    await asker.request({ type: "request", id: `last-${last}`, action: "torture.chain", payload: { n: last }, options: { mode: "async" } });
  }
  asker.close();
  return all;
}

async function accepted(asker: Asker, frame: Stocked["frame"], signal: AbortSignal): Promise<void> {
  asker.send(frame);
  const isAccepted = (): boolean =>
    asker.tape.some((entry) => entry.what === "heard" && entry.message.type === "acknowledgment" && entry.message.request_id === frame.id);
  for (const from = performance.now(); !isAccepted(); await pass(5)) {
    if (signal.aborted || performance.now() - from > TIMED_OUT_MS) throw new Error(`${frame.id} was not accepted`);
  }
}
