/** What the events of one request may be, in which order (P2, P5, P8): its whole story, read from the store. */
import { isTerminal, type RequestStatus, type ServerMessage } from "@streamer/protocol";
import type { StoredRequest } from "../engine.ts";
import type { Report } from "./findings.ts";

type Event = ServerMessage<"acknowledgment" | "waiting" | "progress" | "partial" | "retrying" | "cancellation" | "complete" | "error">;

interface Story {
  status: RequestStatus | "none";
  seq: number;
  attempt: number;
  percentage: number;
  receipt: string;
  /** Since it was acknowledged, or retried by hand. */
  failures: number;
  readonly maxAttempts: number;
  readonly partials: Map<string, number>;
}

export function checkEventLog(stored: StoredRequest, report: Report): void {
  const story: Story = {
    status: "none",
    seq: 0,
    attempt: 0,
    percentage: -1,
    receipt: "",
    failures: 0,
    maxAttempts: stored.maxAttempts,
    partials: new Map(),
  };
  const about = (what: string): string => `${what}: ${stored.key}, ${stored.events.map(({ text }) => text).join("\n  ")}`;
  for (const { seq, text } of stored.events) {
    const event = JSON.parse(text) as Event;
    if (event.seq !== seq || event.request_id !== stored.requestId) report("P5", about(`event ${seq} is printed as another's`));
    if (seq <= story.seq) report("P5", about(`seq ${seq} follows ${story.seq}`));
    story.seq = seq;
    const problem = read(event, story);
    if (problem !== undefined) report(problem[0], about(problem[1]));
  }
  if (story.seq !== stored.seq) report("P5", about(`the newest event has seq ${story.seq}, the request ${stored.seq}`));
  const isTold = isTerminal(stored.status) || stored.status === "RETRYING";
  const fits = isTold ? story.status === stored.status : story.status === "PENDING" || story.status === "RETRYING";
  if (!fits) report("P2", about(`it is ${stored.status}, and its events say ${story.status}`));
}

/** What is wrong with an event that follows the story so far, if anything is. */
function read(event: Event, story: Story): readonly [promise: string, what: string] | undefined {
  const isOver = story.status === "COMPLETED" || story.status === "FAILED" || story.status === "CANCELLED";
  if (event.type === "acknowledgment") {
    if (story.status !== "none" && story.status !== "FAILED") return ["P2", `it is acknowledged again after ${story.status}`];
    Object.assign(story, { status: "PENDING", receipt: "", failures: 0 });
    return undefined;
  }
  if (story.status === "none") return ["P1", `it begins with ${event.type}`];
  if (isOver) return ["P2", `${event.type} follows its end`];
  switch (event.type) {
    case "progress":
      if (event.attempt < story.attempt) return ["P3", `progress of attempt ${event.attempt} follows attempt ${story.attempt}`];
      story.percentage = event.percentage;
      story.attempt = event.attempt;
      return undefined;
    case "partial": {
      const index = story.partials.get(event.stream) ?? -1;
      story.partials.set(event.stream, event.index);
      if (event.index !== 0 && event.index !== index + 1) return ["P5", `partial ${event.index} of ${event.stream} follows ${index}`];
      return undefined;
    }
    case "retrying":
      if (event.attempt < story.attempt) return ["P3", `the failure of attempt ${event.attempt} follows attempt ${story.attempt}`];
      Object.assign(story, { status: "RETRYING", attempt: event.attempt, failures: story.failures + 1 });
      if (story.failures >= story.maxAttempts)
        return ["P9", `it is to be tried again after ${story.failures} failures of ${story.maxAttempts}`];
      return undefined;
    case "cancellation":
      return receipt(event.stage, story);
    case "complete":
      story.status = "COMPLETED";
      if (event.metadata.attempts < story.attempt) return ["P3", `attempt ${event.metadata.attempts} completes it after ${story.attempt}`];
      if (story.percentage !== 100) return ["P5", `it completes at ${story.percentage} %`];
      if (story.receipt !== "" && story.receipt !== "too_late") return ["P8", `it completes after the receipt ${story.receipt}`];
      return undefined;
    case "error":
      story.status = event.error.code === "CANCELLED" ? "CANCELLED" : "FAILED";
      if (MAY_PASS.test(event.error.message) && story.failures + 1 < story.maxAttempts)
        return ["P9", `it fails for good after ${story.failures + 1} failures of ${story.maxAttempts}`];
      if (event.error.code === "INTERNAL_ERROR") return ["P2", "its end is that it could not be stored"];
      if (story.status === "FAILED" && story.receipt !== "" && story.receipt !== "too_late")
        return ["P8", `it fails after the receipt ${story.receipt}`];
      if (story.status === "CANCELLED" && story.receipt !== "stopped")
        return ["P8", `it is cancelled after the receipt "${story.receipt}"`];
      return undefined;
    case "waiting":
      return undefined;
  }
}

/** Said by handlers of the simulation about a failure that is not for good. */
export const MAY_PASS = /^attempt \d+ fails, as its script says$/;

const AFTER: Readonly<Record<string, readonly string[]>> = {
  // Once more where the run failed before it was told, and waits for its next attempt.
  requested: ["", "requested", "observed"],
  observed: ["requested", "observed"],
  stopped: ["requested", "observed"],
  too_late: ["requested", "observed"],
};

function receipt(stage: string, story: Story): readonly [string, string] | undefined {
  const before = story.receipt;
  story.receipt = stage;
  return AFTER[stage]?.includes(before) ? undefined : ["P8", `the receipt ${stage} follows "${before}"`];
}
