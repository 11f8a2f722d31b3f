/**
 * Which requests wait and which run, mirrored in memory: the database stays the truth, this is read from it at start,
 * and what a write changed here is undone when the write is (undo-log.ts). With one writer per folder (P3) that is safe,
 * and it makes the frequent questions (who is next, how many are ahead, is a limit reached) cost no SQL.
 *
 *   scheduled ──due──> line of its (action, tenant) ──take──> running
 *
 * One line per action and tenant: a tenant or action at its concurrency limit never hides those behind it.
 */
import { heldBy, type ClaimTerms, type Concurrency, type Place, type Told } from "@streamer/core";
import type { UndoLog } from "../sqlite/undo-log.ts";
import { createHeap, type Heap, type HeapItem } from "./heap.ts";

interface Waiting {
  readonly id: number;
  readonly action: string;
  readonly tenant: string;
  readonly priority: number;
  /** Epoch ms. */
  readonly runAt: number;
  /** What its followers know of why it waits. */
  told?: Told;
}

export interface Backlog {
  readonly waiting: number;
  waitingOf(tenant: string): number;
  /** What a new request would wait for. */
  place(request: Pick<Waiting, "action" | "tenant" | "priority">, caps: Concurrency | undefined, now: number): Place;
  /** Those that are due, about in the order they came. */
  due(now: number): Iterable<DueRequest>;
  nextRunAt(now: number): number | undefined;
  add(request: Waiting): void;
  /** It is no longer waiting, nor running. */
  drop(id: number): void;
  /** Marks it running, whether it waited here or not. */
  start(request: Pick<Waiting, "id" | "action" | "tenant">): void;
  /** Chooses what to run, and marks it running. */
  take(terms: Pick<ClaimTerms, "lanes" | "concurrency">, now: number, only?: number): number[];
  readonly running: Iterable<number>;
}

/** One that could run now. */
export type DueRequest = Waiting & { readonly line: { readonly running: number; readonly action: { readonly running: number } } };

interface Line extends HeapItem {
  readonly action: Action;
  readonly tenant: string;
  /** Those that are due. */
  readonly waiting: Heap<Entry>;
  running: number;
  /** Scheduled, waiting and running: with none left the line is forgotten. */
  members: number;
}
interface Action {
  readonly name: string;
  readonly lines: Map<string, Line>;
  running: number;
}
type Entry = Waiting & HeapItem & { readonly line: Line; due: boolean };

export const goesFirst = (a: Waiting, b: Waiting): boolean =>
  a.priority !== b.priority ? a.priority > b.priority : a.runAt !== b.runAt ? a.runAt < b.runAt : a.id < b.id;
const isSooner = (a: Entry, b: Entry) => a.runAt < b.runAt;
const headGoesFirst = (a: Line, b: Line) => goesFirst(a.waiting.head!, b.waiting.head!);

