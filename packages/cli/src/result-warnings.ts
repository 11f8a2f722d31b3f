/** What a result warns of, told before the result itself: any handler's `warnings`, a list of objects with a `message`. */
import type { Terminal } from "./terminal.ts";

/** Beyond these a person no longer reads; all are in the result. */
const SHOWN = 20;

/** With the id of the run, where there are several. */
export function noteWarnings(terminal: Terminal, result: unknown, id?: string): void {
  const messages = messagesIn(result);
  const of = id === undefined ? "" : `${id}: `;
  for (const message of messages.slice(0, SHOWN)) terminal.note(`${terminal.style("yellow", "warning")} ${of}${message}`);
  if (messages.length > SHOWN)
    terminal.note(`${terminal.style("yellow", "warning")} ${of}and ${messages.length - SHOWN} more, in the result`);
}

function messagesIn(result: unknown): readonly string[] {
  const { warnings } = (result ?? {}) as { readonly warnings?: unknown };
  if (!Array.isArray(warnings)) return [];
  return warnings.flatMap((one: unknown) => {
    const { message } = (one ?? {}) as { readonly message?: unknown };
    return typeof message === "string" ? [message] : [];
  });
}
