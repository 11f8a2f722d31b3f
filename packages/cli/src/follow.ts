/**
 * Follows runs to their ends for a person or a script: shows progress, turns Ctrl-C into a cancellation that is waited
 * for, and a second Ctrl-C into leaving them running. Tells each end as it comes; printing results is the command's.
 */
import type { CancellationReceipt, Client, Run } from "@streamer/client";
import { isTerminal } from "@streamer/protocol";
import { EXIT, ExitError } from "./exit.ts";
import { createProgressView } from "./progress-view.ts";
import type { Terminal } from "./terminal.ts";

export type End = { readonly run: Run; readonly result: unknown } | { readonly run: Run; readonly error: unknown };

export interface Following {
  readonly client: Client;
  readonly terminal: Terminal;
  /** What a second Ctrl-C says of the runs it leaves. */
  readonly farewell: (left: readonly Run[]) => string;
  /** The signal says that nobody waits for what it does any more. */
  readonly onEnd?: (end: End, signal: AbortSignal) => void | Promise<void>;
}

export async function follow(runs: readonly Run[], { client, terminal, farewell, onEnd }: Following): Promise<readonly End[]> {
  const view = createProgressView(terminal, runs);
  const leaving = new AbortController();
  const { signal } = leaving;
  const left = new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as ExitError)));
  const going = (): readonly Run[] => runs.filter(({ state }) => !isTerminal(state.status));

  const stopListening = terminal.onInterrupt((count) => {
    const still = going();
    if (still.length === 0) leaving.abort(new ExitError(EXIT.cancelled, "Stopped; what was asked for had ended.", "CANCELLED"));
    else if (count > 1) leaving.abort(new ExitError(EXIT.leftRunning, farewell(still), "LEFT_RUNNING"));
    else cancelAll(still, { isOnly: runs.length === 1, terminal, signal });
  });
  const stopNoting = noteConnection(client, terminal);

  async function followOne(run: Run): Promise<End> {
    for await (const event of run.events) {
      if (terminal.json) terminal.printJson(event);
      else if (event.type !== "partial") view.changed(run);
    }
    const end = await run.result.then(
      (result): End => ({ run, result }),
      (error: unknown): End => ({ run, error }),
    );
    // Leaving ends what waits here, not the runs.
    if (signal.aborted) return end;
    // Its bar stays where it is, with the result below.
    if (runs.length === 1) view.end();
    await onEnd?.(end, signal);
    return end;
  }

  try {
    return await Promise.race([Promise.all(runs.map(followOne)), left]);
  } finally {
    view.end();
    stopNoting();
    stopListening();
  }
}

interface Cancelling {
  readonly isOnly: boolean;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

function cancelAll(runs: readonly Run[], { isOnly, terminal, signal }: Cancelling): void {
  terminal.note(isOnly ? "Cancelling; Ctrl-C again leaves it running." : `Cancelling ${runs.length}; Ctrl-C again leaves them running.`);
  for (const run of runs) {
    run.cancel("Ctrl-C").then(
      (receipt) => terminal.note(`${isOnly ? "" : `${run.id}: `}${describeReceipt(receipt)}`),
      (error: unknown) => {
        if (!signal.aborted) terminal.fail(error);
      },
    );
  }
}

export const describeReceipt = ({ stage, observed }: CancellationReceipt): string =>
  stage === "stopped" ? `Cancelled${observed ? "; the handler saw it and stopped" : ""}.` : "Too late to cancel: it had ended.";

/** Says when the connection is lost and when it is back, once each. */
function noteConnection(client: Client, terminal: Terminal): () => void {
  let isLost = false;
  return client.onState((state) => {
    if (state.status === "waiting" && !isLost) {
      isLost = true;
      terminal.note(`${state.error.message} Reconnecting; nothing is lost.`);
    } else if (state.status === "open" && isLost) {
      isLost = false;
      terminal.note("Connected again.");
    }
  });
}