export function createBacklog({ note }: Pick<UndoLog, "note">): Backlog {
  const entries = new Map<number, Entry>();
  const running = new Map<number, Line>();
  const actions = new Map<string, Action>();
  const tenants = new Map<string, number>();
  const dueByPriority: number[] = Array.from({ length: 10 }, () => 0);
  const scheduled = createHeap<Entry>(isSooner);

  const lineOf = (name: string, tenant: string): Line => {
    let action = actions.get(name);
    if (!action) actions.set(name, (action = { name, lines: new Map(), running: 0 }));
    let line = action.lines.get(tenant);
    if (!line)
      action.lines.set(tenant, (line = { action, tenant, waiting: createHeap<Entry>(goesFirst), running: 0, members: 0, slot: 0 }));
    return line;
  };

  const part = (line: Line): void => {
    line.members -= 1;
    if (line.members === 0) line.action.lines.delete(line.tenant);
  };

  const makeDue = (now: number): void => {
    for (let next = scheduled.head; next && next.runAt <= now; next = scheduled.head) {
      scheduled.pop();
      next.due = true;
      dueByPriority[next.priority]! += 1;
      next.line.waiting.push(next);
    }
  };

  const enter = (entry: Entry): void => {
    const { action, tenant } = entry.line;
    // The line may have been forgotten since.
    action.lines.set(tenant, entry.line);
    entry.line.members += 1;
    entries.set(entry.id, entry);
    tenants.set(tenant, (tenants.get(tenant) ?? 0) + 1);
    if (entry.due) dueByPriority[entry.priority]! += 1;
    (entry.due ? entry.line.waiting : scheduled).push(entry);
    note(() => leave(entry));
  };

  const leave = (entry: Entry): void => {
    entries.delete(entry.id);
    const left = tenants.get(entry.tenant)! - 1;
    if (left === 0) tenants.delete(entry.tenant);
    else tenants.set(entry.tenant, left);
    if (entry.due) dueByPriority[entry.priority]! -= 1;
    (entry.due ? entry.line.waiting : scheduled).remove(entry);
    part(entry.line);
    note(() => enter(entry));
  };

  const run = (id: number, line: Line): void => {
    line.action.lines.set(line.tenant, line);
    running.set(id, line);
    line.members += 1;
    line.running += 1;
    line.action.running += 1;
    note(() => end(id, line));
  };

  const end = (id: number, line: Line): void => {
    running.delete(id);
    line.running -= 1;
    line.action.running -= 1;
    part(line);
    note(() => run(id, line));
  };

  const admits = ({ action, running: perTenant }: Line, concurrency: ClaimTerms["concurrency"]): boolean =>
    heldBy({ total: action.running, perTenant }, concurrency[action.name]) === undefined;

  const takeOne = (entry: Entry): number => {
    run(entry.id, entry.line);
    leave(entry);
    return entry.id;
  };

  return {
    get waiting() {
      return entries.size;
    },
    waitingOf: (tenant) => tenants.get(tenant) ?? 0,
    place: ({ action: name, tenant, priority }, caps, now) => {
      makeDue(now);
      const action = actions.get(name);
      const line = action?.lines.get(tenant);
      const reason = heldBy({ total: action?.running ?? 0, perTenant: line?.running ?? 0 }, caps);
      if (reason === "tenant_concurrency") return { reason, position: line!.waiting.size };
      if (reason) return { reason, position: Array.from(action!.lines.values()).reduce((sum, { waiting }) => sum + waiting.size, 0) };
      return { reason: "queue", position: dueByPriority.slice(priority).reduce((sum, count) => sum + count, 0) };
    },
    *due(now) {
      makeDue(now);
      for (const entry of entries.values()) if (entry.due) yield entry;
    },
    nextRunAt: (now) => {
      makeDue(now);
      return scheduled.head?.runAt;
    },
    add: (request) => enter({ ...request, line: lineOf(request.action, request.tenant), slot: 0, due: false }),
    drop: (id) => {
      const entry = entries.get(id);
      if (entry) leave(entry);
      const line = running.get(id);
      if (line) end(id, line);
    },
    start: ({ id, action, tenant }) => run(id, lineOf(action, tenant)),
    take: ({ lanes, concurrency }, now, only) => {
      makeDue(now);
      const taken: number[] = [];
      for (const { actions: names, free } of lanes) {
        if (only !== undefined) {
          const entry = entries.get(only);
          if (entry?.due && free > 0 && names.includes(entry.action) && admits(entry.line, concurrency)) taken.push(takeOne(entry));
          continue;
        }
        const candidates = createHeap<Line>(headGoesFirst);
        for (const name of free > 0 ? names : []) {
          for (const line of actions.get(name)?.lines.values() ?? []) {
            if (line.waiting.size > 0 && admits(line, concurrency)) candidates.push(line);
          }
        }
        for (let left = free; left > 0;) {
          const line = candidates.pop();
          if (!line) break;
          // Another line of the action may have taken the last run its total allows.
          if (!admits(line, concurrency)) continue;
          taken.push(takeOne(line.waiting.head!));
          left -= 1;
          if (line.waiting.size > 0) candidates.push(line);
        }
      }
      return taken;
    },
    get running() {
      return running.keys();
    },
  };
}
