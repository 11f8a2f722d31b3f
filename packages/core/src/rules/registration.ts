/** Handlers by action; refuses two of one name. Pure. */
import type { AnyHandler } from "../handler.ts";

export function register(handlers: readonly AnyHandler[]): ReadonlyMap<string, AnyHandler> {
  const byAction = new Map<string, AnyHandler>();
  for (const handler of handlers) {
    if (byAction.has(handler.action)) {
      throw new TypeError(`Handler "${handler.action}": another handler is registered for this action; rename one of them.`);
    }
    byAction.set(handler.action, handler);
  }
  if (byAction.size === 0) throw new TypeError("No handlers: pass at least one, made with defineHandler.");
  return byAction;
}
