/** Answers of one process: what runs, and for a minute what it was answered. */
import type { AnswerEnd, Answers, Asked, Beginning, Clock, RequestKey } from "@streamer/core";

const REMEMBERED_MS = 60_000;

interface Entry {
  readonly fingerprint: string;
  readonly askers: Set<string>;
  over?: { readonly end: AnswerEnd; readonly until: number };
}

export function createAnswers(clock: Pick<Clock, "monotonic">): Answers & { readonly running: readonly RequestKey[] } {
  const entries = new Map<RequestKey, Entry>();

  const find = (key: RequestKey): Entry | undefined => {
    const entry = entries.get(key);
    return entry?.over && entry.over.until <= clock.monotonic() ? undefined : entry;
  };

  function read({ fingerprint, askers, over }: Entry, asked: Asked): Exclude<Beginning, { outcome: "begun" }> {
    if (fingerprint !== asked.fingerprint) return { outcome: "conflict" };
    if (over) return over.end.kind === "answered" ? { outcome: "answered", text: over.end.text } : { outcome: "durable" };
    askers.add(asked.connectionId);
    return { outcome: "joined" };
  }

  return {
    begin: (key, asked) => {
      const entry = find(key);
      if (entry) return read(entry, asked);
      entries.set(key, { fingerprint: asked.fingerprint, askers: new Set([asked.connectionId]) });
      return { outcome: "begun" };
    },
    join: (key, asked) => {
      const entry = find(key);
      return entry ? read(entry, asked) : { outcome: "none" };
    },
    end: (key, end) => {
      const entry = entries.get(key);
      if (!entry || entry.over) return [];
      if (end.kind === "forgotten") entries.delete(key);
      else entry.over = { end, until: clock.monotonic() + REMEMBERED_MS };
      return Array.from(entry.askers);
    },
    get running() {
      return Array.from(entries).flatMap(([key, { over }]) => (over ? [] : [key]));
    },
  };
}
