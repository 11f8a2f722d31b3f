/**
 * What is answered at once, known to every process: one item for each, beside the counts. Beginning is one conditional
 * update, so of two processes that are asked for one id at once one runs it, and the other leaves its client to that one.
 */
import type { AnswerEnd, Answers, Beginning, Clock, RequestKey } from "@streamer/core";
import type { Items } from "./dynamodb/items.ts";
import { hashOf } from "./dynamodb/keys.ts";

interface AnswerItem {
  readonly fingerprint: string;
  readonly phase: "running" | AnswerEnd["kind"];
  /** Epoch ms: a run that has not ended by then has died; an answer is forgotten then. */
  readonly until: number;
  readonly askers?: ReadonlySet<string>;
  readonly text?: string;
}

const REMEMBERED_MS = 60_000;
/** Larger answers are forgotten: an item holds 400 KB, and each KB of it is paid for ("Constraints in Amazon DynamoDB"). */
const MAX_TEXT_LENGTH = 32_768;
/** Others may end or begin it between two looks. */
const MAX_TRIES = 5;

export function createAnswers(items: Items, clock: Pick<Clock, "now">): Answers {
  const keyOf = (key: RequestKey) => ({ pk: `answer#${hashOf(key)}` });
  const ttlOf = (until: number): number => Math.ceil(until / 1_000) + 60;

  async function look(key: RequestKey, fingerprint: string, connectionId: string): Promise<Beginning | undefined> {
    const item = await items.get<AnswerItem>(keyOf(key));
    if (!item || item.until <= clock.now()) return undefined;
    if (item.fingerprint !== fingerprint) return { outcome: "conflict" };
    if (item.phase === "answered") return { outcome: "answered", text: item.text! };
    if (item.phase === "durable") return { outcome: "durable" };
    const joined = await items.update<AnswerItem>(keyOf(key), {
      set: "ADD askers :asker",
      condition: "#phase = :running AND fingerprint = :fingerprint",
      names: { "#phase": "phase" },
      values: { ":asker": new Set([connectionId]), ":running": "running", ":fingerprint": fingerprint },
    });
    return joined ? { outcome: "joined" } : undefined;
  }

  return {
    begin: async (key, { fingerprint, connectionId, leaseMs }) => {
      for (let tries = 0; tries < MAX_TRIES; tries += 1) {
        const now = Math.round(clock.now());
        const until = now + leaseMs;
        const begun = await items.update(keyOf(key), {
          set: "SET fingerprint = :fingerprint, #phase = :running, #until = :until, askers = :askers, #ttl = :ttl REMOVE #text",
          condition: "attribute_not_exists(pk) OR #until <= :now",
          names: { "#phase": "phase", "#until": "until", "#ttl": "ttl", "#text": "text" },
          values: {
            ":fingerprint": fingerprint,
            ":running": "running",
            ":until": until,
            ":askers": new Set([connectionId]),
            ":ttl": ttlOf(until),
            ":now": now,
          },
        });
        if (begun) return { outcome: "begun" };
        const beginning = await look(key, fingerprint, connectionId);
        if (beginning) return beginning;
      }
      return { outcome: "durable" };
    },
    end: async (key, end) => {
      const now = Math.round(clock.now());
      const kept: AnswerEnd = end.kind === "answered" && end.text.length > MAX_TEXT_LENGTH ? { kind: "forgotten" } : end;
      const until = kept.kind === "forgotten" ? now : now + REMEMBERED_MS;
      const item = await items.update<AnswerItem>(keyOf(key), {
        set: `SET #phase = :phase, #until = :until, #ttl = :ttl${kept.kind === "answered" ? ", #text = :text" : ""}`,
        names: { "#phase": "phase", "#until": "until", "#ttl": "ttl", ...(kept.kind === "answered" && { "#text": "text" }) },
        values: {
          ":phase": kept.kind,
          ":until": until,
          ":ttl": ttlOf(until),
          ...(kept.kind === "answered" && { ":text": kept.text }),
        },
      });
      return Array.from(item?.askers ?? []);
    },
  };
}
