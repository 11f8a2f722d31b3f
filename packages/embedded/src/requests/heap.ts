/** A binary heap whose items know their place, so that any of them can be taken out: a cancelled request leaves at once. */
export interface HeapItem {
  /** Kept by the heap the item is in; an item is in one heap at a time. */
  slot: number;
}

export interface Heap<T extends HeapItem> {
  readonly size: number;
  readonly head: T | undefined;
  /** In no order. */
  readonly items: readonly T[];
  push(item: T): void;
  pop(): T | undefined;
  remove(item: T): void;
  /** What `item` is ordered by has changed. */
  moved(item: T): void;
}

export const createHeap = <T extends HeapItem>(isBefore: (a: T, b: T) => boolean): Heap<T> => new BinaryHeap(isBefore);

/** A class, because there are several for each tenant that waits: methods of a closure would be made anew for each. */
class BinaryHeap<T extends HeapItem> implements Heap<T> {
  readonly items: T[] = [];
  readonly #isBefore: (a: T, b: T) => boolean;

  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore;
  }

  get size(): number {
    return this.items.length;
  }

  get head(): T | undefined {
    return this.items[0];
  }

  push(item: T): void {
    this.#rise(item, this.items.length);
  }

  pop(): T | undefined {
    const item = this.items[0];
    if (item) this.remove(item);
    return item;
  }

  remove({ slot }: T): void {
    const last = this.items.pop()!;
    if (slot < this.items.length) this.#place(last, slot);
  }

  moved(item: T): void {
    this.#place(item, item.slot);
  }

  #place(item: T, slot: number): void {
    if (slot > 0 && this.#isBefore(item, this.items[(slot - 1) >> 1]!)) this.#rise(item, slot);
    else this.#sink(item, slot);
  }

  #put(item: T, slot: number): void {
    this.items[slot] = item;
    item.slot = slot;
  }

  #rise(item: T, from: number): void {
    let slot = from;
    while (slot > 0) {
      const parent = (slot - 1) >> 1;
      if (!this.#isBefore(item, this.items[parent]!)) break;
      this.#put(this.items[parent]!, slot);
      slot = parent;
    }
    this.#put(item, slot);
  }

  #sink(item: T, from: number): void {
    const { items } = this;
    let slot = from;
    for (let child = 2 * slot + 1; child < items.length; child = 2 * slot + 1) {
      if (child + 1 < items.length && this.#isBefore(items[child + 1]!, items[child]!)) child += 1;
      if (!this.#isBefore(items[child]!, item)) break;
      this.#put(items[child]!, slot);
      slot = child;
    }
    this.#put(item, slot);
  }
}
