/**
 * Any sequence of verbs against a model small enough to be right by reading: what each verb answers, what the record
 * says, and that a replay is what was live (P2, P3, P5, P6). fast-check finds the sequence and shrinks it.
 */
import fc from "fast-check";
import { expect } from "vitest";
import { isTerminal, type RequestStatus } from "@streamer/protocol";
import { LIFECYCLE, type EventBody, type Frame, type LifecycleVerb, type RequestKey } from "@streamer/core";
import type { ContractTest, Harness } from "../harness.ts";
import {
  CANCEL_EVENTS,
  LEASE_MS,
  RECOVERY,
  cancelled,
  complete,
  failed,
  partial,
  progress,
  replay,
  retrying,
  submission,
  terms,
} from "../samples.ts";

interface Modelled {
  status: RequestStatus;
  payload: number;
  attempt: number;
  failures: number;
  crashes: number;
  cancelRequested: boolean;
  checkpoint: number | undefined;
  runAt: number;
  /** Monotonic; from here on `recover` takes it. Until then a late write renews it, unless its process has died: -Infinity. */
  leaseUntil: number;
  readonly live: Frame[];
}

const VERBS = ["advance", "reschedule", "release", "crash", "complete", "fail", "stop"] as const;
const id = fc.constantFrom("a", "b", "c");
const command = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("submit"), id, payload: fc.nat(1), claim: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("claim"), id }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("write"),
      id,
      verb: fc.constantFrom(...VERBS),
      back: fc.nat(1),
      events: fc.nat(3),
      wait: fc.nat(2_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("cancel"), id }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("redrive"), id }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("recover") }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("wait"), ms: fc.constantFrom(1, 500, LEASE_MS - 1, LEASE_MS + 1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restart") }) },
);
/** Which verb of the port a command is. */
const VERB_OF: Readonly<
  Record<Exclude<Command["do"], "write" | "wait" | "restart"> | Exclude<(typeof VERBS)[number], "advance">, LifecycleVerb>
> = {
  submit: "submit",
  claim: "claim",
  cancel: "requestCancel",
  redrive: "redrive",
  recover: "recover",
  reschedule: "reschedule",
  release: "release",
  crash: "release",
  complete: "settle",
  fail: "settle",
  stop: "settle",
};
type Command = typeof command extends fc.Arbitrary<infer C> ? C : never;
type Of<Name extends Command["do"]> = Extract<Command, { do: Name }>;

type RequestName = Of<"claim">["id"];
const writes = (name: RequestName, verb: (typeof VERBS)[number]): Command => ({ do: "write", id: name, verb, back: 0, events: 1, wait: 0 });
const begins = (name: RequestName): Command => ({ do: "submit", id: name, payload: 0, claim: true });
const claimed = (name: RequestName): Command => ({ do: "claim", id: name });
const DIES: readonly Command[] = [{ do: "wait", ms: LEASE_MS + 1 }, { do: "recover" }];
/** Walks that chance may not take: together they go every way of the lifecycle. */
const WALKS: readonly (readonly Command[])[] = [
  [
    { do: "submit", id: "a", payload: 0, claim: false },
    claimed("a"),
    writes("a", "reschedule"),
    claimed("a"),
    writes("a", "fail"),
    { do: "redrive", id: "a" },
    claimed("a"),
    writes("a", "crash"),
    claimed("a"),
    ...DIES,
    claimed("a"),
    ...DIES,
  ],
  [begins("b"), writes("b", "release"), { do: "cancel", id: "b" }, begins("c"), { do: "cancel", id: "c" }, ...DIES],
  [
    begins("a"),
    writes("a", "reschedule"),
    { do: "cancel", id: "a" },
    begins("b"),
    writes("b", "complete"),
    begins("c"),
    writes("c", "stop"),
  ],
];

export function modelContract(test: ContractTest): void {
  test("P2 P3 P5 P6 any sequence of verbs does what the model says, and a replay is what was live", async (harness) => {
    let run = 0;
    const gone = new Set<string>();
    const play = async (commands: readonly Command[]): Promise<void> => {
      run += 1;
      const world = createWorld(harness, run);
      for (const next of commands) {
        const before = world.statuses();
        await world.obey(next);
        for (const way of waysOf(next, before, world.statuses())) gone.add(way);
      }
      await world.compare();
    };
    const commands = fc.array(command, { minLength: 5, maxLength: 40, size: "medium" });
    await fc.assert(fc.asyncProperty(commands, play), { numRuns: 100, examples: WALKS.map((walk): [Command[]] => [[...walk]]) });
    const ways = Object.entries(LIFECYCLE).flatMap(([from, row]) =>
      Object.entries(row).flatMap(([verb, all]) => all.map((to) => `${from} ${verb} ${to}`)),
    );
    expect(Array.from(gone).toSorted()).toEqual(ways.toSorted());
  });
}

