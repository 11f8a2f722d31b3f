/** A suite on the local AWS: starts the stack, rages, and stops it, whatever happens. */
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Outcome, Terms } from "../suite.ts";
import { startStack, type Stack } from "./stack.ts";

export async function runOnAws(name: string, terms: Terms, rage: (stack: Stack) => Promise<Outcome>): Promise<Outcome> {
  const stack = await startStack();
  try {
    const outcome = await rage(stack);
    if (outcome.broken.length > 0) {
      const path = join(tmpdir(), `streamer-torture-${name}-${terms.seed}.log`);
      writeFileSync(path, stack.lines.join("\n"));
      terms.tell(`what the functions said is in ${path}`);
    }
    return outcome;
  } finally {
    await stack.stop();
  }
}
