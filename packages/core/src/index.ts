export {
  Fatal,
  NotYet,
  RetryAfter,
  Stopped,
  StreamerError,
  WorkerDied,
  asError,
  describeError,
  isDataLoss,
  isFatal,
  isNotYet,
  isRetryAfter,
  isStopped,
  isStreamerError,
  restoreError,
  type ErrorDescription,
  type StopReason,
} from "./errors.ts";
export * from "./handler.ts";
export type { JsonObject, JsonValue } from "@streamer/protocol";
export { once } from "./once.ts";
export { createLoop, type Loop, type LoopCondition, type LoopParts } from "./loops.ts";
export type * from "./ports/answers.ts";
export type * from "./ports/awaitable.ts";
export * from "./awaitable.ts";
export type * from "./ports/blobs.ts";
export type * from "./ports/channel.ts";
export type * from "./ports/clock.ts";
export type * from "./ports/connections.ts";
export type * from "./ports/engine.ts";
export type * from "./ports/events.ts";
export type * from "./ports/isolation.ts";
export type * from "./ports/log.ts";
export type * from "./ports/requests.ts";
export type * from "./ports/run-times.ts";
export type * from "./ports/subscriptions.ts";
export type * from "./ports/wakeups.ts";
export { DEFAULT_BATCHING, type BatchingOptions } from "./rules/batching.ts";
export { append as appendDurations, noDurations, parseDurations, printDurations, type Durations } from "./rules/durations.ts";
export {
  MAX_PASSED,
  fairOrder,
  hasWaitedLonger,
  isEarlier,
  isMoreUrgent,
  timeAfter,
  turnAfter,
  turnOfNewcomer,
  type Contender,
  type Shares,
} from "./rules/fair-shares.ts";
export { FILE_BYTES, REQUEST_BYTES, storageLimit } from "./rules/stored-bytes.ts";
export { firstClaim, firstEvents } from "./rules/first-claim.ts";
export { blobPrefix, ownerName, requestIdOf, requestKey } from "./rules/identity.ts";
export { LIFECYCLE, type LifecycleVerb } from "./rules/lifecycle.ts";
export { heldBy, isNews, mayBeNews, type Concurrency, type Place, type Told } from "./rules/waiting.ts";
export { delayUntil, type Bucket, type Rate } from "./rules/rate.ts";
export { isRunSeries } from "./rules/run-series.ts";
export { endingOf, progressOf, settledEvents } from "./rules/stored-events.ts";
export { assertStorable, whyUnsendable, MAX_MESSAGE_LENGTH, MAX_METADATA_BYTES } from "./rules/progress.ts";
export { DEFAULT_RETRY, backoffMs, type RetryPolicy } from "./rules/retry.ts";
export { logging, type Admission, type Invocation, type Middleware } from "./middleware.ts";
export { DEFAULT_OPTIONS, resolveOptions, type AdmissionLimits, type PartialOptions, type StreamerOptions } from "./options.ts";
export { VERSION, createStreamer, type Health, type Streamer, type StreamerParts } from "./streamer.ts";
