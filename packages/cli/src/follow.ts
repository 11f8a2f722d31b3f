/**
 * Follows one run to its end for a person or a script: shows progress, turns Ctrl-C into a cancellation that is waited
 * for, and a second Ctrl-C into leaving it running. Answers with how it ended; printing the result is the command's.
 */
import type { CancellationReceipt, Client, Run } from "@streamer/client";
import { isTerminal } from "@streamer/protocol";
import { EXIT, ExitError } from "./exit.ts";
import { createProgressView } from "./progress-view.ts";
import type { Terminal } from "./terminal.ts";

export interface Followed {
  readonly result: unknown;
}

export async function follow(run: Run, client: Client, terminal: Terminal, leave: (id: string) => string): Promise<Followed> {
  const view = createProgressView(terminal);
  const left = Promise.withResolvers<never>();
  left.promise.catch(() => undefined);
  const stopListening = terminal.onInterrupt((count) => {
    view.end();
    if (count === 1) {
      terminal.note("Cancelling; Ctrl-C again leaves it running.");
      run.cancel("Ctrl-C").then(
        (receipt) => terminal.note(describeReceipt(receipt)),
        (error: unknown) => terminal.fail(error),
      );
    } else {
      left.reject(new ExitError(EXIT.leftRunning, leave(run.id), "LEFT_RUNNING"));
    }
  });
  const stopNoting = noteConnection(client, terminal);
  const showing = (async () => {
    for await (const event of run.events) {
      if (terminal.json) terminal.printJson(event);
      else if (event.type !== "partial") view.show(run.state);
    }
  })();
  try {
    return { result: await Promise.race([run.result, left.promise]) };
  } finally {
    // A run that was left goes on: its events do not end.
    if (isTerminal(run.state.status)) await showing;
    view.end();
    stopNoting();
    stopListening();
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
