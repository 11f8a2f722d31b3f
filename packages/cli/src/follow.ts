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
  readonly onEnd?: (end: End) => void | Promise<void>;
}

export async function follow(runs: readonly Run[], { client, terminal, farewell, onEnd }: Following): Promise<readonly End[]> {
  const view = createProgressView(terminal, runs);
  const left = Promise.withResolvers<never>();
  left.promise.catch(() => undefined);
  const going = (): readonly Run[] => runs.filter(({ state }) => !isTerminal(state.status));

  const stopListening = terminal.onInterrupt((count) => {
    if (count > 1) left.reject(new ExitError(EXIT.leftRunning, farewell(going()), "LEFT_RUNNING"));
    else cancelAll(going(), runs.length === 1, terminal);
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
    // Its bar stays where it is, with the result below.
    if (runs.length === 1) view.end();
    await onEnd?.(end);
    return end;
  }

  try {
    return await Promise.race([Promise.all(runs.map(followOne)), left.promise]);
  } finally {
    view.end();
    stopNoting();
    stopListening();
  }
}

function cancelAll(runs: readonly Run[], isOnly: boolean, terminal: Terminal): void {
  terminal.note(isOnly ? "Cancelling; Ctrl-C again leaves it running." : `Cancelling ${runs.length}; Ctrl-C again leaves them running.`);
  for (const run of runs) {
    run.cancel("Ctrl-C").then(
      (receipt) => terminal.note(`${isOnly ? "" : `${run.id}: `}${describeReceipt(receipt)}`),
      (error: unknown) => terminal.fail(error),
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
