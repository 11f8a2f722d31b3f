/** For who does not wait for the end: each request's id once the server has it, in order. */
import type { Run } from "@streamer/client";
import { Said, exitCodeOf } from "./exit.ts";
import type { Terminal } from "./terminal.ts";

export async function announce(runs: readonly Run[], terminal: Terminal): Promise<void> {
  const exitCodes: number[] = [];
  for (const run of runs) {
    try {
      await run.accepted;
      if (terminal.json) terminal.printJson({ request_id: run.id, status: run.state.status });
      else terminal.print(run.id);
    } catch (error) {
      terminal.fail(error);
      exitCodes.push(exitCodeOf(error));
    }
  }
  if (exitCodes.length > 0) throw new Said(Math.min(...exitCodes));
}
