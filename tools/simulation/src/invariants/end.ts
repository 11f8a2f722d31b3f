/** What must be true once the world has healed and time has passed: nobody waits for what ended, and nothing is left over. */
import { blobPrefix } from "@streamer/core";
import { isTerminal } from "@streamer/protocol";
import type { Users } from "../askers/users.ts";
import type { Deployment } from "../engine.ts";
import type { Report } from "./findings.ts";
import type { Ledger } from "./ledger.ts";

export interface Ending {
  readonly users: Users;
  readonly deployment: Deployment;
  readonly runs: { readonly running: number };
  readonly ledger: Ledger;
}

export function isOver({ users, runs, ledger }: Omit<Ending, "deployment">): boolean {
  return runs.running === 0 && ledger.haveAllEnded && users.waitFor.length === 0;
}

export function checkEnd({ users, deployment, runs, ledger, report }: Ending & { readonly report: Report }): void {
  for (const { key, status, attempt } of deployment.all())
    if (!isTerminal(status)) report("P2", `${key} has not ended: it is ${status} at attempt ${attempt}`);
  for (const what of users.waitFor) report("P6", `somebody still waits: ${what}`);
  if (runs.running > 0) report("P2", `${runs.running} handlers still run`);
  const prefixes = deployment.all().map(({ key }) => blobPrefix(key));
  for (const blob of deployment.blobs())
    if (!prefixes.some((prefix) => blob.startsWith(prefix))) report("P7", `file ${blob} is left, and its request is forgotten`);
  for (const key of ledger.acknowledgedKeys) {
    const stored = deployment.read(key);
    if (stored && !isTerminal(stored.status)) report("P2", `${key} was acknowledged and has not ended`);
  }
}
