/** What a run is doing, in one line, and how long it may still take. */
import type { Eta, RunState } from "@streamer/client";
import { isTerminal } from "@streamer/protocol";
import { measure } from "./time-span.ts";

/** What is going on, in one line without the percentage; with what is left, when that is known. */
export function describe({ progress, waiting, status, attempt, error }: RunState, left?: Eta): string {
  const parts = waiting
    ? [waitingFor(waiting, error)]
    : progress
      ? [[progress.stage, progress.message].filter((part) => part !== undefined && part !== "").join(": ")]
      : [status === "PENDING" ? "sent" : "running"];
  if (attempt > 1) parts.push(`attempt ${attempt}`);
  if (left && left.p90Ms > 0 && !isTerminal(status)) parts.push(`${formatEta(left)} left`);
  return parts.filter((part) => part !== "").join(" · ");
}

function waitingFor({ reason, position, until }: NonNullable<RunState["waiting"]>, error: RunState["error"]): string {
  const failed = error ? `failed: ${error.message}` : "failed";
  if (reason === "backoff" && until !== undefined) return `${failed}, trying again at ${timeOf(until)}`;
  if (reason === "scheduled") return until === undefined ? "scheduled" : `scheduled for ${timeOf(until)}`;
  const why = reason === "queue" ? "queued" : `waiting: ${reason.replaceAll("_", " ")}`;
  return position === undefined || position === 0 ? why : `${why}, ${position} ahead`;
}

const timeOf = (epochMs: number): string => new Date(epochMs).toLocaleTimeString("en-GB");

/** An honest range: half of such runs are done by the first figure, nine in ten by the second. */
export function formatEta({ p50Ms, p90Ms }: Eta): string {
  const [low, high] = [measure(p50Ms), measure(p90Ms)];
  if (low.amount === "<1" && high.amount !== "<1") return `up to ${high.amount} ${high.unit}`;
  if (low.amount === high.amount && low.unit === high.unit) return `${high.amount} ${high.unit}`;
  return low.unit === high.unit ? `${low.amount}–${high.amount} ${high.unit}` : `${low.amount} ${low.unit} to ${high.amount} ${high.unit}`;
}
