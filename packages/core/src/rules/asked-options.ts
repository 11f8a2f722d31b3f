/**
 * What a client may ask for: less than a handler promises, never more. A longer timeout, more attempts or a better
 * place in line would cost others; who may hand them out is the author of the handler and the operator of the server,
 * not whoever holds a token. Pure.
 */
import type { RequestOptions, WireIssue } from "@streamer/protocol";
import { StreamerError } from "../errors.ts";
import type { AnyHandler } from "../handler.ts";
import type { StreamerOptions } from "../options.ts";
import { DEFAULT_RETRY } from "./retry.ts";

/** The place in line of a request that asks for none, 0–9. */
const DEFAULT_PRIORITY = 5;
export const HIGHEST_PRIORITY = 9;

/** Under which terms a request runs: those of its handler, less where the client asked for less. */
export interface Terms {
  readonly timeoutMs: number;
  readonly maxAttempts: number;
  readonly priority: number;
}

type Limiting = Pick<AnyHandler, "timeoutMs" | "retry" | "maxPriority">;
/** The options of a server that say the most that may be asked where a handler says nothing. */
export type MostAskedOf = Pick<StreamerOptions, "timeoutMs"> & { readonly admission: Pick<StreamerOptions["admission"], "maxPriority"> };

/** The most that a client may ask of a handler. */
export function mostAsked({ timeoutMs, retry, maxPriority = HIGHEST_PRIORITY }: Limiting, server: MostAskedOf): Terms {
  return {
    timeoutMs: timeoutMs ?? server.timeoutMs,
    maxAttempts: retry?.maxAttempts ?? DEFAULT_RETRY.maxAttempts,
    priority: Math.min(maxPriority, server.admission.maxPriority),
  };
}

/** The terms of a request, or a VALIDATION_ERROR that says of each option over its limit what the limit is. */
export function checkAsked(asked: RequestOptions, handler: Limiting & Pick<AnyHandler, "action">, server: MostAskedOf): Terms {
  const most = mostAsked(handler, server);
  const { timeout_ms: timeoutMs, max_attempts: maxAttempts, priority } = asked;
  if (
    (timeoutMs !== undefined && timeoutMs > most.timeoutMs) ||
    (maxAttempts !== undefined && maxAttempts > most.maxAttempts) ||
    (priority !== undefined && priority > most.priority)
  ) {
    throw refusal(asked, handler.action, most);
  }
  return {
    timeoutMs: timeoutMs ?? most.timeoutMs,
    maxAttempts: maxAttempts ?? most.maxAttempts,
    priority: priority ?? Math.min(DEFAULT_PRIORITY, most.priority),
  };
}

function refusal(asked: RequestOptions, action: string, most: Terms): StreamerError {
  const limits = { timeout_ms: most.timeoutMs, max_attempts: most.maxAttempts, priority: most.priority };
  const issues: readonly WireIssue[] = Object.entries(limits).flatMap(([name, limit]) => {
    const value = asked[name as keyof typeof limits];
    return value === undefined || value <= limit ? [] : [{ path: ["options", name], message: `${value} is over the limit of ${limit}` }];
  });
  const over = issues.map(({ path, message }) => `${path[1]} ${message}`).join("; ");
  return new StreamerError("VALIDATION_ERROR", `"${action}" gives no more than it declares: ${over}. Ask for less, or leave it out.`, {
    details: { issues: issues.map(({ path, message }) => ({ path, message })) },
  });
}
