/** One request of `torture.chain` as a client's own user sees it, and what that has to be. */
import type { JsonValue } from "@streamer/protocol";
import { chainOf } from "../server/work.ts";

/** What was heard: every event of the run with its seq, as the client gave it, and how it ended. */
export interface Session {
  readonly id: string;
  readonly result: JsonValue | undefined;
  readonly events: readonly { readonly type: string; readonly seq?: number; readonly data?: JsonValue }[];
}

interface SessionTerms {
  readonly url: string;
  readonly token: string;
  readonly signal: AbortSignal;
}

/** A client of some language or shape. */
export interface Client extends AsyncDisposable {
  readonly name: string;
  /** Sessions at once: one that is a process each has to leave room for others. */
  readonly atOnce: number;
  session(terms: SessionTerms): Promise<Session>;
}

/** Every partial once and in order, seqs that only rise, the right result. */
export function faultsOf(name: string, { id, result, events }: Session): readonly string[] {
  const differs = (what: string, is: unknown, expected: unknown): readonly string[] =>
    JSON.stringify(is) === JSON.stringify(expected)
      ? []
      : [`${name}: ${id}: ${what}: ${JSON.stringify(is)} instead of ${JSON.stringify(expected)}`];
  const seqs = events.flatMap(({ seq }) => (seq === undefined ? [] : [seq]));
  const partials = events.flatMap(({ type, data }) => (type === "partial" ? [data] : []));
  return [
    ...differs("result", result, { n: 1, digest: chainOf(1).at(-1) }),
    ...differs("partials", partials, chainOf(1)),
    ...differs(
      "seqs",
      seqs,
      [...new Set(seqs)].toSorted((a, b) => a - b),
    ),
  ];
}
