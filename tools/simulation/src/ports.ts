/**
 * The ports of an engine of one process, as that process sees them: each call of the store goes through the world, which
 * delays, refuses and cuts off. What such an engine keeps in its own memory (connections, subscriptions, answers, the
 * channel) is called directly: it fails with its process alone.
 */
import type { Engine, RequestKey, Requests } from "@streamer/core";
import type { Process, World } from "./engine.ts";

type Values = readonly unknown[];
type Method = (...values: Values) => unknown;

/** The request that a call is about. */
function keyOf(verb: string, [first]: Values): RequestKey | undefined {
  switch (verb) {
    case "submit":
    case "advance":
    case "reschedule":
    case "release":
    case "settle":
      return (first as { readonly key: RequestKey }).key;
    case "requestCancel":
    case "redrive":
    case "wait":
    case "get":
    case "payloadOf":
    case "has":
      return first as RequestKey;
    default:
      return undefined;
  }
}

/** The requests that an answer says were written, beside the one asked for. */
function writtenBy(verb: string, answer: unknown): readonly RequestKey[] {
  if (verb === "claim") return (answer as Awaited<ReturnType<Requests["claim"]>>).map(({ lease }) => lease.key);
  if (verb === "recover") return (answer as Awaited<ReturnType<Requests["recover"]>>).map(({ key }) => key);
  return [];
}

/** Answers to what a run writes come in the order it wrote; others may overtake them. */
const OF_A_RUN: ReadonlySet<string> = new Set(["submit", "advance", "reschedule", "release", "settle"]);
const READS: ReadonlySet<string> = new Set(["get", "payloadOf", "has", "list", "nextRunAt", "waits"]);

export function throughWorld(engine: Engine, process: Process, world: World): Engine {
  const wrap = <Port extends object>(name: string, port: Port): Port =>
    Object.fromEntries(
      Object.entries(port).map(([verb, value]) => {
        if (typeof value !== "function") return [verb, value];
        const method = (value as Method).bind(port);
        return [verb, (...values: Values) => process.call(`${name}.${verb}`, () => method(...values))];
      }),
    ) as Port;

  const requests = Object.fromEntries(
    Object.entries(engine.requests).map(([verb, method]) => {
      const reach = (method as Method).bind(engine.requests);
      return [
        verb,
        (...values: Values) => {
          const key = keyOf(verb, values);
          const work = async (): Promise<unknown> => {
            const answer = await reach(...values);
            if (READS.has(verb)) return answer;
            for (const written of [...(key === undefined ? [] : [key]), ...writtenBy(verb, answer)]) world.touched(written);
            return answer;
          };
          return process.call(`requests.${verb}`, work, OF_A_RUN.has(verb) ? key : undefined);
        },
      ];
    }),
  ) as unknown as Requests;

  return {
    ...engine,
    requests,
    events: wrap("events", engine.events),
    runTimes: wrap("runTimes", engine.runTimes),
    blobs: wrap("blobs", engine.blobs),
  };
}
