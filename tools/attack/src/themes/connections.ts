/** One user takes every connection there is; a colleague and a stranger still come in, and what they ask for opens files and processes. */
import { open, type Connection } from "../connection.ts";
import type { Role } from "../target.ts";
import type { AttackTerms, Theme } from "../theme.ts";

const AT_ONCE = 100;

async function isServed({ target }: AttackTerms, role: Role): Promise<readonly string[]> {
  const connection = await open(target, role);
  const broken: string[] = [];
  const items = Array.from({ length: 120 }, () => ({}));
  const asks = [
    ["echo", 1],
    ["bulk_operation", { operation_type: "create", entity_type: "x", items }],
    ["generate_report", { start_date: "2025-01-01", end_date: "2025-01-31", format: "csv" }],
  ] as const;
  for (const [action, payload] of asks) {
    const id = `${role}-${action}-${performance.now()}`;
    const answer = await connection.ask(
      { type: "request", id, action, payload, options: { mode: action === "echo" ? "sync" : "async" } },
      120_000,
    );
    if (answer?.type !== "response" && answer?.type !== "complete")
      broken.push(`${action} of the ${role}: ${JSON.stringify(connection.closed ?? answer)}`);
  }
  connection.close();
  return broken;
}

export const connections: Theme = {
  name: "connections",
  does: "one user opens as many connections as it is given, and keeps them",
  unit: "connections",
  counts: { ci: 3_000, release: 20_000 },
  smoke: 400,
  limitSeconds: { ci: 300, release: 900 },
  async attack(terms) {
    const { target, count, signal } = terms;
    const all: Connection[] = [];
    while (all.length < count && !signal.aborted) {
      all.push(...(await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - all.length) }, () => open(target, "attacker")))));
    }
    const letIn = all.filter(({ isOpen }) => isOpen).length;
    const broken = [...(await isServed(terms, "stranger")), ...(await isServed(terms, "colleague"))];
    for (const connection of all) connection.close();
    return { counted: { asked: all.length, let_in: letIn, refused: all.length - letIn }, broken };
  },
};
