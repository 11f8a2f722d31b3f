/**
 * P10 as a table: every verb of the protocol, on a request in every state, asked by everybody who has no right to it. Of a
 * verb that has no row, and of a state, this does not compile. Whatever the row says: a stranger never receives a word of
 * what is stored, nothing of it changes, its followers are told nothing, and no handler runs with its payload.
 */
import { defineHandler, requestKey, type AnyHandler, type Owner } from "@streamer/core";
import type { ClientMessage, ErrorCode, ServerMessage } from "@streamer/protocol";
import { expect } from "vitest";
import type { ContractTest, Harness } from "../harness.ts";
import { ALICE, BOB, EVE } from "../samples.ts";
import { startPipeline, type FlowClient } from "./pipeline.ts";

type Verb = ClientMessage["type"];
/** Of one user with two tokens, one of which lacks the permission, the other may not see what the first may. */
type Stranger =
  | "a colleague"
  | "the user's namesake of another tenant"
  | "the user without the permission"
  | "a connection that is not open";
type State = "waiting" | "running" | "completed" | "failed" | "answered at once";

/** What a stranger is told: by an error, by a frame that says nothing of the request, or not at all. */
type Told = ErrorCode | Exclude<ServerMessage["type"], "error"> | "nothing";

interface Row {
  readonly ask: (requestId: string) => readonly ClientMessage[];
  /** By whoever has the right: proof that the question asks for something. */
  readonly own: Readonly<Record<State, Told>>;
  readonly others: Told;
  readonly lacking: Told;
}

const PERMISSION = "secrets.use";
const SECRET = "SECRET-7f31";
const ALWAYS = (told: Told): Row["own"] => ({
  waiting: told,
  running: told,
  completed: told,
  failed: told,
  "answered at once": told,
});

const VERBS: Readonly<Record<Verb, Row>> = {
  request: {
    ask: (id) => [
      { type: "request", id, action: "guarded", payload: { of: "another" } },
      { type: "request", id: `${id}-too`, action: "guarded", payload: { of: "another" }, options: { idempotency_key: `key-${id}` } },
      { type: "request", id: `${id}-bad`, action: "guarded", payload: "no object", options: { timeout_ms: 604_800_000 } },
    ],
    own: ALWAYS("DUPLICATE_REQUEST"),
    // In a namespace of their own.
    others: "acknowledgment",
    lacking: "FORBIDDEN",
  },
  subscribe: {
    ask: (id) => [{ type: "subscribe", request_id: id }],
    own: { ...ALWAYS("snapshot"), "answered at once": "NOT_FOUND" },
    others: "NOT_FOUND",
    lacking: "FORBIDDEN",
  },
  unsubscribe: { ask: (id) => [{ type: "unsubscribe", request_id: id }], own: ALWAYS("nothing"), others: "nothing", lacking: "nothing" },
  cancel: {
    ask: (id) => [{ type: "cancel", request_id: id }],
    own: ALWAYS("cancellation"),
    others: "NOT_FOUND",
    lacking: "FORBIDDEN",
  },
  retry: {
    ask: (id) => [{ type: "retry", request_id: id }],
    own: { ...ALWAYS("VALIDATION_ERROR"), failed: "acknowledgment", "answered at once": "NOT_FOUND" },
    others: "NOT_FOUND",
    lacking: "FORBIDDEN",
  },
  get: {
    ask: (id) => [{ type: "get", request_id: id }],
    own: { ...ALWAYS("snapshot"), "answered at once": "NOT_FOUND" },
    others: "NOT_FOUND",
    lacking: "FORBIDDEN",
  },
  list: {
    ask: () => [
      { type: "list", limit: 100 },
      { type: "list", status: "FAILED" },
      { type: "list", status: "COMPLETED", limit: 1 },
      { type: "list", cursor: "zzzz" },
    ],
    own: ALWAYS("list"),
    others: "list",
    lacking: "list",
  },
  ping: { ask: () => [{ type: "ping" }], own: ALWAYS("pong"), others: "pong", lacking: "pong" },
  actions: { ask: () => [{ type: "actions" }], own: ALWAYS("actions"), others: "actions", lacking: "actions" },
};

