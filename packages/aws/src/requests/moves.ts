/**
 * A change that moves a request on, and what has to follow it. A row that begins to wait is counted before it is written,
 * so that a limit is never exceeded; each try that was not written in the end was counted in vain, and is taken back.
 */
import type { RequestKey } from "@streamer/core";
import type { RequestRow } from "./rows.ts";
import type { Change, Store } from "../dynamodb/store.ts";
import type { Moved, Transitions } from "./transitions.ts";

/** Moved, or changed without moving, or left as it is. */
type Decision<T> = Change<T> | { readonly moved: Moved; readonly answer: T };
export type Move = <T>(key: RequestKey, decide: (row: RequestRow | undefined) => Promise<Decision<T>>) => Promise<T>;

export function createMove(store: Pick<Store, "change">, transitions: Pick<Transitions, "follow" | "undo">): Move {
  return async (key, decide) => {
    const counted: RequestRow[] = [];
    let left: RequestRow | undefined;
    const answer = await store.change(key, async (row) => {
      left = undefined;
      const decision = await decide(row);
      if (!("moved" in decision)) return decision;
      const { moved } = decision;
      left = row;
      if (moved.row.counted && moved.row.counted !== row?.counted) counted.push(moved.row);
      return { next: moved.row, also: moved.also, answer: decision.answer };
    });
    const inVain = left ? counted.slice(0, -1) : counted;
    await Promise.all(inVain.map((row) => transitions.undo(row)));
    if (left) await transitions.follow(left);
    return answer;
  };
}
