/** An engine that keeps in memory what is asked for answers at once: what is answered at once should not wait for a turn. */
export type Awaitable<T> = T | Promise<T>;
