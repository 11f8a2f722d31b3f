/** How a request for each deed has to end: a result, or the code of a failure. */
import type { Deed, Place } from "../server/hostile.ts";

type End = "complete" | "PROCESSING_FAILED" | "TIMEOUT";
type Ends = Readonly<Record<Place, readonly End[]>>;

const both = (...ends: readonly End[]): Ends => ({ inline: ends, isolated: ends });
const FAILS = both("PROCESSING_FAILED");
/** Beside the sockets a stray error is logged and harms nobody; a process of its own ends with it. */
const STRAY: Ends = { inline: ["complete"], isolated: ["PROCESSING_FAILED"] };

export const EXPECTED: Readonly<Record<Deed, Ends>> = {
  // Inline it never yields: its process is killed until it is a dead letter.
  loop: { inline: ["PROCESSING_FAILED"], isolated: ["TIMEOUT"] },
  exit: FAILS,
  kill: FAILS,
  allocate: FAILS,
  // As the machine gives memory that nobody touches.
  reserve: both("complete", "PROCESSING_FAILED"),
  rejections: STRAY,
  exceptions: STRAY,
  late_exception: both("complete"),
  flood: both("complete"),
  log_flood: both("complete"),
  huge: FAILS,
  huge_partial: FAILS,
  bigint: FAILS,
  circular: FAILS,
  function: FAILS,
  revoked_result: FAILS,
  throws_null: FAILS,
  throws_undefined: FAILS,
  throws_symbol: FAILS,
  throws_trapped: FAILS,
  throws_revoked: FAILS,
  throws_function: FAILS,
  never: both("TIMEOUT"),
};
