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

interface Entry {
  readonly fingerprint: string;
  /** While it runs: who asked for it first, and who else. */
  readonly asker: string;
  others: Set<string> | undefined;
  /** Once it has ended, with the monotonic ms until which that is remembered. */
  end: AnswerEnd | undefined;
  until: number;
}

export function createAnswers(clock: Pick<Clock, "monotonic">): Answers {
  /** In the order they began, and so about in the order they ended. */
  const entries = new Map<RequestKey, Entry>();
  let length = 0;
  let endings = 0;

  const forget = (key: RequestKey, entry: Entry): void => {
    entries.delete(key);
    length -= lengthOf(entry);
  };

  /** A tenth at once: taking the first of a map out one by one takes ever longer. */
  const makeRoom = (): void => {
    const now = clock.monotonic();
    const most = length > MAX_LENGTH ? 0.9 * MAX_LENGTH : length;
    for (const [key, entry] of entries) {
      if (!entry.end) continue;
      if (length <= most && entry.until > now) return;
      forget(key, entry);
    }
  };

  function read(entry: Entry, { fingerprint, connectionId }: Asked): Exclude<Beginning, { outcome: "begun" }> {
    if (entry.fingerprint !== fingerprint) return { outcome: "conflict" };
    if (!entry.end) {
      (entry.others ??= new Set()).add(connectionId);
      return { outcome: "joined" };
    }
    return entry.end.kind === "answered" ? { outcome: "answered", text: entry.end.text } : { outcome: "durable" };
  }

  const find = (key: RequestKey): Entry | undefined => {
    const entry = entries.get(key);
    if (!entry?.end || entry.until > clock.monotonic()) return entry;
    forget(key, entry);
    return undefined;
  };

  return {
    begin: (key, { fingerprint, connectionId }) => {
      const entry = find(key);
      if (entry) return read(entry, { fingerprint, connectionId });
      entries.set(key, { fingerprint, asker: connectionId, others: undefined, end: undefined, until: Infinity });
      return BEGUN;
    },
    join: (key, asked) => {
      const entry = find(key);
      return entry ? read(entry, asked) : { outcome: "none" };
    },
    end: (key, end) => {
      const entry = entries.get(key);
      if (!entry || entry.end) return [];
      if (end.kind === "forgotten") entries.delete(key);
      else {
        entry.end = end;
        entry.until = clock.monotonic() + REMEMBERED_MS;
        length += lengthOf(entry);
        endings += 1;
        if (length > MAX_LENGTH || endings % LOOK_EVERY === 0) makeRoom();
      }
      return entry.others ? Array.from(new Set([entry.asker, ...entry.others])) : [entry.asker];
    },
  };
}

const BEGUN: Beginning = { outcome: "begun" };

const lengthOf = ({ end, fingerprint }: Entry): number =>
  ENTRY_LENGTH + fingerprint.length + (end?.kind === "answered" ? end.text.length : 0);
