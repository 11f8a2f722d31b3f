/**
 * Which pages may connect: those of the origins that are named, and those that this server's own address served. A page
 * that reaches the server by a name of its own (DNS rebinding) counts as the latter, and has no token.
 */
import type { IncomingMessage } from "node:http";
import type { Log } from "@streamer/core";

/** Told to the log, each once. */
const MOST_TOLD = 100;
/** Of an origin, in the log and in an answer. */
const MOST_CHARACTERS = 200;

export interface Origins {
  /** Why it may not, in one sentence. What is no browser sends no origin. */
  refusalOf(request: IncomingMessage): string | undefined;
}

export function createOrigins({ allowed, log }: { readonly allowed: readonly string[]; readonly log: Pick<Log, "warn"> }): Origins {
  const told = new Set<string>();
  return {
    refusalOf: ({ headers: { origin: given, host } }) => {
      if (given === undefined || allowed.includes(given) || isOwn(given, host)) return undefined;
      const origin = given.slice(0, MOST_CHARACTERS);
      if (!told.has(origin) && told.size < MOST_TOLD) {
        told.add(origin);
        log.warn({ origin }, "a page of another origin may not connect; name the origin in allowedOrigins (--allow-origin) if it is yours");
      }
      return `Origin ${origin} is not among the server's allowed origins.`;
    },
  };
}

/** The scheme is left out: a proxy that ends TLS hands on the host alone. */
const isOwn = (origin: string, host: string | undefined): boolean =>
  host !== undefined && URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
