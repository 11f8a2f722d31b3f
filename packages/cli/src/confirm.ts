/** Asks a person before something happens to many; where there is no person, it says how to do without. */
import { once } from "node:events";
import { createInterface } from "node:readline";
import { EXIT, Said, usage } from "./exit.ts";
import type { Shell } from "./shell.ts";
import type { Terminal } from "./terminal.ts";

export async function confirm({ stdin }: Shell, terminal: Terminal, question: string): Promise<void> {
  if (!stdin.isTTY) throw usage("Nobody can be asked here: give --yes to go ahead, or --dry-run to look first.");
  terminal.ask(`${question} [y/N] `);
  const lines = createInterface({ input: stdin });
  try {
    // The end of the input is no answer, and none is no.
    const [answer = ""] = (await Promise.race([once(lines, "line"), once(lines, "close")])) as [string?];
    if (/^y(es)?$/i.test(answer.trim())) return;
  } finally {
    lines.close();
  }
  terminal.note("Nothing was done.");
  throw new Said(EXIT.cancelled);
}
