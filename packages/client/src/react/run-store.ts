/**
 * What one component shows of one request. Following begins when the component is mounted and ends when it is not, so
 * that rendering has no effects: a render that React throws away, or repeats, leaves nothing behind. What is shown
 * changes before a paint only, together with all other components.
 */
import { isTerminal } from "@streamer/protocol";
import type { Client } from "../client.ts";
import { UNSENT, type RunState } from "../run-state.ts";
import type { Run } from "../run.ts";
import type { RunReference } from "../tracker.ts";
import { beforePaint, flush } from "./frames.ts";

export interface RunSnapshot<Output> {
  readonly run?: Run<Output>;
  /** Undefined when there is no request to follow. */
  readonly state?: RunState;
}

export interface RunStore<Output> {
  readonly getSnapshot: () => RunSnapshot<Output>;
  /** For one component at a time. */
  readonly subscribe: (changed: () => void) => () => void;
}

const EMPTY: RunSnapshot<never> = {};
const FRESH: RunSnapshot<never> = { state: UNSENT };

export const noRun: RunStore<never> = { getSnapshot: () => EMPTY, subscribe: () => () => undefined };

/** Of a request made here. */
export function storeOfRun<Output>(client: Client, run: Run<Output>): RunStore<Output> {
  return createStore(client, run, { run, state: run.state });
}

/** Of a request made anywhere, by its id or what was kept of it. */
export function storeOfReference<Output>(client: Client, request: string | RunReference): RunStore<Output> {
  return createStore<Output>(client, request, FRESH);
}

function createStore<Output>(client: Client, source: Run<Output> | RunReference | string, first: RunSnapshot<Output>): RunStore<Output> {
  let snapshot = first;

  function follow(): Run<Output> {
    const { run } = snapshot;
    if (run && isOver(run.state)) return run;
    return client.attach<Output>(referenceOf(run ?? source));
  }

  return {
    getSnapshot: () => snapshot,
    subscribe(changed) {
      const run = follow();
      const look = (): void => {
        // Attached to anew, it says nothing until the server does; what was known until then still stands.
        const state = isUntold(run.state) && snapshot.state ? snapshot.state : run.state;
        if (snapshot.run === run && snapshot.state === state) return;
        snapshot = { run, state };
        changed();
      };
      const stop = run.onState(() => beforePaint(look));
      look();
      // Others may show an older state of the same request.
      flush();
      return () => {
        stop();
        run.detach();
      };
    },
  };
}

/** A client that was closed may be another one by now. */
function isOver({ status, error }: RunState): boolean {
  return isTerminal(status) && error?.code !== "CLIENT_CLOSED";
}

function isUntold({ acknowledged, status }: RunState): boolean {
  return !acknowledged && !isTerminal(status);
}

function referenceOf(source: Run | RunReference | string): RunReference | string {
  return typeof source === "object" && "toJSON" in source ? source.toJSON() : source;
}
