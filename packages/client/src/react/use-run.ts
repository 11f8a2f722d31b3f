import { useMemo, useSyncExternalStore } from "react";
import type { RunReference } from "../tracker.ts";
import { useClient } from "./provider.ts";
import { noRun, storeOfReference, type RunStore } from "./run-store.ts";
import { viewOf, type RunView } from "./view.ts";

/**
 * Follows a request that was made elsewhere or earlier, given its id or what `run.toJSON()` returned, while the component
 * is mounted. Without a request it is idle.
 * @example const { progress, data } = useRun(requestId);
 */
export function useRun<Output = unknown>(request: string | RunReference | undefined): RunView<Output> {
  const client = useClient();
  const id = typeof request === "object" ? request.id : request;
  // A reference is often another object at each render: only another id is another request.
  // oxlint-disable-next-line react/exhaustive-deps -- see above
  const store = useMemo(() => (request === undefined ? noRun : storeOfReference<Output>(client, request)), [client, id]);
  return useRunStore(store);
}

export function useRunStore<Output>(store: RunStore<Output>): RunView<Output> {
  const snapshot = useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot);
  return useMemo(() => viewOf(snapshot), [snapshot]);
}
