/**
 * Everything that can happen next, in one virtual time. Nothing else moves time, and what is due at the same moment
 * happens in an order that chance draws.
 */
import type { Chance } from "./chance.ts";

interface Entry {
  readonly due: number;
  readonly tie: number;
  action: (() => void) | undefined;
}

export interface Schedule {
  /** Ms since the world began. */
  readonly now: number;
  /** Calls `action` in `ms`. Returns a function that calls it off. */
  after(ms: number, action: () => void): () => void;
  /** Moves time to what is due next, and does it. False when nothing is. */
  step(): boolean;
  /** When the next thing is due. */
  readonly next: number | undefined;
}

export function createSchedule(ties: Chance): Schedule {
  const heap: Entry[] = [];
  let now = 0;
  const isBefore = (a: Entry, b: Entry): boolean => a.due < b.due || (a.due === b.due && a.tie < b.tie);

  const push = (entry: Entry): void => {
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  };

  const pop = (): void => {
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  };

  const first = (): Entry | undefined => {
    while (heap[0] && heap[0].action === undefined) pop();
    return heap[0];
  };

  return {
    get now() {
      return now;
    },
    get next() {
      return first()?.due;
    },
    after(ms, action) {
      const entry: Entry = { due: now + Math.max(0, ms), tie: ties(), action };
      push(entry);
      return () => {
        entry.action = undefined;
      };
    },
    step() {
      const entry = first();
      if (!entry) return false;
      pop();
      now = entry.due;
      entry.action?.();
      return true;
    },
  };
}