const STRANGERS: Readonly<Record<Exclude<Stranger, "a connection that is not open">, readonly [Owner, readonly string[]]>> = {
  "a colleague": [BOB, [PERMISSION]],
  "the user's namesake of another tenant": [EVE, [PERMISSION]],
  "the user without the permission": [ALICE, ["secrets", "Secrets.use", "*"]],
};

/** How a request comes to each state. */
const STATES: Readonly<Record<State, (victim: FlowClient, id: string) => Promise<void>>> = {
  waiting: (victim, id) => victim.send(request(id, "wait", { delay_ms: 86_400_000 })),
  running: (victim, id) => victim.send(request(id, "wait", { mode: "async" })),
  completed: (victim, id) => victim.send(request(id, "succeed", { mode: "async" })),
  failed: (victim, id) => victim.send(request(id, "fail", { mode: "async" })),
  "answered at once": async (victim, id) => void victim.send(request(id, "wait", { mode: "sync" })),
};

const request = (id: string, what: string, options: ClientMessage<"request">["options"]): ClientMessage => ({
  type: "request",
  id,
  action: "guarded",
  payload: { what, secret: SECRET },
  metadata: { secret: SECRET },
  options: { ...options, ...(options?.mode !== "sync" && { idempotency_key: `key-${id}` }) },
});

const isObject = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value: unknown) => (typeof value === "object" ? { value } : { issues: [{ message: "is no object", path: [] }] }),
  },
} as const;

interface Ran {
  readonly id: string;
  readonly owner: Owner;
  readonly permissions: readonly string[];
}

function guarded(ran: Ran[]): AnyHandler {
  return defineHandler({
    action: "guarded",
    input: isObject,
    estimate: 60_000,
    permissions: [PERMISSION],
    retry: { maxAttempts: 1 },
    run: async (input, ctx) => {
      const { id, tenantId, userId, permissions } = ctx.request;
      ran.push({ id, owner: { tenantId, userId }, permissions });
      const { what, secret } = input as { readonly what?: string; readonly secret?: string };
      if (what === "wait") return new Promise((_, stop) => ctx.signal.addEventListener("abort", () => stop(new Error("told to stop"))));
      ctx.report(50, secret);
      if (what === "fail") throw new Error(`${secret}: no`);
      if (secret !== undefined) await ctx.partial("rows", secret);
      return { secret, file: (await ctx.blobs.put("a.txt", secret ?? "")).url };
    },
  });
}

/** One request in each state, and somebody who follows them. */
async function stage(harness: Harness) {
  const ran: Ran[] = [];
  const pipeline = await startPipeline({
    harness,
    handlers: [guarded(ran)],
    // Long enough that what is answered at once stays so.
    options: { syncThresholdMs: 60_000 },
  });
  const { connect, until } = pipeline;
  const victim = await connect(ALICE, [PERMISSION]);
  const asked = async (prefix: string): Promise<void> => {
    const before = ran.length;
    for (const state of Object.keys(STATES) as State[]) await STATES[state](victim, `${prefix}-${state}`);
    await until("all but the one that waits have begun", () => ran.length === before + 4);
    const ended = (type: "complete" | "error", id: string) => victim.story(id).some((event) => event.type === type);
    await until("ended", () => ended("complete", `${prefix}-completed`) && ended("error", `${prefix}-failed`));
  };
  const lookups = (prefix: string) =>
    Promise.all(
      (Object.keys(STATES) as State[]).map(async (state) => {
        const lookup = await harness.engine.requests.get(requestKey(ALICE, `${prefix}-${state}`));
        return lookup.outcome === "found" ? { seq: lookup.record.seq, status: lookup.record.status } : lookup.outcome;
      }),
    );
  return { ...pipeline, ran, victim, asked, lookups };
}

function toldBy(received: readonly ServerMessage[]): readonly Told[] {
  return received.map((message) => (message.type === "error" ? message.error.code : message.type));
}

