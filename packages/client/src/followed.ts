/** The requests a client follows, by id. Several trackers can share one: an idempotency key may lead two to it. */
import type { Tracker } from "./tracker.ts";

export interface Followed extends Iterable<[string, readonly Tracker[]]> {
  of(id: string): readonly Tracker[];
  add(tracker: Tracker): void;
  remove(tracker: Tracker): void;
  /** It turned out to be the request of another id. */
  rename(tracker: Tracker, id: string): void;
}

export function createFollowed(): Followed {
  const trackers = new Map<string, readonly Tracker[]>();
  const of = (id: string): readonly Tracker[] => trackers.get(id) ?? [];
  const add = (tracker: Tracker): void => void trackers.set(tracker.id, [...of(tracker.id), tracker]);
  function remove(tracker: Tracker): void {
    const left = of(tracker.id).filter((other) => other !== tracker);
    if (left.length > 0) trackers.set(tracker.id, left);
    else trackers.delete(tracker.id);
  }
  return {
    of,
    add,
    remove,
    rename(tracker, id) {
      remove(tracker);
      tracker.id = id;
      add(tracker);
    },
    // A copy: what is said to one may end another.
    [Symbol.iterator]: () => [...trackers][Symbol.iterator](),
  };
}
