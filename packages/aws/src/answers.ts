/**
 * What is answered at once, known to every process: one item for each, beside the counts. Beginning is one conditional
 * update, so of two processes that are asked for one id at once one runs it, and the other leaves its client to that one.
 *
 *   nothing ──begin──> running ──end──> answered, durable ──a minute──> forgotten
 *                      running ──its time is over: its process died──> begun again, its askers kept; or, when nobody asks
 *                                anew, abandoned: whoever joined it is told to
 *
 * An item names the run that made it. By that name a lost answer to `begin` is recognised as one's own, and a run that
 * comes back from the dead changes nothing of the run that took its place.
 */
import { StreamerError, type AnswerEnd, type Answers, type Asked, type Beginning, type Clock, type RequestKey } from "@streamer/core";
import type { Items } from "./dynamodb/items.ts";
import { hashOf } from "./dynamodb/keys.ts";

interface AnswerItem {
  readonly fingerprint: string;
  readonly run: string;
  readonly phase: "running" | AnswerEnd["kind"];
  /** Epoch ms: a run that has not ended by then has died; an answer is forgotten then. */
  readonly until: number;
  readonly askers?: ReadonlySet<string>;
  readonly text?: string;
}
type Asking = Asked & { readonly leaseMs: number };

const REMEMBERED_MS = 60_000;
/** Larger answers are forgotten: each KB of an item is paid for, twice ("Read/write capacity", DynamoDB Developer Guide). */
const MAX_TEXT_BYTES = 32_768;
/** Connections that one run answers: an item holds 400 KB ("Constraints in Amazon DynamoDB"). */
const MAX_ASKERS = 1_000;
/** Others may end or begin it between two looks. */
const MAX_TRIES = 5;
const TRY_AGAIN_MS = 1_000;
/** DynamoDB may delete an item this long after it means nothing any more. */
const TTL_MARGIN_MS = 60_000;

const NAMES = { "#phase": "phase", "#until": "until", "#ttl": "ttl" } as const;
/** Nobody runs it, and what is remembered is too old. */
const IS_FREE = "attribute_not_exists(pk) OR (#until <= :now AND #phase <> :running)";

/** Each KB of an item is paid for: a fingerprint is kept as its hash. */
const briefly = <T extends Asked>(asked: T): T => ({ ...asked, fingerprint: hashOf(asked.fingerprint) });

const busy = (): StreamerError =>
  new StreamerError("STORAGE_ERROR", "Too many ask for this id at once; whether it runs is not known. Send it again.", {
    afterMs: TRY_AGAIN_MS,
  });

export interface StoredAnswers extends Answers {
  /** Whom a run that has died leaves without an answer: they are to ask again. Looked at later when it may still live. */
  abandoned(key: RequestKey): Promise<readonly string[]>;
}

export interface AnswersParts {
  readonly items: Items;
  readonly clock: Pick<Clock, "now">;
  readonly makeId: () => string;
  /** Has somebody look, later, whether the run is abandoned. */
  readonly lookLater: (key: RequestKey, delayMs: number) => Promise<void>;
}

