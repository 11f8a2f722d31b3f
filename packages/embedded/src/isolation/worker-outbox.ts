/**
 * What a run says, on its way to the parent: in order, and no faster than the parent hears it. What is unheard is
 * bounded by weight. Beyond that, progress merges into one piece of news, log lines wait up to a bound and are then
 * dropped and counted, and calls wait in this process, whose memory is the handler's own.
 *
 *   say ── room ──> posted ──heard, replied──> room
 *     └─ no room ──> waiting ──room──> posted
 */
import type { JsonObject } from "@streamer/protocol";
import { gatherNews, type GatheredNews } from "./worker-values.ts";
import type { Call, FromWorker, LogLine, ProgressNews } from "./worker-messages.ts";

export interface Outbox {
  progress(news: ProgressNews): void;
  log(line: LogLine): void;
  call(call: Call): void;
  /** The parent has dealt with so much. */
  heard(weight: number): void;
  /** Resolves when everything has been posted. */
  emptied(): Promise<void>;
}

/** Small messages, or kilobytes of larger ones, that may be unheard: what one turn of the parent's loop may have to read. */
const ROOM = 256;
const CHARACTERS_PER_WEIGHT = 4_096;
/** Lines that may wait; a burst of more loses the rest. */
const MAX_LINES = 2_000;
const MAX_LINE_LENGTH = 16_384;

type Waiting =
  | { readonly kind: "progress"; readonly gathered: GatheredNews }
  | { readonly kind: "log"; readonly line: LogLine }
  | { readonly kind: "call"; readonly call: Call };

export function createOutbox(run: number, post: (message: FromWorker) => void): Outbox {
  const waiting: Waiting[] = [];
  /** Weight of what was posted and not heard; of calls, until their reply. */
  let unheard = 0;
  let lineCount = 0;
  let droppedCount = 0;
  /** Progress that waits, with no call behind it. */
  let latest: Extract<Waiting, { kind: "progress" }> | undefined;
  let markEmpty: (() => void) | undefined;

  const postNow = (item: Waiting): void => {
    if (item.kind === "call") {
      unheard += callWeight(item.call);
      post({ type: "call", run, ...item.call });
      return;
    }
    const what = item.kind === "log" ? item.line : item.gathered.news;
    const weight = weightOf(JSON.stringify(what).length);
    unheard += weight;
    post(item.kind === "log" ? { type: "log", run, weight, ...item.line } : { type: "progress", run, weight, ...item.gathered.news });
  };

  const say = (item: Waiting): void => {
    if (waiting.length === 0 && unheard < ROOM) postNow(item);
    else waiting.push(item);
  };

  const sayDropped = (): void => {
    if (droppedCount === 0) return;
    const fields: JsonObject = { dropped: droppedCount };
    droppedCount = 0;
    lineCount += 1;
    waiting.push({
      kind: "log",
      line: { level: "warn", fields, message: "log lines were dropped: the handler writes more than its server can" },
    });
  };

  const flush = (): void => {
    while (unheard < ROOM) {
      const item = waiting.shift();
      if (!item) {
        sayDropped();
        if (waiting.length > 0) continue;
        markEmpty?.();
        return;
      }
      if (item === latest) latest = undefined;
      if (item.kind === "log") lineCount -= 1;
      postNow(item);
    }
  };

  return {
    progress: (news) => {
      if (latest) {
        latest.gathered.add(news);
        return;
      }
      const item: Waiting = { kind: "progress", gathered: gatherNews(news) };
      say(item);
      if (waiting.length > 0) latest = item;
    },
    log: (line) => {
      if (lineCount >= MAX_LINES) {
        droppedCount += 1;
        return;
      }
      say({ kind: "log", line: bounded(line) });
      if (waiting.length > 0) lineCount += 1;
    },
    call: (call) => {
      say({ kind: "call", call });
      latest = undefined;
    },
    heard: (weight) => {
      unheard -= weight;
      flush();
    },
    emptied: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      markEmpty = resolve;
      flush();
      return promise;
    },
  };
}

const weightOf = (length: number): number => 1 + Math.floor(length / CHARACTERS_PER_WEIGHT);

export const callWeight = ({ args }: Call): number => weightOf(args.length);

function bounded(line: LogLine): LogLine {
  const message = line.message.slice(0, MAX_LINE_LENGTH);
  const length = JSON.stringify(line.fields).length;
  return length <= MAX_LINE_LENGTH ? { ...line, message } : { ...line, message, fields: { fields_left_out: length } };
}