export function isolationContract(test: ContractTest): void {
  for (const [verb, row] of Object.entries(VERBS) as [Verb, Row][]) {
    test(`P10 ${verb}: whoever has the right is answered, in every state`, async (harness) => {
      const { victim, asked, connect } = await stage(harness);
      await asked("own");
      for (const state of Object.keys(STATES) as State[]) {
        const client = await connect(ALICE, [PERMISSION]);
        const before = client.received.length;
        await client.send(row.ask(`own-${state}`)[0]!);
        expect([state, toldBy(client.received.slice(before))[0] ?? "nothing"]).toEqual([state, row.own[state]]);
      }
      expect(victim.end.closed).toBeUndefined();
    });

    for (const [stranger, [owner, permissions]] of Object.entries(STRANGERS)) {
      test(`P10 ${verb}: ${stranger} learns and changes nothing, in any state`, async (harness) => {
        const { victim, asked, lookups, connect, quiet, ran } = await stage(harness);
        await asked("own");
        const [before, ranBefore, heard] = [await lookups("own"), ran.length, victim.received.length];
        const isLacking = owner === ALICE;
        for (const state of Object.keys(STATES) as State[]) {
          const client = await connect(owner, permissions);
          for (const message of row.ask(`own-${state}`)) {
            const from = client.received.length;
            await client.send(message);
            const told = toldBy(client.received.slice(from));
            const isInvalid = message.type === "request" && message.payload === "no object";
            const expected = isLacking ? lackingIs(verb, state) : isInvalid ? "VALIDATION_ERROR" : row.others;
            expect([state, told[0] ?? "nothing"]).toEqual([state, expected]);
          }
          await quiet();
          expect(client.end.received.filter((text) => text.includes(SECRET))).toEqual([]);
          if (verb === "list") expect(client.received.flatMap((message) => (message.type === "list" ? message.items : []))).toEqual([]);
        }
        expect(await lookups("own")).toEqual(before);
        expect(ran.slice(ranBefore).filter(({ owner: of }) => of.userId === ALICE.userId && of.tenantId === ALICE.tenantId)).toEqual([]);
        expect(victim.received.slice(heard)).toEqual([]);
      });
    }

    test(`P10 ${verb}: a connection that is not open is closed, and asks nothing`, async (harness) => {
      const { asked, lookups, streamer, ran, victim } = await stage(harness);
      await asked("own");
      const [before, ranBefore, heard] = [await lookups("own"), ran.length, victim.received.length];
      const end = await harness.connectClient();
      for (const state of Object.keys(STATES) as State[]) {
        for (const message of row.ask(`own-${state}`)) await streamer.receive(end.connectionId, JSON.stringify(message));
      }
      expect(end.received).toEqual([]);
      // A gateway closes with a code of its own.
      expect(end.closed).toBeDefined();
      expect(await lookups("own")).toEqual(before);
      expect([ran.length, victim.received.length]).toEqual([ranBefore, heard]);
    });
  }

  test("P10 a link opens one file of one request, and no other by any change of it", async (harness) => {
    const { victim, asked, until, connect } = await stage(harness);
    await asked("own");
    const bob = await connect(BOB, [PERMISSION]);
    await bob.send({ type: "request", id: "own-completed", action: "guarded", payload: { what: "succeed", secret: "of bob" } });
    await until("done", () => bob.last("complete") !== undefined);
    const linkOf = (client: FlowClient): string => (client.last("complete")!.result as { readonly file: string }).file;
    const [alices, bobs] = [new URL(linkOf(victim)), new URL(linkOf(bob))];
    expect((await harness.download(alices.href)).status).toBe(200);
    for (const forged of [
      new URL(bobs.search, alices),
      new URL(alices.pathname, bobs.origin),
      new URL(`${alices.pathname.replace("alice", "bob")}${alices.search}`, alices),
      new URL(`${alices.pathname.replace("a.txt", "b.txt")}${alices.search}`, alices),
    ]) {
      if (forged.href !== alices.href) expect([forged.href, (await harness.download(forged.href)).status]).not.toEqual([forged.href, 200]);
    }
  });
}

/** A run that is answered at once is not stored, and not found by whoever asks: it can be cancelled or joined, no more. */
function lackingIs(verb: Verb, state: State): Told {
  const isNotFound = state === "answered at once" && VERBS[verb].own[state] === "NOT_FOUND";
  return isNotFound ? "NOT_FOUND" : VERBS[verb].lacking;
}
