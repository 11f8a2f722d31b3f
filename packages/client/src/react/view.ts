/** What the hooks return about a request. */
import { isTerminal } from "@streamer/protocol";
import type { StreamerError } from "../errors.ts";
import type { Progress, RunState } from "../run-state.ts";
import type { Run } from "../run.ts";
import type { RunSnapshot } from "./run-store.ts";

interface Common<Output> {
  /** The handle of the request, if there is one. `use(run.result)` suspends until the result is there. */
  readonly run: Run<Output> | undefined;
  /** All that is known about the request: its status on the server, ETA, why it waits, the state of its cancellation. */
  readonly state: RunState | undefined;
  /** The newest progress. */
  readonly progress: Progress | undefined;
  /** Requests cancellation; `state.cancellation` shows its state. Without a request it does nothing. */
  readonly cancel: () => void;
}

interface Idle {
  readonly status: "idle";
  readonly isIdle: true;
  readonly isPending: false;
  readonly isSuccess: false;
  readonly isError: false;
  readonly data: undefined;
  readonly error: undefined;
}

interface Pending {
  readonly status: "pending";
  readonly isIdle: false;
  readonly isPending: true;
  readonly isSuccess: false;
  readonly isError: false;
  readonly data: undefined;
  readonly error: undefined;
}

interface Success<Output> {
  readonly status: "success";
  readonly isIdle: false;
  readonly isPending: false;
  readonly isSuccess: true;
  readonly isError: false;
  readonly data: Output;
  readonly error: undefined;
}

/** Failed, refused or cancelled: `error.code` says which. */
interface Failure {
  readonly status: "error";
  readonly isIdle: false;
  readonly isPending: false;
  readonly isSuccess: false;
  readonly isError: true;
  readonly data: undefined;
  readonly error: StreamerError;
}

export type RunView<Output> = Common<Output> & (Idle | Pending | Success<Output> | Failure);

export function viewOf<Output>({ run, state }: RunSnapshot<Output>): RunView<Output> {
  const status = !state ? "idle" : !isTerminal(state.status) ? "pending" : state.status === "COMPLETED" ? "success" : "error";
  return {
    run,
    state,
    progress: state?.progress,
    cancel: () => void run?.cancel(),
    status,
    isIdle: status === "idle",
    isPending: status === "pending",
    isSuccess: status === "success",
    isError: status === "error",
    data: state?.result,
    // An attempt that failed is not how it ended: while it is tried again, `state.error` tells of it.
    error: status === "error" ? state?.error : undefined,
  } as RunView<Output>;
}