export function createAnswers({ items, clock, makeId, lookLater }: AnswersParts): StoredAnswers {
  /** Runs that this process has begun, and for whom. */
  const begun = new Map<RequestKey, { readonly run: string; readonly connectionId: string; readonly until: number }>();
  const keyOf = (key: RequestKey) => ({ pk: `answer#${hashOf(key)}` });
  const ttlOf = (until: number): number => Math.ceil((until + TTL_MARGIN_MS) / 1_000);

  async function start(key: RequestKey, asking: Asking, run: string, from: AnswerItem | undefined): Promise<boolean> {
    const now = Math.round(clock.now());
    const until = now + asking.leaseMs;
    // Who asked the dead run the same is answered by this one.
    const keepsAskers = from?.fingerprint === asking.fingerprint;
    const askers = keepsAskers ? "ADD askers :askers" : ", askers = :askers";
    const item = await items.update(keyOf(key), {
      set: `SET fingerprint = :fingerprint, #run = :run, #phase = :running, #until = :until, #ttl = :ttl ${askers} REMOVE #text`,
      condition: from ? "#run = :dead AND #until <= :now AND #phase = :running" : IS_FREE,
      names: { ...NAMES, "#run": "run", "#text": "text" },
      values: {
        ":fingerprint": asking.fingerprint,
        ":run": run,
        ":running": "running",
        ":until": until,
        ":ttl": ttlOf(until),
        ":now": now,
        ":askers": new Set([asking.connectionId]),
        ...(from && { ":dead": from.run }),
      },
    });
    return item !== undefined;
  }

  async function join(key: RequestKey, { connectionId }: Asked, item: AnswerItem): Promise<{ readonly outcome: "joined" } | undefined> {
    if ((item.askers?.size ?? 0) >= MAX_ASKERS && !item.askers?.has(connectionId)) {
      throw new StreamerError("RATE_LIMITED", `${MAX_ASKERS} connections wait for this answer, the limit; ask again once it is there.`, {
        afterMs: TRY_AGAIN_MS,
      });
    }
    const joined = await items.update<AnswerItem>(keyOf(key), {
      set: "ADD askers :asker",
      condition: "#phase = :running AND #run = :run",
      names: { "#phase": "phase", "#run": "run" },
      values: { ":asker": new Set([connectionId]), ":running": "running", ":run": item.run },
    });
    if (!joined) return undefined;
    // The one that runs it is answered for by API Gateway, should it die; who joined hears of nobody.
    await lookLater(key, item.until - clock.now());
    return { outcome: "joined" };
  }

  /** What there is of it; undefined when that has changed meanwhile. */
  async function look(key: RequestKey, asking: Asking, run: string): Promise<Beginning | undefined> {
    const item = await items.get<AnswerItem>(keyOf(key));
    if (!item) return undefined;
    // This very call wrote it, and the answer to that was lost.
    if (item.run === run) return { outcome: "begun" };
    if (item.until <= clock.now()) {
      return item.phase === "running" && (await start(key, asking, run, item)) ? { outcome: "begun" } : undefined;
    }
    return read(key, asking, item);
  }

  /** What an item that is not over says to who asks; undefined when it has changed meanwhile. */
  async function read(key: RequestKey, asked: Asked, item: AnswerItem): Promise<Exclude<Beginning, { outcome: "begun" }> | undefined> {
    if (item.fingerprint !== asked.fingerprint) return { outcome: "conflict" };
    if (item.phase === "answered") return { outcome: "answered", text: item.text! };
    return item.phase === "durable" ? { outcome: "durable" } : join(key, asked, item);
  }

  function note(key: RequestKey, run: string, { connectionId, leaseMs }: Asking): void {
    const now = clock.now();
    // Those of an invocation that failed are never ended.
    for (const [other, { until }] of begun) if (until <= now) begun.delete(other);
    begun.set(key, { run, connectionId, until: now + leaseMs });
  }

  /** Its record is another's, or gone with its time: whom it was begun for is still its to answer, unless the other does. */
  async function askersWithoutRecord(key: RequestKey, connectionId: string): Promise<readonly string[]> {
    const item = await items.get<AnswerItem>(keyOf(key));
    return item?.askers?.has(connectionId) ? [] : [connectionId];
  }

  return {
    begin: async (key, asked) => {
      const asking = briefly(asked);
      const run = makeId();
      for (let tries = 0; tries < MAX_TRIES; tries += 1) {
        const beginning = (await start(key, asking, run, undefined)) ? ({ outcome: "begun" } as const) : await look(key, asking, run);
        if (!beginning) continue;
        if (beginning.outcome === "begun") note(key, run, asking);
        return beginning;
      }
      throw busy();
    },
    join: async (key, asking) => {
      const asked = briefly(asking);
      for (let tries = 0; tries < MAX_TRIES; tries += 1) {
        const item = await items.get<AnswerItem>(keyOf(key));
        if (!item || item.until <= clock.now()) return { outcome: "none" };
        const there = await read(key, asked, item);
        if (there) return there;
      }
      throw busy();
    },
    abandoned: async (key) => {
      const item = await items.get<AnswerItem>(keyOf(key));
      if (item?.phase !== "running") return [];
      const now = Math.round(clock.now());
      if (item.until > now) {
        await lookLater(key, item.until - now);
        return [];
      }
      const forgotten = await items.update<AnswerItem>(keyOf(key), {
        set: "SET #phase = :forgotten",
        condition: "#run = :run AND #phase = :running",
        names: { "#phase": "phase", "#run": "run" },
        values: { ":forgotten": "forgotten", ":running": "running", ":run": item.run },
      });
      return Array.from(forgotten?.askers ?? []);
    },
    end: async (key, end) => {
      const mine = begun.get(key);
      if (!mine) return [];
      begun.delete(key);
      const isTooLarge = end.kind === "answered" && Buffer.byteLength(end.text) > MAX_TEXT_BYTES;
      const kept: AnswerEnd = isTooLarge ? { kind: "forgotten" } : end;
      const now = Math.round(clock.now());
      const until = kept.kind === "forgotten" ? now : now + REMEMBERED_MS;
      const item = await items.update<AnswerItem>(keyOf(key), {
        set: `SET #phase = :phase, #until = :until, #ttl = :ttl${kept.kind === "answered" ? ", #text = :text" : ""}`,
        condition: "#run = :run",
        names: { ...NAMES, "#run": "run", ...(kept.kind === "answered" && { "#text": "text" }) },
        values: {
          ":phase": kept.kind,
          ":until": until,
          ":ttl": ttlOf(until),
          ":run": mine.run,
          ...(kept.kind === "answered" && { ":text": kept.text }),
        },
      });
      return item ? Array.from(item.askers ?? []) : askersWithoutRecord(key, mine.connectionId);
    },
  };
}
