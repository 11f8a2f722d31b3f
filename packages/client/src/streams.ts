/**
 * The two kinds of async iterables a run offers. `latest` keeps one value and gives a slow reader the newest; a
 * `recording` keeps everything from its creation on, for one reader, and is forgotten when that reader leaves.
 */
export interface Latest<T> extends AsyncIterable<T> {
  push(value: T): void;
  end(): void;
}

export function createLatest<T>(): Latest<T> {
  let current: { readonly value: T } | undefined;
  let ended = false;
  let changed = Promise.withResolvers<void>();
  const wake = (): void => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  return {
    push(value) {
      current = { value };
      wake();
    },
    end() {
      ended = true;
      wake();
    },
    async *[Symbol.asyncIterator]() {
      let seen: typeof current;
      for (;;) {
        if (current && current !== seen) {
          seen = current;
          yield current.value;
        } else if (ended) return;
        else await changed.promise;
      }
    },
  };
}

export interface Recording<T> extends AsyncIterable<T> {
  readonly push: (value: T) => void;
  readonly end: () => void;
}

export function createRecording<T>(onLeave: () => void): Recording<T> {
  let unread: T[] = [];
  let ended = false;
  let wake: (() => void) | undefined;
  return {
    push(value) {
      unread.push(value);
      wake?.();
    },
    end() {
      ended = true;
      wake?.();
    },
    async *[Symbol.asyncIterator]() {
      try {
        for (;;) {
          const batch = unread;
          unread = [];
          yield* batch;
          if (unread.length > 0) continue;
          if (ended) return;
          await new Promise<void>((resolve) => (wake = resolve));
        }
      } finally {
        onLeave();
      }
    },
  };
}
