/**
 * Where following a request stands. What the request does at the server is its RunState; this is how much of it this
 * client has heard, and what is to be said on the next connection.
 *
 *   unsent ──send──> sent <─┐               the frame is said again on each connection until it is answered (P4)
 *      │              │ └send┘
 *      └──────┬───────┘
 *             │ hear, snapshot
 *             v
 *  attached ─────> live <─┐                 subscribed after the last seq seen (P6)
 *      │            │ └───┘ hear, snapshot
 *      └──────┬─────┘  ^
 *             │ enter  │ snapshot
 *             v        │
 *          astray ─────┘                    the seq seen is of another store: only a snapshot counts
 *
 *   any of them ──end──> over               settled, refused, or followed no more: nothing leads out
 *
 * `enter` leads to astray when the connection is to another store; else it changes no phase. Pure. The table of every
 * phase and input is in phase.test.ts: a phase or input without its cells there does not compile.
 */
import { isTerminal, type RequestStatus, type ServerMessage } from "@streamer/protocol";

interface Common {
  /** The last seq seen. */
  readonly seq: number;
  /** The store that seq is of. */
  readonly epoch?: string | undefined;
}

interface Unsent extends Common {
  readonly name: "unsent";
  readonly frame: string;
}
interface Sent extends Common {
  readonly name: "sent";
  readonly frame: string;
  /** How often it was put on a socket. */
  readonly times: number;
}
/** Known from elsewhere; the server has not said anything of it here. */
interface Attached extends Common {
  readonly name: "attached";
}
interface Live extends Common {
  readonly name: "live";
  /** The newest seq when this client came: a terminal event below it was not the end, it was redriven since. */
  readonly horizon: number;
}
interface Astray extends Common {
  readonly name: "astray";
}
export type Going = Unsent | Sent | Attached | Live | Astray;
interface Over {
  readonly name: "over";
  /** What it would go on from elsewhere. */
  readonly from: Going;
}
export type Phase = Going | Over;

export type Input =
  /** Its frame was put on a socket. */
  | { readonly type: "send" }
  /** There is a connection to this store. */
  | { readonly type: "enter"; readonly epoch: string }
  /** The server knows of it; with an event that `isNews`, by its seq. */
  | { readonly type: "hear"; readonly seq?: number | undefined }
  /** A snapshot to go on from: after `seq`, of `horizon` that there are. */
  | { readonly type: "snapshot"; readonly seq: number; readonly horizon: number }
  | { readonly type: "end" };

export function next(phase: Phase, input: Input): Phase {
  if (phase.name === "over") return phase;
  const { seq, epoch } = phase;
  switch (input.type) {
    case "send":
      return "frame" in phase ? { ...phase, name: "sent", times: "times" in phase ? phase.times + 1 : 1 } : phase;
    case "enter":
      // What was never stored can go to any store.
      return "frame" in phase || (epoch ?? input.epoch) === input.epoch
        ? { ...phase, epoch: input.epoch }
        : { name: "astray", seq: 0, epoch: input.epoch };
    case "hear":
      return phase.name === "astray"
        ? phase
        : { name: "live", seq: input.seq ?? seq, horizon: "horizon" in phase ? phase.horizon : 0, epoch };
    case "snapshot":
      return { name: "live", seq: input.seq, horizon: input.horizon, epoch };
    case "end":
      return { name: "over", from: phase };
  }
}

/** Others are dropped, so that a replay repeats nothing (P5, P6). Answers have no seq. */
export const isNews = (phase: Going, seq: number | undefined): boolean => seq === undefined || (phase.name !== "astray" && seq > phase.seq);

/**
 * How a snapshot is read. `wait`: what is missing follows event by event, and tells more than a snapshot does. `glance`:
 * the same, but what was seen elsewhere is not told again, so that it is shown meanwhile. `take`: it is all there is.
 */
export function reading(
  phase: Going,
  known: RequestStatus,
  { seq, recovered, status }: Pick<ServerMessage<"snapshot">, "seq" | "recovered" | "status">,
): "wait" | "glance" | "take" {
  if (!recovered || phase.name === "astray") return "take";
  if (seq > phase.seq) return phase.name === "attached" && phase.seq > 0 && !isTerminal(status) ? "glance" : "wait";
  return phase.name === "live" && seq === phase.seq && status === known ? "wait" : "take";
}
