/** The limits of progress batching; the batcher itself is below. */
export interface BatchingOptions {
  /** A batch waits at most this long, in ms. Default 200. */
  readonly intervalMs: number;
  /** A batch is sent once it holds this many updates. Default 5. */
  readonly maxUpdates: number;
  /** Above this percentage updates are sent almost at once. Default 90. */
  readonly urgentAbove: number;
  /** Above `urgentAbove`, the shortest time between two messages, in ms. Default 20. */
  readonly urgentIntervalMs: number;
}
export const DEFAULT_BATCHING: BatchingOptions = { intervalMs: 200, maxUpdates: 5, urgentAbove: 90, urgentIntervalMs: 20 };
