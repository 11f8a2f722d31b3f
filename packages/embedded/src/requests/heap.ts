/** A binary heap whose items know their place, so that any of them can be taken out: a cancelled request leaves at once. */
export interface HeapItem {
  /** Kept by the heap the item is in; an item is in one heap at a time. */
  slot: number;
}

export interface Heap<T extends HeapItem> {
  readonly size: number;
  readonly head: T | undefined;
  push(item: T): void;
  pop(): T | undefined;
  remove(item: T): void;
}

export function createHeap<T extends HeapItem>(isBefore: (a: T, b: T) => boolean): Heap<T> {
  const items: T[] = [];
  const put = (item: T, slot: number) => {
    items[slot] = item;
    item.slot = slot;
  };
  const rise = (item: T, from: number) => {
    let slot = from;
    while (slot > 0) {
      const parent = (slot - 1) >> 1;
      if (!isBefore(item, items[parent]!)) break;
      put(items[parent]!, slot);
      slot = parent;
    }
    put(item, slot);
  };
  const sink = (item: T, from: number) => {
    let slot = from;
    for (let child = 2 * slot + 1; child < items.length; child = 2 * slot + 1) {
      if (child + 1 < items.length && isBefore(items[child + 1]!, items[child]!)) child += 1;
      if (!isBefore(items[child]!, item)) break;
      put(items[child]!, slot);
      slot = child;
    }
    put(item, slot);
  };
  const remove = (item: T) => {
    const { slot } = item;
    const last = items.pop()!;
    if (last === item) return;
    if (slot > 0 && isBefore(last, items[(slot - 1) >> 1]!)) rise(last, slot);
    else sink(last, slot);
  };
  return {
    get size() {
      return items.length;
    },
    get head() {
      return items[0];
    },
    push: (item) => rise(item, items.length),
    pop: () => {
      const item = items[0];
      if (item) remove(item);
      return item;
    },
    remove,
  };
}
