/**
 * Many requests of every kind by several users, two devices each, while the suite's faults happen; then quiet, until
 * everybody has the end of everything, and the audit of what they heard.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { Outcome, Terms } from "../suite.ts";
import { judge } from "@streamer/contract/torture";
import { createAsker, type Asked, type Asker } from "./asker.ts";
import { audit, logOf } from "./audit.ts";
import type { Stack } from "./stack.ts";
import type { Wish } from "./wishes.ts";

export interface Storm {
  readonly terms: Terms;
  readonly stack: Stack;
  readonly wishes: readonly Wish[];
  /** Between two requests. */
  readonly paceMs: number;
  /** Switches the faults on, once everybody is connected. */
  readonly begin?: () => void;
  /** Longest that faults go on after the last request was made; they stop when most requests have ended. */
  readonly goOnMs: number;
  /** How long after that everything has to have ended. */
  readonly patienceMs: number;
  /** Called before each request. */
  readonly before?: (n: number, askers: readonly Asker[]) => void;
}

const USERS = 3;
/** Of the requests, those that the user's other device follows too. */
const FOLLOWED = 0.4;
const LOOK_MS = 100;
const MOST = 0.8;
/** A log that is read again by a connection without faults. */
const READ_WITHIN_MS = 20_000;
const WORST = 12;

interface User {
  readonly name: string;
  readonly devices: readonly [Asker, Asker];
}

export async function storm({
  terms,
  stack,
  wishes,
  paceMs,
  goOnMs,
  patienceMs,
  before,
  begin: onceGreeted = () => undefined,
}: Storm): Promise<Outcome> {
  const { random, signal, tell } = terms;
  const askerOf = (userId: string, device: string): Asker =>
    createAsker({ name: `${userId}'s ${device}`, url: stack.url, token: () => stack.token({ userId, tenantId: "acme" }) });
  const users: readonly User[] = Array.from({ length: USERS }, (_, n) => {
    const name = `user-${n}`;
    return { name, devices: [askerOf(name, "desk"), askerOf(name, "phone")] };
  });
  const devices = users.flatMap(({ devices: both }) => both);
  const all = (): readonly Asked[] => devices.flatMap(({ asked }) => Array.from(asked.values()));
  const readers: Asker[] = [];
  try {
    // Nothing is broken before everybody is there.
    const greeted = (): boolean => devices.every(({ isGreeted }) => isGreeted);
    while (!signal.aborted && !greeted()) await wait(LOOK_MS);
    onceGreeted();
    const toFollow = new Set<readonly [Wish, User]>();
    const followDurable = (): void => {
      for (const entry of toFollow) {
        const [wish, { devices: both }] = entry;
        const own = both[0].asked.get(wish.id);
        if (!own?.heard.some(({ message }) => message.type === "acknowledgment")) continue;
        both[1].follow(wish);
        toFollow.delete(entry);
      }
    };
    for (const [n, wish] of wishes.entries()) {
      if (signal.aborted) break;
      before?.(n, devices);
      const user = users[Math.floor(random() * USERS)]!;
      user.devices[0].ask(wish);
      if (random() < FOLLOWED && wish.kind !== "quick") toFollow.add([wish, user]);
      followDurable();
      await wait(paceMs, undefined, { signal }).catch(() => undefined);
    }
    const madeAt = performance.now();
    const areMostOver = (): boolean => all().filter(({ end }) => end).length > MOST * all().length;
    while (!signal.aborted && performance.now() - madeAt < goOnMs && !areMostOver()) {
      followDurable();
      await wait(LOOK_MS);
    }
    stack.board.quiet();
    const quietAt = performance.now();
    tell(`${wishes.length} requests were made, ${stack.board.total} faults happened; waiting for every end`);
    while (!signal.aborted && performance.now() - quietAt < patienceMs && all().some(({ end }) => !end)) {
      followDurable();
      await wait(LOOK_MS);
    }
    const settledMs = performance.now() - quietAt;

    for (const { name, devices: both } of users) {
      const reader = askerOf(name, "reader");
      readers.push(reader);
      for (const { wish, heard } of both[0].asked.values())
        if (heard.some(({ message }) => message.type === "acknowledgment")) reader.follow(wish);
    }
    const readAt = performance.now();
    const unread = (): readonly Asked[] => readers.flatMap(({ asked }) => Array.from(asked.values()).filter(({ end }) => !end));
    while (!signal.aborted && performance.now() - readAt < READ_WITHIN_MS && unread().length > 0) await wait(LOOK_MS);
    const logs = new Map(readers.flatMap(({ asked }) => Array.from(asked, ([id, own]) => [id, own.end ? logOf(own) : undefined] as const)));
    return summarize({ devices, logs, settledMs, stack });
  } finally {
    for (const asker of [...devices, ...readers]) asker.close();
  }
}

interface Results {
  readonly devices: readonly Asker[];
  readonly logs: ReadonlyMap<string, ReturnType<typeof logOf> | undefined>;
  readonly settledMs: number;
  readonly stack: Stack;
}

function summarize({ devices, logs, settledMs, stack }: Results): Outcome {
  const asked = devices.flatMap((device) => Array.from(device.asked.values()));
  const audits = asked.map((own) => audit(own, logs.get(own.wish.id)));
  const denied = stack.denials.map(({ functionName, action, resource }) => `${functionName} was not allowed ${action} on ${resource}`);
  const proved = devices
    .flatMap(({ tape }) => judge(tape, { mayRepeat: true }))
    // The gateway's apology is an answer too, and who still waits is known.
    .filter(({ fault }) => fault !== "unanswered")
    .map(({ fault, id, text }) => `${fault}: ${id} ${text}`);
  const broken = [...proved, ...devices.flatMap(({ complaints }) => complaints), ...audits.flatMap((each) => each.broken), ...denied];
  const endMs = asked.flatMap(({ end, askedAt }) => (end ? [end.at - askedAt] : [])).toSorted((a, b) => a - b);
  const at = (share: number): number => Math.round(endMs[Math.min(endMs.length - 1, Math.floor(share * endMs.length))] ?? 0);
  return {
    figures: [
      {
        followed: asked.length,
        ended: endMs.length,
        frames: asked.reduce((sum, { heard }) => sum + heard.length, 0),
        repeats: audits.reduce((sum, { repeats }) => sum + repeats, 0),
        resends: asked.reduce((sum, { sends }) => sum + Math.max(0, sends - 1), 0),
        connections: devices.reduce((sum, { connections }) => sum + connections, 0),
        end_p50_ms: at(0.5),
        end_p99_ms: at(0.99),
        settled_after_ms: Math.round(settledMs),
        faults: stack.board.total,
      },
      ...Object.entries(stack.board.happened).map(([fault, count]) => ({ fault, count })),
    ],
    broken: broken.length > WORST ? [...broken.slice(0, WORST), `and ${broken.length - WORST} more`] : broken,
  };
}
