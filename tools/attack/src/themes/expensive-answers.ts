/** Small questions with large answers: a result of a megabyte, links without end, what actions there are, lists that match nothing. */
import type { ClientMessage } from "@streamer/protocol";
import { open } from "../connection.ts";
import { pause, type AttackTerms, type Theme } from "../theme.ts";

/** Of questions a second on each connection: below the limit of 1,000. */
const A_SECOND = 400;
const RESULT_LENGTH = 900_000;
/** Waiting requests that a list has to pass over. */
const WAITING = 3_000;
const LATER_MS = 86_400_000;

function placeholders(): readonly string[] {
  const all: string[] = [];
  for (let at = 0, length = 0; length < RESULT_LENGTH; at += 1) {
    const one = `streamer-blob:url:${at.toString(36)}`;
    all.push(one);
    length += one.length + 3;
  }
  return all;
}

async function prepare({ target, signal }: AttackTerms): Promise<readonly string[]> {
  const connection = await open(target, "attacker");
  const broken: string[] = [];
  for (const [id, payload] of [["large", "a".repeat(RESULT_LENGTH)] as const, ["links", placeholders()] as const]) {
    const answer = await connection.ask({ type: "request", id, action: "echo", payload, options: { mode: "async" } });
    if (answer?.type !== "complete") broken.push(`echo "${id}" did not complete: ${JSON.stringify(answer)?.slice(0, 300)}`);
  }
  for (let at = 0; at < WAITING && !signal.aborted; at += 1) {
    connection.send({ type: "request", id: `later-${at}`, action: "echo", payload: 1, options: { delay_ms: LATER_MS, subscribe: false } });
    if (at % 80 === 79) await pause(100);
  }
  await connection.ask({ type: "ping", ref: "all" });
  connection.close();
  return broken;
}

const QUESTIONS: readonly ClientMessage[] = [
  { type: "get", request_id: "large", ref: "g" },
  { type: "get", request_id: "links", ref: "g" },
  { type: "subscribe", request_id: "large", ref: "s" },
  { type: "actions", ref: "a" },
  { type: "list", action: "nothing", status: "FAILED", ref: "l" },
  { type: "list", limit: 100, ref: "l" },
];

export const expensiveAnswers: Theme = {
  name: "expensive-answers",
  does: "small questions with the largest answers there are, that are read as they come or never",
  unit: "questions",
  counts: { ci: 6_000, release: 60_000 },
  limitSeconds: { ci: 300, release: 1_800 },
  async attack(terms) {
    const { target, count, random, signal } = terms;
    const broken = await prepare(terms);
    const connections = await Promise.all([1, 2, 3, 4].map(() => open(target, "attacker")));
    let sent = 0;
    while (sent < count && !signal.aborted && connections.some(({ isOpen }) => isOpen)) {
      for (const connection of connections) {
        if (!connection.isOpen) continue;
        connection.send(QUESTIONS[Math.floor(random() * QUESTIONS.length)]!);
        sent += 1;
      }
      await pause(1_000 / A_SECOND);
    }
    const closed = connections.filter(({ isOpen }) => !isOpen).length;
    const answers = connections.reduce((sum, { heard }) => sum + Array.from(heard.values()).reduce((all, each) => all + each, 0), 0);
    for (const connection of connections) connection.close();
    return { counted: { questions: sent, answers, closed }, broken };
  },
};
