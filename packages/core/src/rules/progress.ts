/** From what a handler reported to one progress message: coalesced, merged and bounded. Pure. */
import { asError, StreamerError } from "../errors.ts";
import { boundedText, isJsonObject, type Eta, type JsonObject, type JsonValue, type ProgressUpdate } from "@streamer/protocol";
import type { EventBody } from "../ports/requests.ts";
import { leastJsonLength } from "../json-length.ts";
import { countLinks, MAX_LINKS } from "./blob-links.ts";

export const MAX_MESSAGE_LENGTH = 1_024;
const MAX_STAGE_LENGTH = 128;
/** Progress travels often: what is larger belongs in a partial or a blob. */
export const MAX_METADATA_BYTES = 16_384;

/** To two decimals: nobody sees more, and a third of 100 would take 18 characters. 100 is kept for what has reached it. */
function shown(percentage: number): number {
  const rounded = Math.round(percentage * 100) / 100;
  return rounded === 100 && percentage < 100 ? 99.99 : rounded;
}

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

/** What a call of `ctx.report` becomes; a `stage` string in the metadata is the message's stage. */
export function reported(percentage: number, message: string | undefined, metadata: JsonObject | undefined): ProgressUpdate {
  const update: Writable<ProgressUpdate> = { percentage: shown(percentage) };
  // Authors in JavaScript pass what they like: what is no text or no object says nothing.
  if (typeof message === "string") update.message = boundedText(message, MAX_MESSAGE_LENGTH);
  if (!isJsonObject(metadata)) return update;
  // A copy: the object is the author's, who may go on to write into it.
  const { stage, ...rest } = metadata;
  if (typeof stage === "string" && stage !== "") update.stage = boundedText(stage, MAX_STAGE_LENGTH);
  if (Object.keys(rest).length > 0) update.metadata = rest;
  return update;
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
  readonly updates: readonly ProgressUpdate[];
  /** A message carries at most so many of them. */
  readonly maxUpdates: number;
  /** How many came before them and are left out, and the metadata of those. */
  readonly omitted: { readonly count: number; readonly metadata: JsonObject };
  readonly attempt: number;
  readonly shared: ReadonlyMap<string, JsonValue>;
  /** Stage of the last message, for updates that name none. */
  readonly stage: string | undefined;
  readonly eta: Eta | undefined;
}

/** What is over before it is read need not be told: nine in ten such runs end sooner, in ms. */
const SHORTEST_ETA_MS = 2_000;

type Progress = Extract<EventBody, { readonly type: "progress" }>;

/**
 * The one message of a batch: the newest update, with the metadata of all of them merged, and the newest updates
 * themselves when there were several. `omitted` counts those it has no room for; `refused` says why metadata had to be
 * left out.
 */
export function progressMessage(batch: BatchContent): { readonly body: Progress; readonly refused?: string } {
  const { updates, omitted, attempt, eta } = batch;
  const newest = updates.at(-1)!;
  const stage = newest.stage ?? batch.stage;
  const metadata: JsonObject = Object.assign(Object.fromEntries(batch.shared), omitted.metadata);
  for (const update of updates) Object.assign(metadata, update.metadata);
  const { told, refused } = sendable(batch, metadata);
  const untold = omitted.count + updates.length - Math.max(1, told.length);
  const body: Writable<Progress> = { type: "progress", percentage: newest.percentage, attempt };
  if (newest.message !== undefined) body.message = newest.message;
  if (stage !== undefined) body.stage = stage;
  if (refused === undefined && Object.keys(metadata).length > 0) body.metadata = metadata;
  if (eta && eta.p90_ms >= SHORTEST_ETA_MS) body.eta = eta;
  if (told.length > 0) body.updates = told;
  if (untold > 0) body.omitted = untold;
  return refused === undefined ? { body } : { body, refused };
}

export const NONE_OMITTED: BatchContent["omitted"] = { count: 0, metadata: {} };

/** The newest of the updates that can travel beside the message's metadata; none when that cannot, or when there is one only. */
function sendable(
  { updates, maxUpdates }: BatchContent,
  metadata: JsonObject,
): { readonly told: readonly ProgressUpdate[]; readonly refused: string | undefined } {
  const some = maxUpdates > 1 && updates.length > 1 ? updates.slice(-maxUpdates) : [];
  for (let told = some; ; told = told.length > 3 ? told.slice(told.length / 2) : []) {
    const isShort = told.reduce((sum, update) => sum + mostLength(update), mostLength({ metadata })) <= MAX_METADATA_BYTES;
    const refused = isShort ? undefined : whyUnsendable([metadata, told]);
    if (refused === undefined || told.length === 0) return { told, refused };
  }
}

/** Most characters of an update's JSON beside its percentage, where that is told at a glance; else Infinity. */
function mostLength({ message = "", metadata = {} }: Partial<ProgressUpdate>): number {
  let length = 100 + 6 * message.length;
  for (const key of Object.keys(metadata)) {
    const value = metadata[key];
    if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") return Infinity;
    length += 6 * key.length + 6 * (typeof value === "string" ? value.length : 0) + 30;
  }
  return length;
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