/** The ways that requests have gone by a command, each a cell of the table of the lifecycle. */
function waysOf(next: Command, before: ReadonlyMap<string, RequestStatus>, after: ReadonlyMap<string, RequestStatus>): readonly string[] {
  const name = next.do === "write" ? next.verb : next.do;
  return Array.from(after).flatMap(([request, status]) => {
    const was = before.get(request) ?? "UNKNOWN";
    if (was === status) return [];
    const verb = name in VERB_OF ? VERB_OF[name as keyof typeof VERB_OF] : undefined;
    expect(verb && LIFECYCLE[was][verb], `${name} made ${status} of ${was}`).toContain(status);
    return [`${was} ${verb} ${status}`];
  });
}

function createWorld(harness: Harness, run: number) {
  const { clock } = harness;
  const requests = new Map<string, Modelled>();
  const idOf = (name: string): string => `run${run}-${name}`;
  const keyOf = (name: string): RequestKey => submission(idOf(name)).key;
  const holds = (request: Modelled | undefined, attempt: number): request is Modelled =>
    request?.status === "PROCESSING" && request.attempt === attempt && request.leaseUntil > -Infinity;
  /** Runs a verb and keeps the frames it answered with. */
  const keep = async (request: Modelled | undefined, answer: Promise<{ outcome: string; frames?: readonly Frame[] }>): Promise<string> => {
    const { outcome, frames = [] } = await answer;
    request?.live.push(...frames);
    return outcome;
  };
  const end = (request: Modelled, status: RequestStatus): void => {
    request.status = status;
    if (status !== "FAILED") request.checkpoint = undefined;
  };
  const giveBack = (request: Modelled, status: RequestStatus, runAt: number): void => void Object.assign(request, { status, runAt });

  async function submit({ id: name, payload, claim: atOnce }: Of<"submit">): Promise<void> {
    const known = requests.get(name);
    const outcome = await harness.engine.requests.submit(
      submission(idOf(name), { payload, ...(atOnce && { claim: { leaseMs: LEASE_MS } }) }),
    );
    if (known) {
      expect(outcome).toMatchObject(
        known.payload === payload ? { outcome: "existing", record: { status: known.status } } : { outcome: "conflict" },
      );
      return;
    }
    expect(outcome).toMatchObject({ outcome: "created" });
    requests.set(name, {
      status: atOnce ? "PROCESSING" : "PENDING",
      payload,
      attempt: atOnce ? 1 : 0,
      failures: 0,
      crashes: 0,
      cancelRequested: false,
      checkpoint: undefined,
      runAt: clock.now(),
      leaseUntil: clock.monotonic() + LEASE_MS,
      live: outcome.outcome === "created" ? [...outcome.frames] : [],
    });
  }

  async function claim({ id: name }: Of<"claim">): Promise<void> {
    const request = requests.get(name);
    const claims = await harness.engine.requests.claim(terms(1, { key: keyOf(name) }));
    const runnable = request && (request.status === "PENDING" || request.status === "RETRYING") && request.runAt <= clock.now();
    // One that has seen its process die twice may have to wait for others that have, of this run or another: one begins at a time (P3).
    const mayBeHeld = (request?.crashes ?? 0) >= 2;
    if (!mayBeHeld || !runnable) expect(claims.length, "claimed").toBe(runnable ? 1 : 0);
    if (!runnable || claims.length === 0) return;
    request.status = "PROCESSING";
    request.attempt += 1;
    request.leaseUntil = clock.monotonic() + LEASE_MS;
    const { attempt, payload, failures, crashes, cancelRequested, checkpoint } = request;
    expect(claims[0]).toMatchObject({ lease: { attempt }, payload, failures, crashes, cancelRequested });
    expect(claims[0]!.checkpoint).toBe(checkpoint);
  }

  async function write({ id: name, verb, back, events: count, wait }: Of<"write">): Promise<void> {
    const request = requests.get(name);
    const lease = { key: keyOf(name), attempt: (request?.attempt ?? 1) - back };
    const held = holds(request, lease.attempt);
    const events: EventBody[] = Array.from({ length: count }, (_, n) =>
      n % 2 ? partial(n) : progress(10 + n, Math.max(1, lease.attempt)),
    );
    const port = harness.engine.requests;
    const runAt = clock.now() + wait;
    const answers = {
      advance: () => port.advance(lease, { events, checkpoint: wait, leaseMs: LEASE_MS }),
      reschedule: () => port.reschedule(lease, { runAt, events: [...events, retrying(1, runAt)] }),
      release: () => port.release(lease, { crashed: false }),
      crash: () => port.release(lease, { crashed: true }),
      complete: () => port.settle(lease, { status: "COMPLETED", events: [...events, complete(wait)], runMs: wait }),
      fail: () => port.settle(lease, { status: "FAILED", events: [...events, failed()], runMs: wait }),
      stop: () => port.settle(lease, { status: "CANCELLED", events: [...events, cancelled], runMs: wait }),
    };
    const outcome = await keep(request, answers[verb]());
    expect(outcome, `${verb} under ${held ? "its" : "a lost"} lease`).toBe(!held ? "lost" : verb === "advance" ? "advanced" : "written");
    if (!held) return;
    switch (verb) {
      case "advance":
        request.checkpoint = wait;
        request.leaseUntil = clock.monotonic() + LEASE_MS;
        return;
      case "reschedule":
        request.failures += 1;
        return giveBack(request, "RETRYING", runAt);
      case "crash":
        request.crashes += 1;
        return giveBack(request, "PENDING", clock.now());
      case "release":
        return giveBack(request, "PENDING", clock.now());
      case "complete":
        return end(request, "COMPLETED");
      case "fail":
        return end(request, "FAILED");
      case "stop":
        return end(request, "CANCELLED");
    }
  }

  async function cancel({ id: name }: Of<"cancel">): Promise<void> {
    const request = requests.get(name);
    const outcome = await keep(request, harness.engine.requests.requestCancel(keyOf(name), CANCEL_EVENTS));
    const before = request?.status;
    expect(outcome).toBe(!before ? "unknown" : isTerminal(before) ? "too_late" : before === "PROCESSING" ? "requested" : "cancelled");
    if (outcome === "cancelled") end(request!, "CANCELLED");
    if (outcome === "requested") request!.cancelRequested = true;
  }

  async function redrive({ id: name }: Of<"redrive">): Promise<void> {
    const request = requests.get(name);
    const outcome = await keep(
      request,
      harness.engine.requests.redrive(keyOf(name), { type: "acknowledgment", status: "queued", message: "again" }),
    );
    expect(outcome).toBe(!request ? "unknown" : request.status === "FAILED" ? "redriven" : "not_failed");
    if (outcome !== "redriven") return;
    giveBack(request!, "PENDING", clock.now());
    Object.assign(request!, { failures: 0, crashes: 0, cancelRequested: false });
  }

  async function recover(): Promise<void> {
    const found = new Map((await harness.engine.requests.recover(RECOVERY)).map((recovery) => [recovery.key, recovery]));
    for (const [name, request] of requests) {
      const lost = request.status === "PROCESSING" && clock.monotonic() >= request.leaseUntil;
      const recovery = found.get(keyOf(name));
      const expected = request.cancelRequested ? "cancelled" : request.crashes + 1 >= 3 ? "quarantined" : "returned";
      expect(recovery?.outcome).toBe(lost ? expected : undefined);
      if (!lost) continue;
      request.live.push(...recovery!.frames);
      if (expected === "cancelled") end(request, "CANCELLED");
      else if (expected === "quarantined") end(request, "FAILED");
      else {
        request.crashes += 1;
        giveBack(request, "PENDING", clock.now());
      }
    }
  }

  async function compare(): Promise<void> {
    for (const [name, { live, status, attempt }] of requests) {
      const lookup = await harness.engine.requests.get(keyOf(name));
      expect(lookup).toMatchObject({ outcome: "found", record: { status, attempt, seq: live.length } });
      expect(live.map(({ seq }) => seq)).toEqual(live.map((_, at) => at + 1));
      const newest = live.findLast(({ kind }) => kind === "progress");
      expect(await replay(harness.engine, keyOf(name), 0, 7)).toEqual(live.filter((frame) => frame.kind === "durable" || frame === newest));
    }
  }

  async function obey(next: Command): Promise<void> {
    switch (next.do) {
      case "submit":
        return submit(next);
      case "claim":
        return claim(next);
      case "write":
        return write(next);
      case "cancel":
        return cancel(next);
      case "redrive":
        return redrive(next);
      case "recover":
        return recover();
      case "wait":
        return clock.advance(next.ms);
      case "restart":
        await harness.restart();
        for (const request of requests.values()) request.leaseUntil = -Infinity;
        return compare();
    }
  }
  const statuses = (): ReadonlyMap<string, RequestStatus> => new Map(Array.from(requests, ([name, { status }]) => [name, status]));
  return { obey, compare, statuses };
}
