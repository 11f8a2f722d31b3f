/**
 * Answers in memory, for the reason connections are: a run that was not made durable cannot outlive this process. The
 * memory is bounded in bytes and in time: the oldest answer makes way.
 */
import type { AnswerEnd, Answers, Asked, Beginning, Clock, RequestKey } from "@streamer/core";

/** How long an answer is remembered: several reconnects of a client on a bad network. */
const REMEMBERED_MS = 60_000;
/** Of all remembered answers, in UTF-16 code units. */
const MAX_LENGTH = 16 * 1_048_576;
/** What an entry weighs beside its text. */
const ENTRY_LENGTH = 512;
/** What is too old is looked for after as many answers. */
const LOOK_EVERY = 256;

type Entry =
  | { readonly phase: "running"; readonly fingerprint: string; readonly askers: Set<string> }
  | { readonly phase: "ended"; readonly fingerprint: string; readonly end: AnswerEnd; readonly until: number };

export function createAnswers(clock: Pick<Clock, "monotonic">): Answers {
  const running = new Map<RequestKey, Entry & { readonly phase: "running" }>();
  /** In the order they ended. */
  const ended = new Map<RequestKey, Entry & { readonly phase: "ended" }>();
  let length = 0;
  let endings = 0;

  const lengthOf = ({ end, fingerprint }: Entry & { readonly phase: "ended" }): number =>
    ENTRY_LENGTH + fingerprint.length + (end.kind === "answered" ? end.text.length : 0);

  const forget = (key: RequestKey, entry: Entry & { readonly phase: "ended" }): void => {
    ended.delete(key);
    length -= lengthOf(entry);
  };

  /** A tenth at once: taking the first of a map out one by one takes ever longer. */
  const makeRoom = (): void => {
    const now = clock.monotonic();
    const most = length > MAX_LENGTH ? 0.9 * MAX_LENGTH : length;
    for (const [key, entry] of ended) {
      if (length <= most && entry.until > now) return;
      forget(key, entry);
    }
  };

  function read(entry: Entry, { fingerprint, connectionId }: Asked): Exclude<Beginning, { outcome: "begun" }> {
    if (entry.fingerprint !== fingerprint) return { outcome: "conflict" };
    if (entry.phase === "running") {
      entry.askers.add(connectionId);
      return { outcome: "joined" };
    }
    return entry.end.kind === "answered" ? { outcome: "answered", text: entry.end.text } : { outcome: "durable" };
  }

  const find = (key: RequestKey): Entry | undefined => {
    const entry = running.get(key) ?? ended.get(key);
    return entry?.phase === "ended" && entry.until <= clock.monotonic() ? undefined : entry;
  };

  return {
    begin: (key, { fingerprint, connectionId }) => {
      const entry = find(key);
      if (entry) return read(entry, { fingerprint, connectionId });
      running.set(key, { phase: "running", fingerprint, askers: new Set([connectionId]) });
      return { outcome: "begun" };
    },
    join: (key, asked) => {
      const entry = find(key);
      return entry ? read(entry, asked) : { outcome: "none" };
    },
    end: (key, end) => {
      const entry = running.get(key);
      if (!entry) return [];
      running.delete(key);
      if (end.kind !== "forgotten") {
        const over = { phase: "ended", fingerprint: entry.fingerprint, end, until: clock.monotonic() + REMEMBERED_MS } as const;
        const stale = ended.get(key);
        if (stale) forget(key, stale);
        ended.set(key, over);
        length += lengthOf(over);
        endings += 1;
        if (length > MAX_LENGTH || endings % LOOK_EVERY === 0) makeRoom();
      }
      return Array.from(entry.askers);
    },
  };
}
