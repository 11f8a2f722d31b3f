/** Frames that are no messages, or nearly: each is refused by a typed error that says nothing of the server's inside. */
import { resolve } from "node:path";
import { ERROR_CODES } from "@streamer/protocol";
import { open, type Connection } from "../connection.ts";
import { pause, type AttackTerms, type Theme } from "../theme.ts";

const CONNECTIONS = 10;
/** Fewer than the refusals of a minute: each connection lives so long that what it is answered is seen. */
const FRAMES_EACH = 85;
const ANSWERED_WITHIN_MS = 10_000;
/** Of what must not be told: a stack, a path, a file of ours, a store's own words. */
const INSIDE = /\n\s+at |\/(?:tmp|home|root|opt|usr|var)\/|node_modules|\.[cm]?[jt]s:\d|SQLITE_|sqlite3|ENOENT|EMFILE/;

const PROJECT = resolve(import.meta.dirname, "../../../..");

const GOOD: readonly Readonly<Record<string, unknown>>[] = [
  { type: "request", id: "x", action: "echo", payload: { a: 1 }, metadata: { k: "v" }, options: { mode: "sync", priority: 5 } },
  { type: "subscribe", request_id: "x", after: 1 },
  { type: "get", request_id: "x", ref: "r" },
  { type: "list", status: "FAILED", limit: 5 },
  { type: "cancel", request_id: "x", reason: "y" },
  { type: "retry", request_id: "x" },
  { type: "ping" },
  { type: "unsubscribe", request_id: "x" },
  { type: "actions" },
];
const ACTIONS = ["echo", "health", "bulk_operation", "append_rows", "generate_report", "process_data"];
const KEYS = (
  "type id action payload metadata options request_id after ref status limit cursor reason mode priority delay_ms run_at " +
  "idempotency_key timeout_ms max_attempts subscribe __proto__ constructor seq"
).split(" ");
const INPUTS = [
  "start_date",
  "end_date",
  "items",
  "operation_type",
  "entity_type",
  "stream_id",
  "sequence",
  "rows",
  "pipeline",
  "data_source",
];
const ODD_TEXTS = [
  "",
  "a",
  "\u0000",
  "\ud800",
  "__proto__",
  "x".repeat(2_000),
  "9".repeat(30),
  "PENDING",
  "1",
  "../../etc/passwd",
  "$(id)",
];
const ODD_NUMBERS = [-1, 0, -0, 1.5, 1e308, 2 ** 53];
const VALUES: readonly unknown[] = [...ODD_TEXTS, ...ODD_NUMBERS, null, true, [], {}, [[]], { a: 1 }];
const SPLINTERS = ["{", "}", '"', ",", "\\", "\u0000", "[", "1e999", "//", "\\u12", "NaN", "\ud800"];

type Make = (random: () => number) => string | Buffer;
const below = (random: () => number, most: number): number => Math.floor(random() * most);
const pick = <T>(random: () => number, from: readonly T[]): T => from[below(random, from.length)]!;

const MAKES: readonly Make[] = [
  (random) => JSON.stringify({ ...pick(random, GOOD), [pick(random, KEYS)]: pick(random, VALUES) }),
  (random) => {
    const message = pick(random, GOOD);
    const left = pick(random, Object.keys(message));
    return JSON.stringify(Object.fromEntries(Object.entries(message).filter(([key]) => key !== left)));
  },
  (random) =>
    JSON.stringify({
      ...GOOD[0],
      options: { mode: "sync", [pick(random, KEYS)]: pick(random, VALUES), [pick(random, KEYS)]: pick(random, VALUES) },
    }),
  (random) => {
    const text = JSON.stringify(pick(random, GOOD));
    const at = below(random, text.length);
    return text.slice(0, at) + pick(random, SPLINTERS) + text.slice(at + below(random, 4));
  },
  (random) => {
    const bytes = Buffer.from(JSON.stringify(pick(random, GOOD)));
    for (let left = 1 + below(random, 4); left > 0; left -= 1) bytes[below(random, bytes.length)] = below(random, 256);
    return bytes.toString("latin1");
  },
  (random) => JSON.stringify(pick(random, VALUES)),
  (random) => "[".repeat(below(random, 5_000)),
  (random) => Buffer.from(Array.from({ length: below(random, 200) }, () => below(random, 256))),
  (random) => {
    const payload = Object.fromEntries(Array.from({ length: below(random, 4) }, () => [pick(random, INPUTS), pick(random, VALUES)]));
    return JSON.stringify({ type: "request", action: pick(random, ACTIONS), id: `f${below(random, 1e9)}`, payload });
  },
];

interface Told {
  readonly codes: Map<string, number>;
  readonly leaks: string[];
  readonly strange: Set<string>;
}

function hear({ codes, leaks, strange }: Told, text: string): void {
  const code = /"code":"(\w+)"/.exec(text)?.[1];
  const what = code ?? "no error";
  codes.set(what, (codes.get(what) ?? 0) + 1);
  if (code !== undefined && !(code in ERROR_CODES)) strange.add(code);
  if ((INSIDE.test(text) || text.includes(PROJECT)) && leaks.length < 5) leaks.push(text.slice(0, 300));
}

async function worker({ target, random, signal }: AttackTerms, left: { count: number }, told: Told): Promise<void> {
  let connection: Connection | undefined;
  let sent = 0;
  while (left.count > 0 && !signal.aborted) {
    if (!connection?.isOpen || sent === FRAMES_EACH) {
      await leave(connection);
      connection = await open(target, "attacker", { onText: (text) => hear(told, text) });
      sent = 0;
      if (!connection.isOpen) {
        await pause(50);
        continue;
      }
    }
    left.count -= 1;
    sent += 1;
    connection.send(pick(random, MAKES)(random));
    if (sent % 10 === 0) await pause(1);
  }
  await leave(connection);
}

/** Once all that it sent is answered. */
async function leave(connection: Connection | undefined): Promise<void> {
  await connection?.ask({ type: "ping", ref: "last" }, ANSWERED_WITHIN_MS);
  connection?.close();
}

export const malformedFrames: Theme = {
  name: "malformed-frames",
  does: "frames that are no messages, or nearly, on ten connections",
  unit: "frames",
  counts: { ci: 50_000, release: 1_000_000 },
  smoke: 5_000,
  limitSeconds: { ci: 300, release: 4_000 },
  async attack(terms) {
    const told: Told = { codes: new Map(), leaks: [], strange: new Set() };
    const left = { count: terms.count };
    await Promise.all(Array.from({ length: CONNECTIONS }, () => worker(terms, left, told)));
    return {
      counted: { frames: terms.count - left.count, answers: JSON.stringify(Object.fromEntries(told.codes)) },
      broken: [
        ...told.leaks.map((text) => `an answer tells of the server's inside: ${text}`),
        ...Array.from(told.strange, (code) => `"${code}" is no code of the protocol`),
      ],
    };
  },
};
