/** What is answered at once and not stored: one run for an id, and everyone who asked gets its answer (P4). */
import { expect } from "vitest";
import { requestKey, type AnswerEnd, type Engine } from "@streamer/core";
import type { ContractTest } from "../harness.ts";
import { ALICE, BOB } from "../samples.ts";

const KEY = requestKey(ALICE, "r1");
const ANSWERED = { kind: "answered", text: '{"type":"response","text":"😀"}' } as const satisfies AnswerEnd;
/** Longer than any engine remembers an answer. */
const LONG_MS = 300_000;
const LEASE_MS = 30_000;

const begin = ({ answers }: Engine, connectionId: string, fingerprint = "same", key = KEY) =>
  answers.begin(key, { fingerprint, connectionId, leaseMs: LEASE_MS });

export function answersContract(test: ContractTest): void {
  test("P4 who asks first begins, who asks meanwhile joins, and the end names them all", async ({ engine }) => {
    expect(await begin(engine, "a")).toEqual({ outcome: "begun" });
    for (const asker of ["b", "c", "b"]) expect(await begin(engine, asker)).toEqual({ outcome: "joined" });
    expect([...(await engine.answers.end(KEY, ANSWERED))].toSorted()).toEqual(["a", "b", "c"]);
  });

  test("P4 asked at once it is begun once", async ({ engine }) => {
    const askers = Array.from({ length: 12 }, (_, n) => `c${n}`);
    const outcomes = await Promise.all(askers.map(async (asker) => (await begin(engine, asker)).outcome));
    expect(outcomes.filter((outcome) => outcome === "begun")).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === "joined")).toHaveLength(11);
    expect([...(await engine.answers.end(KEY, ANSWERED))].toSorted()).toEqual(askers.toSorted());
  });

  test("P4 an answer is given again for a while, to the letter", async ({ engine, clock }) => {
    await begin(engine, "a");
    await engine.answers.end(KEY, ANSWERED);
    await clock.advance(30_000);
    expect(await begin(engine, "b")).toEqual({ outcome: "answered", text: ANSWERED.text });
    expect(await begin(engine, "a")).toEqual({ outcome: "answered", text: ANSWERED.text });
  });

  test("P4 what was made durable is left to the store", async ({ engine }) => {
    await begin(engine, "a");
    expect(await engine.answers.end(KEY, { kind: "durable" })).toEqual(["a"]);
    expect(await begin(engine, "b")).toEqual({ outcome: "durable" });
  });

  test("P4 another payload under the id is a conflict, while it runs and while it is remembered", async ({ engine }) => {
    await begin(engine, "a");
    expect(await begin(engine, "b", "other")).toEqual({ outcome: "conflict" });
    expect(await engine.answers.end(KEY, ANSWERED)).toEqual(["a"]);
    expect(await begin(engine, "b", "other")).toEqual({ outcome: "conflict" });
    expect(await begin(engine, "b")).toMatchObject({ outcome: "answered" });
  });

  test("P4 a request that is to be queued joins what there is, and begins nothing", async ({ engine }) => {
    const join = (connectionId: string, fingerprint = "same") => engine.answers.join(KEY, { connectionId, fingerprint });
    expect(await join("q")).toEqual({ outcome: "none" });
    expect(await begin(engine, "a")).toEqual({ outcome: "begun" });
    expect(await join("q")).toEqual({ outcome: "joined" });
    expect(await join("q", "other")).toEqual({ outcome: "conflict" });
    expect([...(await engine.answers.end(KEY, ANSWERED))].toSorted()).toEqual(["a", "q"]);
    expect(await join("q")).toEqual({ outcome: "answered", text: ANSWERED.text });
  });

  test("P10 the same id of another user is another request", async ({ engine }) => {
    await begin(engine, "a");
    expect(await begin(engine, "b", "other", requestKey(BOB, "r1"))).toEqual({ outcome: "begun" });
  });

  test("a forgotten answer begins again, with whom it pleases, for those alone who ask then", async ({ engine }) => {
    await begin(engine, "a");
    expect(await engine.answers.end(KEY, { kind: "forgotten" })).toEqual(["a"]);
    expect(await begin(engine, "b", "other")).toEqual({ outcome: "begun" });
    expect(await engine.answers.end(KEY, ANSWERED)).toEqual(["b"]);
  });

  test("an answer is not remembered for ever: the id begins again", async ({ engine, clock }) => {
    await begin(engine, "a");
    await engine.answers.end(KEY, ANSWERED);
    await clock.advance(LONG_MS);
    expect(await begin(engine, "b", "other")).toEqual({ outcome: "begun" });
    expect(await engine.answers.end(KEY, ANSWERED)).toEqual(["b"]);
  });

  test("an answer of any size reaches everyone who asked; what is too large to be remembered runs again", async ({ engine }) => {
    await begin(engine, "a");
    await begin(engine, "b");
    const large = "€".repeat(20_000_000 / 3);
    expect([...(await engine.answers.end(KEY, { kind: "answered", text: large }))].toSorted()).toEqual(["a", "b"]);
    expect((await begin(engine, "c")).outcome).toBeOneOf(["begun", "answered"]);
  });

  test("ended without having begun, nobody is named and nothing is remembered", async ({ engine }) => {
    expect(await engine.answers.end(KEY, ANSWERED)).toEqual([]);
    expect(await begin(engine, "a")).toEqual({ outcome: "begun" });
    await engine.answers.end(KEY, ANSWERED);
    expect(await engine.answers.end(KEY, { kind: "forgotten" })).toEqual([]);
    expect(await begin(engine, "a")).toMatchObject({ outcome: "answered" });
  });

  test("a run whose process died holds its id no longer than its lease", async (harness) => {
    await begin(harness.engine, "a");
    await harness.restart();
    await harness.clock.advance(LEASE_MS + 1);
    expect(await begin(harness.engine, "b")).toEqual({ outcome: "begun" });
    expect(await harness.engine.answers.end(KEY, ANSWERED)).toContain("b");
  });
}
