/** From what a handler reported to one progress message: coalesced, merged and bounded. Pure. */
import { asError, StreamerError } from "../errors.ts";
import { boundedText, isJsonObject, type Eta, type JsonObject, type JsonValue, type ProgressUpdate } from "@streamer/protocol";
import type { EventBody } from "../ports/requests.ts";
import { leastJsonLength } from "../json-length.ts";
import { countLinks, MAX_LINKS } from "./blob-links.ts";

/** One call of `ctx.report`. */
export interface Reported {
  readonly percentage: number;
  readonly message?: string;
  readonly stage?: string;
  readonly metadata?: JsonObject;
  /** Epoch ms. */
  readonly timestamp: number;
}

export const MAX_MESSAGE_LENGTH = 1_024;
const MAX_STAGE_LENGTH = 128;
/** Progress travels often: what is larger belongs in a partial or a blob. */
export const MAX_METADATA_BYTES = 16_384;

/** To two decimals: nobody sees more, and a third of 100 would take 18 characters. 100 is kept for what has reached it. */
function shown(percentage: number): number {
  const rounded = Math.round(percentage * 100) / 100;
  return rounded === 100 && percentage < 100 ? 99.99 : rounded;
}

/** What a call of `ctx.report` becomes; a `stage` string in the metadata is the message's stage. */
export function reported(percentage: number, message: string | undefined, metadata: JsonObject | undefined, timestamp: number): Reported {
  // Authors in JavaScript pass what they like: what is no text or no object says nothing.
  const { stage, ...rest } = isJsonObject(metadata) ? metadata : {};
  const named = typeof stage === "string" && stage !== "" ? boundedText(stage, MAX_STAGE_LENGTH) : undefined;
  return {
    percentage: shown(percentage),
    timestamp,
    ...(typeof message === "string" && { message: boundedText(message, MAX_MESSAGE_LENGTH) }),
    ...(named !== undefined && { stage: named }),
    ...(Object.keys(rest).length > 0 && { metadata: rest }),
  };
}

/** Longest name of a stream, as the protocol has it (docs/protocol.md §5.7). */
const MAX_STREAM_LENGTH = 128;

/** A TypeError when partials of this name could not travel. */
export function assertStream(stream: unknown): void {
  if (typeof stream === "string" && stream.length > 0 && stream.length <= MAX_STREAM_LENGTH && stream.isWellFormed()) return;
  const said = typeof stream === "string" ? `one of ${stream.length} characters` : typeof stream;
  throw new TypeError(`The stream of a partial must be named by a well-formed text of 1 to ${MAX_STREAM_LENGTH} characters, not ${said}.`);
}

export interface BatchContent {
  /** Oldest first; at least one. */
  readonly updates: readonly Reported[];
  /** A message carries at most so many of them. */
  readonly maxUpdates: number;
  /** How many came before them and are left out, and the metadata of those. */
  readonly omitted: { readonly count: number; readonly metadata: JsonObject };
  readonly attempt: number;
  readonly shared: ReadonlyMap<string, JsonValue>;
  /** Stage of the last message, for updates that name none. */
  readonly stage: string | undefined;
  readonly eta: Eta | undefined;
  /** When the message is made: epoch ms. */
  readonly timestamp: number;
}

/** A message says when an update was made where that is so long before the message itself, in ms. */
const LONG_AGO_MS = 1_000;
/** What is over before it is read need not be told: nine in ten such runs end sooner, in ms. */
const SHORTEST_ETA_MS = 2_000;

/**
 * The one message of a batch: the newest update, with the metadata of all of them merged, and the newest updates
 * themselves when there were several. `omitted` counts those it has no room for; `refused` says why metadata had to be
 * left out.
 */
export function progressMessage(batch: BatchContent): { readonly body: EventBody; readonly refused?: string } {
  const { updates, maxUpdates, omitted, attempt } = batch;
  const newest = updates.at(-1)!;
  const stage = newest.stage ?? batch.stage;
  const merged: JsonObject = Object.assign(Object.fromEntries(batch.shared), omitted.metadata, ...updates.map(({ metadata }) => metadata));
  let told = updates.length > 1 && maxUpdates > 1 ? updates.slice(-maxUpdates).map((update) => toldAt(update, batch.timestamp)) : [];
  let refused = whyUnsendable([merged, told]);
  while (refused !== undefined && told.length > 0) {
    told = told.length > 3 ? told.slice(told.length / 2) : [];
    refused = whyUnsendable([merged, told]);
  }
  const untold = omitted.count + updates.length - Math.max(1, told.length);
  const eta = batch.eta && batch.eta.p90_ms >= SHORTEST_ETA_MS ? batch.eta : undefined;
  const body: EventBody = {
    type: "progress",
    percentage: newest.percentage,
    attempt,
    ...(newest.message !== undefined && { message: newest.message }),
    ...(stage !== undefined && { stage }),
    ...(refused === undefined && Object.keys(merged).length > 0 && { metadata: merged }),
    ...(eta && { eta }),
    ...(told.length > 0 && { updates: told }),
    ...(untold > 0 && { omitted: untold }),
  };
  return refused === undefined ? { body } : { body, refused };
}

export const NONE_OMITTED: BatchContent["omitted"] = { count: 0, metadata: {} };

function toldAt({ timestamp, ...update }: Reported, now: number): ProgressUpdate {
  return now - timestamp < LONG_AGO_MS ? update : { ...update, timestamp };
}

/** Why metadata cannot travel with progress; undefined when it can. */
export function whyUnsendable(metadata: unknown): string | undefined {
  try {
    const least = leastJsonLength(metadata, MAX_METADATA_BYTES);
    const bytes = least > MAX_METADATA_BYTES ? least : JSON.stringify(metadata).length;
    return bytes <= MAX_METADATA_BYTES ? undefined : `metadata of ${bytes} characters is over the limit of ${MAX_METADATA_BYTES}`;
  } catch (error) {
    return `metadata is not JSON: ${asError(error).message}`;
  }
}

/** The JSON of a value a handler hands over; throws PROCESSING_FAILED that says what is wrong with it. */
export function assertStorable(value: unknown, what: string, maxBytes: number): string {
  const refuse = (problem: string): never => {
    throw new StreamerError("PROCESSING_FAILED", problem);
  };
  let text: string | undefined;
  let least = 0;
  try {
    least = leastJsonLength(value, maxBytes);
    text = least > maxBytes ? "" : JSON.stringify(value);
  } catch (error) {
    refuse(`${what} is not JSON: ${asError(error).message}`);
  }
  if (text === undefined) return refuse(`${what} is not JSON: ${typeof value}`);
  if (least > maxBytes) refuse(tooLong(what, `at least ${least}`, maxBytes));
  if (text.length > maxBytes) refuse(tooLong(what, text.length, maxBytes));
  const links = countLinks(text);
  if (links > MAX_LINKS) refuse(`${what} has ${links} links to files, over the limit of ${MAX_LINKS}; store a file that lists them.`);
  return text;
}

export const tooLong = (what: string, length: number | string, limit: number): string =>
  `${what} has ${length} characters of JSON, over the limit of ${limit}; store it with ctx.blobs.put and keep its url.`;
